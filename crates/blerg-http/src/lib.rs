//! Requests and responses as CGI sees them: one `Request` whatever front end brought it, one `Response` whatever
//! carries it away. Start at [`Request`], [`Response`] and [`Handler`]; a front end starts at [`Front`].
//! Never does I/O, never reads the environment or the clock, and knows nothing of the store.
//! Specifications: RFC 3875 (CGI), RFC 9110 (HTTP semantics), RFC 6265 (cookies), RFC 7578 (multipart/form-data).
//!
//! ```
//! use blerg_http::{Front, Method};
//!
//! let variables = [("REQUEST_METHOD", "GET"), ("SCRIPT_NAME", "/blog/blerg.cgi"), ("REQUEST_URI", "/blog/tag/%23rust")];
//! let request = Front::default()
//!     .from_cgi(variables.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())), 0)
//!     .expect("these variables are well formed");
//! assert_eq!(request.method, Method::Get);
//! assert_eq!((request.mount.as_str(), request.path.as_str()), ("/blog/", "/tag/#rust"));
//! ```
#![forbid(unsafe_code)]

mod cgi;
mod conditional;
mod cookie;
mod form;
mod handler;
mod headers;
mod multipart;
mod origin;
mod proxy;
mod request;
mod response;
mod security;
mod target;

pub use cgi::{cgi_head, parse_content_length};
pub use conditional::Validators;
pub use cookie::{COOKIE_HEADER_BYTES_MAX, CookieSpec};
pub use form::{FIELDS_MAX, FORM_BYTES_MAX, Field, Form, FormError};
pub use handler::{Handler, Pace, Plan};
pub use headers::{HEADERS_BYTES_MAX, HEADERS_MAX, Headers};
pub use proxy::{BaseUrl, Trusted};
pub use request::{Front, Incoming, Method, Request, TARGET_BYTES_MAX, TOKENS_MAX};
pub use response::{Body, Refusal, Response, Sealed, reason_phrase};
