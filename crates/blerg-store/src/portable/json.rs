//! Reads fields of JSON objects, with problems as phrases for the person who imports. Start at [`object`]; and writes
//! one object a line in a fixed order of fields ([`Row`]), so that equal sites give equal dumps.

use std::fmt::Write;

use serde_json::{Map, Value};

/// The fields of an object.
pub(crate) type Fields = Map<String, Value>;

/// Reads a line as an object.
pub(crate) fn object(line: &str) -> Result<Fields, String> {
    match serde_json::from_str(line) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("want a JSON object".to_owned()),
        Err(error) => Err(format!("no JSON at column {}: {}", error.column(), reason(&error))),
    }
}

/// What serde_json says, without its own line and column.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

/// A text that may be missing.
pub(crate) fn text<'f>(fields: &'f Fields, key: &str) -> Result<Option<&'f str>, String> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{key:?} is no text")),
    }
}

/// A text that must be there.
pub(crate) fn need_text<'f>(fields: &'f Fields, key: &str) -> Result<&'f str, String> {
    text(fields, key)?.ok_or_else(|| format!("{key:?} is missing"))
}

/// A whole number that may be missing, written as a number or, as record numbers are, as a text.
pub(crate) fn number(fields: &Fields, key: &str) -> Result<Option<u64>, String> {
    let found = match fields.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Some(_) => None,
    };
    found.map(Some).ok_or_else(|| format!("{key:?} is no whole number"))
}

/// A whole number that must be there.
pub(crate) fn need_number(fields: &Fields, key: &str) -> Result<u64, String> {
    number(fields, key)?.ok_or_else(|| format!("{key:?} is missing"))
}

/// One line of JSON being written.
pub(crate) struct Row {
    line: String,
}

impl Row {
    /// Begins a line of a kind.
    pub(crate) fn new(op: &str) -> Row {
        Row { line: format!("{{\"op\":{}", quoted(op)) }
    }

    /// Adds a text.
    pub(crate) fn text(mut self, key: &str, value: &str) -> Row {
        self.key(key);
        self.line.push_str(&quoted(value));
        self
    }

    /// Adds a number.
    pub(crate) fn number(mut self, key: &str, value: u64) -> Row {
        self.key(key);
        self.push(value);
        self
    }

    /// Adds what is JSON already.
    pub(crate) fn raw(mut self, key: &str, json: &str) -> Row {
        self.key(key);
        self.line.push_str(json);
        self
    }

    /// The line, with its end.
    pub(crate) fn end(mut self) -> String {
        self.line.push_str("}\n");
        self.line
    }

    fn key(&mut self, key: &str) {
        self.line.push(',');
        self.line.push_str(&quoted(key));
        self.line.push(':');
    }

    fn push(&mut self, value: u64) {
        // Writing to a String cannot fail.
        let _ = write!(self.line, "{value}");
    }
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
