//! The tests of the whole programs, one binary. `site.rs` makes a place to run in, `front.rs` starts a way in (CGI,
//! FastCGI, HTTP, real web servers), `http.rs` asks; every other file is scenarios.
#![expect(clippy::unwrap_used, reason = "a test that can't go on stops there")]
#![expect(clippy::disallowed_methods, reason = "tests own their processes, clock and environment")]

mod cgi_run;
mod fcgi_client;
mod front;
mod http;
mod script;
mod servers;
mod site;
mod tidy;
