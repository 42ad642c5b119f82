//! Calls the application and turns whatever it does, panics included, into records. Used alike by event loops and pool.

use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::encode::ProtocolStatus;
use crate::output::Chunks;
use crate::{Application, Output, Params, Refusal, Request, Trouble, Verdict};

/// The application status of a request whose handler failed or panicked, or that was aborted.
pub(crate) const FAILED: i32 = 1;

/// What a handler left to be streamed, and the status to end with.
pub(crate) struct Rest {
    chunks: Chunks,
    application_status: i32,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("application_status", &self.application_status).finish_non_exhaustive()
    }
}

/// Asks for the verdict.
pub(crate) fn open(application: &dyn Application, params: &Params) -> Result<Verdict, Refusal> {
    catch_unwind(AssertUnwindSafe(|| application.open(params))).map_err(|_panic| {
        application.report(&Trouble::Panicked);
        Refusal::Panicked
    })
}

/// Answers a request; `None`: it has ended.
pub(crate) fn respond(application: &dyn Application, request: Request, output: &mut Output) -> Option<Rest> {
    match catch_unwind(AssertUnwindSafe(|| application.respond(request, output))) {
        Ok(result) => settle(application, result, output),
        Err(_panic) => {
            application.report(&Trouble::Panicked);
            if output.take_back() {
                return refuse(application, Refusal::Panicked, &Params::default(), output);
            }
            output.end(FAILED, ProtocolStatus::RequestComplete);
            None
        }
    }
}

/// Turns a request away; `None`: it has ended.
pub(crate) fn refuse(
    application: &dyn Application,
    refusal: Refusal,
    params: &Params,
    output: &mut Output,
) -> Option<Rest> {
    match catch_unwind(AssertUnwindSafe(|| application.refuse(refusal, params, output))) {
        Ok(Ok(_)) if refusal == Refusal::Overloaded && !output.is_touched() && !output.has_chunks() => {
            output.end(0, ProtocolStatus::Overloaded);
            None
        }
        Ok(result) => settle(application, result, output),
        Err(_panic) => {
            application.report(&Trouble::Panicked);
            output.take_back();
            output.end(FAILED, ProtocolStatus::RequestComplete);
            None
        }
    }
}

/// Writes one more chunk of a stream; `None`: the request has ended.
pub(crate) fn stream(application: &dyn Application, mut rest: Rest, output: &mut Output) -> Option<Rest> {
    let result = match catch_unwind(AssertUnwindSafe(|| rest.chunks.next())) {
        Ok(None) => {
            output.end(rest.application_status, ProtocolStatus::RequestComplete);
            return None;
        }
        Ok(Some(chunk)) => chunk.map(|chunk| output.put_chunk(&chunk)),
        Err(_panic) => {
            application.report(&Trouble::Panicked);
            output.end(FAILED, ProtocolStatus::RequestComplete);
            return None;
        }
    };
    match result {
        Ok(()) => Some(rest),
        Err(error) => settle(application, Err(error), output),
    }
}

fn settle(application: &dyn Application, result: std::io::Result<i32>, output: &mut Output) -> Option<Rest> {
    match (result, output.take_chunks()) {
        (Ok(application_status), Some(chunks)) => return Some(Rest { chunks, application_status }),
        (Ok(application_status), None) => output.end(application_status, ProtocolStatus::RequestComplete),
        (Err(error), _) => {
            application.report(&Trouble::Respond(&error));
            // Writing to a lost client fails once more, which changes nothing.
            let _ = writeln!(output.stderr(), "{error}");
            output.end(FAILED, ProtocolStatus::RequestComplete);
        }
    }
    None
}
