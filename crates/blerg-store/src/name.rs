//! User names: which texts are names, and when two are the same (the API document's rules for every endpoint).
//! Start at `AuthorName`, which cannot hold anything else.
//!
//! Names compare without regard to ASCII case and keep their own spelling for show. This file never looks
//! whether a name exists.

use std::error;
use std::fmt;

/// Longest user name: what one line of a post list can show.
pub const NAME_BYTES_MAX: usize = 32;

/// A well-formed user name in its own spelling.
#[derive(Debug, Clone)]
pub struct AuthorName(String);

/// Why a text is no user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Empty, or longer than [`NAME_BYTES_MAX`].
    Length {
        /// Its bytes.
        bytes: usize,
    },
    /// A character outside `0-9 A-Z a-z _ . - '` and space.
    Character {
        /// The first such character.
        found: char,
    },
    /// Nothing but dots, which a path would swallow.
    OnlyDots,
    /// A space first or last, or two running.
    Spaces,
}

impl AuthorName {
    /// Reads a user name.
    ///
    /// # Errors
    /// If `text` breaks a rule for names.
    pub fn parse(text: &str) -> Result<AuthorName, NameError> {
        let bytes = text.len();
        if bytes == 0 || bytes > NAME_BYTES_MAX {
            return Err(NameError::Length { bytes });
        }
        if let Some(found) = text.chars().find(|c| !is_name_character(*c)) {
            return Err(NameError::Character { found });
        }
        if text.bytes().all(|b| b == b'.') {
            return Err(NameError::OnlyDots);
        }
        if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
            return Err(NameError::Spaces);
        }
        Ok(AuthorName(text.to_owned()))
    }

    /// The name in its own spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which names compare: ASCII letters in lower case.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Can the name be mentioned with `@`: is it made of the tag alphabet only?
    pub fn is_mentionable(&self) -> bool {
        self.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    }
}

impl PartialEq for AuthorName {
    fn eq(&self, other: &AuthorName) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for AuthorName {}

impl fmt::Display for AuthorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Length { bytes } => {
                write!(f, "user name of {bytes} bytes, want 1 to {NAME_BYTES_MAX}")
            }
            NameError::Character { found } => {
                write!(f, "user name holds {found:?}, want 0-9 A-Z a-z _ . - ' and space")
            }
            NameError::OnlyDots => write!(f, "user name is only dots"),
            NameError::Spaces => {
                write!(f, "user name has a space first or last, or two running")
            }
        }
    }
}

impl error::Error for NameError {}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '\'' | ' ')
}

#[cfg(test)]
mod tests;
