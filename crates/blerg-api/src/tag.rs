//! Tags and mentions: the records that have them, how many there are, and those used last. Start at [`last`].
//! A tag is `#name` or `Hname` in a path (old web servers lose `%23`), a mention `@name`.

use crate::answer::{Audience, json, linked, records, unless_known, validators, version_of, version_of_records};
use crate::call::Call;
use crate::failure::Failure;
use crate::json::{Author, Object, array};
use crate::param;
use crate::read::PAGE_RECORDS;
use blerg_http::Response;
use blerg_store::{ListKey, TagKey};

/// Tags in the answer to /latest/tags: the contract's 50.
const LATEST_TAGS: usize = 50;

/// GET /tag/(tags): the last records that have them all.
pub(crate) fn last(call: &Call<'_>) -> Result<Response, Failure> {
    let tags = param::tags(call.open[0])?;
    let before = call.before(&call.request.query_form())?;
    let reader = call.reader()?;
    let keys: Vec<ListKey<'_>> = tags.iter().map(TagKey::list_key).collect();
    let validators = validators(call, Audience::Everybody, &version_of_records(&reader, &keys)?);
    unless_known(call, Audience::Everybody, &validators, || {
        let page = reader.tag_page(&tags, before.as_ref(), PAGE_RECORDS).map_err(Call::page_failure)?;
        let response = records(call, &page.posts, Author::Shown);
        Ok(linked(response, call, &format!("tag/{}", path_of(&tags)), "", page.next.as_ref()))
    })
}

/// GET /tag/(tag)/(start)-(end): by the tag's own entry numbers.
pub(crate) fn range(call: &Call<'_>) -> Result<Response, Failure> {
    let tag = param::tag(call.open[0])?;
    let range = param::range(call.open[1])?;
    let reader = call.reader()?;
    if *range.start() >= reader.tag_len(&tag)? {
        return Err(param::past_the_end());
    }
    let version = version_of_records(&reader, &[tag.list_key()])?;
    let validators = validators(call, Audience::Everybody, &version);
    unless_known(call, Audience::Everybody, &validators, || {
        let found = reader.tag_range(&tag, range)?.ok_or_else(param::past_the_end)?;
        Ok(records(call, &found, Author::Shown))
    })
}

/// GET /taginfo/(tag)
pub(crate) fn info(call: &Call<'_>) -> Result<Response, Failure> {
    let tag = param::tag(call.open[0])?;
    let reader = call.reader()?;
    let validators = validators(call, Audience::Everybody, &version_of(&reader, &[tag.list_key()])?);
    unless_known(call, Audience::Everybody, &validators, || {
        let mut body = Vec::with_capacity(32);
        let mut object = Object::open(&mut body);
        object.count("record_count", reader.tag_len(&tag)?);
        object.close();
        Ok(json(200, body))
    })
}

/// GET /latest/tags
pub(crate) fn latest(call: &Call<'_>) -> Result<Response, Failure> {
    let reader = call.reader()?;
    let validators = validators(call, Audience::Everybody, &version_of(&reader, &[ListKey::Latest])?);
    unless_known(call, Audience::Everybody, &validators, || {
        let tags = reader.latest_tags(LATEST_TAGS)?;
        let mut body = Vec::with_capacity(2048);
        array(&mut body, &tags, |out, tag| {
            let mut object = Object::open(out);
            object.string("tag", &tag.name);
            object.count("count", tag.count);
            object.close();
        });
        Ok(json(200, body))
    })
}

/// The tags as a path of ours: with `H`, which no rewriting rule of any server loses.
fn path_of(tags: &[TagKey]) -> String {
    let written = tags.iter().map(|tag| match tag {
        TagKey::Tag(name) => format!("H{name}"),
        TagKey::Mention(name) => format!("@{name}"),
    });
    written.collect::<Vec<String>>().join(",")
}
