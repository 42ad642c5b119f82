//! When two have changed the same lines: both texts side by side, hunk by hunk, with a choice for each, without a script.
//! Start at [`page_of`]; the choices come back to [`chosen`], which computes the same hunks again from the same texts.

use blerg_http::{Form, Response};
use blerg_markup::merge::{Choice, Merged, Piece, merge, resolve};
use blerg_store::PageName;
use maud::{Markup, html};

use crate::call::Call;
use crate::edit::hidden;
use crate::failure::Failure;
use crate::html::{Sheet, Tab, page};
use crate::typed::{SUMMARY_BYTES_MAX, Typed};
use crate::view;

/// Hunks to choose from; a form has at most 256 fields. In the others both texts stay.
const HUNKS_MAX: usize = 200;

/// Lines of a side that a hunk shows: a text of a line end each has a million, and whole texts stand below.
const HUNK_LINES_MAX: usize = 100;

/// Lines that are the same around a hunk.
const CONTEXT_LINES: usize = 3;

/// Two texts made from one.
pub(crate) struct Conflict {
    pub(crate) name: PageName,
    /// With the visitor's text.
    pub(crate) typed: Typed,
    /// What both were made from.
    pub(crate) from: String,
    /// The page's text.
    pub(crate) theirs: String,
    /// Its revision.
    pub(crate) rev: u64,
}

/// The page to choose on, with 409.
pub(crate) fn page_of(call: &Call<'_>, conflict: &Conflict) -> Response {
    let Conflict { name, typed, from, theirs, rev } = conflict;
    let merged = merge(from, &typed.text, theirs);
    let pieces = if let Merged::Conflict(pieces) = &merged { pieces.as_slice() } else { &[] };
    let body = html! {
        h1 { "Choose for " bdi { (name) } }
        div.note role="alert" {
            p { strong { "Not saved yet. " } "Somebody changed the same lines while you were writing (revision " (rev) ", "
                a href=(call.place.page(name)) { "the page as it is" } "). What does not collide is merged already. Choose for the rest." }
        }
        form method="post" action=(call.place.action(name, "edit")) enctype="multipart/form-data" accept-charset="utf-8" {
            (hidden(typed))
            input type="hidden" name="theirs" value=(rev);
            (hunks(pieces))
            p {
                label for="summary" { "Summary of the change" } br;
                input.wide #summary name="summary" value=(typed.summary) maxlength=(SUMMARY_BYTES_MAX) dir="auto";
            }
            @if typed.is_minor { input type="hidden" name="minor" value="1"; }
            p.row {
                button.main name="save" value="1" { "Save these choices" }
                button name="review" value="1" { "Edit the result first" }
            }
            details {
                summary { "Your whole text, as you sent it" }
                textarea name="text" rows="15" readonly aria-label="Your text" dir="auto" { "\n" (typed.text) }
            }
            details {
                summary { "The page's whole text" }
                textarea rows="15" readonly aria-label="The page's text" dir="auto" { "\n" (theirs) }
            }
        }
    };
    let title = format!("Choose for {name}");
    let sheet = Sheet { title: &title, about: Some((name, Tab::Edit)), canonical: None };
    page(call, &sheet, &body).status(409).cache("no-store")
}

fn hunks(pieces: &[Piece<'_>]) -> Markup {
    let mut n = 0;
    html! {
        @for (at, piece) in pieces.iter().enumerate() {
            @if let Piece::Conflict { ours, theirs, .. } = piece {
                @let number = { n += 1; n };
                @if number <= HUNKS_MAX { (hunk(number, before(pieces, at), ours, theirs)) }
            }
        }
        @if n > HUNKS_MAX { p { "In " (n - HUNKS_MAX) " more places both texts stay, one after the other." } }
    }
}

/// The last lines before a hunk that are undisputed.
fn before<'p>(pieces: &[Piece<'p>], at: usize) -> &'p str {
    let text = match at.checked_sub(1).and_then(|at| pieces.get(at)) {
        Some(Piece::Common(text)) => text,
        Some(Piece::Ours { ours: text, .. } | Piece::Theirs { theirs: text, .. } | Piece::Same { both: text, .. }) => {
            text
        }
        _ => "",
    };
    let starts: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).filter(|at| *at < text.len()).collect();
    let first = starts.len().checked_sub(CONTEXT_LINES).and_then(|skip| starts.get(skip)).copied().unwrap_or(0);
    text.get(first..).unwrap_or_default()
}

fn hunk(number: usize, before: &str, ours: &str, theirs: &str) -> Markup {
    let name = format!("hunk-{number}");
    let lines = |text: &str, class: &str| {
        html! {
            div.diff {
                @for line in text.lines().take(HUNK_LINES_MAX) { p class=(class) { (line) } }
                @let more = text.lines().skip(HUNK_LINES_MAX).count();
                @if more > 0 { p.faint { "and " (more) " more lines, which stand below" } }
                @if text.is_empty() { p.faint { "(nothing)" } }
            }
        }
    };
    html! {
        fieldset {
            legend { "Place " (number) }
            @if !before.is_empty() { (lines(before, "at")) }
            label.in { input type="radio" name=(name) value="ours"; " Your lines" }
            (lines(ours, "new"))
            label.in { input type="radio" name=(name) value="theirs"; " Their lines" }
            (lines(theirs, "their"))
            label.in { input type="radio" name=(name) value="both" checked; " Both, yours first" }
        }
    }
}

/// The text that the choices make, based on the revision that they were made against.
pub(crate) fn chosen(
    call: &Call<'_>,
    name: &PageName,
    typed: &Typed,
    theirs: u64,
    form: &Form,
) -> Result<Typed, Failure> {
    let text_of = |rev: u64| match rev {
        0 => Ok(String::new()),
        rev => view::source(call, name, Some(rev)).map(|source| source.text.unwrap_or_default()),
    };
    let (from, other) = (text_of(typed.base)?, text_of(theirs)?);
    let text = match merge(&from, &typed.text, &other) {
        Merged::Clean(text) => text,
        Merged::Conflict(pieces) => {
            let count = pieces.iter().filter(|piece| matches!(piece, Piece::Conflict { .. })).count();
            let choices: Vec<Choice> = (1..=count.min(HUNKS_MAX)).map(|n| choice(form, n)).collect();
            resolve(&pieces, &choices)
        }
    };
    Ok(Typed { text, base: theirs, theirs: None, of_redirect: false, ..typed.clone() })
}

fn choice(form: &Form, number: usize) -> Choice {
    match form.get(&format!("hunk-{number}")) {
        Some("ours") => Choice::Ours,
        Some("theirs") => Choice::Theirs,
        _ => Choice::Both,
    }
}
