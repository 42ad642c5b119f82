//! Every byte of a small but complete site is damaged, one at a time, and every file is cut at every length; so it is done to one
//! that was compacted. Whatever is hit: nobody crashes or hangs, no record is shown that is not what was written, what is
//! missing is told by the check, and a rebuild or a salvage brings back everything else. A part runs each time;
//! `SOAK=MINUTES` in the environment runs as much of all as there is time for, and goes on where `SOAK_PROGRESS` says.

mod cases;
mod run;
mod victim;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{NOW_US, put_text};
use crate::Store;
use crate::page::tests::page;
use cases::{Case, Damage, How, Nature};
use run::{Progress, run};
use victim::{Past, Victim, answers, fixed};

/// No case takes longer, or it is taken for a hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of cases.
#[derive(Debug, Default)]
struct Tally {
    cases: u64,
    unharmed: u64,
    refused: u64,
    told: u64,
    /// In the last frame, which was cut.
    torn: u64,
    salvaged: u64,
    lost: usize,
    /// Bytes changed; several at once where they are not used.
    bytes: u64,
    /// Runs of bytes taken for unused of which one is used, so that each was changed alone.
    singly: u64,
}

impl Tally {
    fn add(&mut self, more: &Tally) {
        let Tally { cases, unharmed, refused, told, torn, salvaged, lost, bytes, singly } = self;
        *cases += more.cases;
        *unharmed += more.unharmed;
        *refused += more.refused;
        *told += more.told;
        *torn += more.torn;
        *salvaged += more.salvaged;
        *lost += more.lost;
        *bytes += more.bytes;
        *singly += more.singly;
    }
}

/// One case.
fn look_at(victim: &Victim, case: &Case) -> Tally {
    let mut tally = Tally::default();
    let Case { damage, is_live, .. } = case;
    match damage.how {
        How::Fill(_, len) if is_quiet(victim, damage) => {
            (tally.cases, tally.unharmed, tally.bytes) = (1, 1, len as u64);
            return tally;
        }
        How::Fill(at, len) => {
            // An index is read by words.
            let step = if damage.nature() == Nature::Index { 8 } else { 1 };
            for at in (at..at + len).step_by(step) {
                let damage = Damage { how: How::Flip(at, 1 << (at / step % 8)), ..damage.clone() };
                tally.add(&look_at(victim, &Case { damage, ..case.clone() }));
            }
            (tally.bytes, tally.singly) = (len as u64, 1);
            return tally;
        }
        How::Flip(..) => tally.bytes += 1,
        How::Cut(_) | How::Longer(_) => {}
    }
    match damage.nature() {
        Nature::Format => format_file(victim, damage, &mut tally),
        Nature::Database => database(victim, damage, &mut tally),
        Nature::Log | Nature::Index | Nature::Control | Nature::Moved => in_log(victim, damage, *is_live, &mut tally),
    }
    tally
}

/// Whether nobody notices.
fn is_quiet(victim: &Victim, damage: &Damage) -> bool {
    victim.restore(true);
    victim.damage(damage);
    let store = Store::new(&victim.dir, fixed());
    let missing = answers(&store).map(|found| victim.missing(&found, "unused bytes"));
    let _ = store.accounts(None);
    let _ = store.wiki().and_then(|wiki| wiki.view(&page("Tea")));
    let _ = store.search(&crate::SearchQuery::parse("tea").unwrap(), None, 10);
    missing.is_ok_and(|missing| missing == 0) && store.check(&mut |_| {}).is_ok_and(|report| report.problems.is_empty())
}

/// One case in a log, index or control page: read, checked, mended.
fn in_log(victim: &Victim, damage: &Damage, is_live: bool, tally: &mut Tally) {
    let what = format!("{damage:?} live {is_live}");
    victim.restore(is_live);
    victim.damage(damage);
    let began = Instant::now();
    let run = catch_unwind(AssertUnwindSafe(|| {
        let store = Store::new(&victim.dir, fixed());
        let missing = match answers(&store) {
            Ok(found) => Some(victim.missing(&found, &what)),
            Err(_) => None,
        };
        // Whoever was told of the damage by the read may have had it mended.
        let told = match store.check(&mut |_| {}) {
            Ok(report) => report
                .problems
                .iter()
                .find(|problem| problem.contains(&damage.file))
                .cloned()
                .or_else(|| report.problems.first().cloned()),
            Err(error) => Some(error.to_string()),
        };
        drop(store);
        (missing, told)
    }));
    let (missing, told) = run.unwrap_or_else(|_| panic!("{what}: a panic"));
    assert!(began.elapsed() < PATIENCE, "{what}: {:?}", began.elapsed());
    tally.cases += 1;
    tally.refused += u64::from(missing.is_none());
    tally.told += u64::from(told.is_some());
    if missing == Some(0) && told.is_none() {
        tally.unharmed += 1;
        return;
    }
    // The page is of one start of the machine only, and has no checksums but for what is published.
    if damage.nature() == Nature::Control {
        let store = Store::new(&victim.dir, fixed());
        let _ = store.rebuild(&mut |_| {});
        drop(store);
        victim.restart();
    }
    // What is derived needs no salvage.
    if damage.nature() != Nature::Log {
        let store = Store::new(&victim.dir, fixed());
        let done = store.rebuild(&mut |_| {}).unwrap_or_else(|error| panic!("{what}: rebuild: {error}"));
        assert!(done.failed.is_empty(), "{what}: {done:?}");
        assert_eq!(victim.missing(&answers(&store).unwrap(), &what), 0, "{what}: a rebuild mends it");
        let report = store.check(&mut |_| {}).unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "{what}: after a rebuild");
        return;
    }
    // After another start of the machine nothing tells the last frame, damaged, from one that a power cut tore.
    if !is_live && told.is_none() && missing.is_some_and(|missing| missing <= 2) && victim.is_last(damage) {
        tally.torn += 1;
        return;
    }
    assert!(told.is_some() || missing.is_none(), "{what}: {missing:?} answers are missing and the check says nothing");
    salvage(victim, &what, tally, missing);
}

fn salvage(victim: &Victim, what: &str, tally: &mut Tally, missing: Option<usize>) {
    let before: BTreeMap<PathBuf, Vec<u8>> =
        super::files(&victim.dir).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let store = Store::new(&victim.dir, fixed());
    let done = store.salvage(NOW_US, &victim.scratch, &mut |_| {});
    let done = done.unwrap_or_else(|error| panic!("{what}: salvage: {error:?}"));
    for (path, bytes) in before {
        assert!(fs::read(&path).unwrap() == bytes, "{what}: {path:?} was changed");
    }
    let new = Store::new(&victim.scratch, fixed());
    let left = victim.missing(&answers(&new).unwrap(), what);
    // One frame is hit: a record, its edits and what answers or follows by it. A cut takes all that was behind it in its file.
    let is_cut = what.contains("Cut(");
    assert!(left <= 8 || is_cut, "{what}: {left} answers are missing after salvage: {:?}", done.lost);
    assert!(left == 0 || done.lost_len > 0, "{what}: {left} lost and nothing told");
    assert!(is_cut || missing.is_none_or(|missing| left <= missing.max(8)), "{what}");
    let report = new.check(&mut |_| {}).unwrap();
    assert_eq!(report.problems, Vec::<String>::new(), "{what}: after salvage");
    let ada = new.reader().unwrap().author("ada").unwrap();
    if let Some(ada) = ada {
        new.put(NOW_US, ada.id, put_text("further")).unwrap();
    }
    tally.salvaged += 1;
    tally.lost += left;
}

/// One case in FORMAT.
fn format_file(victim: &Victim, damage: &Damage, tally: &mut Tally) {
    let what = format!("{damage:?}");
    victim.restore(true);
    victim.damage(damage);
    let refused = Store::new(&victim.dir, fixed()).log().map(drop).unwrap_err();
    tally.cases += 1;
    tally.refused += 1;
    assert!(format!("{refused:?}").contains("FORMAT"), "{what}: {refused:?}");
    salvage(victim, &what, tally, None);
    assert_eq!(tally.lost, 0, "{what}");
    assert_eq!(Store::new(&victim.scratch, fixed()).site_id().unwrap(), [1; 16], "{what}");
}

/// One case in a database.
fn database(victim: &Victim, damage: &Damage, tally: &mut Tally) {
    let name = damage.file.as_str();
    let what = format!("{damage:?}");
    victim.restore(true);
    victim.damage(damage);
    let began = Instant::now();
    let run = catch_unwind(AssertUnwindSafe(|| {
        let store = Store::new(&victim.dir, fixed());
        // Records never suffer.
        assert_eq!(victim.missing(&answers(&store).unwrap(), &what), 0, "{what}");
        let _ = store.accounts(None);
        let _ = store.wiki().and_then(|wiki| wiki.view(&page("Tea")));
        let _ = store.search(&crate::SearchQuery::parse("tea").unwrap(), None, 10);
        store.check(&mut |_| {}).unwrap_or_else(|error| panic!("{what}: check: {error:?}")).problems
    }));
    let told = run.unwrap_or_else(|_| panic!("{what}: a panic"));
    assert!(began.elapsed() < PATIENCE, "{what}: {:?}", began.elapsed());
    tally.cases += 1;
    tally.told += u64::from(!told.is_empty());
    // SQLite has no checksums: a byte of a value can be another without anybody being able to tell.
    tally.unharmed += u64::from(told.is_empty());
    let names = |problem: &String| problem.contains(name) || (name == "site.db" && problem.starts_with("account "));
    assert!(told.is_empty() || told.iter().any(names), "{what}: {told:?}");
    if name == "search.db" {
        let store = Store::new(&victim.dir, fixed());
        let done = store.rebuild(&mut |_| {}).unwrap_or_else(|error| panic!("{what}: rebuild: {error:?}"));
        assert!(done.failed.is_empty(), "{what}: {done:?}");
        assert_eq!(store.check(&mut |_| {}).unwrap().problems, Vec::<String>::new(), "{what}: after a rebuild");
    } else if !told.is_empty() {
        salvage(victim, &what, tally, Some(0));
    }
}

/// About how many cases of a kind run each time.
fn few(case: &Case) -> usize {
    let is_flip = matches!(case.damage.how, How::Flip(..) | How::Fill(..));
    match (case.past, case.damage.nature()) {
        (Past::Grown, Nature::Log) if is_flip => 150,
        (Past::Grown, Nature::Format) if is_flip => 30,
        (Past::Grown, Nature::Log | Nature::Index | Nature::Control) => 35,
        (Past::Compacted, Nature::Log) => 15,
        _ => 6,
    }
}

#[test]
fn any_byte_of_a_site_can_be_damaged_and_any_file_cut_at_any_length() {
    let all = run::all();
    let (minutes, progress) = soak();
    if let Some(minutes) = minutes {
        let progress = Progress::read(progress, &all);
        let places = progress.places(&all);
        let time = Duration::from_secs(60 * minutes);
        let outcome = run(&all, &places, time, &|outcome| progress.with(outcome).write(&all));
        let progress = progress.with(&outcome);
        progress.write(&all);
        progress.say(&all);
        return outcome.judge();
    }
    let mut kinds: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, case) in all.iter().enumerate() {
        kinds.entry(case.kind()).or_default().push(place);
    }
    let some = |places: Vec<usize>| places.clone().into_iter().take(few(&all[places[0]]));
    let places: Vec<usize> = kinds.into_values().flat_map(some).collect();
    let outcome = run(&all, &places, Duration::MAX, &|_| {});
    println!("damage: {} of {} cases", places.len(), all.len());
    outcome.judge();
}

/// Minutes, where as many cases as there is time for are to run, and where it is noted which have.
#[expect(clippy::disallowed_methods, reason = "the one switch between a part of the cases and all")]
fn soak() -> (Option<u64>, Option<PathBuf>) {
    let minutes = std::env::var("SOAK").ok().map(|minutes| minutes.parse().unwrap());
    (minutes, std::env::var_os("SOAK_PROGRESS").map(PathBuf::from))
}
