//! Successes as visitors get them: JSON, whether the visitor holds it already, who may keep it, and where a list goes
//! on. Start at [`unless_known`]. It never writes a header that blerg-http adds to every answer by itself.

use crate::call::Call;
use crate::failure::Failure;
use crate::json::{Object, seconds_of};
use blerg_http::{Method, Response, Validators};
use blerg_store::{AuthorId, Cursor, ListKey, RecordNo, Version};

/// Who may see, and so keep, an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody gets the same.
    Everybody,
    /// It is this user's own: no shared cache may hand it to another.
    Only(AuthorId),
}

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: Vec<u8>) -> Response {
    Response::new(status, "application/json", body)
}

/// `{"status":"success"}`.
pub(crate) fn success() -> Response {
    json(200, br#"{"status":"success"}"#.to_vec())
}

/// Success with the number of the record that was put.
pub(crate) fn success_record(record: RecordNo) -> Response {
    let mut body = Vec::with_capacity(64);
    let mut object = Object::open(&mut body);
    object.string("status", "success");
    object.count("record", record.0);
    object.close();
    json(200, body)
}

/// 304 where the visitor holds this version already, else what `build` makes, marked with its version. Nothing is read
/// for a 304 but the version. A POST is answered in full: there is nothing that it could hold.
pub(crate) fn unless_known(
    call: &Call<'_>,
    audience: Audience,
    validators: &Validators,
    build: impl FnOnce() -> Result<Response, Failure>,
) -> Result<Response, Failure> {
    if call.request.method == Method::Post {
        return build();
    }
    let response = if call.request.not_modified(validators) {
        Response::not_modified(validators)
    } else {
        build()?.validators(validators)
    };
    Ok(match audience {
        Audience::Everybody => response,
        Audience::Only(_) => response.cache("private, no-cache").header("Vary", "Cookie, Authorization"),
    })
}

/// What every answer with others' records or names depends on besides its own lists: who leaves takes records and replies'
/// `reply_to` along at once, before the lists they stood on are told one by one.
pub(crate) const LEAVING: ListKey<'static> = ListKey::Authors;

/// The version of what depends on both.
pub(crate) fn joined(one: Version, other: Version) -> Version {
    Version {
        len: one.len.saturating_add(other.len),
        changed: one.changed.max(other.changed),
        changed_us: one.changed_us.max(other.changed_us),
        stamp: one.stamp,
    }
}

/// What tells versions of an answer apart that is made of lists of the log.
///
/// While a list was changed by what is not durable yet, the answer does not show the change although the list's mark
/// has moved; the end of what is visible then tells it from the answer that will.
pub(crate) fn validators(call: &Call<'_>, audience: Audience, version: &Version) -> Validators {
    let Version { len, changed, changed_us, stamp } = version;
    let mut etag = format!("{:x}-{:x}-{:x}-{:x}", len, changed.0, stamp.generation, stamp.epoch);
    if changed >= &stamp.visible {
        etag.push_str(&format!("-{:x}", stamp.visible.0));
    }
    if let Audience::Only(author) = audience {
        etag.push_str(&format!("-u{:x}", author.0));
    }
    Validators { etag, last_modified_secs: last_modified_secs(*changed_us, call.request.now_us) }
}

/// What tells versions of an answer apart that is not made of the log alone: the body itself (FNV-1a, 64 bits: the
/// visitor would deceive only himself), and no date but now.
pub(crate) fn private_now(call: &Call<'_>, body: &[u8]) -> Validators {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = body.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    Validators { etag: format!("b{hash:x}-{:x}", body.len()), last_modified_secs: seconds_of(call.request.now_us) }
}

/// The second of the last change, but never one to come (RFC 9110 s.8.8.2.1), should the clock have been set back.
fn last_modified_secs(changed_us: u64, now_us: u64) -> u64 {
    seconds_of(changed_us).min(seconds_of(now_us))
}

/// Leads on to the next page of a list, if there is one. `path` is relative to the mount and percent-encoded; `query`
/// is empty or ends in `&`.
pub(crate) fn linked(response: Response, call: &Call<'_>, path: &str, query: &str, next: Option<&Cursor>) -> Response {
    let Some(next) = next else { return response };
    let mount = &call.request.mount;
    // A slash may stand in a query as it is.
    let before = encode(&next.to_string()).replace("%2F", "/");
    response.header("Link", format!("<{mount}{path}?{query}before={before}>; rel=\"next\""))
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests;
