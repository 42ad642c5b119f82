//! One request of hyper's to one answer: [`Exchange::answer`]. Files first, then the site; quick requests inline, slow ones
//! in the bounded pool, and 503 when that is full.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use blerg_http::{Front, Handler, Headers, Incoming as Head, Method, Pace, Refusal, Request, Response, Sealed};
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{StatusCode, http};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::http::body::{self, Answer};
use crate::http::files::Files;
use crate::http::room::{INCOMING_BYTES, OUTGOING_BYTES, Place, Room};
use crate::setup::now_us;

/// Slow requests that wait for a thread of the pool, those at work included; the next one is answered with 503. A crowd of a
/// thousand that asks for wiki pages at once is served: each takes well under a millisecond.
pub(crate) const SLOW_MAX: usize = 1024;

/// Requests that hash a password, the one at work included; the next one is answered with 503. At the usual cost the last
/// of them waits for some seconds.
pub(crate) const HASHING_MAX: usize = 64;

/// Everything that answers, shared by all connections.
pub(crate) struct Exchange {
    site: Arc<dyn Handler>,
    front: Front,
    files: Files,
    slow: Arc<Semaphore>,
    /// Places for requests that hash a password, and the turn that one of them has.
    hashing: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    /// Room for what clients send, and for what they have not taken yet.
    incoming: Arc<Room>,
    outgoing: Arc<Room>,
}

/// An answer that is there, or is being made. Most are there, so the common case carries no state of the other.
pub(crate) enum Answering {
    /// There.
    Ready(Option<http::Response<Answer>>),
    /// Being made.
    Slow(Pin<Box<dyn Future<Output = http::Response<Answer>> + Send>>),
}

impl Future for Answering {
    type Output = Result<http::Response<Answer>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Answering::Ready(response) => response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response))),
            Answering::Slow(making) => making.as_mut().poll(cx).map(Ok),
        }
    }
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Its address; none for a Unix socket.
    pub(crate) address: Option<IpAddr>,
}

impl Exchange {
    /// `body_bytes_max`: the longest body that the site takes.
    pub(crate) fn new(site: Arc<dyn Handler>, front: Front, files: Files, body_bytes_max: usize) -> Arc<Exchange> {
        let places = |number| Arc::new(Semaphore::new(number));
        let (slow, hashing, turn) = (places(SLOW_MAX), places(HASHING_MAX), places(1));
        // One body of the longest kind must always find room beside others.
        let incoming = Room::new(INCOMING_BYTES.max(body_bytes_max.saturating_mul(2)));
        Arc::new(Exchange { site, front, files, slow, hashing, turn, incoming, outgoing: Room::new(OUTGOING_BYTES) })
    }

    /// Room for what clients have not taken yet.
    pub(crate) fn outgoing(&self) -> Arc<Room> {
        Arc::clone(&self.outgoing)
    }

    /// Answers one request: at once if it is quick.
    pub(crate) fn answer(self: &Arc<Self>, request: hyper::Request<Incoming>, peer: Peer, pool: &Handle) -> Answering {
        let (head, body) = request.into_parts();
        let method = Method::parse(head.method.as_str().as_bytes());
        let accepted = self.accept(&head, peer);
        // Nothing is taken for a request behind a body whose end somebody in front of us may see elsewhere (RFC 9112 s.11.2).
        let is_last = head.headers.contains_key(TRANSFER_ENCODING);
        let end = move |mut answer: http::Response<Answer>| {
            if is_last {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        };
        if let Some(response) = accepted.as_ref().ok().and_then(|request| self.at_once(request)) {
            return Answering::Ready(Some(end(self.write(response, method, pool))));
        }
        let (this, pool) = (Arc::clone(self), pool.clone());
        Answering::Slow(Box::pin(async move {
            end(match accepted {
                Ok(request) => this.carry_out(request, &head, body, &pool).await,
                Err(refusal) => this.write(refused(refusal, body).await, method, &pool),
            })
        }))
    }

    /// Files, and what the site answers without waiting for anything.
    fn at_once(&self, request: &Request) -> Option<Response> {
        if request.method == Method::Post {
            return None;
        }
        let file = self.files.answer(request);
        file.or_else(|| (self.site.plan(request).pace == Pace::Quick).then(|| self.handle(request)))
    }

    fn accept(&self, head: &http::request::Parts, peer: Peer) -> Result<Request, Refusal> {
        let mut headers = Headers::with_capacity(head.headers.len(), 1024);
        for (name, value) in &head.headers {
            // A name with `_` is indistinguishable from one with `-` for CGI programs, so proxies never mean it.
            if !name.as_str().contains('_') && !headers.push(name.as_str().as_bytes(), value.as_bytes()) {
                return Err(Refusal::HEADERS);
            }
        }
        let path = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let absolute = head.uri.authority().map(|authority| format!("http://{authority}{path}"));
        let incoming = Head {
            method: head.method.as_str().as_bytes(),
            target: Some(absolute.as_deref().unwrap_or(path).as_bytes()),
            remote: peer.address,
            unix: peer.address.is_none(),
            headers,
            ..Head::default()
        };
        self.front.accept(incoming, now_us())
    }

    async fn carry_out(
        self: &Arc<Self>,
        mut request: Request,
        head: &http::request::Parts,
        body: Incoming,
        pool: &Handle,
    ) -> http::Response<Answer> {
        let (plan, method) = (self.site.plan(&request), request.method);
        let mut place = None;
        if request.method == Method::Post {
            match read_body(&request, head, body, plan.body_bytes_max, &self.incoming).await {
                Ok(taken) => (request.body, place) = taken,
                Err(response) => return self.write(response, method, pool),
            }
        }
        match plan.pace {
            Pace::Quick => self.write(self.handle(&request), method, pool),
            Pace::Slow => self.in_pool(request, place, pool).await,
            Pace::Hashing => self.in_turn(request, place, pool).await,
        }
    }

    /// Waits for the turn without a thread.
    async fn in_turn(self: &Arc<Self>, request: Request, room: Option<Place>, pool: &Handle) -> http::Response<Answer> {
        let Ok(_place) = self.hashing.try_acquire() else {
            return self.write(Refusal::OVERLOAD.response(), request.method, pool);
        };
        let Ok(_turn) = self.turn.acquire().await else {
            return self.write(Refusal::BROKEN.response(), request.method, pool);
        };
        self.in_pool(request, room, pool).await
    }

    /// `room` is what the request's body takes; it is free when the request is done. The answer takes its own before it
    /// leaves the thread, so that there are never more answers outside the count than threads.
    async fn in_pool(self: &Arc<Self>, request: Request, room: Option<Place>, pool: &Handle) -> http::Response<Answer> {
        let method = request.method;
        let Ok(place) = Arc::clone(&self.slow).try_acquire_owned() else {
            return self.write(Refusal::OVERLOAD.response(), method, pool);
        };
        let (this, handle) = (Arc::clone(self), pool.clone());
        let job = pool.spawn_blocking(move || {
            let _places = (place, room);
            this.write(this.handle(&request), method, &handle)
        });
        job.await.unwrap_or_else(|_| self.write(Refusal::BROKEN.response(), method, pool))
    }

    /// A handler that panics costs its own request only.
    fn handle(&self, request: &Request) -> Response {
        catch_unwind(AssertUnwindSafe(|| self.site.handle(request))).unwrap_or_else(|_| Refusal::BROKEN.response())
    }

    /// The answer as hyper takes it; 503 where clients that don't read have left no room for it.
    fn write(&self, response: Response, method: Method, pool: &Handle) -> http::Response<Answer> {
        let Sealed { status, headers, body } = response.seal(method);
        match Answer::new(body, pool, &self.outgoing) {
            Some(answer) => write(status, headers, answer),
            None => {
                let Sealed { status, headers, body } = Refusal::OVERLOAD.response().seal(method);
                let answer = Answer::new(body, pool, &self.outgoing);
                write(status, headers, answer.unwrap_or(Answer::Whole(None)))
            }
        }
    }
}

async fn read_body(
    request: &Request,
    head: &http::request::Parts,
    body: Incoming,
    bytes_max: usize,
    room: &Room,
) -> Result<body::Taken, Response> {
    let chunked = head.headers.contains_key(TRANSFER_ENCODING);
    if chunked && head.headers.contains_key(CONTENT_LENGTH) {
        return Err(refused(Refusal::LENGTH, body).await);
    }
    let length = if chunked { Ok(None) } else { request.body_length(bytes_max).map(Some) };
    let read = match length {
        Ok(length) => body::read(body, length, bytes_max, room).await,
        Err(refusal) => return Err(refused(refusal, body).await),
    };
    read.map_err(|refusal| refusal.response().header("Connection", "close"))
}

/// The answer to a request that is not carried out; the connection ends, because its body may still be on the way.
async fn refused(refusal: Refusal, body: Incoming) -> Response {
    if body.is_end_stream() {
        return refusal.response();
    }
    body::drain(body).await;
    refusal.response().header("Connection", "close")
}

fn write(status: u16, fields: Vec<(&'static str, Cow<'static, str>)>, answer: Answer) -> http::Response<Answer> {
    let mut response = http::Response::new(answer);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.reserve(fields.len() + 1);
    for (name, value) in fields {
        if let (Some(name), Some(value)) = (header_name(name), header_value(value)) {
            headers.append(name, value);
        }
    }
    response
}

/// The names that every answer has are not looked up; hyper writes all of them in lower case.
fn header_name(name: &'static str) -> Option<HeaderName> {
    const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
    Some(match name {
        "Content-Type" => header::CONTENT_TYPE,
        "Content-Length" => header::CONTENT_LENGTH,
        "Cache-Control" => header::CACHE_CONTROL,
        "ETag" => header::ETAG,
        "Last-Modified" => header::LAST_MODIFIED,
        "Content-Security-Policy" => header::CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options" => header::X_CONTENT_TYPE_OPTIONS,
        "Referrer-Policy" => header::REFERRER_POLICY,
        "Cross-Origin-Resource-Policy" => RESOURCE_POLICY,
        _ => return HeaderName::from_bytes(name.as_bytes()).ok(),
    })
}

/// Constants are not copied.
fn header_value(value: Cow<'static, str>) -> Option<HeaderValue> {
    match value {
        Cow::Borrowed(text) if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => {
            Some(HeaderValue::from_static(text))
        }
        Cow::Borrowed(text) => HeaderValue::from_str(text).ok(),
        Cow::Owned(text) => HeaderValue::try_from(text).ok(),
    }
}
