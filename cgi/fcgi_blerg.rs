//! `fcgi_blerg`: the microblog as a FastCGI worker.

use std::process::ExitCode;

use blerg::program::Program;

const PROGRAM: Program = Program {
    name: "fcgi_blerg",
    what: "the Blërg microblog as a FastCGI worker",
    usage: "[--listen unix:/path | --listen 127.0.0.1:9000] [--data DIR]",
};

fn main() -> ExitCode {
    PROGRAM.start(blerg::worker::run)
}
