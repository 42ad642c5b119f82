//! Hashes carry their cost, are verified and upgraded, and give their memory back.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::account::tests::{CHEAP, child, random, task};

thread_local! {
    static HASHES: Cell<u64> = const { Cell::new(0) };
}

static WATCHED: AtomicUsize = AtomicUsize::new(0);
static WATCHED_MOST: AtomicUsize = AtomicUsize::new(0);

/// A password that begins so takes part in [`most_at_a_time`].
pub(crate) const WATCHED_PREFIX: &[u8] = b"watched ";

/// Counts one hash of this thread; the guard lives as long as the hash's memory.
pub(super) fn count_hash(password: &[u8]) -> Watch {
    HASHES.set(HASHES.get() + 1);
    let watched = password.starts_with(WATCHED_PREFIX);
    if watched {
        let now = WATCHED.fetch_add(1, Ordering::SeqCst) + 1;
        WATCHED_MOST.fetch_max(now, Ordering::SeqCst);
    }
    Watch(watched)
}

pub(crate) struct Watch(bool);

impl Drop for Watch {
    fn drop(&mut self) {
        if self.0 {
            WATCHED.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Hashes that this thread computed so far.
pub(crate) fn hashes() -> u64 {
    HASHES.get()
}

/// The most watched hashes that were ever computed at a time in this process.
pub(crate) fn most_at_a_time() -> usize {
    WATCHED_MOST.load(Ordering::SeqCst)
}

#[track_caller]
fn check_same(password: &[u8], other: &[u8], want: Verdict) {
    let stored = hash(password, &CHEAP, random).unwrap();
    assert_eq!(verify(other, &stored, &CHEAP).unwrap(), want);
}

#[test]
fn passwords_are_compared_whole_whatever_their_bytes() {
    check_same(b"correct horse", b"correct horse", Verdict::Right);
    check_same(b"correct horse", b"correct horsf", Verdict::Wrong);
    check_same(b"correct horse", b"correct hors", Verdict::Wrong);
    check_same(b"a\0b", b"a\0b", Verdict::Right);
    check_same(b"a\0b", b"a\0c", Verdict::Wrong);
    check_same(b"a\0b", b"a", Verdict::Wrong);
    check_same(b"\xff\xfe\r\n", b"\xff\xfe\r\n", Verdict::Right);
    check_same(&[7; 64], &[7; 64], Verdict::Right);
    check_same(&[7; 64], &[7; 63], Verdict::Wrong);
}

#[test]
fn reference_implementation_hash_verifies() {
    // From the test file of the reference implementation (phc-winner-argon2, src/test.c).
    let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    assert_eq!(verify(b"password", stored, &CHEAP).unwrap(), Verdict::RightButOldCost);
    assert_eq!(verify(b"passwore", stored, &CHEAP).unwrap(), Verdict::Wrong);
}

#[test]
fn hash_names_its_cost_and_salts_each_time() {
    let first = hash(b"same", &CHEAP, random).unwrap();
    let second = hash(b"same", &CHEAP, random).unwrap();
    assert!(first.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{first}");
    assert_ne!(first, second);
}

#[test]
fn another_cost_asks_for_a_new_hash() {
    let stored = hash(b"same", &CHEAP, random).unwrap();
    let dearer = Argon2Cost { passes: 2, ..CHEAP };
    assert_eq!(verify(b"same", &stored, &dearer).unwrap(), Verdict::RightButOldCost);
    assert_eq!(verify(b"else", &stored, &dearer).unwrap(), Verdict::Wrong);
}

#[track_caller]
fn check_parameters(parameters: &str, want: bool) {
    let stored =
        format!("$argon2id$v=19${parameters}$c29tc2FsdHNvbWVzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
    assert_eq!(check_stored(&stored).is_ok(), want, "{stored}");
}

#[test]
fn stored_hash_cannot_ask_for_more_than_the_limits() {
    check_parameters(&format!("m={MEMORY_KIB_MAX},t=1,p=1"), true);
    check_parameters(&format!("m={},t=1,p=1", MEMORY_KIB_MAX + 1), false);
    check_parameters(&format!("m=1024,t={PASSES_MAX},p=1"), true);
    check_parameters(&format!("m=1024,t={},p=1", PASSES_MAX + 1), false);
    check_parameters(&format!("m=1024,t=1,p={LANES_MAX}"), true);
    check_parameters(&format!("m=1024,t=1,p={}", LANES_MAX + 1), false);
    check_parameters("m=4294967295,t=4294967295,p=1", false);
}

#[test]
fn what_is_no_argon2id_hash_is_damage() {
    for stored in [
        "",
        "plain",
        "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=16$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
        "$2b$12$C6UzMDM.H6dfI/f/IKcEeO7ZCr2CE5ry5dCYf1X1uHd1Y0pR4h3Si",
    ] {
        assert!(matches!(check_stored(stored), Err(Error::Damaged { .. })), "{stored}");
    }
    let long = format!("$argon2id$v=19$m=8,t=1,p=1${}$CTFhFdXPJO1aFaMaO6Mm5c8y", "A".repeat(300));
    assert!(check_stored(&long).is_err());
}

#[test]
fn length_holds_at_both_limits() {
    assert!(check_length(&[0; 8], 8).is_ok());
    assert!(matches!(check_length(&[0; 7], 8), Err(Error::PasswordLength { bytes: 7, min: 8 })));
    assert!(check_length(&[0; PASSWORD_BYTES_MAX], 8).is_ok());
    assert!(check_length(&[0; PASSWORD_BYTES_MAX + 1], 8).is_err());
}

#[test]
fn words_choose_the_cost() {
    assert_eq!("default".parse::<Argon2Cost>().unwrap(), Argon2Cost::RFC9106_SECOND);
    for (word, cost) in Argon2Cost::OWASP {
        assert_eq!(word.parse::<Argon2Cost>().unwrap(), cost);
        assert!(cost.params().is_ok());
    }
    assert!("8".parse::<Argon2Cost>().is_err());
    assert!("".parse::<Argon2Cost>().is_err());
}

/// Bytes of real memory that this process has, and the most it ever had.
fn resident() -> [u64; 2] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kib = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    [kib("VmRSS:") * 1024, kib("VmHWM:") * 1024]
}

#[test]
fn child_hashes_and_reports_its_memory() {
    let Some(word) = task() else { return };
    let cost: Argon2Cost = word.parse().unwrap();
    // Memory that the allocator may keep must not make room for the hash's own.
    drop(hash(b"warm up", &CHEAP, random).unwrap());
    let [before, _] = resident();
    for _ in 0..3 {
        drop(hash(b"some password", &cost, random).unwrap());
        let [after, most] = resident();
        let kept = after.saturating_sub(before);
        assert!(kept < 2 << 20, "kept {kept} bytes of the hash's memory");
        let taken = most.saturating_sub(before);
        let wanted = u64::from(cost.memory_kib) * 1024;
        assert!(taken >= wanted / 2, "the hash took {taken} bytes, want about {wanted}");
        assert!(taken < wanted + (4 << 20), "the hash took {taken} bytes, want {wanted}");
    }
}

#[test]
fn memory_goes_back_to_the_kernel_after_each_hash() {
    for word in ["default", "46", "19", "7"] {
        let mut child = child("password::tests::child_hashes_and_reports_its_memory", word);
        let output = child.output().unwrap();
        assert!(output.status.success(), "{word}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
