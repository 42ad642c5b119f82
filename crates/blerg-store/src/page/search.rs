//! Full-text search over the pages. Start at [`Wiki::search`]. Words in a page's name count most, then its headings. What
//! a visitor typed stands inside quoted strings and cannot become syntax (`search/expr.rs`); it is the microblog's
//! grammar ([`SearchQuery::parse`]), where `from:` is whoever ever edited the page, and dates are its last change.

use std::ops::Range;

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use super::head::{COLUMNS, FROM, read_head};
use super::{PageHead, Wiki, count, signed};
use crate::search::{TERMS_MAX, expr};
use crate::{Error, SearchQuery};

/// Most hits of one answer.
const HITS_MAX: usize = 100;

/// Most hits that may be skipped: who pages further should ask for more words.
const SKIP_MAX: usize = 10_000;

/// Characters of one snippet, about.
pub const SNIPPET_CHARS: usize = 240;

/// Most marks of one snippet.
pub const HIT_MARKS_MAX: usize = 16;

/// A page that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageHit {
    /// The page.
    pub head: PageHead,
    /// A piece of its text.
    pub snippet: Snippet,
}

/// A piece of a page's plain text, around what was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The piece.
    pub text: String,
    /// The bytes of it that were looked for, in order and apart from each other.
    pub marks: Vec<Range<usize>>,
    /// There is text before it.
    pub is_cut_before: bool,
    /// There is text after it.
    pub is_cut_after: bool,
}

impl Wiki<'_> {
    /// Pages that match a query, the best first, without the first `skip`, at most `n` (and 100).
    ///
    /// # Errors
    /// The query has too many terms, or the database cannot be read.
    pub fn search(&self, query: &SearchQuery, skip: usize, n: usize) -> Result<Vec<PageHit>, Error> {
        if expr::terms(query) > TERMS_MAX {
            return Err(Error::TagCount { found: expr::terms(query) });
        }
        let Some(select) = Select::of(query) else { return Ok(Vec::new()) };
        let (sql, values) = select.finish(skip.min(SKIP_MAX), n.min(HITS_MAX));
        self.db.read("search pages", |connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map(params_from_iter(values), |row: &Row<'_>| {
                let head = read_head(row)?;
                let plain: String = row.get(11)?;
                Ok(PageHit { head, snippet: begin(&plain) })
            })?;
            rows.collect()
        })
    }
}

/// A statement under construction.
struct Select {
    filters: Vec<String>,
    values: Vec<Value>,
    is_ranked: bool,
}

impl Select {
    /// `None` if nothing can match.
    fn of(query: &SearchQuery) -> Option<Select> {
        let mut select = Select { filters: Vec::new(), values: Vec::new(), is_ranked: false };
        let texts = query.words.iter().chain(&query.phrases);
        let wanted: Vec<String> = texts.filter_map(|text| expr::quoted(text)).collect();
        let unwanted: Vec<String> = query.exclude.iter().filter_map(|text| expr::quoted(text)).collect();
        if wanted.is_empty() && query.words.len() + query.phrases.len() > 0 {
            return None;
        }
        if !wanted.is_empty() {
            select.is_ranked = true;
            select.add("found MATCH ?", wanted.join(" AND "));
        }
        if !unwanted.is_empty() {
            let sql = "found.rowid NOT IN (SELECT rowid FROM found WHERE found MATCH ?)";
            select.add(sql, unwanted.join(" OR "));
        }
        for tag in &query.tags {
            select.add("p.id IN (SELECT page FROM tag WHERE tag = ?)", tag.to_ascii_lowercase());
        }
        for name in &query.mentions {
            select.add("p.id IN (SELECT page FROM mention WHERE name = ?)", name.to_ascii_lowercase());
        }
        if let Some(name) = &query.from {
            let sql = "p.id IN (SELECT page FROM revision WHERE author = ? COLLATE NOCASE)";
            select.add(sql, name.clone());
        }
        if let Some(before_us) = query.before_us {
            select.add("p.changed_us < ?", signed(before_us));
        }
        if let Some(after_us) = query.after_us {
            select.add("p.changed_us >= ?", signed(after_us));
        }
        Some(select)
    }

    fn add(&mut self, filter: &str, value: impl Into<Value>) {
        self.filters.push(filter.to_owned());
        self.values.push(value.into());
    }

    fn finish(mut self, skip: usize, n: usize) -> (String, Vec<Value>) {
        let order = if self.is_ranked { "bm25(found, 10.0, 3.0, 1.0), p.name" } else { "p.name" };
        if self.filters.is_empty() {
            self.filters.push("1".to_owned());
        }
        let sql = format!(
            "SELECT {COLUMNS}, found.plain FROM found JOIN {FROM} ON p.id = found.rowid \
             WHERE {} ORDER BY {order} LIMIT ? OFFSET ?",
            self.filters.join(" AND ")
        );
        self.values.extend([Value::from(count(n)), Value::from(count(skip))]);
        (sql, self.values)
    }
}

/// The beginning of a text.
fn begin(plain: &str) -> Snippet {
    let end = plain.char_indices().nth(SNIPPET_CHARS).map_or(plain.len(), |(at, _)| at);
    Snippet {
        text: plain.get(..end).unwrap_or_default().to_owned(),
        marks: Vec::new(),
        is_cut_before: false,
        is_cut_after: end < plain.len(),
    }
}
