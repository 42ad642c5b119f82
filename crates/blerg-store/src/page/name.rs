//! Names of pages and of files attached to them: which texts are names, and when two are the same. Start at [`PageName`].
//!
//! `_` and space are the same in a page's name; letter case counts. Names are compared byte by byte: no Unicode
//! normalisation, because a text that a program writes as it found it must find its page again. What differs only in
//! case or accents is offered where a page is missing ([`crate::Wiki::similar`]).

use std::error;
use std::fmt;

/// Longest name of a page or a file: the contract's limit.
pub const PAGE_NAME_BYTES_MAX: usize = 200;

/// Begins the addresses that are no pages, in any case.
const RESERVED: &str = "special:";

/// A well-formed page name, with spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageName(String);

/// A well-formed name of an attached file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

/// Why a text is no name of a page or file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageNameError {
    /// Empty, or longer than [`PAGE_NAME_BYTES_MAX`].
    Length {
        /// Its bytes.
        bytes: usize,
    },
    /// A character that cannot stand in an address, or that nobody can see.
    Character {
        /// The first such character.
        found: char,
    },
    /// A space first or last.
    Spaces,
    /// `.` or `..`, which a path swallows; or a file's name that begins with a dot.
    Dots,
    /// It begins with `Special:`.
    Reserved,
}

impl PageName {
    /// Reads a page name, written with spaces or with `_`.
    ///
    /// # Errors
    /// If `text` breaks a rule for names.
    pub fn parse(text: &str) -> Result<PageName, PageNameError> {
        let name = text.replace('_', " ");
        check(&name)?;
        if name == "." || name == ".." {
            return Err(PageNameError::Dots);
        }
        if name.get(..RESERVED.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED)) {
            return Err(PageNameError::Reserved);
        }
        Ok(PageName(name))
    }

    /// A name that is known to be good: it comes from the database.
    pub(crate) fn stored(name: String) -> PageName {
        PageName(name)
    }

    /// The name as it is shown, with spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as links write it, with `_`; not percent-encoded.
    #[must_use]
    pub fn underscored(&self) -> String {
        self.0.replace(' ', "_")
    }
}

impl FileName {
    /// Reads a file name.
    ///
    /// # Errors
    /// If `text` breaks a rule for names: those of pages, no backslash, and no dot first.
    pub fn parse(text: &str) -> Result<FileName, PageNameError> {
        check(text)?;
        if text.starts_with('.') {
            return Err(PageNameError::Dots);
        }
        if text.contains('\\') {
            return Err(PageNameError::Character { found: '\\' });
        }
        Ok(FileName(text.to_owned()))
    }

    /// A name that is known to be good: it comes from the database.
    pub(crate) fn stored(name: String) -> FileName {
        FileName(name)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(name: &str) -> Result<(), PageNameError> {
    let bytes = name.len();
    if bytes == 0 || bytes > PAGE_NAME_BYTES_MAX {
        return Err(PageNameError::Length { bytes });
    }
    if let Some(found) = name.chars().find(|c| !may_stand(*c)) {
        return Err(PageNameError::Character { found });
    }
    if name.trim() != name {
        return Err(PageNameError::Spaces);
    }
    Ok(())
}

/// Characters that turn the writing direction or break lines are control characters to whoever reads a list of names.
fn may_stand(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '/' | '?' | '#' | '%')
        && !matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        && !matches!(c, '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

impl fmt::Display for PageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PageNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PageNameError::Length { bytes } => write!(f, "name of {bytes} bytes, want 1 to {PAGE_NAME_BYTES_MAX}"),
            PageNameError::Character { found } => write!(f, "name holds {found:?}"),
            PageNameError::Spaces => write!(f, "name has a space first or last"),
            PageNameError::Dots => write!(f, "name is only dots, or a file's that begins with one"),
            PageNameError::Reserved => write!(f, "names that begin with Special: are reserved"),
        }
    }
}

impl error::Error for PageNameError {}

#[cfg(test)]
mod tests;
