//! `blergtool wiki import`: a directory of Markdown files becomes pages. Start at [`run`]. Pages that are there already
//! are left alone, so the same directory can come in twice, and an import that was cut off is finished by the next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::Receiver;

use blerg_store::{By, Editor, NewFile, PageName, Progress, Store, View, Wiki};
use blerg_wiki::{Unrendered, media_type, rendered};
use serde_json::{Value, json};

use super::super::meter::Meter;
use super::super::{Answer, Failure, store};
use super::args::Import;
use super::git;
use super::plan::{LeftOut, Plan};
use super::read::{self, FileItem, Item, PageItem, Source};
use crate::setup::{Setup, now_us};

/// Lines of one kind that are shown to people; programs get them all.
const LINES_MAX: usize = 20;

/// Links to nothing that are listed.
const DEAD_MAX: usize = 1_000;

/// Runs the command.
pub(crate) fn run(setup: &Setup, import: &Import, is_json: bool) -> Result<Answer, Failure> {
    let source = source(setup, import)?;
    let mut meter = Meter::new(is_json, u64::try_from(source.plan.pages.len()).ok());
    let mut done = Done { left_out: source.plan.left_out.clone(), hidden: source.plan.hidden, ..Done::default() };
    done.is_cut = source.history.as_ref().is_some_and(|(_, log)| log.is_cut);
    let author = source.author.clone();
    // Before this thread becomes somebody else.
    let items = read::start(source)?;
    if import.dry_run {
        let result = done.take(None, &items, author.as_deref(), &mut meter);
        drop(meter);
        return result.map(|()| done.answer(true));
    }
    let store = store(setup)?;
    let result = into_store(&store, &mut done, &items, author.as_deref(), &mut meter);
    drop(meter);
    match result.and(store.close().map_err(Failure::Store)) {
        Ok(()) => Ok(done.answer(false)),
        Err(Failure::Store(error)) => Err(Failure::Partly(Box::new(done.answer(false)), error)),
        Err(failure) => Err(failure),
    }
}

/// A directory that `blergtool import` was given.
pub(crate) fn run_folder(setup: &Setup, folder: &Path, author: Option<&str>, is_json: bool) -> Result<Answer, Failure> {
    let import = Import {
        folder: folder.to_owned(),
        dry_run: false,
        under: None,
        author: author.map(str::to_owned),
        all_files: false,
        no_history: false,
    };
    run(setup, &import, is_json)
}

fn source(setup: &Setup, import: &Import) -> Result<Source, Failure> {
    let folder = &import.folder;
    if !folder.is_dir() {
        return Err(Failure::Usage(format!("{} is no directory", folder.display())));
    }
    if let Some(under) = &import.under {
        super::name(under)?;
    }
    let now_us = now_us();
    let repo = if import.no_history { None } else { git::find(folder)? };
    let ignored = repo.as_ref().map_or_else(|| Ok(BTreeSet::new()), git::Repo::ignored)?;
    let plan = Plan::read(folder, import.under.as_deref(), &ignored)?;
    let log = repo.as_ref().map(|repo| repo.log(&plan, now_us)).transpose()?;
    Ok(Source {
        plan,
        history: repo.zip(log),
        author: import.author.clone(),
        all_files: import.all_files,
        file_bytes_max: setup.settings.wiki.file_bytes_max,
        now_us,
    })
}

fn into_store(
    store: &Store,
    done: &mut Done,
    items: &Receiver<Item>,
    author: Option<&str>,
    meter: &mut Meter,
) -> Result<(), Failure> {
    let wiki = store.wiki()?;
    done.take(Some(wiki), items, author, meter)?;
    done.render(wiki, meter)
}

/// What was done.
#[derive(Debug, Default)]
struct Done {
    /// Path, page and revisions of what is new.
    pages: Vec<(String, PageName, u64)>,
    /// Pages that were there with the same text.
    known: u64,
    files: u64,
    left_out: Vec<LeftOut>,
    unlinked: Vec<String>,
    hidden: u64,
    lost: u64,
    /// Where a link to nothing stands, and its target.
    dead: Vec<(String, String)>,
    dead_len: usize,
    is_cut: bool,
    /// Pages whose html is to be made, with the path that they came from.
    unshown: BTreeMap<PageName, String>,
}

impl Done {
    /// Takes what is read, into the wiki if there is one.
    fn take(
        &mut self,
        wiki: Option<Wiki<'_>>,
        items: &Receiver<Item>,
        author: Option<&str>,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        for item in items {
            match item {
                Item::Page(page) => self.take_page(wiki, *page)?,
                Item::File(file) => self.take_file(wiki, &file, author)?,
                Item::LeftOut(left_out) => self.left_out.push(left_out),
                Item::Unlinked(paths) => self.unlinked = paths,
                Item::Failed(failure) => return Err(failure),
            }
            let so_far = u64::try_from(self.pages.len()).unwrap_or(u64::MAX).saturating_add(self.known);
            meter.show(Progress { doing: "pages imported", done: so_far, total: None });
        }
        Ok(())
    }

    fn take_page(&mut self, wiki: Option<Wiki<'_>>, page: PageItem) -> Result<(), Failure> {
        self.lost += page.lost;
        self.dead_len += page.dead.len();
        let room = DEAD_MAX.saturating_sub(self.dead.len());
        self.dead.extend(page.dead.into_iter().take(room).map(|target| (page.path.clone(), target)));
        let made = match wiki {
            None => u64::try_from(page.revisions.len()).ok(),
            Some(wiki) => wiki.import_page(&page.name, &page.revisions)?,
        };
        if let Some(revisions) = made {
            self.unshown.insert(page.name.clone(), page.path.clone());
            self.pages.push((page.path, page.name, revisions));
            return Ok(());
        }
        let Some(wiki) = wiki else { return Ok(()) };
        let there = wiki.source(&page.name, None)?;
        let reason = match (&there.head.redirect, there.text) {
            _ if there.head.is_deleted => format!("the page {} was deleted", page.name),
            (Some(to), _) => format!("{} leads to the page {to} by now", page.name),
            (None, text) if text.as_ref() == page.revisions.last().map(|last| &last.text) => {
                self.known += 1;
                return Ok(());
            }
            _ => format!("there is a page {} already, with another text", page.name),
        };
        self.left_out.push(LeftOut { path: page.path, reason });
        Ok(())
    }

    /// A file that the page ever had is left alone: it may have been deleted on purpose.
    fn take_file(&mut self, wiki: Option<Wiki<'_>>, file: &FileItem, author: Option<&str>) -> Result<(), Failure> {
        let Some(wiki) = wiki else {
            self.files += 1;
            return Ok(());
        };
        if wiki.files(&file.page)?.iter().any(|there| there.name == file.name) {
            return Ok(());
        }
        let new = NewFile { name: &file.name, media_type: media_type(&file.bytes), bytes: &file.bytes };
        let editor = Editor::Operator { name: author };
        let by = By { editor, now_us: now_us(), summary: "imported", is_minor: false };
        match wiki.attach(&file.page, &new, &by) {
            Ok(_) => {
                self.files += 1;
                self.unshown.entry(file.page.clone()).or_insert_with(|| file.path.clone());
            }
            Err(error @ blerg_store::Error::FilesFull { .. }) => {
                self.left_out.push(LeftOut { path: file.path.clone(), reason: error.to_string() });
            }
            // The page itself was left out, and that is told.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Makes the html of what is new, now that all is there that links lead to.
    fn render(&mut self, wiki: Wiki<'_>, meter: &mut Meter) -> Result<(), Failure> {
        let total = u64::try_from(self.unshown.len()).ok();
        for (shown, (name, path)) in (1..).zip(std::mem::take(&mut self.unshown)) {
            meter.show(Progress { doing: "pages rendered", done: shown, total });
            let View::Page(view) = wiki.view(&name)? else { continue };
            let text = wiki.source(&name, None)?.text.unwrap_or_default();
            match rendered(wiki, &name, &text) {
                // Somebody else may have been quicker.
                Ok(rendered) => drop(wiki.store_rendered(&view.seen, &rendered)?),
                Err(Unrendered::Store(error)) => return Err(Failure::Store(*error)),
                Err(error) => {
                    let reason = format!("it is the page {name}, which cannot be shown: {error}");
                    self.left_out.push(LeftOut { path, reason });
                }
            }
        }
        Ok(())
    }

    fn answer(&self, is_dry: bool) -> Answer {
        let revisions: u64 = self.pages.iter().map(|(_, _, revisions)| revisions).sum();
        let verb = if is_dry { "would be imported" } else { "imported" };
        let mut text = format!("{} pages with {revisions} revisions and {} files {verb}", self.pages.len(), self.files);
        for (count, what) in [
            (self.known, "were there already"),
            (self.lost, "revisions left out: too long, too many, or not UTF-8"),
            (self.hidden, "hidden or ignored names left out"),
            (u64::try_from(self.dead_len).unwrap_or(u64::MAX), "links lead to nothing in the directory"),
            (
                u64::try_from(self.unlinked.len()).unwrap_or(u64::MAX),
                "files left out that no page links to (--all-files)",
            ),
        ] {
            if count > 0 {
                text.push_str(&format!("; {count} {what}"));
            }
        }
        if self.is_cut {
            text.push_str("; the history is longer than can be read, its beginning is left out");
        }
        text.push('\n');
        if is_dry {
            self.pages
                .iter()
                .for_each(|(path, name, revisions)| text.push_str(&format!("{path}\t{name}\t{revisions}\n")));
        }
        for (path, target) in self.dead.iter().take(LINES_MAX) {
            text.push_str(&format!("{path}: nothing at {target}\n"));
        }
        for LeftOut { path, reason } in &self.left_out {
            text.push_str(&format!("{path}: left out: {reason}\n"));
        }
        Answer { is_wrong: !self.left_out.is_empty(), ..Answer::new(text, self.json(revisions, is_dry)) }
    }

    fn json(&self, revisions: u64, is_dry: bool) -> Value {
        let page = |(path, name, revisions): &(String, PageName, u64)| json!({ "path": path, "page": name.as_str(), "revisions": revisions });
        let left_out = |left_out: &LeftOut| json!({ "path": left_out.path, "reason": left_out.reason });
        let dead = |(path, target): &(String, String)| json!({ "path": path, "target": target });
        json!({
            "dry_run": is_dry,
            "pages": self.pages.iter().map(page).collect::<Vec<Value>>(),
            "revisions": revisions,
            "known": self.known,
            "files": self.files,
            "left_out": self.left_out.iter().map(left_out).collect::<Vec<Value>>(),
            "unlinked": self.unlinked,
            "hidden": self.hidden,
            "lost_revisions": self.lost,
            "dead_links": self.dead.iter().map(dead).collect::<Vec<Value>>(),
            "history_cut": self.is_cut,
        })
    }
}
