//! `rss.cgi`: the site's feeds, as a CGI program, or as a FastCGI worker where it is started with a listening socket.

use std::process::ExitCode;

use blerg::program::Program;
use blerg::{Part, gateway, jobs, worker};

const PROGRAM: Program = Program {
    name: "rss.cgi",
    what: "the feeds of a Blërg site as a CGI program, or as a FastCGI worker",
    usage: "(a web server starts it)",
};

fn main() -> ExitCode {
    if worker::is_wanted() {
        return PROGRAM.start(|config| worker::run_part(config, Part::Feeds));
    }
    jobs::main(&PROGRAM).unwrap_or_else(|| gateway::main(&PROGRAM, Part::Feeds))
}
