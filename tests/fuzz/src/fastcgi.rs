//! The FastCGI crate, from bytes to answers: the decoder, the params and a whole connection. Start at [`session`].
//! However a web server's bytes are cut into pieces, the same must come of them (FastCGI 1.0 s.3.3).

use std::io::{self, Read as _, Write as _};
use std::sync::OnceLock;

use fastcgi::fuzzing::Conversation;
use fastcgi::{Application, Config, Decoder, Error, Event, Output, Params, Refusal, Request, Role, Verdict};

use crate::input::{Input, pieces};

/// Any bytes decode to the same events in one piece and in pieces, until the same error.
pub(crate) fn decoder(data: &[u8]) {
    let mut input = Input::new(data);
    let pattern = input.take(3);
    let bytes = input.rest();
    assert_eq!(events(&pieces(bytes, pattern)), events(&[bytes]), "in pieces of {pattern:?}");
}

/// Any bytes are pairs or an error, and pairs can be encoded again.
pub(crate) fn params(bytes: &[u8]) {
    let Ok(params) = Params::from_encoded(bytes.to_vec()) else { return };
    let again = Params::from_pairs(&params);
    assert!(again.iter().eq(params.iter()));
    assert!(again.encoded().len() <= bytes.len(), "the shortest lengths are used");
    for (name, _) in &params {
        if let Ok(text) = std::str::from_utf8(name) {
            let last = params.iter().filter(|(other, _)| *other == name).last().map(|(_, value)| value);
            assert_eq!(params.get(text), last, "the last one counts");
        }
    }
    if let Ok(Some(length)) = params.content_length() {
        for (_, digits) in params.iter().filter(|(name, _)| *name == b"CONTENT_LENGTH") {
            assert_eq!(String::from_utf8_lossy(digits).parse::<u64>().ok(), Some(length), "there is one length");
        }
    }
}

/// Any bytes get the same answers in one piece and in pieces, which are whole records and no more than were asked for.
pub(crate) fn session(data: &[u8]) {
    let mut input = Input::new(data);
    let pattern = input.take(3);
    let bytes = input.rest();
    let whole = converse(&[bytes]);
    assert_eq!(converse(&pieces(bytes, pattern)), whole, "in pieces of {pattern:?}");
    let mut out = Input::new(&whole.0);
    while !out.is_empty() {
        let header = out.take(8);
        let [1, 1 | 3 | 6 | 7 | 10 | 11, _, _, high, low, padding, 0] = *header else {
            panic!("not a header: {header:?}")
        };
        let length = usize::from(high) << 8 | usize::from(low);
        assert_eq!(out.take(length).len(), length, "the content is whole");
        assert_eq!(out.take(padding.into()).len(), usize::from(padding), "the padding is whole");
    }
}

fn converse(pieces: &[&[u8]]) -> (Vec<u8>, Result<(), String>) {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    let config = CONFIG.get_or_init(|| Config {
        params_max: 20,
        params_bytes_max: 300,
        requests_per_connection_max: 3,
        body_memory_bytes_max: 200,
        ..Config::default()
    });
    let mut conversation = Conversation::new(Echo, config.clone()).expect("a queue");
    let done = pieces.iter().try_for_each(|piece| conversation.send(piece));
    (conversation.into_answers(), done)
}

/// Answers with what it was asked, so that nothing can get mixed up unseen.
struct Echo;

impl Application for Echo {
    fn accepts(&self, _role: Role) -> bool {
        true
    }

    fn open(&self, params: &Params) -> Verdict {
        Verdict::inline(if params.get("A").is_some() { 20 } else { 400 })
    }

    fn respond(&self, mut request: Request, out: &mut Output) -> io::Result<i32> {
        let mut stdin = Vec::new();
        request.stdin.read_to_end(&mut stdin)?;
        write!(out, "{:?} {:?} ", request.role, request.params)?;
        out.write_all(&stdin)?;
        if stdin.starts_with(b"!") {
            out.stderr().write_all(b"logged")?;
            return Err(io::Error::other("as asked"));
        }
        Ok(i32::from(!request.stdin_is_whole()))
    }

    fn refuse(&self, refusal: Refusal, _params: &Params, out: &mut Output) -> io::Result<i32> {
        write!(out, "{refusal:?}")?;
        Ok(4)
    }
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
                    last.push_str(&bytes.escape_ascii().to_string());
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
