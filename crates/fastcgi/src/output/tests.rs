//! Records are laid down in the order of writes, as few as possible, and can be taken back.

use super::*;

fn written(write: impl Fn(&mut Output)) -> Vec<u8> {
    let mut output = Output::on_loop(1, b"before".to_vec());
    write(&mut output);
    let records = output.into_records();
    records.strip_prefix(b"before").expect("what was there stays").to_vec()
}

#[track_caller]
fn check(write: impl Fn(&mut Output), want: impl Fn(&mut Vec<u8>)) {
    let mut bytes = Vec::new();
    want(&mut bytes);
    assert_eq!(written(write), bytes);
}

#[test]
fn small_writes_share_a_record() {
    check(
        |output| {
            for piece in [&b"one "[..], b"", b"two"] {
                output.write_all(piece).expect("write");
                output.flush().expect("flush");
            }
        },
        |out| encode::stream(out, 1, OutStream::Stdout, b"one two"),
    );
}

#[test]
fn streams_keep_their_order() {
    check(
        |output| {
            output.write_all(b"a").expect("write");
            output.stderr().write_all(b"b").expect("write");
            output.stderr().write_all(b"c").expect("write");
            output.write_all(b"d").expect("write");
            output.end(3, ProtocolStatus::RequestComplete);
        },
        |out| {
            encode::stream(out, 1, OutStream::Stdout, b"a");
            encode::stream(out, 1, OutStream::Stderr, b"bc");
            encode::stream(out, 1, OutStream::Stdout, b"d");
            encode::end_stream(out, 1, OutStream::Stdout);
            encode::end_request(out, 1, 3, ProtocolStatus::RequestComplete);
        },
    );
}

#[test]
fn long_writes_fill_records() {
    for length in [CONTENT_BYTES_MAX - 1, CONTENT_BYTES_MAX, CONTENT_BYTES_MAX + 1, 200_000] {
        let long = vec![b'x'; length];
        check(|output| output.write_all(&long).expect("write"), |out| encode::stream(out, 1, OutStream::Stdout, &long));
    }
}

#[test]
fn what_was_written_can_be_taken_back() {
    let mut output = Output::on_loop(1, b"before".to_vec());
    output.write_all(b"half an ans").expect("write");
    output.stream(std::iter::empty());
    assert!(output.is_touched() && output.has_chunks());
    assert!(output.take_back());
    assert!(!output.is_touched() && !output.has_chunks() && !output.is_abandoned());
    assert_eq!(output.into_records(), b"before");
}
