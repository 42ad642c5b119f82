//! A connection without its socket, for a fuzzer: bytes in, answers out. Start at [`Conversation`].
//! Only there with the feature `fuzzing`; a server has no use for it.

use std::sync::Arc;
use std::time::Instant;
use std::{fmt, io};

use crate::event_loop::EventLoop;
use crate::mailbox::Mailbox;
use crate::server::Shared;
use crate::session::{Context, Session};
use crate::{Application, Config};

/// Rounds through answers that are ready before more bytes are taken.
const ROUNDS_MAX: usize = 100;

/// One connection.
pub struct Conversation {
    session: Session,
    shared: Shared,
    mailbox: Arc<Mailbox>,
    answers: Vec<u8>,
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

impl Conversation {
    /// With an application that answers on the event loop.
    ///
    /// # Errors
    /// There are no more files.
    pub fn new(application: impl Application, config: Config) -> Result<Conversation, io::Error> {
        let (_poll, mailbox) = EventLoop::queue()?;
        let shared = Shared::new(Arc::new(application), config, false);
        Ok(Conversation { session: Session::new(), shared, mailbox, answers: Vec::new() })
    }

    /// Sends bytes as a fast client would: everything that comes back is taken.
    ///
    /// # Errors
    /// Why the connection is closed.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let context = Context { shared: &self.shared, mailbox: &self.mailbox, token: 0, now: Instant::now() };
        let mut went_on = self.session.receive(bytes, &context);
        for _ in 0..ROUNDS_MAX {
            let more = self.session.pump(&context);
            let unsent = self.session.unsent().len();
            self.answers.extend_from_slice(self.session.unsent());
            self.session.advance(unsent);
            if went_on.is_err() || (!more && unsent == 0) {
                break;
            }
            went_on = self.session.process(&context);
        }
        went_on.map_err(|error| error.to_string())
    }

    /// Everything that came back.
    #[must_use]
    pub fn into_answers(self) -> Vec<u8> {
        self.answers
    }
}
