//! T5 and T6 in one process: a short history is stopped at each of its writes, stores, syncs and renames; then the process is gone,
//! or the power was; the store is opened again and must hold what was acknowledged and no part of anything. And T8: the same
//! with a disk that lies must fail.

use std::io;

use super::basics::{add, put, tags};
use super::fake::{FakeDisk, Fault, Lie, Rng};
use super::model::{Model, ask};
use super::models::{SMALL, check_sound, create, open};
use crate::control::Control;
use crate::format::Format;
use crate::index::Index;
use crate::memory::{FileMemory, Reach};
use crate::planted::{self, Bug};
use crate::view::index_path;
use crate::*;

const DIR: &str = "/data";

/// One thing that a process does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Create,
    Open(Backend),
    Commit(Vec<Op>),
    /// A commit by another process, which stays.
    Beside(Vec<Op>),
    Rebuild,
    Close,
    /// The system writes everything to the disk, as it does now and then.
    WriteBack,
}

use Backend::{Mapped, Pread};

/// What the store may hold: one, and after a failed commit each beginning of it too.
#[derive(Clone, Default)]
pub(super) struct Candidates(pub(super) Vec<Model>);

impl Candidates {
    pub(super) fn failed(&mut self, ops: &[Op]) {
        let mut more = Vec::new();
        for model in &self.0 {
            let mut model = model.clone();
            for op in ops {
                let _ = model.apply(op);
                more.push(model.clone());
            }
        }
        self.0.extend(more);
        self.0.truncate(2_048);
    }

    pub(super) fn done(&mut self, ops: &[Op], answers: &[Result<Outcome, Rejection>]) -> Result<(), String> {
        self.0.retain_mut(|model| ops.iter().zip(answers).all(|(op, answer)| model.apply(op) == *answer));
        if self.0.is_empty() { Err(format!("{answers:?} for {ops:?}")) } else { Ok(()) }
    }

    /// That the store shows one of them. It may hold more: what a killed writer wrote and did not publish, the next one adopts.
    pub(super) fn check(&self, log: &Log) -> Result<(), String> {
        let found = log.snapshot().and_then(|snapshot| ask(&snapshot)).map_err(|e| format!("ask: {e:?}"))?;
        if self.0.iter().any(|model| model.answers() == found) { Ok(()) } else { Err(format!("answers: {found:?}")) }
    }
}

pub(super) fn history() -> Vec<Op> {
    let edit = |record, text: &str| Op::Edit {
        author: AuthorId(0),
        record: RecordNo(record),
        text: text.into(),
        tags: tags(text),
        at_us: None,
    };
    let reply = Op::Put {
        author: AuthorId(1),
        text: "re".into(),
        tags: vec![],
        reply_to: Some((AuthorId(0), RecordNo(0))),
        at_us: None,
    };
    vec![
        add("ada"),
        put(0, "one #a"),
        add("bob"),
        reply,
        edit(0, "one again #a #Bb and some more text than there was before"),
        Op::Follow { author: AuthorId(1), target: AuthorId(0) },
        put(0, "two #a @ada"),
        edit(0, "and again #c-c"),
        Op::Delete { author: AuthorId(0), record: RecordNo(0) },
        Op::Unfollow { author: AuthorId(1), target: AuthorId(0) },
        put(1, "three #Bb"),
        Op::CloseAuthor { author: AuthorId(1) },
    ]
}

/// The history with one commit each, and one commit of everything, in between a close.
pub(super) fn everyday() -> Vec<Step> {
    let ops = history();
    let mut steps = vec![Step::Create, Step::Open(Mapped)];
    steps.extend(ops.iter().take(9).map(|op| Step::Commit(vec![op.clone()])));
    steps.extend([Step::Close, Step::Open(Pread), Step::Commit(ops[9..].to_vec()), Step::Rebuild]);
    steps
}

/// Enough text to fill several segments.
pub(super) fn rolling() -> Vec<Step> {
    let mut steps = vec![Step::Create, Step::Open(Mapped), Step::Commit(vec![add("ada")])];
    for n in 0..9 {
        let text = format!("{n} {} #a", "long ".repeat(100 + n));
        steps.push(Step::Commit(vec![put(0, &text), put(0, "short #Bb")]));
    }
    steps.push(Step::Commit(vec![Op::Delete { author: AuthorId(0), record: RecordNo(1) }]));
    steps
}

pub(super) struct Run {
    pub(super) candidates: Candidates,
    pub(super) created: bool,
    pub(super) log: Option<Log>,
    /// The process beside.
    pub(super) other: Option<Log>,
    /// The disk stopped while it was at work.
    pub(super) other_died: bool,
    pub(super) failures: Vec<Error>,
}

impl Run {
    /// On a disk with what this model holds, or none at all.
    pub(super) fn on(model: Option<Model>) -> Run {
        let (created, candidates) = (model.is_some(), Candidates(vec![model.unwrap_or_default()]));
        Run { candidates, created, log: None, other: None, other_died: false, failures: Vec::new() }
    }
}

/// Does the steps until the disk stops; failed ones are noted and the next are tried.
pub(super) fn play(disk: &FakeDisk, steps: &[Step]) -> Result<Run, String> {
    play_on(disk, Run::on(None), steps)
}

/// The same from a run on.
pub(super) fn play_on(disk: &FakeDisk, mut run: Run, steps: &[Step]) -> Result<Run, String> {
    for step in steps {
        if disk.is_stopped() {
            break;
        }
        let result = perform(disk, step, &mut run)?;
        run.other_died = matches!(step, Step::Beside(_));
        if let Err(e) = result {
            run.failures.push(e);
        }
    }
    Ok(run)
}

fn perform(disk: &FakeDisk, step: &Step, run: &mut Run) -> Result<Result<(), Error>, String> {
    if let Step::Beside(ops) = step {
        // As one that lives longer: its turn comes with a view that the other has outrun.
        std::mem::swap(&mut run.log, &mut run.other);
        let result = perform(disk, &Step::Commit(ops.clone()), run);
        std::mem::swap(&mut run.log, &mut run.other);
        return result;
    }
    if let Step::WriteBack = step {
        disk.write_back();
        return Ok(Ok(()));
    }
    if run.log.is_none() && !matches!(step, Step::Create) {
        let backend = if let Step::Open(backend) = step { *backend } else { Mapped };
        match open(disk, backend) {
            Ok(log) => run.log = Some(log),
            // Nothing of the step was written.
            Err(e) => return Ok(Err(e)),
        }
    }
    Ok(match (step, &run.log) {
        (Step::Create, _) => {
            let format = Format { identity: super::basics::identity(), geometry: SMALL };
            let created = Log::create_with(DIR.as_ref(), &format, &disk.arc());
            run.created |= created.is_ok();
            created
        }
        (Step::Commit(ops), Some(log)) => match log.commit(1, ops.clone()) {
            Ok(answers) => {
                run.candidates.done(ops, &answers)?;
                Ok(())
            }
            Err(e) => {
                run.candidates.failed(ops);
                Err(e)
            }
        },
        (Step::Rebuild, Some(log)) => log.rebuild(&mut |_| {}),
        (Step::Close, _) => run.log.take().map_or(Ok(()), Log::close),
        _ => Ok(()),
    })
}

/// Opens what is left of a store and compares; then goes on with it.
pub(super) fn check_after(disk: &FakeDisk, run: &Run, backend: Backend) -> Result<(), String> {
    let mut candidates = run.candidates.clone();
    let log = match open(disk, backend) {
        Ok(log) => log,
        Err(e) if e.is_missing() && !run.created => {
            create(disk);
            open(disk, backend).map_err(|e| format!("open after creating again: {e:?}"))?
        }
        Err(e) => return Err(format!("open: {e:?}")),
    };
    candidates.check(&log)?;
    let ops = [add("eve"), put(0, "after all #a")];
    let answers = log.commit(2, ops.to_vec()).map_err(|e| format!("go on: {e:?}"))?;
    candidates.done(&ops, &answers)?;
    candidates.check(&log)?;
    // Takes most of the time, so not always.
    if !disk.steps().is_multiple_of(8) {
        return Ok(());
    }
    let found = log.verify(&mut |_| {}).map_err(|e| format!("verify: {e:?}"))?;
    if found.problems.is_empty() { Ok(()) } else { Err(format!("verify: {:?}", found.problems)) }
}

/// I7 and I6: at any instant the index is behind what is published, and no element is beyond it.
pub(super) fn check_order(disk: &FakeDisk) -> Result<(), String> {
    let control = match Control::open(disk, DIR.as_ref(), Mapped) {
        Ok(Some(control)) if control.current(&[1; 16], disk.boot_id()).is_ok_and(|look| look.is_some()) => control,
        _ => return Ok(()),
    };
    let look = control.look().map_err(|e| e.to_string())?;
    if look.indexed > look.commit.end {
        return Err(format!("indexed {} of {}", look.indexed, look.commit.end));
    }
    if look.durable > look.commit.end {
        return Err(format!("durable {} of {}", look.durable, look.commit.end));
    }
    let memory =
        FileMemory::open(disk, &index_path(DIR.as_ref(), look.generation), Reach::Map).map_err(|e| e.to_string())?;
    let index = Index::open(memory, &[2; 16]).map_err(|e| e.to_string())?;
    let mut beyond = None;
    for key in [ListKey::Latest, ListKey::Authors, ListKey::Timeline(AuthorId(0)), ListKey::Tag("a"), ListKey::Deletes]
    {
        if let Some(head) = index.find(&key.bytes()).map_err(|e| e.to_string())?
            && head.get(head.len() - 1).is_ok_and(|last| last.0 >= look.commit.end)
        {
            beyond = Some(key);
        }
    }
    beyond.map_or(Ok(()), |key| Err(format!("{key:?} holds more than is published")))
}

/// Stops the steps at every `stride`th point, with a disk that lies; the first thing found wrong, or how many states were looked at.
fn attack(steps: &[Step], stride: usize, cuts: u64, lie: Option<Lie>) -> Result<usize, String> {
    let begin = || {
        let disk = FakeDisk::new();
        disk.set_lie(lie);
        disk
    };
    let dry = begin();
    play(&dry, steps)?;
    let mut states = 0;
    for stop in (1..=dry.steps()).step_by(stride) {
        let disk = begin();
        disk.set_fault(Some(Fault::Stop(stop)));
        let mut run = play(&disk, steps)?;
        drop(run.log.take());
        let at = |what: String| format!("stopped at {stop}, {}: {what}", disk.last_call());
        check_order(&disk.after_kill()).map_err(at)?;
        check_after(&disk.after_kill(), &run, if stop % 2 == 0 { Mapped } else { Pread }).map_err(at)?;
        check_after(&disk.after_worst_cut(), &run, Mapped).map_err(at)?;
        for seed in 0..cuts {
            let cut = disk.after_power_cut(&mut Rng(seed << 32 | stop));
            check_after(&cut, &run, Mapped).map_err(|what| at(format!("seed {seed}: {what}")))?;
        }
        states += 2 + cuts as usize;
    }
    Ok(states)
}

#[test]
fn nothing_acknowledged_is_lost_wherever_an_everyday_history_stops() {
    let states = attack(&everyday(), 1, 2, None).unwrap();
    assert!(states > 1_000, "{states}");
}

#[test]
fn nothing_acknowledged_is_lost_wherever_a_rollover_stops() {
    attack(&rolling(), 1, 2, None).unwrap();
}

/// A disk on which the everyday history was cut short somewhere, for attacks on the recovery itself.
fn cut_short(stop: u64) -> (FakeDisk, Run) {
    let disk = FakeDisk::new();
    disk.set_fault(Some(Fault::Stop(stop)));
    let mut run = play(&disk, &everyday()).unwrap();
    drop(run.log.take());
    (disk.after_power_cut(&mut Rng(stop)), run)
}

#[test]
fn a_recovery_that_is_cut_short_itself_is_done_again() {
    let mut rng = Rng(9);
    for stop in [60, 100, 150, 200, 240, 270, 300, 330] {
        let (disk, run) = cut_short(stop);
        if !run.created {
            continue;
        }
        let dry = disk.fork();
        let before = dry.steps();
        drop(open(&dry, Mapped).unwrap());
        for again in before + 1..=dry.steps() {
            let fork = disk.fork();
            fork.set_fault(Some(Fault::Stop(again)));
            assert!(open(&fork, Mapped).is_err(), "stopped at {again}: {}", fork.last_call());
            for cut in [fork.after_kill(), fork.after_worst_cut(), fork.after_power_cut(&mut rng)] {
                check_after(&cut, &run, Mapped)
                    .unwrap_or_else(|e| panic!("{stop}, {again}, {}: {e}", fork.last_call()));
            }
        }
    }
}

#[test]
fn random_histories_survive_random_power_cuts_again_and_again() {
    for seed in 0..12 {
        let mut rng = Rng(seed);
        let mut disk = FakeDisk::new();
        create(&disk);
        let mut candidates = Candidates(vec![Model::default()]);
        for _ in 0..12 {
            disk.set_fault(Some(Fault::Stop(disk.steps() + 1 + rng.below(250) as u64)));
            if let Ok(log) = open(&disk, [Mapped, Pread][rng.below(2)]) {
                while !disk.is_stopped() {
                    let mut guess = candidates.0[0].clone();
                    let mut ops = Vec::new();
                    for _ in 0..1 + rng.below(4) {
                        let op = super::model::random_op(&mut rng, &guess);
                        let _ = guess.apply(&op);
                        ops.push(op);
                    }
                    match log.commit(1, ops.clone()) {
                        Ok(answers) => candidates.done(&ops, &answers).unwrap(),
                        Err(_) => candidates.failed(&ops),
                    }
                }
            }
            disk = if rng.below(3) == 0 { disk.after_kill() } else { disk.after_power_cut(&mut rng) };
            let log = open(&disk, Mapped).unwrap();
            candidates.check(&log).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            // Whatever was left over belongs to the store from here on.
            log.commit(1, vec![add("nobody")]).unwrap();
            let found = ask(&log.snapshot().unwrap()).unwrap();
            for model in &mut candidates.0 {
                let _ = model.apply(&add("nobody"));
            }
            candidates.0.retain(|model| model.answers() == found);
            assert!(!candidates.0.is_empty(), "seed {seed}: {found:?}");
            check_sound(&log);
        }
    }
}

/// That the suite notices a disk that lies.
#[track_caller]
fn check_caught(steps: &[Step], lie: Lie) {
    let caught = attack(steps, 1, 1, Some(lie));
    assert!(caught.is_err(), "{lie:?} passed in {caught:?} states");
}

#[test]
fn planted_fdatasync_that_does_nothing_is_caught() {
    check_caught(&everyday(), Lie::NoSync);
}

#[test]
fn planted_directory_fsync_that_does_nothing_is_caught() {
    check_caught(&rolling(), Lie::NoSyncDir);
    check_caught(&[Step::Create, Step::Open(Mapped), Step::Commit(vec![add("ada")])], Lie::NoSyncDir);
}

#[test]
fn planted_missing_seal_is_caught() {
    check_caught(&rolling(), Lie::NoSeal);
}

#[test]
fn planted_publishing_after_indexing_is_caught() {
    let caught = attack(&everyday(), 1, 0, Some(Lie::PublishLast)).unwrap_err();
    assert!(caught.contains("more than is published") || caught.contains("indexed"), "{caught}");
}

/// Does all steps with one call that fails, and lets the process go on; then the power goes, or only the process.
fn fail_once(steps: &[Step], at: u64, kind: io::ErrorKind, lie: Option<Lie>) -> Result<Vec<Error>, String> {
    let disk = FakeDisk::new();
    disk.set_lie(lie);
    disk.set_fault(Some(Fault::Once(at, kind)));
    let mut run = play(&disk, steps)?;
    let context = |what: String| format!("{kind:?} at {at}, {}: {what}", disk.last_call());
    if let Some(log) = run.log.take() {
        run.candidates.check(&log).map_err(context)?;
    }
    check_after(&disk.after_worst_cut(), &run, Mapped).map_err(context)?;
    check_after(&disk.after_kill(), &run, Pread).map_err(context)?;
    Ok(run.failures)
}

/// How many calls the steps make on a disk that works.
fn calls(steps: &[Step]) -> u64 {
    let disk = FakeDisk::new();
    play(&disk, steps).unwrap();
    disk.steps()
}

#[test]
fn an_error_at_any_call_loses_nothing_acknowledged() {
    for (steps, kind) in
        [(everyday(), io::ErrorKind::Other), (rolling(), io::ErrorKind::Other), (rolling(), io::ErrorKind::StorageFull)]
    {
        for at in 1..=calls(&steps) {
            fail_once(&steps, at, kind, None).unwrap();
        }
    }
}

/// Does all steps; at the sync that is the call `stop` the kernel fails, and the process dies with the news of it. Others go on, and
/// then the power goes. `None`: that call is no sync of a file of the log.
fn die_in_sync(begin: &FakeDisk, before: &Run, steps: &[Step], stop: u64) -> Option<Result<(), String>> {
    let disk = begin.fork();
    disk.set_fault(Some(Fault::Stop(stop)));
    let mut run = match play(&disk, steps) {
        Ok(run) => run,
        Err(what) => return Some(Err(what)),
    };
    drop(run.log.take());
    if !steps.contains(&Step::Create) {
        (run.created, run.candidates) = (true, before.candidates.clone());
    }
    let call = disk.last_call();
    let file = call.strip_prefix("sync ").filter(|file| file.ends_with(".seg"))?;
    let disk = disk.after_kill();
    disk.forget_dirty(file.as_ref());
    let go_on = || {
        let log = open(&disk, Mapped).map_err(|e| format!("open: {e:?}"))?;
        let mut candidates = run.candidates.clone();
        // Longer than what is looked at: it brings no lost sector to the disk by chance.
        let ops = [add("eve"), put(0, &"after all ".repeat(60))];
        let answers = log.commit(2, ops.to_vec()).map_err(|e| format!("go on: {e:?}"))?;
        candidates.done(&ops, &answers)?;
        drop(log);
        let cut = open(&disk.after_worst_cut(), Mapped).map_err(|e| format!("open after the cut: {e:?}"))?;
        candidates.check(&cut)
    };
    Some(go_on().map_err(|what| format!("died at {stop} in {call}: {what}")))
}

#[test]
fn who_dies_in_any_sync_takes_nothing_acknowledged_along() {
    let mut steps = rolling();
    let edit = |record| Op::Edit {
        author: AuthorId(0),
        record: RecordNo(record),
        text: "new ".repeat(150),
        tags: vec![],
        at_us: None,
    };
    let delete = |record| Op::Delete { author: AuthorId(0), record: RecordNo(record) };
    // Deletes in the last segment, in sealed ones, and of several versions.
    steps.extend(
        [vec![edit(16)], vec![delete(16)], vec![delete(0), delete(14)], vec![edit(4)], vec![delete(4)]]
            .map(Step::Commit),
    );
    let nobody = Run::on(None);
    let dry = FakeDisk::new();
    play(&dry, &steps).unwrap();
    let stops = dry.sync_steps().into_iter();
    let syncs = stops.filter_map(|stop| die_in_sync(&FakeDisk::new(), &nobody, &steps, stop));
    let met = syncs.map(Result::unwrap).count();
    assert!(met > 30, "{met} syncs");
    // The same in a recovery, after any number of commits: the EPOCH ends anywhere.
    let mut met = 0;
    for len in (3..steps.len()).step_by(2) {
        let disk = FakeDisk::new();
        let mut before = play(&disk, &steps[..len]).unwrap();
        drop(before.log.take());
        let disk = disk.after_worst_cut();
        let again = [Step::Open(Mapped)];
        let dry = disk.fork();
        play(&dry, &again).unwrap();
        let stops = dry.sync_steps().into_iter().filter(|stop| *stop > disk.steps());
        let syncs = stops.filter_map(|stop| die_in_sync(&disk, &before, &again, stop));
        met += syncs.map(Result::unwrap).count();
    }
    assert!(met > 10, "{met} syncs of recoveries");
}

#[test]
fn planted_ignored_poison_is_caught() {
    // Frames longer than a sector: the next one does not bring the lost one to the disk by chance.
    let steps = rolling();
    let caught =
        (1..=calls(&steps)).any(|at| fail_once(&steps, at, io::ErrorKind::Other, Some(Lie::NoPoison)).is_err());
    assert!(caught);
}

#[test]
fn planted_missing_chain_check_is_caught() {
    // Three puts of one length in a write that fails after two of them, then one of the same length.
    let batch = vec![put(0, "aaaa"), put(0, "bbbb"), put(0, "cccc")];
    let single = vec![put(0, "dddd")];
    let steps =
        [Step::Create, Step::Open(Mapped), Step::Commit(vec![add("ada")]), Step::Commit(batch), Step::Commit(single)];
    let attack =
        || (1..=calls(&steps)).try_for_each(|at| fail_once(&steps, at, io::ErrorKind::StorageFull, None).map(drop));
    attack().unwrap();
    planted::with(Bug::NoChain, attack).unwrap_err();
}

#[test]
fn a_full_disk_refuses_puts_takes_deletes_and_goes_on_when_there_is_room() {
    for full_at in [0, 1, 5, 20, 60] {
        let (disk, mut model) = super::models::filled(5, 60);
        let log = open(&disk, Mapped).unwrap();
        disk.set_fault(Some(Fault::FullFrom(disk.steps() + full_at)));
        let text = "x".repeat(300);
        let mut refused = 0;
        for _ in 0..60 {
            match log.commit(1, vec![put(0, &text)]) {
                Ok(answers) => assert_eq!(answers, [model.apply(&put(0, &text))]),
                Err(e) => {
                    assert!(e.is_full(), "{e:?}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 0);
        assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), model.answers());
        disk.set_fault(None);
        assert_eq!(log.commit(1, vec![put(0, "room again")]).unwrap(), [model.apply(&put(0, "room again"))]);
        assert_eq!(ask(&log.snapshot().unwrap()).unwrap(), model.answers());
        check_sound(&log);
    }
}
