//! The links between files of a directory, rewritten to links between pages. Start at [`Links::rewrite`]. A link to a file
//! that is no page becomes one to an attachment of the page it stands on; what leads to nothing in the directory stays
//! as it is, and is counted.

use std::collections::BTreeMap;

use blerg_markup::wiki::rewrite_targets;
use blerg_store::FileName;

use super::plan::{Found, PageFile, Plan, parent};

/// How often a file may have been renamed in its history.
const RENAMES_MAX: usize = 64;

/// The files of one page: the path of each, and what it is called as an attachment.
pub(crate) type Files = BTreeMap<String, FileName>;

/// Rewrites the links of texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links<'p> {
    pub(crate) plan: &'p Plan,
    /// What files were called later on.
    pub(crate) renames: &'p BTreeMap<String, String>,
}

/// A page's newest text with what its links lead to.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) text: String,
    pub(crate) files: Files,
    /// Targets that look like files of the directory and are none.
    pub(crate) dead: Vec<String>,
    /// Linked files that cannot be attached.
    pub(crate) unfit: Vec<String>,
}

impl Links<'_> {
    /// The newest text of a page; finds out which files are to be attached to it.
    pub(crate) fn rewrite(&self, page: &PageFile, text: &str) -> Rewritten {
        let mut done = Rewritten { text: String::new(), files: Files::new(), dead: Vec::new(), unfit: Vec::new() };
        for path in self.plan.own_files(page) {
            self.attach(path, &mut done);
        }
        done.text = rewrite_targets(text, &mut |target| {
            let link = Link::of(target, &page.path)?;
            match self.find(&link.path) {
                Some(Found::Page(to)) => return Some(to_page(to, link.part)),
                Some(Found::File(path)) => self.attach(path, &mut done),
                None if self.is_own(target, &done.files) => {}
                None => done.dead.push(target.to_owned()),
            }
            to_file(done.files.get(&link.path)?, target)
        });
        done
    }

    /// An earlier text of a page, which then was at `path`, with links to what there is now.
    pub(crate) fn rewrite_earlier(&self, path: &str, text: &str, files: &Files) -> String {
        rewrite_targets(text, &mut |target| {
            let link = Link::of(target, path)?;
            match self.find(&link.path)? {
                Found::Page(to) => Some(to_page(to, link.part)),
                Found::File(path) => to_file(files.get(path)?, target),
            }
        })
    }

    /// What is at a path, or at what it was called later on.
    fn find(&self, path: &str) -> Option<Found<'_>> {
        let later = std::iter::successors(Some(path), |path| self.renames.get(*path).map(String::as_str));
        later.take(RENAMES_MAX).find_map(|path| self.plan.find(path))
    }

    /// Whether a target is the name of a file that the page has anyway.
    fn is_own(&self, target: &str, files: &Files) -> bool {
        let name = decoded(target);
        files.values().any(|file| file.as_str() == name) || self.plan.names.has(&name)
    }

    fn attach(&self, path: &str, done: &mut Rewritten) {
        if done.files.contains_key(path) || done.unfit.iter().any(|unfit| unfit == path) {
            return;
        }
        match self.file_name(path, &done.files) {
            Some(name) => drop(done.files.insert(path.to_owned(), name)),
            None => done.unfit.push(path.to_owned()),
        }
    }

    /// What a file is called on its page: as on the disk, unless there is such a file already, or a page that its links
    /// would then no longer lead to.
    fn file_name(&self, path: &str, files: &Files) -> Option<FileName> {
        let last = path.rsplit('/').next().unwrap_or_default();
        let (start, ending) = match last.rfind('.').filter(|at| *at > 0).and_then(|at| last.split_at_checked(at)) {
            Some(parts) => parts,
            None => (last, ""),
        };
        let numbered = (2..=files.len() + 3).map(|n| format!("{start} ({n}){ending}"));
        for name in std::iter::once(last.to_owned()).chain(numbered) {
            let name = FileName::parse(&name).ok()?;
            if !files.values().any(|taken| *taken == name) && !self.plan.names.has(name.as_str()) {
                return Some(name);
            }
        }
        None
    }
}

/// A relative target, as a path of the directory.
struct Link<'t> {
    path: String,
    /// The part behind `#`, with it.
    part: &'t str,
}

impl<'t> Link<'t> {
    fn of(target: &'t str, from: &str) -> Option<Link<'t>> {
        let bare = target.split(['?', '#']).next().unwrap_or_default();
        let has_scheme = bare.split('/').next().is_some_and(|first| first.contains(':'));
        if bare.is_empty() || has_scheme || bare.starts_with("//") {
            return None;
        }
        let part = target.find('#').and_then(|at| target.get(at..)).unwrap_or_default();
        let mut parts: Vec<String> = match bare.starts_with('/') {
            true => Vec::new(),
            false => parent(from).split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        };
        for step in decoded(bare).split('/') {
            match step {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                step => parts.push(step.to_owned()),
            }
        }
        Some(Link { path: parts.join("/"), part })
    }
}

/// A colon would make a scheme of the name.
fn to_page(page: &PageFile, part: &str) -> String {
    let name = page.name.underscored();
    let here = if name.contains(':') { "./" } else { "" };
    format!("{here}{name}{part}")
}

/// The name of an attachment, unless the target is that already.
fn to_file(name: &FileName, target: &str) -> Option<String> {
    let here = if name.as_str().contains(':') { "./" } else { "" };
    (decoded(target) != name.as_str()).then(|| format!("{here}{name}"))
}

/// With every `%41` decoded; as it is where that gives no UTF-8.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|hex| first == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests;
