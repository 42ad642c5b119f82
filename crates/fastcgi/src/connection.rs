//! [`Connection`]: a socket and its session. One buffered read and one write serve a small request; a connection that
//! wants too much at once is told to come again, so that the others get their turn.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

use crate::session::{Context, Session};
use crate::{Config, Stats, Trouble};

/// Reads of one connection before the others get their turn.
const READS_MAX: usize = 8;
/// Input of refused requests that is thrown away before a connection is closed, so that the web server gets to read the
/// answer; some send everything before they read anything.
const DRAINED_BYTES_MAX: u64 = 256 << 20;
/// How long that may take.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client must have taken nothing before its connection may be closed to free memory for others.
const STALLED_AFTER: Duration = Duration::from_secs(1);
/// The same for one that takes something now and then, but never everything.
const SLOW_AFTER: Duration = Duration::from_secs(10);

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Socket,
    pub(crate) session: Session,
    registered: Option<Interest>,
    /// Whether a read may find something.
    readable: bool,
    /// Whether the web server has said that it sends no more, so that a short read is not the last one.
    ending: bool,
    input_ended: bool,
    /// When the last byte moved or, before the first, when the connection was accepted.
    pub(crate) moved: Instant,
    blocked: Option<Blocked>,
    draining: Option<Draining>,
    /// What the loop has counted as held by this connection.
    pub(crate) counted_bytes: usize,
    /// Whether the loop has put this connection on its list of those that can go on.
    pub(crate) queued: bool,
}

/// A client that does not take everything.
#[derive(Clone, Copy, Debug)]
struct Blocked {
    /// Since when something has been left.
    since: Instant,
    /// When it last took something.
    taken: Instant,
}

/// Throwing away what is still sent for a refused request.
#[derive(Clone, Copy, Debug)]
struct Draining {
    until: Instant,
    left: u64,
}

/// What is to become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It waits for its socket or the application.
    Wait,
    /// It could go on.
    Again,
    /// It is over.
    Close,
}

/// Buffers that all connections of a loop share.
#[derive(Debug)]
pub(crate) struct Buffers {
    pub(crate) input: Vec<u8>,
    pub(crate) spare: Vec<u8>,
}

impl Connection {
    pub(crate) const fn new(socket: Socket, now: Instant) -> Connection {
        Connection {
            socket,
            session: Session::new(),
            registered: None,
            readable: true,
            ending: false,
            input_ended: false,
            moved: now,
            blocked: None,
            draining: None,
            counted_bytes: 0,
            queued: false,
        }
    }

    /// The kernel says that there is something to read.
    pub(crate) const fn note_readable(&mut self) {
        self.readable = true;
    }

    /// The kernel says that what there is to read is the end of it.
    pub(crate) const fn note_ending(&mut self) {
        self.readable = true;
        self.ending = true;
    }

    /// Moves everything that can be moved now.
    pub(crate) fn drive(&mut self, context: &Context<'_>, buffers: &mut Buffers) -> Next {
        self.session.borrow_buffer(&mut buffers.spare);
        let next = self.advance(context, &mut buffers.input);
        self.session.release(&mut buffers.spare);
        next
    }

    fn advance(&mut self, context: &Context<'_>, input: &mut [u8]) -> Next {
        if self.draining.is_some() {
            return self.drain(context, input);
        }
        for _ in 0..READS_MAX {
            let more = self.session.pump(context);
            match self.write(context) {
                Ok(()) => {}
                Err(_lost) => return Next::Close,
            }
            if !self.session.has_room() {
                return Next::Wait;
            }
            if self.session.has_unprocessed() {
                if let Err(error) = self.session.process(context) {
                    context.shared.application.report(&Trouble::Protocol(&error));
                    return Next::Close;
                }
                if !self.session.unsent().is_empty() {
                    continue;
                }
            }
            if !self.readable {
                if more {
                    continue;
                }
                return self.rest(context, input);
            }
            match self.read(context, input) {
                Ok(0) => self.end_input(),
                Ok(taken) => {
                    let bytes = input.get(..taken).unwrap_or_default();
                    if let Err(error) = self.session.receive(bytes, context) {
                        context.shared.application.report(&Trouble::Protocol(&error));
                        return Next::Close;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_lost) => return Next::Close,
            }
        }
        Next::Again
    }

    /// Nothing more can be moved: wait, or close.
    fn rest(&mut self, context: &Context<'_>, input: &mut [u8]) -> Next {
        if !self.session.is_finished() {
            return Next::Wait;
        }
        if !self.session.has_loose_input() {
            return Next::Close;
        }
        if self.socket.shutdown(Shutdown::Write).is_err() {
            return Next::Close;
        }
        self.draining = Some(Draining { until: context.now + DRAIN_TIMEOUT, left: DRAINED_BYTES_MAX });
        self.readable = true;
        self.drain(context, input)
    }

    fn drain(&mut self, context: &Context<'_>, input: &mut [u8]) -> Next {
        for _ in 0..READS_MAX {
            if !self.readable {
                return Next::Wait;
            }
            let taken = match self.read(context, input) {
                Ok(0) => return Next::Close,
                Ok(taken) => crate::count(taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(_lost) => return Next::Close,
            };
            match &mut self.draining {
                Some(draining) if draining.left > taken => draining.left -= taken,
                _ => return Next::Close,
            }
        }
        Next::Again
    }

    fn end_input(&mut self) {
        self.readable = false;
        self.input_ended = true;
        self.session.end_input();
    }

    /// One read. A short one means that there is no more, unless the end has been announced.
    fn read(&mut self, context: &Context<'_>, input: &mut [u8]) -> io::Result<usize> {
        loop {
            Stats::add(&context.shared.stats.reads);
            match self.socket.read(input) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.readable = false;
                    return Err(error);
                }
                Ok(taken) => {
                    self.readable = taken == input.len() || self.ending;
                    self.moved = context.now;
                    return Ok(taken);
                }
            }
        }
    }

    /// Writes what is there, as far as the client takes it.
    fn write(&mut self, context: &Context<'_>) -> io::Result<()> {
        while !self.session.unsent().is_empty() {
            Stats::add(&context.shared.stats.writes);
            match self.socket.write(self.session.unsent()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => {
                    self.session.advance(sent);
                    self.moved = context.now;
                    self.blocked.iter_mut().for_each(|blocked| blocked.taken = context.now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked.get_or_insert(Blocked { since: context.now, taken: context.now });
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.blocked = None;
        Ok(())
    }

    /// Makes the kernel tell what this connection waits for. A connection that is served at once never comes here.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let blocked = !self.session.unsent().is_empty();
        let wanted = if blocked { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        if self.registered == Some(wanted) {
            return Ok(());
        }
        let first = self.registered.is_none();
        match &mut self.socket {
            Socket::Unix(socket) if first => registry.register(socket, token, wanted)?,
            Socket::Tcp(socket) if first => registry.register(socket, token, wanted)?,
            Socket::Unix(socket) => registry.reregister(socket, token, wanted)?,
            Socket::Tcp(socket) => registry.reregister(socket, token, wanted)?,
        }
        self.registered = Some(wanted);
        Ok(())
    }

    /// Until when this connection may stay as it is, and what to call it.
    pub(crate) fn deadline(&self, config: &Config) -> Option<(Instant, &'static str)> {
        match &self.draining {
            Some(draining) => Some((draining.until, "draining input")),
            None => {
                let moved = self.blocked.map_or(self.moved, |blocked| blocked.taken);
                self.session.waiting().deadline(moved, config)
            }
        }
    }

    /// Whether the client stands in the way of others: it takes nothing, or has not taken everything for long.
    pub(crate) fn is_stalled(&self, now: Instant) -> bool {
        self.blocked.is_some_and(|Blocked { since, taken }| {
            now.saturating_duration_since(taken) >= STALLED_AFTER || now.saturating_duration_since(since) >= SLOW_AFTER
        })
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.draining.is_none() && self.session.is_idle()
    }
}

impl Socket {
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Socket::Unix(socket) => socket.shutdown(how),
            Socket::Tcp(socket) => socket.shutdown(how),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(socket) => socket.read(buf),
            Socket::Tcp(socket) => socket.read(buf),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(socket) => socket.write(buf),
            Socket::Tcp(socket) => socket.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
