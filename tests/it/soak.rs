//! The parts of `make soak` that need no root, for a short time: kills of every kind of writer, traps at system calls, limits of
//! files and of their lengths. What each does is said in tests/soak.

use std::path::Path;
use std::process::Command;

use super::site::Site;

/// Runs a script on the programs under test; what it printed.
#[track_caller]
#[expect(clippy::print_stdout, reason = "what was measured, for whoever asks with --nocapture")]
fn run(script: &str, arguments: &[&str]) -> String {
    let site = Site::new("");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/soak").join(script);
    let mut python = Command::new("python3");
    let output = python.arg("-B").arg(path).args(arguments).env("BIN", site.programs()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("measured: {said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn a_storm_of_kills_of_every_kind_of_writer_loses_nothing() {
    let said = run("kills.py", &["--seconds", "15"]);
    let kills = said.rsplit("kills: ").next().and_then(|rest| rest.split(' ').next()).unwrap().parse::<u64>().unwrap();
    assert!(kills >= 100, "{said}");
}

#[test]
fn a_trap_at_any_system_call_loses_nothing() {
    let said = run("traps.py", &["--stride", "13"]);
    assert_eq!(said.matches("traps sprung").count(), 6, "{said}");
}

#[test]
fn limits_of_files_and_lengths_are_told_and_pass() {
    assert!(run("limits.py", &[]).contains("a server of 48 files"));
}
