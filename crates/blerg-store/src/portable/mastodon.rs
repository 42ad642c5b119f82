//! Reads the `outbox.json` of a Mastodon archive (ActivityPub, W3C 2018: an OrderedCollection of Create and Announce
//! activities). Start at [`entries`]. Only what was public is taken: a post for followers or for one person must not
//! become public by being moved.

use serde_json::Value;

use super::entry::{Entry, Id, What, Written};
use super::{date, html, json};

/// The audience "everybody" (ActivityStreams 2.0 s.5.6), in its three spellings.
const PUBLIC: [&str; 3] = ["https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"];

/// Reads the whole outbox, oldest post first.
pub(crate) fn entries(outbox: &str) -> Result<Vec<Entry>, (u64, String)> {
    let outbox: Value = serde_json::from_str(outbox)
        .map_err(|error| (u64::try_from(error.line()).unwrap_or(0), format!("no JSON: {error}")))?;
    let items = outbox.get("orderedItems").and_then(Value::as_array);
    let items = items.ok_or_else(|| (1, "no \"orderedItems\": not an outbox.json".to_owned()))?;
    let mut entries = Vec::with_capacity(items.len());
    for (line, item) in (1_u64..).zip(items) {
        let what = item_of(item).map_err(|problem| (line, format!("item {line}: {problem}")))?;
        entries.push(Entry { line, what });
    }
    // Stable, so that posts of one second keep their order.
    entries.sort_by_key(|entry| match &entry.what {
        What::Record(written) => written.at_us,
        _ => None,
    });
    Ok(entries)
}

fn item_of(item: &Value) -> Result<What, String> {
    let activity = item.as_object().ok_or("want a JSON object")?;
    match json::text(activity, "type")? {
        Some("Create") => {}
        Some("Announce") => return Ok(What::LeftOut("boosts of others' posts")),
        _ => return Ok(What::LeftOut("activities that are no posts")),
    }
    let note = activity.get("object").and_then(Value::as_object).ok_or("\"object\" is no post")?;
    if json::text(note, "type")? == Some("Question") {
        return Ok(What::LeftOut("polls"));
    }
    if !is_public(activity, note) {
        return Ok(What::LeftOut("posts that were not public"));
    }
    let text = text_of(note)?;
    if text.is_empty() {
        return Ok(What::LeftOut("posts without text"));
    }
    let published = json::text(note, "published")?.or(json::text(activity, "published")?);
    Ok(What::Record(Written {
        text,
        at_us: Some(date::rfc3339(published.ok_or("\"published\" is missing")?)?),
        id: json::text(note, "id")?.map(|id| Id::Url(id.to_owned())),
        reply_to: json::text(note, "inReplyTo")?.map(|id| Id::Url(id.to_owned())),
        ..Written::default()
    }))
}

/// Whether both the activity and the post, as far as they name an audience, name everybody.
fn is_public(activity: &json::Fields, note: &json::Fields) -> bool {
    let mut named = [activity, note].into_iter().filter_map(audience).peekable();
    named.peek().is_some() && named.all(|names_all| names_all)
}

/// Whether an object's audience is everybody; `None` if it names none.
fn audience(object: &json::Fields) -> Option<bool> {
    let names_all = |value: &Value| value.as_str().is_some_and(|name| PUBLIC.contains(&name));
    let mut found = None;
    for value in ["to", "cc"].iter().filter_map(|key| object.get(*key)) {
        let here = match value {
            Value::Array(list) => list.iter().any(names_all),
            one => names_all(one),
        };
        found = Some(here || found.unwrap_or(false));
    }
    found
}

/// The post's text; a content warning stands before it, as its author wanted it read first.
fn text_of(note: &json::Fields) -> Result<String, String> {
    let body = html::to_text(json::text(note, "content")?.unwrap_or(""));
    Ok(match json::text(note, "summary")?.map(str::trim) {
        Some(warning) if !warning.is_empty() && !body.is_empty() => format!("{warning}\n\n{body}"),
        _ => body,
    })
}

#[cfg(test)]
mod tests;
