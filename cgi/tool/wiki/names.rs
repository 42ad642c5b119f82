//! From a file's path to a page's name. Start at [`Names::give`]. `docs/guide.md` becomes `docs - guide`, a directory's
//! README or index the page of the directory, that of the top `Home`. A name depends on its own path alone, unless two
//! paths come to the same one: then the later in the order of paths has to be called something else.

use std::collections::BTreeSet;

use blerg_store::{PageName, PageNameError};

/// Endings of Markdown files, in any case.
const ENDINGS: [&str; 4] = [".md", ".markdown", ".mdown", ".mkd"];

/// What the page of a directory is called in it, in any case.
const INDEXES: [&str; 2] = ["readme", "index"];

/// Between the parts of a path.
const HYPHEN: &str = " - ";

/// Gives out names, each once.
#[derive(Debug, Default)]
pub(crate) struct Names {
    under: Option<String>,
    taken: BTreeSet<PageName>,
}

impl Names {
    /// With something before every name.
    pub(crate) fn under(under: Option<&str>) -> Names {
        Names { under: under.map(str::to_owned), taken: BTreeSet::new() }
    }

    /// The name for the page of a path.
    ///
    /// # Errors
    /// The path makes no page name.
    pub(crate) fn give(&mut self, path: &str) -> Result<PageName, PageNameError> {
        let plain = self.joined(path, false);
        let first = if is_index(path) { self.joined(path, true) } else { plain.clone() };
        let numbered = (2_u32..).map(|n| format!("{plain} ({n})"));
        for wanted in [first, plain.clone()].into_iter().chain(numbered) {
            let name = PageName::parse(&wanted)?;
            if self.taken.insert(name.clone()) {
                return Ok(name);
            }
        }
        Err(PageNameError::Length { bytes: 0 })
    }

    /// Whether a page is called so.
    pub(crate) fn has(&self, name: &str) -> bool {
        PageName::parse(name).is_ok_and(|name| self.taken.contains(&name))
    }

    /// The parts of a path; without the last one where that stands for its directory.
    fn joined(&self, path: &str, is_index: bool) -> String {
        let mut parts: Vec<&str> = self.under.as_deref().into_iter().chain(stem(path).split('/')).collect();
        if is_index {
            parts.pop();
        }
        if parts.is_empty() { "Home".to_owned() } else { parts.join(HYPHEN) }
    }
}

/// Whether a file holds Markdown, by its name.
pub(crate) fn is_markdown(path: &str) -> bool {
    stem(path).len() < path.len()
}

/// Whether a file is the page of its directory.
pub(crate) fn is_index(path: &str) -> bool {
    let last = stem(path).rsplit('/').next().unwrap_or_default();
    is_markdown(path) && INDEXES.iter().any(|index| last.eq_ignore_ascii_case(index))
}

/// A path without the ending of Markdown files.
pub(crate) fn stem(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or_default();
    let bare = |ending: &&str| {
        let at = last.len().checked_sub(ending.len()).filter(|at| *at > 0)?;
        last.get(at..)?.eq_ignore_ascii_case(ending).then(|| path.len() - ending.len())
    };
    ENDINGS.iter().find_map(bare).and_then(|end| path.get(..end)).unwrap_or(path)
}

#[cfg(test)]
mod tests;
