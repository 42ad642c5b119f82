//! What can be wrong with settings; each message names the setting, what was wanted and what was found.

use std::ffi::OsStr;
use std::{error, fmt};

use crate::table::SETTINGS;

/// Why the settings can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A `BLERG_*` variable that no program knows.
    UnknownName {
        /// As found.
        name: String,
        /// The known one that it looks like.
        close: Option<&'static str>,
    },
    /// A flag that no program knows.
    UnknownFlag {
        /// As found.
        flag: String,
        /// The known one that it looks like.
        close: Option<&'static str>,
    },
    /// A flag at the end without its value.
    MissingValue {
        /// The flag.
        flag: &'static str,
        /// What it wants.
        value: &'static str,
    },
    /// A value that does not pass its check.
    BadValue {
        /// The variable or flag.
        origin: &'static str,
        /// What is wanted.
        wanted: String,
        /// What was found.
        found: String,
    },
    /// No data directory.
    NoData,
}

impl Error {
    pub(crate) fn unknown_name(name: &str) -> Error {
        Error::UnknownName { name: name.to_owned(), close: closest(name, SETTINGS.iter().map(|setting| setting.name)) }
    }

    pub(crate) fn unknown_flag(flag: &str) -> Error {
        Error::UnknownFlag { flag: flag.to_owned(), close: closest(flag, SETTINGS.iter().map(|setting| setting.flag)) }
    }

    pub(crate) fn bad_value(origin: &'static str, wanted: String, found: &OsStr) -> Error {
        Error::BadValue { origin, wanted, found: found.to_string_lossy().into_owned() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnknownName { name, close: Some(close) } => write!(f, "no setting {name}; is {close} meant?"),
            Error::UnknownName { name, close: None } => write!(f, "no setting {name}; --help lists them"),
            Error::UnknownFlag { flag, close: Some(close) } => write!(f, "no flag {flag}; is {close} meant?"),
            Error::UnknownFlag { flag, close: None } => write!(f, "no flag {flag}; --help lists them"),
            Error::MissingValue { flag, value } => write!(f, "{flag} wants {value} after it"),
            Error::BadValue { origin, wanted, found } => write!(f, "{origin}: want {wanted}, found {found:?}"),
            Error::NoData => write!(
                f,
                "BLERG_DATA is not set: want the data directory, outside the document root and writable for this \
                 program's user (set BLERG_DATA, or start with --data DIR)"
            ),
        }
    }
}

impl error::Error for Error {}

/// The known word that differs least, if it differs little.
fn closest(found: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    const DISTANCE_MAX: usize = 3;
    const LENGTH_MAX: usize = 64;
    let found = (found.len() <= LENGTH_MAX).then_some(found)?;
    let (word, distance) = known.map(|word| (word, distance(found, word))).min_by_key(|&(_, distance)| distance)?;
    (distance <= DISTANCE_MAX).then_some(word)
}

/// Levenshtein's: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
