//! What is promised of any bytes, as plain functions of bytes that panic where a promise is broken. Start at [`TARGETS`].
//! The fuzzer (main.rs, `make fuzz`) and the test that replays the corpora (tests/replay.rs, `make test`) run the same ones.
//! Promises are more than "it does not crash": what was read can be written and read again, the same comes of the bytes in
//! one piece and in many, a plain model gives the same answer, and time and memory stay within bounds.

mod answers;
mod budget;
mod cgi;
mod config;
mod cookie;
pub mod corpus;
mod disk;
mod fastcgi;
// There it has tests beside it, which are not here.
#[cfg(not(test))]
mod folder;
mod form;
mod growth;
#[path = "../../../crates/blerg-markup/src/wiki/tests/html.rs"]
#[expect(dead_code, reason = "the specification's examples need more of it")]
mod html;
mod import;
mod input;
mod log;
mod multipart;
mod names;
mod page;
mod post;
mod requests;
mod search;
mod site;
mod tags;
mod target;
mod texts;
mod writes;

#[cfg(not(test))]
use folder::Failure;

/// One thing that takes bytes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its corpus (`corpus/NAME.txt`) and of its words (`dict/NAME.dict`).
    pub name: &'static str,
    /// Panics where a promise about these bytes is broken.
    pub run: fn(&[u8]),
}

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// Everything that is fuzzed.
pub const TARGETS: &[Target] = &[
    target("decoder", fastcgi::decoder),
    target("params", fastcgi::params),
    target("session", fastcgi::session),
    target("answers", answers::run),
    target("cgi", cgi::run),
    target("target", target::run),
    target("form", form::run),
    target("cookie", cookie::run),
    target("multipart", multipart::run),
    target("tags", tags::run),
    target("post", post::run),
    target("page", page::run),
    target("growth", growth::run),
    target("diff", texts::diff),
    target("merge", texts::merge),
    target("log", log::run),
    target("salvage", log::salvage),
    target("import", import::import),
    target("restore", import::restore),
    #[cfg(not(test))]
    target("folder", folder::folder),
    #[cfg(not(test))]
    target("history", folder::history),
    target("search", search::run),
    target("requests", requests::run),
    target("writes", writes::run),
    target("names", names::run),
    target("config", config::run),
];

/// The target of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
