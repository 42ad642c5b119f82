//! The CGI front end (RFC 3875): one process, one request. Start at [`main`]. Reads no argument while it serves, never reads
//! past CONTENT_LENGTH, writes its answer at once when everything is durable, starts no thread and no runtime.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blerg_config::Config;
use blerg_http::{Body, Front, Handler, Method, Refusal, Request, Response, cgi_head};
use blerg_store::Store;
use rustix::event::{PollFd, PollFlags};

use crate::error::Error;
use crate::jobs;
use crate::program::{self, Program};
use crate::recovery;
use crate::sandbox;
use crate::setup::{Setup, Style, now_us};
use crate::site::{Part, Site};

/// A body that takes longer is given up: servers send what they have at once, visitors on slow lines need some time.
const BODY_WAIT_MAX: Duration = Duration::from_secs(60);
/// Of a body that is refused, this much is taken and forgotten: Apache's mod_cgid hands on no answer before all of the body
/// is out of its hands, and resets the visitor's connection if it can't get rid of it.
const REFUSED_BYTES_MAX: u64 = 16 << 20;
/// And it is taken for at most this long.
const REFUSED_WAIT_MAX: Duration = Duration::from_secs(5);
/// Pieces of a long answer are gathered to about this much per write.
const WRITE_BYTES: usize = 64 * 1024;
/// SIGXFSZ, which ends a process that reaches its file size limit unless it is caught; then the write fails instead.
const SIGXFSZ: i32 = 25;

type Variables = Vec<(OsString, OsString)>;

/// Serves one request, or says what this program is when no web server started it.
#[must_use]
pub fn main(program: &Program, part: Part) -> ExitCode {
    let variables: Variables = program::environment().collect();
    if get(&variables, "GATEWAY_INTERFACE").is_none() && get(&variables, "REQUEST_METHOD").is_none() {
        return by_hand(program);
    }
    let answer = match serve(&variables, part) {
        Ok(served) => served,
        Err(error) => {
            program::complain(program.name, &error);
            Answer { response: broken(&variables), method: method(&variables), store: None, refused: true }
        }
    };
    let Answer { response, method, store, refused } = answer;
    let recovering = response.status == 503;
    let outcome = write(response, method);
    if refused {
        forget_body(rustix::stdio::stdin(), announced_bytes(&variables).min(REFUSED_BYTES_MAX), REFUSED_WAIT_MAX);
    }
    if let Some(store) = store.filter(|store| recovering || store.is_rebuild_due()) {
        recovery::start_if_needed(&store);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // The visitor went away: nobody needs to know.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => program.fail(&Error::System { doing: "write the answer", source: error }),
    }
}

fn by_hand(program: &Program) -> ExitCode {
    let mut arguments = program::arguments();
    if arguments.next().is_some_and(|first| first == recovery::FLAG) {
        return program.start_recovery();
    }
    program.start(|_| {
        let text = format!(
            "this is a CGI program: a web server starts it for each request; copy it to where yours runs CGI programs, \
             mode 755, and set BLERG_DATA there (htaccess/ has examples, http_blerg needs no web server)\n\
             version {}; --help lists the settings",
            program::VERSION
        );
        Err(Error::Usage(text))
    })
}

impl Program {
    fn start_recovery(&self) -> ExitCode {
        match Config::read(program::environment(), []).map_err(Error::from).and_then(recovery::run) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => self.fail(&error),
        }
    }
}

struct Answer {
    response: Response,
    method: Method,
    store: Option<Arc<Store>>,
    /// The body has not been read.
    refused: bool,
}

/// An error is the operator's to mend; what the visitor did wrong is an answer.
fn serve(variables: &Variables, part: Part) -> Result<Answer, Error> {
    sandbox::keep_private();
    let config = Config::read(variables.iter().cloned(), [])?;
    let setup = Setup::read(config, Style::Process)?;
    let roots = shown_directories(variables);
    setup.keep_out_of(roots.iter().map(PathBuf::as_path))?;
    let store = setup.store();
    let site = Site::new(&store, part, &setup, Box::new(jobs::start_if_idle));
    let (response, method, refused) = match request(&setup.front, variables, &site) {
        Ok(request) => (handle(&site, &request), request.method, false),
        Err(refusal) => (refusal.response(), method(variables), true),
    };
    Ok(Answer { response, method, store: Some(store), refused })
}

fn handle(site: &Site, request: &Request) -> Response {
    // It is enough that a handler is there; nobody asks for the flag. A GET may write, too: what a search or a recovery adds.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    catch_unwind(AssertUnwindSafe(|| site.handle(request))).unwrap_or_else(|_| Refusal::BROKEN.response())
}

/// The request with its body, read up to its limit and not a byte beyond CONTENT_LENGTH.
fn request(front: &Front, variables: &Variables, site: &Site) -> Result<Request, Refusal> {
    let pairs = variables.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let mut request = front.from_cgi(pairs, now_us())?;
    let length = request.body_length(site.plan(&request).body_bytes_max)?;
    request.body = read_body(rustix::stdio::stdin(), length, BODY_WAIT_MAX)?;
    Ok(request)
}

fn read_body(input: BorrowedFd<'_>, length: usize, wait_max: Duration) -> Result<Vec<u8>, Refusal> {
    let mut body = vec![0; length];
    let mut filled = 0;
    let deadline = Instant::now() + wait_max;
    while let Some(rest) = body.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        wait_for(input, deadline)?;
        match rustix::io::read(input, rest) {
            Ok(0) => return Err(Refusal::LENGTH),
            Ok(bytes) => filled += bytes,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return Err(Refusal::LENGTH),
        }
    }
    Ok(body)
}

/// Until there is something to read.
fn wait_for(input: BorrowedFd<'_>, deadline: Instant) -> Result<(), Refusal> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Refusal::SLOW);
        }
        let timeout = rustix::event::Timespec::try_from(left).map_err(|_| Refusal::SLOW)?;
        match rustix::event::poll(&mut [PollFd::from_borrowed_fd(input, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return Err(Refusal::SLOW),
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Err(Refusal::LENGTH),
        }
    }
}

/// What the web server says the body's length is; 0 for what is no number.
fn announced_bytes(variables: &Variables) -> u64 {
    get(variables, "CONTENT_LENGTH").and_then(|length| length.to_str()?.parse().ok()).unwrap_or(0)
}

/// Takes `length` bytes from the web server, as far as they come, and keeps none.
fn forget_body(input: BorrowedFd<'_>, length: u64, wait_max: Duration) {
    let deadline = Instant::now() + wait_max;
    let mut piece = vec![0; WRITE_BYTES];
    let mut left = length;
    while left > 0 && wait_for(input, deadline).is_ok() {
        match rustix::io::read(input, piece.as_mut_slice()) {
            Ok(0) => return,
            Ok(bytes) => left = left.saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX)),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

/// Head and body in one write; a stream in few.
fn write(response: Response, method: Method) -> io::Result<()> {
    let sealed = response.seal(method);
    let mut out = cgi_head(&sealed);
    let output = rustix::stdio::stdout();
    match sealed.body {
        Body::Bytes(body) => out.extend_from_slice(&body),
        Body::Stream(pieces) => {
            for piece in pieces {
                out.extend_from_slice(&piece?);
                if out.len() >= WRITE_BYTES {
                    write_all(output.as_fd(), &out)?;
                    out.clear();
                }
            }
        }
    }
    write_all(output.as_fd(), &out)
}

fn write_all(output: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match rustix::io::write(output, rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn get<'a>(variables: &'a Variables, name: &str) -> Option<&'a OsStr> {
    variables.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_os_str())
}

fn method(variables: &Variables) -> Method {
    Method::parse(get(variables, "REQUEST_METHOD").unwrap_or_default().as_bytes())
}

/// What the web server shows: its document root, that of the user's directory, and where this program itself lies.
fn shown_directories(variables: &Variables) -> Vec<PathBuf> {
    let roots =
        ["DOCUMENT_ROOT", "CONTEXT_DOCUMENT_ROOT"].iter().filter_map(|name| get(variables, name)).map(PathBuf::from);
    let own = get(variables, "SCRIPT_FILENAME").and_then(|file| Path::new(file).parent()).map(Path::to_owned);
    roots.chain(own).collect()
}

/// A page for browsers, a JSON failure for programs; no reason, that is in the error log.
fn broken(variables: &Variables) -> Response {
    let accept = get(variables, "HTTP_ACCEPT").unwrap_or_default().as_bytes();
    if accept.windows(9).any(|part| part == b"text/html") {
        let page = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Not working yet</title>\n\
                    <h1>This site is not working yet</h1>\n\
                    <p>Its operator finds the reason, and what mends it, in the web server's error log.</p>\n</html>\n";
        return Response::html(500, page).cache("no-store");
    }
    Refusal::BROKEN.response()
}

#[cfg(test)]
mod tests;
