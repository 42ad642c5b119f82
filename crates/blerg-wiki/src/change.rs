//! One line of a list of changes, wherever such a list is shown. Start at [`line`].

use blerg_store::{ChangeKind, PageChange};
use maud::{Markup, html};

use crate::call::Call;
use crate::html::moment;
use crate::time;
use crate::view::page_link;

/// Whether the page's name stands in the line, or above the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Yes,
    No,
}

/// What a change did, when, by whom, and the way to see it.
pub(crate) fn line(call: &Call<'_>, change: &PageChange, named: Named) -> Markup {
    let PageChange { name, rev, .. } = change;
    let place = &call.place;
    html! {
        @if named == Named::Yes { (page_link(call, name)) " " }
        a rel="nofollow" href=(place.rev(name, *rev)) {
            @if named == Named::Yes { time datetime=(time::machine(change.at_us)) { (time::of_day(change.at_us)) } }
            @else { (moment(change.at_us)) }
        }
        @if *rev > 1 && has_text(&change.kind) {
            " " a rel="nofollow" href=(place.diff(name, rev - 1, *rev)) aria-label={ "diff: revision " (rev) " of " (name) } { "diff" }
        }
        @if named == Named::Yes {
            " " a rel="nofollow" href=(place.action(name, "history")) aria-label={ "history of " (name) } { "history" }
        }
        " · " (author(change))
        " · " (size(change))
        @if change.is_minor { " · minor" }
        @if let Some(what) = what(call, &change.kind) { " · " (what) }
        @if !change.summary.is_empty() { " · " bdi { (change.summary) } }
        @if change.is_erased { " · (text erased)" }
    }
}

/// Who made it.
fn author(change: &PageChange) -> Markup {
    html! {
        @match &change.author {
            Some(author) => bdi { (author) },
            None => { "somebody" },
        }
    }
}

/// How much longer or shorter the text became.
fn size(change: &PageChange) -> Markup {
    let before = change.bytes_before.unwrap_or(0);
    let (sign, bytes) =
        if change.bytes >= before { ("+", change.bytes - before) } else { ("\u{2212}", before - change.bytes) };
    html! { span.faint { (sign) (bytes) } }
}

fn has_text(kind: &ChangeKind) -> bool {
    matches!(kind, ChangeKind::Edit | ChangeKind::Revert { .. } | ChangeKind::Import)
}

/// What it did besides changing the text.
fn what(call: &Call<'_>, kind: &ChangeKind) -> Option<Markup> {
    Some(match kind {
        ChangeKind::Edit => return None,
        ChangeKind::Revert { rev } => html! { "back to revision " (rev) },
        ChangeKind::Rename { from, to } => html! { "renamed from " bdi { (from) } " to " bdi { (to) } },
        ChangeKind::Redirect { to } => html! { "leads to " (page_link(call, to)) },
        ChangeKind::Delete => html! { "deleted" },
        ChangeKind::Undelete => html! { "undeleted" },
        ChangeKind::Protect(None) => html! { "protection removed" },
        ChangeKind::Protect(Some(who)) => html! { "protected: only " (who.as_str()) " may edit" },
        ChangeKind::Attach { file } => html! { "attached " bdi { (file) } },
        ChangeKind::Detach { file } => html! { "deleted the file " bdi { (file) } },
        ChangeKind::Reattach { file } => html! { "undeleted the file " bdi { (file) } },
        ChangeKind::Import => html! { "imported" },
    })
}
