//! Threads that commit at the same time share one write: the first becomes the leader and takes along all who came meanwhile.
//! Start at [`Queue`]. Knows nothing of the log.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::control::Mark;
use crate::{Error, Op, Outcome, Rejection};

/// What a request came to: an answer for each operation, and how far the log has to be durable for it.
pub(crate) type Answer = Result<(Vec<Result<Outcome, Rejection>>, Mark), Error>;

/// Operations of one caller.
pub(crate) struct Request {
    pub(crate) now_us: u64,
    pub(crate) ops: Vec<Op>,
    reply: Arc<Reply>,
    is_answered: Cell<bool>,
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.is_answered.get() {
            self.answer(Err(Error::Index { what: "the leader of the commit ended without an answer".into() }));
        }
    }
}

impl Request {
    fn bytes(&self) -> usize {
        let text = |op: &Op| match op {
            Op::Put { text, .. } | Op::Edit { text, .. } => text.len(),
            _ => 0,
        };
        self.ops.iter().map(|op| 64 + text(op)).sum()
    }

    /// Tells the caller.
    pub(crate) fn answer(&self, answer: Answer) {
        self.is_answered.set(true);
        self.reply.send(Message::Done(answer));
    }
}

/// What a waiting caller is told.
enum Message {
    Done(Answer),
    Lead,
}

#[derive(Default)]
struct Reply {
    letter: Mutex<Letter>,
    sent: Condvar,
}

#[derive(Default)]
struct Letter {
    message: Option<Message>,
    is_awaited: bool,
}

impl Reply {
    fn send(&self, message: Message) {
        let mut letter = lock(&self.letter);
        letter.message = Some(message);
        // A leader answers itself before it looks: that is worth no system call.
        if letter.is_awaited {
            self.sent.notify_one();
        }
    }

    fn wait(&self) -> Message {
        let mut letter = lock(&self.letter);
        letter.is_awaited = true;
        loop {
            match letter.message.take() {
                Some(message) => return message,
                None => letter = self.sent.wait(letter).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Those who wait.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    has_leader: bool,
}

/// A leader takes along requests up to this size.
const GROUP_BYTES_MAX: usize = 1 << 20;
/// And not more than this many.
const GROUP_REQUESTS_MAX: usize = 1 << 12;

/// The leadership: whoever loses it, by a panic too, passes it on.
struct Leadership<'q>(&'q Queue);

impl Drop for Leadership<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        match state.requests.front() {
            Some(next) => next.reply.send(Message::Lead),
            None => state.has_leader = false,
        }
    }
}

impl Queue {
    /// Brings operations in and waits for the answer; `lead` commits those of a group and answers each, and is called by one thread
    /// at a time.
    pub(crate) fn enter(&self, now_us: u64, ops: Vec<Op>, lead: impl FnOnce(&[Request])) -> Answer {
        let reply = Arc::new(Reply::default());
        let mut state = lock(&self.state);
        state.requests.push_back(Request { now_us, ops, reply: Arc::clone(&reply), is_answered: Cell::new(false) });
        let leads = !std::mem::replace(&mut state.has_leader, true);
        drop(state);
        if !leads {
            match reply.wait() {
                Message::Done(answer) => return answer,
                Message::Lead => {}
            }
        }
        let leadership = Leadership(self);
        // Whoever leads is the first in the queue: leadership goes to the front, and only an empty queue has no leader.
        lead(&self.take());
        drop(leadership);
        match reply.wait() {
            Message::Done(answer) => answer,
            Message::Lead => Err(Error::Index { what: "a request was led twice".into() }),
        }
    }

    fn take(&self) -> Vec<Request> {
        let mut state = lock(&self.state);
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(request) = state.requests.pop_front() {
            bytes += request.bytes();
            group.push(request);
            if bytes >= GROUP_BYTES_MAX || group.len() >= GROUP_REQUESTS_MAX {
                break;
            }
        }
        group
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
