//! What became of a page: its revisions, and what changed between two of them. Start at [`show`]. Both cost an index look-up
//! and at most two texts, are never listed by search engines, and count against the visitor's limit of looks.

use blerg_http::Response;
use blerg_markup::diff::{Changes, Hunk, Side, diff};
use blerg_store::{LimitKind, PageName, PageSource};
use maud::{Markup, PreEscaped, html};

use crate::call::{Call, number};
use crate::change::{Named, line};
use crate::failure::Failure;
use crate::html::{Sheet, Tab, moment, page};
use crate::view::source;

/// Revisions on one page.
const REVISIONS: usize = 50;

/// Unchanged lines around a change.
const CONTEXT_LINES: usize = 3;

/// Lines of one comparison that are shown: a page may have a million, and each takes more HTML than text.
const LINES_MAX: usize = 20_000;

/// GET ?action=history
pub(crate) fn show(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    call.spend_of(LimitKind::Look)?;
    let wiki = call.wiki()?;
    let head = wiki.head(name)?.ok_or(blerg_store::Error::NoSuchPage)?;
    let before = call.number("before");
    let etag = format!("{:x}-{:x}-h{:x}", head.id.number(), head.version, before.unwrap_or(0));
    call.unless_known(&etag, head.changed_us, || {
        let mut changes = wiki.history(name, before, REVISIONS + 1)?;
        let has_more = changes.len() > REVISIONS;
        changes.truncate(REVISIONS);
        let last = changes.last().map_or(0, |change| change.rev);
        let body = html! {
            h1 { "History of " bdi { (name) } }
            form action=(call.place.page(name)) {
                input type="hidden" name="action" value="diff";
                @if changes.len() > 1 { p { button { "Compare the two chosen" } } }
                ol.plain reversed {
                    @for (at, change) in changes.iter().enumerate() {
                        li {
                            input type="radio" name="from" value=(change.rev) checked[at == 1]
                                aria-label={ "Compare from revision " (change.rev) };
                            " "
                            input type="radio" name="to" value=(change.rev) checked[at == 0]
                                aria-label={ "to revision " (change.rev) };
                            " " (line(call, change, Named::No))
                        }
                    }
                }
            }
            @if has_more {
                p { a rel="nofollow next" href=(call.place.action(name, &format!("history&before={last}"))) { "Older revisions" } }
            }
        };
        let title = format!("History of {name}");
        Ok(page(call, &Sheet { title: &title, about: Some((name, Tab::History)), canonical: None }, &body))
    })
}

/// GET ?action=diff&from=A&to=B
pub(crate) fn compare(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    call.spend_of(LimitKind::Look)?;
    let wanted = |field: &str| match call.query.get(field).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => {
            number(text).map(Some).ok_or_else(|| Failure::bad("The parameters from and to are numbers of revisions."))
        }
    };
    let new = source(call, name, wanted("to")?)?;
    let from = wanted("from")?.unwrap_or(new.change.rev.saturating_sub(1));
    // Nothing stands before the first revision.
    let old = if from == 0 { None } else { Some(source(call, name, Some(from))?) };
    let (old, new) = match old {
        Some(old) if old.change.rev > new.change.rev => (Some(new), old),
        old => (old, new),
    };
    let etag = format!("{:x}-{:x}-d{from:x}-{:x}", new.head.id.number(), new.head.version, new.change.rev);
    call.unless_known(&etag, new.head.changed_us, || {
        let text = |source: Option<&PageSource>| source.and_then(|source| source.text.clone()).unwrap_or_default();
        let (before, after) = (text(old.as_ref()), text(Some(&new)));
        let changes = diff(&before, &after, CONTEXT_LINES);
        let body = html! {
            h1 { "Changes of " bdi { (name) } }
            (between(call, name, old.as_ref(), &new))
            (shown(&changes))
        };
        let title = format!("Changes of {name}");
        Ok(page(call, &Sheet { title: &title, about: Some((name, Tab::History)), canonical: None }, &body))
    })
}

/// Which revisions are compared, and the ways on.
fn between(call: &Call<'_>, name: &PageName, old: Option<&PageSource>, new: &PageSource) -> Markup {
    let one = |source: &PageSource| {
        let change = &source.change;
        html! {
            a rel="nofollow" href=(call.place.rev(name, change.rev)) { "Revision " (change.rev) }
            ", " (moment(change.at_us))
            @if let Some(author) = &change.author { " by " bdi { (author) } }
            @if !change.summary.is_empty() { ": " bdi { (change.summary) } }
            @if source.text.is_none() { " (its text was erased)" }
        }
    };
    let rev = new.change.rev;
    html! {
        ul {
            li { "Before: " @match old { Some(old) => (one(old)), None => { "nothing" } } }
            li { "After: " (one(new)) }
        }
        p {
            @if let Some(old) = old.filter(|old| old.change.rev > 1) {
                a rel="nofollow" href=(call.place.diff(name, old.change.rev - 1, old.change.rev)) { "Change before" } " · "
            }
            @if rev < new.head.rev { a rel="nofollow" href=(call.place.diff(name, rev, rev + 1)) { "Change after" } " · " }
            a rel="nofollow" href=(call.place.action(name, "history")) { "History" }
            @if let Some(old) = old {
                " · " a rel="nofollow" href=(call.place.action(name, &format!("revert&rev={}", old.change.rev))) { "Go back to revision " (old.change.rev) }
            }
        }
    }
}

/// The changes, line by line.
pub(crate) fn shown(changes: &Changes<'_>) -> Markup {
    let mut left = LINES_MAX;
    let has_more = changes.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>() > left;
    html! {
        @if changes.hunks.is_empty() { p { "The texts are the same." } }
        @else { p.hint { (changes.added) " lines added, " (changes.removed) " removed." } }
        @for hunk in &changes.hunks {
            @let n = hunk.lines.len().min(left);
            @let () = left -= n;
            @if n > 0 { (lines(hunk, n)) }
        }
        @if has_more { p.note { "Only the first " (LINES_MAX) " lines are shown." } }
    }
}

fn lines(hunk: &Hunk<'_>, n: usize) -> Markup {
    html! {
        div.diff dir="auto" {
            p.at { "Line " (hunk.new_line) }
            @for line in hunk.lines.iter().take(n) {
                @let (class, sign) = match line.side {
                    Side::Old => (Some("old"), "\u{2212} "),
                    Side::New => (Some("new"), "+ "),
                    Side::Both => (None, "  "),
                };
                @let text = { let mut text = String::new(); line.html(&mut text); PreEscaped(text) };
                p class=[class] { (sign) (text) }
            }
        }
    }
}
