//! What a broken or hostile web server may send to `fcgi_blerg`'s own socket: the worker refuses what it must, lives on
//! and serves the next request. Each attack ends in [`Target::still_serves`].

use std::io::{self, Read, Write};
use std::process::Command;

use super::cgi_run::variables;
use super::fcgi_client::{
    ABORT, BEGIN, Client, DATA, END, GET_VALUES, GET_VALUES_RESULT, PARAMS, STDERR, STDIN, STDOUT, UNKNOWN_TYPE, begin,
    pairs, record, request, stream,
};
use super::front::{Kind, Way};
use super::http::{Ask, Reply};
use super::site::{Running, Site, command, private_kib, wait_until};

/// A worker with one post.
struct Target {
    way: Way,
    pid: u32,
}

impl Target {
    fn start() -> Target {
        let way = Way::open(Kind::Fcgi, Site::new(""));
        let token = way.sign_up("jon");
        way.ask(&Ask::post("/put", &[("data", "Hello")]).with(&token));
        let pid = way.running[0].id();
        Target { way, pid }
    }

    fn client(&self) -> Client {
        Client::open(self.way.address.as_ref().unwrap()).unwrap()
    }

    fn get(&self) -> Vec<(String, String)> {
        variables(&self.way.site, "blerg.fcgi", "127.0.0.1", &Ask::get("/get/jon"))
    }

    /// The same process answers a request as before.
    #[track_caller]
    fn still_serves(&mut self) {
        check(&self.client().ask(1, false, &self.get(), b"").unwrap());
        assert!(self.way.running[0].is_alive(), "{}", self.way.running[0].log());
        assert_eq!(self.way.running[0].id(), self.pid);
    }

    /// Sends `bytes` on a connection of their own, all at once, and reads what comes until the end.
    fn throw(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut client = self.client();
        // The worker may have seen enough and closed.
        let _ = client.send(bytes);
        let _ = client.stream.finish();
        let mut answer = Vec::new();
        let _ = client.stream.read_to_end(&mut answer);
        self.still_serves();
        answer
    }
}

#[track_caller]
fn check(reply: &Reply) {
    assert_eq!(reply.status, 200, "{:?}", String::from_utf8_lossy(&reply.body));
    assert_eq!(reply.json()[0]["data"], "Hello");
}

/// END_REQUEST's protocol status, when the application ends request 1 without output.
#[track_caller]
fn end_of(client: &mut Client) -> u8 {
    let (output, _, protocol) = client.finish(1).unwrap();
    assert_eq!(output, b"", "{}", String::from_utf8_lossy(&output));
    protocol
}

#[test]
fn connections_cut_off_at_every_byte_cost_nothing() {
    let mut target = Target::start();
    let whole = request(1, true, &target.get(), b"");
    for cut in 0..whole.len() {
        let mut client = target.client();
        client.send(&whole[..cut]).unwrap();
    }
    target.still_serves();
}

#[test]
fn one_byte_at_a_time_is_the_same_request() {
    let mut target = Target::start();
    let mut client = target.client();
    for byte in request(1, true, &target.get(), b"") {
        client.send(&[byte]).unwrap();
    }
    let (output, ..) = client.finish(1).unwrap();
    check(&Reply::from_cgi(&output).unwrap());
    target.still_serves();
}

#[test]
fn records_of_one_byte_are_the_same_request() {
    let target = Target::start();
    let variables = target.get();
    let params = pairs(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut bytes = begin(7, 1, false);
    bytes.extend(params.chunks(1).flat_map(|byte| record(PARAMS, 7, byte)));
    bytes.extend(record(PARAMS, 7, b""));
    bytes.extend(record(STDIN, 7, b""));
    let mut client = target.client();
    client.send(&bytes).unwrap();
    let (output, ..) = client.finish(7).unwrap();
    check(&Reply::from_cgi(&output).unwrap());
}

#[test]
fn other_versions_empty_begins_and_stray_records_are_survived() {
    let mut target = Target::start();
    let mut version_two = request(1, false, &target.get(), b"");
    version_two[0] = 2;
    target.throw(&version_two);
    target.throw(&record(BEGIN, 1, b""));
    for kind in [END, STDOUT, STDERR, GET_VALUES_RESULT, UNKNOWN_TYPE, DATA, ABORT, PARAMS, STDIN] {
        for id in [0, 1, 0xffff] {
            target.throw(&record(kind, id, b"12345678"));
        }
    }
    target.throw(&begin(0, 1, false));
    target.throw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    target.throw(&[0xff; 70_000]);
    target.throw(&[0; 70_000]);
    target.throw(&[1; 70_000]);
}

#[test]
fn lengths_beyond_what_comes_take_no_memory() {
    let mut target = Target::start();
    for lengths in [[0xff; 8].as_slice(), &[0x7f, 0xff, 0xff, 0xff, 0xff], &[0x84, 0, 0, 0, 1, b'x']] {
        let mut bytes = begin(1, 1, true);
        bytes.extend(stream(PARAMS, 1, lengths));
        bytes.extend(record(STDIN, 1, b""));
        target.throw(&bytes);
    }
    let mut many_pairs = begin(1, 1, true);
    many_pairs.extend(stream(PARAMS, 1, &vec![0; 120_000]));
    many_pairs.extend(record(STDIN, 1, b""));
    target.throw(&many_pairs);
    let mut long_params = begin(1, 1, true);
    let value = "x".repeat(4 << 20);
    long_params.extend(stream(PARAMS, 1, &pairs([("HTTP_X", value.as_str())])));
    target.throw(&long_params);
    assert!(private_kib(target.pid) < 32 << 10, "{} KiB", private_kib(target.pid));
}

#[test]
fn values_that_are_not_utf8_hide_no_later_ones() {
    let mut target = Target::start();
    let mut bytes = begin(1, 1, false);
    let mut params = pairs([("HTTP_X", "??"), ("HTTP_??", "x")]);
    params.iter_mut().filter(|byte| **byte == b'?').for_each(|byte| *byte = 0xff);
    let variables = target.get();
    params.extend(pairs(variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
    bytes.extend(stream(PARAMS, 1, &params));
    bytes.extend(record(STDIN, 1, b""));
    let mut client = target.client();
    client.send(&bytes).unwrap();
    let (output, ..) = client.finish(1).unwrap();
    check(&Reply::from_cgi(&output).unwrap());
    target.still_serves();
}

#[test]
fn a_hundred_megabytes_that_nobody_reads_are_refused() {
    let mut target = Target::start();
    let mut variables = target.get();
    variables.push(("CONTENT_LENGTH".to_owned(), (100 << 20).to_string()));
    let mut client = target.client();
    let mut head = begin(1, 1, true);
    head.extend(stream(PARAMS, 1, &pairs(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))));
    client.send(&head).unwrap();
    let piece = record(STDIN, 1, &[b'x'; 65_528]);
    let sent: io::Result<()> = (0..1600).try_for_each(|_| client.stream.write_all(&piece));
    let _ = sent.and_then(|()| client.send(&record(STDIN, 1, b"")));
    if let Ok((output, ..)) = client.finish(1) {
        assert_eq!(Reply::from_cgi(&output).unwrap().status, 413);
    }
    assert!(private_kib(target.pid) < 32 << 10, "{} KiB", private_kib(target.pid));
    target.still_serves();
}

#[test]
fn stdin_that_is_not_as_long_as_content_length_changes_nothing() {
    let mut target = Target::start();
    let token = target.way.log_in("jon");
    let ask = Ask::post("/put", &[("data", "half of it")]).with(&token);
    let body = ask.body.clone().unwrap();
    for sent in [&body[..body.len() - 1], b"", &[body.as_slice(), b"&more=1"].concat()] {
        let variables = variables(&target.way.site, "blerg.fcgi", "127.0.0.1", &ask);
        let reply = target.client().ask(1, false, &variables, sent).unwrap();
        assert_eq!(reply.status, 400, "{} of {} bytes: {}", sent.len(), body.len(), reply.text());
    }
    target.still_serves();
}

#[test]
fn management_records_are_answered_at_any_time() {
    let target = Target::start();
    let mut client = target.client();
    let names = pairs([("FCGI_MAX_CONNS", ""), ("FCGI_MPXS_CONNS", ""), ("NO_SUCH_NAME", "")]);
    client.send(&begin(1, 1, true)).unwrap();
    client.send(&record(GET_VALUES, 0, &names)).unwrap();
    let values = client.record().unwrap().unwrap();
    assert_eq!((values.kind, values.id), (GET_VALUES_RESULT, 0));
    let text = String::from_utf8_lossy(&values.content).into_owned();
    assert!(
        text.contains("FCGI_MAX_CONNS") && text.contains("FCGI_MPXS_CONNS1") && !text.contains("NO_SUCH"),
        "{text:?}"
    );
    client.send(&record(99, 0, b"")).unwrap();
    let unknown = client.record().unwrap().unwrap();
    assert_eq!((unknown.kind, unknown.id, unknown.content[0]), (UNKNOWN_TYPE, 0, 99));
    let rest = request(1, true, &target.get(), b"");
    client.send(&rest[16..]).unwrap();
    let (output, ..) = client.finish(1).unwrap();
    check(&Reply::from_cgi(&output).unwrap());
}

#[test]
fn unknown_roles_and_aborted_requests_end_in_order() {
    const UNKNOWN_ROLE: u8 = 3;
    let mut target = Target::start();
    for role in [0, 2, 3, 9, 0xffff] {
        let mut client = target.client();
        client.send(&begin(1, role, true)).unwrap();
        assert_eq!(end_of(&mut client), UNKNOWN_ROLE, "role {role}");
    }
    let mut client = target.client();
    client.send(&begin(1, 1, true)).unwrap();
    client.send(&record(ABORT, 1, b"")).unwrap();
    assert_eq!(end_of(&mut client), 0);
    check(&client.ask(1, true, &target.get(), b"").unwrap());
    target.still_serves();
}

#[test]
fn requests_on_one_connection_may_be_mixed_and_answered_in_any_order() {
    let target = Target::start();
    let mut client = target.client();
    let ids = [1, 2, 300, 0xffff];
    let whole: Vec<Vec<u8>> = ids.iter().map(|id| request(*id, true, &target.get(), b"")).collect();
    let mut rest: Vec<&[u8]> = whole.iter().map(Vec::as_slice).collect();
    // Record by record in turns.
    while rest.iter().any(|bytes| !bytes.is_empty()) {
        for bytes in &mut rest {
            let Some(head) = bytes.first_chunk::<8>() else { continue };
            let length = 8 + usize::from(u16::from_be_bytes([head[4], head[5]])) + usize::from(head[6]);
            let (now, later) = bytes.split_at(length);
            client.send(now).unwrap();
            *bytes = later;
        }
    }
    let mut answers = ids.map(|id| (id, Vec::new()));
    let mut ended = 0;
    while ended < ids.len() {
        let record = client.record().unwrap().expect("the connection is kept");
        let (_, output) = answers.iter_mut().find(|(id, _)| *id == record.id).expect("one of our ids");
        match record.kind {
            STDOUT => output.extend(record.content),
            END => ended += 1,
            kind => panic!("a record of type {kind}"),
        }
    }
    for (_, output) in &answers {
        check(&Reply::from_cgi(output).unwrap());
    }
}

#[test]
fn more_connections_than_files_wait_and_are_served() {
    let mut way = Way::open(Kind::Fcgi, Site::new(""));
    let socket = way.site.run().join("narrow.sock");
    let listen = format!("unix:{}", socket.display());
    let mut shell = command("/bin/sh");
    shell.args(["-c", "ulimit -n 160; exec \"$0\" --listen \"$1\""]).arg(way.site.program("fcgi_blerg")).arg(&listen);
    shell.envs(way.site.environment());
    let mut narrow = Running::start(&way.site, "narrow", &mut shell);
    let address = super::http::Address::Unix(socket);
    narrow.wait_until(|| address.connect().is_ok());
    let variables = variables(&way.site, "blerg.fcgi", "127.0.0.1", &Ask::get("/latest"));
    let idle: Vec<_> = (0..400).filter_map(|_| Client::open(&address).ok()).collect();
    assert!(idle.len() > 200, "{} connections", idle.len());
    drop(idle);
    let reply = Client::open(&address).unwrap().ask(1, false, &variables, b"").unwrap();
    assert_eq!((reply.status, reply.text()), (200, "[]"), "{}", narrow.log());
    assert!(narrow.is_alive(), "{}", narrow.log());
    way.running.insert(0, narrow);
}

#[test]
fn cgi_fcgi_of_libfcgi_gets_an_answer() {
    let target = Target::start();
    let socket = target.way.site.run().join("fcgi.sock");
    let mut client: Command = command("cgi-fcgi");
    client.args(["-bind", "-connect"]).arg(socket).envs(target.get());
    let output = client.stdin(std::process::Stdio::null()).output().expect("`make deps` installs libfcgi-bin");
    check(&Reply::from_cgi(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}")));
}

#[test]
fn a_closed_client_in_the_middle_of_an_answer_costs_nothing() {
    let mut target = Target::start();
    for _ in 0..50 {
        let mut client = target.client();
        client.send(&request(1, true, &target.get(), b"")).unwrap();
    }
    target.still_serves();
    let before = open_files(target.pid);
    wait_until("connections are closed", || open_files(target.pid) <= before.min(40));
}

fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}
