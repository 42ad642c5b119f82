//! An answer. Start at [`Response::json`]; a front end calls [`Response::seal`], which adds what no handler may forget:
//! Content-Length, Cache-Control, the security headers. A header's value can't split it: control characters are removed.

use std::borrow::Cow;
use std::{fmt, io};

use crate::conditional::{self, Validators};
use crate::request::Method;
use crate::security::{self, Carries};

/// The body of an answer.
pub enum Body {
    /// All of it.
    Bytes(Vec<u8>),
    /// Piece by piece; an `Err` cuts the answer off, so that the client sees that it is not whole.
    Stream(Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Bytes(bytes) => f.debug_tuple("Bytes").field(&String::from_utf8_lossy(bytes)).finish(),
            Body::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// An answer, as a handler makes it.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers that the handler set, in order.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; left out where method or status forbid one.
    pub body: Body,
}

/// What a front end answers by itself; the body is a JSON failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// The stable word for programs.
    pub code: &'static str,
    /// One sentence for people; without quotes or backslashes.
    pub reason: &'static str,
    /// Seconds for Retry-After; 0: none.
    pub retry_after_secs: u32,
}

impl Refusal {
    const fn new(status: u16, code: &'static str, reason: &'static str) -> Self {
        Refusal { status, code, reason, retry_after_secs: 0 }
    }

    /// 400: the request ends before it is one.
    pub const CUT_OFF: Refusal = Refusal::new(400, "bad_request", "The request is cut off.");
    /// 400: the target is not one.
    pub const TARGET: Refusal = Refusal::new(400, "bad_request", "The request target is malformed.");
    /// 400: the Host header is not one.
    pub const HOST: Refusal = Refusal::new(400, "bad_request", "The Host header is malformed.");
    /// 400: a Content-Length that is no number, or a body that is not as long as it says.
    pub const LENGTH: Refusal = Refusal::new(400, "bad_request", "The body is not as long as Content-Length says.");
    /// 400: two values of what there is one of.
    pub const TWICE: Refusal = Refusal::new(400, "bad_request", "The method, length or type is given twice.");
    /// 408: the body did not arrive in time.
    pub const SLOW: Refusal = Refusal::new(408, "timeout", "The body did not arrive in time.");
    /// 411: a POST without Content-Length.
    pub const NO_LENGTH: Refusal = Refusal::new(411, "length_required", "A POST needs a Content-Length.");
    /// 413: a body beyond the limit.
    pub const TOO_LARGE: Refusal = Refusal::new(413, "too_large", "The body is longer than this route takes.");
    /// 414: a target beyond the limit.
    pub const TARGET_TOO_LONG: Refusal = Refusal::new(414, "uri_too_long", "The request target is too long.");
    /// 415: a body in a coding (`gzip`): unpacked it could have any length.
    pub const ENCODING: Refusal =
        Refusal::new(415, "unsupported_encoding", "A body is sent as it is, without a Content-Encoding.");
    /// 431: header fields beyond the limits.
    pub const HEADERS: Refusal = Refusal::new(431, "headers_too_large", "The header fields are too large.");
    /// 500: the program can't serve; the operator finds the reason in the log.
    pub const BROKEN: Refusal =
        Refusal::new(500, "internal", "The site cannot answer; its operator finds the reason in the error log.");
    /// 503: too much to do.
    pub const OVERLOAD: Refusal =
        Refusal { status: 503, code: "busy", reason: "The site is busy; try again soon.", retry_after_secs: 2 };
    /// 503: the index is being rebuilt.
    pub const RECOVERING: Refusal = Refusal {
        status: 503,
        code: "recovering",
        reason: "The site is being checked after a crash; try again soon.",
        retry_after_secs: 5,
    };

    /// The answer.
    #[must_use]
    pub fn response(&self) -> Response {
        let Refusal { code, reason, .. } = self;
        let body = format!("{{\"status\":\"failure\",\"code\":\"{code}\",\"reason\":\"{reason}\"}}");
        let response = Response::json(body).status(self.status).cache("no-store");
        match self.retry_after_secs {
            0 => response,
            secs => response.header("Retry-After", secs.to_string()),
        }
    }
}

impl Response {
    /// An answer with this status, type and body.
    #[must_use]
    pub fn new(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        let mut headers = Vec::with_capacity(8);
        headers.push(("Content-Type", Cow::Borrowed(content_type)));
        Response { status, headers, body: Body::Bytes(body) }
    }

    /// 200 with JSON.
    #[must_use]
    pub fn json(body: String) -> Self {
        Response::new(200, "application/json", body.into_bytes())
    }

    /// Plain text.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Response::new(status, "text/plain; charset=utf-8", body.into().into_bytes())
    }

    /// A page.
    #[must_use]
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Response::new(status, "text/html; charset=utf-8", body.into().into_bytes())
    }

    /// 200, the body piece by piece.
    #[must_use]
    pub fn stream(content_type: &'static str, pieces: Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>) -> Self {
        let mut response = Response::new(200, content_type, Vec::new());
        response.body = Body::Stream(pieces);
        response
    }

    /// 304: the visitor's copy is current.
    #[must_use]
    pub fn not_modified(validators: &Validators) -> Self {
        Response { status: 304, headers: Vec::with_capacity(8), body: Body::Bytes(Vec::new()) }.validators(validators)
    }

    /// 405 with what is allowed: `GET, HEAD` or `POST`.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Refusal::new(405, "method_not_allowed", "This route has no such method.").response().header("Allow", allow)
    }

    /// 303 to an absolute URL (RFC 3875 s.6.2.4: with a Status, so that other headers may go along).
    #[must_use]
    pub fn see_other(location: impl Into<String>) -> Self {
        Response::text(303, "").header("Location", location)
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a header; control characters in its value are removed, so that it can't split.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let mut value = value.into();
        value.retain(|char| !char.is_control());
        self.headers.push((name, Cow::Owned(value)));
        self
    }

    /// Sets Cache-Control; without it an answer with an ETag is `no-cache` (kept, but asked about), any other `no-store`.
    #[must_use]
    pub fn cache(mut self, value: &'static str) -> Self {
        self.headers.push(("Cache-Control", Cow::Borrowed(value)));
        self
    }

    /// Adds ETag and Last-Modified.
    #[must_use]
    pub fn validators(mut self, validators: &Validators) -> Self {
        let etag: String = validators.etag.chars().filter(|char| char.is_ascii_graphic() && *char != '"').collect();
        self.headers.push(("ETag", Cow::Owned(format!("\"{etag}\""))));
        self.headers.push(("Last-Modified", Cow::Owned(conditional::http_date(validators.last_modified_secs))));
        self
    }

    /// Adds a cookie; cookies are written before every other header, in the order of the calls.
    #[must_use]
    pub fn set_cookie(self, cookie: &crate::CookieSpec<'_>) -> Self {
        self.header("Set-Cookie", cookie.to_header())
    }

    /// Makes the answer ready to be written: the one place that adds Content-Length, Cache-Control and security headers
    /// and takes away the body of an answer to HEAD, of 204 and of 304.
    #[must_use]
    pub fn seal(self, method: Method) -> Sealed {
        let Response { status, mut headers, body } = self;
        let bodiless = matches!(status, 100..=199 | 204 | 304);
        headers.reserve(10);
        if has(&headers, "Set-Cookie") {
            // Stable: cookies keep their order among themselves.
            headers.sort_by_key(|(name, _)| *name != "Set-Cookie");
        }
        if !has(&headers, "Cache-Control") {
            let rule = if has(&headers, "ETag") { "no-cache" } else { "no-store" };
            headers.push(("Cache-Control", Cow::Borrowed(rule)));
        }
        let is_page = headers.iter().any(|(name, value)| *name == "Content-Type" && value.starts_with("text/html"));
        let carries = match (status, is_page) {
            (304, _) => Carries::Nothing,
            (_, true) => Carries::Page,
            (_, false) => Carries::Data,
        };
        let own_policy = has(&headers, security::POLICY);
        let security = security::headers(carries).filter(|(name, _)| !own_policy || *name != security::POLICY);
        headers.extend(security.map(|(name, value)| (name, Cow::Borrowed(value))));
        if let (Body::Bytes(bytes), false) = (&body, bodiless) {
            headers.push(("Content-Length", Cow::Owned(bytes.len().to_string())));
        }
        let body = if bodiless || method == Method::Head { Body::Bytes(Vec::new()) } else { body };
        Sealed { status, headers, body }
    }
}

fn has(headers: &[(&'static str, Cow<'static, str>)], wanted: &str) -> bool {
    headers.iter().any(|(name, _)| *name == wanted)
}

/// An answer as it is written.
#[derive(Debug)]
pub struct Sealed {
    /// The status code.
    pub status: u16,
    /// All headers, cookies first.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; empty where there must be none.
    pub body: Body,
}

/// The usual words for a status code.
#[must_use]
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        507 => "Insufficient Storage",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests;
