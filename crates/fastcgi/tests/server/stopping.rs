//! A stop: what is in flight is finished, what is idle is closed, and it takes a bounded time.

use std::time::{Duration, Instant};

use fastcgi::Config;

use crate::support::{Client, PATIENCE, Running, request, wait_for};

#[test]
fn requests_in_flight_are_finished() {
    let server = Running::start();
    let mut running = server.client();
    running.send(&request(1, &[("POOL", ""), ("DO", "wait")], b""));
    wait_for("it to run", || server.lab.gate.waiting() == 1);
    let mut half = server.client();
    let bytes = request(1, &[("CONTENT_LENGTH", "4")], b"body");
    half.send(&bytes[..20]);
    let mut idle = server.client();
    idle.send(&request(1, &[], b""));
    idle.answer(1);
    server.handle.stop();
    idle.check_closed();
    wait_for("the path to go", || !server.path.exists());
    half.send(&bytes[20..]);
    assert!(half.answer(1).stdout.ends_with("ok 4 true"));
    half.check_closed();
    server.lab.gate.open();
    assert!(running.answer(1).stdout.ends_with("ok 0 true"));
    running.check_closed();
    server.stop();
}

#[test]
fn connections_that_wait_to_be_accepted_are_served() {
    let server = Running::start();
    let mut clients: Vec<Client> = (0..100).map(|_| server.client()).collect();
    for client in &mut clients {
        client.send(&request(1, &[], b""));
    }
    server.handle.stop();
    for client in &mut clients {
        assert!(client.answer(1).stdout.ends_with("ok 0 true"));
        client.check_closed();
    }
    server.stop();
}

#[test]
fn a_connection_that_has_sent_nothing_is_waited_for_a_moment() {
    let server = Running::with(Config { stop_timeout: 10 * PATIENCE, ..Config::default() });
    let mut fresh = server.client();
    let mut silent = server.client();
    wait_for("both to be accepted", || server.connections() == 2);
    server.handle.stop();
    fresh.send(&request(1, &[], b""));
    assert!(fresh.answer(1).stdout.ends_with("ok 0 true"));
    fresh.check_closed();
    silent.check_closed();
    server.stop();
}

#[test]
fn what_does_not_finish_is_given_up_in_time() {
    let server = Running::with(Config { stop_timeout: Duration::from_millis(200), ..Config::default() });
    let mut stuck = server.client();
    stuck.send(&request(1, &[("POOL", ""), ("DO", "wait")], b""));
    wait_for("it to run", || server.lab.gate.waiting() == 1);
    let start = Instant::now();
    let gate = std::sync::Arc::clone(&server.lab.gate);
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(10));
    stuck.wait_until_closed();
    gate.open();
}

#[test]
fn a_handler_whose_client_is_gone_is_waited_for() {
    let server = Running::start();
    let mut client = server.client();
    client.send(&request(1, &[("POOL", ""), ("DO", "wait")], b""));
    wait_for("it to run", || server.lab.gate.waiting() == 1);
    drop(client);
    wait_for("the connection to go", || server.connections() == 0);
    let gate = std::sync::Arc::clone(&server.lab.gate);
    let stopper = std::thread::spawn(move || server.stop());
    assert!(!stopper.is_finished());
    gate.open();
    stopper.join().expect("stopped");
    assert_eq!(gate.waiting(), 0, "the handler has come to its end");
}

#[test]
fn a_second_server_takes_over_the_path() {
    let first = Running::start();
    let path = first.path.clone();
    let mut client = first.client();
    client.send(&request(1, &[("POOL", ""), ("DO", "wait")], b""));
    wait_for("it to run", || first.lab.gate.waiting() == 1);
    first.handle.stop();
    wait_for("the path to go", || !path.exists());
    let listener = fastcgi::Listener::unix(&path, 0o600).expect("the path is free");
    first.lab.gate.open();
    assert!(client.answer(1).stdout.ends_with("ok 0 true"));
    first.handle.stop();
    drop(listener);
}

#[test]
fn times_without_end_are_no_trouble() {
    let (idle_timeout, read_timeout, write_timeout) = (Duration::MAX, Duration::MAX, Duration::MAX);
    let times = Config { idle_timeout, read_timeout, write_timeout, stop_timeout: Duration::MAX, ..Config::default() };
    let server = Running::with(times);
    server.check_serves();
    server.stop();
}
