//! A listening socket on standard input, as web servers and spawn-fcgi give it, alone and shared by several processes.

use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

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
    let lab = Lab::default();
    let server = Server::new(listener, Config::default(), lab.clone()).expect("a server");
    *lab.handle.lock().expect("lock") = Some(server.handle());
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
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let said = lines.by_ref().map(|line| line.expect("read")).find(|line| line == "listening" || line == "no socket");
    // The rest is read so that the child can print it.
    std::thread::spawn(move || lines.count());
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

#[test]
fn workers_are_replaced_without_losing_a_connection() {
    const RESTARTS: usize = 3;
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("socket");
    let socket = UnixListener::bind(&path).expect("bind");
    let launch = || start(Stdio::from(OwnedFd::from(socket.try_clone().expect("clone")))).0;
    let mut children: Vec<Child> = vec![launch(), launch()];
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let hammer = || {
            let mut answered = 0;
            while !done.load(Ordering::Relaxed) {
                check_serves(&path);
                answered += 1;
            }
            answered
        };
        let hammers = [scope.spawn(hammer), scope.spawn(hammer)];
        for _ in 0..RESTARTS {
            let mut client = Client::connect(&path);
            client.send(&request(1, &[("DO", "stop")], b""));
            client.answer(1);
            client.check_closed();
            wait_for("a worker to end", || {
                let ended = children.iter_mut().position(|child| child.try_wait().expect("wait").is_some());
                ended.is_some_and(|at| children.swap_remove(at).wait().expect("wait").success())
            });
            children.push(launch());
        }
        done.store(true, Ordering::Relaxed);
        for hammer in hammers {
            assert!(hammer.join().expect("every request is answered") > RESTARTS);
        }
    });
    children.into_iter().for_each(end);
}
