//! Writing: putting, editing and deleting records. Start at [`put`].
//! An answer leaves only after the record is durable.

use crate::answer::{success, success_record};
use crate::call::Call;
use crate::failure::{Code, Failure};
use crate::param;
use blerg_http::{Form, Response};
use blerg_markup::Span;
use blerg_store::{AuthorId, LimitKind, PutText, RecordNo, TEXT_BYTES_MAX, TagSpan};

/// POST /put
pub(crate) fn put(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, form) = call.signed_form()?;
    let text = text(&form)?;
    let reply_to = reply_to(call, &form)?;
    call.spend(LimitKind::Put, &session)?;
    let put = PutText { text: text.to_owned(), spans: spans(text), reply_to };
    let record = call.store.put(call.request.now_us, session.author, put).map_err(|error| {
        // The only record that a put names is the one that it answers.
        if error.is_not_found() && reply_to.is_some() { no_reply_to() } else { Failure::from(error) }
    })?;
    call.tell(&session, text);
    Ok(success_record(record))
}

/// POST /edit
pub(crate) fn edit(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, form) = call.signed_form()?;
    let record = param::record(&form)?;
    let text = text(&form)?;
    call.spend(LimitKind::Put, &session)?;
    let edit = PutText { text: text.to_owned(), spans: spans(text), reply_to: None };
    call.store.edit(call.request.now_us, session.author, record, edit)?;
    call.tell(&session, text);
    Ok(success())
}

/// POST /delete
pub(crate) fn delete(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, form) = call.signed_form()?;
    let record = param::record(&form)?;
    call.spend(LimitKind::Put, &session)?;
    call.store.delete(call.request.now_us, session.author, record)?;
    Ok(success())
}

/// The parameter `data`: 1 to 65,535 bytes of UTF-8.
fn text(form: &Form) -> Result<&str, Failure> {
    let bytes = param::required_bytes(form, "data")?;
    if !(1..=TEXT_BYTES_MAX).contains(&bytes.len()) {
        let reason = format!("A record has 1 to {TEXT_BYTES_MAX} bytes, this one has {}.", bytes.len());
        return Err(Failure::new(Code::BadData, reason));
    }
    std::str::from_utf8(bytes).map_err(|_| Failure::new(Code::BadData, "The record's text is not UTF-8."))
}

/// The tags of a text as the log stores them.
fn spans(text: &str) -> Vec<TagSpan> {
    let fits = |span: Span| Some(TagSpan { start: span.start.try_into().ok()?, len: span.len.try_into().ok()? });
    blerg_markup::tags(text).into_iter().filter_map(fits).collect()
}

fn reply_to(call: &Call<'_>, form: &Form) -> Result<Option<(AuthorId, RecordNo)>, Failure> {
    let Some((name, record)) = param::reply_to(form)? else { return Ok(None) };
    let author = call.reader()?.author(name.as_str())?.ok_or_else(no_reply_to)?;
    Ok(Some((author.id, record)))
}

fn no_reply_to() -> Failure {
    Failure::new(Code::BadReplyTo, "The parameter reply_to names no record.")
}
