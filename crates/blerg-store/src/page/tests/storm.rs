//! Many writers at once, each with a store of its own, as processes have: every acknowledged revision is in the history,
//! and nobody hears of a locked database.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::{ADA, by, page, render};
use crate::tests::{Random, Site};
use crate::{Base, By, Leave, Save, SaveKind, Saved, Store, Wiki};

const WRITERS: u64 = 8;
const SAVES: u64 = 40;
const PAGES: usize = 10;

/// Adds a line to a page, as somebody does who merges whenever the page has moved on; returns how often it had.
fn add_line(wiki: &Wiki<'_>, name: &str, line: &str) -> u64 {
    let name = page(name);
    let source = wiki.source(&name, None);
    let (mut base, mut text) = match source {
        Ok(source) => (Base::Rev(source.head.rev), source.text.unwrap()),
        Err(error) if error.is_not_found() => (Base::New, String::new()),
        Err(error) => panic!("{error:?}"),
    };
    for moved in 0.. {
        let new = format!("{text}{line}\n");
        let rendered = render(wiki, &new);
        let by = By { summary: line, ..by(ADA) };
        let save = Save { name: &name, base, text: &new, rendered: &rendered, kind: SaveKind::Edit, by };
        match wiki.save(&save).unwrap() {
            Saved::Done { .. } => return moved,
            Saved::Moved { current, rev, .. } => (base, text) = (Base::Rev(rev), current),
            other => panic!("{other:?}"),
        }
    }
    unreachable!("the loop ends by a save")
}

fn write(store: &Store, writer: u64, moved: &AtomicU64) {
    let wiki = store.wiki().unwrap();
    let mut random = Random(writer);
    for n in 0..SAVES {
        let name = format!("P{}", random.below(PAGES));
        let line = format!("writer {writer} line {n} [[P{}]] #t{}", random.below(PAGES), random.below(3));
        moved.fetch_add(add_line(&wiki, &name, &line), Ordering::Relaxed);
        wiki.view(&page(&name)).unwrap();
        wiki.backlinks(&page(&name), None, 50).unwrap();
    }
}

#[test]
fn no_writer_covers_anothers_line() {
    let site = Site::new();
    let moved = AtomicU64::new(0);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (site, moved) = (&site, &moved);
            scope.spawn(move || write(&site.again(), writer, moved));
        }
    });
    let wiki = site.store.wiki().unwrap();
    let mut revisions = 0;
    let mut lines = Vec::new();
    for head in wiki.all(None, 99).unwrap() {
        let history = wiki.history(&head.name, None, 999).unwrap();
        revisions += history.len();
        let text = wiki.source(&head.name, None).unwrap().text.unwrap();
        // Each revision added the line that its summary says, and the newest text has them all, in their order.
        let summaries: Vec<&str> = history.iter().rev().map(|change| change.summary.as_str()).collect();
        assert_eq!(text.lines().collect::<Vec<_>>(), summaries, "{}", head.name);
        lines.extend(text.lines().map(str::to_owned));
    }
    assert_eq!(revisions, usize::try_from(WRITERS * SAVES).unwrap());
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), revisions);
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}

#[test]
fn renames_and_saves_at_once_lose_nothing() {
    let site = Site::new();
    super::put(&site, "Name 0", "");
    let saved = thread::scope(|scope| {
        let (first, second) = (&site, &site);
        let renamer = scope.spawn(move || {
            let store = first.again();
            let wiki = store.wiki().unwrap();
            for n in 0..30 {
                let (from, to) = (page(&format!("Name {}", n % 3)), page(&format!("Name {}", (n + 1) % 3)));
                wiki.rename_page(&from, &to, Leave::Redirect, &[], &by(ADA)).unwrap();
            }
        });
        let saver = scope.spawn(move || {
            let store = second.again();
            let wiki = store.wiki().unwrap();
            (0..60).map(|n| save_wherever(&wiki, &format!("line {n}"))).count()
        });
        renamer.join().unwrap();
        saver.join().unwrap()
    });
    let wiki = site.store.wiki().unwrap();
    let pages = wiki.all(None, 9).unwrap();
    assert_eq!(pages.len(), 1);
    let text = wiki.source(&pages[0].name, None).unwrap().text.unwrap();
    assert_eq!(text.lines().count(), saved);
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}

/// Adds a line to the one page, whatever it is called by now.
fn save_wherever(wiki: &Wiki<'_>, line: &str) {
    loop {
        let Some(head) = wiki.all(None, 1).unwrap().pop() else { continue };
        let Ok(source) = wiki.source(&head.name, None) else { continue };
        if !source.head.is_page() {
            continue;
        }
        let text = format!("{}{line}\n", source.text.unwrap());
        let rendered = render(wiki, &text);
        let base = Base::Rev(source.head.rev);
        let save = Save { name: &head.name, base, text: &text, rendered: &rendered, kind: SaveKind::Edit, by: by(ADA) };
        if matches!(wiki.save(&save).unwrap(), Saved::Done { .. }) {
            return;
        }
    }
}
