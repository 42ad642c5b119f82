//! What is the same for every program that is started: reading settings, `--help`, `--version`, and the end of a program
//! that can't start. Start at [`start`].

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use blerg_config::{Config, Request};

use crate::error::{Error, chain, visible};
use crate::terminal;

/// A program, as `--help` shows it.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// What it is, in one line.
    pub what: &'static str,
    /// What follows its name.
    pub usage: &'static str,
}

/// The version of the suite.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Program {
    /// Reads the settings and runs; an error is told with what mends it, and the exit code is 2 for wrong settings, else 1.
    pub fn start(&self, run: impl FnOnce(Config) -> Result<(), Error>) -> ExitCode {
        let outcome = Config::read(environment(), arguments()).map_err(Error::from).and_then(|config| {
            match config.request {
                Request::Help => say(&blerg_config::help(self.name, self.what, self.usage)),
                Request::Version => say(&format!("{} {VERSION}\n", self.name)),
                Request::Run => return run(config),
            }
            Ok(())
        });
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => self.fail(&error),
        }
    }

    /// Tells the operator why nothing works.
    pub fn fail(&self, error: &Error) -> ExitCode {
        complain(self.name, error);
        match error {
            Error::Config(_) | Error::Setting { .. } | Error::Usage(_) => ExitCode::from(2),
            _ => ExitCode::from(1),
        }
    }
}

/// One line with the reason, one with what mends it.
pub(crate) fn complain(name: &str, error: &Error) {
    let mut lines = format!("{name}: {}\n", chain(error));
    if let Some(advice) = error.advice() {
        lines.push_str(&format!("{name}: {}\n", visible(&advice)));
    }
    let _ = std::io::stderr().write_all(lines.as_bytes());
}

/// Text for whoever started the program.
pub(crate) fn say(text: &str) {
    let mut out = terminal::output();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The environment, as bytes.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(crate) fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// The arguments, without the program's name; never asked for by a CGI program (RFC 3875 s.4.4).
#[expect(clippy::disallowed_methods, reason = "the one place that reads the arguments")]
pub(crate) fn arguments() -> impl Iterator<Item = OsString> {
    std::env::args_os().skip(1)
}
