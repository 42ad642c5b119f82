//! T6 and the rest of T5: scripted histories in which any one call fails, is short, is interrupted, or is the last; then the same
//! for those that mend: a recovery, a heal, a second process. And random histories with any of it, seeds printed. How many points
//! were tried is printed. `BLERG_SOAK_SECONDS` has the random ones go on for as long, and every stride be 1.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

use super::basics::{add, identity, put, tags};
use super::crashes::{Candidates, Run, Step, check_after, check_order, everyday, play_on, rolling};
use super::fake::{Cut, EINTR, EIO, EMFILE, ENOSPC, FakeDisk, Fault, Rng};
use super::model::{Model, ask, random_op};
use super::models::{check_sound, create, open};
use crate::format::Format;
use crate::geometry::Geometry;
use crate::*;

use Backend::{Mapped, Pread};

/// How long the random part is to run, if not as long as a test.
fn soak_time() -> Option<Duration> {
    #[expect(clippy::disallowed_methods, reason = "how `make soak` asks for more")]
    let seconds = std::env::var("BLERG_SOAK_SECONDS").ok()?;
    Some(Duration::from_secs(seconds.parse().unwrap()))
}

/// A history, and where it begins.
struct Scene {
    name: String,
    disk: FakeDisk,
    candidates: Candidates,
    created: bool,
    steps: Vec<Step>,
    /// At most so many points, evenly spread, unless it is a soak.
    points_max: u64,
}

/// What an attack tried: places at which something went wrong, and what was left looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    points: u64,
    states: u64,
}

impl Scene {
    fn new(name: &str, steps: Vec<Step>) -> Scene {
        let (disk, candidates) = (FakeDisk::new(), Candidates(vec![Model::default()]));
        Scene { name: name.into(), disk, candidates, created: false, steps, points_max: 100_000 }
    }

    /// On a disk that holds what a model says.
    fn on(name: &str, (disk, model): (FakeDisk, Model), steps: Vec<Step>, points_max: u64) -> Scene {
        Scene { name: name.into(), disk, candidates: Candidates(vec![model]), created: true, steps, points_max }
    }

    fn play(&self, disk: &FakeDisk) -> Result<Run, String> {
        let run = Run { candidates: self.candidates.clone(), created: self.created, ..Run::on(None) };
        play_on(disk, run, &self.steps)
    }

    /// The disk behind a history without faults.
    fn dry(&self) -> FakeDisk {
        let disk = self.disk.fork();
        let run = self.play(&disk).unwrap();
        assert!(run.failures.is_empty(), "{}: {:?}", self.name, run.failures);
        drop(run);
        disk
    }

    /// The numbers of calls between two counts, or some of them.
    fn spread(&self, from: u64, to: u64) -> impl Iterator<Item = u64> + use<> {
        let stride = if soak_time().is_some() { 1 } else { (to - from).div_ceil(self.points_max).max(1) };
        (from + 1..=to).step_by(stride as usize)
    }

    /// Calls that change something.
    fn steps(&self) -> impl Iterator<Item = u64> + use<> {
        self.spread(self.disk.steps(), self.dry().steps())
    }

    /// Writes.
    fn writes(&self) -> impl Iterator<Item = u64> + use<> {
        let from = self.disk.write_steps().len();
        let writes = self.dry().write_steps();
        self.spread(from as u64, writes.len() as u64).map(move |n| writes[n as usize - 1])
    }

    /// Calls that open, ask or read.
    fn asks(&self) -> impl Iterator<Item = u64> + use<> {
        self.spread(self.disk.asks(), self.dry().asks())
    }

    fn say(&self, what: &str, tried: Tried) -> Tried {
        println!("fault points: {} ({}, {what}), {} states", tried.points, self.name, tried.states);
        tried
    }
}

/// Looks at what is left after kinds of ends; says how many.
fn check_left(disk: &FakeDisk, run: &Run, cuts: &[Cut], seed: u64) -> Result<u64, String> {
    check_after(&disk.after_kill(), run, if seed.is_multiple_of(2) { Mapped } else { Pread })
        .map_err(|what| format!("killed: {what}"))?;
    for cut in cuts {
        check_after(&disk.after(*cut, seed), run, Mapped).map_err(|what| format!("{cut:?}: {what}"))?;
    }
    Ok(1 + cuts.len() as u64)
}

/// That a process that lives goes on by itself.
fn check_goes_on(log: &Log, candidates: &mut Candidates, name: &str) -> Result<(), String> {
    candidates.check(log).map_err(|what| format!("before it goes on: {what}"))?;
    let ops = [add(name), put(0, "and on #a @ada")];
    let answers = log.commit(3, ops.to_vec()).map_err(|e| format!("does not go on: {e:?}"))?;
    candidates.done(&ops, &answers)?;
    candidates.check(log).map_err(|what| format!("goes on: {what}"))
}

/// The process is killed, or the power cut, at any call; whoever was beside it goes on.
fn stop_anywhere(scene: &Scene, cuts: &[Cut]) -> Tried {
    let mut tried = Tried::default();
    for stop in scene.steps() {
        let disk = scene.disk.fork();
        disk.set_fault(Some(Fault::Stop(stop)));
        let mut run = scene.play(&disk).unwrap();
        let context = |what: String| format!("{} stopped at {stop}, {}: {what}", scene.name, disk.last_call());
        let (log, other) = (run.log.take(), run.other.take());
        let alive = if run.other_died {
            drop(other);
            log
        } else {
            drop(log);
            other
        };
        check_order(&disk.after_kill()).map_err(context).unwrap();
        tried.states += check_left(&disk, &run, cuts, stop).map_err(context).unwrap();
        tried.points += 1;
        if let Some(alive) = alive {
            disk.set_fault(None);
            check_goes_on(&alive, &mut run.candidates, "eve").map_err(context).unwrap();
            drop(alive);
            check_after(&disk.after_worst_cut(), &run, Pread).map_err(context).unwrap();
            tried.states += 2;
        }
    }
    scene.say("stopped", tried)
}

/// With these faults everything that was acknowledged stays, and the process goes on by itself afterwards. `None`: they did not come.
fn with_faults(scene: &Scene, faults: &[Fault], may_fail: bool) -> Option<u64> {
    let disk = scene.disk.fork();
    disk.set_faults(faults.to_vec());
    let context = |what: String| format!("{}, {faults:?}, {}: {what}", scene.name, disk.last_call());
    let mut run = scene.play(&disk).map_err(context).unwrap();
    if !disk.is_met() {
        return None;
    }
    assert!(may_fail || run.failures.is_empty(), "{}, {faults:?}: {:?}", scene.name, run.failures);
    disk.set_fault(None);
    let seed = disk.steps() + disk.asks();
    let mut states = check_left(&disk, &run, &[Cut::Worst], seed).map_err(context).unwrap();
    for (log, name) in [(run.log.take(), "eve"), (run.other.take(), "mallory")] {
        let Some(log) = log else { continue };
        check_goes_on(&log, &mut run.candidates, name).map_err(context).unwrap();
        states += 1;
    }
    check_after(&disk.after_worst_cut(), &run, Pread).map_err(context).unwrap();
    Some(states + 1)
}

fn try_all(scene: &Scene, what: &str, may_fail: bool, faults: impl Iterator<Item = Vec<Fault>>) -> Tried {
    let mut tried = Tried::default();
    for states in faults.filter_map(|faults| with_faults(scene, &faults, may_fail)) {
        tried.points += 1;
        tried.states += states;
    }
    scene.say(what, tried)
}

/// Any one call fails.
fn fail_anywhere(scene: &Scene) {
    for (code, what) in [(EIO, "EIO"), (ENOSPC, "ENOSPC"), (EMFILE, "EMFILE")] {
        let change = scene.steps().map(|at| vec![Fault::Errno(at, code)]);
        try_all(scene, &format!("{what} at what changes something"), true, change);
    }
    for (code, what) in [(EIO, "EIO"), (EMFILE, "EMFILE")] {
        let asks = scene.asks().map(|at| vec![Fault::Ask(at, code)]);
        try_all(scene, &format!("{what} at what opens, asks or reads"), true, asks);
    }
    let lasting = scene.asks().map(|at| vec![Fault::NoFilesFrom(at)]);
    try_all(scene, "EMFILE from there on", true, lasting);
}

/// Any write is short or interrupted: by itself nobody notices; dying or a full disk behind it loses nothing.
fn shorten_anywhere(scene: &Scene) {
    let tried = try_all(scene, "short write", false, scene.writes().map(|at| vec![Fault::Short(at)]));
    assert!(tried.points > 0);
    try_all(scene, "EINTR", false, scene.writes().map(|at| vec![Fault::Errno(at, EINTR)]));
    for (code, what) in [(EIO, "EIO"), (ENOSPC, "ENOSPC")] {
        let both = scene.writes().map(|at| vec![Fault::Short(at), Fault::Errno(at + 1, code)]);
        try_all(scene, &format!("short write, then {what}"), true, both);
    }
    let mut stopped = Tried::default();
    for at in scene.writes() {
        let disk = scene.disk.fork();
        disk.set_faults(vec![Fault::Short(at), Fault::Stop(at + 1)]);
        let mut run = scene.play(&disk).unwrap();
        drop((run.log.take(), run.other.take()));
        stopped.points += 1;
        stopped.states += check_left(&disk, &run, &[Cut::Sectors, Cut::Pages], at)
            .unwrap_or_else(|what| panic!("{} short at {at}, then stopped: {what}", scene.name));
    }
    scene.say("short write, then stopped", stopped);
}

fn edit(record: u64, text: &str) -> Op {
    let (author, record) = (AuthorId(0), RecordNo(record));
    Op::Edit { author, record, text: text.into(), tags: tags(text), at_us: None }
}

fn delete(record: u64) -> Op {
    Op::Delete { author: AuthorId(0), record: RecordNo(record) }
}

/// Two processes that take turns through rollovers, edits, deletes in sealed segments, an index that is built anew.
fn beside() -> Vec<Step> {
    let long = |n: usize| format!("{n} {} #a", "long ".repeat(120));
    let mut steps = vec![Step::Create, Step::Open(Mapped), Step::Commit(vec![add("ada"), put(0, "zero #a")])];
    for n in 0..4 {
        steps.push(Step::Beside(vec![put(0, &long(n)), put(0, "short #Bb")]));
        steps.push(Step::Commit(vec![put(0, &long(n + 10))]));
    }
    steps.push(Step::Beside(vec![edit(1, &long(20)), edit(2, "@ada new")]));
    steps.push(Step::Commit(vec![delete(1), delete(0)]));
    steps.push(Step::Rebuild);
    steps.push(Step::Beside(vec![delete(2), put(0, "behind it #c-c")]));
    steps.push(Step::Close);
    steps.push(Step::Beside(vec![put(0, "the mark is gone #c-c")]));
    steps
}

/// A store whose lists are about to need another extent, and whose index is about to need a longer file.
fn about_to_grow(records: usize) -> (FakeDisk, Model) {
    let disk = FakeDisk::new();
    let format = Format { identity: identity(), geometry: Geometry { first_bits: 16, last_bits: 18 } };
    Log::create_with("/data".as_ref(), &format, &disk.arc()).unwrap();
    let log = open(&disk, Mapped).unwrap();
    let mut model = Model::default();
    let mut commit = |ops: Vec<Op>| {
        let wanted: Vec<_> = ops.iter().map(|op| model.apply(op)).collect();
        assert_eq!(log.commit(1, ops).unwrap(), wanted);
        let view = log.core.last_writer().unwrap();
        view.index.memory().length() - view.index.used().unwrap()
    };
    commit(vec![add("ada")]);
    let mut left = commit(vec![put(0, "#a #Bb"); records]);
    let mut name = 0;
    while left > 2_000 {
        let count = if left > 140_000 { 800 } else { 5 };
        let words: Vec<String> = (name..name + count).map(|name| format!("#n{name}")).collect();
        name += count;
        // One author's records stay few: these are another's.
        left = commit(vec![edit(0, &words.join(" "))]);
    }
    drop(log);
    (disk, model)
}

/// Some commits that find no room in extents, tables and the file of the index.
fn growing() -> Vec<Step> {
    let names = |from: usize| (from..from + 30).map(|n| format!("#new{n}")).collect::<Vec<_>>().join(" ");
    let mut steps = vec![Step::Open(Mapped)];
    steps.push(Step::Commit(vec![put(0, "#a"), put(0, "#a #Bb")]));
    steps.push(Step::Commit(vec![put(0, &names(0))]));
    steps.push(Step::Beside(vec![put(0, &format!("{} #a", names(30)))]));
    steps.push(Step::Commit(vec![put(0, &format!("{} #a #Bb", names(60)))]));
    steps
}

#[test]
fn any_call_of_an_everyday_history_may_be_the_last() {
    let tried = stop_anywhere(&Scene::new("everyday", everyday()), &[Cut::Pages, Cut::Files]);
    assert!(tried.points > 350, "{tried:?}");
}

#[test]
fn any_call_of_two_processes_may_be_the_last_of_one() {
    let tried =
        stop_anywhere(&Scene::new("two processes", beside()), &[Cut::Worst, Cut::Sectors, Cut::Pages, Cut::Files]);
    assert!(tried.points > 350, "{tried:?}");
}

#[test]
fn a_file_system_that_is_shut_down_and_mounted_again_loses_nothing() {
    let scenes = [("everyday", everyday()), ("two processes", beside()), ("rollovers", rolling())];
    for (name, steps) in scenes {
        // What is on the disk of the control page and of the index is that of some time ago.
        for at in [3, 5, 8] {
            let steps = [&steps[..at], &[Step::WriteBack], &steps[at..]].concat();
            let scene = Scene { points_max: 40, ..Scene::new(&format!("{name}, written back at {at}"), steps) };
            let mut tried = Tried::default();
            for stop in scene.steps() {
                let disk = scene.disk.fork();
                disk.set_fault(Some(Fault::Stop(stop)));
                let mut run = scene.play(&disk).unwrap();
                drop((run.log.take(), run.other.take()));
                for cut in [Cut::Worst, Cut::Best] {
                    let left = disk.after_shutdown(cut, stop);
                    let context =
                        |what| format!("{} stopped at {stop}, {}, {cut:?}: {what}", scene.name, disk.last_call());
                    check_after(&left, &run, if stop % 2 == 0 { Mapped } else { Pread }).map_err(context).unwrap();
                    // Whoever writes first, by a short-lived program.
                    let left = disk.after_shutdown(cut, stop);
                    check_first_writer(&left, &run).map_err(context).unwrap();
                }
                tried.points += 1;
                tried.states += 4;
            }
            scene.say("shut down", tried);
        }
    }
}

/// That a short-lived program which comes first and writes has everything before what it writes.
fn check_first_writer(disk: &FakeDisk, run: &Run) -> Result<(), String> {
    let options = Options { recovery: Recovery::Refuse, ..super::basics::options(Pread) };
    let Ok(log) = Log::open("/data".as_ref(), &options, disk.arc()) else { return Ok(()) };
    let mut candidates = run.candidates.clone();
    let ops = [add("zoe"), put(0, "the first again #a")];
    let answers = log.commit(3, ops.to_vec()).map_err(|e| format!("first: {e:?}"))?;
    candidates.done(&ops, &answers)?;
    candidates.check(&log)
}

#[test]
fn any_call_of_an_index_that_grows_may_be_the_last() {
    let scene = Scene::on("growth", about_to_grow(252), growing(), 40);
    let grown = scene.dry();
    let length = |disk: &FakeDisk| disk.bytes("/data/index.1".as_ref()).len();
    assert!(length(&grown) > length(&scene.disk), "the file of the index became longer");
    stop_anywhere(&scene, &[Cut::Worst, Cut::Sectors, Cut::Pages]);
    fail_anywhere(&Scene { points_max: 6, ..scene });
}

#[test]
fn any_call_of_an_everyday_history_may_fail() {
    fail_anywhere(&Scene { points_max: 150, ..Scene::new("everyday", everyday()) });
}

#[test]
fn any_call_of_two_processes_may_fail() {
    fail_anywhere(&Scene { points_max: 150, ..Scene::new("two processes", beside()) });
}

#[test]
fn any_write_may_be_short_or_interrupted() {
    for (name, steps) in [("everyday", everyday()), ("rollovers", rolling()), ("two processes", beside())] {
        shorten_anywhere(&Scene { points_max: 150, ..Scene::new(name, steps) });
    }
}

#[test]
fn reads_and_writes_that_are_always_short_or_interrupted_change_nothing() {
    for (name, steps) in [("everyday", everyday()), ("two processes", beside())] {
        let scene = Scene { points_max: 150, ..Scene::new(&format!("{name}, always short"), steps) };
        scene.disk.set_rough(true);
        stop_anywhere(&scene, &[Cut::Sectors]);
    }
}

/// What is left of a history that was cut short, for attacks on those who mend it.
fn left_over(steps: &[Step], stop: u64, cut: Option<Cut>) -> Option<(FakeDisk, Candidates)> {
    let disk = FakeDisk::new();
    disk.set_fault(Some(Fault::Stop(stop)));
    let mut run = play_on(&disk, Run::on(None), steps).unwrap();
    drop((run.log.take(), run.other.take()));
    let disk = cut.map_or_else(|| disk.after_kill(), |cut| disk.after(cut, stop));
    run.created.then_some((disk, run.candidates))
}

#[test]
fn any_call_of_a_recovery_may_fail_or_be_the_last() {
    let (mut cuts, mut recoveries) = (Cut::ALL.into_iter().map(Some).chain([None]).cycle(), 0);
    for (name, steps) in [("everyday", everyday()), ("rollovers", rolling()), ("two processes", beside())] {
        let dry = Scene::new(name, steps.clone()).dry().steps();
        let stride = if soak_time().is_some() { 5 } else { 90 };
        for stop in (40..dry).step_by(stride) {
            let Some((disk, candidates)) = left_over(&steps, stop, cuts.next().unwrap()) else { continue };
            let steps = vec![Step::Open(Mapped), Step::Commit(vec![add("zoe")])];
            let name = format!("recovery of {name} stopped at {stop}");
            let scene = Scene { name, disk, candidates, created: true, steps, points_max: 25 };
            stop_anywhere(&scene, &[Cut::Sectors]);
            let one = Scene { points_max: 5, ..scene };
            fail_anywhere(&one);
            shorten_anywhere(&one);
            recoveries += 1;
        }
    }
    assert!(recoveries > 12, "{recoveries}");
}

/// A sync fails; while the next writer heals the store, another call fails or is the last.
fn fail_twice(scene: &Scene, also: &[fn(u64) -> Fault], reach: u64) -> Tried {
    let mut tried = Tried::default();
    let stride = if soak_time().is_some() { 1 } else { reach.div_ceil(scene.points_max).max(1) };
    for sync in scene.dry().sync_steps().into_iter().filter(|sync| *sync > scene.disk.steps()) {
        for (after, fault) in (1..reach).step_by(stride as usize).flat_map(|after| also.iter().map(move |f| (after, f)))
        {
            let after = after + sync % stride;
            let disk = scene.disk.fork();
            disk.set_faults(vec![Fault::Errno(sync, EIO), fault(sync + after)]);
            let mut run = scene.play(&disk).unwrap();
            let context =
                |what: String| format!("{}: sync {sync}, and {after} on {}: {what}", scene.name, disk.last_call());
            disk.set_fault(None);
            for log in [run.log.take(), run.other.take()].into_iter().flatten() {
                // Whatever it is that they say: it is nothing that is not so.
                run.candidates.check(&log).map_err(context).unwrap();
            }
            for cut in [Cut::Worst, Cut::Pages] {
                check_after(&disk.after(cut, sync + after), &run, Mapped).map_err(context).unwrap();
            }
            check_mended(&disk.after_kill(), &run).map_err(context).unwrap();
            tried.points += 1;
            tried.states += 4;
        }
    }
    scene.say("a sync fails, and what then", tried)
}

/// That a store in which a sync failed can be written again, if the operator says so.
fn check_mended(disk: &FakeDisk, run: &Run) -> Result<(), String> {
    match open(disk, Pread) {
        Ok(log) => {
            run.candidates.check(&log).map_err(|what| format!("killed: {what}"))?;
            log.mend().map_err(|e| format!("mend: {e:?}"))?;
        }
        Err(e) if !run.created => drop(e),
        Err(e) => return Err(format!("open: {e:?}")),
    }
    check_after(disk, run, Mapped).map_err(|what| format!("mended: {what}"))
}

#[test]
fn any_call_while_a_failed_sync_is_mended_may_fail_or_be_the_last() {
    for (name, steps) in [("rollovers", rolling()), ("two processes", beside())] {
        let scene = Scene { points_max: 6, ..Scene::new(name, steps) };
        fail_twice(&scene, &[Fault::Stop, |at| Fault::Errno(at, EIO), |at| Fault::Errno(at, ENOSPC)], 60);
    }
}

#[test]
fn who_has_no_files_left_turns_nothing_off_for_others() {
    let scene = Scene::new("two processes", beside());
    let tried = try_all(&scene, "EMFILE for good", true, scene.asks().map(|at| vec![Fault::NoFilesFrom(at)]));
    assert!(tried.points > 80, "{tried:?}");
    // Nor does who has the lock, and then finds that he cannot look whether it is the right one.
    let (disk, model) = super::models::filled(3, 20);
    for asked in 1..40 {
        let disk = disk.fork();
        let (one, two) = (open(&disk, Mapped).unwrap(), open(&disk, Mapped).unwrap());
        disk.set_fault(Some(Fault::Ask(disk.asks() + asked, EIO)));
        let _ = one.commit(1, vec![add("first")]);
        disk.set_fault(None);
        two.commit(1, vec![add("second")]).unwrap_or_else(|e| panic!("{asked}, {}: {e:?}", disk.last_call()));
        assert!(two.snapshot().unwrap().list(&ListKey::Authors).unwrap().len() > model.authors_len() as u64);
    }
}

#[test]
fn a_full_disk_behind_a_failed_sync_turns_writes_off_for_no_longer_than_it_is_full() {
    let (disk, _) = super::models::filled(3, 20);
    let log = open(&disk, Mapped).unwrap();
    let before = disk.syncs();
    let next_sync = (1..).find(|more| {
        let fork = disk.fork();
        let log = open(&fork, Mapped).unwrap();
        fork.set_fault(Some(Fault::Stop(fork.steps() + more)));
        log.commit(1, vec![add("x")]).is_ok() || fork.syncs() > before
    });
    disk.set_fault(Some(Fault::Errno(disk.steps() + next_sync.unwrap(), EIO)));
    assert!(log.commit(1, vec![add("x")]).unwrap_err().is_poisoned());
    disk.set_fault(Some(Fault::FullFrom(0)));
    for log in [&log, &open(&disk, Pread).unwrap()] {
        assert!(log.commit(1, vec![add("y")]).unwrap_err().is_full());
        assert!(log.snapshot().unwrap().author_by_name("x").unwrap().is_none(), "not durable, not shown");
    }
    disk.set_fault(None);
    log.commit(1, vec![add("z")]).unwrap();
    assert!(log.snapshot().unwrap().author_by_name("x").unwrap().is_some());
    check_sound(&log);
}

/// Random operations of two processes on a disk on which anything goes wrong at random, again and again.
fn random_history(seed: u64) -> u64 {
    let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut disk = FakeDisk::new();
    create(&disk);
    let mut model = Model::default();
    for round in 0..10 {
        let (after, asked) = (disk.steps() + 1 + rng.below(300) as u64, disk.asks() + 1 + rng.below(400) as u64);
        let fault = match rng.below(8) {
            0 | 1 => Fault::Stop(after),
            2 => Fault::Errno(after, [EIO, ENOSPC][rng.below(2)]),
            3 => Fault::Ask(asked, [EIO, EMFILE][rng.below(2)]),
            4 => Fault::NoFilesFrom(asked),
            5 => Fault::FullFrom(after),
            6 => Fault::Short(after),
            _ => Fault::Quota,
        };
        disk.set_faults(if rng.below(4) == 0 { vec![fault, Fault::Stop(after + 9)] } else { vec![fault] });
        disk.set_rough(rng.below(4) == 0);
        let mut run = Run::on(Some(model));
        for _ in 0..40 {
            let mut guess = run.candidates.0[0].clone();
            let mut ops = Vec::new();
            for _ in 0..1 + rng.below(4) {
                let op = random_op(&mut rng, &guess);
                let _ = guess.apply(&op);
                ops.push(op);
            }
            let step = match rng.below(40) {
                0 => Step::Rebuild,
                1 => Step::Close,
                2..12 => Step::Beside(ops),
                _ => Step::Commit(ops),
            };
            run = play_on(&disk, run, &[step]).unwrap_or_else(|what| panic!("seed {seed}, {round}: {what}"));
            // What may be is soon too much to follow.
            if run.candidates.0.len() > 20 || disk.is_stopped() {
                break;
            }
        }
        let context = format!("seed {seed}, round {round}, {fault:?}, {}", disk.last_call());
        drop((run.log.take(), run.other.take()));
        disk = match rng.below(3) {
            0 => disk.after_kill(),
            n => disk.after(Cut::ALL[rng.below(5)], seed + n as u64),
        };
        disk.set_rough(false);
        let log = open(&disk, [Mapped, Pread][rng.below(2)]).unwrap_or_else(|e| panic!("{context}: {e:?}"));
        run.candidates.check(&log).unwrap_or_else(|what| panic!("{context}: {what}"));
        // Whatever was left over belongs to the store from here on. A second failure of a sync waits for the operator.
        if log.commit(1, vec![add("nobody")]).is_err_and(|e| e.is_poisoned()) {
            log.mend().unwrap_or_else(|e| panic!("{context}: {e:?}"));
        }
        let answers = log.commit(1, vec![add("nobody")]).unwrap_or_else(|e| panic!("{context}: {e:?}"));
        assert_eq!(answers, [Err(Rejection::NameTaken)], "{context}");
        let found = ask(&log.snapshot().unwrap()).unwrap();
        for candidate in &mut run.candidates.0 {
            let _ = candidate.apply(&add("nobody"));
        }
        run.candidates.0.retain(|candidate| candidate.answers() == found);
        assert!(!run.candidates.0.is_empty(), "{context}: {found:?}");
        model = run.candidates.0.swap_remove(0);
        check_sound(&log);
    }
    10
}

#[test]
fn random_histories_survive_whatever_goes_wrong() {
    let begun = Instant::now();
    let (mut seed, mut ends) = (0, 0);
    // Other ones each time that there is time for them.
    if let Some(time) = soak_time() {
        let first = RandomState::new().build_hasher().finish() >> 16;
        println!("seeds from {first} on");
        while begun.elapsed() < time {
            ends += random_history(first + seed);
            seed += 1;
        }
    }
    while seed < 30 {
        ends += random_history(seed);
        seed += 1;
    }
    println!("fault points: {ends} (random histories, {seed} of them)");
}
