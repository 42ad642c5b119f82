//! What follows from a page's text: its html, its links, tags and mentions, and its words in the full-text index. Start
//! at [`Rendered`], which whoever saves a text hands over. It is there for living pages only.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::PageName;
use crate::search::fold;

/// Most different pages that one page may link to, and most tags and mentions of it: a bound on the work of one save.
/// What comes after them in the text is shown, but not listed.
pub const PAGE_LINKS_MAX: usize = 4_096;

/// A link from one page to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageLink {
    /// Where it leads.
    pub target: PageName,
    /// Whether that page was there ([`Wiki::targets`](crate::Wiki::targets)) when the html was made.
    pub existed: bool,
}

/// All that a page's text leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Which version of the renderer made it; [`PageView`](crate::PageView) tells it, so that a new renderer renders anew.
    pub renderer: u32,
    /// The html.
    pub html: String,
    /// The text without its marks: what is searched, and what snippets are cut from.
    pub plain: String,
    /// Its headings, which count more in a search.
    pub headings: Vec<String>,
    /// The pages it links to.
    pub links: Vec<PageLink>,
    /// Its tags, without `#`, in the spelling of the text.
    pub tags: Vec<String>,
    /// Whom it mentions, without `@`.
    pub mentions: Vec<String>,
}

/// Replaces all that followed from the page's earlier text. Pages that are linked to now and were not before, or the
/// other way round, show other backlinks, so their versions move.
pub(crate) fn replace(
    transaction: &Connection,
    page: i64,
    name: &PageName,
    rendered: &Rendered,
    change: i64,
) -> Result<(), rusqlite::Error> {
    let links: Vec<&PageLink> = rendered.links.iter().take(PAGE_LINKS_MAX).collect();
    let before = targets(transaction, page)?;
    let after: BTreeSet<&str> = links.iter().map(|link| link.target.as_str()).collect();
    clear(transaction, page)?;
    insert_words(transaction, page, name, rendered)?;
    insert_lists(transaction, page, name, &after, rendered)?;
    let html = "INSERT INTO shown (page, renderer, html) VALUES (?1, ?2, ?3)";
    transaction.execute(html, params![page, rendered.renderer, rendered.html])?;
    let mut touch = transaction.prepare("UPDATE page SET version = ?2 WHERE name = ?1")?;
    for gone in before.iter().filter(|target| !after.contains(target.as_str())) {
        touch.execute(params![gone, change])?;
    }
    for new in after.iter().filter(|target| !before.contains(**target)) {
        touch.execute(params![new, change])?;
    }
    mark_if_outdated(transaction, page, &links, change)
}

/// A link's target may have come or gone between rendering and saving.
fn mark_if_outdated(
    transaction: &Connection,
    page: i64,
    links: &[&PageLink],
    change: i64,
) -> Result<(), rusqlite::Error> {
    let mut look = transaction.prepare("SELECT 1 FROM page WHERE name = ?1 AND deleted = 0")?;
    for link in links {
        let exists = look.query_row([link.target.as_str()], |_| Ok(())).optional()?.is_some();
        if exists != link.existed {
            transaction.execute("UPDATE page SET stale = ?2 WHERE id = ?1", [page, change])?;
            return Ok(());
        }
    }
    Ok(())
}

/// The names that a page links to.
fn targets(transaction: &Connection, page: i64) -> Result<BTreeSet<String>, rusqlite::Error> {
    let mut statement = transaction.prepare("SELECT target FROM link WHERE page = ?1")?;
    statement.query_map([page], |row| row.get(0))?.collect()
}

fn insert_words(
    transaction: &Connection,
    page: i64,
    name: &PageName,
    rendered: &Rendered,
) -> Result<(), rusqlite::Error> {
    let words = "INSERT INTO found (rowid, title, headings, body, plain) VALUES (?1, ?2, ?3, ?4, ?5)";
    let plain = searchable(&rendered.plain);
    let headings = searchable(&rendered.headings.join("\n"));
    let values = params![page, fold::fold(name.as_str()), fold::fold(&headings), fold::fold(&plain), plain];
    transaction.execute(words, values).map(|_| ())
}

/// The text with its control characters as spaces: two of them mark what a search found.
pub(crate) fn searchable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_control() && c != '\n' { ' ' } else { c }).collect()
}

fn insert_lists(
    transaction: &Connection,
    page: i64,
    name: &PageName,
    links: &BTreeSet<&str>,
    rendered: &Rendered,
) -> Result<(), rusqlite::Error> {
    let mut insert = transaction.prepare("INSERT INTO link (page, target, name) VALUES (?1, ?2, ?3)")?;
    for target in links {
        insert.execute(params![page, target, name.as_str()])?;
    }
    let mut insert = transaction.prepare("INSERT OR IGNORE INTO tag (page, tag, spelling) VALUES (?1, ?2, ?3)")?;
    for tag in rendered.tags.iter().take(PAGE_LINKS_MAX) {
        insert.execute(params![page, tag.to_ascii_lowercase(), tag])?;
    }
    let mut insert = transaction.prepare("INSERT OR IGNORE INTO mention (page, name) VALUES (?1, ?2)")?;
    for mention in rendered.mentions.iter().take(PAGE_LINKS_MAX) {
        insert.execute(params![page, mention.to_ascii_lowercase()])?;
    }
    Ok(())
}

/// Takes away all that followed from a page's text; its backlinks go from the pages it linked to.
pub(crate) fn remove(transaction: &Connection, page: i64, change: i64) -> Result<(), rusqlite::Error> {
    touch_targets(transaction, page, change)?;
    clear(transaction, page)
}

/// Moves the versions of all pages that a page links to: what they show of it has changed.
pub(crate) fn touch_targets(transaction: &Connection, page: i64, change: i64) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE page SET version = ?2 WHERE name IN (SELECT target FROM link WHERE page = ?1)";
    transaction.execute(sql, [page, change]).map(|_| ())
}

fn clear(transaction: &Connection, page: i64) -> Result<(), rusqlite::Error> {
    for sql in [
        "DELETE FROM shown WHERE page = ?1",
        "DELETE FROM link WHERE page = ?1",
        "DELETE FROM tag WHERE page = ?1",
        "DELETE FROM mention WHERE page = ?1",
        "DELETE FROM found WHERE rowid = ?1",
    ] {
        transaction.execute(sql, [page])?;
    }
    Ok(())
}

/// A page of that name came or went: the html of the pages that link to it is stale.
pub(crate) fn mark_links_to(transaction: &Connection, name: &PageName, change: i64) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE page SET stale = ?2, version = ?2 WHERE id IN (SELECT page FROM link WHERE target = ?1)";
    transaction.execute(sql, params![name.as_str(), change]).map(|_| ())
}

/// A page has another name: the full-text index and the lists of backlinks learn it.
pub(crate) fn retitle(transaction: &Connection, page: i64, name: &PageName) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE found SET title = ?2 WHERE rowid = ?1";
    transaction.execute(sql, params![page, fold::fold(name.as_str())])?;
    transaction.execute("UPDATE link SET name = ?2 WHERE page = ?1", params![page, name.as_str()]).map(|_| ())
}

/// Whether the html at hand is of the page's text, and nothing has happened since.
pub(crate) fn is_current(transaction: &Connection, page: i64, stale: i64, text: i64) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT 1 FROM page WHERE id = ?1 AND stale = ?2 AND text = ?3 AND deleted = 0 AND redirect IS NULL";
    Ok(transaction.query_row(sql, [page, stale, text], |_| Ok(())).optional()?.is_some())
}

/// Sets a page's version, and that nothing about its html is stale.
pub(crate) fn freshen(transaction: &Connection, page: i64, change: i64) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE page SET stale = 0, version = ?2 WHERE id = ?1";
    transaction.execute(sql, [page, change]).map(|_| ())
}
