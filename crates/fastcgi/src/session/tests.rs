//! Whole conversations without a socket: bytes in, records out.

use std::io::{self, Read, Write};
use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::encode::{self, Keep, ProtocolStatus};
use crate::event_loop::EventLoop;
use crate::record::{
    ABORT_REQUEST, BEGIN_REQUEST, DATA, END_REQUEST, GET_VALUES, GET_VALUES_RESULT, Header, PARAMS, STDERR, STDIN,
    STDOUT, UNKNOWN_TYPE,
};
use crate::{Application, Output, Params, Refusal, Request, Role, Stream, Trouble, Verdict};

const STDIN_BYTES_MAX: u64 = 100;

/// Answers with what it was asked, so that nothing can get mixed up unseen.
#[derive(Default)]
struct Echo {
    troubles: Arc<Mutex<Vec<String>>>,
}

impl Application for Echo {
    fn accepts(&self, _role: Role) -> bool {
        true
    }

    fn open(&self, params: &Params) -> Verdict {
        assert!(params.get("PANIC") != Some(b"open"), "as asked");
        Verdict::inline(STDIN_BYTES_MAX)
    }

    fn respond(&self, mut request: Request, out: &mut Output) -> io::Result<i32> {
        let mut stdin = Vec::new();
        request.stdin.read_to_end(&mut stdin)?;
        let params = request.params.clone();
        match params.get("DO") {
            Some(b"fail") => return Err(io::Error::other("as asked")),
            Some(b"log") => out.stderr().write_all(b"logged")?,
            Some(b"stream") => out.stream((0..5).map(|n| Ok(vec![b'0' + n; 3]))),
            Some(b"stream and fail") => out.stream([Ok(b"first".to_vec()), Err(io::Error::other("torn"))].into_iter()),
            Some(b"stream without end") => out.stream(std::iter::repeat_with(|| Ok(vec![b'e'; 1000]))),
            _ => {}
        }
        write!(out, "{:?} {:?} ", request.role, request.params)?;
        out.write_all(&stdin)?;
        write!(out, " {}", request.data.len())?;
        assert!(params.get("PANIC") != Some(b"respond"), "as asked");
        Ok(i32::from(!request.stdin_is_whole()))
    }

    fn refuse(&self, refusal: Refusal, params: &Params, out: &mut Output) -> io::Result<i32> {
        assert!(params.get("PANIC") != Some(b"open"), "as asked once more");
        write!(out, "{refusal:?}")?;
        Ok(4)
    }

    fn report(&self, trouble: &Trouble<'_>) {
        self.troubles.lock().expect("no panic under the lock").push(trouble.to_string());
    }
}

/// A session with what it needs around it.
struct Bench {
    session: Session,
    shared: Shared,
    mailbox: Arc<Mailbox>,
    out: Vec<u8>,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(Echo::default(), config())
    }

    fn with(application: impl Application, config: Config) -> Bench {
        let (_poll, mailbox) = EventLoop::queue().expect("a queue");
        let shared = Shared::new(Arc::new(application), config, false);
        Bench { session: Session::new(), shared, mailbox, out: Vec::new() }
    }

    /// Sends bytes as a fast client would: everything that comes back is taken.
    fn send(&mut self, bytes: &[u8]) -> Result<(), ProtocolError> {
        let context = Context { shared: &self.shared, mailbox: &self.mailbox, token: 0, now: Instant::now() };
        self.session.receive(bytes, &context)?;
        for _ in 0..100 {
            self.session.process(&context)?;
            let more = self.session.pump(&context);
            let sent = self.session.unsent().len();
            self.out.extend_from_slice(self.session.unsent());
            self.session.advance(sent);
            if !more && sent == 0 {
                break;
            }
        }
        Ok(())
    }

    #[track_caller]
    fn check(bytes: &[u8], want: &[u8]) {
        let mut bench = Bench::new();
        bench.send(bytes).expect("FastCGI");
        assert_eq!(shown(&bench.out), shown(want));
    }
}

fn config() -> Config {
    Config {
        params_max: 20,
        params_bytes_max: 200,
        requests_per_connection_max: 3,
        body_memory_bytes_max: 10,
        ..Config::default()
    }
}

/// Records as text, one a line.
fn shown(mut bytes: &[u8]) -> String {
    let mut lines = String::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let header = Header::from_bytes(*head);
        let (content, rest) = rest.split_at(usize::from(header.content_bytes));
        lines += &format!("{} {} {:?}\n", header.kind, header.id, String::from_utf8_lossy(content));
        bytes = rest.split_at(usize::from(header.padding_bytes)).1;
    }
    assert_eq!(bytes, b"", "only whole records");
    lines
}

fn request(id: u16, role: Role, params: &[(&str, &str)], stdin: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode::begin_request(&mut bytes, id, role, Keep::Connection);
    encode::input(&mut bytes, id, Stream::Params, Params::from_pairs(params.iter().copied()).encoded());
    encode::end_input(&mut bytes, id, Stream::Params);
    encode::input(&mut bytes, id, Stream::Stdin, stdin);
    encode::end_input(&mut bytes, id, Stream::Stdin);
    bytes
}

fn answer(id: u16, stdout: &str, application_status: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode::stream(&mut bytes, id, encode::OutStream::Stdout, stdout.as_bytes());
    encode::end_stream(&mut bytes, id, encode::OutStream::Stdout);
    encode::end_request(&mut bytes, id, application_status, ProtocolStatus::RequestComplete);
    bytes
}

fn ended(id: u16, application_status: i32, status: ProtocolStatus) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode::end_request(&mut bytes, id, application_status, status);
    bytes
}

#[test]
fn any_id_is_answered_under_its_own() {
    for id in [1, 2, 255, 256, 65_535] {
        let params = [("A", "b"), ("CONTENT_LENGTH", "2")];
        let want = answer(id, r#"Responder {"A": "b", "CONTENT_LENGTH": "2"} in 0"#, 0);
        Bench::check(&request(id, Role::Responder, &params, b"in"), &want);
    }
}

#[test]
fn requests_that_are_interleaved_are_kept_apart() {
    let mut bytes = Vec::new();
    for id in [1, 2, 3] {
        encode::begin_request(&mut bytes, id, Role::Responder, Keep::Connection);
    }
    for byte in Params::from_pairs([("NAME", "value")]).encoded() {
        for id in [3, 1, 2] {
            encode::input(&mut bytes, id, Stream::Params, &[*byte]);
        }
    }
    for id in [2, 3, 1] {
        encode::end_input(&mut bytes, id, Stream::Params);
    }
    for id in [1, 3, 2, 1, 2, 3, 2] {
        encode::input(&mut bytes, id, Stream::Stdin, id.to_string().as_bytes());
    }
    for id in [3, 1, 2] {
        encode::end_input(&mut bytes, id, Stream::Stdin);
    }
    let said = |stdin: &str| format!(r#"Responder {{"NAME": "value"}} {stdin} 0"#);
    let want = [answer(3, &said("33"), 1), answer(1, &said("11"), 1), answer(2, &said("222"), 1)].concat();
    Bench::check(&bytes, &want);
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let one = request(1, Role::Responder, &[], b"");
    Bench::check(&one.repeat(10), &answer(1, "Responder {}  0", 0).repeat(10));
}

#[test]
fn input_is_compared_with_its_announced_length() {
    for (announced, stdin, status) in [("3", "abc", 0), ("4", "abc", 1), ("2", "abc", 1), ("", "", 0), ("x", "", 1)] {
        let mut bench = Bench::new();
        let params = [("CONTENT_LENGTH", announced)];
        bench.send(&request(1, Role::Responder, &params, stdin.as_bytes())).expect("FastCGI");
        let end = ended(1, status, ProtocolStatus::RequestComplete);
        assert!(bench.out.ends_with(&end), "{announced} for {stdin}: {}", shown(&bench.out));
    }
}

#[test]
fn an_authorizer_needs_no_input_and_a_filter_has_two() {
    let mut bytes = Vec::new();
    encode::begin_request(&mut bytes, 1, Role::Authorizer, Keep::Connection);
    encode::end_input(&mut bytes, 1, Stream::Params);
    encode::begin_request(&mut bytes, 2, Role::Filter, Keep::Connection);
    encode::end_input(&mut bytes, 2, Stream::Params);
    encode::input(&mut bytes, 2, Stream::Stdin, b"in");
    encode::end_input(&mut bytes, 2, Stream::Stdin);
    encode::input(&mut bytes, 2, Stream::Data, b"file");
    encode::end_input(&mut bytes, 2, Stream::Data);
    Bench::check(&bytes, &[answer(1, "Authorizer {}  0", 0), answer(2, "Filter {} in 4", 1)].concat());
}

#[test]
fn an_unknown_role_is_refused_and_its_streams_are_ignored() {
    for role in [0_u8, 4, 255] {
        let mut bytes = request(1, Role::Responder, &[], b"in");
        bytes[9] = role;
        Bench::check(&bytes, &ended(1, 0, ProtocolStatus::UnknownRole));
    }
}

#[test]
fn values_are_answered_at_any_time_and_unknown_names_left_out() {
    let names = ["FCGI_MPXS_CONNS", "FCGI_WHATEVER", "FCGI_MAX_CONNS", "FCGI_MAX_REQS"].map(str::as_bytes);
    let mut bytes = Vec::new();
    encode::begin_request(&mut bytes, 1, Role::Responder, Keep::Connection);
    encode::get_values(&mut bytes, names);
    encode::get_values(&mut bytes, []);
    let mut bench = Bench::with(Echo::default(), Config { connections_max: Some(77), ..config() });
    bench.send(&bytes).expect("FastCGI");
    let mut want = Vec::new();
    let pairs = [("FCGI_MAX_CONNS", "77"), ("FCGI_MAX_REQS", "77"), ("FCGI_MPXS_CONNS", "1")];
    encode::get_values_result(&mut want, pairs.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    encode::get_values_result(&mut want, []);
    assert_eq!(shown(&bench.out), shown(&want));
}

#[test]
fn unknown_management_records_are_told_so() {
    let mut bytes = Header::new(99, 0, 3).to_bytes().to_vec();
    bytes.extend_from_slice(b"abc");
    let mut want = Vec::new();
    encode::unknown_type(&mut want, 99);
    Bench::check(&bytes, &want);
}

#[test]
fn an_aborted_request_ends_at_once_wherever_it_is() {
    let whole = request(1, Role::Responder, &[("DO", "stream without end")], b"in");
    let length = whole.len();
    for cut in [16, length - 26, length - 18, length - 8, length] {
        let mut bench = Bench::new();
        bench.send(&whole[..cut]).expect("FastCGI");
        bench.out.clear();
        let mut abort = Vec::new();
        encode::abort_request(&mut abort, 1);
        bench.send(&abort).expect("FastCGI");
        assert_eq!(shown(&bench.out), shown(&ended(1, 1, ProtocolStatus::RequestComplete)), "cut at {cut}");
        bench.out.clear();
        bench.send(&request(1, Role::Responder, &[], b"")).expect("the id is free again");
        assert_eq!(shown(&bench.out), shown(&answer(1, "Responder {}  0", 0)));
    }
}

#[test]
fn records_of_inactive_requests_are_ignored() {
    let mut bytes = Vec::new();
    encode::input(&mut bytes, 5, Stream::Params, b"x");
    encode::end_input(&mut bytes, 5, Stream::Params);
    encode::input(&mut bytes, 5, Stream::Stdin, b"x");
    encode::abort_request(&mut bytes, 5);
    bytes.extend(request(1, Role::Responder, &[], b""));
    Bench::check(&bytes, &answer(1, "Responder {}  0", 0));
}

#[test]
fn a_request_begun_twice_closes_the_connection() {
    let mut bytes = Vec::new();
    encode::begin_request(&mut bytes, 1, Role::Responder, Keep::Connection);
    encode::begin_request(&mut bytes, 1, Role::Responder, Keep::Connection);
    assert_eq!(Bench::new().send(&bytes), Err(ProtocolError::BegunTwice { id: 1 }));
}

#[test]
fn streams_in_a_wrong_order_close_the_connection() {
    type Streams = &'static [(Stream, &'static [u8])];
    let steps: [(Role, Streams); 10] = [
        (Role::Responder, &[(Stream::Stdin, b"x")]),
        (Role::Responder, &[(Stream::Stdin, b"")]),
        (Role::Responder, &[(Stream::Params, b""), (Stream::Params, b"x")]),
        (Role::Responder, &[(Stream::Params, b""), (Stream::Params, b"")]),
        (Role::Responder, &[(Stream::Params, b""), (Stream::Data, b"x")]),
        (Role::Responder, &[(Stream::Params, b""), (Stream::Data, b"")]),
        (Role::Filter, &[(Stream::Params, b""), (Stream::Stdin, b""), (Stream::Stdin, b"x")]),
        (Role::Filter, &[(Stream::Params, b""), (Stream::Stdin, b""), (Stream::Stdin, b"")]),
        (Role::Filter, &[(Stream::Params, b""), (Stream::Data, b"x")]),
        (Role::Filter, &[(Stream::Params, b""), (Stream::Data, b"")]),
    ];
    for (role, streams) in steps {
        let mut bytes = Vec::new();
        encode::begin_request(&mut bytes, 9, role, Keep::Connection);
        for (stream, piece) in streams {
            encode::input(&mut bytes, 9, *stream, piece);
            if piece.is_empty() {
                encode::end_input(&mut bytes, 9, *stream);
            }
        }
        assert_eq!(Bench::new().send(&bytes), Err(ProtocolError::StreamOrder { id: 9 }), "{streams:?}");
    }
}

#[test]
fn more_requests_at_once_than_allowed_are_overload() {
    let mut bytes = Vec::new();
    for id in 1..=4 {
        encode::begin_request(&mut bytes, id, Role::Responder, Keep::Connection);
    }
    Bench::check(&bytes, &ended(4, 0, ProtocolStatus::Overloaded));
}

#[test]
fn params_up_to_the_limits_are_taken_and_no_more() {
    let long = "v".repeat(196);
    let cases = [
        (vec![("N", "v"); 20], true),
        (vec![("N", "v"); 21], false),
        (vec![("", ""); 21], false),
        (vec![("", &long[1..]); 1], true),
        (vec![("", &*long); 1], false),
    ];
    for (params, taken) in cases {
        let mut bench = Bench::new();
        bench.send(&request(1, Role::Responder, &params, b"")).expect("FastCGI");
        let shown = shown(&bench.out);
        assert_eq!(shown.contains("ParamsTooLong"), !taken, "{} params: {shown}", params.len());
        assert_eq!(shown.contains("Responder"), taken, "{} params: {shown}", params.len());
    }
}

#[test]
fn params_that_are_cut_off_are_refused() {
    let mut bytes = Vec::new();
    encode::begin_request(&mut bytes, 1, Role::Responder, Keep::Connection);
    encode::input(&mut bytes, 1, Stream::Params, b"\xff\xff\xff\xff\x01A");
    encode::end_input(&mut bytes, 1, Stream::Params);
    encode::end_input(&mut bytes, 1, Stream::Stdin);
    Bench::check(&bytes, &answer(1, "ParamsCutOff", 4));
}

#[test]
fn input_beyond_the_limit_is_refused_at_once() {
    let refused = answer(1, "BodyTooLong { limit_bytes: 100 }", 4);
    let announced = |bytes: &str| vec![("CONTENT_LENGTH", bytes.to_owned())];
    let head = |params: Vec<(&str, String)>| {
        let mut bytes = Vec::new();
        encode::begin_request(&mut bytes, 1, Role::Responder, Keep::Connection);
        encode::input(&mut bytes, 1, Stream::Params, Params::from_pairs(params).encoded());
        encode::end_input(&mut bytes, 1, Stream::Params);
        bytes
    };
    Bench::check(&head(announced("101")), &refused);
    Bench::check(&head(announced("100")), b"");
    let mut unannounced = head(Vec::new());
    encode::input(&mut unannounced, 1, Stream::Stdin, &[b'x'; 100]);
    Bench::check(&unannounced, b"");
    encode::input(&mut unannounced, 1, Stream::Stdin, b"x");
    Bench::check(&unannounced, &refused);
    encode::input(&mut unannounced, 1, Stream::Stdin, &[b'x'; 60_000]);
    encode::end_input(&mut unannounced, 1, Stream::Stdin);
    unannounced.extend(request(1, Role::Responder, &[], b""));
    Bench::check(&unannounced, &[refused, answer(1, "Responder {}  0", 0)].concat());
}

#[test]
fn input_that_cannot_be_stored_is_refused_and_reported() {
    let echo = Echo::default();
    let troubles = Arc::clone(&echo.troubles);
    let mut bench = Bench::with(echo, Config { temp_dir: "/nonexistent".into(), ..config() });
    bench.send(&request(1, Role::Responder, &[], b"more than ten")).expect("FastCGI");
    assert_eq!(shown(&bench.out), shown(&answer(1, "Storage", 4)));
    assert!(troubles.lock().expect("lock")[0].starts_with("storing a request's input: No such file"));
}

/// Refuses to answer when what `open` found out does not arrive.
struct Carrier;

impl Application for Carrier {
    fn open(&self, params: &Params) -> Verdict {
        Verdict::inline(0).carrying(params.iter().count())
    }

    fn respond(&self, mut request: Request, _out: &mut Output) -> io::Result<i32> {
        let carried: Option<usize> = request.take_carried();
        assert_eq!(request.take_carried::<usize>(), None, "taken once");
        carried.and_then(|count| i32::try_from(count).ok()).ok_or_else(|| io::Error::other("nothing carried"))
    }
}

#[test]
fn what_open_works_out_is_carried_to_respond() {
    let mut bench = Bench::with(Carrier, config());
    bench.send(&request(1, Role::Responder, &[("A", "1"), ("B", "2")], b"")).expect("FastCGI");
    assert_eq!(shown(&bench.out), shown(&answer(1, "", 2)));
    let mut by_hand = Request::new(Params::default(), b"in".to_vec());
    assert_eq!((by_hand.stdin.len(), by_hand.take_carried::<usize>()), (2, None));
}

#[test]
fn the_error_log_is_a_stream_of_its_own() {
    let mut bench = Bench::new();
    bench.send(&request(1, Role::Responder, &[("DO", "log")], b"")).expect("FastCGI");
    assert!(shown(&bench.out).starts_with("7 1 \"logged\"\n6 1 "), "{}", shown(&bench.out));
}

#[test]
fn a_handler_that_fails_ends_its_request_and_is_logged() {
    let mut want = Vec::new();
    encode::stream(&mut want, 1, encode::OutStream::Stderr, b"as asked\n");
    want.extend(answer(1, "", 1));
    Bench::check(&request(1, Role::Responder, &[("DO", "fail")], b""), &want);
}

#[test]
fn a_handler_that_panics_ends_its_request_and_leaves_nothing_half() {
    let next = request(1, Role::Responder, &[], b"");
    let answered = answer(1, "Responder {}  0", 0);
    let respond = [request(1, Role::Responder, &[("PANIC", "respond")], b""), next.clone()].concat();
    Bench::check(&respond, &[answer(1, "Panicked", 4), answered.clone()].concat());
    let open = [request(1, Role::Responder, &[("PANIC", "open")], b""), next].concat();
    Bench::check(&open, &[answer(1, "", 1), answered].concat());
}

#[test]
fn a_stream_is_sent_chunk_by_chunk_after_what_was_written() {
    let mut bench = Bench::new();
    bench.send(&request(1, Role::Responder, &[("DO", "stream")], b"")).expect("FastCGI");
    let chunks = "6 1 \"000\"\n6 1 \"111\"\n6 1 \"222\"\n6 1 \"333\"\n6 1 \"444\"\n6 1 \"\"\n3 1 ";
    assert!(shown(&bench.out).contains(chunks), "{}", shown(&bench.out));
}

#[test]
fn a_stream_that_fails_ends_its_request() {
    let mut bench = Bench::new();
    bench.send(&request(1, Role::Responder, &[("DO", "stream and fail")], b"")).expect("FastCGI");
    assert!(shown(&bench.out).contains("6 1 \"first\"\n7 1 \"torn\\n\"\n6 1 \"\"\n3 1 "), "{}", shown(&bench.out));
}

#[test]
fn a_client_that_does_not_read_costs_one_buffer() {
    let mut bench = Bench::new();
    let context = Context { shared: &bench.shared, mailbox: &bench.mailbox, token: 0, now: Instant::now() };
    let bytes = request(1, Role::Responder, &[("DO", "stream without end")], b"");
    bench.session.receive(&bytes, &context).expect("FastCGI");
    while bench.session.has_room() {
        assert!(bench.session.pump(&context));
    }
    let held = bench.session.held_bytes();
    assert!((UNSENT_BYTES_MAX..UNSENT_BYTES_MAX + 2000).contains(&held), "{held}");
    for _ in 0..100 {
        bench.session.receive(&request(2, Role::Responder, &[], b""), &context).expect("FastCGI");
        bench.session.pump(&context);
    }
    assert_eq!(bench.session.held_bytes(), held, "no more is answered while nothing is taken");
}

#[test]
fn the_last_request_without_keep_conn_finishes_the_connection() {
    let mut bench = Bench::new();
    bench.send(&request(1, Role::Responder, &[], b"")).expect("FastCGI");
    assert!(!bench.session.is_finished() && bench.session.is_idle());
    let mut bytes = request(1, Role::Responder, &[], b"");
    bytes[10] = 0;
    bench.send(&bytes[..30.min(bytes.len() - 8)]).expect("FastCGI");
    assert!(!bench.session.is_finished() && !bench.session.is_idle());
    bench.send(&bytes[30.min(bytes.len() - 8)..]).expect("FastCGI");
    assert!(bench.session.is_finished() && !bench.session.has_loose_input());
}

#[test]
fn a_stopping_session_finishes_after_what_is_in_flight() {
    let mut bench = Bench::new();
    let bytes = request(1, Role::Responder, &[], b"");
    bench.send(&bytes[..20]).expect("FastCGI");
    bench.session.stop();
    assert!(!bench.session.is_finished());
    bench.send(&bytes[20..]).expect("FastCGI");
    assert!(bench.session.is_finished());
    assert_eq!(shown(&bench.out), shown(&answer(1, "Responder {}  0", 0)));
}

#[test]
fn each_state_has_its_own_time() {
    let config = Config {
        idle_timeout: Duration::from_secs(1),
        read_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_secs(3),
        ..config()
    };
    let mut bench = Bench::with(Echo::default(), config.clone());
    let start = Instant::now();
    let check = |bench: &Bench, want: Option<(u64, &str)>| {
        let (waiting, later) = (bench.session.waiting(), start + Duration::from_secs(10));
        let found = waiting.deadline(later, &config).map(|(at, name)| (at.duration_since(start).as_secs(), name));
        assert_eq!(found, want);
    };
    check(&bench, Some((11, "idle")));
    let bytes = request(1, Role::Responder, &[("DO", "stream without end")], b"");
    bench.send(&bytes[..3]).expect("FastCGI");
    check(&bench, Some((12, "reading input")));
    bench.send(&bytes[3..20]).expect("FastCGI");
    check(&bench, Some((2, "reading params")));
    bench.send(&bytes[20..bytes.len() - 8]).expect("FastCGI");
    check(&bench, Some((12, "reading input")));
    bench.send(&bytes[bytes.len() - 8..]).expect("FastCGI");
    check(&bench, None);
    let context = Context { shared: &bench.shared, mailbox: &bench.mailbox, token: 0, now: start };
    bench.session.pump(&context);
    check(&bench, Some((13, "writing an answer")));
}

/// Records as a hostile or broken web server could send them: mostly plausible, any id of a few, any content. None asks
/// for a stream, because whether an id is free again would then depend on how fast it is read.
fn hostile_record() -> impl Strategy<Value = Vec<u8>> {
    let kinds = [BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES];
    let kinds = [&kinds[..], &[GET_VALUES_RESULT, UNKNOWN_TYPE, 0, 77, PARAMS, STDIN, BEGIN_REQUEST]].concat();
    let begin = prop_oneof![Just(vec![0, 1, 1, 0, 0, 0, 0, 0]), Just(vec![0, 3, 0, 0, 0, 0, 0, 0])];
    let pairs = prop_oneof![Just(b"\x02\x04DOfail".to_vec()), Just(b"\x02\x03DOlog".to_vec())];
    let content =
        prop_oneof![3 => begin, 2 => pairs, 2 => Just(vec![]), 1 => prop::collection::vec(any::<u8>(), 0..300)];
    (prop::sample::select(kinds), 0..4_u16, content, 0..9_u8).prop_map(|(kind, id, content, padding_bytes)| {
        let content_bytes = u16::try_from(content.len()).expect("short");
        let header = Header { padding_bytes, ..Header::new(kind, id, content_bytes) };
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend(content);
        bytes.resize(bytes.len() + usize::from(padding_bytes), 0);
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_streams_give_whole_records_and_the_same_in_any_pieces(
        records in prop::collection::vec(hostile_record(), 0..40),
        noise in prop::collection::vec(any::<u8>(), 0..20),
        pieces in prop::collection::vec(1..200_usize, 1..50),
    ) {
        let bytes = [records.concat(), noise].concat();
        let mut whole = Bench::new();
        let result = whole.send(&bytes);
        shown(&whole.out);
        let mut cut = Bench::new();
        let (mut rest, mut sizes) = (&bytes[..], pieces.iter().cycle());
        let mut cut_result = Ok(());
        while !rest.is_empty() && cut_result.is_ok() {
            let (piece, after) = rest.split_at(rest.len().min(*sizes.next().expect("a cycle")));
            cut_result = cut.send(piece);
            rest = after;
        }
        prop_assert_eq!(result, cut_result);
        if result.is_ok() {
            prop_assert_eq!(sorted(&whole.out), sorted(&cut.out));
        }
        prop_assert!(whole.session.held_bytes() <= 2 * UNSENT_BYTES_MAX);
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut bench = Bench::new();
        let _ = bench.send(&bytes);
        shown(&bench.out);
    }
}

/// The records of each request in order; requests at the same time may take turns in any way, and a stream's records
/// are joined.
fn sorted(bytes: &[u8]) -> Vec<(u16, String)> {
    let mut lines: Vec<(u16, String)> = Vec::new();
    for line in shown(bytes).lines() {
        let id = line.split(' ').nth(1).and_then(|id| id.parse().ok()).expect("an id");
        lines.push((id, line.to_owned()));
    }
    lines.sort_by_key(|(id, _)| *id);
    lines
}
