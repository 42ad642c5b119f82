//! Recovery that is too long for one CGI request: a process of its own session does it while visitors get 503. So does it
//! build a new index where the one that is there was found wrong. Start at [`start_if_needed`]. At most one such process
//! works on a data directory; the others end at once.

use std::fs::File;
use std::process::{Command, Stdio};

use blerg_config::Config;
use blerg_store::Store;
use rustix::fs::FlockOperation;

use crate::error::Error;
use crate::sandbox;
use crate::setup::{Setup, Style};
use crate::site::log;

/// The argument by which a program knows that it is the process that recovers.
pub(crate) const FLAG: &str = "--recover-in-background";

/// Starts the recovering process if that is what the store waits for. The answer has left already, so errors are only told.
pub(crate) fn start_if_needed(store: &Store) {
    if !store.is_rebuild_due() && !store.log().is_err_and(|error| error.is_recovering()) {
        return;
    }
    // The child reads its settings from the environment; without these two it does not take itself for a CGI program.
    let child = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .arg(FLAG)
            .env_remove("GATEWAY_INTERFACE")
            .env_remove("REQUEST_METHOD")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    });
    if let Err(error) = child {
        log(&format!("start the recovery: {error}; run: blergtool --data {} rebuild", store.dir().display()));
    }
}

/// The recovering process: away from the web server's session, then everything at once.
pub(crate) fn run(config: Config) -> Result<(), Error> {
    // It fails only where this process leads a session already.
    let _ = rustix::process::setsid();
    sandbox::keep_private();
    let setup = Setup::read(config, Style::Server)?;
    sandbox::enter(&setup, &[]);
    let system = |doing| move |source| Error::System { doing, source };
    let directory = File::open(&setup.data).map_err(system("open the data directory"))?;
    if rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(());
    }
    setup.open_store()?;
    Ok(())
}
