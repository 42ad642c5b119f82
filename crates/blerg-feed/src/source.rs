//! From a source to a feed's content: [`Subject`] knows what a feed depends on before anything is built, and then builds
//! it. A new source is one more way to make a `Subject` and one more arm in `Subject::page`.

use std::io;

use blerg_markup::{Places, first_of_each, occurrences, post_html_of, post_title};
use blerg_store::{AuthorView, Cursor, ListKey, Page, Post, Reader, SearchQuery, Store, TagKey};

use crate::failure::Failure;
use crate::feed::{Entry, Feed, Links, Person};
use crate::format::Format;
use crate::fragment::Fragments;
use crate::id::Ids;
use crate::place::{Place, encode};
use crate::route::{Source, tag_path};

/// Records in one page of a feed: what the API gives, too.
const PAGE_RECORDS: usize = 50;

/// A source that was looked up.
#[derive(Debug)]
pub(crate) enum Subject {
    User(AuthorView),
    Tags(Vec<TagKey>),
    Latest,
    Search { text: String, query: SearchQuery },
}

impl Subject {
    /// Looks up what a path names.
    pub(crate) fn find(reader: &Reader, source: Source) -> Result<Subject, Failure> {
        Ok(match source {
            Source::User(name) => Subject::User(reader.author(name.as_str())?.ok_or_else(Failure::no_such_user)?),
            Source::Tags(tags) => Subject::Tags(tags),
            Source::Latest => Subject::Latest,
            Source::Search(text) => {
                let query = SearchQuery::parse(&text).map_err(|error| Failure::bad_query(error.to_string()))?;
                Subject::Search { text, query }
            }
        })
    }

    /// The lists that the feed is made of.
    pub(crate) fn keys(&self) -> Vec<ListKey<'_>> {
        match self {
            Subject::User(user) => vec![ListKey::Timeline(user.id)],
            Subject::Tags(tags) => tags.iter().map(TagKey::list_key).collect(),
            // Every put, edit and delete moves the list of all records.
            Subject::Latest | Subject::Search { .. } => vec![ListKey::Latest],
        }
    }

    /// The feed is no older than this.
    pub(crate) fn since_us(&self) -> u64 {
        if let Subject::User(user) = self { user.created_us } else { 0 }
    }

    /// What the feed's addresses in all formats share, encoded: the path below the prefix, and the query.
    pub(crate) fn path(&self) -> (String, String) {
        match self {
            Subject::User(user) => (format!("user/{}", encode(&user.name)), String::new()),
            Subject::Tags(tags) => (format!("tag/{}", tags_path(tags)), String::new()),
            Subject::Latest => ("latest".to_owned(), String::new()),
            Subject::Search { text, .. } => ("search".to_owned(), format!("?q={}", encode(text))),
        }
    }

    /// Where a page of the feed is.
    pub(crate) fn url(&self, frame: &Frame<'_>, before: Option<&Cursor>) -> String {
        let (path, query) = self.path();
        frame.place.feed(&path, frame.format, &query, before)
    }

    /// A page of records.
    pub(crate) fn page(&self, store: &Store, reader: &Reader, before: Option<&Cursor>) -> Result<Page, Failure> {
        let page = match self {
            Subject::User(user) => reader.timeline(user.id, before, PAGE_RECORDS),
            Subject::Tags(tags) => reader.tag_page(tags, before, PAGE_RECORDS),
            Subject::Latest => reader.latest(before, PAGE_RECORDS),
            Subject::Search { query, .. } => store.search(query, before, PAGE_RECORDS),
        };
        page.map_err(|error| if error.is_not_found() { Failure::bad_before() } else { Failure::from(error) })
    }

    /// The feed with these records.
    ///
    /// # Errors
    /// An entry cannot be written.
    pub(crate) fn feed(&self, frame: &Frame<'_>, page: Page) -> Result<Feed, io::Error> {
        let Frame { place, ids, before, hub, changed_us, .. } = *frame;
        let (path, query) = self.path();
        let (title, description, home) = self.words(place);
        let updated_us = page.posts.iter().map(updated_us).max().unwrap_or(changed_us);
        let written = |post| frame.fragments.of(post, frame.format, place, ids);
        let entries = page.posts.into_iter().map(written).collect::<Result<_, io::Error>>()?;
        let url = |cursor: Option<&Cursor>| self.url(frame, cursor);
        Ok(Feed {
            id: ids.feed(&format!("{}{query}", path.to_ascii_lowercase())),
            title,
            description,
            page: home,
            updated_us,
            author: match self {
                Subject::User(user) => Some(person(&user.name, place)),
                _ => None,
            },
            entries,
            links: Links {
                own: url(before),
                first: before.map(|_| url(None)),
                next: page.next.as_ref().map(|next| url(Some(next))),
                hub: hub.map(str::to_owned),
                style: place.style(),
            },
        })
    }

    /// The feed's title, what it is, and the page that it is the feed of.
    fn words(&self, place: &Place) -> (String, String, String) {
        let host = &place.host;
        match self {
            Subject::User(user) => {
                let name = &user.name;
                (format!("{name} on {host}"), format!("What {name} writes on {host}"), place.user(name))
            }
            Subject::Tags(tags) => {
                let shown = shown(tags);
                let page = place.tags(&tags_view(tags));
                (format!("{shown} on {host}"), format!("What is written on {host} with {shown}"), page)
            }
            Subject::Latest => (host.clone(), format!("What everybody writes on {host}"), place.front().to_owned()),
            Subject::Search { text, .. } => {
                let text = post_title(text).unwrap_or_default();
                let page = place.search(&text);
                (format!("“{text}” on {host}"), format!("What is found on {host} by searching for “{text}”"), page)
            }
        }
    }
}

/// What a feed is told besides its records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) place: &'a Place,
    pub(crate) ids: &'a Ids,
    pub(crate) format: Format,
    pub(crate) fragments: &'a Fragments,
    pub(crate) before: Option<&'a Cursor>,
    pub(crate) hub: Option<&'a str>,
    pub(crate) changed_us: u64,
}

fn tags_path(tags: &[TagKey]) -> String {
    tags.iter().map(tag_path).collect::<Vec<String>>().join(",")
}

/// Tags as the client's view of them has them.
fn tags_view(tags: &[TagKey]) -> String {
    let written = tags.iter().map(|tag| match tag {
        TagKey::Tag(name) => name.clone(),
        TagKey::Mention(name) => format!("@{name}"),
    });
    written.collect::<Vec<String>>().join(",")
}

fn shown(tags: &[TagKey]) -> String {
    let with_sigil = tags.iter().map(|tag| match tag {
        TagKey::Tag(name) => format!("#{name}"),
        TagKey::Mention(name) => format!("@{name}"),
    });
    with_sigil.collect::<Vec<String>>().join(" ")
}

fn person(name: &str, place: &Place) -> Person {
    Person { name: name.to_owned(), page: place.user(name) }
}

/// When it was edited last, or written; an imported record may bear any date.
fn updated_us(post: &Post) -> u64 {
    post.edited_us.map_or(post.timestamp_us, |edited_us| edited_us.max(post.timestamp_us))
}

/// The record as an entry.
pub(crate) fn entry(post: &Post, place: &Place, ids: &Ids) -> Entry {
    let Post { author_name, record, timestamp_us, text, .. } = post;
    let author = person(author_name, place);
    let places = Places { tag: &place.tag, mention: &place.user };
    let found = occurrences(text);
    let tags = first_of_each(text, &found);
    let tags = tags.iter().filter_map(|span| span.text(text)?.strip_prefix('#'));
    Entry {
        id: ids.record(author_name, record.0, *timestamp_us),
        page: author.record(record.0),
        title: post_title(text).unwrap_or_else(|| format!("Post {} by {author_name}", record.0)),
        html: post_html_of(text, &found, &places),
        author,
        published_us: *timestamp_us,
        updated_us: updated_us(post),
        tags: tags.map(str::to_owned).collect(),
        text: text.clone(),
    }
}
