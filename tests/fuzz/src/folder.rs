//! What `blergtool wiki import` makes of a directory and its git history: start at [`folder`] and [`history`]. Whatever files are
//! called, pages have names of their own and links lead to them; git's answers are read as git meant them, or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;

use blerg_markup::wiki::rewrite_targets;
use blerg_store::PageName;

use crate::input::Input;
use crate::target::decoded;

// Files of the tool, which are laid out there, with tests beside them that are not here.
#[rustfmt::skip]
#[path = "../../../cgi/tool/wiki/git.rs"]
#[expect(dead_code, reason = "nobody asks git here")]
mod git;
#[rustfmt::skip]
#[path = "../../../cgi/tool/wiki/links.rs"]
mod links;
#[rustfmt::skip]
#[path = "../../../cgi/tool/wiki/names.rs"]
mod names;
#[rustfmt::skip]
#[path = "../../../cgi/tool/wiki/plan.rs"]
#[expect(dead_code, reason = "no directory is read here")]
mod plan;

use git::{Log, read_object};
use links::Links;
use names::is_markdown;
use plan::Plan;

/// Why the tool stops.
#[derive(Debug)]
#[expect(dead_code, reason = "nobody prints them")]
pub(crate) enum Failure {
    File(String, std::io::Error),
    Refused(String),
}

const NOW_US: u64 = 1_700_000_000_000_000;
const FILES_MAX: usize = 40;

/// Paths, one a line, then a zero byte and a text; `a>b` is a path and what it was called later.
pub(crate) fn folder(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (paths, text) = text.split_once('\0').unwrap_or((&text, ""));
    let (plan, renames) = plan_of(paths);
    let names: BTreeSet<&PageName> = plan.pages.iter().map(|page| &page.name).collect();
    assert_eq!(names.len(), plan.pages.len(), "each page has a name of its own");
    for page in plan.pages.iter().take(4) {
        assert_eq!(PageName::parse(&page.name.underscored()).as_ref(), Ok(&page.name));
        let done = Links { plan: &plan, renames: &renames }.rewrite(page, text);
        let attached: BTreeSet<&str> = done.files.values().map(|name| name.as_str()).collect();
        assert_eq!(attached.len(), done.files.len(), "each file has a name of its own");
        assert!(done.files.keys().all(|path| plan.files.contains(path)));
        let (before, after) = (targets(text), targets(&done.text));
        assert_eq!(before.len(), after.len(), "{:?}", done.text);
        for (before, after) in before.iter().zip(&after) {
            let is_known =
                |name: &str| attached.contains(name) || PageName::parse(name).is_ok_and(|name| names.contains(&name));
            let bare = after.strip_prefix("./").unwrap_or(after);
            let bare = bare.split('#').next().unwrap_or_default();
            let decoded = decoded(bare.as_bytes()).and_then(|name| String::from_utf8(name).ok());
            let leads = decoded.is_some_and(|name| is_known(&name)) || is_known(bare);
            assert!(before == after || leads, "{before:?} became {after:?}");
        }
        // An earlier text is rewritten alike, where it was at the same path and no file came by it.
        if done.files.is_empty() {
            let earlier = Links { plan: &plan, renames: &renames }.rewrite_earlier(&page.path, text, &done.files);
            assert_eq!(earlier, done.text);
        }
    }
}

fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let same = rewrite_targets(text, &mut |target| {
        found.push(target.to_owned());
        None
    });
    assert_eq!(same, text);
    found
}

fn plan_of(paths: &str) -> (Plan, BTreeMap<String, String>) {
    let is_path = |path: &&str| {
        path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
            && !path.contains('\0')
            && path.len() < 200
    };
    let (mut plan, mut renames, mut found) = (Plan::default(), BTreeMap::new(), BTreeSet::new());
    for line in paths.lines().take(FILES_MAX) {
        match line.split_once('>') {
            Some((from, to)) => drop(renames.insert(from.to_owned(), to.to_owned())),
            None => found.extend(Some(line).filter(is_path).map(str::to_owned)),
        }
    }
    for path in found {
        if is_markdown(&path) {
            plan.add_page(path);
        } else {
            plan.files.insert(path);
        }
    }
    (plan, renames)
}

/// Paths, one a line, then a zero byte and what git said.
pub(crate) fn history(data: &[u8]) {
    let zero = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (paths, said) = data.split_at(zero);
    let said = said.get(1..).unwrap_or_default();
    let (plan, _) = plan_of(&String::from_utf8_lossy(paths));
    let told = |log: Result<Log, Failure>| log.map(|log| format!("{log:?}")).map_err(|failure| format!("{failure:?}"));
    let log = Log::read(said, &plan, NOW_US);
    if let Ok(log) = &log {
        assert!(log.commits.iter().all(|commit| commit.at_us <= NOW_US));
        for (page, pasts) in &log.pasts {
            assert!(*page < plan.pages.len() && pasts.iter().all(|past| past.commit < log.commits.len()));
        }
    }
    assert_eq!(told(Log::read(BufReader::with_capacity(3, said), &plan, NOW_US)), told(log));
    spoken(&plan, said);
    objects(said);
}

/// Changes as git tells them come to the page of their file, in order.
fn spoken(plan: &Plan, data: &[u8]) {
    let mut input = Input::new(data);
    let (mut said, mut wanted, mut commits) = (Vec::new(), BTreeMap::<usize, Vec<(usize, String)>>::new(), 0);
    while let (false, true) = (input.is_empty(), commits < 20) {
        let (secs, many) = (input.byte(), input.byte() % 4);
        let summary = String::from_utf8_lossy(input.take(5)).replace('\0', "");
        said.extend_from_slice(format!("\u{1}{secs}\0Ada\0{summary}\0").as_bytes());
        for n in 0..many {
            let at = usize::from(input.byte());
            let Some(page) = plan.pages.get(at % plan.pages.len().max(1)) else { continue };
            let status = ["M", "A", "T", "D"][usize::from(input.byte() % 4)];
            let blob = if status == "D" { "0".repeat(40) } else { format!("{commits:020}{:020}", n + 1) };
            let mode = if status == "D" { "000000" } else { "100644" };
            let line_end = if n == 0 { "\n" } else { "" };
            said.extend_from_slice(
                format!("{line_end}:100644 {mode} {} {blob} {status}\0{}\0", "a".repeat(40), page.path).as_bytes(),
            );
            if status != "D" {
                wanted.entry(at % plan.pages.len()).or_default().push((commits, blob));
            }
        }
        said.push(0);
        commits += 1;
    }
    let log = Log::read(&said[..], plan, NOW_US).expect("as git writes it");
    let found: BTreeMap<usize, Vec<(usize, String)>> = log
        .pasts
        .iter()
        .map(|(page, pasts)| (*page, pasts.iter().map(|past| (past.commit, past.blob.clone())).collect()))
        .collect();
    assert_eq!((log.commits.len(), found), (commits, wanted));
}

/// Objects come out one by one, those that are too long left out.
fn objects(data: &[u8]) {
    let _ = read_object(&mut &data[..], 100);
    let pieces: Vec<&[u8]> = data.split(|byte| *byte == b'\n').take(8).collect();
    let mut said = Vec::new();
    for piece in &pieces {
        said.extend_from_slice(format!("{} blob {}\n", "b".repeat(40), piece.len()).as_bytes());
        said.extend_from_slice(piece);
        said.push(b'\n');
    }
    said.extend_from_slice(b"c missing\n");
    let mut from = BufReader::with_capacity(5, &said[..]);
    for piece in pieces {
        let found = read_object(&mut from, 30).expect("as git writes it");
        assert_eq!(found.as_deref(), Some(piece).filter(|piece| piece.len() <= 30));
    }
    assert_eq!(read_object(&mut from, 30).expect("as git writes it"), None);
}
