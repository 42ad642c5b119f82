//! What a web server may send, in one piece and in pieces, and what it must not send.

use super::*;

/// An event without its borrow; pieces of a stream that follow each other are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Begin(u16, u16, bool),
    Abort(u16),
    Piece(u16, Stream, Vec<u8>),
    End(u16, Stream),
    GetValues(Vec<u8>),
    Unknown(u8),
}

fn hear(chunks: &[&[u8]]) -> Result<Vec<Heard>, Error> {
    let mut decoder = Decoder::new();
    let mut heard: Vec<Heard> = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(event) = decoder.next()? {
            match (event, heard.last_mut()) {
                (Event::Piece { id, stream, bytes }, Some(Heard::Piece(last_id, last_stream, joined)))
                    if id == *last_id && stream == *last_stream =>
                {
                    assert!(!bytes.is_empty());
                    joined.extend_from_slice(bytes);
                }
                (Event::Piece { id, stream, bytes }, _) => heard.push(Heard::Piece(id, stream, bytes.to_vec())),
                (Event::Begin { id, role, keep }, _) => heard.push(Heard::Begin(id, role, keep)),
                (Event::Abort { id }, _) => heard.push(Heard::Abort(id)),
                (Event::End { id, stream }, _) => heard.push(Heard::End(id, stream)),
                (Event::GetValues { pairs }, _) => heard.push(Heard::GetValues(pairs.to_vec())),
                (Event::Unknown { kind }, _) => heard.push(Heard::Unknown(kind)),
            }
        }
        assert!(decoder.left() < HEADER_BYTES || matches!(decoder.state, State::Values(_)), "only a start is kept");
    }
    Ok(heard)
}

#[track_caller]
fn check(bytes: &[u8], want: &[Heard]) {
    assert_eq!(hear(&[bytes]), Ok(want.to_vec()));
}

fn record(kind: u8, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let content_bytes = u16::try_from(content.len()).expect("short content");
    let mut bytes = Header { padding_bytes: padding, ..Header::new(kind, id, content_bytes) }.to_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len() + usize::from(padding), 0xee);
    bytes
}

/// A conversation with everything in it, and what is to be heard of it.
fn conversation() -> (Vec<u8>, Vec<Heard>) {
    let records = [
        record(GET_VALUES, 0, b"\x0e\x00FCGI_MAX_CONNS", 3),
        record(BEGIN_REQUEST, 1, &[0, 1, 1, 0, 0, 0, 0, 0], 0),
        record(BEGIN_REQUEST, 0xabcd, &[0, 9, 0xfe, 0, 0, 0, 0, 0], 8),
        record(PARAMS, 1, b"\x01\x01ab", 4),
        record(PARAMS, 1, b"\x01\x01cd", 0),
        record(STDOUT, 1, b"only applications say this", 2),
        record(PARAMS, 1, b"", 255),
        record(200, 0, b"a management record to come", 1),
        record(201, 7, b"nobody knows this, and it has an id", 1),
        record(GET_VALUES, 3, b"with an id it means nothing", 0),
        record(STDIN, 0xabcd, &[7; 300], 4),
        record(STDIN, 1, b"x", 7),
        record(ABORT_REQUEST, 0xabcd, b"", 0),
        record(STDIN, 1, b"", 0),
        record(DATA, 1, b"file", 0),
        record(DATA, 1, b"", 0),
    ];
    let heard = vec![
        Heard::GetValues(b"\x0e\x00FCGI_MAX_CONNS".to_vec()),
        Heard::Begin(1, 1, true),
        Heard::Begin(0xabcd, 9, false),
        Heard::Piece(1, Stream::Params, b"\x01\x01ab\x01\x01cd".to_vec()),
        Heard::End(1, Stream::Params),
        Heard::Unknown(200),
        Heard::Piece(0xabcd, Stream::Stdin, vec![7; 300]),
        Heard::Piece(1, Stream::Stdin, b"x".to_vec()),
        Heard::Abort(0xabcd),
        Heard::End(1, Stream::Stdin),
        Heard::Piece(1, Stream::Data, b"file".to_vec()),
        Heard::End(1, Stream::Data),
    ];
    (records.concat(), heard)
}

#[test]
fn a_conversation_is_heard_whole() {
    let (bytes, want) = conversation();
    check(&bytes, &want);
}

#[test]
fn a_conversation_split_at_any_byte_is_heard_the_same() {
    let (bytes, want) = conversation();
    for cut in 0..=bytes.len() {
        assert_eq!(hear(&[&bytes[..cut], &bytes[cut..]]).as_ref(), Ok(&want), "cut at {cut}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(hear(&single), Ok(want));
}

#[test]
fn every_prefix_of_a_conversation_is_heard_as_far_as_it_goes() {
    let (bytes, want) = conversation();
    for cut in 0..bytes.len() {
        let heard = hear(&[&bytes[..cut]]).expect("a prefix is no error");
        let whole = heard.iter().zip(&want).take_while(|(heard, want)| heard == want).count();
        let cut_short = matches!((heard.get(whole), want.get(whole)), (Some(Heard::Piece(..)), Some(Heard::Piece(..))));
        assert_eq!(heard.len(), whole + usize::from(cut_short), "cut at {cut}");
    }
}

#[test]
fn one_byte_records_are_a_stream() {
    let bytes: Vec<u8> = b"hello".iter().flat_map(|byte| record(STDIN, 1, &[*byte], 1)).collect();
    check(&bytes, &[Heard::Piece(1, Stream::Stdin, b"hello".to_vec())]);
}

#[test]
fn the_largest_record_is_taken() {
    let content = vec![5; 65_535];
    check(&record(STDIN, 65_535, &content, 255), &[Heard::Piece(65_535, Stream::Stdin, content)]);
    let pairs = vec![0; 65_534];
    check(&record(GET_VALUES, 0, &pairs, 255), &[Heard::GetValues(pairs)]);
}

#[test]
fn requests_of_id_0_are_management_records_that_nobody_knows() {
    for kind in [BEGIN_REQUEST, ABORT_REQUEST, PARAMS, STDIN, DATA, 0, 12, 255] {
        check(&record(kind, 0, b"12345678", 0), &[Heard::Unknown(kind)]);
    }
}

#[test]
fn what_only_applications_say_is_passed_over() {
    for kind in [END_REQUEST, STDOUT, STDERR, GET_VALUES_RESULT, UNKNOWN_TYPE] {
        for id in [0, 1] {
            check(
                &[record(kind, id, b"12345678", 1), record(STDIN, 1, b"", 0)].concat(),
                &[Heard::End(1, Stream::Stdin)],
            );
        }
    }
}

#[test]
fn another_version_is_an_error_for_good() {
    for version in [0, 2, 255] {
        let mut bytes = record(STDIN, 1, b"", 0);
        bytes[0] = version;
        let mut decoder = Decoder::new();
        decoder.push(&bytes);
        assert_eq!(decoder.next(), Err(Error::Version { found: version }));
        decoder.push(&record(STDIN, 1, b"", 0));
        assert_eq!(decoder.next(), Err(Error::Version { found: version }));
    }
}

#[test]
fn a_begin_without_its_body_is_an_error_and_a_longer_one_is_not() {
    for length in 0..8_u16 {
        let bytes = record(BEGIN_REQUEST, 1, &vec![0; usize::from(length)], 0);
        assert_eq!(hear(&[&bytes]), Err(Error::BeginLength { found: length }));
    }
    check(&record(BEGIN_REQUEST, 1, &[0, 1, 1, 0, 0, 0, 0, 0, 9, 9], 3), &[Heard::Begin(1, 1, true)]);
}

#[test]
fn memory_goes_back_when_everything_is_taken() {
    let mut decoder = Decoder::new();
    decoder.push(&record(ABORT_REQUEST, 1, b"", 0));
    assert!(!decoder.is_between_records());
    assert_eq!(decoder.next(), Ok(Some(Event::Abort { id: 1 })));
    assert!(decoder.is_between_records());
    decoder.release();
    assert_eq!(decoder.buffer.capacity(), 0);
    decoder.push(&[1]);
    decoder.release();
    assert_eq!(decoder.left(), 1, "what is not taken stays");
    assert!(!decoder.is_between_records());
}

#[test]
fn messages_name_what_was_found_and_wanted() {
    assert_eq!(Error::Version { found: 2 }.to_string(), "record version 2, want 1");
    assert_eq!(Error::BeginLength { found: 3 }.to_string(), "begin request of 3 bytes, want 8");
}
