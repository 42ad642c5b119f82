//! CGI variables to a request's head, an answer to a CGI header block (RFC 3875); FastCGI has the same variables.
//! Start at [`Front::from_cgi`] and [`cgi_head`]. `HTTP_PROXY` is never read; missing variables never kill.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::headers::Headers;
use crate::request::{Front, Incoming, Request};
use crate::response::{Refusal, Sealed, reason_phrase};

impl Front {
    /// Makes a request's head of CGI variables, whatever their order. Of a name that comes twice the last counts: nginx sends what an
    /// operator sets behind what its own files set. What decides where a request ends must not have two values.
    ///
    /// # Errors
    /// A head that no honest client and server send: the answer to give.
    pub fn from_cgi<'a>(
        &self,
        variables: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
        now_us: u64,
    ) -> Result<Request, Refusal> {
        let found = Variables::read(variables)?;
        self.accept(found.incoming(), now_us)
    }
}

/// The variables that count, apart from the header fields.
#[derive(Default)]
struct Variables<'a> {
    method: Option<&'a [u8]>,
    request_uri: Option<&'a [u8]>,
    redirect_url: Option<&'a [u8]>,
    script_name: Option<&'a [u8]>,
    path_info: Option<&'a [u8]>,
    query_string: Option<&'a [u8]>,
    https: Option<&'a [u8]>,
    request_scheme: Option<&'a [u8]>,
    remote_addr: Option<&'a [u8]>,
    server_name: Option<&'a [u8]>,
    server_port: Option<&'a [u8]>,
    headers: Headers,
}

impl<'a> Variables<'a> {
    fn read(variables: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Result<Self, Refusal> {
        let mut found = Variables { headers: Headers::with_capacity(24, 2048), ..Variables::default() };
        let mut redirected_authorization = None;
        for (name, value) in variables {
            let slot = match name {
                b"REQUEST_METHOD" => &mut found.method,
                b"REQUEST_URI" => &mut found.request_uri,
                b"REDIRECT_URL" => &mut found.redirect_url,
                b"SCRIPT_NAME" => &mut found.script_name,
                b"PATH_INFO" => &mut found.path_info,
                b"QUERY_STRING" => &mut found.query_string,
                b"HTTPS" => &mut found.https,
                b"REQUEST_SCHEME" => &mut found.request_scheme,
                b"REMOTE_ADDR" => &mut found.remote_addr,
                b"SERVER_NAME" => &mut found.server_name,
                b"SERVER_PORT" => &mut found.server_port,
                b"REDIRECT_HTTP_AUTHORIZATION" | b"REDIRECT_REDIRECT_HTTP_AUTHORIZATION" => {
                    &mut redirected_authorization
                }
                _ => {
                    found.read_header(name, value)?;
                    continue;
                }
            };
            if name == b"REQUEST_METHOD" && slot.is_some_and(|before| before != value) {
                return Err(Refusal::TWICE);
            }
            *slot = Some(value);
        }
        let authorized = found.headers.get("authorization").is_some_and(|value| !value.is_empty());
        if let (false, Some(value)) = (authorized, redirected_authorization) {
            found.push_header(b"authorization", value)?;
        }
        Ok(found)
    }

    fn read_header(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        match name {
            b"CONTENT_TYPE" if value.is_empty() => Ok(()),
            b"CONTENT_TYPE" => self.push_once("content-type", value),
            b"CONTENT_LENGTH" => self.push_once("content-length", value),
            // An empty one would hide what a redirect has kept.
            b"HTTP_AUTHORIZATION" if value.is_empty() => Ok(()),
            _ => match name.strip_prefix(b"HTTP_") {
                None => Ok(()),
                Some(rest) => {
                    let dash = |&byte: &u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
                    let dashed: Vec<u8> = rest.iter().map(dash).collect();
                    match dashed.as_slice() {
                        // The web server's own word counts. A client's `Proxy:` header would be taken for a setting (httpoxy).
                        b"content-length" | b"content-type" | b"proxy" => Ok(()),
                        name => self.push_header(name, value),
                    }
                }
            },
        }
    }

    fn push_once(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
        match self.headers.get(name) {
            Some(before) if before != value => Err(Refusal::TWICE),
            _ => self.push_header(name.as_bytes(), value),
        }
    }

    fn push_header(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        if self.headers.push(name, value) { Ok(()) } else { Err(Refusal::HEADERS) }
    }

    fn incoming(self) -> Incoming<'a> {
        let https = self.https.is_some_and(|value| value.eq_ignore_ascii_case(b"on") || value == b"1")
            || self.request_scheme.is_some_and(|value| value.eq_ignore_ascii_case(b"https"));
        let remote = self.remote_addr.and_then(|value| std::str::from_utf8(value).ok());
        let remote_text = remote.unwrap_or_default().trim();
        Incoming {
            method: self.method.unwrap_or(b"GET"),
            target: self.request_uri.filter(|value| !value.is_empty()).or(self.redirect_url),
            script_name: self.script_name.unwrap_or_default(),
            path_info: self.path_info.unwrap_or_default(),
            query: self.query_string,
            https,
            remote: remote_text.parse::<IpAddr>().ok(),
            unix: remote_text.is_empty() || remote_text.starts_with("unix:"),
            server: self.server_name.zip(Some(self.server_port.unwrap_or_default())),
            headers: self.headers,
        }
    }
}

/// CONTENT_LENGTH: absent and empty are `None`, else digits (RFC 3875 s.4.1.2).
///
/// # Errors
/// Anything else, and numbers beyond 64 bits.
pub fn parse_content_length(value: Option<&[u8]>) -> Result<Option<u64>, Refusal> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    if !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::LENGTH);
    }
    let digits = std::str::from_utf8(value).map_err(|_| Refusal::LENGTH)?;
    digits.parse::<u64>().map(Some).or(Ok(Some(u64::MAX)))
}

/// The header block of an answer, with its empty line (RFC 3875 s.6).
#[must_use]
pub fn cgi_head(sealed: &Sealed) -> Vec<u8> {
    let mut head = String::with_capacity(768);
    let status = sealed.status;
    // Writing to a String can't fail.
    let _ = write!(head, "Status: {status} {}\r\n", reason_phrase(status));
    for (name, value) in &sealed.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests;
