//! Searching pages. Start at [`search`]; the grammar of a query, the ranking and the snippets are the store's.

use blerg_http::Response;
use blerg_store::{LimitKind, PageName, SearchQuery, Snippet};
use maud::{Markup, html};

use crate::call::Call;
use crate::failure::Failure;
use crate::html::{Sheet, moment, page};
use crate::place::encode;
use crate::view::page_link;

/// Pages found on one page of results.
const HITS: usize = 20;

/// Results further back than this are found by a better query.
const PAGES_MAX: usize = 50;

/// GET Special:Search?q=
pub(crate) fn search(call: &Call<'_>, _: &str) -> Result<Response, Failure> {
    let text = call.query.get("q").unwrap_or_default().trim();
    let title = if text.is_empty() { "Search".to_owned() } else { format!("Search: {text}") };
    let (status, found) = match results(call, text) {
        Ok(found) => (200, found),
        Err(failure) if failure.status == 400 => (400, html! { p.note role="alert" { (failure.reason) } }),
        Err(failure) => return Err(failure),
    };
    let body = html! {
        h1 { "Search" }
        form role="search" aria-label="Pages" action=(call.place.special("Search")) {
            p.row {
                label for="q" { "Words" }
                input #q type="search" name="q" value=(text) maxlength="200" dir="auto";
                button.main { "Search" }
            }
        }
        (found)
        p.hint { "\"words in this order\", -without, #tag, @user. " a href={ (call.place.site) "#search?q=" (encode(text)) } { "Search the posts" } }
    };
    Ok(call.kept(page(call, &Sheet { title: &title, ..Sheet::default() }, &body).status(status)))
}

fn results(call: &Call<'_>, text: &str) -> Result<Markup, Failure> {
    if text.is_empty() {
        return Ok(html! {});
    }
    call.spend_of(LimitKind::Look)?;
    let query =
        SearchQuery::parse(text).map_err(|error| Failure::bad(format!("The search cannot be understood: {error}.")))?;
    let at = call.number("page").and_then(|page| usize::try_from(page).ok()).unwrap_or(1).clamp(1, PAGES_MAX);
    let wiki = call.wiki()?;
    let mut hits = wiki.search(&query, (at - 1) * HITS, HITS + 1)?;
    let has_more = hits.len() > HITS && at < PAGES_MAX;
    hits.truncate(HITS);
    let name = PageName::parse(text).ok();
    let is_there = match &name {
        Some(name) => wiki.page_version(name)?.is_some(),
        None => false,
    };
    Ok(html! {
        @if let Some(name) = name.filter(|_| at == 1) {
            @if is_there { p { "There is a page " (page_link(call, &name)) "." } }
            @else { p { "There is no page " a.missing rel="nofollow" href=(call.place.page(&name)) { bdi { (name) } } " yet." } }
        }
        @if hits.is_empty() { p { "No page was found." } }
        ol.plain start=((at - 1) * HITS + 1) {
            @for hit in &hits {
                li {
                    p {
                        (page_link(call, &hit.head.name)) " " span.faint { (moment(hit.head.changed_us)) }
                        br;
                        (snippet(&hit.snippet))
                    }
                }
            }
        }
        p.row {
            @if at > 1 { a rel="prev nofollow" href=(address(call, text, at - 1)) { "Better matches" } }
            @if has_more { a rel="next nofollow" href=(address(call, text, at + 1)) { "More" } }
        }
    })
}

fn address(call: &Call<'_>, text: &str, at: usize) -> String {
    call.place.special(&format!("Search?q={}&page={at}", encode(text)))
}

/// A piece of text with the words that were found.
fn snippet(snippet: &Snippet) -> Markup {
    let mut parts = Vec::new();
    let mut done = 0;
    for mark in &snippet.marks {
        parts.push((snippet.text.get(done..mark.start).unwrap_or_default(), false));
        parts.push((snippet.text.get(mark.clone()).unwrap_or_default(), true));
        done = mark.end;
    }
    parts.push((snippet.text.get(done..).unwrap_or_default(), false));
    html! {
        bdi {
            @if snippet.is_cut_before { "… " }
            @for (text, is_found) in parts { @if is_found { mark { (text) } } @else { (text) } }
            @if snippet.is_cut_after { " …" }
        }
    }
}
