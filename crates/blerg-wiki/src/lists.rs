//! Lists of pages and changes: recent changes, all pages, wanted ones, orphans, and what links to a page. Start at
//! [`recent`]. Each is one look-up by an index, and 304 as long as nothing in the wiki has changed.

use blerg_http::Response;
use blerg_store::{ChangeCursor, LimitKind, PageName};
use maud::{Markup, html};

use crate::call::{Call, number};
use crate::change::{Named, line};
use crate::failure::Failure;
use crate::html::{Sheet, Tab, page};
use crate::place::encode;
use crate::time;
use crate::view::{name_list, page_link};

/// Entries of one page of a list.
pub(crate) const ENTRIES: usize = 100;

/// 304 as long as nothing in the wiki has changed, else a page.
pub(crate) fn listed(
    call: &Call<'_>,
    title: &str,
    build: impl FnOnce() -> Result<Markup, Failure>,
) -> Result<Response, Failure> {
    let etag = format!("w{:x}-{:x}", call.wiki()?.version()?, hash(&call.request.query));
    // No date: the list changes with what is taken away, too.
    call.unless_known(&etag, call.request.now_us, || {
        let body = build()?;
        let body = html! { h1 { (title) } (body) };
        Ok(page(call, &Sheet { title, ..Sheet::default() }, &body))
    })
}

/// Tells queries apart.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The name behind which the list goes on.
pub(crate) fn after(call: &Call<'_>) -> Option<PageName> {
    PageName::parse(call.query.get("after")?).ok()
}

/// The way on, behind a name.
fn more(call: &Call<'_>, list: &str, last: Option<&PageName>) -> Markup {
    html! {
        @if let Some(last) = last {
            p { a rel="next" href=(call.place.special(&format!("{list}?after={}", encode(last.as_str())))) { "More" } }
        }
    }
}

/// GET Special:Recent
pub(crate) fn recent(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    let before = call.query.get("before").and_then(|text| text.split_once('/'));
    let before = before.and_then(|(at, id)| Some(ChangeCursor { at_us: number(at)?, id: number(id)? }));
    let major = call.query.get("minor").is_some_and(|minor| minor == "0");
    listed(call, "Recent changes", || {
        let wiki = call.wiki()?;
        let mut changes =
            if major { wiki.recent_major(before, ENTRIES + 1)? } else { wiki.recent(before, ENTRIES + 1)? };
        let has_more = changes.len() > ENTRIES;
        changes.truncate(ENTRIES);
        let minor = if major { "&minor=0" } else { "" };
        let last = changes.last().filter(|_| has_more).map(ChangeCursor::of);
        Ok(html! {
            p.hint {
                @if major { a rel="nofollow" href=(call.place.special("Recent")) { "With minor changes" } }
                @else { a rel="nofollow" href=(call.place.special("Recent?minor=0")) { "Without minor changes" } }
                " · " a href=(call.place.feed("wiki.atom")) { "Feed" }
            }
            @if changes.is_empty() { p { "Nothing has been written yet." } }
            @for day in changes.chunk_by(|one, next| time::date(one.at_us) == time::date(next.at_us)) {
                @if let Some(first) = day.first() { h2 { (time::date(first.at_us)) } }
                ul { @for change in day { li { (line(call, change, Named::Yes)) } } }
            }
            @if let Some(ChangeCursor { at_us, id }) = last {
                p { a rel="next nofollow" href=(call.place.special(&format!("Recent?before={at_us}/{id}{minor}"))) { "Older changes" } }
            }
        })
    })
}

/// GET Special:All
pub(crate) fn all(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    let after = after(call);
    let deleted = call.query.get("deleted").is_some() && call.rules().may_administer(&call.editor());
    listed(call, if deleted { "Deleted pages" } else { "All pages" }, || {
        let wiki = call.wiki()?;
        let heads =
            if deleted { wiki.deleted(after.as_ref(), ENTRIES + 1)? } else { wiki.all(after.as_ref(), ENTRIES + 1)? };
        let mut names: Vec<PageName> = heads.into_iter().map(|head| head.name).collect();
        let last = cut(&mut names);
        Ok(html! {
            @if names.is_empty() { p { "There are none." } }
            (name_list(call, &names))
            (more(call, "All", last.as_ref()))
            @if !deleted && call.rules().may_administer(&call.editor()) {
                p { a href=(call.place.special("All?deleted=1")) { "Deleted pages" } }
            }
        })
    })
}

/// Takes away what is too much; the last name that is left, if there was more.
pub(crate) fn cut(names: &mut Vec<PageName>) -> Option<PageName> {
    let has_more = names.len() > ENTRIES;
    names.truncate(ENTRIES);
    names.last().filter(|_| has_more).cloned()
}

/// GET Special:Orphans
pub(crate) fn orphans(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    let after = after(call);
    listed(call, "Orphans", || {
        let mut names = call.wiki()?.orphans(after.as_ref(), ENTRIES + 1)?;
        let last = cut(&mut names);
        Ok(html! {
            p { "No other page links to these." }
            @if names.is_empty() { p { "There are none." } }
            (name_list(call, &names))
            (more(call, "Orphans", last.as_ref()))
        })
    })
}

/// GET Special:Wanted
pub(crate) fn wanted(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    let skip = call.number("skip").and_then(|skip| usize::try_from(skip).ok()).unwrap_or(0);
    listed(call, "Wanted pages", || {
        // All links are counted, however many are shown.
        call.spend_of(LimitKind::Look)?;
        let mut wanted = call.wiki()?.wanted(skip, ENTRIES + 1)?;
        let has_more = wanted.len() > ENTRIES;
        wanted.truncate(ENTRIES);
        Ok(html! {
            p { "Pages link to these, and nobody has written them yet." }
            @if wanted.is_empty() { p { "There are none." } }
            ul {
                @for one in &wanted {
                    li {
                        a.missing href=(call.place.page(&one.name)) { bdi { (one.name) } }
                        " " a.faint rel="nofollow" href=(call.place.action(&one.name, "links")) { (one.links) @if one.links == 1 { " link" } @else { " links" } }
                    }
                }
            }
            @if has_more { p { a rel="next" href=(call.place.special(&format!("Wanted?skip={}", skip + ENTRIES))) { "More" } } }
        })
    })
}

/// GET ?action=links
pub(crate) fn links(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    let after = after(call);
    let title = format!("What links to {name}");
    let etag = format!("w{:x}-{:x}", call.wiki()?.version()?, hash(&call.request.query));
    call.unless_known(&etag, call.request.now_us, || {
        let wiki = call.wiki()?;
        let mut names = wiki.backlinks(name, after.as_ref(), ENTRIES + 1)?;
        let last = cut(&mut names);
        let redirects = if after.is_none() { wiki.redirects(name, None, ENTRIES)? } else { Vec::new() };
        let body = html! {
            h1 { "What links to " (page_link(call, name)) }
            @if names.is_empty() { p { "No page does." } }
            (name_list(call, &names))
            @if let Some(last) = last {
                p { a rel="next nofollow" href=(call.place.action(name, &format!("links&after={}", encode(last.as_str())))) { "More" } }
            }
            @if !redirects.is_empty() { h2 { "Names that lead to it" } (name_list(call, &redirects)) }
        };
        Ok(page(call, &Sheet { title: &title, about: Some((name, Tab::Read)), canonical: None }, &body))
    })
}
