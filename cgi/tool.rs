//! The operator's tool. Start at [`run`]: arguments and environment -> one command over the store -> an exit code: 0 done,
//! 1 found something wrong, 2 called wrongly. Run as root it first becomes the data directory's owner, so that no file
//! ends up with two owners. With `--json` it prints one object, whatever happens.

mod args;
mod backup;
mod carry;
mod compact;
mod jobs;
mod look;
mod meter;
mod owner;
mod secret;
mod user;
mod wiki;

use std::path::Path;
use std::process::ExitCode;

use blerg_config::{Config, Key};
use blerg_store::{Place, Store};
use clap::Parser as _;
use serde_json::{Value, json};

use crate::error::{Error, chain, data_advice};
use crate::program::{arguments, complain, environment, say};
use crate::setup::{Setup, Style};
use args::{Args, Command};

/// What a command found.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For people.
    text: String,
    /// For programs.
    json: Value,
    /// Whether something is wrong with the site.
    is_wrong: bool,
}

impl Answer {
    fn new(text: impl Into<String>, json: Value) -> Answer {
        Answer { text: text.into(), json, is_wrong: false }
    }
}

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was called in a way in which it cannot work.
    Usage(String),
    /// A setting or the data directory.
    Program(Error),
    /// The store refused.
    Store(blerg_store::Error),
    /// The store refused after a part was done.
    Partly(Box<Answer>, blerg_store::Error),
    /// What was asked for cannot be done with what is there.
    Refused(String),
    /// A file outside the data directory, and what was done with it.
    File(String, std::io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Program(error)
    }
}

impl From<blerg_store::Error> for Failure {
    fn from(error: blerg_store::Error) -> Failure {
        Failure::Store(error)
    }
}

/// Runs the tool with the process's arguments and environment.
pub fn run() -> ExitCode {
    crate::sandbox::leave_no_core();
    let parsed = Args::try_parse_from(std::iter::once("blergtool".into()).chain(arguments()));
    let args = match parsed {
        Ok(args) => args,
        Err(error) => {
            // Where help cannot be printed nothing can.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let is_json = args.json;
    let setup = match setup(&args) {
        Ok(setup) => setup,
        Err(failure) => return fail(is_json, Path::new(""), &failure),
    };
    match command(&setup, args) {
        Ok(answer) => finish(is_json, &answer),
        Err(failure) => fail(is_json, &setup.data, &failure),
    }
}

/// The settings: flags win over the environment.
fn setup(args: &Args) -> Result<Setup, Failure> {
    let mut config = Config::read(environment(), []).map_err(Error::from)?;
    let set = [(Key::Data, &args.data), (Key::Durability, &args.durability), (Key::Argon2, &args.argon2)];
    for (key, value) in set {
        if let Some(value) = value {
            config.set(key, value).map_err(Error::from)?;
        }
    }
    if args.allow_network_fs {
        config.set(Key::AllowNetworkFs, "1").map_err(Error::from)?;
    }
    Ok(Setup::read(config, Style::Server)?)
}

fn command(setup: &Setup, args: Args) -> Result<Answer, Failure> {
    let is_json = args.json;
    match args.command {
        Command::Init(init) => look::init(setup, &init),
        Command::User { command } => user::run(setup, command),
        Command::Import(import) => carry::import(setup, &import, is_json),
        Command::Dump(dump) => carry::dump(setup, &dump, is_json),
        Command::Backup(to) => backup::backup(setup, &to, is_json),
        Command::Salvage(to) => backup::salvage(setup, &to, is_json),
        Command::Compact => compact::compact(setup, is_json),
        Command::Check => look::check(setup, is_json),
        Command::Rebuild => look::rebuild(setup, is_json),
        Command::Stats => look::stats(setup),
        Command::Jobs(command) => jobs::run(setup, &command),
        Command::Wiki { command } => wiki::run(setup, command, is_json),
    }
}

/// The store of an existing or new data directory, as its owner.
fn store(setup: &Setup) -> Result<Store, Failure> {
    owner::become_owner(&setup.data)?;
    Ok(Store::new(&setup.data, setup.settings.clone()))
}

/// The store of a data directory that a program has made ready: looking at a site must not make one.
fn existing_store(setup: &Setup) -> Result<Store, Failure> {
    if blerg_store::look(&setup.data)? == Place::Free {
        let data = setup.data.display();
        return Err(Failure::Usage(format!("{data} holds no site; blergtool --data {data} init makes one")));
    }
    store(setup)
}

fn finish(is_json: bool, answer: &Answer) -> ExitCode {
    if is_json {
        say(&format!("{}\n", with_status(&answer.json, if answer.is_wrong { "failure" } else { "success" })));
    } else {
        say(&answer.text);
    }
    if answer.is_wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn with_status(answer: &Value, status: &str) -> Value {
    let mut object = answer.as_object().cloned().unwrap_or_default();
    object.insert("status".to_owned(), Value::from(status));
    Value::Object(object)
}

fn fail(is_json: bool, data: &Path, failure: &Failure) -> ExitCode {
    let (reason, advice) = explain(data, failure);
    if is_json {
        let mut object = json!({ "status": "failure", "reason": reason });
        if let (Failure::Partly(answer, _), Some(object)) = (failure, object.as_object_mut()) {
            object.extend(answer.json.as_object().cloned().unwrap_or_default());
        }
        say(&format!("{object}\n"));
    } else {
        if let Failure::Partly(answer, _) = failure {
            say(&answer.text);
        }
        let mut lines = vec![reason];
        lines.extend(advice);
        complain_lines(&lines);
    }
    match failure {
        Failure::Usage(_) | Failure::Program(Error::Config(_) | Error::Setting { .. } | Error::Usage(_)) => {
            ExitCode::from(2)
        }
        _ => ExitCode::FAILURE,
    }
}

/// The reason on one line, and what mends it.
fn explain(data: &Path, failure: &Failure) -> (String, Option<String>) {
    match failure {
        Failure::Usage(text) | Failure::Refused(text) => (text.clone(), None),
        Failure::Program(error) => (chain(error), error.advice()),
        Failure::Store(error) | Failure::Partly(_, error) => (chain(error), data_advice(data, error)),
        Failure::File(what, error) => (format!("{what}: {error}"), None),
    }
}

fn complain_lines(lines: &[String]) {
    for line in lines {
        complain("blergtool", &Error::Usage(line.clone()));
    }
}
