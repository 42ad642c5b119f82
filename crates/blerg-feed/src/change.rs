//! Feeds of the wiki: its changes, and those of one page. Start at [`answer`]. Each change is an entry that leads to what it
//! changed. There are none where visitors without an account may not read the wiki.

use std::io;

use blerg_http::{Response, Validators};
use blerg_markup::escape;
use blerg_store::{ChangeCursor, ChangeKind, Editor, PageChange, PageHead, PageName, Wiki};

use crate::answer::{Call, document, dressed, fold};
use crate::failure::Failure;
use crate::feed::{Entry, Feed, Links, Person};
use crate::format::Format;
use crate::fragment::{Written, write};
use crate::id::Ids;
use crate::place::{GENERATOR, Place, encode};

/// Changes in one page of a feed.
const PAGE_CHANGES: usize = 50;

/// Whose changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// All pages'.
    Wiki,
    /// One page's.
    Page(PageName),
}

/// What a feed is made of.
struct Source<'w> {
    wiki: Wiki<'w>,
    /// The page, if it is one's.
    head: Option<PageHead>,
    place: Place,
    format: Format,
    /// Where it goes on, as it was asked for.
    before: Option<String>,
}

/// The feed in a format.
pub(crate) fn answer(call: &Call<'_>, changes: &Changes, format: Format) -> Result<Response, Failure> {
    if !call.store.settings().wiki.may_read(&Editor::Anonymous) {
        return Err(Failure::not_for_all());
    }
    let wiki = call.store.wiki()?;
    let head = match changes {
        Changes::Wiki => None,
        Changes::Page(name) => Some(living(wiki, name)?),
    };
    let version = match &head {
        None => wiki.version()?,
        Some(head) => head.version,
    };
    let form = call.request.query_form();
    let before = form.get("before").filter(|before| !before.is_empty()).map(str::to_owned);
    let place = Place::of(call.request, call.below, None);
    let links = fold(&[place.front(), &place.style(), GENERATOR, before.as_deref().unwrap_or_default()]);
    let etag = format!("w{version:x}-{}{links:x}", format.ending());
    let source = Source { wiki, head, place, format, before };
    let (changes, next) = source.changes()?;
    let changed_us = changes.iter().map(|change| change.at_us).max().unwrap_or(0);
    let validators = Validators::new(etag, changed_us, call.request.now_us);
    if call.request.not_modified(&validators) {
        return Ok(dressed(Response::not_modified(&validators)));
    }
    let ids = Ids::new(call.store.site_id()?);
    let document = document(source.feed(&ids, &changes, next.as_deref())?, format)?;
    let response = Response::new(200, format.type_for(&call.request.headers), document.body);
    Ok(dressed(response.validators(&validators).header("Link", document.link)))
}

/// The page of that name, or the one that the name leads to.
fn living(wiki: Wiki<'_>, name: &PageName) -> Result<PageHead, Failure> {
    let head = wiki.head(name)?.ok_or_else(Failure::no_such_page)?;
    let head = match &head.redirect {
        Some(to) => wiki.head(to)?.ok_or_else(Failure::no_such_page)?,
        None => head,
    };
    if head.is_deleted { Err(Failure::no_such_page()) } else { Ok(head) }
}

impl Source<'_> {
    /// A page of changes, and where it goes on.
    fn changes(&self) -> Result<(Vec<PageChange>, Option<String>), Failure> {
        let wanted = PAGE_CHANGES + 1;
        let mut changes = match &self.head {
            None => self.wiki.recent(self.cursor()?, wanted)?,
            Some(head) => {
                let before = self.before.as_deref().map(|text| text.parse().map_err(|_| Failure::bad_before()));
                self.wiki.history(&head.name, before.transpose()?, wanted)?
            }
        };
        let has_more = changes.len() > PAGE_CHANGES;
        changes.truncate(PAGE_CHANGES);
        let next = changes.last().filter(|_| has_more).map(|last| match &self.head {
            None => format!("{}/{}", last.at_us, last.id),
            Some(_) => last.rev.to_string(),
        });
        Ok((changes, next))
    }

    fn cursor(&self) -> Result<Option<ChangeCursor>, Failure> {
        let Some(text) = &self.before else { return Ok(None) };
        let parts = text.split_once('/').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
        let (at_us, id) = parts.ok_or_else(Failure::bad_before)?;
        Ok(Some(ChangeCursor { at_us, id }))
    }

    fn feed(&self, ids: &Ids, changes: &[PageChange], next: Option<&str>) -> Result<Feed, io::Error> {
        let host = &self.place.host;
        let (path, title, page) = match &self.head {
            None => ("wiki".to_owned(), format!("The wiki of {host}"), self.address("Special:Recent")),
            Some(head) => {
                let name = encode(&head.name.underscored());
                (format!("page/{name}"), format!("{} on {host}", head.name), self.address(&name))
            }
        };
        let url = |before: Option<&str>| {
            let url = self.place.feed(&path, self.format, "", None);
            before.map_or_else(|| url.clone(), |before| format!("{url}?before={before}"))
        };
        let written = |change: &PageChange| write(&self.entry(ids, change), self.format);
        Ok(Feed {
            id: ids.feed(&path),
            description: format!("What changes in {}", title.trim_start_matches("The ")),
            title,
            page,
            updated_us: changes.iter().map(|change| change.at_us).max().unwrap_or(0),
            author: None,
            entries: changes.iter().map(written).collect::<Result<Vec<Written>, io::Error>>()?,
            links: Links {
                own: url(self.before.as_deref()),
                first: self.before.as_ref().map(|_| url(None)),
                next: next.map(|next| url(Some(next))),
                hub: None,
                style: self.place.style(),
            },
        })
    }

    fn address(&self, path: &str) -> String {
        format!("{}wiki/{path}", self.place.front())
    }

    fn entry(&self, ids: &Ids, change: &PageChange) -> Entry {
        let PageChange { name, rev, .. } = change;
        let page = encode(&name.underscored());
        let query = if has_text(&change.kind) && *rev > 1 {
            format!("?action=diff&from={}&to={rev}", rev - 1)
        } else {
            format!("?rev={rev}")
        };
        let author = match &change.author {
            Some(author) => Person { name: author.clone(), page: self.place.user(author) },
            None => Person { name: "somebody".to_owned(), page: self.address(&page) },
        };
        let what = what(&change.kind);
        let text = if change.summary.is_empty() { what } else { format!("{what}: {}", change.summary) };
        let mut html = String::from("<p dir=\"auto\">");
        escape(&text, &mut html);
        html.push_str("</p>");
        Entry {
            id: ids.change(change.id),
            page: self.address(&format!("{page}{query}")),
            title: if change.summary.is_empty() { name.to_string() } else { format!("{name}: {}", change.summary) },
            html,
            text,
            author,
            published_us: change.at_us,
            updated_us: change.at_us,
            tags: Vec::new(),
        }
    }
}

fn has_text(kind: &ChangeKind) -> bool {
    matches!(kind, ChangeKind::Edit | ChangeKind::Revert { .. } | ChangeKind::Import)
}

fn what(kind: &ChangeKind) -> String {
    match kind {
        ChangeKind::Edit => "Edited".to_owned(),
        ChangeKind::Revert { rev } => format!("Back to revision {rev}"),
        ChangeKind::Rename { from, to } => format!("Renamed from {from} to {to}"),
        ChangeKind::Redirect { to } => format!("Leads to {to}"),
        ChangeKind::Delete => "Deleted".to_owned(),
        ChangeKind::Undelete => "Undeleted".to_owned(),
        ChangeKind::Protect(None) => "Protection removed".to_owned(),
        ChangeKind::Protect(Some(who)) => format!("Protected: only {} may edit", who.as_str()),
        ChangeKind::Attach { file } => format!("Attached {file}"),
        ChangeKind::Detach { file } => format!("Deleted the file {file}"),
        ChangeKind::Reattach { file } => format!("Undeleted the file {file}"),
        ChangeKind::Import => "Imported".to_owned(),
    }
}
