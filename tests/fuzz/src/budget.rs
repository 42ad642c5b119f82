//! How much time the processor may spend on something: its own time, which is the same however busy the machine is.
//! Start at [`within_ms`].

use rustix::time::{ClockId, clock_gettime};

/// Runs something that must not take longer.
#[track_caller]
pub(crate) fn within_ms<T>(limit_ms: u64, what: &str, work: impl FnOnce() -> T) -> T {
    let start = spent_us();
    let done = work();
    let took_us = spent_us() - start;
    assert!(took_us <= limit_ms * 1_000, "{what} took {took_us} us, and may take {limit_ms} ms");
    done
}

fn spent_us() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000).expect("the clock does not run backwards")
}
