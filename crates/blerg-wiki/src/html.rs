//! The frame around every page: head, navigation, the main part, foot. Start at [`page`]. maud escapes all text; nothing
//! here or below it puts HTML together from strings, but for what blerg-markup made.

use blerg_http::{Method, Request, Response};
use blerg_store::PageName;
use maud::{DOCTYPE, Markup, html};

use crate::call::Call;
use crate::style;
use crate::time;

/// Nothing but our own style sheet, images and forms; no script at all.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What a page is, besides its main part.
#[derive(Default)]
pub(crate) struct Sheet<'a> {
    /// What it is called.
    pub(crate) title: &'a str,
    /// The wiki's page that it is about, and which of its views it is.
    pub(crate) about: Option<(&'a PageName, Tab)>,
    /// Search engines may list it, under this address.
    pub(crate) canonical: Option<String>,
}

/// The views of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Its text.
    #[default]
    Read,
    /// The form.
    Edit,
    /// Its revisions.
    History,
    /// Its files.
    Files,
    /// Renaming, deleting, protecting.
    More,
}

const TABS: [(Tab, &str, &str); 5] = [
    (Tab::Read, "Read", ""),
    (Tab::Edit, "Edit", "?action=edit"),
    (Tab::History, "History", "?action=history"),
    (Tab::Files, "Files", "?action=attach"),
    (Tab::More, "Rename", "?action=rename"),
];

/// The lists that every page leads to.
const LISTS: [(&str, &str); 3] = [("Recent", "Recent changes"), ("All", "All pages"), ("Tags", "Tags")];

/// A whole page with status 200.
pub(crate) fn page(call: &Call<'_>, sheet: &Sheet<'_>, body: &Markup) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            (head(call, sheet))
            body {
                a.skip href="#main" { "Skip to the content" }
                (top(call))
                main #main tabindex="-1" {
                    @if let Some((name, tab)) = sheet.about { (tabs(call, name, tab)) }
                    (body)
                }
                (foot(call))
            }
        }
    };
    html_page(document.into_string().into_bytes())
}

/// An answer with a whole document.
pub(crate) fn html_page(document: Vec<u8>) -> Response {
    let mut response = Response::new(200, "text/html; charset=utf-8", document);
    response.headers.push(("Content-Security-Policy", POLICY.into()));
    response
}

fn head(call: &Call<'_>, sheet: &Sheet<'_>) -> Markup {
    let name = call.options.name.as_str();
    html! {
        head {
            meta charset="utf-8";
            title {
                (sheet.title)
                @if sheet.title != name { " - " (name) }
            }
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            @match &sheet.canonical {
                Some(address) => link rel="canonical" href=(address);,
                None => meta name="robots" content="noindex";,
            }
            link rel="icon" href={ (call.place.site) "favicon.svg" } type="image/svg+xml";
            link rel="stylesheet" href=(style::address(call));
            link rel="alternate" type="application/rss+xml" title="Recent changes" href=(call.place.feed("wiki.rss"));
            @if let Some((page, _)) = sheet.about {
                link rel="alternate" type="application/rss+xml" title="Changes of this page"
                    href=(call.place.feed(&format!("page/{}.rss", crate::place::encode(&page.underscored()))));
            }
        }
    }
}

fn top(call: &Call<'_>) -> Markup {
    let sought = call.query.get("q").unwrap_or_default();
    html! {
        header.top {
            a.brand href=(call.place.root) { (call.options.name) }
            nav aria-label="Wiki" {
                ul {
                    @for (address, title) in LISTS { li { a href=(call.place.special(address)) { (title) } } }
                }
            }
            form role="search" action=(call.place.special("Search")) {
                input type="search" name="q" aria-label="Search the wiki" placeholder="Search" value=(sought) maxlength="200";
                button { "Search" }
            }
            (you(call))
        }
    }
}

/// Who is logged in, and the way out or in.
fn you(call: &Call<'_>) -> Markup {
    let here = crate::login::here(call);
    html! {
        @match call.user() {
            Some(user) => form.you method="post" action=(call.place.special("Logout")) {
                input type="hidden" name="return" value=(here);
                a href=(call.place.user(&user.name)) { bdi { (user.name) } }
                button.link { "Log out" }
            },
            None => p.you {
                a rel="nofollow" href=(call.place.special(&format!("Login?return={}", crate::place::encode(&here)))) {
                    "Log in"
                }
            },
        }
    }
}

fn tabs(call: &Call<'_>, name: &PageName, current: Tab) -> Markup {
    let page = call.place.page(name);
    html! {
        nav.tabs aria-label="This page" {
            @for (tab, title, action) in TABS {
                @let rel = if action.is_empty() { None } else { Some("nofollow") };
                @let current = if tab == current { Some("page") } else { None };
                // Without styles they would run together but for the space.
                a rel=[rel] aria-current=[current] href={ (page) (action) } { (title) } " "
            }
        }
    }
}

fn foot(call: &Call<'_>) -> Markup {
    html! {
        footer.foot {
            a href=(call.place.site) { "Posts" }
            " · " a href=(call.place.special("Wanted")) { "Wanted pages" }
            " · " a href=(call.place.special("Orphans")) { "Orphans" }
            " · " a rel="nofollow" href=(call.place.special("Export")) { "Export" }
            " · " a href=(call.place.feed("wiki.atom")) { "Feed of changes" }
        }
    }
}

/// A time, for people and for machines.
pub(crate) fn moment(us: u64) -> Markup {
    html! { time datetime=(time::machine(us)) { (time::minute(us)) } }
}

/// Whether the answer is only shown, and not one to a form.
pub(crate) fn is_look(request: &Request) -> bool {
    request.method != Method::Post
}
