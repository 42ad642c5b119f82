//! The event loops: [`serve`] accepts connections and deals them out to one loop per thread, so that no loop has more than
//! its share. The first loop accepts; with one thread it serves as well.

use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::http::connection::{self, Arrival, HEAD_WAIT_MAX, HEAD_WAIT_MAX_SCARCE, Server};
use crate::http::exchange::{Exchange, Peer};
use crate::http::stop::Stop;
use crate::http::timed::Stream;
use crate::listen::{Socket, raise_file_limit};
use crate::site::log;

/// Files that are no connections: the log's segments, SQLite, the listening socket.
const OTHER_FILES: u64 = 256;
/// Fewer connections than this are no server.
const CONNECTIONS_MIN: u64 = 16;
/// Threads of the pool: they mostly wait for the disk. Each may be making an answer of a MiB that nobody reads.
const POOL_THREADS_MAX: usize = 8;
/// How long a stop waits for what is in flight.
const STOP_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long to wait after an accept that failed (no more files): the queue of the kernel keeps the connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// SIGXFSZ ends the process unless it is caught; then the write fails instead.
const SIGXFSZ: i32 = 25;

/// A connection on its way to its loop.
struct Accepted {
    stream: Raw,
    arrival: Arrival,
}

/// A stream that no loop knows yet.
enum Raw {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Serves until `until` is done, then until what is in flight is done.
pub(crate) fn serve(
    socket: Socket,
    exchange: Arc<Exchange>,
    threads: usize,
    until: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let places = raise_file_limit().saturating_sub(OTHER_FILES).clamp(CONNECTIONS_MIN, Semaphore::MAX_PERMITS as u64);
    let places = Arc::new(Semaphore::new(usize::try_from(places).unwrap_or(Semaphore::MAX_PERMITS)));
    let runtime = runtime()?;
    let server = Server { exchange, stop: Arc::default(), pool: runtime.handle().clone() };
    let mut loops = Vec::new();
    let mut joins = Vec::new();
    for number in 1..threads {
        let (sender, receiver) = unbounded_channel();
        let server = server.clone();
        let name = format!("blerg-loop-{number}");
        joins.push(thread::Builder::new().name(name).spawn(move || run_loop(&server, receiver))?);
        loops.push(sender);
    }
    let (sender, receiver) = unbounded_channel();
    loops.push(sender);
    let outcome = runtime.block_on(async {
        let own = tokio::spawn(take(server.clone(), receiver));
        let outcome = accept(socket, &places, loops, until).await;
        server.stop.stop();
        let _ = own.await;
        finish(&server.stop).await;
        outcome
    });
    for join in joins {
        // A loop that panicked has told so itself.
        let _ = join.join();
    }
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(POOL_THREADS_MAX)
        .thread_keep_alive(Duration::from_secs(10))
        .build()
}

fn run_loop(server: &Server, receiver: UnboundedReceiver<Accepted>) {
    match runtime() {
        Ok(runtime) => runtime.block_on(async {
            take(server.clone(), receiver).await;
            finish(&server.stop).await;
        }),
        Err(error) => log(&format!("event loop: {error}")),
    }
}

/// Takes connections as they are dealt.
async fn take(server: Server, mut receiver: UnboundedReceiver<Accepted>) {
    while let Some(Accepted { stream, arrival }) = receiver.recv().await {
        let stream = match stream {
            Raw::Tcp(stream) => tokio::net::TcpStream::from_std(stream).map(Stream::Tcp),
            Raw::Unix(stream) => tokio::net::UnixStream::from_std(stream).map(Stream::Unix),
        };
        if let Ok(stream) = stream {
            tokio::spawn(connection::serve(server.clone(), stream, arrival));
        }
    }
}

/// SIGTERM or SIGINT came.
pub(crate) async fn signalled() -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let _caught = signal(SignalKind::from_raw(SIGXFSZ))?;
    poll_fn(|cx| {
        let came = terminate.poll_recv(cx).is_ready() || interrupt.poll_recv(cx).is_ready();
        if came { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

/// Accepts until `until` is done; then nobody listens any more.
async fn accept(
    socket: Socket,
    places: &Arc<Semaphore>,
    loops: Vec<UnboundedSender<Accepted>>,
    until: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let (listener, path) = match socket {
        Socket::Tcp(socket) => (Listener::Tcp(TcpListener::from_std(socket)?), None),
        Socket::Unix(socket, path) => (Listener::Unix(UnixListener::from_std(socket)?), Some(path)),
    };
    let mut turn = loops.iter().cycle();
    // When fewer than a quarter of all places are free.
    let scarce = places.available_permits() / 4;
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(places).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let is_scarce = places.available_permits() < scarce;
                    let head_wait_max = if is_scarce { HEAD_WAIT_MAX_SCARCE } else { HEAD_WAIT_MAX };
                    let accepted = Accepted { stream, arrival: Arrival { peer, head_wait_max, place } };
                    if turn.next().is_some_and(|next| next.send(accepted).is_err()) {
                        return;
                    }
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    };
    let (mut accepting, mut until) = (pin!(accepting), pin!(until));
    let outcome = poll_fn(|cx| match until.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(outcome),
        Poll::Pending => accepting.as_mut().poll(cx).map(Ok),
    })
    .await;
    // The next server may take the place at once, so the path goes while it is still ours.
    if let Some(path) = path {
        // It may have been removed by hand.
        let _ = std::fs::remove_file(path);
    }
    outcome
}

impl Listener {
    async fn accept(&self) -> io::Result<(Raw, Peer)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // An answer is one write; waiting for more of it would only delay it.
                let _ = stream.set_nodelay(true);
                Ok((Raw::Tcp(stream.into_std()?), Peer { address: Some(IpAddr::to_canonical(&address.ip())) }))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Raw::Unix(stream.into_std()?), Peer { address: None }))
            }
        }
    }
}

/// Waits for the connections to end, not for ever.
async fn finish(stop: &Stop) {
    let deadline = Instant::now() + STOP_WAIT_MAX;
    while stop.connections() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
