//! Reads the files of a plan, one page after the other with its history and files. Start at [`start`]. It runs in a thread
//! of its own that keeps the rights of whoever called the tool, while the thread that writes becomes the data
//! directory's owner (user ids belong to threads); so root's own files can be imported.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::UNIX_EPOCH;

use blerg_store::{FileName, PAGE_BYTES_MAX, PageName, PastRevision};

use super::super::Failure;
use super::git::{Blobs, Commit, Log, Past, Repo};
use super::links::{Files, Links};
use super::plan::{LeftOut, PageFile, Plan};

/// Pages and files that wait to be written.
const AHEAD: usize = 2;

/// Most bytes of all texts of one page's history, since it is written at once; older revisions are left out.
const HISTORY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest name of an author that is kept.
const AUTHOR_CHARS_MAX: usize = 100;

/// Most bytes of a page's file, as a number of the file system.
const PAGE_MAX: u64 = PAGE_BYTES_MAX as u64;

/// All that is to be read.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) plan: Plan,
    pub(crate) history: Option<(Repo, Log)>,
    /// Who wrote what has no author.
    pub(crate) author: Option<String>,
    pub(crate) all_files: bool,
    pub(crate) file_bytes_max: u64,
    pub(crate) now_us: u64,
}

/// What was read.
#[derive(Debug)]
pub(crate) enum Item {
    Page(Box<PageItem>),
    /// A file of a page that came before.
    File(FileItem),
    LeftOut(LeftOut),
    /// Files that no page links to.
    Unlinked(Vec<String>),
    /// Nothing more comes.
    Failed(Failure),
}

#[derive(Debug)]
pub(crate) struct PageItem {
    pub(crate) path: String,
    pub(crate) name: PageName,
    /// The oldest first; at least one.
    pub(crate) revisions: Vec<PastRevision>,
    /// Revisions whose text could not be read.
    pub(crate) lost: u64,
    /// Targets of links to files that are not there.
    pub(crate) dead: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct FileItem {
    pub(crate) page: PageName,
    pub(crate) path: String,
    pub(crate) name: FileName,
    pub(crate) bytes: Vec<u8>,
}

/// Begins to read.
///
/// # Errors
/// There can be no further thread.
pub(crate) fn start(source: Source) -> Result<Receiver<Item>, Failure> {
    let (send, items) = sync_channel(AHEAD);
    let reader = thread::Builder::new().name("reader".to_owned());
    let run = move || {
        if let Err(Stop::Failed(failure)) = read(&source, &send) {
            // Where nobody listens any more nobody wants to know.
            let _ = send.send(Item::Failed(failure));
        }
    };
    reader.spawn(run).map_err(|error| Failure::File("start a thread".to_owned(), error))?;
    Ok(items)
}

enum Stop {
    /// Who wanted the items has gone.
    Unwanted,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

fn send(to: &SyncSender<Item>, item: Item) -> Result<(), Stop> {
    to.send(item).map_err(|_| Stop::Unwanted)
}

fn leave_out(to: &SyncSender<Item>, path: &str, reason: impl Into<String>) -> Result<(), Stop> {
    send(to, Item::LeftOut(LeftOut { path: path.to_owned(), reason: reason.into() }))
}

fn read(source: &Source, to: &SyncSender<Item>) -> Result<(), Stop> {
    let mut blobs = source.history.as_ref().map(|(repo, _)| repo.blobs()).transpose()?;
    let none = Log::default();
    let log = source.history.as_ref().map_or(&none, |(_, log)| log);
    let links = Links { plan: &source.plan, renames: &log.renames };
    let mut linked = BTreeSet::new();
    for (at, page) in source.plan.pages.iter().enumerate() {
        let text = match read_page(source, page) {
            Ok(text) => text,
            Err(reason) => {
                leave_out(to, &page.path, reason)?;
                continue;
            }
        };
        let newest = links.rewrite(page, &text);
        if newest.text.len() > PAGE_BYTES_MAX {
            leave_out(to, &page.path, "its text is too long for a page")?;
            continue;
        }
        for path in &newest.unfit {
            leave_out(to, path, "its name cannot be an attachment's")?;
            linked.insert(path.clone());
        }
        let pasts = log.pasts.get(&at).map(Vec::as_slice).unwrap_or_default();
        let mut history = History { links, files: &newest.files, revisions: Vec::new(), lost: 0, bytes: 0 };
        history.read(source, log, pasts, blobs.as_mut(), Newest { page, text: &text, rewritten: &newest.text })?;
        let item = PageItem {
            path: page.path.clone(),
            name: page.name.clone(),
            revisions: history.revisions,
            lost: history.lost,
            dead: newest.dead,
        };
        send(to, Item::Page(Box::new(item)))?;
        for (path, name) in newest.files {
            read_file(source, to, &page.name, &path, name)?;
            linked.insert(path);
        }
    }
    let unlinked = source.plan.files.iter().filter(|path| !linked.contains(*path));
    read_unlinked(source, to, unlinked.cloned().collect())
}

/// Files that no page links to: those of a directory go to its page, if they are wanted.
fn read_unlinked(source: &Source, to: &SyncSender<Item>, paths: Vec<String>) -> Result<(), Stop> {
    if !source.all_files {
        return send(to, Item::Unlinked(paths));
    }
    for path in paths {
        let last = path.rsplit('/').next().unwrap_or_default();
        match (source.plan.page_around(&path), FileName::parse(last)) {
            (Some(page), Ok(name)) => read_file(source, to, &page.name, &path, name)?,
            (None, _) => leave_out(to, &path, "no directory around it has a README or index to attach it to")?,
            (_, Err(error)) => leave_out(to, &path, format!("it makes no attachment: {error}"))?,
        }
    }
    Ok(())
}

/// The newest text of a page, as it is on the disk.
fn read_page(source: &Source, page: &PageFile) -> Result<String, String> {
    let file = File::open(source.plan.folder.join(&page.path)).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(PAGE_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > PAGE_BYTES_MAX {
        return Err("it has grown too long for a page".to_owned());
    }
    text(bytes).ok_or_else(|| "it is not UTF-8".to_owned())
}

/// A text with LF line ends and without the mark that some editors put first; what is said about it before it begins
/// stands in a code block.
fn text(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let text = if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() };
    Some(match front_matter(&text) {
        Some((said, rest)) => format!("~~~yaml\n{said}~~~\n{rest}"),
        None => text,
    })
}

/// The lines between two `---` at a text's beginning, if they look like the YAML that site generators read there; in
/// Markdown they would be a rule and a heading.
fn front_matter(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("---\n")?;
    let (said, rest) = inside.split_once("\n---\n").or_else(|| Some((inside.strip_suffix("\n---")?, "")))?;
    let said = inside.get(..said.len() + 1)?;
    let key = said.split(':').next().unwrap_or_default();
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let is_yaml = is_key && key.len() < said.trim_end().len() && !said.contains("~~~") && !said.contains("\n\n");
    is_yaml.then_some((said, rest))
}

fn read_file(source: &Source, to: &SyncSender<Item>, page: &PageName, path: &str, name: FileName) -> Result<(), Stop> {
    let read = |path: &str| -> Result<Vec<u8>, io::Error> {
        let mut bytes = Vec::new();
        let file = File::open(source.plan.folder.join(path))?;
        file.take(source.file_bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read(path) {
        Err(error) => leave_out(to, path, error.to_string()),
        Ok(bytes) if bytes.is_empty() => leave_out(to, path, "it is empty"),
        Ok(bytes) if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > source.file_bytes_max => {
            let max = source.file_bytes_max;
            leave_out(to, path, format!("it has more than {max} bytes, the most for an attachment"))
        }
        Ok(bytes) => send(to, Item::File(FileItem { page: page.clone(), path: path.to_owned(), name, bytes })),
    }
}

/// A page's text before and after its links were rewritten.
struct Newest<'n> {
    page: &'n PageFile,
    text: &'n str,
    rewritten: &'n str,
}

/// The revisions of one page while they are collected.
struct History<'h> {
    links: Links<'h>,
    files: &'h Files,
    revisions: Vec<PastRevision>,
    lost: u64,
    bytes: usize,
}

impl History<'_> {
    /// From the newest back to the oldest, so that the oldest are left out where there are too many; then turned round.
    fn read(
        &mut self,
        source: &Source,
        log: &Log,
        pasts: &[Past],
        mut blobs: Option<&mut Blobs>,
        newest: Newest<'_>,
    ) -> Result<(), Stop> {
        for past in pasts {
            let (Some(blobs), Some(commit)) = (blobs.as_deref_mut(), log.commits.get(past.commit)) else { break };
            let was = blobs.read(&past.blob, PAGE_MAX)?.and_then(text);
            if self.revisions.is_empty() && was.as_deref() != Some(newest.text) {
                self.revisions.push(uncommitted(source, &newest, commit.at_us));
            }
            let rewritten = match (was, self.revisions.is_empty()) {
                (Some(_), true) => Some(newest.rewritten.to_owned()),
                (Some(was), false) => Some(self.links.rewrite_earlier(&past.path, &was, self.files)),
                (None, _) => None,
            };
            let fits = |text: &String| text.len() <= PAGE_BYTES_MAX && self.bytes + text.len() <= HISTORY_BYTES_MAX;
            match rewritten.filter(fits) {
                Some(text) => {
                    self.bytes += text.len();
                    self.revisions.push(revision(commit, text));
                }
                None => self.lost += 1,
            }
        }
        if self.revisions.is_empty() {
            self.revisions.push(uncommitted(source, &newest, 0));
        }
        self.revisions.reverse();
        Ok(())
    }
}

fn revision(commit: &Commit, text: String) -> PastRevision {
    let author: String = commit.author.chars().filter(|c| !c.is_control()).take(AUTHOR_CHARS_MAX).collect();
    let author = Some(author.trim().to_owned()).filter(|author| !author.is_empty());
    let summary = commit.summary.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    PastRevision { at_us: commit.at_us, author, summary, text }
}

/// The text on the disk, where no commit has it.
fn uncommitted(source: &Source, newest: &Newest<'_>, after_us: u64) -> PastRevision {
    let changed = fs::metadata(source.plan.folder.join(&newest.page.path)).and_then(|meta| meta.modified());
    let since = changed.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let at_us = since.map_or(source.now_us, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX));
    PastRevision {
        at_us: at_us.clamp(after_us.min(source.now_us), source.now_us),
        author: source.author.clone(),
        summary: "imported".to_owned(),
        text: newest.rewritten.to_owned(),
    }
}

#[cfg(test)]
mod tests;
