//! What a web server may rely on: answers, kept connections, many requests at once, bodies, TCP, few system calls.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::process::Command;
use std::thread;

use fastcgi::encode::{self, Keep};
use fastcgi::{Config, Listener, Server, Stats, Stream};

use crate::support::{Client, Lab, PATIENCE, Running, head, last_request, record, request, wait_for};

#[test]
fn a_kept_connection_stays_and_another_is_closed() {
    let server = Running::start();
    let mut client = server.client();
    for _ in 0..3 {
        client.send(&request(1, &[], b""));
        assert!(client.answer(1).stdout.ends_with("ok 0 true"));
    }
    client.send(&last_request(1, &[], b""));
    assert_eq!(client.answer(1).protocol_status, 0);
    client.check_closed();
}

#[test]
fn a_request_in_one_byte_records_sent_byte_by_byte_is_answered() {
    let server = Running::start();
    let mut client = server.client();
    let whole = request(1, &[("DO", "dump"), ("CONTENT_LENGTH", "3")], b"abc");
    let mut bytes = whole[..16].to_vec();
    let mut rest = &whole[16..];
    while let Some((header, after)) = rest.split_first_chunk::<8>() {
        let (content, after) = after.split_at(usize::from(header[5]));
        for byte in content {
            bytes.extend(record(header[1], 1, &[*byte], 2));
        }
        if content.is_empty() {
            bytes.extend(record(header[1], 1, b"", 5));
        }
        rest = after;
    }
    for byte in bytes {
        client.send(&[byte]);
    }
    let answer = client.answer(1);
    assert_eq!((&*answer.stdout, answer.application_status), ("abc", 7));
}

#[test]
fn requests_on_one_connection_are_answered_as_they_get_ready() {
    let server = Running::start();
    let mut client = server.client();
    client.send(&request(1, &[("POOL", ""), ("DO", "wait")], b""));
    client.send(&request(2, &[("POOL", ""), ("DO", "wait")], b""));
    client.send(&request(500, &[], b""));
    assert!(client.answer(500).stdout.ends_with("ok 0 true"));
    wait_for("both to wait", || server.lab.gate.waiting() == 2);
    server.lab.gate.open();
    assert!(client.answer(2).stdout.ends_with("ok 0 true"));
    assert!(client.answer(1).stdout.ends_with("ok 0 true"));
}

#[test]
fn bodies_of_any_length_arrive_whole() {
    let server = Running::start();
    let mut client = server.client();
    for pool in [&[][..], &[("POOL", "")]] {
        for length in [1, 65_535, 65_536, 65_537, 1_000_000, 3 << 20] {
            let body: Vec<u8> = (0..length).map(|at| b'a' + u8::try_from(at % 23).expect("below 23")).collect();
            let announced = length.to_string();
            let params = [&[("DO", "dump"), ("CONTENT_LENGTH", &*announced)], pool].concat();
            client.send(&request(1, &params, &body));
            let answer = client.answer(1);
            assert!(answer.stdout.as_bytes() == body, "{length} bytes, {pool:?}: {} came back", answer.stdout.len());
        }
    }
}

#[test]
fn values_that_are_not_text_and_names_that_come_twice_reach_the_application() {
    let server = Running::start();
    let mut client = server.client();
    let mut bytes = Vec::new();
    encode::begin_request(&mut bytes, 1, fastcgi::Role::Responder, Keep::Connection);
    encode::input(&mut bytes, 1, Stream::Params, b"\x01\x02X\xff\xfe\x01\x00X\x02\x03DOenv");
    encode::end_input(&mut bytes, 1, Stream::Params);
    encode::end_input(&mut bytes, 1, Stream::Stdin);
    client.send(&bytes);
    assert_eq!(client.answer(1).stdout, "X=\u{fffd}\u{fffd}\nX=\nDO=env\n");
}

#[test]
fn values_are_told_before_during_and_after_a_request() {
    let server = Running::with(Config { connections_max: Some(123), ..Config::default() });
    let mut client = server.client();
    let mut ask = Vec::new();
    encode::get_values(&mut ask, [&b"FCGI_MAX_CONNS"[..], b"NONSENSE", b"FCGI_MPXS_CONNS"]);
    let want = (10, b"\x0e\x03FCGI_MAX_CONNS123\x0f\x01FCGI_MPXS_CONNS1".to_vec());
    client.send(&ask);
    assert_eq!(client.management(), want);
    let whole = request(1, &[], b"");
    client.send(&whole[..20]);
    client.send(&[&whole[20..], &ask[..]].concat());
    client.answer(1);
    assert_eq!(client.management(), want);
}

#[test]
fn an_aborted_request_ends_while_it_waits_and_while_it_runs() {
    let server = Running::with(Config { pool_threads_max: 1, ..Config::default() });
    let mut client = server.client();
    client.send(&request(1, &[("POOL", ""), ("DO", "wait")], b""));
    wait_for("the first to run", || server.lab.gate.waiting() == 1);
    client.send(&request(2, &[("POOL", ""), ("DO", "wait")], b""));
    let mut abort = Vec::new();
    encode::abort_request(&mut abort, 2);
    encode::abort_request(&mut abort, 1);
    client.send(&abort);
    assert_eq!(client.answer(2).application_status, 1);
    assert_eq!(client.answer(1).application_status, 1);
    server.lab.gate.open();
    client.send(&request(1, &[("POOL", "")], b""));
    assert!(client.answer(1).stdout.ends_with("ok 0 true"), "the id is free, and nothing of the old answer comes");
}

#[test]
fn half_a_connection_closed_after_a_request_still_gets_its_answer() {
    let server = Running::start();
    for params in [&[][..], &[("POOL", "")]] {
        let mut client = server.client();
        client.send(&request(1, params, b""));
        client.shut_down();
        assert!(client.answer(1).stdout.ends_with("ok 0 true"));
        client.check_closed();
    }
}

#[test]
fn a_request_and_the_end_that_arrive_together_are_both_seen() {
    let server = Running::start();
    let mut client = server.client();
    client.send(&request(1, &[], b""));
    client.answer(1);
    let mut holder = server.client();
    holder.send(&request(1, &[("DO", "wait")], b""));
    wait_for("the event loop to be held up", || server.lab.gate.waiting() == 1);
    client.send(&request(1, &[], b""));
    client.shut_down();
    server.lab.gate.open();
    assert!(client.answer(1).stdout.ends_with("ok 0 true"));
    client.check_closed();
}

#[test]
fn tcp_serves_and_lets_only_web_servers_in() {
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let elsewhere = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
    for (allowed, answered) in [(None, true), (Some(vec![elsewhere, local]), true), (Some(vec![elsewhere]), false)] {
        let listener = Listener::tcp("127.0.0.1:0").expect("listen");
        let address = listener.address();
        let config = Config { web_server_addrs: allowed, ..Config::default() };
        let server = Server::new(listener, config, Lab::default()).expect("a server");
        let handle = server.handle();
        let thread = thread::spawn(move || server.run());
        let mut socket = TcpStream::connect(&address).expect("connect");
        socket.set_read_timeout(Some(PATIENCE)).expect("time-out");
        // Whoever is not let in may find the connection reset here already.
        let _ = socket.write_all(&last_request(1, &[], b""));
        let mut answer = Vec::new();
        let read = socket.read_to_end(&mut answer);
        assert_eq!(read.is_ok() && !answer.is_empty(), answered, "{read:?}");
        handle.stop();
        thread.join().expect("no panic").expect("no error");
    }
}

#[test]
fn several_loops_share_the_work() {
    let server = Running::with(Config { threads: 3, ..Config::default() });
    let mut clients: Vec<Client> = (0..50).map(|_| server.client()).collect();
    for round in 1..20 {
        for client in &mut clients {
            client.send(&request(round, &[], b""));
        }
        for client in &mut clients {
            assert!(client.answer(round).stdout.ends_with("ok 0 true"));
        }
    }
    drop(clients);
    wait_for("connections to close", || server.connections() == 0);
    server.stop();
}

#[test]
fn a_small_request_on_a_kept_connection_costs_one_read_and_one_write() {
    const REQUESTS: u64 = 500;
    let server = Running::start();
    let mut client = server.client();
    client.send(&request(1, &[], b""));
    client.answer(1);
    let stats = server.handle.stats();
    let before = (Stats::get(&stats.reads), Stats::get(&stats.writes), Stats::get(&stats.polls));
    for _ in 0..REQUESTS {
        client.send(&request(1, &[("REQUEST_URI", "/")], b""));
        client.answer(1);
    }
    assert_eq!(Stats::get(&stats.reads) - before.0, REQUESTS, "reads");
    assert_eq!(Stats::get(&stats.writes) - before.1, REQUESTS, "writes");
    let polls = Stats::get(&stats.polls) - before.2;
    assert!(polls <= REQUESTS + REQUESTS / 10, "{polls} polls");
}

#[test]
fn cgi_fcgi_gets_its_answer() {
    let server = Running::start();
    let output = Command::new("cgi-fcgi")
        .args(["-bind", "-connect"])
        .arg(&server.path)
        .env_clear()
        .envs([("REQUEST_METHOD", "GET"), ("DO", "env")])
        .output()
        .expect("cgi-fcgi runs; Debian has it in libfcgi-bin");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("REQUEST_METHOD=GET\n"), "{output:?}");
}

#[test]
fn a_long_request_does_not_keep_others_waiting() {
    let server = Running::start();
    let mut greedy = server.client();
    greedy.send(&head(1, Keep::Connection, &[]));
    let flood = record(5, 7, &[0; 60_000], 0).repeat(100);
    thread::scope(|scope| {
        let flooding = scope.spawn(|| {
            for _ in 0..10 {
                greedy.send(&flood);
            }
        });
        let mut client = server.client();
        let mut answered = 0;
        while !flooding.is_finished() {
            client.send(&request(1, &[], b""));
            client.answer(1);
            answered += 1;
        }
        assert!(answered > 5, "only {answered} answers during 60 MB of input");
    });
    let mut end = Vec::new();
    encode::end_input(&mut end, 1, Stream::Stdin);
    greedy.send(&end);
    assert!(greedy.answer(1).stdout.ends_with("ok 0 true"));
}
