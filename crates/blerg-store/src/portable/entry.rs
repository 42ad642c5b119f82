//! What an import brings, whatever it was read from: [`Entry`]. JSON lines are read here ([`from_json_line`]).

use serde_json::Value;

use super::{date, json};

/// One thing to import, from one line (or one item).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The line, or the item's number, from 1.
    pub line: u64,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// An account of that name, from a user's export.
    Account { author: String },
    /// Somebody (`None`: the import's own author) follows `target`, if there is one of that name.
    Follow { author: Option<String>, target: String },
    /// A record.
    Record(Written),
    /// A comment, or nothing.
    Nothing,
    /// Something that is not to be imported, and why.
    LeftOut(&'static str),
}

/// A record to import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Whose; `None`: the import's own author.
    pub author: Option<String>,
    pub text: String,
    /// When; `None`: now.
    pub at_us: Option<u64>,
    /// Texts it had before, oldest first, each with its date; `text` and `edited_us` came last.
    pub earlier: Vec<(u64, String)>,
    pub edited_us: Option<u64>,
    /// What others call this record: a URL, or a number where `author/number` is meant.
    pub id: Option<Id>,
    /// What it answers.
    pub reply_to: Option<Id>,
}

/// How an input names its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    /// By author and number; without author: of the author who writes it.
    Record(Option<String>, u64),
    /// By a URL.
    Url(String),
}

/// Reads a line of JSON: `{"author", "text" or "data", "timestamp", "reply_to", …}`, `{"author", "follows"}`, or of a
/// user's export.
pub(crate) fn from_json_line(line: &str) -> Result<What, String> {
    if line.trim().is_empty() {
        return Ok(What::Nothing);
    }
    let fields = json::object(line)?;
    if fields.contains_key("op") {
        return Err("this is a line of a dump, which is restored into an empty data directory".to_owned());
    }
    let author = json::text(&fields, "author")?.map(str::to_owned);
    if let Some(target) = json::text(&fields, "follows")? {
        return Ok(What::Follow { author, target: target.to_owned() });
    }
    let kind = if fields.contains_key("text") || fields.contains_key("data") {
        "record"
    } else {
        json::text(&fields, "type")?.unwrap_or("record")
    };
    match kind {
        "account" => return Ok(What::Account { author: json::need_text(&fields, "author")?.to_owned() }),
        "subscription" => {
            return Ok(What::Follow { author: None, target: json::need_text(&fields, "author")?.to_owned() });
        }
        "record" => {}
        other => return Err(format!("unknown type {other:?}")),
    }
    let text = match json::text(&fields, "text")? {
        Some(text) => text,
        None => json::text(&fields, "data")?.ok_or("neither \"text\" nor \"data\"")?,
    };
    let record = json::number(&fields, "record")?;
    Ok(What::Record(Written {
        text: text.to_owned(),
        at_us: date_field(&fields)?,
        earlier: earlier(&fields)?,
        edited_us: fields.get("edited").map(date::from_json).transpose()?,
        id: record.map(|record| Id::Record(author.clone(), record)),
        reply_to: json::text(&fields, "reply_to")?.map(reply_to).transpose()?,
        author,
    }))
}

fn date_field(fields: &json::Fields) -> Result<Option<u64>, String> {
    if let Some(us) = json::number(fields, "timestamp_us")? {
        return Ok(Some(us));
    }
    for key in ["timestamp", "date", "published", "created_at"] {
        if let Some(value) = fields.get(key).filter(|value| !value.is_null()) {
            return date::from_json(value).map(Some).map_err(|problem| format!("{key:?}: {problem}"));
        }
    }
    Ok(None)
}

fn earlier(fields: &json::Fields) -> Result<Vec<(u64, String)>, String> {
    let wrong = || "\"earlier\" is not a list of {\"timestamp\", \"data\"}".to_owned();
    let list = match fields.get("earlier") {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong()),
    };
    let version = |value: &Value| {
        let fields = value.as_object().ok_or_else(wrong)?;
        let at_us = date_field(fields)?.ok_or_else(wrong)?;
        Ok((at_us, json::need_text(fields, "data")?.to_owned()))
    };
    list.iter().map(version).collect()
}

/// Reads `author/record`, as the API writes it.
fn reply_to(text: &str) -> Result<Id, String> {
    let wrong = || format!("\"reply_to\" {text:?} is not author/record");
    let (author, record) = text.rsplit_once('/').ok_or_else(wrong)?;
    let plain = !author.is_empty() && record.bytes().all(|byte| byte.is_ascii_digit());
    let record = record.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
    Ok(Id::Record(Some(author.to_owned()), record))
}

#[cfg(test)]
mod tests;
