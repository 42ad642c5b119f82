//! The FastCGI front end: glue between the `fastcgi` crate, which knows nothing of HTTP, and the site. Start at [`run`].
//! Its requests are made by the same code as those of CGI.

use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use blerg_config::{Config, Key};
use blerg_http::{Body, Front, Handler, Method, Pace, Plan, Refusal, Request, Response, cgi_head};
use fastcgi::{Application, Handle, Listener, Output, Params, Server, Trouble, Verdict};

use crate::error::{Error, chain};
use crate::jobs::Jobs;
use crate::listen::{Address, SOCKET_MODE};
use crate::program;
use crate::push::Hub;
use crate::sandbox;
use crate::setup::{Setup, Style, close, now_us};
use crate::site::{Part, Site, log};
use crate::tick::Tick;

/// Input of a request that takes none is read up to here and dropped.
const IGNORED_BODY_BYTES_MAX: u64 = 64 * 1024;

/// Slow requests that wait for a thread of the pool: a crowd of a thousand that asks for wiki pages at once is served, each
/// in well under a millisecond.
const SLOW_WAITING_MAX: usize = 1024;

/// Where web servers name what they show.
const SHOWN: [&str; 2] = ["DOCUMENT_ROOT", "CONTEXT_DOCUMENT_ROOT"];

/// Serves on the socket of the settings, else on the one that the program was started with, until SIGTERM.
///
/// # Errors
/// There is no such socket, the settings or the data can't be used, or the system's event queue fails.
pub fn run(config: Config) -> Result<(), Error> {
    run_part(config, Part::Whole)
}

/// Whether a web server, spawn-fcgi or systemd started this process as a worker (FastCGI 1.0 s.2.2).
#[must_use]
pub fn is_wanted() -> bool {
    matches!(Listener::from_stdin(), Ok(Some(_)))
}

/// Serves a part of the site.
///
/// # Errors
/// As for [`run`].
pub fn run_part(config: Config, part: Part) -> Result<(), Error> {
    sandbox::keep_private();
    let setup = Setup::read(config, Style::Server)?;
    let listener = listener(setup.config.text(Key::Listen))?;
    let hub = Hub::new(&setup)?;
    sandbox::enter(&setup, &[]);
    let store = setup.open_store()?;
    let tick = Tick::start(Arc::clone(&store));
    let jobs = Jobs::start(&store, hub)?;
    let worker = Worker {
        site: Site::new(&store, part, &setup, jobs.wake()),
        front: setup.front.clone(),
        setup: setup.clone(),
        shown: RwLock::default(),
    };
    let limits = fastcgi::Config {
        threads: usize::try_from(setup.config.number(Key::Threads)).unwrap_or(1).max(1),
        web_server_addrs: web_server_addrs(),
        // The one place where this program may still make files; /tmp often is memory.
        temp_dir: setup.data.clone(),
        pool_queue_max: SLOW_WAITING_MAX,
        ..fastcgi::Config::default()
    };
    let server = Server::new(listener, limits, worker).map_err(Error::Worker)?;
    stop_on_signals(server.handle()).map_err(|source| Error::System { doing: "watch for signals", source })?;
    let outcome = server.run().map_err(Error::Worker);
    drop((tick, jobs));
    close(store);
    outcome
}

fn listener(address: &str) -> Result<Listener, Error> {
    if address.is_empty() {
        return Listener::from_stdin().map_err(|error| Error::Worker(error.into()))?.ok_or_else(|| {
            let text = "standard input is no listening socket: a web server, spawn-fcgi or systemd starts this program with \
                        one; by hand: fcgi_blerg --data DIR --listen unix:/run/blerg/fcgi.sock (htaccess/ has examples)";
            Error::Usage(text.to_owned())
        });
    }
    let listener = match Address::parse(address) {
        Address::Unix(path) => Listener::unix(path, SOCKET_MODE),
        Address::Tcp(address) => Listener::tcp(address.as_str()),
    };
    listener.map_err(|error| Error::Worker(error.into()))
}

/// FCGI_WEB_SERVER_ADDRS (FastCGI 1.0 s.3.2): what is no address there lets nobody in, so it can't let everybody in.
fn web_server_addrs() -> Option<Vec<IpAddr>> {
    let (_, value) = program::environment().find(|(name, _)| name == "FCGI_WEB_SERVER_ADDRS")?;
    let text = value.to_string_lossy().into_owned();
    Some(text.split(',').filter_map(|address| address.trim().parse().ok()).collect())
}

/// SIGTERM and SIGINT stop the server; SIGXFSZ becomes an error of the write that caused it.
fn stop_on_signals(handle: Handle) -> io::Result<()> {
    const SIGXFSZ: i32 = 25;
    let (mut received, sender) = UnixStream::pair()?;
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
    }
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    thread::Builder::new().name("blerg-signals".to_owned()).stack_size(64 * 1024).spawn(move || {
        let mut byte = [0];
        while received.read(&mut byte).is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {}
        handle.stop();
    })?;
    Ok(())
}

struct Worker {
    site: Site,
    front: Front,
    setup: Setup,
    /// The directories that were found harmless last.
    shown: RwLock<[Vec<u8>; 2]>,
}

/// What is worked out when the params are there.
struct Opened {
    head: Result<Request, Refusal>,
    plan: Plan,
}

impl Worker {
    /// The request's head and how much body it takes; checked before any input is kept.
    fn head(&self, params: &Params) -> Result<Request, Refusal> {
        let head = self.front.from_cgi(params, now_us())?;
        self.check_roots(params)?;
        Ok(head)
    }

    fn request(&self, mut request: fastcgi::Request) -> Result<Request, Refusal> {
        let opened: Option<Opened> = request.take_carried();
        let Opened { head, plan } = opened.ok_or(Refusal::BROKEN)?;
        let mut head = head?;
        let length = head.body_length(plan.body_bytes_max)?;
        if head.method == Method::Post {
            head.body = request.stdin.into_bytes().map_err(|_| Refusal::BROKEN)?;
            // An update whose input is not whole is refused (FastCGI 1.0 s.6.2).
            if head.body.len() != length {
                return Err(Refusal::LENGTH);
            }
        }
        Ok(head)
    }

    /// The data directory must lie outside what the web server shows; looked at again only when that changes.
    fn check_roots(&self, params: &Params) -> Result<(), Refusal> {
        let roots = SHOWN.map(|name| params.get(name).unwrap_or_default());
        if *self.shown.read().unwrap_or_else(PoisonError::into_inner) == roots {
            return Ok(());
        }
        if let Err(error) = self.setup.keep_out_of(roots.map(|root| Path::new(std::ffi::OsStr::from_bytes(root)))) {
            program::complain("fcgi_blerg", &error);
            return Err(Refusal::BROKEN);
        }
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = roots.map(<[u8]>::to_vec);
        Ok(())
    }
}

impl Application for Worker {
    fn open(&self, params: &Params) -> Verdict {
        let head = self.head(params);
        let plan = head.as_ref().map_or(Plan::QUICK, |head| self.site.plan(head));
        let takes_body = head.as_ref().is_ok_and(|head| head.method == Method::Post);
        let body_bytes_max = u64::try_from(plan.body_bytes_max).unwrap_or(u64::MAX);
        let bytes = if takes_body { body_bytes_max } else { IGNORED_BODY_BYTES_MAX };
        let verdict = match plan.pace {
            Pace::Quick => Verdict::inline(bytes),
            Pace::Slow => Verdict::pool(bytes),
            Pace::Hashing => Verdict::in_turn(bytes),
        };
        verdict.carrying(Opened { head, plan })
    }

    fn respond(&self, request: fastcgi::Request, out: &mut Output) -> io::Result<i32> {
        let method = method(&request.params);
        let response = match self.request(request) {
            Ok(request) => self.site.handle(&request),
            Err(refusal) => refusal.response(),
        };
        write(response, method, out)
    }

    fn refuse(&self, refusal: fastcgi::Refusal, params: &Params, out: &mut Output) -> io::Result<i32> {
        let refusal = match refusal {
            fastcgi::Refusal::BodyTooLong { .. } => Refusal::TOO_LARGE,
            fastcgi::Refusal::ParamsTooLong => Refusal::HEADERS,
            fastcgi::Refusal::ParamsCutOff => Refusal::CUT_OFF,
            fastcgi::Refusal::Overloaded => Refusal::OVERLOAD,
            // Ours: a panic, or a disk that does not take the body.
            _ => Refusal::BROKEN,
        };
        write(refusal.response(), method(params), out)
    }

    fn report(&self, trouble: &Trouble<'_>) {
        match trouble {
            // Web servers close and reset connections all day.
            Trouble::TimedOut(_) => {}
            Trouble::Respond(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Trouble::Protocol(error) => log(&format!("connection closed: {}", chain(*error))),
            _ => log(&trouble.to_string()),
        }
    }
}

fn method(params: &Params) -> Method {
    Method::parse(params.get("REQUEST_METHOD").unwrap_or_default())
}

fn write(response: Response, method: Method, out: &mut Output) -> io::Result<i32> {
    let sealed = response.seal(method);
    let mut bytes = cgi_head(&sealed);
    match sealed.body {
        Body::Bytes(body) => {
            bytes.extend_from_slice(&body);
            out.write_all(&bytes)?;
        }
        Body::Stream(pieces) => {
            out.write_all(&bytes)?;
            out.stream(pieces);
        }
    }
    Ok(0)
}
