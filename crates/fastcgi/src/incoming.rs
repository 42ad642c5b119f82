//! [`Incoming`]: a request while its streams come in: params, then standard input, for a filter also data (FastCGI 1.0
//! s.6). It says when the request is ready, and refuses it as soon as a limit is passed.

use std::time::Instant;

use crate::answer;
use crate::body::Keeping;
use crate::decoder::Stream;
use crate::server::Shared;
use crate::{Params, Refusal, Request, Role, Run, Trouble, Verdict};

/// A request that is not complete.
#[derive(Debug)]
pub(crate) struct Incoming {
    role: Role,
    part: Part,
}

#[derive(Debug)]
enum Part {
    Params {
        encoded: Vec<u8>,
        since: Instant,
    },
    Input(Box<Input>),
    /// After `Ready` or `Refuse`.
    Over,
}

#[derive(Debug)]
struct Input {
    params: Params,
    verdict: Verdict,
    stdin: Keeping,
    data: Keeping,
    stdin_ended: bool,
}

/// What came of a piece or an end.
#[derive(Debug)]
pub(crate) enum Step {
    /// More has to come.
    More,
    /// The request is complete.
    Ready(Request, Run),
    /// The request is turned away.
    Refuse(Refusal, Params),
    /// Streams come in an order that the specification does not know.
    OutOfOrder,
}

impl Incoming {
    pub(crate) const fn new(role: Role, since: Instant) -> Incoming {
        Incoming { role, part: Part::Params { encoded: Vec::new(), since } }
    }

    /// Since when params are being waited for, if they are.
    pub(crate) const fn params_since(&self) -> Option<Instant> {
        match &self.part {
            Part::Params { since, .. } => Some(*since),
            Part::Input(_) | Part::Over => None,
        }
    }

    pub(crate) fn piece(&mut self, stream: Stream, bytes: &[u8], shared: &Shared) -> Step {
        let config = &shared.config;
        match (&mut self.part, stream) {
            (Part::Params { encoded, .. }, Stream::Params) => {
                if encoded.len() + bytes.len() > config.params_bytes_max {
                    return self.refuse(Refusal::ParamsTooLong);
                }
                encoded.extend_from_slice(bytes);
                Step::More
            }
            (Part::Input(input), Stream::Stdin) if !input.stdin_ended => {
                let kept = keep(&mut input.stdin, bytes, input.verdict.stdin_bytes_max, shared);
                kept.map_or_else(|refusal| self.refuse(refusal), |()| Step::More)
            }
            (Part::Input(input), Stream::Data) if self.role == Role::Filter && input.stdin_ended => {
                let kept = keep(&mut input.data, bytes, input.verdict.stdin_bytes_max, shared);
                kept.map_or_else(|refusal| self.refuse(refusal), |()| Step::More)
            }
            _ => Step::OutOfOrder,
        }
    }

    pub(crate) fn end(&mut self, stream: Stream, shared: &Shared) -> Step {
        match (&mut self.part, stream, self.role) {
            (Part::Params { encoded, .. }, Stream::Params, _) => {
                let encoded = std::mem::take(encoded);
                self.open(encoded, shared)
            }
            (Part::Input(input), Stream::Stdin, Role::Filter) if !input.stdin_ended => {
                input.stdin_ended = true;
                Step::More
            }
            (Part::Input(_), Stream::Stdin, Role::Responder) => self.finish(shared),
            (Part::Input(input), Stream::Data, Role::Filter) if input.stdin_ended => self.finish(shared),
            _ => Step::OutOfOrder,
        }
    }

    /// The params are complete: ask for a verdict.
    fn open(&mut self, encoded: Vec<u8>, shared: &Shared) -> Step {
        let Ok(params) = Params::from_encoded(encoded) else { return self.refuse(Refusal::ParamsCutOff) };
        if params.iter().nth(shared.config.params_max).is_some() {
            return self.refuse(Refusal::ParamsTooLong);
        }
        let verdict = match answer::open(&*shared.application, &params) {
            Ok(verdict) => verdict,
            Err(refusal) => return self.refuse_with(refusal, params),
        };
        let limit_bytes = verdict.stdin_bytes_max;
        // An authorizer is told of the input, but does not get it.
        if self.role != Role::Authorizer
            && params.content_length().is_ok_and(|announced| announced.is_some_and(|bytes| bytes > limit_bytes))
        {
            return self.refuse_with(Refusal::BodyTooLong { limit_bytes }, params);
        }
        let (stdin, data) = (Keeping::default(), Keeping::default());
        self.part = Part::Input(Box::new(Input { params, verdict, stdin, data, stdin_ended: false }));
        if self.role == Role::Authorizer { self.finish(shared) } else { Step::More }
    }

    fn finish(&mut self, shared: &Shared) -> Step {
        let Part::Input(input) = std::mem::replace(&mut self.part, Part::Over) else { return Step::OutOfOrder };
        let Input { params, verdict, stdin, data, .. } = *input;
        match stdin.finish().and_then(|stdin| Ok((stdin, data.finish()?))) {
            Ok((stdin, data)) => {
                let carried = verdict.carried;
                Step::Ready(Request { role: self.role, params, stdin, data, carried }, verdict.run)
            }
            Err(error) => {
                shared.application.report(&Trouble::Storage(&error));
                Step::Refuse(Refusal::Storage, params)
            }
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Step {
        match std::mem::replace(&mut self.part, Part::Over) {
            Part::Input(input) => Step::Refuse(refusal, input.params),
            Part::Params { .. } | Part::Over => Step::Refuse(refusal, Params::default()),
        }
    }

    fn refuse_with(&mut self, refusal: Refusal, params: Params) -> Step {
        self.part = Part::Over;
        Step::Refuse(refusal, params)
    }
}

fn keep(body: &mut Keeping, bytes: &[u8], limit_bytes: u64, shared: &Shared) -> Result<(), Refusal> {
    if body.len() + crate::count(bytes.len()) > limit_bytes {
        return Err(Refusal::BodyTooLong { limit_bytes });
    }
    let config = &shared.config;
    body.append(bytes, config.body_memory_bytes_max, &config.temp_dir).map_err(|error| {
        shared.application.report(&Trouble::Storage(&error));
        Refusal::Storage
    })
}
