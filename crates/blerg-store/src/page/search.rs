//! Full-text search over the pages. Start at [`Wiki::search`]. Words in a page's name count most, then its headings. What
//! a visitor typed stands inside quoted strings and cannot become syntax (`search/expr.rs`); it is the microblog's
//! grammar ([`SearchQuery::parse`]), where `from:` is whoever ever edited the page, and dates are its last change.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, Statement, params, params_from_iter};

use super::head::{COLUMNS, read_head};
use super::snippet::{self, Snippet};
use super::{PageHead, Wiki, count, signed};
use crate::search::{TERMS_MAX, expr};
use crate::{Error, SearchQuery};

/// Most hits of one answer.
const HITS_MAX: usize = 100;

/// Most hits that may be skipped: who pages further should ask for more words.
const SKIP_MAX: usize = 10_000;

/// Characters of the longest text in which SQLite marks the finds: its time grows with text times finds, and a page may
/// be one word a hundred thousand times.
const HIGHLIGHT_CHARS_MAX: usize = 16 * 1024;

/// A page that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageHit {
    /// The page.
    pub head: PageHead,
    /// A piece of its text.
    pub snippet: Snippet,
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
        let words = select.words.clone();
        let (sql, values) = select.finish(skip.min(SKIP_MAX), n.min(HITS_MAX));
        self.look("search pages", |connection| {
            let mut statement = connection.prepare(&sql)?;
            let heads = statement.query_map(params_from_iter(values), read_head)?;
            let mut cutter = Cutter::new(connection, words)?;
            heads.map(|head| cutter.hit(head?)).collect()
        })
    }
}

/// Cuts the snippets of the few pages that are shown, not of all that match.
struct Cutter<'c> {
    statement: Statement<'c>,
    words: Option<String>,
}

impl Cutter<'_> {
    fn new(connection: &Connection, words: Option<String>) -> Result<Cutter<'_>, rusqlite::Error> {
        let statement = connection.prepare(match words {
            Some(_) => {
                "SELECT plain, iif(length(plain) > ?3, NULL, highlight(found, 2, char(1), char(2))), \
                 iif(length(plain) > ?3, body, '') FROM found WHERE rowid = ?1 AND found MATCH ?2"
            }
            None => "SELECT plain, '', '' FROM found WHERE rowid = ?1",
        })?;
        Ok(Cutter { statement, words })
    }

    fn hit(&mut self, head: PageHead) -> Result<PageHit, rusqlite::Error> {
        let words = self.words.as_deref().unwrap_or_default();
        let cut = |row: &Row<'_>| {
            let (plain, marked): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let marked = match marked {
                Some(marked) => marked,
                None => snippet::marked(&row.get::<_, String>(2)?, words),
            };
            Ok(snippet::cut(&plain, &marked))
        };
        let snippet = match &self.words {
            Some(words) => self.statement.query_row(params![head.id.0, words, count(HIGHLIGHT_CHARS_MAX)], cut)?,
            None => self.statement.query_row([head.id.0], cut)?,
        };
        Ok(PageHit { head, snippet })
    }
}

/// A statement under construction.
struct Select {
    filters: Vec<String>,
    values: Vec<Value>,
    /// What the full-text index is asked for.
    words: Option<String>,
}

impl Select {
    /// `None` if nothing can match.
    fn of(query: &SearchQuery) -> Option<Select> {
        let mut select = Select { filters: Vec::new(), values: Vec::new(), words: None };
        let texts = query.words.iter().chain(&query.phrases);
        let wanted: Vec<String> = texts.filter_map(|text| expr::quoted(text)).collect();
        let unwanted: Vec<String> = query.exclude.iter().filter_map(|text| expr::quoted(text)).collect();
        if wanted.is_empty() && query.words.len() + query.phrases.len() > 0 {
            return None;
        }
        if !wanted.is_empty() {
            let words = wanted.join(" AND ");
            select.add("found MATCH ?", words.clone());
            select.words = Some(words);
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
        let order = if self.words.is_some() { "bm25(found, 10.0, 3.0, 1.0), p.name" } else { "p.name" };
        if self.filters.is_empty() {
            self.filters.push("1".to_owned());
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM found JOIN page AS p ON p.id = found.rowid \
             LEFT JOIN page AS t ON t.id = p.redirect WHERE {} ORDER BY {order} LIMIT ? OFFSET ?",
            self.filters.join(" AND ")
        );
        self.values.extend([Value::from(count(n)), Value::from(count(skip))]);
        (sql, self.values)
    }
}

#[cfg(test)]
mod tests;
