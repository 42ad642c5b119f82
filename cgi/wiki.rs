//! `wiki.cgi`: the site's wiki, as a CGI program, or as a FastCGI worker where it is started with a listening socket.

use std::process::ExitCode;

use blerg::program::Program;
use blerg::{Part, gateway, worker};

const PROGRAM: Program = Program {
    name: "wiki.cgi",
    what: "the wiki of a Blërg site as a CGI program, or as a FastCGI worker",
    usage: "(a web server starts it)",
};

fn main() -> ExitCode {
    if worker::is_wanted() {
        return PROGRAM.start(|config| worker::run_part(config, Part::Wiki));
    }
    gateway::main(&PROGRAM, Part::Wiki)
}
