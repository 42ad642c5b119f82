//! What a fuzzer calls, and what every run of the tests replays over the corpus: plain functions of bytes.

use fastcgi::{Decoder, Error, Event, Params};

/// Any bytes decode to the same events in one piece and in pieces, until the same error.
pub fn decoder(bytes: &[u8]) {
    let whole = events(&[bytes]);
    let first = bytes.first().copied().unwrap_or_default();
    let size = usize::from(first % 17) + 1;
    let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
    assert_eq!(events(&pieces), whole, "in pieces of {size}");
}

/// Any bytes are pairs or an error, and pairs can be encoded again.
pub fn params(bytes: &[u8]) {
    let Ok(params) = Params::from_encoded(bytes.to_vec()) else { return };
    let again = Params::from_pairs(&params);
    assert!(again.iter().eq(params.iter()));
    assert!(again.encoded().len() <= bytes.len(), "the shortest lengths are used");
    for (name, _) in &params {
        if let Ok(name) = std::str::from_utf8(name) {
            assert!(params.get(name).is_some());
        }
    }
    let _ = params.content_length();
}

/// Events as text, with the pieces of a stream joined.
fn events(pieces: &[&[u8]]) -> (Vec<String>, Option<Error>) {
    let mut decoder = Decoder::new();
    let mut events: Vec<String> = Vec::new();
    let mut stream = String::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next() {
                Ok(Some(Event::Piece { id, stream: name, bytes })) => {
                    let head = format!("{id} {name:?}");
                    if stream != head {
                        stream.clone_from(&head);
                        events.push(head);
                    }
                    let last = events.last_mut().expect("one was pushed");
                    bytes.iter().for_each(|byte| *last += &format!(" {byte}"));
                }
                Ok(Some(event)) => {
                    stream.clear();
                    events.push(format!("{event:?}"));
                }
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, None)
}
