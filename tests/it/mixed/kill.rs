//! Where a SIGKILL landed. Two ways: `strace` kills a CGI process as it enters its nth call of one kind, and its record of
//! the calls before says what the process was doing; or a process is killed at a random moment, and what its threads
//! are in at that moment (`/proc/PID/task/*/syscall`) says it. Start at [`Injection`] and [`Class`].

use std::fs;

/// What a killed process was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// At writing frames to a segment.
    Write,
    /// At making them durable.
    Sync,
    /// Between the end of one segment and the first frame of the next.
    Rollover,
    /// While it read the log of a directory that no running system had left behind.
    Recovery,
    /// At taking or leaving a lock.
    Lock,
    /// Durable, but nobody has been told.
    Answer,
    /// Anywhere else: starting, reading, computing.
    Elsewhere,
}

/// The calls that are followed; enough to tell the classes apart.
const FOLLOWED: &str = "pwrite64,write,fdatasync,fsync,rename,unlink,fallocate,getdents64,flock,openat,ftruncate";

/// Kill at the nth call of this name.
#[derive(Clone, Copy, Debug)]
pub struct Injection {
    pub call: &'static str,
    pub nth: u32,
}

impl Injection {
    const fn new(call: &'static str, nth: u32) -> Injection {
        Injection { call, nth }
    }

    /// The moments of a recovery, and of the first write after it.
    pub fn in_recovery() -> impl Iterator<Item = Injection> {
        let calls = ["getdents64", "fallocate", "pwrite64", "fdatasync", "fsync", "rename"];
        calls.into_iter().flat_map(|call| [1, 2, 3].map(|nth| Injection::new(call, nth)))
    }

    /// The moments of a change to a new segment: SEAL written, synced; the new file made, filled, synced, named; its
    /// directory synced; its first frame written.
    pub fn in_rollover() -> impl Iterator<Item = Injection> {
        let calls = [
            ("unlink", 1),
            ("fallocate", 1),
            ("pwrite64", 1),
            ("pwrite64", 2),
            ("fdatasync", 1),
            ("fdatasync", 2),
            ("fdatasync", 3),
            ("rename", 1),
            ("fsync", 1),
            ("pwrite64", 3),
        ];
        calls.into_iter().map(|(call, nth)| Injection::new(call, nth))
    }

    /// The moments of an ordinary put, the `choice`th of them.
    pub fn in_put(choice: u64) -> Injection {
        match choice % 8 {
            0 => Injection::new("pwrite64", 1),
            1 => Injection::new("fdatasync", 1),
            2 => Injection::new("flock", 2),
            3 => Injection::new("flock", 3),
            4 => Injection::new("write", 1),
            5 => Injection::new("rename", 1),
            6 => Injection::new("fsync", 1),
            _ => Injection::new("fdatasync", 2),
        }
    }

    /// The arguments that make `strace` do it.
    pub fn arguments(self) -> [String; 6] {
        let Injection { call, nth } = self;
        let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
        ["-f", "-y", "-qq", "-e", &format!("trace={FOLLOWED}"), &format!("-e{inject}")].map(str::to_owned)
    }
}

/// What a process was doing by strace's record; `None`: it was not killed.
pub fn classify(record: &str) -> Option<Class> {
    if !record.contains("killed by SIGKILL") {
        return None;
    }
    let calls: Vec<&str> = record.lines().filter(|line| line.contains('(')).collect();
    let last = calls.last().copied().unwrap_or_default();
    let recovering = calls.iter().any(|line| line.contains("getdents64(") && line.contains("/log>"));
    let rolling = calls.iter().rev().take(8).any(|line| line.contains("/log/") && line.contains(".tmp"));
    Some(match last {
        _ if recovering => Class::Recovery,
        _ if rolling => Class::Rollover,
        _ if last.contains("pwrite64(") => Class::Write,
        _ if last.contains("sync(") => Class::Sync,
        _ if last.contains("flock(") => Class::Lock,
        _ if last.contains(" write(1") => Class::Answer,
        _ => Class::Elsewhere,
    })
}

/// What a process is doing now, by the calls that its threads are in (numbers of x86-64; elsewhere for other machines).
pub fn look_at(pid: u32) -> Class {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let calls: Vec<u32> = threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("syscall")).ok()?.split(' ').next()?.parse().ok())
        .collect();
    let in_call = |numbers: &[u32]| cfg!(target_arch = "x86_64") && calls.iter().any(|call| numbers.contains(call));
    match () {
        () if in_call(&[74, 75]) => Class::Sync,
        () if in_call(&[18, 296]) => Class::Write,
        () if in_call(&[82, 87, 285]) => Class::Rollover,
        () if in_call(&[73]) => Class::Lock,
        () => Class::Elsewhere,
    }
}
