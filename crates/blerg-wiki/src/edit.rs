//! Editing pages: the form, the preview and saving. Start at [`save`]. Whatever keeps a text from being saved, the form
//! comes back with it, under a status that says so: a session that ended, a limit, a full disk, somebody who was quicker.

use blerg_http::{Form, Response};
use blerg_markup::merge::{Merged, merge};
use blerg_markup::wiki::{replace_section, sections};
use blerg_store::{Base, By, Error, LimitKind, PageHead, PageName, Save, SaveKind, Saved};
use maud::{Markup, html};

use crate::call::{Call, Visitor};
use crate::conflict::{self, Conflict};
use crate::failure::Failure;
use crate::html::{Sheet, Tab, page};
use crate::login;
use crate::render::{Renderer, Sections};
use crate::typed::{Button, SUMMARY_BYTES_MAX, Typed};
use crate::view;

/// How often a text is merged with what others save meanwhile, before its author is asked.
const MERGES_MAX: usize = 8;

/// GET ?action=edit
pub(crate) fn form(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    let head = call.wiki()?.head(name)?;
    let typed = begin(call, name, head.as_ref())?;
    if let Err(failure) = check_editor(call, head.as_ref()) {
        return Ok(refused(call, name, &typed, &failure));
    }
    let note = html! {
        @if let Some(to) = head.as_ref().and_then(|head| head.redirect.as_ref()) {
            p.note { "This name leads to " (view::page_link(call, to)) ". Saving makes it a page of its own." }
        }
        @if head.as_ref().is_some_and(|head| head.is_deleted) {
            p.note { "A page of this name was deleted. Saving begins it again; its history goes on." }
        }
    };
    Ok(editor(call, name, &typed, &note, &html! {}).cache("no-store"))
}

/// What the form begins with.
fn begin(call: &Call<'_>, name: &PageName, head: Option<&PageHead>) -> Result<Typed, Failure> {
    let Some(head) = head.filter(|head| !head.is_deleted) else { return Ok(Typed::default()) };
    let of_redirect = head.redirect.is_some();
    let text = call.wiki()?.source(name, Some(head.rev))?.text.unwrap_or_default();
    let mut typed = Typed { text, base: head.rev, of_redirect, ..Typed::default() };
    if let Some(n) = call.number("section") {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        let all = sections(&typed.text);
        let section = all.get(n).ok_or_else(|| Failure::missing("The page has no such section."))?;
        typed.summary = if section.title.is_empty() { String::new() } else { format!("{}: ", section.title) };
        typed.text = typed.text.get(section.range.clone()).unwrap_or_default().to_owned();
        typed.section = Some(n);
    }
    Ok(typed)
}

/// Whether this visitor may edit what stands at the name.
pub(crate) fn check_editor(call: &Call<'_>, head: Option<&PageHead>) -> Result<(), Failure> {
    let (rules, protection) = (call.rules(), head.and_then(|head| head.protection));
    if rules.may_edit(&call.editor(), protection) {
        return Ok(());
    }
    if rules.is_read_only {
        return Err(Failure::from(Error::WikiReadOnly));
    }
    let needs = rules.editors.max(rules.readers);
    Err(Failure::not_allowed(call, protection.map_or(needs, |who| who.max(needs))))
}

/// Who may not edit may still read the source, and log in.
fn refused(call: &Call<'_>, name: &PageName, typed: &Typed, failure: &Failure) -> Response {
    let body = html! {
        h1 { "Edit " bdi { (name) } }
        p.note role="alert" { (failure.reason) }
        @if failure.wants_login { (login::form(call, &login::here(call))) }
        @if typed.base != 0 {
            h2 { label for="text" { "The page's source" } }
            textarea #text readonly rows="20" dir="auto" { "\n" (typed.text) }
        }
    };
    let title = format!("Edit {name}");
    let sheet = Sheet { title: &title, about: Some((name, Tab::Edit)), canonical: None };
    failure.mark(page(call, &sheet, &body)).cache("no-store")
}

/// POST /wiki/(page)
pub(crate) fn save(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    let form = call.request.form()?;
    let typed = Typed::read(&form);
    let mut token = None;
    let mut known = call.again();
    if call.query.get("login").is_some() && form.get("username").is_some_and(|name| !name.is_empty()) {
        match login::begin(call, &form) {
            Ok(begun) => {
                known.visitor =
                    call.store.authenticate(call.request.now_us, &begun)?.map_or(Visitor::Expired, Visitor::User);
                token = Some(begun);
            }
            Err(failure) => return Ok(given_back(call, name, &typed, &failure)),
        }
    }
    let response =
        submit(&known, name, &typed, &form).unwrap_or_else(|failure| given_back(&known, name, &typed, &failure));
    Ok(match token {
        Some(token) => login::with_session(call, response, &token),
        None => response,
    })
}

/// The text of a request that got nowhere.
pub(crate) fn give_back(call: &Call<'_>, name: &PageName, failure: &Failure) -> Result<Response, Failure> {
    Ok(given_back(call, name, &Typed::read(&call.request.form()?), failure))
}

/// The form with the text, and why it was not saved.
fn given_back(call: &Call<'_>, name: &PageName, typed: &Typed, failure: &Failure) -> Response {
    call.report(failure);
    let note =
        html! { div.note role="alert" { p { strong { "Not saved. " } (failure.reason) " Your text is below." } } };
    failure.mark(editor(call, name, typed, &note, &html! {})).cache("no-store")
}

/// Does what the button says.
fn submit(call: &Call<'_>, name: &PageName, typed: &Typed, form: &Form) -> Result<Response, Failure> {
    call.check_reader()?;
    let head = call.wiki()?.head(name)?;
    check_editor(call, head.as_ref())?;
    let whole = whole(call, name, head.as_ref(), typed, form)?;
    match Typed::button(form) {
        Button::Preview => preview(call, name, typed),
        Button::Review => Ok(editor(call, name, &whole, &html! {}, &html! {}).cache("no-store")),
        Button::Save => {
            whole.check()?;
            call.spend()?;
            match keep(call, name, &whole)? {
                Kept::Saved(name) => Ok(view::see_other(call, &call.place.page(&name))),
                Kept::Conflict(conflict) => Ok(conflict::page_of(call, &conflict)),
                Kept::Gone => {
                    let typed = Typed { base: 0, section: None, ..whole };
                    let reason = "The page was deleted meanwhile. Saving begins it again.";
                    Ok(given_back(call, name, &typed, &Failure::new(409, "Deleted", reason)))
                }
            }
        }
    }
}

/// The text as that of the whole page: a section is put in its place, choices of a conflict are carried out. What was
/// edited may be called otherwise by now: it is the page that the revisions are of which the form names.
fn whole(
    call: &Call<'_>,
    name: &PageName,
    head: Option<&PageHead>,
    typed: &Typed,
    form: &Form,
) -> Result<Typed, Failure> {
    let is_hidden = head.is_some_and(|head| head.is_deleted) && !call.rules().may_administer(&call.editor());
    if is_hidden {
        return Ok(Typed { section: None, theirs: None, ..typed.clone() });
    }
    let moved = head.and_then(|head| head.redirect.as_ref()).filter(|_| !typed.of_redirect);
    let name = moved.unwrap_or(name);
    if let Some(theirs) = typed.theirs {
        return conflict::chosen(call, name, typed, theirs, form);
    }
    let Some(section) = typed.section else { return Ok(typed.clone()) };
    let text = view::source(call, name, Some(typed.base))?.text.unwrap_or_default();
    let text = replace_section(&text, section, &typed.text);
    let text =
        text.ok_or_else(|| Failure::bad("The page has no such section any more: save it as a page of its own."))?;
    Ok(Typed { text, section: None, ..typed.clone() })
}

fn preview(call: &Call<'_>, name: &PageName, typed: &Typed) -> Result<Response, Failure> {
    call.spend_of(LimitKind::Look)?;
    let rendered = Renderer::new(call.wiki()?, name, Sections::Shown).render(&typed.text)?;
    let note = html! { p.note { "This is a preview: nothing is saved yet." } };
    Ok(editor(call, name, typed, &note, &view::article(call, None, &rendered.html)).cache("no-store"))
}

/// What became of a text.
enum Kept {
    /// It is there, on this page.
    Saved(PageName),
    /// Somebody was quicker, and a machine cannot tell what is meant.
    Conflict(Box<Conflict>),
    /// The page was deleted meanwhile.
    Gone,
}

/// Saves a text, merged with what others saved since its base.
fn keep(call: &Call<'_>, name: &PageName, typed: &Typed) -> Result<Kept, Failure> {
    let wiki = call.wiki()?;
    let mut name = name.clone();
    let (mut text, mut base) = (typed.text.clone(), typed.base());
    let by = By { is_minor: typed.is_minor, ..call.by(&typed.summary) };
    for _ in 0..MERGES_MAX {
        let rendered = Renderer::new(wiki, &name, Sections::Edited).render(&text)?;
        let save = Save { name: &name, base, text: &text, rendered: &rendered, kind: SaveKind::Edit, by };
        match wiki.save(&save)? {
            Saved::Done { .. } | Saved::Unchanged { .. } => return Ok(Kept::Saved(name)),
            Saved::Gone => return Ok(Kept::Gone),
            Saved::Renamed { to } => name = to,
            Saved::Moved { base: from, current, rev } => {
                match merge(from.as_deref().unwrap_or_default(), &text, &current) {
                    Merged::Clean(merged) => (text, base) = (merged, Base::Rev(rev)),
                    Merged::Conflict(_) => {
                        let base = if let Base::Rev(rev) = base { rev } else { 0 };
                        let typed = Typed { text, base, section: None, theirs: Some(rev), ..typed.clone() };
                        let from = from.unwrap_or_default();
                        return Ok(Kept::Conflict(Box::new(Conflict { name, typed, from, theirs: current, rev })));
                    }
                }
            }
        }
    }
    Err(Failure::from(Error::Busy { retry_after_secs: 1 }))
}

/// The page with the form.
pub(crate) fn editor(call: &Call<'_>, name: &PageName, typed: &Typed, note: &Markup, shown: &Markup) -> Response {
    let is_stranger = call.user().is_none() && !view::anybody_edits(call);
    let action = call.place.action(name, if is_stranger { "edit&login=1" } else { "edit" });
    let is_new = typed.base == 0;
    let title = format!("{} {name}", if is_new { "Write" } else { "Edit" });
    let body = html! {
        h1 { (if is_new { "Write " } else { "Edit " }) bdi { (name) } @if typed.section.is_some() { " (a section)" } }
        (note)
        (shown)
        form method="post" action=(action) enctype="multipart/form-data" accept-charset="utf-8" {
            (fields(typed, call))
            @if is_stranger { fieldset { legend { "Log in to save" } (login::fields()) } }
            p.row {
                button.main name="save" value="1" { "Save" }
                button name="preview" value="1" { "Preview" }
                a href=(call.place.page(name)) { "Cancel" }
            }
        }
        (help())
    };
    page(call, &Sheet { title: &title, about: Some((name, Tab::Edit)), canonical: None }, &body)
}

fn fields(typed: &Typed, call: &Call<'_>) -> Markup {
    html! {
        (hidden(typed))
        p {
            label for="text" { "Text" } br;
            textarea #text name="text" rows="22" dir="auto" lang=(call.options.language) { "\n" (typed.text) }
        }
        p {
            label for="summary" { "Summary of the change" } br;
            input.wide #summary name="summary" value=(typed.summary) maxlength=(SUMMARY_BYTES_MAX) dir="auto";
        }
        p { label.in { input type="checkbox" name="minor" value="1" checked[typed.is_minor]; " This is a minor change" } }
    }
}

/// What the form carries along.
pub(crate) fn hidden(typed: &Typed) -> Markup {
    html! {
        input type="hidden" name="base" value=(typed.base);
        @if typed.of_redirect { input type="hidden" name="redirect" value="1"; }
        @if let Some(section) = typed.section { input type="hidden" name="section" value=(section); }
    }
}

fn help() -> Markup {
    html! {
        details.hint {
            summary { "How to write" }
            p {
                "An empty line begins a paragraph. " code { "*emphasis*" } ", " code { "**strong**" } ", " code { "`code`" } ", "
                code { "# Heading" } ", " code { "- list" } ", " code { "> quotation" } ". "
                code { "[[Page]]" } " or " code { "[[Page|words]]" } " links to a page, " code { "[words](https://example.org/)" }
                " to an address, " code { "![words](file.png)" } " shows a file attached to the page. "
                code { "#tag" } " and " code { "@user" } " link to posts. It is Markdown (CommonMark) with tables, footnotes and task lists."
            }
        }
    }
}
