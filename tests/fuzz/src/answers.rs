//! What a FastCGI application writes, however it does: start at [`run`]. The input says what it writes, in which pieces and to which
//! stream; a web server that reads the records gets exactly that, and one end (FastCGI 1.0 s.3.3, s.5.5).

use std::io::{self, Write as _};

use fastcgi::fuzzing::Conversation;
use fastcgi::{Application, Config, Output, Params, Request, Role, Verdict};

use crate::input::Input;

/// More steps say nothing new.
const STEPS_MAX: usize = 40;

/// One thing that an application does.
#[derive(Clone, Debug)]
enum Step {
    Out(Vec<u8>),
    Err(Vec<u8>),
    Flush,
    Fail,
    Stream(Vec<Vec<u8>>),
}

#[derive(Clone, Debug)]
struct Script {
    steps: Vec<Step>,
    status: i32,
}

impl Script {
    fn read(mut input: Input<'_>) -> Script {
        let status = i32::from(input.byte()) - 128;
        let mut steps = Vec::new();
        while !input.is_empty() && steps.len() < STEPS_MAX {
            let step = match input.byte() % 8 {
                0..=2 => Step::Out(piece(&mut input)),
                3 => Step::Err(piece(&mut input)),
                4 => Step::Flush,
                5 => Step::Stream((0..input.byte() % 4).map(|_| piece(&mut input)).collect()),
                6 => Step::Fail,
                _ => Step::Out(input.take(16).to_vec()),
            };
            let is_last = matches!(step, Step::Fail);
            steps.push(step);
            if is_last {
                break;
            }
        }
        Script { steps, status }
    }

    fn fails(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Fail))
    }

    /// What the web server is to get on each stream: a stream of chunks comes last, the latest counts.
    fn expected(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut out, mut err, mut chunks) = (Vec::new(), Vec::new(), Vec::new());
        for step in &self.steps {
            match step {
                Step::Out(bytes) => out.extend_from_slice(bytes),
                Step::Err(bytes) => err.extend_from_slice(bytes),
                Step::Stream(pieces) => chunks.clone_from(pieces),
                Step::Flush | Step::Fail => {}
            }
        }
        out.extend(chunks.into_iter().flatten());
        (out, err)
    }
}

/// Bytes of a length that the input says, at most two records and some more.
fn piece(input: &mut Input<'_>) -> Vec<u8> {
    let length = match input.byte() {
        255 => 65_535 + usize::from(input.byte()),
        254 => input.short() * 2,
        253 => 65_520 + usize::from(input.byte() % 32),
        short => usize::from(short),
    };
    let first = input.byte();
    (0..length).map(|at| first.wrapping_add((at % 251) as u8)).collect()
}

impl Application for Script {
    fn open(&self, _params: &Params) -> Verdict {
        Verdict::inline(0)
    }

    fn respond(&self, _request: Request, out: &mut Output) -> io::Result<i32> {
        for step in self.steps.clone() {
            match step {
                Step::Out(bytes) => out.write_all(&bytes)?,
                Step::Err(bytes) => out.stderr().write_all(&bytes)?,
                Step::Flush => out.flush()?,
                Step::Fail => return Err(io::Error::other("as asked")),
                Step::Stream(pieces) => out.stream(pieces.into_iter().map(Ok)),
            }
        }
        Ok(self.status)
    }

    fn accepts(&self, role: Role) -> bool {
        role == Role::Responder
    }
}

/// Begin, a variable, no body; the connection stays.
const REQUEST: [u8; 44] = [
    1, 1, 0, 7, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, //
    1, 4, 0, 7, 0, 4, 0, 0, 1, 1, b'A', b'B', //
    1, 4, 0, 7, 0, 0, 0, 0, //
    1, 5, 0, 7, 0, 0, 0, 0,
];

pub(crate) fn run(data: &[u8]) {
    let script = Script::read(Input::new(data));
    let mut conversation = Conversation::new(script.clone(), Config::default()).expect("a queue");
    // A second request is answered like the first.
    let done = conversation.send(&REQUEST).and_then(|()| conversation.send(&REQUEST));
    let answers = conversation.into_answers();
    let mut input = Input::new(&answers);
    for _ in 0..2 {
        let (out, err, status) = answer(&mut input);
        if script.fails() {
            assert_eq!(done, Ok(()));
            continue;
        }
        assert_eq!((&out, &err, status), (&script.expected().0, &script.expected().1, script.status));
    }
    assert!(input.is_empty(), "nothing behind the end");
}

/// One request's streams and its status, as a web server reads them.
fn answer(input: &mut Input<'_>) -> (Vec<u8>, Vec<u8>, i32) {
    let (mut out, mut err, mut is_closed) = (Vec::new(), Vec::new(), false);
    loop {
        let [1, kind, 0, 7, high, low, padding, 0] = *input.take(8) else { panic!("not a header") };
        let length = usize::from(high) << 8 | usize::from(low);
        let content = input.take(length);
        assert_eq!((content.len(), input.take(padding.into()).len()), (length, usize::from(padding)), "whole records");
        match kind {
            6 if length == 0 => assert!(!std::mem::replace(&mut is_closed, true), "a stream ends once"),
            6 => {
                assert!(!is_closed, "nothing behind the end of a stream");
                out.extend_from_slice(content);
            }
            7 => err.extend_from_slice(content),
            3 => {
                let [a, b, c, d, 0, 0, 0, 0] = *content else { panic!("{content:?} is no end of an answer") };
                assert!(is_closed, "the answer has an end");
                return (out, err, i32::from_be_bytes([a, b, c, d]));
            }
            kind => panic!("a record of kind {kind}"),
        }
    }
}
