//! [`EventLoop`]: one thread that serves many connections. It waits for the kernel, drives what is ready, accepts, and
//! now and then looks for what has been waiting too long. It ends only when told to stop.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use crate::acceptor::{Accepted, Acceptor};
use crate::connection::{Buffers, Connection, Next, Socket};
use crate::listener::BACKLOG_MAX;
use crate::mailbox::Mailbox;
use crate::server::Shared;
use crate::session::Context;
use crate::{Stats, Trouble};

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 1024;
/// Connections accepted before those that are there get their turn, and other processes theirs.
const ACCEPTS_MAX: usize = 16;
/// Bytes read at once.
const INPUT_BYTES: usize = 64 << 10;
/// How long a connection that was accepted and has sent nothing is waited for when the server stops or has no room: its
/// request is on the way, or it is one that a web server keeps in stock.
const FRESH_GRACE: Duration = Duration::from_secs(1);
/// How often a loop that holds too much looks whether it still does.
const HOLD: Duration = Duration::from_millis(20);
/// How often a loop looks for clients that keep threads from others.
const STARVED: Duration = Duration::from_millis(100);

/// A stop that has begun.
#[derive(Clone, Copy, Debug)]
struct Stopping {
    /// Until when a connection that has sent nothing is waited for.
    fresh_until: Instant,
    /// Until when anything is waited for.
    until: Instant,
}

/// One event loop.
#[derive(Debug)]
pub(crate) struct EventLoop {
    poll: Poll,
    mailbox: Arc<Mailbox>,
    shared: Arc<Shared>,
    acceptor: Option<Acceptor>,
    connections: Vec<Option<Box<Connection>>>,
    free: Vec<usize>,
    again: Vec<usize>,
    posted: Vec<usize>,
    buffers: Buffers,
    held_bytes: usize,
    now: Instant,
    next_scan: Option<Instant>,
    stopping: Option<Stopping>,
    /// Where the search for an idle connection goes on.
    hand: usize,
}

impl EventLoop {
    pub(crate) fn new(
        poll: Poll,
        mailbox: Arc<Mailbox>,
        mut acceptor: Acceptor,
        shared: Arc<Shared>,
    ) -> io::Result<EventLoop> {
        acceptor.register(poll.registry(), LISTENER)?;
        Ok(EventLoop {
            poll,
            mailbox,
            shared,
            acceptor: Some(acceptor),
            connections: Vec::new(),
            free: Vec::new(),
            again: Vec::new(),
            posted: Vec::new(),
            buffers: Buffers { input: vec![0; INPUT_BYTES], spare: Vec::new() },
            held_bytes: 0,
            now: Instant::now(),
            next_scan: None,
            stopping: None,
            hand: 0,
        })
    }

    /// The kernel's queue and the mailbox of a loop to be.
    pub(crate) fn queue() -> io::Result<(Poll, Arc<Mailbox>)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        Ok((poll, Arc::new(Mailbox::new(waker))))
    }

    /// Serves until stopped.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.is_done() {
            Stats::add(&self.shared.stats.polls);
            match self.poll.poll(&mut events, self.wait()) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
                Err(error) => return Err(error),
            }
            self.now = Instant::now();
            self.turn(&events);
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        let Some(Stopping { until, .. }) = self.stopping else { return false };
        self.free.len() == self.connections.len() || until <= self.now
    }

    /// How long the kernel may let us sleep.
    fn wait(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(if self.is_holding() { HOLD } else { Duration::ZERO });
        }
        let accept = self.acceptor.as_ref().and_then(|acceptor| acceptor.wakes_at(self.now));
        let stop = self.stopping.map(|stopping| stopping.until);
        let starved = self.shared.pool.is_starved().then(|| self.now + STARVED);
        let next = [self.next_scan, stop, accept, starved].into_iter().flatten().min();
        next.map(|at| at.saturating_duration_since(self.now))
    }

    fn turn(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                LISTENER => self.acceptor.iter_mut().for_each(Acceptor::note_ready),
                WAKER => {}
                Token(token) if event.is_write_closed() || event.is_error() => self.close(token),
                Token(token) => {
                    if let Some(Some(connection)) = self.connections.get_mut(token) {
                        if event.is_read_closed() {
                            connection.note_ending();
                        } else if event.is_readable() {
                            connection.note_readable();
                        }
                    }
                    self.drive(token);
                }
            }
        }
        let mut posted = std::mem::take(&mut self.posted);
        self.mailbox.take(&mut posted);
        posted.drain(..).for_each(|token| self.drive(token));
        self.posted = posted;
        if !self.again.is_empty() {
            let again = std::mem::take(&mut self.again);
            for token in again {
                if let Some(Some(connection)) = self.connections.get_mut(token) {
                    connection.queued = false;
                }
                self.drive(token);
            }
        }
        if self.shared.stopping.load(Ordering::Acquire) && self.stopping.is_none() {
            self.stop();
        }
        self.accept(ACCEPTS_MAX);
        self.scan_if_due();
    }

    /// Accepts at most so many connections and serves each at once: its request is mostly there already.
    fn accept(&mut self, accepts_max: usize) {
        for _ in 0..accepts_max {
            let Some(acceptor) = self.acceptor.as_mut().filter(|acceptor| acceptor.is_ready(self.now)) else { return };
            if Stats::get(&self.shared.stats.connections) >= self.shared.connections_max {
                acceptor.pause(self.now);
                self.close_one_idle();
                continue;
            }
            match acceptor.accept(self.now) {
                Accepted::Connection(socket) => self.open(socket),
                Accepted::Nothing => {}
                Accepted::Drained => return,
                Accepted::Trouble(news) => {
                    news.iter().for_each(|error| self.shared.application.report(&Trouble::Accept(error)));
                    self.close_one_idle();
                }
            }
        }
    }

    fn open(&mut self, socket: Socket) {
        Stats::add(&self.shared.stats.accepted);
        Stats::add(&self.shared.stats.connections);
        let mut connection = Box::new(Connection::new(socket, self.now));
        if self.stopping.is_some() {
            connection.session.stop();
        }
        let token = match self.free.pop() {
            Some(token) => token,
            None => {
                self.connections.push(None);
                self.connections.len() - 1
            }
        };
        if let Some(place) = self.connections.get_mut(token) {
            *place = Some(connection);
        }
        self.drive(token);
    }

    /// Lets a connection move all it can; whatever happens, only this connection can be lost.
    fn drive(&mut self, token: usize) {
        let Some(Some(connection)) = self.connections.get_mut(token) else { return };
        let waits = self.held_bytes > self.shared.config.unsent_bytes_max && connection.counted_bytes == 0;
        let context = Context { shared: &self.shared, mailbox: &self.mailbox, token, now: self.now };
        let drive = || if waits { Next::Again } else { connection.drive(&context, &mut self.buffers) };
        let next = catch_unwind(AssertUnwindSafe(drive)).unwrap_or(Next::Close);
        let held_bytes = connection.session.held_bytes();
        self.held_bytes = self.held_bytes - connection.counted_bytes + held_bytes;
        connection.counted_bytes = held_bytes;
        match next {
            Next::Wait => {
                if connection.register(self.poll.registry(), Token(token)).is_err() {
                    self.close(token);
                }
            }
            Next::Again if connection.queued => {}
            Next::Again => {
                connection.queued = true;
                self.again.push(token);
            }
            Next::Close => self.close(token),
        }
        let soonest = self.now.checked_add(self.shared.shortest_timeout);
        self.next_scan = self.next_scan.into_iter().chain(soonest).min();
    }

    fn close(&mut self, token: usize) {
        let Some(connection) = self.connections.get_mut(token).and_then(Option::take) else { return };
        self.held_bytes -= connection.counted_bytes;
        self.shared.stats.connections.fetch_sub(1, Ordering::Relaxed);
        self.free.push(token);
        self.acceptor.iter_mut().for_each(Acceptor::end_pause);
        // Dropping a stream that the application made may panic; the connection is gone either way.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(connection)));
    }

    /// Makes room for a connection by closing one that only waits for its next request, searched for in a circle.
    fn close_one_idle(&mut self) {
        for _ in 0..self.connections.len() {
            let token = self.hand;
            self.hand = (self.hand + 1) % self.connections.len();
            if !self.is_spare(token) {
                continue;
            }
            // A request may have come in the meantime, and then it is not idle any more.
            if let Some(Some(connection)) = self.connections.get_mut(token) {
                connection.note_readable();
            }
            self.drive(token);
            if self.is_spare(token) {
                self.close(token);
                return;
            }
        }
    }

    /// Whether a connection is idle and not just about to send its first request.
    fn is_spare(&self, token: usize) -> bool {
        let Some(Some(connection)) = self.connections.get(token) else { return false };
        let waited = self.now.saturating_duration_since(connection.moved);
        connection.is_idle() && (!connection.session.is_fresh() || waited >= FRESH_GRACE)
    }

    fn is_holding(&self) -> bool {
        self.held_bytes > self.shared.config.unsent_bytes_max
    }

    /// Closes what has waited too long, and finds out when to look again.
    fn scan_if_due(&mut self) {
        if self.is_holding() && !self.again.is_empty() {
            self.close_most_stalled();
        }
        if self.shared.pool.is_starved() {
            self.close_stalled_with_threads();
        }
        if self.next_scan.is_none_or(|at| at > self.now) {
            return;
        }
        let mut next_scan: Option<Instant> = None;
        for token in 0..self.connections.len() {
            let Some(Some(connection)) = self.connections.get(token) else { continue };
            let mut deadline = connection.deadline(&self.shared.config);
            if let Some(stopping) = self.stopping.filter(|_| connection.session.is_fresh()) {
                deadline = Some((stopping.fresh_until, "stopping"));
            }
            match deadline {
                Some((at, name)) if at <= self.now => {
                    if !connection.is_idle() {
                        self.shared.application.report(&Trouble::TimedOut(name));
                    }
                    self.close(token);
                }
                Some((at, _)) => next_scan = next_scan.into_iter().chain([at]).min(),
                None => {}
            }
        }
        self.next_scan = next_scan;
    }

    /// Frees memory that waits for clients, when others wait for that: of those that stall, the one with the most goes.
    fn close_most_stalled(&mut self) {
        let with_token = self.connections.iter().enumerate();
        let all = with_token.filter_map(|(token, place)| place.as_ref().map(|connection| (token, connection)));
        let stalled = all.filter(|(_, connection)| connection.is_stalled(self.now));
        if let Some((token, _)) = stalled.max_by_key(|(_, connection)| connection.counted_bytes) {
            self.shared.application.report(&Trouble::Stalled);
            self.close(token);
        }
    }

    /// Frees threads that wait for clients, when requests wait for threads.
    fn close_stalled_with_threads(&mut self) {
        for token in 0..self.connections.len() {
            let Some(Some(connection)) = self.connections.get(token) else { continue };
            if connection.is_stalled(self.now) && connection.session.holds_thread() {
                self.shared.application.report(&Trouble::Stalled);
                self.close(token);
            }
        }
    }

    /// No new connections, the last requests of those that are there.
    fn stop(&mut self) {
        let until = self.shared.stop_until(self.now);
        self.stopping = Some(Stopping { fresh_until: until.min(self.now + FRESH_GRACE), until });
        self.shared.close_listener();
        if self.shared.drains_backlog {
            self.accept(usize::from(BACKLOG_MAX));
        }
        self.acceptor = None;
        for token in 0..self.connections.len() {
            if let Some(Some(connection)) = self.connections.get_mut(token) {
                connection.session.stop();
                connection.note_readable();
            }
            self.drive(token);
        }
        self.next_scan = Some(self.now);
    }
}
