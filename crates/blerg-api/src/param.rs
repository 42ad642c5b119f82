//! What paths and parameters say, read into types that cannot be wrong: names, record numbers, ranges, tags, references.
//! Start at [`range`]. It never looks whether something exists.

use crate::failure::{Code, Failure};
use blerg_http::Form;
use blerg_store::{AuthorName, RecordNo, TAGS_MAX, TagKey};
use std::ops::RangeInclusive;

/// Longest range in one answer: the contract's limit, 0-99.
pub(crate) const RANGE_RECORDS_MAX: u64 = 100;

/// A user's name in a path; what no user can be called does not exist.
pub(crate) fn path_user(text: &str) -> Result<AuthorName, Failure> {
    AuthorName::parse(text).map_err(|_| no_such_user())
}

/// There is nobody of that name.
pub(crate) fn no_such_user() -> Failure {
    Failure::missing(Code::NoSuchUser, "There is no such user.")
}

/// A record number in a path.
pub(crate) fn path_record(text: &str) -> Result<RecordNo, Failure> {
    number(text).map(RecordNo).ok_or_else(no_such_record)
}

/// There is no record of that number.
pub(crate) fn no_such_record() -> Failure {
    Failure::missing(Code::NoSuchRecord, "There is no such record.")
}

/// `(start)-(end)` in a path, both included.
pub(crate) fn range(text: &str) -> Result<RangeInclusive<u64>, Failure> {
    let ends = text.split_once('-').and_then(|(start, end)| Some((number(start)?, number(end)?)));
    let (start, end) = ends.ok_or_else(|| Failure::missing(Code::NotFound, "There is nothing at this path."))?;
    if start > end {
        return Err(Failure::new(Code::BadRange, "The range starts after its end."));
    }
    if end - start >= RANGE_RECORDS_MAX {
        let reason = format!("A range holds at most {RANGE_RECORDS_MAX} records.");
        return Err(Failure::new(Code::BadRange, reason));
    }
    Ok(start..=end)
}

/// A range none of whose records exists yet.
pub(crate) fn past_the_end() -> Failure {
    Failure::missing(Code::PastTheEnd, "The range lies wholly past the last record.")
}

/// One tag in a path: `#name`, `Hname` or `@name`.
pub(crate) fn tag(text: &str) -> Result<TagKey, Failure> {
    let reason = "A tag is #, H or @ and 1 to 64 characters of 0-9 A-Z a-z - and _.";
    text.parse().map_err(|_| Failure::missing(Code::BadTag, reason))
}

/// One or several tags in a path, parted by commas.
pub(crate) fn tags(text: &str) -> Result<Vec<TagKey>, Failure> {
    let tags = text.split(',').map(tag).collect::<Result<Vec<TagKey>, Failure>>()?;
    if tags.len() > TAGS_MAX {
        return Err(Failure::new(Code::TooManyTags, format!("At most {TAGS_MAX} tags can be asked for at once.")));
    }
    Ok(tags)
}

/// A parameter that must be there, as UTF-8.
pub(crate) fn required<'f>(form: &'f Form, name: &'static str) -> Result<&'f str, Failure> {
    optional(form, name)?.ok_or_else(|| Failure::parameter_missing(name))
}

/// A parameter that may be there, as UTF-8.
pub(crate) fn optional<'f>(form: &'f Form, name: &'static str) -> Result<Option<&'f str>, Failure> {
    let Some(bytes) = form.get_bytes(name) else { return Ok(None) };
    let text = std::str::from_utf8(bytes);
    text.map(Some).map_err(|_| Failure::new(Code::BadParameter, format!("The parameter {name} is not UTF-8.")))
}

/// A parameter that must be there and may be any bytes: a password.
pub(crate) fn required_bytes<'f>(form: &'f Form, name: &'static str) -> Result<&'f [u8], Failure> {
    form.get_bytes(name).ok_or_else(|| Failure::parameter_missing(name))
}

/// The parameter `record`.
pub(crate) fn record(form: &Form) -> Result<RecordNo, Failure> {
    let text = required(form, "record")?;
    number(text)
        .map(RecordNo)
        .ok_or_else(|| Failure::new(Code::BadParameter, "The parameter record is not a record number."))
}

/// The parameter `reply_to`: `author/record`. Empty is not there.
pub(crate) fn reply_to(form: &Form) -> Result<Option<(AuthorName, RecordNo)>, Failure> {
    let Some(text) = optional(form, "reply_to")?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let parts = text.split_once('/');
    let parts = parts.and_then(|(author, record)| Some((AuthorName::parse(author).ok()?, number(record)?)));
    let wrong = || Failure::new(Code::BadReplyTo, "The parameter reply_to is not of the form author/record.");
    let (author, record) = parts.ok_or_else(wrong)?;
    Ok(Some((author, RecordNo(record))))
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests;
