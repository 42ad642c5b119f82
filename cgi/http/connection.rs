//! One client's connection: [`serve`] runs it until the client leaves, a limit is reached or the server stops.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use crate::http::exchange::{Exchange, Peer};
use crate::http::stop::Stop;
use crate::http::timed::{Stream, Timed, WRITE_WAIT_MAX};

/// How long a connection may take to send the head of its next request, waiting included.
pub(crate) const HEAD_WAIT_MAX: Duration = Duration::from_secs(75);
/// The same for connections that come when most places are taken: a crowd that only holds places makes room sooner.
pub(crate) const HEAD_WAIT_MAX_SCARCE: Duration = Duration::from_secs(10);
/// The longest head; beyond it hyper answers 431.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// What a connection needs of the server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) pool: Handle,
}

/// What came with a connection.
pub(crate) struct Arrival {
    pub(crate) peer: Peer,
    pub(crate) head_wait_max: Duration,
    /// Its place among those that the server holds.
    pub(crate) place: OwnedSemaphorePermit,
}

/// Serves one connection.
pub(crate) async fn serve(server: Server, stream: Stream, arrival: Arrival) {
    let Arrival { peer, head_wait_max, place: _place } = arrival;
    let mut entered = server.stop.enter();
    let answer = |request: hyper::Request<Incoming>| server.exchange.answer(request, peer, &server.pool);
    let io = TokioIo::new(Timed::new(stream, WRITE_WAIT_MAX, server.exchange.outgoing()));
    let mut builder = http1::Builder::new();
    // A client may say that it has sent everything (`nc -N`) and still wait for its answer.
    builder.half_close(true).timer(TokioTimer::new()).header_read_timeout(head_wait_max).max_buf_size(HEAD_BYTES_MAX);
    let mut connection = pin!(builder.serve_connection(io, service_fn(answer)));
    let mut told = false;
    let ended = poll_fn(|cx| {
        if !told && entered.is_stopping(cx.waker()) {
            told = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    });
    // A client that leaves in the middle is its own business.
    let _ = ended.await;
}
