//! [`Server`]: a listener, a configuration and an application, run until [`Handle::stop`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use std::{error, fmt, io, thread};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::acceptor::Acceptor;
use crate::connection::DRAIN_TIMEOUT;
use crate::event_loop::EventLoop;
use crate::mailbox::Mailbox;
use crate::pool::Pool;
use crate::{Application, Config, Listener, ListenerError, Stats};

/// Files that are left to the application when connections take the rest.
const FILES_KEPT: u64 = 128;
/// The longest stop; the clock cannot count for ever.
const STOP_TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A server that is ready to run.
#[derive(Debug)]
pub struct Server {
    loops: Vec<EventLoop>,
    shared: Arc<Shared>,
    mailboxes: Arc<[Arc<Mailbox>]>,
}

/// What event loops share.
pub(crate) struct Shared {
    pub(crate) application: Arc<dyn Application>,
    /// Until the stop.
    listener: Mutex<Option<Listener>>,
    pub(crate) config: Config,
    pub(crate) pool: Pool,
    pub(crate) stats: Arc<Stats>,
    pub(crate) stopping: AtomicBool,
    stop_until: OnceLock<Instant>,
    pub(crate) connections_max: u64,
    pub(crate) shortest_timeout: Duration,
    /// Whether nobody else accepts from the socket, so that what waits in it would be lost.
    pub(crate) drains_backlog: bool,
}

impl Server {
    /// Makes a server ready, and raises the process's soft limit of open files to the hard one.
    ///
    /// # Errors
    /// The event loops cannot be made (no more files).
    pub fn new(listener: Listener, config: Config, application: impl Application) -> Result<Server, ServerError> {
        let shared = Arc::new(Shared::new(Arc::new(application), config, listener.is_own()));
        let mut loops = Vec::new();
        let mut mailboxes = Vec::new();
        for _ in 0..shared.config.threads.max(1) {
            let (poll, mailbox) = EventLoop::queue().map_err(ServerError::Events)?;
            let allowed = shared.config.web_server_addrs.clone();
            let acceptor = Acceptor::new(&listener, allowed).map_err(ServerError::Events)?;
            mailboxes.push(Arc::clone(&mailbox));
            loops.push(EventLoop::new(poll, mailbox, acceptor, Arc::clone(&shared)).map_err(ServerError::Events)?);
        }
        *shared.lock_listener() = Some(listener);
        Ok(Server { loops, shared, mailboxes: mailboxes.into() })
    }

    /// What stops this server, from any thread.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared), mailboxes: Arc::clone(&self.mailboxes) }
    }

    /// Serves until stopped; the calling thread becomes one of the event loops.
    ///
    /// # Errors
    /// The kernel's event queue fails, or a thread cannot be started; single connections never end a server.
    pub fn run(mut self) -> Result<(), ServerError> {
        let handle = self.handle();
        let here = self.loops.pop();
        let mut threads = Vec::new();
        let mut result = Ok(());
        for event_loop in self.loops {
            let others = handle.clone();
            let run = move || {
                let result = event_loop.run();
                others.stop();
                result
            };
            match thread::Builder::new().name("fastcgi-loop".into()).spawn(run) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    handle.stop();
                    result = Err(error);
                }
            }
        }
        if let Some(event_loop) = here {
            result = result.and(event_loop.run());
            handle.stop();
        }
        for thread in threads {
            result = result.and(thread.join().unwrap_or_else(|_panic| Err(io::Error::other("event loop panicked"))));
        }
        self.shared.pool.wait_until_quiet(self.shared.stop_until(Instant::now()));
        result.map_err(ServerError::Events)
    }
}

impl Shared {
    pub(crate) fn new(application: Arc<dyn Application>, config: Config, drains_backlog: bool) -> Shared {
        let files = raise_file_limit();
        let from_files = files.saturating_sub(FILES_KEPT).max(files / 2);
        let connections_max = config.connections_max.map_or(from_files, crate::count).max(1);
        let timeouts = [config.idle_timeout, config.read_timeout, config.write_timeout, DRAIN_TIMEOUT];
        Shared {
            pool: Pool::new(Arc::clone(&application), &config),
            application,
            listener: Mutex::new(None),
            stats: Arc::default(),
            stopping: AtomicBool::new(false),
            stop_until: OnceLock::new(),
            connections_max,
            shortest_timeout: timeouts.into_iter().min().unwrap_or(DRAIN_TIMEOUT),
            drains_backlog,
            config,
        }
    }

    /// Removes the path that we made; the socket itself closes with the last acceptor.
    pub(crate) fn close_listener(&self) {
        drop(self.lock_listener().take());
    }

    /// Until when requests may finish; whoever asks first begins the stop.
    pub(crate) fn stop_until(&self, now: Instant) -> Instant {
        *self.stop_until.get_or_init(|| now + self.config.stop_timeout.min(STOP_TIMEOUT_MAX))
    }

    fn lock_listener(&self) -> MutexGuard<'_, Option<Listener>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Raises the soft limit to the hard one, and tells the limit that holds then.
fn raise_file_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum || setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        return current.unwrap_or(u64::MAX);
    }
    maximum.unwrap_or(u64::MAX)
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).field("stats", &self.stats).finish_non_exhaustive()
    }
}

/// Stops a server and knows its counters.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    mailboxes: Arc<[Arc<Mailbox>]>,
}

impl Handle {
    /// Asks for a stop and returns at once: no new connections, idle ones closed, requests in flight finished for at most
    /// [`Config::stop_timeout`]. `run` then returns.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.mailboxes.iter().for_each(|mailbox| mailbox.wake());
    }

    /// What the server has done so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }
}

/// A server could not start or go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The listener could not be made.
    Listener(ListenerError),
    /// The kernel's event queue failed, or a thread could not be started.
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
            ServerError::Events(_) => write!(f, "event loops"),
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
