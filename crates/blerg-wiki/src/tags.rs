//! Tags: all that pages have, and for one of them the pages and the posts that have it. Start at [`show`]. A tag is the same
//! on a page and in a post; posts come from the log, pages from the wiki.

use blerg_http::Response;
use blerg_markup::{Places, is_tag_name, post_html};
use blerg_store::{PageName, Post, TagKey};
use maud::{Markup, PreEscaped, html};

use crate::call::Call;
use crate::failure::Failure;
use crate::html::{Sheet, moment, page};
use crate::lists::{ENTRIES, after, cut, hash, listed};
use crate::place::encode;
use crate::view::name_list;

/// Posts that are shown; the client has the others.
const POSTS: usize = 20;

/// GET Special:Tags and Special:Tags/(name)
pub(crate) fn show(call: &Call<'_>, name: &str) -> Result<Response, Failure> {
    if name.is_empty() { all(call) } else { one(call, name) }
}

fn all(call: &Call<'_>) -> Result<Response, Failure> {
    let after = call.query.get("after").map(str::to_owned);
    listed(call, "Tags", || {
        let mut tags = call.wiki()?.tags(after.as_deref(), ENTRIES + 1)?;
        let has_more = tags.len() > ENTRIES;
        tags.truncate(ENTRIES);
        let last = tags.last().filter(|_| has_more).map(|tag| tag.name.clone());
        Ok(html! {
            @if tags.is_empty() { p { "No page has a tag yet." } }
            ul.cols {
                @for tag in &tags {
                    li { a href=(call.place.special(&format!("Tags/{}", tag.name))) { "#" (tag.name) } " " span.faint { (tag.pages) } }
                }
            }
            @if let Some(last) = last { p { a rel="next" href=(call.place.special(&format!("Tags?after={}", encode(&last)))) { "More" } } }
        })
    })
}

fn one(call: &Call<'_>, name: &str) -> Result<Response, Failure> {
    if !is_tag_name(name) {
        return Err(Failure::missing("A tag is 1 to 64 characters of 0-9 A-Z a-z - and _."));
    }
    let tag = TagKey::Tag(name.to_owned());
    let reader = call.store.reader()?;
    let posts = reader.with_leavers(reader.undated_version_of(&[tag.list_key()])?);
    let (len, changed, stamp) = (posts.len, posts.changed.0, posts.stamp);
    let pages = call.wiki()?.version()?;
    let etag = format!("t{pages:x}-{len:x}-{changed:x}-{:x}-{:x}-{:x}", stamp.visible.0, stamp.generation, stamp.epoch);
    call.unless_known(&format!("{etag}-{:x}", hash(&call.request.query)), call.request.now_us, || {
        let found = reader.tag_page(std::slice::from_ref(&tag), None, POSTS)?.posts;
        let title = format!("#{name}");
        let body = html! {
            h1 { (title) }
            h2 { "Pages" }
            (pages_with(call, name)?)
            h2 { "Posts" }
            @if found.is_empty() { p { "No post has this tag." } }
            (posts_of(call, &found))
            p { a href={ (call.place.site) "#tag/" (name) } { "All posts with " (title) } }
        };
        Ok(page(call, &Sheet { title: &title, ..Sheet::default() }, &body))
    })
}

fn pages_with(call: &Call<'_>, tag: &str) -> Result<Markup, Failure> {
    let heads = call.wiki()?.tagged(tag, after(call).as_ref(), ENTRIES + 1)?;
    let mut names: Vec<PageName> = heads.into_iter().map(|head| head.name).collect();
    let last = cut(&mut names);
    Ok(html! {
        @if names.is_empty() { p { "No page has this tag." } }
        (name_list(call, &names))
        @if let Some(last) = last {
            p { a rel="next" href=(call.place.special(&format!("Tags/{tag}?after={}", encode(last.as_str())))) { "More" } }
        }
    })
}

/// Posts, newest first.
pub(crate) fn posts_of(call: &Call<'_>, posts: &[Post]) -> Markup {
    let (tag, mention) = (call.place.special("Tags/"), call.place.special("User/"));
    html! {
        @for post in posts {
            article.post {
                (PreEscaped(post_html(&post.text, &Places { tag: &tag, mention: &mention })))
                p.hint {
                    a href={ (call.place.user(&post.author_name)) "/" (post.record.0) } {
                        bdi { (post.author_name) } ", " (moment(post.timestamp_us))
                    }
                }
            }
        }
    }
}
