//! [`Pool`]: the threads on which slow handlers run. Threads start when work waits and end when there is none for a
//! while; the queue is bounded, and what does not fit comes back to be refused.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::answer::{self, Rest};
use crate::encode::ProtocolStatus;
use crate::flow::Flow;
use crate::{Application, Config, Output, Request};

/// How long a thread waits for work before it ends and its memory is given back.
const IDLE: Duration = Duration::from_secs(10);

/// The pool, shared by the event loops.
#[derive(Debug)]
pub(crate) struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    application: Arc<dyn Application>,
    threads_max: usize,
    queue_max: usize,
    turn_queue_max: usize,
    state: Mutex<State>,
    work: Condvar,
    quiet: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Bounded by `queue_max` and the threads, but for resumed streams, of which each request has one at most.
    queue: VecDeque<Job>,
    /// What runs one at a time; bounded by `turn_queue_max`.
    in_turn: VecDeque<Job>,
    /// Whether one of those runs.
    turn_taken: bool,
    threads: usize,
    /// Threads that run a job; the others wait for one, or are just starting.
    busy: usize,
}

/// Whether a job runs beside its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// As many as there are threads.
    Any,
    /// One after the other.
    One,
}

impl State {
    fn queue(&mut self, turn: Turn) -> &mut VecDeque<Job> {
        match turn {
            Turn::Any => &mut self.queue,
            Turn::One => &mut self.in_turn,
        }
    }

    /// The next job that may run: the one in turn first, since it can hold up one thread at most.
    fn next(&mut self) -> Option<(Job, Turn)> {
        let in_turn = if self.turn_taken { None } else { self.in_turn.pop_front() };
        self.turn_taken |= in_turn.is_some();
        in_turn.map(|job| (job, Turn::One)).or_else(|| self.queue.pop_front().map(|job| (job, Turn::Any)))
    }

    /// Jobs that could run now if there were threads.
    fn ready(&self) -> usize {
        self.queue.len() + usize::from(!self.turn_taken && !self.in_turn.is_empty())
    }

    fn is_idle(&self) -> bool {
        self.busy == 0 && self.queue.is_empty() && self.in_turn.is_empty()
    }
}

/// One piece of work for one request.
#[derive(Debug)]
pub(crate) enum Job {
    /// Answer it.
    Respond(Box<Request>, Arc<Flow>),
    /// Go on with its stream.
    Resume(Rest, Arc<Flow>),
}

impl Job {
    const fn flow(&self) -> &Arc<Flow> {
        match self {
            Job::Respond(_, flow) | Job::Resume(_, flow) => flow,
        }
    }
}

impl Pool {
    pub(crate) fn new(application: Arc<dyn Application>, config: &Config) -> Pool {
        Pool {
            inner: Arc::new(Inner {
                application,
                threads_max: config.pool_threads_max,
                queue_max: config.pool_queue_max,
                turn_queue_max: config.pool_turn_queue_max,
                state: Mutex::default(),
                work: Condvar::new(),
                quiet: Condvar::new(),
            }),
        }
    }

    /// Takes a request, or gives it back because the queue is full or no thread can be started.
    pub(crate) fn respond(&self, request: Box<Request>, flow: Arc<Flow>, turn: Turn) -> Result<(), Box<Request>> {
        let mut state = self.inner.lock();
        let room = match turn {
            Turn::Any => self.inner.queue_max + self.inner.threads_max.saturating_sub(state.busy),
            Turn::One => self.inner.turn_queue_max + usize::from(!state.turn_taken),
        };
        let queue = state.queue(turn);
        if queue.len() >= room {
            queue.retain(|job| !job.flow().is_abandoned());
        }
        if queue.len() >= room {
            return Err(request);
        }
        queue.push_back(Job::Respond(request, flow));
        self.start_thread_if_short(&mut state);
        let stranded = if state.threads == 0 { state.queue(turn).pop_back() } else { None };
        if let Some(Job::Respond(request, _)) = stranded {
            return Err(request);
        }
        drop(state);
        self.inner.work.notify_one();
        Ok(())
    }

    /// Takes a stream again, whose request was let in long ago.
    pub(crate) fn resume(&self, rest: Rest, flow: Arc<Flow>) {
        let mut state = self.inner.lock();
        state.queue.push_back(Job::Resume(rest, flow));
        self.start_thread_if_short(&mut state);
        drop(state);
        self.inner.work.notify_one();
    }

    /// Whether requests wait while every thread has one: those that wait for clients themselves stand in the way.
    pub(crate) fn is_starved(&self) -> bool {
        let state = self.inner.lock();
        state.busy >= self.inner.threads_max && state.ready() > 0
    }

    /// Waits until nothing runs, at most until then.
    pub(crate) fn wait_until_quiet(&self, until: Instant) {
        let mut state = self.inner.lock();
        while !state.is_idle() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.inner.quiet.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn start_thread_if_short(&self, state: &mut State) {
        if state.ready() <= state.threads - state.busy || state.threads >= self.inner.threads_max {
            return;
        }
        let inner = Arc::clone(&self.inner);
        // If the machine has no thread for us, the others do the work; with none at all the request is refused.
        if thread::Builder::new().name("fastcgi-pool".into()).spawn(move || inner.work()).is_ok() {
            state.threads += 1;
        }
    }
}

impl Inner {
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some((job, turn)) = state.next() {
                state.busy += 1;
                drop(state);
                self.run(job);
                state = self.lock();
                state.busy -= 1;
                if turn == Turn::One {
                    state.turn_taken = false;
                }
                if state.is_idle() {
                    self.quiet.notify_all();
                }
                continue;
            }
            let (woken, waited) = self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out() && state.ready() == 0 {
                state.threads -= 1;
                return;
            }
        }
    }

    /// Runs one job. A panic outside the handler's own guard can only come from dropping what the application made.
    fn run(&self, job: Job) {
        let flow = Arc::clone(job.flow());
        if !flow.is_abandoned() && catch_unwind(AssertUnwindSafe(|| self.answer(job))).is_err() {
            let mut output = Output::on_pool(flow.id, Arc::clone(&flow));
            output.end(answer::FAILED, ProtocolStatus::RequestComplete);
            flow.end(output.into_records());
        }
    }

    fn answer(&self, job: Job) {
        let application = &*self.application;
        let flow = Arc::clone(job.flow());
        let mut output = Output::on_pool(flow.id, Arc::clone(&flow));
        let mut rest = match job {
            Job::Respond(request, _) => answer::respond(application, *request, &mut output),
            Job::Resume(rest, _) => answer::stream(application, rest, &mut output),
        };
        while let Some(more) = rest {
            let Some(more) = flow.park(output.take_records(), more) else { return };
            rest = answer::stream(application, more, &mut output);
        }
        flow.end(output.into_records());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("state", &self.state).finish_non_exhaustive()
    }
}
