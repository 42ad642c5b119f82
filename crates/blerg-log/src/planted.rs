//! The one planted bug that no lying disk can play: tests switch it on and must then fail. In a program it is never there.

/// A bug that a test plants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Frames are accepted wherever they stand.
    NoChain,
}

/// Never, in a program.
#[cfg(not(test))]
pub(crate) const fn is_planted(_bug: Bug) -> bool {
    false
}

#[cfg(test)]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Whether this thread runs with the bug.
#[cfg(test)]
pub(crate) fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Runs `body` with a bug in this thread.
#[cfg(test)]
pub(crate) fn with<T>(bug: Bug, body: impl FnOnce() -> T) -> T {
    PLANTED.set(Some(bug));
    let result = body();
    PLANTED.set(None);
    result
}
