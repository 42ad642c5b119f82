//! A request, the same whatever front end brought it. Start at [`Front`], which makes one from CGI variables or from an
//! HTTP head; then [`Request`]. Limits are enforced here: hostile input is a [`Refusal`], never a panic.

use std::net::IpAddr;

use crate::cgi::parse_content_length;
use crate::conditional::{self, Validators};
use crate::cookie;
use crate::form::{Form, FormError};
use crate::headers::Headers;
use crate::origin;
use crate::proxy::{BaseUrl, Trusted};
use crate::response::Refusal;
use crate::target::{self, Mounted};

/// The longest request target that is looked at; servers themselves stop at 8 KiB.
pub const TARGET_BYTES_MAX: usize = 16 * 1024;

/// What a request asks to be done; methods that no route has are `Other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD: answered like GET, the body left out when it is written.
    Head,
    /// POST.
    Post,
    /// Anything else: 405 with `Allow`.
    Other,
}

impl Method {
    /// The method of this name; names are case-sensitive (RFC 9110 s.9.1).
    #[must_use]
    pub fn parse(name: &[u8]) -> Method {
        match name {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            _ => Method::Other,
        }
    }
}

/// One request; see the fields.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// Decoded once, relative to the mount; starts with `/`, `//` merged, `.` and `..` resolved.
    pub path: String,
    /// The query, raw, without `?`.
    pub query: String,
    /// The prefix for links to ourselves: `/`, `/blog/` or `/blog/blerg.cgi/`; percent-encoded; ends in `/`.
    pub mount: String,
    /// The directory the site lives in: `/` or `/blog/`; the cookie's Path; percent-encoded.
    pub site: String,
    /// Whether the visitor came by HTTPS.
    pub https: bool,
    /// The Host header, checked: `example.org` or `example.org:8080`.
    pub host: Option<String>,
    /// The public root that the operator set (`BLERG_BASE_URL`), ending in `/`.
    pub base_url: Option<String>,
    /// Who asks; behind a trusted proxy the address that it names.
    pub remote: Option<IpAddr>,
    /// The header fields.
    pub headers: Headers,
    /// The body of a POST, at most [`crate::Plan::body_bytes_max`] bytes.
    pub body: Vec<u8>,
    /// When the request came, in microseconds since the epoch.
    pub now_us: u64,
}

/// Most tokens of one request that are tried: as many as there are sites along one path, and no more look-ups than a
/// usual answer costs.
pub const TOKENS_MAX: usize = 8;

impl Request {
    /// The parameters of the body: `application/x-www-form-urlencoded` or `multipart/form-data`.
    ///
    /// # Errors
    /// Another content type, or a body that is not of its type or beyond the limits.
    pub fn form(&self) -> Result<Form, FormError> {
        Form::parse(self.headers.get("content-type"), &self.body)
    }

    /// The parameters of the query; those beyond the limits are left out.
    #[must_use]
    pub fn query_form(&self) -> Form {
        Form::from_query(&self.query)
    }

    /// The tokens by which a visitor may be known, to be tried in turn: that of `Authorization: Bearer` alone where it is
    /// sent, else those of the cookies of this name. A browser sends the cookies of all paths above, and a stale one of
    /// another site must not hide the good one.
    pub fn tokens<'a>(&'a self, cookie: &'a str) -> impl Iterator<Item = &'a str> {
        let bearer = self.bearer();
        let cookies = cookie::find(&self.headers, cookie).filter(|token| !token.is_empty());
        bearer.into_iter().chain(cookies.filter(move |_| bearer.is_none())).take(TOKENS_MAX)
    }

    /// The token of `Authorization: Bearer <token>`.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.headers.text("authorization")?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// Whether a POST comes from our own pages or from a program; a POST for which this is false is answered with 403.
    #[must_use]
    pub fn same_site(&self) -> bool {
        origin::same_site(self)
    }

    /// Whether the visitor holds this version already: answer with [`crate::Response::not_modified`].
    #[must_use]
    pub fn not_modified(&self, validators: &Validators) -> bool {
        matches!(self.method, Method::Get | Method::Head) && conditional::not_modified(&self.headers, validators)
    }

    /// How many bytes of body to read, from Content-Length: none but for a POST.
    ///
    /// # Errors
    /// The answer to a POST without a Content-Length, with a malformed one, or with one beyond `body_bytes_max`.
    pub fn body_length(&self, body_bytes_max: usize) -> Result<usize, Refusal> {
        if self.method != Method::Post {
            return Ok(0);
        }
        let sent = parse_content_length(self.headers.get("content-length"))?.ok_or(Refusal::NO_LENGTH)?;
        let length = usize::try_from(sent).map_err(|_| Refusal::TOO_LARGE)?;
        if length > body_bytes_max { Err(Refusal::TOO_LARGE) } else { Ok(length) }
    }

    /// Scheme, host and mount, ending in `/`: the prefix of absolute links to ourselves.
    #[must_use]
    pub fn public_root(&self) -> String {
        if let Some(base) = &self.base_url {
            let below = self.mount.strip_prefix(self.site.as_str()).unwrap_or_default();
            return format!("{base}{below}");
        }
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host.as_deref().unwrap_or("localhost"), self.mount)
    }

    /// The last part of the mount if it is a program's name (`blerg.cgi/`), else empty.
    #[must_use]
    pub fn program(&self) -> &str {
        self.mount.strip_prefix(self.site.as_str()).unwrap_or_default()
    }
}

/// What a front end knows about where it stands; one for all its requests.
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// The public root, if the operator set it.
    pub base_url: Option<BaseUrl>,
    /// Whose `X-Forwarded-*` is believed.
    pub trusted: Trusted,
}

/// A request's head as a front end has it; [`Front::accept`] checks it.
#[derive(Clone, Debug, Default)]
pub struct Incoming<'a> {
    /// The method's name.
    pub method: &'a [u8],
    /// The request target as the client sent it (REQUEST_URI); may be absent with old servers.
    pub target: Option<&'a [u8]>,
    /// SCRIPT_NAME, decoded by the server; empty for an own HTTP server.
    pub script_name: &'a [u8],
    /// PATH_INFO, decoded by the server.
    pub path_info: &'a [u8],
    /// QUERY_STRING; used where the target has no query of its own.
    pub query: Option<&'a [u8]>,
    /// The server says that TLS is in use.
    pub https: bool,
    /// The peer's address.
    pub remote: Option<IpAddr>,
    /// The peer came through a Unix socket.
    pub unix: bool,
    /// SERVER_NAME and SERVER_PORT, for a request without Host.
    pub server: Option<(&'a [u8], &'a [u8])>,
    /// The header fields.
    pub headers: Headers,
}

impl Front {
    /// Checks a request's head and makes a request without a body of it.
    ///
    /// # Errors
    /// A head that no honest client and server send: the answer to give.
    pub fn accept(&self, incoming: Incoming<'_>, now_us: u64) -> Result<Request, Refusal> {
        let Mounted { path, query, mount, site, authority } = target::resolve(&incoming, self.base_url.as_ref())?;
        let host = origin::host(authority, &incoming)?;
        let believed = self.trusted.contains(incoming.remote, incoming.unix);
        let mut https = incoming.https;
        let mut remote = incoming.remote.map(|address| address.to_canonical());
        if believed {
            https = self.trusted.forwarded_https(&incoming.headers).unwrap_or(https);
            remote = self.trusted.forwarded_for(&incoming.headers).or(remote);
        }
        https |= self.base_url.as_ref().is_some_and(BaseUrl::is_https);
        let base_url = self.base_url.as_ref().map(|base| base.as_str().to_owned());
        let method = Method::parse(incoming.method);
        let headers = incoming.headers;
        let is_plain = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
        if method == Method::Post && !headers.get_all("content-encoding").all(|coding| is_plain(coding.trim_ascii())) {
            return Err(Refusal::ENCODING);
        }
        Ok(Request {
            method,
            path,
            query,
            mount,
            site,
            https,
            host,
            base_url,
            remote,
            headers,
            body: Vec::new(),
            now_us,
        })
    }
}
