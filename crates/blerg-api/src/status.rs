//! What is new for a user, and whether a user follows another. Start at [`show`].
//! What was seen moves by POST only: a GET never changes anything.

use crate::answer::{Audience, json, private_now, unless_known};
use crate::call::Call;
use crate::failure::{Code, Failure};
use crate::json::Object;
use crate::param;
use blerg_http::Response;
use blerg_store::{LimitKind, Reader, SeenKind, Session};

/// GET /status, /feedinfo
pub(crate) fn show(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, _) = call.asker()?;
    counts(call, &session, &call.reader()?)
}

/// POST /status, /feedinfo: the same, after what `clear` names counts as seen.
pub(crate) fn change(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, form) = call.asker()?;
    let reader = call.reader()?;
    let kind = match param::optional(&form, "clear")? {
        None | Some("") => None,
        Some("feed") => Some(SeenKind::Feed),
        Some("mentioned") => Some(SeenKind::Mentioned),
        Some(_) => return Err(Failure::new(Code::BadParameter, "The parameter clear is feed or mentioned.")),
    };
    if let Some(kind) = kind {
        call.spend(LimitKind::Small, &session)?;
        call.store.clear(session.author, kind, reader.stamp())?;
    }
    counts(call, &session, &reader)
}

fn counts(call: &Call<'_>, session: &Session, reader: &Reader) -> Result<Response, Failure> {
    let seen = call.store.seen(session.author, reader.stamp())?;
    let mut body = Vec::with_capacity(64);
    let mut object = Object::open(&mut body);
    object.count("feed_new", reader.feed_new(session.author, seen.feed)?);
    object.count("mentioned", reader.mentions_new(&session.name, seen.mentioned)?);
    object.close();
    private(call, session, body)
}

/// GET and POST /status/(user), /feedinfo/(user)
pub(crate) fn is_subscribed(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, _) = call.asker()?;
    let reader = call.reader()?;
    let user = call.path_user(&reader)?;
    let mut body = Vec::with_capacity(32);
    let mut object = Object::open(&mut body);
    object.truth("subscribed", reader.follows(session.author, user.id)?);
    object.close();
    private(call, &session, body)
}

fn private(call: &Call<'_>, session: &Session, body: Vec<u8>) -> Result<Response, Failure> {
    let validators = private_now(call, &body);
    unless_known(call, Audience::Only(session.author), &validators, || Ok(json(200, body)))
}
