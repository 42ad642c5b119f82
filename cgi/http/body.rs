//! Bodies between hyper and the site: [`Answer`] goes out, whole or piece by piece; [`read`] takes a request's in, bounded
//! in size and time. What is more than small takes room of that for all clients ([`Room`]) until it has gone.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use blerg_http::{Body, Refusal};
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::http::room::{Place, Room, SMALL_BYTES_MAX, TIGHT_WAIT_MAX};

/// A body that takes longer is given up.
const BODY_WAIT_MAX: Duration = Duration::from_secs(60);
/// What is read and dropped of a body that was refused, so that the client gets to read why.
const DRAIN_BYTES_MAX: usize = 1024 * 1024;
const DRAIN_WAIT_MAX: Duration = Duration::from_secs(2);
/// Room made at first for a body whose length is not announced.
const CHUNKED_BYTES: usize = 4096;
/// What an answer that comes in pieces takes of the room: a piece as long as usual, and what hyper has of those before.
const STREAM_BYTES: usize = 128 * 1024;

/// A piece that is being made, and the iterator that makes it.
type Working = JoinHandle<(Pieces, Option<io::Result<Vec<u8>>>)>;
type Pieces = Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>;

/// The body of an answer.
pub(crate) enum Answer {
    /// All of it, or nothing more.
    Whole(Option<Bytes>),
    /// The iterator waits here, or works in the pool; it is asked for one piece at a time, when the client took the last.
    Pieces { pool: Handle, idle: Option<Pieces>, working: Option<Working>, room: Arc<Room>, place: Arc<Place> },
}

/// Bytes that keep their place until hyper has written them.
struct Held {
    bytes: Vec<u8>,
    _places: (Arc<Place>, Option<Place>),
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Answer {
    /// `None`: there is no room.
    pub(crate) fn new(body: Body, pool: &Handle, room: &Arc<Room>) -> Option<Answer> {
        Some(match body {
            Body::Bytes(bytes) if bytes.is_empty() => Answer::Whole(None),
            Body::Bytes(bytes) if bytes.len() <= SMALL_BYTES_MAX => Answer::Whole(Some(bytes.into())),
            Body::Bytes(mut bytes) => {
                // What grew by doubling may be half empty.
                bytes.shrink_to_fit();
                let places = (Arc::new(room.take(bytes.len())?), None);
                Answer::Whole(Some(Bytes::from_owner(Held { bytes, _places: places })))
            }
            Body::Stream(pieces) => {
                let place = Arc::new(room.take(STREAM_BYTES)?);
                Answer::Pieces { pool: pool.clone(), idle: Some(pieces), working: None, room: Arc::clone(room), place }
            }
        })
    }
}

/// A piece on its way; one that is longer than usual needs room of its own, and where there is none the answer is cut off.
fn hold(bytes: Vec<u8>, room: &Room, place: &Arc<Place>) -> io::Result<Frame<Bytes>> {
    let more = bytes.len().saturating_sub(STREAM_BYTES);
    let more = match more {
        0 => None,
        more => Some(room.take(more).ok_or(io::ErrorKind::OutOfMemory)?),
    };
    Ok(Frame::data(Bytes::from_owner(Held { bytes, _places: (Arc::clone(place), more) })))
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Answer::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Answer::Pieces { pool, idle, working, room, place } => {
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
                Poll::Ready(next.map(|piece| piece.and_then(|bytes| hold(bytes, room, place))))
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

/// A body and its place in the room.
pub(crate) type Taken = (Vec<u8>, Option<Place>);

/// Reads a body of at most `bytes_max`; `length` is what was announced.
pub(crate) async fn read(
    body: Incoming,
    length: Option<usize>,
    bytes_max: usize,
    room: &Room,
) -> Result<Taken, Refusal> {
    let reading = gather(body, length, bytes_max, room);
    let (bytes, place) = tokio::time::timeout(BODY_WAIT_MAX, reading).await.map_err(|_| Refusal::SLOW)??;
    match length {
        Some(length) if length != bytes.len() => Err(Refusal::LENGTH),
        _ => Ok((bytes, place)),
    }
}

/// Memory is taken as bytes come: an announced length is only a claim.
async fn gather(mut body: Incoming, length: Option<usize>, bytes_max: usize, room: &Room) -> Result<Taken, Refusal> {
    let most = length.unwrap_or(bytes_max).min(bytes_max);
    let mut bytes = Vec::with_capacity(length.unwrap_or(CHUNKED_BYTES).min(most).min(SMALL_BYTES_MAX));
    let mut place: Option<Place> = None;
    while let Some(data) = next_in_time(&mut body, room, place.is_some()).await? {
        if data.len() > bytes_max - bytes.len() {
            drain(body).await;
            return Err(Refusal::TOO_LARGE);
        }
        let needed = bytes.len() + data.len();
        if needed > bytes.capacity() {
            let capacity = needed.max(bytes.capacity().saturating_mul(2).min(most));
            if capacity > SMALL_BYTES_MAX {
                let held = if place.is_some() { bytes.capacity() } else { 0 };
                let more = room.take(capacity - held).ok_or(Refusal::OVERLOAD)?;
                match &mut place {
                    Some(place) => place.merge(more),
                    None => place = Some(more),
                }
            }
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
    Ok((bytes, place))
}

/// The next bytes; while there is little room, who holds some and sends nothing for a moment is given up.
async fn next_in_time(body: &mut Incoming, room: &Room, holds_room: bool) -> Result<Option<Bytes>, Refusal> {
    loop {
        match tokio::time::timeout(TIGHT_WAIT_MAX, next_data(body)).await {
            Ok(data) => return data.map_err(|_| Refusal::LENGTH),
            Err(_) if holds_room && room.is_tight() => return Err(Refusal::SLOW),
            Err(_) => {}
        }
    }
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
