//! What is encoded decodes to the same, and long streams are cut where records end.

use super::*;
use crate::{Decoder, Event, Params};

#[test]
fn what_a_web_server_encodes_is_what_the_decoder_hears() {
    let mut bytes = Vec::new();
    let params = Params::from_pairs([("A", "1")]);
    begin_request(&mut bytes, 7, Role::Filter, Keep::Connection);
    begin_request(&mut bytes, 8, Role::Authorizer, Keep::Nothing);
    input(&mut bytes, 7, Stream::Params, params.encoded());
    end_input(&mut bytes, 7, Stream::Params);
    input(&mut bytes, 7, Stream::Stdin, b"in");
    input(&mut bytes, 7, Stream::Data, b"");
    end_input(&mut bytes, 7, Stream::Data);
    abort_request(&mut bytes, 8);
    get_values(&mut bytes, [&b"FCGI_MAX_REQS"[..]]);
    let want = [
        Event::Begin { id: 7, role: 3, keep: true },
        Event::Begin { id: 8, role: 2, keep: false },
        Event::Piece { id: 7, stream: Stream::Params, bytes: params.encoded() },
        Event::End { id: 7, stream: Stream::Params },
        Event::Piece { id: 7, stream: Stream::Stdin, bytes: b"in" },
        Event::End { id: 7, stream: Stream::Data },
        Event::Abort { id: 8 },
        Event::GetValues { pairs: b"\x0d\x00FCGI_MAX_REQS" },
    ];
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    for event in want {
        assert_eq!(decoder.next(), Ok(Some(event)));
    }
    assert_eq!(decoder.next(), Ok(None));
}

#[track_caller]
fn check(write: impl Fn(&mut Vec<u8>), want: &[u8]) {
    let mut bytes = Vec::new();
    write(&mut bytes);
    assert_eq!(bytes, want);
}

#[test]
fn records_of_an_application_are_as_the_specification_lays_them_out() {
    check(|out| stream(out, 0x102, OutStream::Stdout, b"hi"), &[1, 6, 1, 2, 0, 2, 0, 0, b'h', b'i']);
    check(|out| stream(out, 1, OutStream::Stderr, b"hi"), &[1, 7, 0, 1, 0, 2, 0, 0, b'h', b'i']);
    check(|out| stream(out, 1, OutStream::Stderr, b""), &[]);
    check(|out| end_stream(out, 1, OutStream::Stdout), &[1, 6, 0, 1, 0, 0, 0, 0]);
    check(|out| unknown_type(out, 99), &[1, 11, 0, 0, 0, 8, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0]);
    let pair: (&[u8], &[u8]) = (b"a", b"1");
    check(|out| get_values_result(out, [pair]), &[1, 10, 0, 0, 0, 4, 0, 0, 1, 1, b'a', b'1']);
    for (status, number) in [
        (ProtocolStatus::RequestComplete, 0),
        (ProtocolStatus::CannotMultiplex, 1),
        (ProtocolStatus::Overloaded, 2),
        (ProtocolStatus::UnknownRole, 3),
    ] {
        check(|out| end_request(out, 1, -2, status), &[1, 3, 0, 1, 0, 8, 0, 0, 255, 255, 255, 254, number, 0, 0, 0]);
    }
}

#[test]
fn a_long_stream_is_cut_at_the_longest_record() {
    for (length, records) in [(65_527, 1), (65_528, 1), (65_529, 2), (131_056, 2), (131_057, 3)] {
        let mut out = Vec::new();
        stream(&mut out, 1, OutStream::Stdout, &vec![b'x'; length]);
        assert_eq!(out.len(), length + records * HEADER_BYTES, "{length} bytes");
    }
}

#[test]
fn values_that_do_not_fit_one_record_are_left_out() {
    let long = vec![b'n'; 40_000];
    let mut out = Vec::new();
    get_values(&mut out, [&*long, &*long]);
    assert_eq!(out.len(), HEADER_BYTES + 5 + 40_000);
}
