//! A listening socket on standard input, as web servers and spawn-fcgi give it, alone and shared by several processes.

use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};

use fastcgi::{Config, Listener, Server};

use crate::support::{Client, Lab, check_serves, request, wait_for};

const CHILD: &str = "FASTCGI_TEST_INHERITED";

#[test]
#[expect(clippy::disallowed_methods, reason = "the child learns from its environment that it is one")]
fn child_serves() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let Some(listener) = Listener::from_stdin().expect("usable") else {
        println!("\nno socket");
        return;
    };
    let server = Server::new(listener, Config::default(), Lab::default()).expect("a server");
    println!("\nlistening");
    server.run().expect("serve");
}

/// Starts the test binary again and reads what it says of its standard input.
fn start(stdin: Stdio) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "inherited::child_serves", "--nocapture"])
        .env(CHILD, "1")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .spawn()
        .expect("start the child");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let said = lines.map(|line| line.expect("read")).find(|line| line == "listening" || line == "no socket");
    (child, said.expect("the child says what it found"))
}

fn end(mut child: Child) {
    // A child that has ended by itself is as good.
    let _ = child.kill();
    child.wait().expect("wait");
}

#[test]
fn standard_input_is_a_socket_only_when_it_listens() {
    let (pair, _other) = std::os::unix::net::UnixStream::pair().expect("pair");
    for stdin in [Stdio::null(), Stdio::piped(), Stdio::from(OwnedFd::from(pair))] {
        let (child, said) = start(stdin);
        assert_eq!(said, "no socket");
        end(child);
    }
}

#[test]
fn several_processes_share_a_socket() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("socket");
    let socket = UnixListener::bind(&path).expect("bind");
    let share = || Stdio::from(OwnedFd::from(socket.try_clone().expect("clone")));
    let mut children: Vec<Child> = (0..4)
        .map(|_| {
            let (child, said) = start(share());
            assert_eq!(said, "listening");
            child
        })
        .collect();
    for _ in 0..300 {
        check_serves(&path);
    }
    let mut clients: Vec<Client> = (0..100).map(|_| Client::connect(&path)).collect();
    for client in &mut clients {
        client.send(&request(1, &[], b""));
    }
    for client in &mut clients {
        assert!(client.answer(1).stdout.ends_with("ok 0 true"));
    }
    while let Some(child) = children.pop() {
        end(child);
        if !children.is_empty() {
            wait_for("the others to serve on", || {
                check_serves(&path);
                true
            });
        }
    }
}
