//! Showing pages: as they are, as they were, and their source. Start at [`show`]. A page's HTML was made when it was
//! saved; it is made anew only after something that it links to came or went.

use blerg_http::{Body, Response};
use blerg_store::{Editor, LimitKind, PageHead, PageName, PageSource, PageView, View};
use maud::{Markup, PreEscaped, html};

use crate::cache::Kept;
use crate::call::Call;
use crate::failure::Failure;
use crate::html::{Sheet, Tab, html_page, moment, page};
use crate::place::encode;
use crate::render::{self, Renderer, Sections};
use crate::tags;

/// Pages that link to one and are listed below it; more are a click away.
const BACKLINKS: usize = 30;

/// Posts that link to a page and are shown below it.
const POSTS: usize = 5;

/// Names that are offered where a page is missing.
const SIMILAR: usize = 8;

/// GET /wiki/(page)
pub(crate) fn show(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    if call.query.get("rev").is_some() {
        let rev = call.number("rev").ok_or_else(|| Failure::bad("The parameter rev is not a revision's number."))?;
        return old(call, name, rev);
    }
    let wiki = call.wiki()?;
    // Where the list cannot be written the page is shown with the posts that are known.
    if let Err(error) = wiki.index_posts(blerg_markup::wiki::page_links) {
        call.report(&Failure::from(error));
    }
    let is_kept = call.user().is_none() && call.request.query.is_empty();
    let address = canonical(call, name);
    if let Some(version) = call.cache.version(&address).filter(|_| is_kept)
        && wiki.page_version(name)? == Some(version)
        && let Some(kept) = call.cache.get(&address, version)
    {
        return call.unless_known(&etag(version), kept.changed_us, || {
            Ok(html_page(kept.html).header("Link", links(call, name)))
        });
    }
    match fresh(call, name)? {
        View::Page(view) => call.unless_known(&etag(view.head.version), view.head.changed_us, || {
            let response = current(call, &view)?;
            if let (true, Body::Bytes(html)) = (is_kept, &response.body) {
                let PageHead { version, changed_us, .. } = view.head;
                call.cache.put(&address, Kept { version, changed_us, html: html.clone() });
            }
            Ok(response.header("Link", links(call, name)))
        }),
        View::Redirect { to } => Ok(call.kept(moved(call, &call.place.page(&to)))),
        View::Deleted(head) => absent(call, name, Some(&head)),
        View::Missing => absent(call, name, None),
    }
}

/// Numbers of changes are given out once in a wiki.
fn etag(version: u64) -> String {
    format!("p{version:x}")
}

/// What stands at a name, with HTML that is up to date.
fn fresh(call: &Call<'_>, name: &PageName) -> Result<View, Failure> {
    let wiki = call.wiki()?;
    let view = wiki.view(name)?;
    let View::Page(mut page) = view else { return Ok(view) };
    if !page.is_stale && page.renderer == render::VERSION {
        return Ok(View::Page(page));
    }
    let text = wiki.source(name, None)?.text.unwrap_or_default();
    let rendered = Renderer::new(wiki, name, Sections::Edited).render(&text)?;
    // Who comes later does it, if it cannot be stored now; it is shown all the same.
    if let Ok(true) = wiki.store_rendered(&page.seen, &rendered)
        && let View::Page(again) = wiki.view(name)?
    {
        return Ok(View::Page(again));
    }
    page.html = rendered.html;
    Ok(View::Page(page))
}

/// The feeds of the page.
fn links(call: &Call<'_>, name: &PageName) -> String {
    let feed = call.place.feed(&format!("page/{}.atom", encode(&name.underscored())));
    format!("<{feed}>; rel=\"alternate\"; type=\"application/atom+xml\"")
}

fn current(call: &Call<'_>, view: &PageView) -> Result<Response, Failure> {
    let PageView { head, html: made, author, .. } = view;
    let name = &head.name;
    let body = html! {
        (article(call, Some(name), made))
        (backlinks(call, name)?)
        p.hint {
            "Revision " (head.rev) ", " (moment(head.changed_us))
            @if let Some(author) = author { " by " bdi { (author) } }
            ". " a rel="nofollow" href=(call.place.action(name, "raw")) { "Source" }
            @if let Some(who) = head.protection { " Only " (who.as_str()) " may edit it." }
        }
    };
    let canonical = canonical(call, name);
    let sheet = Sheet { title: name.as_str(), about: Some((name, Tab::Read)), canonical: Some(canonical) };
    Ok(page(call, &sheet, &body))
}

/// The address among several that search engines are to list.
fn canonical(call: &Call<'_>, name: &PageName) -> String {
    absolute(call, &call.place.page(name))
}

/// A page's HTML with a heading; a page that begins with its own keeps that.
pub(crate) fn article(call: &Call<'_>, title: Option<&PageName>, made: &str) -> Markup {
    html! {
        @if let Some(name) = title.filter(|_| !render::begins_with_title(made)) { h1 dir="auto" { (name) } }
        article dir="auto" lang=(call.options.language) { (PreEscaped(made)) }
    }
}

fn backlinks(call: &Call<'_>, name: &PageName) -> Result<Markup, Failure> {
    let wiki = call.wiki()?;
    let mut names = wiki.backlinks(name, None, BACKLINKS + 1)?;
    let has_more = names.len() > BACKLINKS;
    names.truncate(BACKLINKS);
    let posts = wiki.post_backlinks(name, None, POSTS)?;
    Ok(html! {
        @if !posts.posts.is_empty() {
            section.links aria-labelledby="posts-here" {
                h2 #posts-here { "Posts that link here" }
                (tags::posts_of(call, &posts.posts))
                @if posts.next.is_some() { p.hint { "There are older ones." } }
            }
        }
        @if !names.is_empty() {
            section.links aria-labelledby="links-here" {
                h2 #links-here { "Pages that link here" }
                (name_list(call, &names))
                @if has_more { p { a rel="nofollow" href=(call.place.action(name, "links")) { "All of them" } } }
            }
        }
    })
}

/// Names of pages, in columns.
pub(crate) fn name_list(call: &Call<'_>, names: &[PageName]) -> Markup {
    html! { ul.cols { @for name in names { li { (page_link(call, name)) } } } }
}

/// A page's name, leading to it.
pub(crate) fn page_link(call: &Call<'_>, name: &PageName) -> Markup {
    html! { a href=(call.place.page(name)) { bdi { (name) } } }
}

/// There is nothing of this name, or no longer.
fn absent(call: &Call<'_>, name: &PageName, deleted: Option<&PageHead>) -> Result<Response, Failure> {
    let wiki = call.wiki()?;
    let similar = wiki.similar(name, SIMILAR)?;
    let protection = deleted.and_then(|head| head.protection);
    let may_edit = call.rules().may_edit(&call.editor(), protection);
    let body = html! {
        h1 dir="auto" { (name) }
        @if deleted.is_some() {
            p { "This page was deleted. Its " a rel="nofollow" href=(call.place.action(name, "history")) { "history" } " tells when and why." }
        } @else {
            p { "There is no page of this name yet." }
        }
        @if may_edit {
            p { a rel="nofollow" href=(call.place.action(name, "edit")) { "Write it" } }
        } @else if call.user().is_none() {
            p { "To write it, " a rel="nofollow" href=(login_to_edit(call, name)) { "log in" } "." }
        }
        @if !similar.is_empty() {
            h2 { "Similar names" }
            (name_list(call, &similar))
        }
        p { a rel="nofollow" href=(call.place.special(&format!("Search?q={}", encode(name.as_str())))) { "Search for it" } }
        (backlinks(call, name)?)
    };
    let sheet = Sheet { title: name.as_str(), about: Some((name, Tab::Read)), canonical: None };
    Ok(call.kept(page(call, &sheet, &body).status(404)))
}

fn login_to_edit(call: &Call<'_>, name: &PageName) -> String {
    let back = format!("{}?action=edit", encode(&name.underscored()));
    call.place.special(&format!("Login?return={}", encode(&back)))
}

/// GET ?rev=N
fn old(call: &Call<'_>, name: &PageName, rev: u64) -> Result<Response, Failure> {
    let source = source(call, name, Some(rev))?;
    let etag = format!("{:x}-{:x}-r{rev:x}", source.head.id.number(), source.head.version);
    call.unless_known(&etag, source.head.changed_us, || {
        call.spend_of(LimitKind::Look)?;
        let made = match &source.text {
            Some(text) => Renderer::new(call.wiki()?, name, Sections::Shown).render(text)?.html,
            None => String::new(),
        };
        let body = html! {
            (old_note(call, name, &source))
            (article(call, Some(name), &made))
        };
        let title = format!("{name} (revision {rev})");
        let sheet = Sheet { title: &title, about: Some((name, Tab::History)), canonical: None };
        Ok(page(call, &sheet, &body))
    })
}

fn old_note(call: &Call<'_>, name: &PageName, source: &PageSource) -> Markup {
    let (rev, newest) = (source.change.rev, source.head.rev);
    let place = &call.place;
    html! {
        div.note {
            p {
                "This is revision " (rev) " of " (moment(source.change.at_us))
                @if let Some(author) = &source.change.author { " by " bdi { (author) } }
                @if source.text.is_none() { "; its text was erased" }
                ". "
                @if rev < newest {
                    a rel="nofollow" href=(place.diff(name, rev, newest)) { "What has changed since" } " · "
                    a rel="nofollow" href=(place.action(name, &format!("revert&rev={rev}"))) { "Make it the current one" } " · "
                }
                @if rev > 1 { a rel="nofollow" href=(place.rev(name, rev - 1)) { "Older" } " · " }
                @if rev < newest { a rel="nofollow" href=(place.rev(name, rev + 1)) { "Newer" } " · " }
                a rel="nofollow" href=(place.action(name, &format!("raw&rev={rev}"))) { "Source" } " · "
                a href=(place.page(name)) { "The page as it is" }
            }
        }
    }
}

/// A revision; of a deleted page only for those who may undelete it.
pub(crate) fn source(call: &Call<'_>, name: &PageName, rev: Option<u64>) -> Result<PageSource, Failure> {
    let source = call.wiki()?.source(name, rev)?;
    if source.head.is_deleted && !call.rules().may_administer(&call.editor()) {
        return Err(Failure::missing("This page was deleted."));
    }
    Ok(source)
}

/// GET ?action=raw
pub(crate) fn raw(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    let source = source(call, name, call.number("rev"))?;
    if let (Some(to), None) = (&source.head.redirect, call.number("rev")) {
        return Ok(moved(call, &call.place.action(to, "raw")));
    }
    let etag = format!("{:x}-{:x}-s{:x}", source.head.id.number(), source.head.version, source.change.rev);
    call.unless_known(&etag, source.head.changed_us, || {
        let text = source.text.ok_or_else(|| Failure::missing("The text of this revision was erased."))?;
        Ok(Response::new(200, "text/markdown; charset=utf-8", text.into_bytes()).header("X-Robots-Tag", "noindex"))
    })
}

/// GET Special:User/(name): that user's posts.
pub(crate) fn user(call: &Call<'_>, name: &str) -> Result<Response, Failure> {
    let name = blerg_store::AuthorName::parse(name).map_err(|_| Failure::missing("There is no such user."))?;
    Ok(Response::text(302, "").header("Location", absolute(call, &call.place.user(name.as_str()))))
}

/// 301 to a path of ours.
pub(crate) fn moved(call: &Call<'_>, path: &str) -> Response {
    Response::text(301, "").header("Location", absolute(call, path))
}

/// 303 to a path of ours.
pub(crate) fn see_other(call: &Call<'_>, path: &str) -> Response {
    Response::see_other(absolute(call, path))
}

/// A path of ours with scheme and host: a CGI program that sends other headers along may not redirect to less
/// (RFC 3875 s.6.2.2).
pub(crate) fn absolute(call: &Call<'_>, path: &str) -> String {
    let root = call.request.public_root();
    let host = root.find("://").map_or(0, |at| at + 3);
    let end = root.get(host..).and_then(|rest| rest.find('/')).map_or(root.len(), |at| host + at);
    format!("{}{path}", root.get(..end).unwrap_or_default())
}

/// Whether visitors without an account may write.
pub(crate) fn anybody_edits(call: &Call<'_>) -> bool {
    call.rules().may_edit(&Editor::Anonymous, None)
}
