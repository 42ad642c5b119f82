//! The lines of a dump. Start at [`Line`]. One JSON object a line; `op` says which:
//!
//! | op | fields | |
//! | --- | --- | --- |
//! | `dump` | version, site | first line; the site's id in hex |
//! | `author` | name, at_us | in order of creation |
//! | `put` | author, record, at_us, text, tags, reply_to | in the order of the log, as all below; tags are `[start,length]`; reply_to `[author, record]` |
//! | `hole` | author, record | a deleted record's number |
//! | `edit` | author, record, at_us, text, tags | |
//! | `follow`, `unfollow` | author, target | |
//! | `close` | author | |
//! | `account` | name, role, disabled, created_us, password, feed_seen, mentioned_seen | after all of the above; seen: how many lines of `author` to `close` came before |
//! | `wiki_…` | see `wiki.rs` | after the accounts |
//! | `end` | lines | how many lines came before: a dump without it was cut off |

use blerg_log::TagSpan;
use serde_json::Value;

use super::json::{self, Fields};
use super::wiki::WikiLine;

/// One line of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Dump { version: u64, site: [u8; 16] },
    Author { name: String, at_us: u64 },
    Put { author: String, record: u64, at_us: u64, text: String, tags: Vec<TagSpan>, reply_to: Option<(String, u64)> },
    Hole { author: String, record: u64 },
    Edit { author: String, record: u64, at_us: u64, text: String, tags: Vec<TagSpan> },
    Follow { author: String, target: String },
    Unfollow { author: String, target: String },
    Close { author: String },
    Account(AccountLine),
    Wiki(WikiLine),
    End { lines: u64 },
}

/// An account in a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountLine {
    pub name: String,
    pub role: String,
    pub is_disabled: bool,
    pub created_us: u64,
    pub password: Option<String>,
    pub feed_seen: u64,
    pub mentioned_seen: u64,
}

impl Line {
    /// Reads a line.
    pub(crate) fn parse(line: &str) -> Result<Line, String> {
        let fields = json::object(line)?;
        let text = |key: &str| json::need_text(&fields, key).map(str::to_owned);
        let number = |key: &str| json::need_number(&fields, key);
        Ok(match json::need_text(&fields, "op")? {
            "dump" => Line::Dump { version: number("version")?, site: site(&text("site")?)? },
            "author" => Line::Author { name: text("name")?, at_us: number("at_us")? },
            "put" => Line::Put {
                author: text("author")?,
                record: number("record")?,
                at_us: number("at_us")?,
                text: text("text")?,
                tags: tags(&fields)?,
                reply_to: reply_to(&fields)?,
            },
            "hole" => Line::Hole { author: text("author")?, record: number("record")? },
            "edit" => Line::Edit {
                author: text("author")?,
                record: number("record")?,
                at_us: number("at_us")?,
                text: text("text")?,
                tags: tags(&fields)?,
            },
            "follow" => Line::Follow { author: text("author")?, target: text("target")? },
            "unfollow" => Line::Unfollow { author: text("author")?, target: text("target")? },
            "close" => Line::Close { author: text("author")? },
            "account" => Line::Account(AccountLine {
                name: text("name")?,
                role: text("role")?,
                is_disabled: flag(&fields, "disabled")?,
                created_us: number("created_us")?,
                password: json::text(&fields, "password")?.map(str::to_owned),
                feed_seen: json::number(&fields, "feed_seen")?.unwrap_or(0),
                mentioned_seen: json::number(&fields, "mentioned_seen")?.unwrap_or(0),
            }),
            "end" => Line::End { lines: number("lines")? },
            other => match WikiLine::parse(other, &fields)? {
                Some(line) => Line::Wiki(line),
                None => return Err(format!("unknown op {other:?}")),
            },
        })
    }

    /// Writes the line.
    pub(crate) fn write(&self) -> String {
        use json::Row;
        match self {
            Line::Dump { version, site } => {
                let hex: String = site.iter().map(|byte| format!("{byte:02x}")).collect();
                Row::new("dump").number("version", *version).text("site", &hex).end()
            }
            Line::Author { name, at_us } => Row::new("author").text("name", name).number("at_us", *at_us).end(),
            Line::Put { author, record, at_us, text, tags, reply_to } => {
                let row = Row::new("put").text("author", author).number("record", *record).number("at_us", *at_us);
                let mut row = row.text("text", text);
                if !tags.is_empty() {
                    row = row.raw("tags", &spans(tags));
                }
                if let Some((author, record)) = reply_to {
                    row = row.raw("reply_to", &format!("[{},{record}]", json::quoted(author)));
                }
                row.end()
            }
            Line::Hole { author, record } => Row::new("hole").text("author", author).number("record", *record).end(),
            Line::Edit { author, record, at_us, text, tags } => {
                let row = Row::new("edit").text("author", author).number("record", *record).number("at_us", *at_us);
                let mut row = row.text("text", text);
                if !tags.is_empty() {
                    row = row.raw("tags", &spans(tags));
                }
                row.end()
            }
            Line::Follow { author, target } => Row::new("follow").text("author", author).text("target", target).end(),
            Line::Unfollow { author, target } => {
                Row::new("unfollow").text("author", author).text("target", target).end()
            }
            Line::Close { author } => Row::new("close").text("author", author).end(),
            Line::Account(account) => account.write(),
            Line::Wiki(line) => line.write(),
            Line::End { lines } => Row::new("end").number("lines", *lines).end(),
        }
    }
}

impl AccountLine {
    fn write(&self) -> String {
        let mut row = json::Row::new("account").text("name", &self.name).text("role", &self.role);
        if self.is_disabled {
            row = row.raw("disabled", "true");
        }
        row = row.number("created_us", self.created_us);
        if let Some(password) = &self.password {
            row = row.text("password", password);
        }
        for (key, seen) in [("feed_seen", self.feed_seen), ("mentioned_seen", self.mentioned_seen)] {
            if seen > 0 {
                row = row.number(key, seen);
            }
        }
        row.end()
    }
}

pub(crate) fn flag(fields: &Fields, key: &str) -> Result<bool, String> {
    match fields.get(key) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(format!("{key:?} is neither true nor false")),
    }
}

fn site(hex: &str) -> Result<[u8; 16], String> {
    let wrong = || "\"site\" is not 32 hex digits".to_owned();
    let plain = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u128::from_str_radix(hex, 16).ok().filter(|_| plain).ok_or_else(wrong)?;
    Ok(id.to_be_bytes())
}

fn spans(tags: &[TagSpan]) -> String {
    let pairs: Vec<String> = tags.iter().map(|span| format!("[{},{}]", span.start, span.len)).collect();
    format!("[{}]", pairs.join(","))
}

fn tags(fields: &Fields) -> Result<Vec<TagSpan>, String> {
    let wrong = || "\"tags\" is not a list of [start, length]".to_owned();
    let list = match fields.get("tags") {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong()),
    };
    let span = |value: &Value| {
        let [start, len] = value.as_array()?.as_slice() else { return None };
        Some(TagSpan { start: start.as_u64()?.try_into().ok()?, len: len.as_u64()?.try_into().ok()? })
    };
    list.iter().map(|value| span(value).ok_or_else(wrong)).collect()
}

fn reply_to(fields: &Fields) -> Result<Option<(String, u64)>, String> {
    let wrong = || "\"reply_to\" is not [author, record]".to_owned();
    let list = match fields.get("reply_to") {
        None => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong()),
    };
    let [author, record] = list.as_slice() else { return Err(wrong()) };
    let (Some(author), Some(record)) = (author.as_str(), record.as_u64()) else { return Err(wrong()) };
    Ok(Some((author.to_owned(), record)))
}

#[cfg(test)]
mod tests;
