//! A server in a thread, an application that does as it is told, and a client that reads records.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastcgi::encode::{self, Keep};
use fastcgi::{
    Application, Config, Handle, Listener, Output, Params, Refusal, Request, Role, Server, ServerError, Stats, Stream,
    Trouble, Verdict,
};

/// How long a test waits for what must happen; far more than it takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something holds.
#[track_caller]
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// A gate that handlers wait at, and who came and went.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    open: bool,
    waiting: usize,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().expect("gate");
        state.waiting += 1;
        while !state.open {
            state = self.changed.wait(state).expect("gate");
        }
        state.waiting -= 1;
    }

    pub fn open(&self) {
        self.state.lock().expect("gate").open = true;
        self.changed.notify_all();
    }

    pub fn waiting(&self) -> usize {
        self.state.lock().expect("gate").waiting
    }
}

/// Does what the variable `DO` says.
#[derive(Clone, Default)]
pub struct Lab {
    pub gate: Arc<Gate>,
    pub troubles: Arc<Mutex<Vec<String>>>,
    /// How the last long answer ended.
    pub long_answer: Arc<Mutex<Option<String>>>,
    /// What a request may stop.
    pub handle: Arc<Mutex<Option<Handle>>>,
}

pub const STDIN_BYTES_MAX: u64 = 3 << 20;

impl Application for Lab {
    fn open(&self, params: &Params) -> Verdict {
        assert!(params.get("DO") != Some(b"panic in open"), "as asked");
        match params.get("POOL") {
            Some(b"in turn") => Verdict::in_turn(STDIN_BYTES_MAX),
            Some(_) => Verdict::pool(STDIN_BYTES_MAX),
            None => Verdict::inline(STDIN_BYTES_MAX),
        }
    }

    fn respond(&self, request: Request, out: &mut Output) -> io::Result<i32> {
        let chunk = vec![b'c'; 50_000];
        match request.params.get("DO") {
            Some(b"wait") => self.gate.pass(),
            Some(b"panic") => {
                out.write_all(b"half an answer")?;
                panic!("as asked");
            }
            Some(b"write long") => {
                let result = (0..2000).try_for_each(|_| out.write_all(&chunk));
                *self.long_answer.lock().expect("lock") =
                    Some(format!("{:?}", result.as_ref().err().map(io::Error::kind)));
                return result.map(|()| 0);
            }
            Some(b"stream long") => {
                let done = Done(Arc::clone(&self.long_answer));
                out.stream((0..2000).map(move |_| {
                    let _ = &done;
                    Ok(chunk.clone())
                }));
                return Ok(0);
            }
            Some(b"env") => {
                for (name, value) in &request.params {
                    out.write_all(&[name, b"=", value, b"\n"].concat())?;
                }
                return Ok(0);
            }
            Some(b"stop") => {
                let handle = self.handle.lock().expect("lock");
                handle.iter().for_each(Handle::stop);
            }
            Some(b"dump") => {
                let bytes = request.stdin.into_bytes()?;
                return out.write_all(&bytes).map(|()| 7);
            }
            _ => {}
        }
        write!(out, "Content-Type: text/plain\r\n\r\nok {} {}", request.stdin.len(), request.stdin_is_whole())?;
        Ok(0)
    }

    fn refuse(&self, refusal: Refusal, params: &Params, out: &mut Output) -> io::Result<i32> {
        if params.get("QUIET").is_none() {
            write!(out, "refused {refusal:?}")?;
        }
        Ok(9)
    }

    fn report(&self, trouble: &Trouble<'_>) {
        self.troubles.lock().expect("lock").push(trouble.to_string());
    }
}

impl Lab {
    pub fn has_heard(&self, text: &str) -> bool {
        self.troubles.lock().expect("lock").iter().any(|trouble| trouble.contains(text))
    }
}

/// Notes when a stream is dropped.
struct Done(Arc<Mutex<Option<String>>>);

impl Drop for Done {
    fn drop(&mut self) {
        *self.0.lock().expect("lock") = Some("dropped".into());
    }
}

/// A server that runs in this process.
pub struct Running {
    pub path: PathBuf,
    pub handle: Handle,
    pub lab: Lab,
    thread: Option<JoinHandle<Result<(), ServerError>>>,
    _directory: tempfile::TempDir,
}

impl Running {
    pub fn start() -> Running {
        Running::with(Config::default())
    }

    pub fn with(config: Config) -> Running {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("socket");
        let lab = Lab::default();
        let listener = Listener::unix(&path, 0o600).expect("listen");
        let config = Config { temp_dir: directory.path().to_owned(), ..config };
        let server = Server::new(listener, config, lab.clone()).expect("a server");
        let handle = server.handle();
        let thread = thread::spawn(move || server.run());
        Running { path, handle, lab, thread: Some(thread), _directory: directory }
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.path)
    }

    pub fn connections(&self) -> u64 {
        Stats::get(&self.handle.stats().connections)
    }

    /// The server is alive, answers, and has let everybody else go.
    #[track_caller]
    pub fn check_serves(&self) {
        check_serves(&self.path);
    }

    /// Stops it and waits for the end.
    pub fn stop(mut self) {
        self.handle.stop();
        let thread = self.thread.take().expect("still running");
        thread.join().expect("no panic").expect("no error");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lab.gate.open();
        self.handle.stop();
    }
}

#[track_caller]
pub fn check_serves(path: &Path) {
    let mut client = Client::connect(path);
    client.send(&request(1, &[("CONTENT_LENGTH", "5")], b"alive"));
    let answer = client.answer(1);
    assert!(answer.stdout.ends_with("ok 5 true"), "{answer:?}");
}

/// What came for one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
    pub application_status: i32,
    pub protocol_status: u8,
}

/// A web server's end of a connection.
pub struct Client {
    pub socket: UnixStream,
    unread: Vec<u8>,
    open: BTreeMap<u16, Answer>,
    ended: BTreeMap<u16, Answer>,
    /// Management records: kind and content.
    pub management: Vec<(u8, Vec<u8>)>,
}

impl Client {
    pub fn connect(path: &Path) -> Client {
        let socket = UnixStream::connect(path).expect("connect");
        socket.set_read_timeout(Some(PATIENCE)).expect("time-out");
        socket.set_write_timeout(Some(PATIENCE)).expect("time-out");
        let (open, ended) = (BTreeMap::new(), BTreeMap::new());
        Client { socket, unread: Vec::new(), open, ended, management: Vec::new() }
    }

    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("send");
    }

    /// Sends what the server may refuse to read.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).is_ok()
    }

    /// Reads on until this request has ended.
    #[track_caller]
    pub fn answer(&mut self, id: u16) -> Answer {
        let answer = self.try_answer(id);
        let begun = self.open.get(&id).map_or(0, |answer| answer.stdout.len());
        answer.unwrap_or_else(|| panic!("connection closed before the end of request {id}, after {begun} bytes"))
    }

    /// The same, if the server does not close before.
    pub fn try_answer(&mut self, id: u16) -> Option<Answer> {
        while !self.ended.contains_key(&id) && self.read() {}
        self.ended.remove(&id)
    }

    /// Reads on until a management record has come.
    #[track_caller]
    pub fn management(&mut self) -> (u8, Vec<u8>) {
        while self.management.is_empty() {
            assert!(self.read(), "connection closed before a management record");
        }
        self.management.remove(0)
    }

    /// Reads on until the server closes; every request must have ended by then.
    #[track_caller]
    pub fn check_closed(&mut self) {
        while self.read() {}
        assert!(self.unread.is_empty() && self.open.is_empty(), "{:?} {:?}", self.unread, self.open);
    }

    /// Reads on until the server closes, in the middle of anything.
    pub fn wait_until_closed(&mut self) {
        while self.read() {}
    }

    pub fn shut_down(&self) {
        self.socket.shutdown(Shutdown::Write).expect("shut down");
    }

    /// Reads something; false at the end.
    fn read(&mut self) -> bool {
        let mut buffer = vec![0; 1 << 16];
        match self.socket.read(&mut buffer) {
            Ok(0) => false,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("reading: {error}"),
            Ok(taken) => {
                self.unread.extend_from_slice(&buffer[..taken]);
                self.split();
                true
            }
        }
    }

    fn split(&mut self) {
        let mut at = 0;
        while let Some(&[version, kind, id1, id0, length1, length0, padding, _]) = self.unread.get(at..at + 8) {
            let content = usize::from(u16::from_be_bytes([length1, length0]));
            let Some(record) = self.unread.get(at + 8..at + 8 + content + usize::from(padding)) else { break };
            assert_eq!(version, 1);
            let (id, content) = (u16::from_be_bytes([id1, id0]), &record[..content]);
            match kind {
                3 => {
                    let mut answer = self.open.remove(&id).unwrap_or_default();
                    answer.application_status = i32::from_be_bytes(content[..4].try_into().expect("four bytes"));
                    answer.protocol_status = content[4];
                    assert!(self.ended.insert(id, answer).is_none(), "request {id} ended twice");
                }
                6 => self.open.entry(id).or_default().stdout += &String::from_utf8_lossy(content),
                7 => self.open.entry(id).or_default().stderr += &String::from_utf8_lossy(content),
                _ => self.management.push((kind, content.to_vec())),
            }
            at += 8 + record.len();
        }
        self.unread.drain(..at);
    }
}

/// A whole request that keeps the connection.
pub fn request(id: u16, params: &[(&str, &str)], stdin: &[u8]) -> Vec<u8> {
    request_with(id, Keep::Connection, params, stdin)
}

/// A whole request after which the connection is closed.
pub fn last_request(id: u16, params: &[(&str, &str)], stdin: &[u8]) -> Vec<u8> {
    request_with(id, Keep::Nothing, params, stdin)
}

fn request_with(id: u16, keep: Keep, params: &[(&str, &str)], stdin: &[u8]) -> Vec<u8> {
    let mut bytes = head(id, keep, params);
    encode::input(&mut bytes, id, Stream::Stdin, stdin);
    encode::end_input(&mut bytes, id, Stream::Stdin);
    bytes
}

/// A request without its input.
pub fn head(id: u16, keep: Keep, params: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode::begin_request(&mut bytes, id, Role::Responder, keep);
    encode::input(&mut bytes, id, Stream::Params, Params::from_pairs(params.iter().copied()).encoded());
    encode::end_input(&mut bytes, id, Stream::Params);
    bytes
}

/// One record, whatever it means.
pub fn record(kind: u8, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let [id1, id0] = id.to_be_bytes();
    let [length1, length0] = u16::try_from(content.len()).expect("short content").to_be_bytes();
    let mut bytes = vec![1, kind, id1, id0, length1, length0, padding, 0];
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len() + usize::from(padding), 0xee);
    bytes
}
