//! What is done to a page as a whole: renaming, going back to an earlier revision, deleting, undeleting, protecting. Start
//! at [`show`], the one page with all these forms; each form has its own action.

use blerg_http::{Form, Response};
use blerg_markup::wiki::rename_links;
use blerg_store::{Base, By, Fix, Leave, PageHead, PageName, Renamed, Rendered, Save, SaveKind, Saved, Who, Wiki};
use maud::{Markup, html};

use crate::call::{Call, number};
use crate::edit::check_editor;
use crate::failure::{Failure, name_reason};
use crate::html::{Sheet, Tab, page};
use crate::login;
use crate::render::{Renderer, Sections};
use crate::typed::SUMMARY_BYTES_MAX;
use crate::view;

/// Pages whose links one rename mends; the redirect serves the others.
const FIXES_MAX: usize = 1_000;

/// Bytes of texts and HTML that one rename has ready at once; pages beyond that are left as they are, too.
const FIXES_BYTES_MAX: usize = 24 * 1024 * 1024;

/// How often a change is tried again when somebody saves in between.
const TRIES_MAX: usize = 8;

/// GET ?action=rename, delete, undelete, protect
pub(crate) fn show(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    shown(call, name, None, &Form::default())
}

fn shown(call: &Call<'_>, name: &PageName, problem: Option<&Failure>, form: &Form) -> Result<Response, Failure> {
    let head = call.wiki()?.head(name)?.ok_or(blerg_store::Error::NoSuchPage)?;
    let may_edit = check_editor(call, Some(&head));
    let is_admin = call.rules().may_administer(&call.editor());
    let body = html! {
        h1 { "Rename " bdi { (name) } }
        @if let Some(failure) = problem { p.note role="alert" { (failure.reason) } }
        @match &may_edit {
            Err(failure) => {
                p.note { (failure.reason) }
                @if failure.wants_login { (login::form(call, &login::here(call))) }
            }
            Ok(()) if !head.is_deleted && head.redirect.is_none() => (rename_form(call, name, form)),
            Ok(()) => p { "There is nothing to be renamed here." },
        }
        @if is_admin { (admin_forms(call, &head)) }
    };
    let title = format!("Rename {name}");
    let sheet = Sheet { title: &title, about: Some((name, Tab::More)), canonical: None };
    let response = page(call, &sheet, &body);
    let denied = may_edit.as_ref().err().filter(|_| !is_admin);
    let response = match problem.or(denied) {
        Some(failure) => failure.mark(response),
        None => response,
    };
    Ok(response.cache("no-store"))
}

fn rename_form(call: &Call<'_>, name: &PageName, form: &Form) -> Markup {
    let is_first = form.iter().next().is_none();
    let (mends, leaves_nothing) = (is_first || form.get("fix_links").is_some(), form.get("no_redirect").is_some());
    html! {
        form method="post" action=(call.place.action(name, "rename")) {
            p {
                label for="to" { "New name" } br;
                input.wide #to name="to" value=(form.get("to").unwrap_or(name.as_str())) maxlength="200" required dir="auto";
            }
            p {
                label.in { input type="checkbox" name="fix_links" value="1" checked[mends]; " Mend the links of other pages" } br;
                label.in { input type="checkbox" name="no_redirect" value="1" checked[leaves_nothing]; " Leave nothing at the old name, which would lead to the new one" }
            }
            (summary(form.get("summary").unwrap_or_default()))
            p { button.main { "Rename" } }
        }
    }
}

fn summary(text: &str) -> Markup {
    html! {
        p {
            label { "Why" br; input.wide name="summary" value=(text) maxlength=(SUMMARY_BYTES_MAX) dir="auto"; }
        }
    }
}

fn admin_forms(call: &Call<'_>, head: &PageHead) -> Markup {
    let name = &head.name;
    let choices = [None, Some(Who::Members), Some(Who::Named), Some(Who::Admins)];
    html! {
        h2 { "Who may edit it" }
        form method="post" action=(call.place.action(name, "protect")) {
            fieldset {
                legend { "Only" }
                @for who in choices {
                    label.in {
                        input type="radio" name="who" value=(who.map_or("", |who| who.as_str())) checked[head.protection == who];
                        " " (who.map_or("whom the wiki's rule allows", |who| who.as_str()))
                    }
                    br;
                }
            }
            (summary(""))
            p { button { "Protect" } }
        }
        @if head.is_deleted {
            h2 { "Undelete it" }
            form method="post" action=(call.place.action(name, "undelete")) { (summary("")) p { button { "Undelete" } } }
        } @else {
            h2 { "Delete it" }
            p { "The history stays, and it can be undeleted." }
            form method="post" action=(call.place.action(name, "delete")) { (summary("")) p { button { "Delete" } } }
        }
    }
}

/// POST ?action=rename
pub(crate) fn rename(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    let form = call.request.form()?;
    match try_rename(call, name, &form) {
        Ok(response) => Ok(response),
        Err(failure) => {
            call.report(&failure);
            shown(call, name, Some(&failure), &form)
        }
    }
}

fn try_rename(call: &Call<'_>, name: &PageName, form: &Form) -> Result<Response, Failure> {
    let wiki = call.wiki()?;
    let head = wiki.head(name)?.ok_or(blerg_store::Error::NoSuchPage)?;
    check_editor(call, Some(&head))?;
    let to =
        PageName::parse(form.get("to").unwrap_or_default().trim()).map_err(|error| Failure::bad(name_reason(error)))?;
    call.spend()?;
    let (fixes, mut left) =
        if form.get("fix_links").is_some() { fixes(wiki, name, &to)? } else { (Vec::new(), Vec::new()) };
    let leave = if form.get("no_redirect").is_some() { Leave::Nothing } else { Leave::Redirect };
    match wiki.rename_page(name, &to, leave, &fixes, &by(call, form))? {
        Renamed::Taken { is_deleted: true } => {
            Err(Failure::new(409, "Taken", "A deleted page has this name: an administrator can undelete it."))
        }
        Renamed::Taken { .. } => Err(Failure::new(409, "Taken", "There is a page of this name already.")),
        Renamed::Done { unfixed, .. } => {
            left.extend(unfixed);
            Ok(if left.is_empty() { view::see_other(call, &call.place.page(&to)) } else { partly(call, &to, &left) })
        }
    }
}

/// The texts of the pages that link to the old name, with the new one; and the pages that would become too long, or are
/// too much at once: nobody's page keeps another from being renamed.
pub(crate) fn fixes(wiki: Wiki<'_>, from: &PageName, to: &PageName) -> Result<(Vec<Fix>, Vec<PageName>), Failure> {
    let (mut fixes, mut left) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for name in wiki.direct_backlinks(from, None, FIXES_MAX)? {
        // The page itself has its new name by the time when its links are mended.
        let known = if name == *from { to.clone() } else { name.clone() };
        if bytes > FIXES_BYTES_MAX {
            left.push(known);
            continue;
        }
        let source = wiki.source(&name, None)?;
        let Some(text) = source.text else { continue };
        let text = rename_links(&text, from.as_str(), to.as_str());
        match Renderer::new(wiki, &known, Sections::Edited).with_coming(to).render(&text) {
            Ok(rendered) => {
                bytes += text.len() + rendered.html.len() + rendered.plain.len();
                fixes.push(Fix { name: known, base: source.head.rev, text, rendered });
            }
            Err(failure) if failure.fault().is_none() => left.push(known),
            Err(failure) => return Err(failure),
        }
    }
    Ok((fixes, left))
}

fn partly(call: &Call<'_>, to: &PageName, unfixed: &[PageName]) -> Response {
    let body = html! {
        h1 { "Renamed" }
        p { "The page is " (view::page_link(call, to)) " now. The links of these pages were not mended:" }
        (view::name_list(call, unfixed))
    };
    page(call, &Sheet { title: "Renamed", ..Sheet::default() }, &body).cache("no-store")
}

fn by<'a>(call: &'a Call<'_>, form: &'a Form) -> By<'a> {
    call.by(form.get("summary").unwrap_or_default().trim())
}

/// Runs a change by an administrator and shows the page.
fn administer(
    call: &Call<'_>,
    name: &PageName,
    change: impl FnOnce(Wiki<'_>, &Form) -> Result<u64, Failure>,
) -> Result<Response, Failure> {
    let form = call.request.form()?;
    if !call.rules().may_administer(&call.editor()) && !call.rules().is_read_only {
        return Err(Failure::not_allowed(call, Who::Admins));
    }
    call.spend()?;
    change(call.wiki()?, &form)?;
    Ok(view::see_other(call, &call.place.page(name)))
}

/// POST ?action=delete
pub(crate) fn delete(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    administer(call, name, |wiki, form| Ok(wiki.delete_page(name, &by(call, form))?))
}

/// POST ?action=undelete
pub(crate) fn undelete(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    administer(call, name, |wiki, form| {
        let source = wiki.source(name, None)?;
        let rendered = if source.head.redirect.is_some() {
            Rendered::default()
        } else {
            Renderer::new(wiki, name, Sections::Edited).render(&source.text.unwrap_or_default())?
        };
        Ok(wiki.undelete_page(name, &rendered, &by(call, form))?)
    })
}

/// POST ?action=protect
pub(crate) fn protect(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    administer(call, name, |wiki, form| {
        let who = match form.get("who").unwrap_or_default() {
            "" => None,
            word => {
                Some(word.parse::<Who>().map_err(|_| Failure::bad("The parameter who is members, named or admins."))?)
            }
        };
        Ok(wiki.protect_page(name, who, &by(call, form))?)
    })
}

/// GET ?action=revert&rev=N
pub(crate) fn ask_revert(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    let rev = call.number("rev").ok_or_else(no_rev)?;
    let source = view::source(call, name, Some(rev))?;
    let may_edit = check_editor(call, Some(&source.head));
    let body = html! {
        h1 { "Go back to revision " (rev) " of " bdi { (name) } }
        @match &may_edit {
            Err(failure) => {
                p.note role="alert" { (failure.reason) }
                @if failure.wants_login { (login::form(call, &login::here(call))) }
            }
            Ok(()) => {
                p { "The page gets the text of that revision again. Everything in between stays in the history." }
                form method="post" action=(call.place.action(name, "revert")) {
                    input type="hidden" name="rev" value=(rev);
                    (summary(""))
                    p.row { button.main { "Go back" } a href=(call.place.page(name)) { "Cancel" } }
                }
            }
        }
    };
    let sheet = Sheet { title: "Go back", about: Some((name, Tab::History)), canonical: None };
    let response = page(call, &sheet, &body).cache("no-store");
    Ok(match may_edit {
        Ok(()) => response,
        Err(failure) => failure.mark(response),
    })
}

fn no_rev() -> Failure {
    Failure::bad("The parameter rev is the number of the revision to go back to.")
}

/// POST ?action=revert
pub(crate) fn revert(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    let form = call.request.form()?;
    let rev = form.get("rev").and_then(number).ok_or_else(no_rev)?;
    let wiki = call.wiki()?;
    let source = view::source(call, name, Some(rev))?;
    check_editor(call, Some(&source.head))?;
    let text = source.text.ok_or_else(|| Failure::missing("The text of this revision was erased."))?;
    call.spend()?;
    let rendered = Renderer::new(wiki, name, Sections::Edited).render(&text)?;
    let by = by(call, &form);
    let mut base = source.head.rev;
    for _ in 0..TRIES_MAX {
        let kind = SaveKind::Revert { rev };
        let save = Save { name, base: Base::Rev(base), text: &text, rendered: &rendered, kind, by };
        match wiki.save(&save)? {
            Saved::Done { .. } | Saved::Unchanged { .. } => return Ok(view::see_other(call, &call.place.page(name))),
            Saved::Moved { rev: newest, .. } => base = newest,
            Saved::Renamed { to } => {
                return Ok(view::see_other(call, &call.place.action(&to, &format!("revert&rev={rev}"))));
            }
            Saved::Gone => {
                return Err(Failure::new(
                    409,
                    "Deleted",
                    "The page was deleted: it can be undeleted, or written again.",
                ));
            }
        }
    }
    Err(Failure::from(blerg_store::Error::Busy { retry_after_secs: 1 }))
}
