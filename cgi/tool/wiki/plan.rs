//! What is in a directory: its Markdown files with the names that their pages get, and all other files. Start at
//! [`Plan::read`]. Hidden files and what git ignores are not looked at; symbolic links are not followed, because they
//! could lead out of the directory or in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use blerg_store::{PAGE_BYTES_MAX, PageName};

use super::super::Failure;
use super::names::{Names, is_index, is_markdown, stem};

/// Most files: more are no documentation but a mistake in the directory's name.
const FILES_MAX: usize = 100_000;

/// Deepest directory that is entered.
const DEPTH_MAX: usize = 64;

/// What is not imported, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) path: String,
    pub(crate) reason: String,
}

/// A file that becomes a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageFile {
    pub(crate) path: String,
    pub(crate) name: PageName,
}

/// What a path of the directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'p> {
    Page(&'p PageFile),
    File(&'p str),
}

/// A directory as it is to be imported; paths are relative to it, with `/`, and in their order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) folder: PathBuf,
    pub(crate) pages: Vec<PageFile>,
    pub(crate) files: BTreeSet<String>,
    pub(crate) left_out: Vec<LeftOut>,
    /// Hidden and ignored files and directories.
    pub(crate) hidden: u64,
    pub(crate) names: Names,
    by_path: BTreeMap<String, usize>,
    /// The page of each directory that has one.
    indexes: BTreeMap<String, usize>,
    /// Directories with a Markdown file somewhere in them.
    folders: BTreeSet<String>,
}

impl Plan {
    /// Looks through a directory; `ignored` are paths in it.
    ///
    /// # Errors
    /// It cannot be read, or there is too much in it.
    pub(crate) fn read(folder: &Path, under: Option<&str>, ignored: &BTreeSet<String>) -> Result<Plan, Failure> {
        let mut plan = Plan { folder: folder.to_owned(), names: Names::under(under), ..Plan::default() };
        let mut markdown = BTreeSet::new();
        let mut ahead = vec![String::new()];
        while let Some(inside) = ahead.pop() {
            plan.look(&inside, ignored, &mut ahead, &mut markdown)?;
            if markdown.len() + plan.files.len() > FILES_MAX {
                return Err(Failure::Refused(format!("{} holds over {FILES_MAX} files", folder.display())));
            }
        }
        markdown.into_iter().for_each(|path| plan.add_page(path));
        plan.left_out.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(plan)
    }

    /// Looks into one directory; what is in it goes where it belongs.
    fn look(
        &mut self,
        inside: &str,
        ignored: &BTreeSet<String>,
        ahead: &mut Vec<String>,
        markdown: &mut BTreeSet<String>,
    ) -> Result<(), Failure> {
        let place = self.folder.join(inside);
        let failed = |error| Failure::File(format!("read {}", place.display()), error);
        for entry in fs::read_dir(&place).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.leave_out(&join(inside, &name.to_string_lossy()), "its name is not UTF-8");
                continue;
            };
            let path = join(inside, name);
            if name.starts_with('.') || ignored.contains(&path) {
                self.hidden += 1;
                continue;
            }
            let meta = entry.metadata().map_err(failed)?;
            if meta.is_dir() && path.matches('/').count() >= DEPTH_MAX {
                self.leave_out(&path, "it lies too deep");
            } else if meta.is_dir() {
                ahead.push(path);
            } else if !meta.is_file() {
                self.leave_out(&path, "it is a symbolic link, or no file");
            } else if !is_markdown(&path) {
                self.files.insert(path);
            } else if meta.len() > u64::try_from(PAGE_BYTES_MAX).unwrap_or(u64::MAX) {
                self.leave_out(&path, &format!("it has {} bytes, a page at most {PAGE_BYTES_MAX}", meta.len()));
            } else {
                markdown.insert(path);
            }
        }
        Ok(())
    }

    /// A Markdown file becomes a page; the next in order.
    pub(super) fn add_page(&mut self, path: String) {
        match self.names.give(&path) {
            Ok(name) => {
                let at = self.pages.len();
                if is_index(&path) {
                    self.indexes.entry(parent(&path).to_owned()).or_insert(at);
                }
                for folder in ancestors(&path) {
                    self.folders.insert(folder.to_owned());
                }
                self.by_path.insert(path.clone(), at);
                self.pages.push(PageFile { path, name });
            }
            Err(error) => self.leave_out(&path, &format!("it makes no page name: {error}")),
        }
    }

    fn leave_out(&mut self, path: &str, reason: &str) {
        self.left_out.push(LeftOut { path: path.to_owned(), reason: reason.to_owned() });
    }

    /// What is at a path, also where a link leaves out `.md` or means a directory's page.
    pub(crate) fn find(&self, path: &str) -> Option<Found<'_>> {
        if let Some(file) = self.files.get(path) {
            return Some(Found::File(file));
        }
        let page = self.by_path.get(path).or_else(|| self.indexes.get(path));
        let page = page.or_else(|| self.by_path.get(&format!("{path}.md")));
        page.and_then(|at| self.pages.get(*at)).map(Found::Page)
    }

    /// The page of the nearest directory around a path that has one.
    pub(crate) fn page_around(&self, path: &str) -> Option<&PageFile> {
        let found = ancestors(path).find_map(|folder| self.indexes.get(folder));
        found.and_then(|at| self.pages.get(*at))
    }

    /// The files that belong to a page because they lie in a directory of its name in which there are no pages: so an
    /// export writes them.
    pub(crate) fn own_files<'p>(&'p self, page: &PageFile) -> impl Iterator<Item = &'p str> + use<'p> {
        let folder = stem(&page.path).to_owned();
        let is_own = !self.folders.contains(&folder);
        let start = format!("{folder}/");
        let inside = self.files.range(start.clone()..).take_while(move |path| path.starts_with(&start));
        inside.filter(move |path| is_own && parent(path) == folder).map(String::as_str)
    }
}

/// The directory of a path; empty for the top.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// All directories around a path, the nearest first, the top (empty) last.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(parent(path)), |folder| (!folder.is_empty()).then(|| parent(folder)))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
