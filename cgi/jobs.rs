//! Work after answers: telling the hub of news. A server has a thread for it, [`Jobs`]; a CGI program starts `rss.cgi` as
//! a process of its own session ([`start_if_idle`], [`main`]), which ends by itself. One works at a time on a data
//! directory; what is left when it ends or dies is done by the next, or by `blergtool jobs --run`.

use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blerg_config::Config;
use blerg_store::{JobTurn, Store};

use crate::error::{Error, chain};
use crate::program::{Program, arguments, environment};
use crate::push::{Hub, PushError};
use crate::sandbox;
use crate::setup::{Setup, Style, now_us};
use crate::site::{Wake, log};

/// The argument by which `rss.cgi` knows that it is the process that works.
const FLAG: &str = "--work-in-background";

/// The programs beside a CGI program that can work for it: as `make` names it, and as Cargo does.
const WORKERS: [&str; 2] = ["rss.cgi", "rss"];

/// How often a server looks for what other processes have left.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long the process of a CGI program stays for jobs that are to be tried again.
const STAY_MAX: Duration = Duration::from_secs(120);

/// How often it looks for new ones meanwhile.
const STAY_LOOK: Duration = Duration::from_millis(500);

/// What a round of work came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// Jobs done.
    pub(crate) done: u64,
    /// Jobs that failed.
    pub(crate) failed: u64,
}

/// Does what is due now, one job after the other, as long as it may.
pub(crate) fn work(
    store: &Store,
    hub: &Hub,
    turn: &JobTurn,
    goes_on: &dyn Fn() -> bool,
) -> Result<Round, blerg_store::Error> {
    let mut round = Round::default();
    while goes_on()
        && let Some(job) = store.take_job(turn, now_us())?
    {
        match hub.push(&job.topic, goes_on) {
            Ok(()) => {
                store.finish_job(now_us(), &job)?;
                round.done += 1;
            }
            // It comes back when the lease is over.
            Err(PushError::Stopped) => break,
            Err(error) => {
                store.fail_job(now_us(), &job, &error.to_string())?;
                round.failed += 1;
            }
        }
    }
    Ok(round)
}

/// What the thread waits for.
#[derive(Debug, Default)]
struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    has_news: bool,
    is_stopped: bool,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.rung.notify_one();
    }

    /// Waits for news, for at most `wait`.
    fn listen(&self, wait: Duration) {
        let quiet = |state: &mut State| !state.has_news && !state.is_stopped;
        let (mut state, _) =
            self.rung.wait_timeout_while(self.lock(), wait, quiet).unwrap_or_else(PoisonError::into_inner);
        state.has_news = false;
    }
}

/// The thread of a server; without a hub there is none.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Jobs {
    /// Starts the thread, if there is a hub.
    pub(crate) fn start(store: &Arc<Store>, hub: Option<Hub>) -> Result<Jobs, Error> {
        let mut jobs = Jobs::default();
        if let Some(hub) = hub {
            let (store, bell) = (Arc::clone(store), Arc::clone(&jobs.bell));
            let thread = std::thread::Builder::new().name("blerg-jobs".to_owned());
            let thread = thread.spawn(move || serve(&store, &hub, &bell));
            jobs.thread = Some(thread.map_err(|source| Error::System { doing: "start a thread", source })?);
        }
        Ok(jobs)
    }

    /// What tells the thread that there is something to do.
    pub(crate) fn wake(&self) -> Wake {
        let bell = Arc::clone(&self.bell);
        Box::new(move |_| bell.ring(|state| state.has_news = true))
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.bell.ring(|state| state.is_stopped = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(store: &Store, hub: &Hub, bell: &Bell) {
    let goes_on = || !bell.lock().is_stopped;
    let mut told = false;
    while goes_on() {
        let round = match store.job_turn() {
            Ok(Some(turn)) => work(store, hub, &turn, &goes_on).map(|_| ()),
            // Somebody else works; what is left after that is found by the next look.
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        match round {
            Ok(()) => told = false,
            Err(error) if !told => {
                log(&format!("jobs: {}", chain(&error)));
                told = true;
            }
            Err(_) => {}
        }
        bell.listen(LOOK_EVERY);
    }
}

/// Starts a process that works, unless one does: `rss.cgi`, which must lie beside this program.
pub(crate) fn start_if_idle(store: &Store) {
    match store.job_turn() {
        Ok(Some(turn)) => drop(turn),
        Ok(None) => return,
        Err(error) => return log(&format!("jobs: {}", chain(&error))),
    }
    let own = std::env::current_exe().unwrap_or_default();
    let worker = WORKERS.iter().map(|name| own.with_file_name(name)).find(|path| path.is_file());
    let Some(worker) = worker else {
        let data = store.dir().display();
        return log(&format!(
            "BLERG_HUB is set, but there is no rss.cgi beside {} to tell the hub; put it there, or run \
             `blergtool --data {data} jobs --run` every minute",
            own.display()
        ));
    };
    // The process reads its settings from the environment; without these two it does not take itself for a CGI program.
    let child = Command::new(&worker)
        .arg(FLAG)
        .env_remove("GATEWAY_INTERFACE")
        .env_remove("REQUEST_METHOD")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = child {
        log(&format!("start {}: {error}", worker.display()));
    }
}

/// Works, if this process was started for that by another program of ours; a CGI request reads no argument.
#[must_use]
pub fn main(program: &Program) -> Option<ExitCode> {
    let is_request = environment().any(|(name, _)| name == "GATEWAY_INTERFACE" || name == "REQUEST_METHOD");
    if is_request || arguments().next().is_none_or(|first| first != FLAG) {
        return None;
    }
    let outcome = Config::read(environment(), []).map_err(Error::from).and_then(run);
    Some(outcome.map_or_else(|error| program.fail(&error), |()| ExitCode::SUCCESS))
}

/// Works until nothing is due, and stays some time for what is to be tried again.
fn run(config: Config) -> Result<(), Error> {
    // It fails only where this process leads a session already.
    let _ = rustix::process::setsid();
    sandbox::keep_private();
    let setup = Setup::read(config, Style::Server)?;
    let Some(hub) = Hub::new(&setup)? else { return Ok(()) };
    sandbox::enter(&setup, &[]);
    let store = setup.open_store()?;
    let failed = |source| Error::Store { data: setup.data.clone(), source: Box::new(source) };
    let end = Instant::now() + STAY_MAX;
    // Whoever adds a job while the turn is held starts no process; so the queue is looked at again after giving it up.
    while let Some(turn) = store.job_turn().map_err(failed)? {
        stay(&store, &hub, &turn, end).map_err(failed)?;
        drop(turn);
        let next = store.next_job_us().map_err(failed)?;
        if next.is_none_or(|due_us| due_us > now_us()) {
            break;
        }
    }
    crate::setup::close(store);
    Ok(())
}

/// Works, and waits for what is due before `end`.
fn stay(store: &Store, hub: &Hub, turn: &JobTurn, end: Instant) -> Result<(), blerg_store::Error> {
    loop {
        work(store, hub, turn, &|| true)?;
        let Some(due_us) = store.next_job_us()? else { return Ok(()) };
        let wait = Duration::from_micros(due_us.saturating_sub(now_us()));
        if Instant::now() + wait > end {
            return Ok(());
        }
        std::thread::sleep(wait.min(STAY_LOOK));
    }
}
