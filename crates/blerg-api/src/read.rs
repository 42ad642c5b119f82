//! What everybody may read: a user's records, what is known of a user, the latest records of all, and threads.
//! Start at [`last`]. Reads the log's index only, never SQLite.

use crate::answer::{
    Audience, encode, json, linked, records, records_within, unless_known, validators, version_of, version_of_records,
};
use crate::call::Call;
use crate::failure::Failure;
use crate::json::{Author, Object, post};
use crate::param;
use blerg_http::Response;
use blerg_store::{ListKey, Version};

/// Records in one page of a list: the contract's "last 50".
pub(crate) const PAGE_RECORDS: usize = 50;

/// GET /get/(user)
pub(crate) fn last(call: &Call<'_>) -> Result<Response, Failure> {
    let before = call.before(&call.request.query_form())?;
    let reader = call.reader()?;
    let user = call.path_user(&reader)?;
    let version = since(version_of_records(&reader, &[ListKey::Timeline(user.id)])?, user.created_us);
    let validators = validators(call, Audience::Everybody, &version);
    unless_known(call, Audience::Everybody, &validators, || {
        let page = reader.timeline(user.id, before.as_ref(), PAGE_RECORDS).map_err(Call::page_failure)?;
        let response = records(call, &page.posts, Author::LeftOut);
        Ok(linked(response, call, &format!("get/{}", encode(&user.name)), "", page.next.as_ref()))
    })
}

/// GET /get/(user)/(start)-(end)
pub(crate) fn range(call: &Call<'_>) -> Result<Response, Failure> {
    let reader = call.reader()?;
    let user = call.path_user(&reader)?;
    let range = param::range(call.open[1])?;
    if *range.start() >= user.record_count {
        return Err(param::past_the_end());
    }
    let version = since(version_of_records(&reader, &[ListKey::Timeline(user.id)])?, user.created_us);
    let validators = validators(call, Audience::Everybody, &version);
    unless_known(call, Audience::Everybody, &validators, || {
        let found = reader.range(user.id, range)?.ok_or_else(param::past_the_end)?;
        Ok(records(call, &found, Author::LeftOut))
    })
}

/// GET /info/(user)
pub(crate) fn info(call: &Call<'_>) -> Result<Response, Failure> {
    let reader = call.reader()?;
    let user = call.path_user(&reader)?;
    let keys = [
        ListKey::Timeline(user.id),
        ListKey::Follows(user.id),
        ListKey::Followers(user.id),
        ListKey::Unfollows(user.id),
    ];
    let version = since(version_of(&reader, &keys)?, user.created_us);
    let validators = validators(call, Audience::Everybody, &version);
    unless_known(call, Audience::Everybody, &validators, || {
        let mut body = Vec::with_capacity(128);
        let mut object = Object::open(&mut body);
        object.count("record_count", user.record_count);
        object.seconds("created", user.created_us);
        object.count("followers", reader.followers_len(user.id)?);
        object.count("following", reader.following_len(user.id)?);
        object.close();
        Ok(json(200, body))
    })
}

/// GET /latest
pub(crate) fn latest(call: &Call<'_>) -> Result<Response, Failure> {
    let before = call.before(&call.request.query_form())?;
    let reader = call.reader()?;
    let validators = validators(call, Audience::Everybody, &version_of(&reader, &[ListKey::Latest])?);
    unless_known(call, Audience::Everybody, &validators, || {
        let page = reader.latest(before.as_ref(), PAGE_RECORDS).map_err(Call::page_failure)?;
        let response = records(call, &page.posts, Author::Shown);
        Ok(linked(response, call, "latest", "", page.next.as_ref()))
    })
}

/// An author's lists that nothing ever touched are as old as the account.
fn since(mut version: Version, created_us: u64) -> Version {
    version.changed_us = version.changed_us.max(created_us);
    version
}

/// GET /thread/(user)/(record): the record, what it replies to (unless that is gone), and its replies.
pub(crate) fn thread(call: &Call<'_>) -> Result<Response, Failure> {
    let before = call.before(&call.request.query_form())?;
    let reader = call.reader()?;
    let user = call.path_user(&reader)?;
    let number = param::path_record(call.open[1])?;
    let record = reader.post(user.id, number)?.ok_or_else(param::no_such_record)?;
    let mut keys = vec![ListKey::Timeline(user.id), ListKey::Replies(user.id, number)];
    if let Some((parent, _)) = &record.reply_to {
        // What becomes of the parent moves its author's timeline.
        keys.extend(reader.author(parent)?.map(|author| ListKey::Timeline(author.id)));
    }
    let validators = validators(call, Audience::Everybody, &version_of_records(&reader, &keys)?);
    unless_known(call, Audience::Everybody, &validators, || {
        let thread = reader.thread(user.id, number, before.as_ref(), PAGE_RECORDS).map_err(Call::page_failure)?;
        let mut body = Vec::with_capacity(4096);
        let mut object = Object::open(&mut body);
        post(object.key("record"), &record, Author::Shown);
        if let Some(parent) = &thread.parent {
            post(object.key("reply_to"), parent, Author::Shown);
        }
        object.key("replies");
        let path = format!("thread/{}/{}", encode(&user.name), number.0);
        let response = records_within(call, body, &thread.replies.posts, Author::Shown, b"}");
        Ok(linked(response, call, &path, "", thread.replies.next.as_ref()))
    })
}
