//! Who may read and change the wiki. Start at [`WikiSettings`]; whoever asks is an [`Editor`]. Each change asks again
//! inside its own transaction, so that a page protected a moment ago is protected.

use std::str::FromStr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::account::Role;
use crate::{AuthorName, Error};

const MIB: u64 = 1024 * 1024;

/// A circle of people; each holds the ones after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Visitors without an account too.
    Everybody,
    /// Who has an account.
    Members,
    /// Members that the operator has named, and admins.
    Named,
    /// Admins.
    Admins,
}

/// Who asks for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Editor<'a> {
    /// A visitor without a session; changes stand without a name (and without an address).
    Anonymous,
    /// A user who is logged in.
    User {
        /// The name in its own spelling.
        name: &'a str,
        /// What the user may do.
        role: Role,
    },
    /// The operator's tool, which may do everything, also while the wiki is read-only.
    Operator {
        /// Under which name the change stands.
        name: Option<&'a str>,
    },
}

/// Who made a change, when, and what they said about it.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Who.
    pub editor: Editor<'a>,
    /// When.
    pub now_us: u64,
    /// What they said about it; cut at [`SUMMARY_BYTES_MAX`](crate::SUMMARY_BYTES_MAX).
    pub summary: &'a str,
    /// They call it a minor one.
    pub is_minor: bool,
}

/// The operator's rules for the wiki.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WikiSettings {
    /// Who reads.
    pub readers: Who,
    /// Who edits, renames and attaches.
    pub editors: Who,
    /// The members of [`Who::Named`].
    pub named: Vec<AuthorName>,
    /// Nobody changes anything but the operator's tool.
    pub is_read_only: bool,
    /// Most bytes of one attached file.
    pub file_bytes_max: u64,
    /// Most bytes of all files of one page, earlier versions included.
    pub page_files_bytes_max: u64,
    /// Most bytes of all files of the wiki, earlier versions included.
    pub files_bytes_max: u64,
}

impl Default for WikiSettings {
    /// The contract's rules: everybody reads, members edit.
    fn default() -> WikiSettings {
        WikiSettings {
            readers: Who::Everybody,
            editors: Who::Members,
            named: Vec::new(),
            is_read_only: false,
            file_bytes_max: 10 * MIB,
            page_files_bytes_max: 100 * MIB,
            files_bytes_max: 1024 * MIB,
        }
    }
}

impl WikiSettings {
    /// Reads a list of user names between commas.
    ///
    /// # Errors
    /// One of them is no user name.
    pub fn parse_named(text: &str) -> Result<Vec<AuthorName>, Error> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| AuthorName::parse(name).map_err(Error::Name)).collect()
    }

    /// Whether somebody may read the wiki.
    #[must_use]
    pub fn may_read(&self, editor: &Editor<'_>) -> bool {
        self.holds(self.readers, editor)
    }

    /// Whether somebody may edit a page of this protection, rename it and attach files to it.
    #[must_use]
    pub fn may_edit(&self, editor: &Editor<'_>, protection: Option<Who>) -> bool {
        self.check_edit(editor, protection).is_ok()
    }

    /// Whether somebody may protect, delete and undelete pages.
    #[must_use]
    pub fn may_administer(&self, editor: &Editor<'_>) -> bool {
        self.check_administer(editor).is_ok()
    }

    pub(crate) fn check_edit(&self, editor: &Editor<'_>, protection: Option<Who>) -> Result<(), Error> {
        // Who may not read may not edit either: the page would be shown in the form.
        self.check(editor, self.editors.max(self.readers).max(protection.unwrap_or(Who::Everybody)))
    }

    pub(crate) fn check_administer(&self, editor: &Editor<'_>) -> Result<(), Error> {
        self.check(editor, Who::Admins)
    }

    fn check(&self, editor: &Editor<'_>, needs: Who) -> Result<(), Error> {
        if self.is_read_only && !matches!(editor, Editor::Operator { .. }) {
            return Err(Error::WikiReadOnly);
        }
        if self.holds(needs, editor) { Ok(()) } else { Err(Error::NotAllowed { needs }) }
    }

    fn holds(&self, who: Who, editor: &Editor<'_>) -> bool {
        match editor {
            Editor::Operator { .. } | Editor::User { role: Role::Admin, .. } => true,
            Editor::Anonymous => who == Who::Everybody,
            Editor::User { name, role: Role::Member } => match who {
                Who::Everybody | Who::Members => true,
                Who::Named => self.named.iter().any(|known| known.as_str().eq_ignore_ascii_case(name)),
                Who::Admins => false,
            },
        }
    }
}

impl Editor<'_> {
    /// The name that stands in the history.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Editor::Anonymous => None,
            Editor::User { name, .. } => Some(name),
            Editor::Operator { name } => *name,
        }
    }
}

impl Who {
    /// The word of the settings and of the form that protects a page.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Who::Everybody => "everybody",
            Who::Members => "members",
            Who::Named => "named",
            Who::Admins => "admins",
        }
    }
}

impl FromStr for Who {
    type Err = Error;

    fn from_str(text: &str) -> Result<Who, Error> {
        [Who::Everybody, Who::Members, Who::Named, Who::Admins]
            .into_iter()
            .find(|who| who.as_str() == text)
            .ok_or_else(|| Error::Setting { wanted: "everybody, members, named or admins", found: text.to_owned() })
    }
}

impl ToSql for Who {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, rusqlite::Error> {
        Ok(match self {
            Who::Everybody => 0_i64,
            Who::Members => 1,
            Who::Named => 2,
            Who::Admins => 3,
        }
        .into())
    }
}

impl FromSql for Who {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Who> {
        match value.as_i64()? {
            0 => Ok(Who::Everybody),
            1 => Ok(Who::Members),
            2 => Ok(Who::Named),
            3 => Ok(Who::Admins),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

#[cfg(test)]
mod tests;
