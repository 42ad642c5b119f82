//! `cgi_blerg`: the microblog for a web server that starts a process for each request.

use std::process::ExitCode;

use blerg::Part;
use blerg::program::Program;

const PROGRAM: Program =
    Program { name: "cgi_blerg", what: "the Blërg microblog as a CGI program", usage: "(a web server starts it)" };

fn main() -> ExitCode {
    blerg::gateway::main(&PROGRAM, Part::Api)
}
