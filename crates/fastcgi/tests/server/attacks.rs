//! Everything that has killed a FastCGI server: each against a running one, which must be alive and serving afterwards.

use std::io::Write;
use std::sync::Arc;

use fastcgi::encode::{self, Keep};
use fastcgi::{Config, Params, Role, Stream};
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};

use crate::support::{Client, PATIENCE, Running, head, last_request, record, request, wait_for};

/// Runs an attack on a fresh connection and sees that the server serves on and holds nothing of it.
#[track_caller]
fn check(attack: impl FnOnce(&mut Client)) {
    let server = Running::start();
    let mut client = server.client();
    attack(&mut client);
    server.check_serves();
    drop(client);
    wait_for("the attacker's connection to be dropped", || server.connections() == 0);
    server.check_serves();
    server.stop();
}

#[test]
fn connections_closed_at_once_and_inside_a_record() {
    let server = Running::start();
    let whole = last_request(1, &[("NAME", "value"), ("CONTENT_LENGTH", "4")], b"body");
    for cut in 0..whole.len() {
        server.client().send(&whole[..cut]);
    }
    server.check_serves();
    wait_for("all to be dropped", || server.connections() == 0);
}

#[test]
fn version_2() {
    check(|client| {
        client.send(&[2, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
        client.check_closed();
    });
}

#[test]
fn sixty_thousand_empty_pairs() {
    check(|client| {
        let mut bytes = Vec::new();
        encode::begin_request(&mut bytes, 1, Role::Responder, Keep::Connection);
        encode::input(&mut bytes, 1, Stream::Params, &[0; 120_000]);
        encode::end_input(&mut bytes, 1, Stream::Params);
        encode::end_input(&mut bytes, 1, Stream::Stdin);
        client.send(&bytes);
        assert_eq!(client.answer(1).stdout, "refused ParamsTooLong");
        client.send(&request(1, &[], b""));
        assert!(client.answer(1).stdout.ends_with("ok 0 true"), "the connection goes on");
    });
}

#[test]
fn sixty_thousand_empty_values_asked_for() {
    check(|client| {
        client.send(&record(9, 0, &[0; 65_534], 0));
        assert_eq!(client.management(), (10, vec![]));
    });
}

#[test]
fn an_empty_begin_request() {
    check(|client| {
        client.send(&record(1, 1, b"", 0));
        client.check_closed();
    });
}

#[test]
fn record_types_that_only_applications_send() {
    check(|client| {
        for kind in [3, 6, 7, 10, 11] {
            for id in [0, 1, 65_535] {
                client.send(&record(kind, id, b"12345678", 8));
            }
        }
        client.send(&request(1, &[], b""));
        assert!(client.answer(1).stdout.ends_with("ok 0 true"));
        assert!(client.management.is_empty());
    });
}

#[test]
fn lengths_of_two_gigabytes() {
    check(|client| {
        for pairs in [&b"\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\x01\xff\xff\xff\xffA", b"\xff\xff\xff\xff\x00A"] {
            let mut bytes = Vec::new();
            encode::begin_request(&mut bytes, 1, Role::Responder, Keep::Connection);
            encode::input(&mut bytes, 1, Stream::Params, pairs);
            encode::end_input(&mut bytes, 1, Stream::Params);
            encode::end_input(&mut bytes, 1, Stream::Stdin);
            client.send(&bytes);
            assert_eq!(client.answer(1).stdout, "refused ParamsCutOff");
            client.send(&record(9, 0, pairs, 0));
            assert_eq!(client.management(), (10, vec![]));
        }
    });
}

#[test]
fn a_content_length_of_anything() {
    check(|client| {
        for (announced, want) in [
            ("18446744073709551615", "refused BodyTooLong"),
            ("18446744073709551616", "ok 0 false"),
            ("-1", "ok 0 false"),
            ("\u{fffd}", "ok 0 false"),
            ("", "ok 0 true"),
        ] {
            client.send(&request(1, &[("CONTENT_LENGTH", announced)], b""));
            let answer = client.answer(1);
            assert!(answer.stdout.contains(want), "{announced}: {answer:?}");
        }
    });
}

#[test]
fn id_0_for_everything() {
    check(|client| {
        for kind in [1, 2, 4, 5, 8] {
            client.send(&record(kind, 0, b"12345678", 0));
            assert_eq!(client.management(), (11, vec![kind, 0, 0, 0, 0, 0, 0, 0]));
        }
    });
}

#[test]
fn a_hundred_megabytes_of_input_that_nobody_reads() {
    let block = Arc::new(record(5, 1, &[b'x'; 65_528], 0).repeat(16));
    let blocks = 100;
    for (keep, announced) in [(Keep::Connection, ""), (Keep::Nothing, ""), (Keep::Nothing, "104844800")] {
        check(|client| {
            client.send(&head(1, keep, &[("CONTENT_LENGTH", announced)]));
            for _ in 0..blocks {
                client.send(&block);
            }
            let answer = client.answer(1);
            assert!(answer.stdout.starts_with("refused BodyTooLong"), "{answer:?}");
            if keep == Keep::Connection {
                client.send(&request(2, &[], b""));
                assert!(client.answer(2).stdout.ends_with("ok 0 true"));
            } else {
                client.check_closed();
            }
        });
    }
}

#[test]
fn input_for_requests_that_never_were() {
    check(|client| {
        for id in 1..300 {
            client.send(&record(5, id, &[1; 5000], 0));
            client.send(&record(4, id, &[1; 5000], 0));
            client.send(&record(2, id, b"", 0));
        }
        client.send(&request(1, &[], b""));
        assert!(client.answer(1).stdout.ends_with("ok 0 true"));
    });
}

#[test]
fn a_request_begun_twice_and_streams_in_disorder() {
    let begin = record(1, 1, &[0, 1, 1, 0, 0, 0, 0, 0], 0);
    check(|client| {
        client.send(&begin.repeat(2));
        client.check_closed();
    });
    check(|client| {
        client.send(&[&begin[..], &record(5, 1, b"before params", 0)].concat());
        client.check_closed();
    });
    check(|client| {
        client.send(&[&begin[..], &record(4, 1, b"", 0), &record(4, 1, b"again", 0)].concat());
        client.check_closed();
    });
}

#[test]
fn all_ids_at_once_on_one_connection() {
    check(|client| {
        let mut begins = Vec::new();
        for id in 1..=65_535 {
            encode::begin_request(&mut begins, id, Role::Responder, Keep::Connection);
        }
        let mut writer = client.socket.try_clone().expect("clone");
        std::thread::scope(|scope| {
            scope.spawn(move || writer.write_all(&begins).expect("send"));
            for id in 101..=65_535 {
                assert_eq!(client.answer(id).protocol_status, 2, "request {id} is overload");
            }
        });
        for id in 1..=100 {
            let mut rest = record(4, id, b"", 0);
            rest.extend(record(5, id, b"", 0));
            client.send(&rest);
            assert!(client.answer(id).stdout.ends_with("ok 0 true"));
        }
    });
}

#[test]
fn handlers_that_panic_everywhere() {
    check(|client| {
        for (params, want, status) in [
            (&[("DO", "panic in open")][..], "refused Panicked", 9),
            (&[("DO", "panic")], "refused Panicked", 9),
            (&[("DO", "panic"), ("POOL", "")], "refused Panicked", 9),
        ] {
            client.send(&request(1, params, b""));
            let answer = client.answer(1);
            assert_eq!((&*answer.stdout, answer.application_status), (want, status), "{params:?}");
        }
    });
}

#[test]
fn roles_that_nobody_plays() {
    check(|client| {
        for role in [0_u16, 2, 3, 4, 65_535] {
            let [role1, role0] = role.to_be_bytes();
            client.send(&record(1, 1, &[role1, role0, 1, 0, 0, 0, 0, 0], 0));
            assert_eq!(client.answer(1).protocol_status, 3, "role {role}");
        }
        client.send(&record(1, 1, &[0, 9, 0, 0, 0, 0, 0, 0], 0));
        assert_eq!(client.answer(1).protocol_status, 3);
        client.shut_down();
        client.check_closed();
    });
}

#[test]
fn questions_without_end_from_a_client_that_does_not_read() {
    let server = Running::start();
    let client = server.client();
    client.socket.set_nonblocking(true).expect("non-blocking");
    let question = record(99, 0, b"", 0).repeat(1000);
    let mut sent = 0_u64;
    while let Ok(bytes) = (&client.socket).write(&question) {
        sent += bytes as u64;
        assert!(sent < 100 << 20, "the server takes questions without end");
        server.check_serves();
    }
    server.check_serves();
}

#[test]
fn no_files_left_to_accept_with() {
    crate::crowd::with_few_files(|path| {
        let mut clients: Vec<Client> = Vec::new();
        for _ in 0..200 {
            clients.push(Client::connect(path));
        }
        for client in clients.iter_mut().take(20) {
            client.try_send(&head(1, Keep::Connection, &[]));
        }
        drop(clients);
        crate::support::check_serves(path);
        let idle: Vec<Client> = (0..200).map(|_| Client::connect(path)).collect();
        crate::support::check_serves(path);
        drop(idle);
    });
}

#[test]
fn hostile_streams_from_many_clients() {
    let server = Running::with(Config { read_timeout: PATIENCE, ..Config::default() });
    let kind = prop_oneof![1..12_u8, any::<u8>()];
    let content = prop_oneof![
        Just(vec![0, 1, 0, 0, 0, 0, 0, 0]),
        Just(vec![0, 1, 1, 0, 0, 0, 0, 0]),
        Just(vec![]),
        Just(Params::from_pairs([("DO", "panic"), ("POOL", "")]).encoded().to_vec()),
        Just(Params::from_pairs([("DO", "stream long")]).encoded().to_vec()),
        prop::collection::vec(any::<u8>(), 0..100),
    ];
    let one = (kind, 0..3_u16, content, any::<u8>());
    let records = prop::collection::vec(one, 0..30);
    let mut runner = TestRunner::new(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() });
    let result = runner.run(&records, |records| {
        let mut client = server.client();
        for (kind, id, content, padding) in records {
            if !client.try_send(&record(kind, id, &content, padding)) {
                break;
            }
        }
        Ok(())
    });
    result.expect("nothing hangs");
    server.check_serves();
    wait_for("all to be dropped", || server.connections() == 0);
    server.stop();
}
