//! Bodies between hyper and the site: [`Answer`] goes out, whole or piece by piece; [`read`] takes a request's in, bounded
//! in size and time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use blerg_http::{Body, Refusal};
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// A body that takes longer is given up.
const BODY_WAIT_MAX: Duration = Duration::from_secs(60);
/// What is read and dropped of a body that was refused, so that the client gets to read why.
const DRAIN_BYTES_MAX: usize = 1024 * 1024;
const DRAIN_WAIT_MAX: Duration = Duration::from_secs(2);
/// Room made at first for a body whose length is not announced.
const CHUNKED_BYTES: usize = 4096;

/// A piece that is being made, and the iterator that makes it.
type Working = JoinHandle<(Pieces, Option<io::Result<Vec<u8>>>)>;
type Pieces = Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>;

/// The body of an answer.
pub(crate) enum Answer {
    /// All of it, or nothing more.
    Whole(Option<Bytes>),
    /// The iterator waits here, or works in the pool; it is asked for one piece at a time, when the client took the last.
    Pieces { pool: Handle, idle: Option<Pieces>, working: Option<Working> },
}

impl Answer {
    pub(crate) fn new(body: Body, pool: &Handle) -> Answer {
        match body {
            Body::Bytes(bytes) => Answer::Whole((!bytes.is_empty()).then(|| bytes.into())),
            Body::Stream(pieces) => Answer::Pieces { pool: pool.clone(), idle: Some(pieces), working: None },
        }
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Answer::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Answer::Pieces { pool, idle, working } => {
                if let Some(mut pieces) = idle.take() {
                    *working = Some(pool.spawn_blocking(move || {
                        let next = pieces.next();
                        (pieces, next)
                    }));
                }
                let Some(job) = working else {
                    return Poll::Ready(None);
                };
                let Poll::Ready(done) = Pin::new(job).poll(cx) else {
                    return Poll::Pending;
                };
                *working = None;
                let (pieces, next) = done.map_err(io::Error::other)?;
                if next.as_ref().is_some_and(Result::is_ok) {
                    *idle = Some(pieces);
                }
                Poll::Ready(next.map(|piece| piece.map(|bytes| Frame::data(bytes.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Answer::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            Answer::Pieces { .. } => SizeHint::default(),
        }
    }
}

/// Reads a body of at most `bytes_max`; `length` is what was announced.
pub(crate) async fn read(body: Incoming, length: Option<usize>, bytes_max: usize) -> Result<Vec<u8>, Refusal> {
    let reading = gather(body, length.unwrap_or(CHUNKED_BYTES), bytes_max);
    let bytes = tokio::time::timeout(BODY_WAIT_MAX, reading).await.map_err(|_| Refusal::SLOW)??;
    match length {
        Some(length) if length != bytes.len() => Err(Refusal::LENGTH),
        _ => Ok(bytes),
    }
}

async fn gather(mut body: Incoming, expected: usize, bytes_max: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::with_capacity(expected.min(bytes_max));
    while let Some(data) = next_data(&mut body).await.map_err(|_| Refusal::LENGTH)? {
        if data.len() > bytes_max - bytes.len() {
            drain(body).await;
            return Err(Refusal::TOO_LARGE);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Takes some of a refused body, for a short time.
pub(crate) async fn drain(mut body: Incoming) {
    let taking = async {
        let mut taken = 0_usize;
        while taken < DRAIN_BYTES_MAX {
            match next_data(&mut body).await {
                Ok(Some(data)) => taken += data.len(),
                _ => return,
            }
        }
    };
    // Running out of time is as good as the end.
    let _ = tokio::time::timeout(DRAIN_WAIT_MAX, taking).await;
}

async fn next_data(body: &mut Incoming) -> Result<Option<Bytes>, hyper::Error> {
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await.transpose()?;
        match frame.map(Frame::into_data) {
            None => return Ok(None),
            Some(Ok(data)) => return Ok(Some(data)),
            // Trailers.
            Some(Err(_)) => {}
        }
    }
}
