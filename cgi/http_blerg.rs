//! `http_blerg`: the whole site with a web server of its own.

use std::process::ExitCode;

use blerg::program::Program;

const PROGRAM: Program = Program {
    name: "http_blerg",
    what: "the Blërg microblog with a web server of its own",
    usage: "--data DIR [--listen 127.0.0.1:8080 | --listen unix:/path] [--www DIR]",
};

fn main() -> ExitCode {
    PROGRAM.start(blerg::http::run)
}
