//! [`Acceptor`]: takes connections from the listening socket, which other threads and processes may be doing too.
//! Whatever goes wrong costs a pause, never the loop (EMFILE, ENFILE, ECONNABORTED, a web server that is not ours).

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;

use crate::connection::Socket;
use crate::listener::{self, Listener};

/// How long accepting pauses when the machine has no file or memory for one more connection; a connection that closes
/// ends the pause.
const PAUSE: Duration = Duration::from_millis(100);

/// One loop's access to the listening socket.
#[derive(Debug)]
pub(crate) struct Acceptor {
    socket: ListeningSocket,
    /// Whether there may be a connection: the kernel tells only once.
    ready: bool,
    paused_until: Option<Instant>,
    /// Whether the last attempt was trouble, which is told once.
    troubled: bool,
    allowed: Option<Vec<IpAddr>>,
}

#[derive(Debug)]
enum ListeningSocket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// What came of an attempt.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// A connection.
    Connection(Socket),
    /// Nothing this time, but there may be more.
    Nothing,
    /// Nobody is waiting.
    Drained,
    /// Not now; the pause has begun. The error, if it is news.
    Trouble(Option<io::Error>),
}

impl Acceptor {
    pub(crate) fn new(listener: &Listener, allowed: Option<Vec<IpAddr>>) -> io::Result<Acceptor> {
        let socket = match &listener.socket {
            listener::Socket::Unix(socket) => ListeningSocket::Unix(UnixListener::from_std(socket.try_clone()?)),
            listener::Socket::Tcp(socket) => ListeningSocket::Tcp(TcpListener::from_std(socket.try_clone()?)),
        };
        Ok(Acceptor { socket, ready: true, paused_until: None, troubled: false, allowed })
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.socket {
            ListeningSocket::Unix(socket) => socket.register(registry, token, Interest::READABLE),
            ListeningSocket::Tcp(socket) => socket.register(registry, token, Interest::READABLE),
        }
    }

    pub(crate) const fn note_ready(&mut self) {
        self.ready = true;
    }

    /// A connection has closed: there is room for another.
    pub(crate) const fn end_pause(&mut self) {
        self.paused_until = None;
    }

    pub(crate) fn pause(&mut self, now: Instant) {
        self.paused_until = now.checked_add(PAUSE);
    }

    /// Whether trying makes sense now.
    pub(crate) fn is_ready(&self, now: Instant) -> bool {
        self.ready && self.paused_until.is_none_or(|until| until <= now)
    }

    /// When trying makes sense again, if a pause is all that is in the way.
    pub(crate) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        if self.ready { self.paused_until.or(Some(now)) } else { None }
    }

    pub(crate) fn accept(&mut self, now: Instant) -> Accepted {
        self.paused_until = None;
        let accepted = match &self.socket {
            ListeningSocket::Unix(socket) => socket.accept().map(|(socket, _)| Some(Socket::Unix(socket))),
            ListeningSocket::Tcp(socket) => socket.accept().map(|(socket, peer)| {
                let allowed = self.allowed.as_ref().is_none_or(|all| all.contains(&peer.ip().to_canonical()));
                // Without it small answers wait for acknowledgements; that it is refused costs only time.
                let _ = socket.set_nodelay(true);
                allowed.then_some(Socket::Tcp(socket))
            }),
        };
        match accepted {
            Ok(Some(socket)) => {
                self.troubled = false;
                Accepted::Connection(socket)
            }
            Ok(None) => Accepted::Nothing,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.ready = false;
                Accepted::Drained
            }
            Err(error) if concerns_one_connection(&error) => Accepted::Nothing,
            Err(error) => {
                self.pause(now);
                let news = !std::mem::replace(&mut self.troubled, true);
                Accepted::Trouble(news.then_some(error))
            }
        }
    }
}

/// Errors of a connection that went away while it waited; the next one may be fine (accept(2)).
fn concerns_one_connection(error: &io::Error) -> bool {
    let Some(errno) = error.raw_os_error().map(Errno::from_raw_os_error) else { return false };
    [
        Errno::CONNABORTED,
        Errno::INTR,
        Errno::PROTO,
        Errno::NETDOWN,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::NONET,
        Errno::HOSTUNREACH,
        Errno::OPNOTSUPP,
        Errno::NETUNREACH,
        Errno::TIMEDOUT,
        Errno::PERM,
    ]
    .contains(&errno)
}
