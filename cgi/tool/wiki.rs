//! `blergtool wiki`: the wiki as its operator handles it. Start at [`run`]; a directory comes in by import.rs and goes out
//! by export.rs, the rest is one call of the store each. The operator may do everything, also while the wiki is
//! read-only.

pub(crate) mod args;
mod export;
mod git;
mod import;
mod links;
mod names;
mod plan;
mod read;

use blerg_store::{
    Base, By, ChangeKind, Editor, Leave, PageChange, PageHead, PageName, Renamed, Rendered, Save, SaveKind, Saved,
    Store, Wiki,
};
use blerg_wiki::{Unrendered, link_fixes, rendered};
use serde_json::{Value, json};

use super::{Answer, Failure, existing_store};
use crate::error::chain;
use crate::setup::{Setup, now_us};
use args::{Change, Erase, List, Protect, Rename, Revert, Said, Show, WikiCommand};

pub(crate) use import::run_folder;

/// Names and revisions that are looked up at once.
const ROWS: usize = 500;

/// How often a revert is tried while others edit the page.
const TRIES_MAX: usize = 5;

/// Runs one of the commands.
pub(crate) fn run(setup: &Setup, command: WikiCommand, is_json: bool) -> Result<Answer, Failure> {
    match command {
        WikiCommand::Import(import) => return import::run(setup, &import, is_json),
        WikiCommand::Export(export) => return export::run(setup, &export, is_json),
        _ => {}
    }
    let store = existing_store(setup)?;
    let answer = with_store(&store, &command)?;
    store.close()?;
    Ok(answer)
}

fn with_store(store: &Store, command: &WikiCommand) -> Result<Answer, Failure> {
    let wiki = store.wiki()?;
    match command {
        WikiCommand::List(command) => list(wiki, command),
        WikiCommand::Show(command) if command.history => history(wiki, command),
        WikiCommand::Show(command) => show(wiki, command),
        WikiCommand::Delete(command) => delete(wiki, command),
        WikiCommand::Undelete(command) => undelete(wiki, command),
        WikiCommand::Rename(command) => rename(wiki, command),
        WikiCommand::Protect(command) => protect(wiki, command),
        WikiCommand::Revert(command) => revert(wiki, command),
        WikiCommand::Erase(command) => erase(wiki, command),
        WikiCommand::Check => check(wiki),
        WikiCommand::Stats | WikiCommand::Import(_) | WikiCommand::Export(_) => stats(wiki),
    }
}

impl From<Unrendered> for Failure {
    fn from(error: Unrendered) -> Failure {
        match error {
            Unrendered::Store(error) => Failure::Store(*error),
            error => Failure::Refused(chain(&error)),
        }
    }
}

/// A page's name as it was typed.
pub(crate) fn name(text: &str) -> Result<PageName, Failure> {
    PageName::parse(text).map_err(|error| Failure::Usage(format!("{text:?} is no page name: {error}")))
}

fn by(said: &Said) -> By<'_> {
    let editor = Editor::Operator { name: said.author.as_deref() };
    By { editor, now_us: now_us(), summary: &said.summary, is_minor: false }
}

fn list(wiki: Wiki<'_>, command: &List) -> Result<Answer, Failure> {
    let (mut text, mut pages) = (String::new(), Vec::new());
    let mut after: Option<PageName> = None;
    loop {
        let heads = if command.all { wiki.every(after.as_ref(), ROWS)? } else { wiki.all(after.as_ref(), ROWS)? };
        let Some(last) = heads.last() else { break };
        after = Some(last.name.clone());
        for head in &heads {
            let state = state(head);
            text.push_str(&format!("{}\t{}\t{}\t{state}\n", head.name, head.rev, head.bytes));
            pages.push(json!({
                "page": head.name.as_str(), "rev": head.rev, "bytes": head.bytes, "changed": head.changed_us / 1_000_000,
                "deleted": head.is_deleted, "redirect": head.redirect.as_ref().map(PageName::as_str),
                "protection": head.protection.map(|who| who.as_str()),
            }));
        }
    }
    Ok(Answer::new(text, json!({ "pages": pages })))
}

fn state(head: &PageHead) -> String {
    match (head.is_deleted, &head.redirect, head.protection) {
        (true, ..) => "deleted".to_owned(),
        (_, Some(to), _) => format!("leads to {to}"),
        (_, _, Some(who)) => format!("only {}", who.as_str()),
        _ => String::new(),
    }
}

fn show(wiki: Wiki<'_>, command: &Show) -> Result<Answer, Failure> {
    let source = wiki.source(&name(&command.page)?, command.rev)?;
    let Some(mut text) = source.text else {
        return Err(Failure::Refused(format!("the text of revision {} was erased", source.change.rev)));
    };
    let json = json!({ "page": source.head.name.as_str(), "rev": source.change.rev, "text": text });
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(Answer::new(text, json))
}

fn history(wiki: Wiki<'_>, command: &Show) -> Result<Answer, Failure> {
    let page = name(&command.page)?;
    wiki.head(&page)?.ok_or(blerg_store::Error::NoSuchPage)?;
    let (mut text, mut revisions, mut before) = (String::new(), Vec::new(), None);
    loop {
        let changes = wiki.history(&page, before, ROWS)?;
        let Some(last) = changes.last() else { break };
        before = Some(last.rev);
        for change in &changes {
            let author = change.author.as_deref().unwrap_or("-");
            let (rev, at, kind) = (change.rev, change.at_us / 1_000_000, kind(change));
            text.push_str(&format!("{rev}\t{at}\t{author}\t{kind}\t{}\n", change.summary));
            revisions.push(json!({
                "rev": rev, "timestamp": at, "author": change.author, "kind": kind, "summary": change.summary,
                "bytes": change.bytes, "erased": change.is_erased,
            }));
        }
    }
    Ok(Answer::new(text, json!({ "page": page.as_str(), "revisions": revisions })))
}

fn kind(change: &PageChange) -> String {
    match &change.kind {
        ChangeKind::Edit => "edit".to_owned(),
        ChangeKind::Revert { rev } => format!("revert to {rev}"),
        ChangeKind::Rename { from, to } => format!("rename from {from} to {to}"),
        ChangeKind::Redirect { to } => format!("leads to {to}"),
        ChangeKind::Delete => "delete".to_owned(),
        ChangeKind::Undelete => "undelete".to_owned(),
        ChangeKind::Protect(who) => format!("protect: {}", who.map_or("rule", |who| who.as_str())),
        ChangeKind::Attach { file } => format!("attach {file}"),
        ChangeKind::Detach { file } => format!("delete file {file}"),
        ChangeKind::Reattach { file } => format!("undelete file {file}"),
        ChangeKind::Import => "import".to_owned(),
    }
}

/// The answer of a change that made a revision.
fn changed(page: &PageName, what: &str, rev: u64) -> Answer {
    Answer::new(format!("{page} {what}\n"), json!({ "page": page.as_str(), "rev": rev }))
}

fn delete(wiki: Wiki<'_>, command: &Change) -> Result<Answer, Failure> {
    let page = name(&command.page)?;
    let rev = wiki.delete_page(&page, &by(&command.said))?;
    Ok(changed(&page, "is deleted; its history stays", rev))
}

fn undelete(wiki: Wiki<'_>, command: &Change) -> Result<Answer, Failure> {
    let page = name(&command.page)?;
    let source = wiki.source(&page, None)?;
    let rendered = match source.head.redirect {
        Some(_) => Rendered::default(),
        None => rendered(wiki, &page, &source.text.unwrap_or_default())?,
    };
    let rev = wiki.undelete_page(&page, &rendered, &by(&command.said))?;
    Ok(changed(&page, "is there again", rev))
}

fn rename(wiki: Wiki<'_>, command: &Rename) -> Result<Answer, Failure> {
    let (from, to) = (name(&command.page)?, name(&command.to)?);
    let (fixes, left) = if command.keep_links { (Vec::new(), Vec::new()) } else { link_fixes(wiki, &from, &to)? };
    let leave = if command.no_redirect { Leave::Nothing } else { Leave::Redirect };
    match wiki.rename_page(&from, &to, leave, &fixes, &by(&command.said))? {
        Renamed::Done { rev, unfixed } => {
            let fixed = fixes.len() - unfixed.len();
            let mut text = format!("{from} is {to} now; links of {fixed} pages mended\n");
            for page in &unfixed {
                text.push_str(&format!("{page} was edited meanwhile: its links are not mended\n"));
            }
            for page in &left {
                text.push_str(&format!("{page} is too long: its links are not mended\n"));
            }
            let unfixed: Vec<&str> = unfixed.iter().chain(&left).map(PageName::as_str).collect();
            let json = json!({ "page": to.as_str(), "rev": rev, "fixed": fixed, "unfixed": unfixed });
            Ok(Answer::new(text, json))
        }
        Renamed::Taken { is_deleted: false } => Err(Failure::Refused(format!("there is a page {to} already"))),
        Renamed::Taken { .. } => {
            Err(Failure::Refused(format!("a deleted page is called {to}: undelete or erase it first")))
        }
    }
}

fn protect(wiki: Wiki<'_>, command: &Protect) -> Result<Answer, Failure> {
    let page = name(&command.page)?;
    let who = if command.who == "rule" { None } else { Some(command.who.parse()?) };
    let rev = wiki.protect_page(&page, who, &by(&command.said))?;
    let what = match who {
        Some(_) => format!("may be edited by {} only", command.who),
        None => "may be edited by whom the wiki's rule allows".to_owned(),
    };
    Ok(changed(&page, &what, rev))
}

fn revert(wiki: Wiki<'_>, command: &Revert) -> Result<Answer, Failure> {
    let (page, rev) = (name(&command.page)?, command.rev);
    let source = wiki.source(&page, Some(rev))?;
    let Some(text) = source.text else {
        return Err(Failure::Refused(format!("the text of revision {rev} was erased")));
    };
    let rendered = rendered(wiki, &page, &text)?;
    let mut base = source.head.rev;
    for _ in 0..TRIES_MAX {
        let kind = SaveKind::Revert { rev };
        let by = by(&command.said);
        let save = Save { name: &page, base: Base::Rev(base), text: &text, rendered: &rendered, kind, by };
        match wiki.save(&save)? {
            Saved::Done { rev: new } => {
                return Ok(changed(&page, &format!("has the text of revision {rev} again"), new));
            }
            Saved::Unchanged { rev: newest } => return Ok(changed(&page, "has this text already", newest)),
            Saved::Moved { rev: newest, .. } => base = newest,
            Saved::Renamed { to } => return Err(Failure::Refused(format!("{page} only leads to {to}"))),
            Saved::Gone => return Err(Failure::Refused(format!("{page} is deleted: undelete it first"))),
        }
    }
    Err(Failure::Store(blerg_store::Error::Busy { retry_after_secs: 1 }))
}

fn erase(wiki: Wiki<'_>, command: &Erase) -> Result<Answer, Failure> {
    let page = name(&command.page)?;
    if let Some(rev) = command.rev {
        wiki.erase_revision(&page, rev)?;
        let text = format!("the text of revision {rev} of {page} is erased\n");
        return Ok(Answer::new(text, json!({ "page": page.as_str(), "rev": rev })));
    }
    let revisions = wiki.erase_page(&page)?;
    let text = format!("{page} is erased, with {revisions} revisions and all files\n");
    Ok(Answer::new(text, json!({ "page": page.as_str(), "revisions": revisions })))
}

fn check(wiki: Wiki<'_>) -> Result<Answer, Failure> {
    let problems = wiki.check()?;
    let stats = wiki.stats()?;
    let mut text: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    let verdict = if problems.is_empty() { "sound" } else { "NOT SOUND" };
    text.push_str(&format!("{} pages, {} revisions, {} files: {verdict}\n", stats.pages, stats.revisions, stats.files));
    let json: Value =
        json!({ "problems": problems, "pages": stats.pages, "revisions": stats.revisions, "files": stats.files });
    Ok(Answer { is_wrong: !problems.is_empty(), ..Answer::new(text, json) })
}

fn stats(wiki: Wiki<'_>) -> Result<Answer, Failure> {
    let stats = wiki.stats()?;
    let rows = [
        ("pages", stats.pages),
        ("deleted pages", stats.deleted),
        ("revisions", stats.revisions),
        ("files, all versions", stats.files),
        ("bytes of files", stats.file_bytes),
    ];
    let text: String = rows.iter().map(|(what, count)| format!("{count:>14} {what}\n")).collect();
    let json = json!({
        "pages": stats.pages, "deleted": stats.deleted, "revisions": stats.revisions, "files": stats.files,
        "file_bytes": stats.file_bytes,
    });
    Ok(Answer::new(text, json))
}
