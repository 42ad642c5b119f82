//! The embedded web server on hyper: the site and the files of `www/`. Start at [`run`]. Quick requests run on the event
//! loop, slow ones in a bounded pool; every wait has a limit; a stop finishes what is in flight.

mod body;
mod connection;
mod exchange;
mod files;
mod loops;
mod room;
mod stop;
mod timed;

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use blerg_config::{Config, Key};

use crate::error::Error;
use crate::jobs::Jobs;
use crate::listen::{Address, Socket};
use crate::program::say;
use crate::push::Hub;
use crate::sandbox;
use crate::setup::{Setup, Style, close};
use crate::site::{Part, Site};
use crate::tick::Tick;
use exchange::Exchange;
use files::Files;

/// Where it listens if no setting says otherwise: for this machine only.
const LISTEN_DEFAULT: &str = "127.0.0.1:8080";

/// More loops than this want to be asked for.
const THREADS_DEFAULT_MAX: usize = 4;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// The settings, the data, the static files or the address can't be used.
pub fn run(config: Config) -> Result<(), Error> {
    sandbox::keep_private();
    let setup = Setup::read(config, Style::Server)?;
    let www = www(&setup.config)?;
    setup.keep_out_of([www.as_path()])?;
    let files = Files::load(&www)?;
    let text = setup.config.text(Key::Listen);
    let address = Address::parse(if text.is_empty() { LISTEN_DEFAULT } else { text });
    let socket = address.bind()?;
    let hub = Hub::new(&setup)?;
    let threads = threads(&setup.config);
    sandbox::enter(&setup, &[&www]);
    let store = setup.open_store()?;
    let tick = Tick::start(Arc::clone(&store));
    let jobs = Jobs::start(&store, hub)?;
    let site = Site::new(&store, Part::Whole, &setup, jobs.wake());
    let longest_file = setup.config.number(Key::WikiFileMax).saturating_mul(1024 * 1024);
    let room = usize::try_from(longest_file).unwrap_or(usize::MAX);
    let exchange = Exchange::new(Arc::new(site), setup.front.clone(), files, room);
    say(&format!("{}\n", url(&setup, &socket)));
    let outcome = loops::serve(socket, exchange, threads, loops::signalled());
    drop((tick, jobs));
    close(store);
    outcome.map_err(|source| Error::System { doing: "event loop", source })
}

/// The setting, else one loop per processor: a loop that waits for a page of the log holds up only its own connections.
fn threads(config: &Config) -> usize {
    match usize::try_from(config.number(Key::Threads)) {
        Ok(0) | Err(_) => thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_DEFAULT_MAX),
        Ok(threads) => threads,
    }
}

/// What to open in a browser.
fn url(setup: &Setup, socket: &Socket) -> String {
    match (&setup.front.base_url, socket) {
        (Some(base), _) => base.as_str().to_owned(),
        (None, Socket::Unix(_, path)) => format!("unix:{}", path.display()),
        (None, Socket::Tcp(socket)) => match socket.local_addr() {
            Ok(address) => format!("http://{address}/"),
            Err(_) => "http://localhost/".to_owned(),
        },
    }
}

/// The setting, else `www/` beside the program, else where `make install` puts it.
fn www(config: &Config) -> Result<PathBuf, Error> {
    if let Some(path) = config.path(Key::Www) {
        return Ok(path);
    }
    let program = std::env::current_exe().unwrap_or_default();
    let directory = program.parent().map(PathBuf::from).unwrap_or_default();
    let places = [directory.join("www"), directory.join("../share/blerg/www")];
    match places.iter().find(|place| place.join("index.html").is_file()) {
        Some(place) => Ok(place.clone()),
        None => {
            Err(Error::Usage(format!("no www/ in {}; set BLERG_WWW, or start with --www DIR", directory.display())))
        }
    }
}

#[cfg(test)]
mod tests;
