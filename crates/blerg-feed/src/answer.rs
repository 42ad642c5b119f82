//! Answers: a feed, a list of feeds or a style sheet, or 304 from one look-up. Start at [`answer`]. Whether a visitor's
//! copy is current is decided before any record is read, and before SQLite is opened for a search.

use std::sync::Arc;

use blerg_http::{Request, Response, Validators};
use blerg_store::{AuthorName, Cursor, ListKey, Reader, Store, Version};

use crate::cache::{Cache, Document};
use crate::failure::Failure;
use crate::feed::Feed;
use crate::format::Format;
use crate::fragment::Fragments;
use crate::id::Ids;
use crate::opml::{self, Outline, Subscriptions};
use crate::place::Place;
use crate::route::{Below, Wanted};
use crate::source::{Frame, Subject};
use crate::{atom, change, json, rss};

/// How long a reader or a cache may show what it has: news is that late at most, and a crowd asks once in that time.
const MAX_AGE: &str = "max-age=60";
/// The style sheet changes with the program only, but then it should soon.
const STYLE_MAX_AGE: &str = "max-age=3600";
/// For a document that a browser shows with its style sheet, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-ancestors 'none'";
/// Batches of the log that a search adds to the index at most before it answers from what there is.
const CATCH_UP_BATCHES: u64 = 4;
/// In place of a date that is not known yet: no `If-Modified-Since` is later.
const UNDATED_SECS: u64 = 253_402_300_799;

/// One request on its way.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a Arc<Store>,
    pub(crate) request: &'a Request,
    pub(crate) hub: Option<&'a str>,
    pub(crate) below: Below,
    pub(crate) cache: &'a Cache,
    pub(crate) fragments: &'a Fragments,
}

/// Answers what is wanted.
pub(crate) fn answer(call: &Call<'_>, wanted: Wanted) -> Result<Response, Failure> {
    match wanted {
        Wanted::Style => Ok(style(call.request)),
        Wanted::Changes(changes, format) => {
            let format = format.unwrap_or_else(|| Format::accepted(&call.request.headers));
            change::answer(call, &changes, format)
        }
        Wanted::Opml(name, format) => subscriptions(call, &name, format.unwrap_or(Format::Rss)),
        Wanted::Feed(source, format) => {
            let format = format.unwrap_or_else(|| Format::accepted(&call.request.headers));
            let reader = call.store.reader()?;
            let subject = Subject::find(&reader, source)?;
            feed(call, &reader, &subject, format)
        }
    }
}

fn feed(call: &Call<'_>, reader: &Reader, subject: &Subject, format: Format) -> Result<Response, Failure> {
    let before = before(call.request)?;
    let place = Place::of(call.request, call.below, call.hub);
    let mut etag = Etag::new(call, &place, format.ending());
    let version = reader.with_leavers(reader.undated_version_of(&subject.keys())?);
    // A search that has covered all of the log is current as long as the log is.
    let validators = undated(etag.of(&version));
    if call.request.not_modified(&validators) {
        return Ok(dressed(Response { headers: etag_alone(&validators), ..Response::text(304, "") }));
    }
    if matches!(subject, Subject::Search { .. }) {
        let cover = call.store.index_search(CATCH_UP_BATCHES)?;
        if !cover.is_complete() {
            etag.partly(cover.next.0);
        }
    }
    let mut version = reader.dated(version)?;
    version.changed_us = version.changed_us.max(subject.since_us());
    let now_us = call.request.now_us;
    let validators = Validators::new(etag.of(&version), version.changed_us, now_us);
    if call.request.not_modified(&validators) {
        return Ok(dressed(Response::not_modified(&validators)));
    }
    let ids = Ids::new(call.store.site_id()?);
    let (before, hub) = (before.as_ref(), call.hub);
    let fragments = call.fragments;
    let frame = Frame { place: &place, ids: &ids, format, fragments, before, hub, changed_us: version.changed_us };
    let url = subject.url(&frame, before);
    let document = match call.cache.get(&url, &validators.etag) {
        Some(document) => document,
        None => {
            let document = document(subject.feed(&frame, subject.page(call.store, reader, before)?)?, format)?;
            call.cache.put(&url, &validators.etag, &document);
            document
        }
    };
    let response = Response::new(200, format.type_for(&call.request.headers), document.body);
    Ok(dressed(response.validators(&validators).header("Link", document.link)))
}

/// The feed in its format, with the header `Link` that says the same of it.
pub(crate) fn document(feed: Feed, format: Format) -> Result<Document, Failure> {
    let body = match format {
        Format::Rss => rss::write(&feed)?,
        Format::Atom => atom::write(&feed)?,
        Format::Json => json::write(&feed).map_err(std::io::Error::from)?,
    };
    let links = [("hub", feed.links.hub), ("self", Some(feed.links.own)), ("next", feed.links.next)];
    let links = links.into_iter().filter_map(|(rel, url)| url.map(|url| format!("<{url}>; rel=\"{rel}\"")));
    Ok(Document { link: links.collect::<Vec<String>>().join(", "), body })
}

/// What every feed carries: for how long it is good, that the type depends on who asks, and that pages of other sites may
/// read it (readers in the browser do).
pub(crate) fn dressed(response: Response) -> Response {
    response
        .cache(MAX_AGE)
        .header("Vary", "Accept")
        .header("Access-Control-Allow-Origin", "*")
        .header("Content-Security-Policy", POLICY)
}

/// Whom a user follows.
fn subscriptions(call: &Call<'_>, name: &AuthorName, format: Format) -> Result<Response, Failure> {
    let reader = call.store.reader()?;
    let user = reader.author(name.as_str())?.ok_or_else(Failure::no_such_user)?;
    let place = Place::of(call.request, call.below, call.hub);
    let mut version = reader.dated(reader.with_leavers(reader.undated_version_of(&[ListKey::Follows(user.id)])?))?;
    version.changed_us = version.changed_us.max(user.created_us);
    let etag = Etag::new(call, &place, format.ending()).of(&version);
    let validators = Validators::new(format!("o{etag}"), version.changed_us, call.request.now_us);
    if call.request.not_modified(&validators) {
        return Ok(Response::not_modified(&validators).cache(MAX_AGE));
    }
    let mut feeds = Vec::new();
    for id in reader.following(user.id)? {
        if let Some(followed) = reader.author_by_id(id)? {
            let (path, query) = Subject::User(followed.clone()).path();
            let feed = place.feed(&path, format, &query, None);
            feeds.push(Outline { page: place.user(&followed.name), feed, title: followed.name });
        }
    }
    let title = format!("Whom {} follows on {}", user.name, place.host);
    let body = opml::write(&Subscriptions { title, owner: user.name, updated_us: version.changed_us, feeds })?;
    let response = Response::new(200, "text/x-opml; charset=utf-8", body).validators(&validators).cache(MAX_AGE);
    Ok(response.header("Content-Disposition", "attachment; filename=\"subscriptions.opml\""))
}

fn style(request: &Request) -> Response {
    let etag = format!("style-{:x}", fold(&[include_str!("style.css")]));
    let validators = undated(etag);
    let mut response = if request.not_modified(&validators) {
        Response::text(304, "")
    } else {
        Response::new(200, "text/css; charset=utf-8", include_bytes!("style.css").to_vec())
    };
    response.headers.extend(etag_alone(&validators));
    response.cache(STYLE_MAX_AGE)
}

/// With a date that is not known yet: no `If-Modified-Since` is later.
fn undated(etag: String) -> Validators {
    Validators { etag, last_modified_secs: UNDATED_SECS }
}

/// The ETag without a Last-Modified, which has not been looked up.
fn etag_alone(validators: &Validators) -> Vec<(&'static str, std::borrow::Cow<'static, str>)> {
    let mut headers = Response::not_modified(validators).headers;
    headers.retain(|(name, _)| *name == "ETag");
    headers
}

/// The parameter `before`: the record below which a page begins.
fn before(request: &Request) -> Result<Option<Cursor>, Failure> {
    let form = request.query_form();
    match form.get_bytes("before") {
        None | Some(b"") => Ok(None),
        Some(bytes) => {
            let cursor = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
            cursor.map(Some).ok_or_else(Failure::bad_before)
        }
    }
}

/// What tells versions of a feed apart: the lists it is made of, and all else that is written into it.
struct Etag {
    rest: String,
}

impl Etag {
    fn new(call: &Call<'_>, place: &Place, kind: &str) -> Etag {
        let links = [place.front(), &place.style(), call.hub.unwrap_or_default(), crate::place::GENERATOR];
        Etag { rest: format!("-{kind}{:x}", fold(&links)) }
    }

    /// The search index covers a part only: the answer has to be asked for again.
    fn partly(&mut self, next: u64) {
        self.rest.push_str(&format!("-c{next:x}"));
    }

    /// While a list was changed by what is not durable yet, the feed does not show the change although the list's mark
    /// has moved; the end of what is visible then tells it from the feed that will.
    fn of(&self, version: &Version) -> String {
        let Version { len, changed, stamp, .. } = version;
        let pending = if *changed >= stamp.visible { format!("-{:x}", stamp.visible.0) } else { String::new() };
        format!("{len:x}-{:x}-{:x}-{:x}{pending}{}", changed.0, stamp.generation, stamp.epoch, self.rest)
    }
}

/// FNV-1a, 64 bits: the visitor would deceive only himself.
pub(crate) fn fold(parts: &[&str]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}
