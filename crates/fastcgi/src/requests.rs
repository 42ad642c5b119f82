//! [`Requests`]: the active requests of one connection, any id in any order, and the records that answer them.
//! Every way for a request to end leads through `remove` (FastCGI 1.0 s.3.3, 4, 5.1, 5.4).

use std::sync::Arc;

use crate::answer::{self, FAILED, Rest};
use crate::decoder::Event;
use crate::encode::{self, ProtocolStatus};
use crate::flow::{Flow, Taken};
use crate::incoming::{Incoming, Step};
use crate::pool::Turn;
use crate::session::{Context, ProtocolError, UNSENT_BYTES_MAX, Waiting};
use crate::{Application, Output, Pairs, Params, Refusal, Request, Role, Run, Stats};

/// Rounds through a connection's answers before other connections get their turn.
const ROUNDS_MAX: usize = 16;

/// The requests of one connection, and what is to be sent for them.
#[derive(Debug)]
pub(crate) struct Requests {
    active: Vec<Active>,
    pub(crate) out: Vec<u8>,
    /// How much of `out` has been sent.
    pub(crate) sent: usize,
    /// False once a request came without `KEEP_CONN`, or the server stops.
    pub(crate) keep: bool,
    /// Whether input may still be coming for a request that has ended.
    pub(crate) loose_input: bool,
}

/// A request from its beginning to the end of its answer.
#[derive(Debug)]
struct Active {
    id: u16,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Incoming(Incoming),
    /// Streamed by the event loop.
    Streaming(Rest),
    /// Answered by the pool.
    Pooled(Arc<Flow>),
    /// Between two phases.
    Moving,
}

impl Drop for Active {
    fn drop(&mut self) {
        if let Phase::Pooled(flow) = &self.phase {
            flow.abandon();
        }
    }
}

impl Requests {
    pub(crate) const fn new() -> Requests {
        Requests { active: Vec::new(), out: Vec::new(), sent: 0, keep: true, loose_input: false }
    }

    pub(crate) fn unsent(&self) -> &[u8] {
        self.out.get(self.sent..).unwrap_or_default()
    }

    pub(crate) fn are_none(&self) -> bool {
        self.active.is_empty()
    }

    /// Memory that waits for the client, here and on the way from the pool.
    pub(crate) fn held_bytes(&self) -> usize {
        let flows = self.active.iter().map(|active| match &active.phase {
            Phase::Pooled(flow) => flow.queued_bytes(),
            _ => 0,
        });
        self.out.len() + flows.sum::<usize>()
    }

    /// Whether a thread of the pool waits for the client.
    pub(crate) fn hold_thread(&self) -> bool {
        self.active.iter().any(|active| matches!(&active.phase, Phase::Pooled(flow) if flow.holds_thread()))
    }

    /// What the requests wait for, the most urgent first.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        let each = self.active.iter().map(|active| match &active.phase {
            Phase::Incoming(incoming) => incoming.params_since().map_or(Waiting::Input, Waiting::Params),
            _ => Waiting::Answer,
        });
        each.min()
    }

    /// Input has ended for good: requests that are not complete never will be.
    pub(crate) fn end_input(&mut self) {
        self.active.retain(|active| !matches!(active.phase, Phase::Incoming(_)));
        self.keep = false;
        self.loose_input = false;
    }

    pub(crate) fn release(&mut self) {
        if self.active.is_empty() {
            self.active = Vec::new();
        }
    }

    pub(crate) fn handle(&mut self, event: Event<'_>, context: &Context<'_>) -> Result<(), ProtocolError> {
        match event {
            Event::Begin { id, role, keep } => return self.begin(id, role, keep, context),
            Event::Abort { id } => {
                if self.remove(id).is_some() {
                    encode::end_request(&mut self.out, id, FAILED, ProtocolStatus::RequestComplete);
                }
            }
            Event::Piece { id, stream, bytes } => {
                let Some(incoming) = self.incoming(id) else { return Ok(()) };
                let step = incoming.piece(stream, bytes, context.shared);
                return self.step(id, step, context);
            }
            Event::End { id, stream } => {
                let Some(incoming) = self.incoming(id) else { return Ok(()) };
                let step = incoming.end(stream, context.shared);
                return self.step(id, step, context);
            }
            Event::GetValues { pairs } => self.answer_values(pairs, context),
            Event::Unknown { kind } => encode::unknown_type(&mut self.out, kind),
        }
        Ok(())
    }

    fn begin(&mut self, id: u16, role: u16, keep: bool, context: &Context<'_>) -> Result<(), ProtocolError> {
        if self.position(id).is_some() {
            return Err(ProtocolError::BegunTwice { id });
        }
        Stats::add(&context.shared.stats.requests);
        self.keep &= keep;
        let shared = context.shared;
        let Some(role) = Role::from_number(role).filter(|role| shared.application.accepts(*role)) else {
            self.loose_input = true;
            encode::end_request(&mut self.out, id, 0, ProtocolStatus::UnknownRole);
            return Ok(());
        };
        if self.active.len() >= shared.config.requests_per_connection_max {
            self.loose_input = true;
            encode::end_request(&mut self.out, id, 0, ProtocolStatus::Overloaded);
            return Ok(());
        }
        if self.active.is_empty() {
            self.active.reserve_exact(1);
        }
        self.active.push(Active { id, phase: Phase::Incoming(Incoming::new(role, context.now)) });
        Ok(())
    }

    fn step(&mut self, id: u16, step: Step, context: &Context<'_>) -> Result<(), ProtocolError> {
        match step {
            Step::More => {}
            Step::Ready(request, run) => {
                self.loose_input |= request.role == Role::Authorizer;
                match run {
                    Run::Inline => {
                        self.answer(id, |application, output| answer::respond(application, request, output), context)
                    }
                    Run::Pool => self.send_to_pool(id, request, Turn::Any, context),
                    Run::InTurn => self.send_to_pool(id, request, Turn::One, context),
                }
            }
            Step::Refuse(refusal, params) => {
                self.loose_input = true;
                self.refuse(id, refusal, &params, context);
            }
            Step::OutOfOrder => return Err(ProtocolError::StreamOrder { id }),
        }
        Ok(())
    }

    fn refuse(&mut self, id: u16, refusal: Refusal, params: &Params, context: &Context<'_>) {
        self.answer(id, |application, output| answer::refuse(application, refusal, params, output), context);
    }

    /// Lets the application write, here and now, what follows the records that are already there.
    fn answer(
        &mut self,
        id: u16,
        write: impl FnOnce(&dyn Application, &mut Output) -> Option<Rest>,
        context: &Context<'_>,
    ) {
        let mut output = Output::on_loop(id, std::mem::take(&mut self.out));
        let rest = write(&*context.shared.application, &mut output);
        self.out = output.into_records();
        match (rest, self.position(id)) {
            (None, Some(at)) => drop(self.active.swap_remove(at)),
            (Some(rest), Some(at)) => {
                if let Some(active) = self.active.get_mut(at) {
                    active.phase = Phase::Streaming(rest);
                }
            }
            (_, None) => {}
        }
    }

    fn send_to_pool(&mut self, id: u16, request: Request, turn: Turn, context: &Context<'_>) {
        let window_bytes = context.shared.config.window_bytes;
        let flow = Arc::new(Flow::new(id, window_bytes, Arc::clone(context.mailbox), context.token));
        match context.shared.pool.respond(Box::new(request), Arc::clone(&flow), turn) {
            Ok(()) => {
                if let Some(active) = self.active.iter_mut().find(|active| active.id == id) {
                    active.phase = Phase::Pooled(flow);
                }
            }
            Err(request) => {
                Stats::add(&context.shared.stats.overloads);
                self.refuse(id, Refusal::Overloaded, &request.params, context);
            }
        }
    }

    /// Moves answers on, in turn, while there is room. True if it stopped before everything that is ready was moved.
    pub(crate) fn pump(&mut self, context: &Context<'_>) -> bool {
        for _ in 0..ROUNDS_MAX {
            let mut moved = false;
            let mut at = 0;
            while let Some(active) = self.active.get_mut(at) {
                if self.out.len() - self.sent >= UNSENT_BYTES_MAX {
                    return true;
                }
                let ended = match active.pump(&mut self.out, &mut moved, context) {
                    Pumped::Ended => true,
                    Pumped::Active => false,
                };
                if ended {
                    drop(self.active.swap_remove(at));
                } else {
                    at += 1;
                }
            }
            if !moved {
                return false;
            }
        }
        true
    }

    fn answer_values(&mut self, pairs: &[u8], context: &Context<'_>) {
        let connections = context.shared.connections_max.to_string();
        let known = [("FCGI_MAX_CONNS", &*connections), ("FCGI_MAX_REQS", &*connections), ("FCGI_MPXS_CONNS", "1")];
        let asked = |name: &str| Pairs::new(pairs).any(|(asked, _)| asked == name.as_bytes());
        let answers = known.into_iter().filter(|(name, _)| asked(name));
        encode::get_values_result(&mut self.out, answers.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    }

    fn position(&self, id: u16) -> Option<usize> {
        self.active.iter().position(|active| active.id == id)
    }

    fn incoming(&mut self, id: u16) -> Option<&mut Incoming> {
        self.active.iter_mut().find(|active| active.id == id).and_then(|active| match &mut active.phase {
            Phase::Incoming(incoming) => Some(incoming),
            _ => None,
        })
    }

    fn remove(&mut self, id: u16) -> Option<Active> {
        self.position(id).map(|at| self.active.swap_remove(at))
    }
}

enum Pumped {
    Ended,
    Active,
}

impl Active {
    /// Moves one chunk.
    fn pump(&mut self, out: &mut Vec<u8>, moved: &mut bool, context: &Context<'_>) -> Pumped {
        match std::mem::replace(&mut self.phase, Phase::Moving) {
            Phase::Streaming(rest) => {
                *moved = true;
                let mut output = Output::on_loop(self.id, std::mem::take(out));
                let rest = answer::stream(&*context.shared.application, rest, &mut output);
                *out = output.into_records();
                let Some(rest) = rest else { return Pumped::Ended };
                self.phase = Phase::Streaming(rest);
            }
            Phase::Pooled(flow) => match flow.take() {
                Taken::Records(records, resumed) => {
                    *moved = true;
                    out.extend_from_slice(&records);
                    if let Some(rest) = resumed {
                        context.shared.pool.resume(rest, Arc::clone(&flow));
                    }
                    self.phase = Phase::Pooled(flow);
                }
                Taken::Nothing => self.phase = Phase::Pooled(flow),
                Taken::Ended => return Pumped::Ended,
            },
            other => self.phase = other,
        }
        Pumped::Active
    }
}
