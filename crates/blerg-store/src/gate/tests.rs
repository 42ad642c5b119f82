//! One password hash at a time across threads and processes, with a bounded wait.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;

use super::*;
use crate::account::tests::{Killed, child, poll, task};

fn gate(dir: &Path, wait_ms: u64) -> Gate {
    Gate::new(dir, wait_ms)
}

#[track_caller]
fn check_busy(result: Result<Pass<'_>, Error>) {
    match result {
        Err(error @ Error::Busy { .. }) => assert!(error.retry_after_secs().unwrap() >= 1),
        other => panic!("want Busy, got {other:?}"),
    }
}

#[test]
fn one_at_a_time_within_a_process() {
    let dir = tempfile::tempdir().unwrap();
    let gate = gate(dir.path(), 20);
    let pass = gate.enter().unwrap();
    check_busy(gate.enter());
    drop(pass);
    drop(gate.enter().unwrap());
}

#[test]
fn one_at_a_time_between_gates() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = [gate(dir.path(), 20), gate(dir.path(), 20)];
    let pass = first.enter().unwrap();
    check_busy(second.enter());
    drop(pass);
    drop(second.enter().unwrap());
}

#[test]
fn waiter_gets_in_when_the_holder_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let gate = gate(dir.path(), 60_000);
    let pass = gate.enter().unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| gate.enter().map(drop));
        poll(|| gate.waiting() == 1);
        drop(pass);
        assert!(waiter.join().unwrap().is_ok());
    });
}

#[test]
fn queue_holds_its_limit_and_refuses_one_more_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let gate = gate(dir.path(), 60_000);
    let pass = gate.enter().unwrap();
    std::thread::scope(|scope| {
        let waiters: Vec<_> = (0..WAITERS_MAX).map(|_| scope.spawn(|| gate.enter().map(drop))).collect();
        poll(|| gate.waiting() == WAITERS_MAX);
        check_busy(gate.enter());
        drop(pass);
        for waiter in waiters {
            assert!(waiter.join().unwrap().is_ok());
        }
    });
    assert_eq!(gate.waiting(), 0);
}

#[test]
fn those_who_gave_up_leave_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let gate = gate(dir.path(), 30);
    let pass = gate.enter().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..WAITERS_MAX {
            scope.spawn(|| check_busy(gate.enter()));
        }
    });
    assert_eq!(gate.waiting(), 0);
    drop(pass);
    drop(gate.enter().unwrap());
}

#[test]
fn lock_file_is_private_and_stays() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    drop(gate(dir.path(), 20).enter().unwrap());
    let metadata = fs::metadata(dir.path().join(HASH_LOCK_FILE)).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.len(), 0);
}

#[test]
fn missing_directory_is_an_error_with_its_path() {
    let gate = gate(Path::new("/nonexistent/blerg"), 20);
    let error = gate.enter().map(drop).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/blerg/hash.lock"), "{error}");
}

/// Enters a number of times; each time the file `inside` must not exist, and `count` grows by one.
#[test]
fn child_enters_and_counts() {
    let Some(task) = task() else { return };
    let dir = Path::new(&task);
    let gate = gate(dir, 120_000);
    for _ in 0..ENTRIES {
        let _pass = gate.enter().unwrap();
        let inside = OpenOptions::new().write(true).create_new(true).open(dir.join("inside"));
        assert!(inside.is_ok(), "somebody else is inside");
        let count = fs::read_to_string(dir.join("count")).unwrap_or_default();
        let count = count.parse().unwrap_or(0_u32) + 1;
        fs::write(dir.join("count"), count.to_string()).unwrap();
        fs::remove_file(dir.join("inside")).unwrap();
    }
}

const ENTRIES: u32 = 40;

#[test]
fn one_at_a_time_across_processes() {
    let dir = tempfile::tempdir().unwrap();
    let task = dir.path().to_str().unwrap();
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = child("gate::tests::child_enters_and_counts", task);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let count = fs::read_to_string(dir.path().join("count")).unwrap();
    assert_eq!(count, (4 * ENTRIES).to_string());
}

/// Enters and stays until it is killed.
#[test]
fn child_enters_and_stays() {
    let Some(task) = task() else { return };
    let gate = gate(Path::new(&task), 120_000);
    let _pass = gate.enter().unwrap();
    fs::write(Path::new(&task).join("entered"), "").unwrap();
    let (_keep, never) = mpsc::channel::<()>();
    never.recv().unwrap();
}

#[test]
fn killed_holder_leaves_the_place_free() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = child("gate::tests::child_enters_and_stays", dir.path().to_str().unwrap());
    let holder = Killed::spawn(&mut command);
    poll(|| dir.path().join("entered").exists());
    check_busy(gate(dir.path(), 50).enter());
    drop(holder);
    drop(gate(dir.path(), 60_000).enter().unwrap());
}
