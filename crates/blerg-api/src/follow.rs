//! Following other users, and the feed of their records. Start at [`feed`].
//! The public words are subscribe and unsubscribe; inside, it is a follow.

use crate::answer::{Audience, joined, linked, records, success, unless_known, validators, version_of_records};
use crate::call::Call;
use crate::failure::{Code, Failure};
use crate::json::Author;
use crate::param;
use crate::read::PAGE_RECORDS;
use blerg_http::Response;
use blerg_store::{AuthorView, LimitKind, Session};

/// POST /subscribe/(user), with subscribed=false the contrary (the original's way).
pub(crate) fn subscribe(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, form) = call.signed_form()?;
    let target = target(call)?;
    match param::optional(&form, "subscribed")? {
        None | Some("true" | "") => follow(call, &session, &target),
        Some("false") => unfollow(call, &session, &target),
        Some(_) => Err(Failure::new(Code::BadParameter, "The parameter subscribed is true or false.")),
    }
}

/// POST /unsubscribe/(user)
pub(crate) fn unsubscribe(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, _) = call.signed_form()?;
    unfollow(call, &session, &target(call)?)
}

fn target(call: &Call<'_>) -> Result<AuthorView, Failure> {
    call.path_user(&call.reader()?)
}

fn follow(call: &Call<'_>, session: &Session, target: &AuthorView) -> Result<Response, Failure> {
    call.spend(LimitKind::Small, session)?;
    call.store.follow(call.request.now_us, session.author, target.id)?;
    Ok(success())
}

fn unfollow(call: &Call<'_>, session: &Session, target: &AuthorView) -> Result<Response, Failure> {
    call.spend(LimitKind::Small, session)?;
    call.store.unfollow(call.request.now_us, session.author, target.id)?;
    Ok(success())
}

/// GET and POST /feed
pub(crate) fn feed(call: &Call<'_>) -> Result<Response, Failure> {
    let (session, form) = call.asker()?;
    let before = call.before(&form)?;
    let reader = call.reader()?;
    let audience = Audience::Only(session.author);
    let version = joined(reader.feed_version(session.author)?, version_of_records(&reader, &[])?);
    let validators = validators(call, audience, &version);
    unless_known(call, audience, &validators, || {
        let page = reader.feed(session.author, before.as_ref(), PAGE_RECORDS).map_err(Call::page_failure)?;
        let response = records(call, &page.posts, Author::Shown);
        Ok(linked(response, call, "feed", "", page.next.as_ref()))
    })
}
