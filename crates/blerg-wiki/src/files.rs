//! Files attached to pages: the list with its forms, uploads, and the files themselves. Start at [`show`] and [`serve`].
//! A file is sent so that nothing in it can run: with the type that its bytes have, `nosniff`, a policy that forbids
//! everything, and for saving unless it is a picture.

use std::io;
use std::sync::Arc;

use blerg_http::{Form, Response, Validators};
use blerg_store::{FileId, FileName, FileView, NewFile, PageHead, PageName, Store};
use maud::{Markup, html};

use crate::call::Call;
use crate::edit::check_editor;
use crate::failure::{Failure, name_reason};
use crate::html::{Sheet, Tab, moment, page};
use crate::login;
use crate::place::encode;
use crate::sniff::{known, sniff};
use crate::view;

/// Files in one form.
const FILES_MAX: usize = 32;

/// Nothing may load or run, should a browser ever show a file as a page.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// GET ?action=attach
pub(crate) fn show(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    shown(call, name, None)
}

fn shown(call: &Call<'_>, name: &PageName, problem: Option<&Failure>) -> Result<Response, Failure> {
    let wiki = call.wiki()?;
    let Some(head) = wiki.head(name)?.filter(|head| !head.is_deleted && head.redirect.is_none()) else {
        return Err(Failure::missing("There is no such page: write it before you attach files to it."));
    };
    let files = wiki.files(name)?;
    let may_edit = check_editor(call, Some(&head));
    let (here, gone): (Vec<&FileView>, Vec<&FileView>) = files.iter().partition(|file| !file.is_deleted);
    let body = html! {
        h1 { "Files of " bdi { (name) } }
        @if let Some(failure) = problem { p.note role="alert" { (failure.reason) } }
        @if here.is_empty() { p { "No file is attached to this page." } }
        @else { (table(call, &head, &here, may_edit.is_ok())) }
        @match &may_edit {
            Ok(()) => {
                (upload(call, name))
                @if !gone.is_empty() { h2 { "Deleted files" } (table(call, &head, &gone, true)) }
            }
            Err(failure) => {
                p.note { "To attach files: " (failure.reason) }
                @if failure.wants_login { (login::form(call, &login::here(call))) }
            }
        }
    };
    let title = format!("Files of {name}");
    let response = page(call, &Sheet { title: &title, about: Some((name, Tab::Files)), canonical: None }, &body);
    let response = match problem {
        Some(failure) => failure.mark(response),
        None => response,
    };
    Ok(response.cache("no-store"))
}

fn table(call: &Call<'_>, head: &PageHead, files: &[&FileView], may_edit: bool) -> Markup {
    let name = &head.name;
    html! {
        div.table tabindex="0" {
            table {
                thead { tr { th { "Name" } th.right { "Bytes" } th { "Since" } th { "In the text" } @if may_edit { td {} } } }
                tbody {
                    @for file in files {
                        tr {
                            td {
                                @if file.is_deleted { bdi { (file.name) } }
                                @else { a href=(call.place.file(name, &file.name)) { bdi { (file.name) } } }
                            }
                            td.right { (file.bytes) }
                            td {
                                (moment(file.at_us))
                                @if let Some(author) = &file.author { " by " bdi { (author) } }
                                @if file.version > 1 { ", version " (file.version) }
                            }
                            td { code { @if known(&file.media_type).is_shown { "!" } "[](" (encode(file.name.as_str())) ")" } }
                            @if may_edit { td { (switch(call, name, file)) } }
                        }
                    }
                }
            }
        }
    }
}

/// Deletes or undeletes a file.
fn switch(call: &Call<'_>, name: &PageName, file: &FileView) -> Markup {
    let (field, word) = if file.is_deleted { ("undelete", "Undelete") } else { ("delete", "Delete") };
    html! {
        form method="post" enctype="multipart/form-data" action=(call.place.action(name, "attach")) {
            button.link name=(field) value=(file.name) aria-label={ (word) " " (file.name) } { (word) }
        }
    }
}

fn upload(call: &Call<'_>, name: &PageName) -> Markup {
    let wanted = call.query.get("name").unwrap_or_default();
    html! {
        h2 { "Attach a file" }
        form method="post" enctype="multipart/form-data" action=(call.place.action(name, "attach")) {
            p { label for="file" { "File" } br; input #file type="file" name="file" required multiple[wanted.is_empty()]; }
            p { label for="name" { "Name (else as it is called now)" } br; input.wide #name name="name" value=(wanted) maxlength="200" dir="auto"; }
            p { label for="summary" { "Summary" } br; input.wide #summary name="summary" maxlength=(crate::typed::SUMMARY_BYTES_MAX) dir="auto"; }
            p { button.main { "Attach" } }
        }
        p.hint {
            "At most " (call.rules().file_bytes_max / (1024 * 1024)) " MiB. PNG, JPEG, GIF, WebP and AVIF are shown in pages; other files are offered for saving. A file of the same name becomes a new version."
        }
    }
}

/// POST ?action=attach
pub(crate) fn attach(call: &Call<'_>, name: &PageName) -> Result<Response, Failure> {
    let form = call.request.form()?;
    match change(call, name, &form) {
        Ok(()) => Ok(view::see_other(call, &call.place.action(name, "attach"))),
        Err(failure) if failure.status == 404 => Err(failure),
        Err(failure) => {
            call.report(&failure);
            shown(call, name, Some(&failure))
        }
    }
}

fn change(call: &Call<'_>, name: &PageName, form: &Form) -> Result<(), Failure> {
    let wiki = call.wiki()?;
    check_editor(call, wiki.head(name)?.as_ref())?;
    call.spend()?;
    let by = call.by(form.get("summary").unwrap_or_default().trim());
    for (field, undeletes) in [("delete", false), ("undelete", true)] {
        if let Some(file) = form.get(field) {
            let file = FileName::parse(file).map_err(|error| Failure::bad(name_reason(error)))?;
            if undeletes {
                wiki.undelete_file(name, &file, &by)?
            } else {
                wiki.delete_file(name, &file, &by)?
            };
            return Ok(());
        }
    }
    let sent: Vec<_> = form.iter().filter(|field| field.name == b"file").collect();
    if sent.is_empty() || sent.len() > FILES_MAX {
        return Err(Failure::bad(format!("Choose 1 to {FILES_MAX} files.")));
    }
    let wanted = form.get("name").unwrap_or_default().trim();
    for field in &sent {
        let own = field.file_name.as_deref().unwrap_or_default();
        let own = own.rsplit(['/', '\\']).next().unwrap_or_default().trim();
        let text = if wanted.is_empty() || sent.len() > 1 { own } else { wanted };
        let file = FileName::parse(text)
            .map_err(|error| Failure::bad(format!("{} Give the file another name.", name_reason(error))))?;
        let new = NewFile { name: &file, media_type: sniff(&field.value).name, bytes: &field.value };
        wiki.attach(name, &new, &by)?;
    }
    Ok(())
}

/// GET /wiki/(page)/(file)
pub(crate) fn serve(call: &Call<'_>, name: &PageName, file: &FileName) -> Result<Response, Failure> {
    let wiki = call.wiki()?;
    if let Some(PageHead { redirect: Some(to), .. }) = wiki.head(name)? {
        return Ok(view::moved(call, &call.place.file(&to, file)));
    }
    let version = call.number("version");
    let found = wiki.file(name, file, version)?;
    let etag: String = found.hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let validators = Validators::new(etag, found.at_us, call.request.now_us);
    if call.request.not_modified(&validators) {
        return Ok(call.kept(Response::not_modified(&validators)));
    }
    let media = known(&found.media_type);
    let way = if media.is_shown { "inline" } else { "attachment" };
    let response = body(call, &found, media.name)?
        .validators(&validators)
        .header("Content-Disposition", format!("{way}; filename*=UTF-8''{}", encode(file.as_str())))
        .header("Content-Security-Policy", POLICY);
    Ok(call.kept(response))
}

/// All of a small file; a larger one goes out piece by piece.
fn body(call: &Call<'_>, file: &FileView, media: &'static str) -> Result<Response, Failure> {
    let first = call.wiki()?.file_bytes(file.id, 0)?;
    let length = u64::try_from(first.len()).unwrap_or(u64::MAX);
    if length >= file.bytes {
        return Ok(Response::new(200, media, first));
    }
    let pieces = Pieces { store: Arc::clone(call.store), file: file.id, offset: 0, left: file.bytes };
    Ok(Response::stream(media, Box::new(pieces)).header("Content-Length", file.bytes.to_string()))
}

/// The pieces of a file; one that is erased meanwhile ends early, and is seen to.
struct Pieces {
    store: Arc<Store>,
    file: FileId,
    offset: u64,
    left: u64,
}

impl Iterator for Pieces {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        if self.left == 0 {
            return None;
        }
        let piece = self.store.wiki().and_then(|wiki| wiki.file_bytes(self.file, self.offset));
        let piece = piece.map_err(io::Error::other).and_then(|piece| match piece.len() {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(piece),
        });
        let sent = piece.as_ref().map_or(0, |piece| u64::try_from(piece.len()).unwrap_or(u64::MAX));
        self.offset = self.offset.saturating_add(sent);
        self.left = if sent == 0 { 0 } else { self.left.saturating_sub(sent) };
        Some(piece)
    }
}
