//! Crowds: thousands of idle and of busy connections on a server in a process of its own, and one without files.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use fastcgi::{Config, Listener, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Client, Lab, check_serves, request};

/// Tells a child which socket to serve; without it the child's test is empty.
const SOCKET: &str = "FASTCGI_TEST_SOCKET";
/// Tells a child how many files it may have.
const FILES: &str = "FASTCGI_TEST_FILES";

/// The test binary again, as a server that ends with its standard input.
struct ChildServer {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    _directory: tempfile::TempDir,
    path: std::path::PathBuf,
}

impl ChildServer {
    fn start(files: Option<u64>) -> ChildServer {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("socket");
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "crowd::child_serves", "--nocapture"])
            .env(SOCKET, &path)
            .env(FILES, files.map(|files| files.to_string()).unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the child");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        while !line.ends_with("listening\n") {
            line.clear();
            assert!(lines.read_line(&mut line).expect("read") > 0, "the child has ended");
        }
        ChildServer { child, _stdout: lines, _directory: directory, path }
    }

    /// Resident memory in bytes.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let ended = self.child.wait();
        if !std::thread::panicking() {
            assert!(ended.expect("wait").success(), "the child ends in good order");
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the child learns from its environment that it is one")]
fn child_serves() {
    let Ok(path) = std::env::var(SOCKET) else { return };
    if let Ok(files) = std::env::var(FILES).unwrap_or_default().parse() {
        let limit = Rlimit { current: Some(files), maximum: Some(files) };
        setrlimit(Resource::Nofile, limit).expect("fewer files");
    }
    let listener = Listener::unix(path, 0o600).expect("listen");
    let config = Config { connections_max: Some(1_000_000), ..Config::default() };
    let server = Server::new(listener, config, Lab::default()).expect("a server");
    let handle = server.handle();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        handle.stop();
    });
    println!("\nlistening");
    io::stdout().flush().expect("flush");
    server.run().expect("serve");
}

/// Lets a test work on a server that has 64 files and is told that it may have any number of connections.
pub fn with_few_files(test: impl FnOnce(&Path)) {
    let server = ChildServer::start(Some(64));
    test(&server.path);
}

#[test]
fn ten_thousand_connections_are_held_and_served() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("raise the file limit");
    let count = usize::try_from(maximum.unwrap_or(20_000).saturating_sub(200).min(10_000)).expect("a small number");
    let server = ChildServer::start(None);
    check_serves(&server.path);
    let before = server.memory();

    let mut clients: Vec<Client> = (0..count).map(|_| Client::connect(&server.path)).collect();
    check_serves(&server.path);
    let fresh = server.memory();
    let long = "v".repeat(8000);
    for client in &mut clients {
        client.send(&request(1, &[("LONG", &long)], long.as_bytes()));
    }
    for client in &mut clients {
        assert!(client.answer(1).stdout.ends_with("ok 8000 false"));
    }
    check_serves(&server.path);
    let kept = server.memory();
    let each = |memory: u64| memory.saturating_sub(before) / u64::try_from(count).expect("a small number");
    println!("{count} connections: {} bytes each when fresh, {} when kept", each(fresh), each(kept));
    assert!(each(fresh) < 1000 && each(kept) < 1000, "{} and {} bytes a connection", each(fresh), each(kept));

    for client in &mut clients {
        client.send(&request(1, &[], b"")[..20]);
    }
    check_serves(&server.path);
    let slow = server.memory();
    assert!(each(slow) < 3000, "{} bytes a slow connection", each(slow));
    drop(clients);
    check_serves(&server.path);
}
