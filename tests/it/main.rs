//! The tests of the whole programs, one binary. `site.rs` makes a place to run in, `front.rs` starts a way in (CGI,
//! FastCGI, HTTP, real web servers), `http.rs` asks; every other file is scenarios.
#![expect(clippy::unwrap_used, reason = "a test that can't go on stops there")]

mod attacks;
mod backup;
mod cgi_run;
mod client;
mod compact;
mod connections;
mod fcgi_client;
mod feeds;
mod files;
mod foreign;
mod front;
mod http;
mod logins;
mod mixed;
mod overload;
mod real;
mod recovery;
mod rules;
mod script;
mod security;
mod servers;
mod site;
mod soak;
mod syscalls;
mod tidy;
mod tool;
mod wiki;
mod wiki_tool;
mod workers;
