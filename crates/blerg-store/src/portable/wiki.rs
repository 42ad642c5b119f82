//! The wiki in a dump. Start at [`WikiLine`]. A page's line is followed by those of its revisions, oldest first, then by
//! those of its files, each with its bytes in pieces:
//!
//! | op | fields | |
//! | --- | --- | --- |
//! | `wiki_page` | name, created_us, protection, deleted, redirect | in the order in which the pages were made |
//! | `wiki_revision` | id, kind, detail, at_us, author, summary, minor, text, erased | without text: that of the one before |
//! | `wiki_file` | name, version, media_type, at_us, author, deleted | |
//! | `wiki_piece` | data | base64 |
//!
//! Html and what else follows from the texts is not in it: whoever restores renders.

use super::base64;
use super::json::{self, Fields, Row};
use crate::page::ChangeKind;

/// One line of the wiki's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WikiLine {
    Page(PageLine),
    Revision(RevisionLine),
    File(FileLine),
    Piece(Vec<u8>),
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageLine {
    pub name: String,
    pub created_us: u64,
    pub protection: Option<String>,
    pub is_deleted: bool,
    pub redirect: Option<String>,
}

/// A revision of the page before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RevisionLine {
    pub id: u64,
    pub kind: ChangeKind,
    pub at_us: u64,
    pub author: Option<String>,
    pub summary: String,
    pub is_minor: bool,
    pub bytes: u64,
    pub text: RevisionText,
}

/// What a revision did to the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RevisionText {
    New(String),
    Same,
    Erased,
}

/// A version of a file of the page before; its pieces follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileLine {
    pub name: String,
    pub version: u64,
    pub media_type: String,
    pub at_us: u64,
    pub author: Option<String>,
    pub is_deleted: bool,
}

/// The words for the kinds of changes, in the order of the database's numbers.
const KINDS: [&str; 11] =
    ["edit", "revert", "rename", "redirect", "delete", "undelete", "protect", "attach", "detach", "reattach", "import"];

impl WikiLine {
    /// Reads a line; `None` if `op` is none of these.
    pub(crate) fn parse(op: &str, fields: &Fields) -> Result<Option<WikiLine>, String> {
        let text = |key: &str| json::need_text(fields, key).map(str::to_owned);
        let maybe = |key: &str| json::text(fields, key).map(|text| text.map(str::to_owned));
        let number = |key: &str| json::need_number(fields, key);
        let flag = |key: &str| super::line::flag(fields, key);
        Ok(Some(match op {
            "wiki_page" => WikiLine::Page(PageLine {
                name: text("name")?,
                created_us: number("created_us")?,
                protection: maybe("protection")?,
                is_deleted: flag("deleted")?,
                redirect: maybe("redirect")?,
            }),
            "wiki_revision" => WikiLine::Revision(RevisionLine {
                id: number("id")?,
                kind: kind(&text("kind")?, maybe("detail")?.as_deref().unwrap_or_default())?,
                at_us: number("at_us")?,
                author: maybe("author")?,
                summary: maybe("summary")?.unwrap_or_default(),
                is_minor: flag("minor")?,
                bytes: number("bytes")?,
                text: match (maybe("text")?, flag("erased")?) {
                    (Some(text), false) => RevisionText::New(text),
                    (None, false) => RevisionText::Same,
                    (None, true) => RevisionText::Erased,
                    (Some(_), true) => return Err("an erased revision has a text".to_owned()),
                },
            }),
            "wiki_file" => WikiLine::File(FileLine {
                name: text("name")?,
                version: number("version")?,
                media_type: text("media_type")?,
                at_us: number("at_us")?,
                author: maybe("author")?,
                is_deleted: flag("deleted")?,
            }),
            "wiki_piece" => {
                WikiLine::Piece(base64::decode(&text("data")?).ok_or_else(|| "\"data\" is no base64".to_owned())?)
            }
            _ => return Ok(None),
        }))
    }

    /// Writes the line.
    pub(crate) fn write(&self) -> String {
        match self {
            WikiLine::Page(page) => {
                let mut row = Row::new("wiki_page").text("name", &page.name).number("created_us", page.created_us);
                row = optional(row, "protection", page.protection.as_deref());
                row = flagged(row, "deleted", page.is_deleted);
                optional(row, "redirect", page.redirect.as_deref()).end()
            }
            WikiLine::Revision(revision) => revision.write(),
            WikiLine::File(file) => {
                let row = Row::new("wiki_file").text("name", &file.name).number("version", file.version);
                let row = row.text("media_type", &file.media_type).number("at_us", file.at_us);
                flagged(optional(row, "author", file.author.as_deref()), "deleted", file.is_deleted).end()
            }
            WikiLine::Piece(data) => Row::new("wiki_piece").text("data", &base64::encode(data)).end(),
        }
    }
}

impl RevisionLine {
    fn write(&self) -> String {
        let (code, detail) = self.kind.stored();
        let word = usize::try_from(code).ok().and_then(|code| KINDS.get(code)).copied().unwrap_or("edit");
        let mut row = Row::new("wiki_revision").number("id", self.id).text("kind", word);
        row = optional(row, "detail", Some(detail.as_str()).filter(|detail| !detail.is_empty()));
        row = optional(row.number("at_us", self.at_us), "author", self.author.as_deref());
        row = optional(row, "summary", Some(self.summary.as_str()).filter(|summary| !summary.is_empty()));
        row = flagged(row, "minor", self.is_minor).number("bytes", self.bytes);
        match &self.text {
            RevisionText::New(text) => row.text("text", text).end(),
            RevisionText::Same => row.end(),
            RevisionText::Erased => flagged(row, "erased", true).end(),
        }
    }
}

fn optional(row: Row, key: &str, value: Option<&str>) -> Row {
    match value {
        Some(value) => row.text(key, value),
        None => row,
    }
}

fn flagged(row: Row, key: &str, flag: bool) -> Row {
    if flag { row.raw(key, "true") } else { row }
}

fn kind(word: &str, detail: &str) -> Result<ChangeKind, String> {
    let code = KINDS.iter().position(|known| *known == word).and_then(|code| i64::try_from(code).ok());
    code.and_then(|code| ChangeKind::read(code, detail).ok()).ok_or_else(|| format!("unknown kind {word:?}"))
}

#[cfg(test)]
mod tests;
