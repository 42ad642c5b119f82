//! From a path to what is wanted: which source, in which format. Start at [`find`].
//! Paths arrive decoded, below `/rss/` (or `/rss.cgi/`, which other front ends keep from the original), or bare where
//! `rss.cgi` itself is asked. A trailing `.rss`, `.atom` or `.json` is always the format.

use blerg_http::Request;
use blerg_store::{AuthorName, PageName, TAGS_MAX, TagKey};

use crate::change::Changes;
use crate::failure::Failure;
use crate::format::Format;

/// What a feed of records is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A user's records.
    User(AuthorName),
    /// Records with all of these tags.
    Tags(Vec<TagKey>),
    /// Everybody's records.
    Latest,
    /// Records that match a search.
    Search(String),
}

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A feed; without a format, `Accept` chooses.
    Feed(Source, Option<Format>),
    /// Changes of the wiki; without a format, `Accept` chooses.
    Changes(Changes, Option<Format>),
    /// Whom a user follows, as feeds of this format.
    Opml(AuthorName, Option<Format>),
    /// What makes feeds readable in a browser.
    Style,
}

/// How the path names feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    /// `/rss/…`, also where it was written `/rss.cgi/…`.
    Rss,
    /// The program's own path has come before.
    Nothing,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) below: Below,
    pub(crate) wanted: Wanted,
}

impl Wanted {
    /// Whether it waits for SQLite, or reads much.
    pub(crate) fn is_slow(&self) -> bool {
        matches!(self, Wanted::Feed(Source::Search(_), _) | Wanted::Changes(..) | Wanted::Opml(..))
    }
}

/// Whether a path (as in [`Request::path`]) is one of the feeds'.
#[must_use]
pub fn has(path: &str) -> bool {
    below(path).is_some()
}

/// What follows `/rss` or `/rss.cgi`.
fn below(path: &str) -> Option<&str> {
    let rest = ["/rss.cgi", "/rss"].iter().find_map(|prefix| path.strip_prefix(prefix))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// What a request asks for.
pub(crate) fn find(request: &Request) -> Result<Target, Failure> {
    let (below, path) = match below(&request.path) {
        Some(rest) => (Below::Rss, rest),
        None => (Below::Nothing, request.path.as_str()),
    };
    let wanted = wanted(request, path.strip_prefix('/').unwrap_or(path))?;
    Ok(Target { below, wanted })
}

fn wanted(request: &Request, path: &str) -> Result<Wanted, Failure> {
    if path == "style.css" {
        return Ok(Wanted::Style);
    }
    let (path, format) = Format::split(path);
    let source = match path.split_once('/') {
        Some(("user", name)) => Source::User(user(name)?),
        Some(("tag", tags)) => Source::Tags(read_tags(tags)?),
        Some(("page", name)) => {
            let name = PageName::parse(name).map_err(|_| Failure::no_such_page())?;
            return Ok(Wanted::Changes(Changes::Page(name), format));
        }
        None if path == "wiki" => return Ok(Wanted::Changes(Changes::Wiki, format)),
        Some(("opml", name)) => return Ok(Wanted::Opml(user(name)?, format)),
        None if path == "latest" => Source::Latest,
        None if path == "search" => Source::Search(parameter(request, "q").ok_or_else(Failure::no_query)?),
        // The original's form: `rss.cgi?user=NAME`.
        None if path.is_empty() => Source::User(user(&parameter(request, "user").ok_or_else(Failure::not_found)?)?),
        _ => return Err(Failure::not_found()),
    };
    Ok(Wanted::Feed(source, format))
}

fn parameter(request: &Request, name: &str) -> Option<String> {
    request.query_form().get(name).map(str::to_owned)
}

fn user(name: &str) -> Result<AuthorName, Failure> {
    AuthorName::parse(name).map_err(|_| Failure::no_such_user())
}

/// Folded and in order, so that one feed has one address.
fn read_tags(text: &str) -> Result<Vec<TagKey>, Failure> {
    let folded = text.split(',').map(|tag| {
        Ok(match tag.parse().map_err(|_| Failure::bad_tag())? {
            TagKey::Tag(name) => TagKey::Tag(name.to_ascii_lowercase()),
            TagKey::Mention(name) => TagKey::Mention(name.to_ascii_lowercase()),
        })
    });
    let mut tags = folded.collect::<Result<Vec<TagKey>, Failure>>()?;
    tags.sort_by_cached_key(tag_path);
    tags.dedup();
    if tags.len() > TAGS_MAX { Err(Failure::bad_tag()) } else { Ok(tags) }
}

/// A tag in a path: with `H`, which no rewriting rule of any server loses.
pub(crate) fn tag_path(tag: &TagKey) -> String {
    match tag {
        TagKey::Tag(name) => format!("H{name}"),
        TagKey::Mention(name) => format!("@{name}"),
    }
}
