//! A connection's stream that gives up on a client that takes nothing of its answer: [`Timed`]. The timer exists only
//! while a write waits, so that an answer that fits the socket's buffer costs nothing; while there is little room for the
//! answers of all, it is short. A close takes what the client had
//! still sent, because closing on unread bytes resets the connection and the client never sees its answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Sleep;

use crate::http::room::{Room, TIGHT_WAIT_MAX};

/// A client that takes no byte for this long is gone.
pub(crate) const WRITE_WAIT_MAX: Duration = Duration::from_secs(60);

/// What is taken after the last answer, and for how long.
const LINGER_BYTES_MAX: usize = 1024 * 1024;
const LINGER_WAIT_MAX: Duration = Duration::from_secs(1);

/// Either kind of stream.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A stream whose writes don't wait for ever.
#[derive(Debug)]
pub(crate) struct Timed {
    stream: Stream,
    waiting: Option<Waiting>,
    wait_max: Duration,
    room: Arc<Room>,
    /// Bytes taken since the close, once it has begun.
    lingered: Option<usize>,
}

/// A wait, looked at now and then.
#[derive(Debug)]
struct Waiting {
    since: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Waiting {
    fn new(most: Duration) -> Waiting {
        Waiting { since: Instant::now(), sleep: Box::pin(tokio::time::sleep(most)) }
    }
}

impl Timed {
    pub(crate) fn new(stream: Stream, wait_max: Duration, room: Arc<Room>) -> Timed {
        Timed { stream, waiting: None, wait_max, room, lingered: None }
    }

    fn limit<T>(&mut self, outcome: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let step = TIGHT_WAIT_MAX.min(self.wait_max);
        let waiting = self.waiting.get_or_insert_with(|| Waiting::new(step));
        while waiting.sleep.as_mut().poll(cx).is_ready() {
            if self.room.is_tight() || waiting.since.elapsed() >= self.wait_max {
                // The kernel, too, is not to keep what nobody takes.
                if let Stream::Tcp(stream) = &self.stream {
                    let _ = stream.set_zero_linger();
                }
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            waiting.sleep = Box::pin(tokio::time::sleep(step));
        }
        Poll::Pending
    }
}

impl Timed {
    /// Reads and drops what is there; waits for more only where there was something.
    fn linger(&mut self, cx: &mut Context<'_>, mut taken: usize) -> Poll<io::Result<()>> {
        let mut scrap = [0; 8192];
        while taken < LINGER_BYTES_MAX {
            let mut buf = ReadBuf::new(&mut scrap);
            match Pin::new(&mut *self).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => taken += buf.filled().len(),
                Poll::Ready(_) => break,
                Poll::Pending if taken == 0 => break,
                Poll::Pending => {
                    self.lingered = Some(taken);
                    let waiting = self.waiting.get_or_insert_with(|| Waiting::new(LINGER_WAIT_MAX));
                    return waiting.sleep.as_mut().poll(cx).map(Ok);
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Timed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Timed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = match &mut this.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        this.limit(outcome, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = match &mut this.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        };
        this.limit(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Sockets have nothing of their own to flush.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingered.is_none() {
            let outcome = match &mut this.stream {
                Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
                Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            };
            match outcome {
                Poll::Ready(Ok(())) => {
                    this.waiting = None;
                    this.lingered = Some(0);
                }
                other => return other,
            }
        }
        let taken = this.lingered.unwrap_or_default();
        this.linger(cx, taken)
    }
}
