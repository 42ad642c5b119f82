//! Runs cases in as many threads as there are processors, each with sites of its own. Start at [`run`]. A case that fails does not
//! keep the others from running, and one that does not end is named.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::cases::{self, Case};
use super::victim::{Past, Victim};
use super::{PATIENCE, Tally, look_at};
use crate::tests::Random;

/// Failures told one by one.
const FAILURES_MAX: usize = 20;

/// The sites of a thread.
fn victims() -> [Victim; 2] {
    [Victim::new(Past::Grown), Victim::new(Past::Compacted)]
}

/// Every case there is, in an order that mixes them and is always the same: first one of each byte, then those of its other bits.
pub(super) fn all() -> Vec<Case> {
    let mut all: Vec<Case> = victims().iter().flat_map(cases::of).collect();
    let mut random = Random(6);
    for at in (1..all.len()).rev() {
        all.swap(at, random.below(at + 1));
    }
    all.sort_by_key(Case::is_another_bit);
    all
}

/// What came of cases.
#[derive(Default)]
pub(super) struct Outcome {
    by_kind: BTreeMap<String, Tally>,
    /// By the place in the list.
    failures: BTreeMap<usize, String>,
    done: BTreeSet<usize>,
}

impl Outcome {
    #[track_caller]
    pub(super) fn judge(&self) {
        for (kind, tally) in &self.by_kind {
            println!("{kind}: {tally:?}");
        }
        let told: Vec<&str> = self.failures.values().take(FAILURES_MAX).map(String::as_str).collect();
        assert!(told.is_empty(), "{} cases failed:\n{}", self.failures.len(), told.join("\n"));
    }
}

/// Runs the cases at these places, until the time is over.
pub(super) fn run(all: &[Case], places: &[usize], time: Duration, note: &dyn Fn(&Outcome)) -> Outcome {
    let (next, began) = (AtomicUsize::new(0), Instant::now());
    let (tell, told) = mpsc::channel();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut outcome = Outcome::default();
    let mut running = BTreeMap::new();
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                let victims = victims();
                while began.elapsed() < time
                    && let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let case = &all[*place];
                    tell.send((worker, *place, None)).unwrap();
                    let victim = victims.iter().find(|victim| victim.past == case.past).unwrap();
                    let result = catch_unwind(AssertUnwindSafe(|| look_at(victim, case)));
                    tell.send((worker, *place, Some(result.map_err(|panic| words(&*panic))))).unwrap();
                }
            });
        }
        drop(tell);
        loop {
            match told.recv_timeout(PATIENCE * 4) {
                Ok((worker, place, None)) => {
                    running.insert(worker, place);
                }
                Ok((_, place, Some(result))) => {
                    outcome.done.insert(place);
                    match result {
                        Ok(tally) => outcome.by_kind.entry(all[place].kind()).or_default().add(&tally),
                        Err(panic) => {
                            outcome.failures.insert(place, format!("{:?}: {panic}", all[place]));
                        }
                    }
                    if outcome.done.len().is_multiple_of(1_000) {
                        note(&outcome);
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    eprintln!(
                        "one of these does not end: {:?}",
                        running.values().map(|at| &all[*at]).collect::<Vec<_>>()
                    );
                    std::process::abort();
                }
            }
        }
    });
    outcome
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic").to_owned()
}

/// How far a soak has come with the whole list: where it goes on, and which cases before that failed and are to run again.
pub(super) struct Progress {
    file: Option<PathBuf>,
    list: u64,
    next: usize,
    failed: BTreeSet<usize>,
}

impl Progress {
    /// What is noted in the file, if it is of the same list.
    pub(super) fn read(file: Option<PathBuf>, all: &[Case]) -> Progress {
        let list = all.iter().fold(0_u64, |sum, case| sum.rotate_left(5) ^ case.hash());
        let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let mut numbers = text.split_whitespace().map(|word| word.parse::<u64>().unwrap());
        let is_same = numbers.next() == Some(list);
        let mut places = numbers.map(|number| usize::try_from(number).unwrap()).filter(|_| is_same);
        Progress { file, list, next: places.next().unwrap_or(0), failed: places.collect() }
    }

    /// What is left to run.
    pub(super) fn places(&self, all: &[Case]) -> Vec<usize> {
        self.failed.iter().copied().chain(self.next..all.len()).collect()
    }

    /// Progress with what came of more cases.
    pub(super) fn with(&self, outcome: &Outcome) -> Progress {
        let mut next = self.next;
        while outcome.done.contains(&next) {
            next += 1;
        }
        let mut failed = self.failed.clone();
        failed.retain(|place| !outcome.done.contains(place));
        failed.extend(outcome.failures.keys().filter(|place| **place < next));
        Progress { file: self.file.clone(), list: self.list, next, failed }
    }

    /// Notes it; when nothing is left the next soak begins anew.
    pub(super) fn write(&self, all: &[Case]) {
        let Some(file) = &self.file else { return };
        if self.next == all.len() && self.failed.is_empty() {
            let _ = fs::remove_file(file);
            return;
        }
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let failed: String = self.failed.iter().map(|place| format!(" {place}")).collect();
        fs::write(file, format!("{} {}{failed}\n", self.list, self.next)).unwrap();
    }

    pub(super) fn say(&self, all: &[Case]) {
        let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (place, case) in all.iter().enumerate() {
            let (run, of) = kinds.entry(case.kind()).or_default();
            *run += usize::from(place < self.next);
            *of += 1;
        }
        for (kind, (run, of)) in kinds {
            println!("{kind}: {run} of {of} cases have run");
        }
        let once = all.partition_point(|case| !case.is_another_bit());
        let told = [(once, "each byte and each length once"), (all.len(), "each bit")];
        let whole = told.iter().rfind(|(count, _)| self.next >= *count && self.failed.is_empty());
        println!(
            "damage: {} of {} cases have run, {} of them failed{}",
            self.next,
            all.len(),
            self.failed.len(),
            whole.map_or_else(String::new, |(count, what)| format!("; whole: {what}, {count} cases"))
        );
    }
}
