//! The grammar of `/search?q=`: words, "phrases", `from:`, `#tag`, `@user`, `before:`, `after:`, and `-` before what
//! must not be there. Start at [`SearchQuery::parse`]. It never looks anything up; the index knows what a word is.

use std::fmt;

use super::SearchQuery;
use crate::AuthorName;
use crate::list::is_tag_name;

/// Longest query in bytes: a few sentences; more would be somebody's attack on the full-text index.
pub(crate) const QUERY_BYTES_MAX: usize = 1024;

/// Most terms in a query, for the same reason.
pub(crate) const TERMS_MAX: usize = 32;

const US_PER_SEC: u64 = 1_000_000;
const SECS_PER_DAY: u64 = 86_400;

/// Why a text is no query; shown to the visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryError {
    /// Nothing to look for.
    Empty,
    /// Longer than [`QUERY_BYTES_MAX`].
    TooLong,
    /// More than [`TERMS_MAX`].
    TooManyTerms,
    /// A quotation mark without its partner.
    OpenQuote,
    /// `from:` without a name that a user may have.
    Name(String),
    /// `before:` or `after:` without a date.
    Date(String),
    /// `from:`, `before:` or `after:` a second time.
    Twice(&'static str),
    /// `-` before something that can't be left out.
    Minus(String),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryError::Empty => write!(f, "There is nothing to search for."),
            QueryError::TooLong => write!(f, "A search may have {QUERY_BYTES_MAX} bytes."),
            QueryError::TooManyTerms => write!(f, "A search may have {TERMS_MAX} terms."),
            QueryError::OpenQuote => write!(f, "A quotation mark is not closed."),
            QueryError::Name(found) => write!(f, "After from: comes a user's name, not {found:?}."),
            QueryError::Date(found) => {
                write!(f, "After before: and after: comes a date like 2024-05-31, 2024-05 or 2024, not {found:?}.")
            }
            QueryError::Twice(key) => write!(f, "A search may have one {key}:."),
            QueryError::Minus(found) => write!(f, "- goes before a word or a phrase, not before {found:?}."),
        }
    }
}

impl std::error::Error for QueryError {}

impl SearchQuery {
    /// Reads a query as visitors write it.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence for the visitor.
    pub fn parse(text: &str) -> Result<SearchQuery, QueryError> {
        parse(text)
    }
}

fn parse(text: &str) -> Result<SearchQuery, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(QueryError::TooLong);
    }
    let mut query = SearchQuery::default();
    let mut terms = 0;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        terms += 1;
        if terms > TERMS_MAX {
            return Err(QueryError::TooManyTerms);
        }
        let (term, after) = next_term(rest)?;
        add(&mut query, &term)?;
        rest = after.trim_start();
    }
    check_whole(query)
}

/// One term: an optional minus, an optional `key:`, and a text that was or was not quoted.
#[derive(Debug)]
struct Term<'t> {
    is_minus: bool,
    key: Option<Key>,
    text: &'t str,
    is_quoted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    From,
    Before,
    After,
}

impl Key {
    const ALL: [(&'static str, Key); 3] = [("from", Key::From), ("before", Key::Before), ("after", Key::After)];
}

fn next_term(rest: &str) -> Result<(Term<'_>, &str), QueryError> {
    let (is_minus, rest) = match rest.strip_prefix('-') {
        Some(after) => (true, after),
        None => (false, rest),
    };
    let (key, rest) = split_key(rest);
    if let Some(inner) = rest.strip_prefix('"') {
        let (text, after) = inner.split_once('"').ok_or(QueryError::OpenQuote)?;
        return Ok((Term { is_minus, key, text, is_quoted: true }, after));
    }
    let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
    let (text, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    Ok((Term { is_minus, key, text, is_quoted: false }, after))
}

fn split_key(rest: &str) -> (Option<Key>, &str) {
    let Some((word, after)) = rest.split_once(':') else { return (None, rest) };
    let found = Key::ALL.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    found.map_or((None, rest), |(_, key)| (Some(*key), after))
}

fn add(query: &mut SearchQuery, term: &Term<'_>) -> Result<(), QueryError> {
    if let Some(key) = term.key {
        if term.is_minus {
            return Err(QueryError::Minus(term.text.to_owned()));
        }
        return add_key(query, key, term.text);
    }
    if term.is_quoted {
        let list = if term.is_minus { &mut query.exclude } else { &mut query.phrases };
        push_words(list, term.text);
        return Ok(());
    }
    if let Some((sigil, name)) = split_tag(term.text) {
        if term.is_minus {
            return Err(QueryError::Minus(term.text.to_owned()));
        }
        let list = if sigil == '#' { &mut query.tags } else { &mut query.mentions };
        list.push(name.to_owned());
        return Ok(());
    }
    let list = if term.is_minus { &mut query.exclude } else { &mut query.words };
    push_words(list, term.text);
    Ok(())
}

/// A term of nothing but ASCII punctuation finds nothing and is left out.
fn push_words(list: &mut Vec<String>, text: &str) {
    if text.chars().any(|c| !c.is_ascii() || c.is_ascii_alphanumeric()) {
        list.push(text.to_owned());
    }
}

/// What looks like a tag but is none (`#été`) is a word.
fn split_tag(text: &str) -> Option<(char, &str)> {
    let sigil = text.chars().next().filter(|c| matches!(c, '#' | '@'))?;
    let name = text.get(1..)?;
    is_tag_name(name).then_some((sigil, name))
}

fn add_key(query: &mut SearchQuery, key: Key, text: &str) -> Result<(), QueryError> {
    match key {
        Key::From => {
            let name = text.strip_prefix('@').unwrap_or(text);
            if AuthorName::parse(name).is_err() {
                return Err(QueryError::Name(text.to_owned()));
            }
            set(&mut query.from, name.to_owned(), "from")
        }
        Key::Before => set(&mut query.before_us, parse_date(text)?, "before"),
        Key::After => set(&mut query.after_us, parse_date(text)?, "after"),
    }
}

fn set<T>(slot: &mut Option<T>, value: T, key: &'static str) -> Result<(), QueryError> {
    if slot.is_some() {
        return Err(QueryError::Twice(key));
    }
    *slot = Some(value);
    Ok(())
}

fn check_whole(query: SearchQuery) -> Result<SearchQuery, QueryError> {
    if query == SearchQuery::default() { Err(QueryError::Empty) } else { Ok(query) }
}

/// The first moment of a year, month or day (UTC), in microseconds; nine digits and more are UNIX seconds.
fn parse_date(text: &str) -> Result<u64, QueryError> {
    let secs = if text.len() >= 9 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        first_second(text)
    };
    secs.and_then(|secs: u64| secs.checked_mul(US_PER_SEC)).ok_or_else(|| QueryError::Date(text.to_owned()))
}

fn first_second(text: &str) -> Option<u64> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4).filter(|year| *year >= 1970)?;
    let month = parts.next().map_or(Some(1), |part| number(part, 2)).filter(|month| (1..=12).contains(month))?;
    let day = parts.next().map_or(Some(1), |part| number(part, 2))?;
    if parts.next().is_some() || !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    Some(days_since_epoch(year, month, day) * SECS_PER_DAY)
}

fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days from 1970-01-01 in the Gregorian calendar.
fn days_since_epoch(year: u64, month: u64, day: u64) -> u64 {
    let leap_days = |through: u64| through / 4 - through / 100 + through / 400;
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    let months: u64 = (1..month).map(|m| days_in_month(year, m)).sum();
    years + months + day - 1
}

#[cfg(test)]
mod tests;
