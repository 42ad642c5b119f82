//! Successes as visitors get them: JSON, whether the visitor holds it already, who may keep it, and where a list goes
//! on. Start at [`unless_known`]. It never writes a header that blerg-http adds to every answer by itself.

use crate::call::Call;
use crate::failure::Failure;
use crate::json::{self, Author, Object};
use blerg_http::{Method, Response, Validators};
use blerg_store::{AuthorId, Cursor, Error, ListKey, Post, Reader, RecordNo, Store, Version};
use std::sync::Arc;
use std::{io, vec};

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

/// Room for a usual list of 50 short records; longer ones grow.
const LIST_BYTES_USUAL: usize = 8 * 1024;

/// A list that is longer goes out record by record: a hundred records of 64 KiB of control characters are 39 MB of JSON,
/// and who asks for them on many connections and reads slowly would have them all held in memory.
const WHOLE_BYTES_MAX: usize = 128 * 1024;

/// Records as an array.
pub(crate) fn records(call: &Call<'_>, posts: &[Post], author: Author) -> Response {
    records_within(call, Vec::with_capacity(LIST_BYTES_USUAL), posts, author, b"")
}

/// Records as an array, after what is written already and before what ends the answer.
pub(crate) fn records_within(
    call: &Call<'_>,
    mut written: Vec<u8>,
    posts: &[Post],
    author: Author,
    end: &'static [u8],
) -> Response {
    written.push(b'[');
    let mut rest = posts.iter();
    while let Some(post) = rest.next() {
        json::post(&mut written, post, author);
        if rest.len() == 0 {
            break;
        }
        if written.len() > WHOLE_BYTES_MAX {
            let left: Vec<(AuthorId, RecordNo)> = rest.map(|post| (post.author, post.record)).collect();
            let rest =
                Rest { store: Arc::clone(call.store), written: Some(written), left: left.into_iter(), author, end };
            return Response::stream("application/json", Box::new(rest));
        }
        written.push(b',');
    }
    written.push(b']');
    written.extend_from_slice(end);
    json(200, written)
}

/// What is left of a long list. A record is read again when its turn comes, and left out if it is gone by then.
struct Rest {
    store: Arc<Store>,
    written: Option<Vec<u8>>,
    left: vec::IntoIter<(AuthorId, RecordNo)>,
    author: Author,
    end: &'static [u8],
}

impl Rest {
    fn record(&self, author: AuthorId, record: RecordNo) -> Result<Option<Vec<u8>>, Error> {
        let Some(post) = self.store.reader()?.post(author, record)? else { return Ok(None) };
        let mut out = Vec::with_capacity(post.text.len() + 256);
        out.push(b',');
        json::post(&mut out, &post, self.author);
        Ok(Some(out))
    }
}

impl Iterator for Rest {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        // The first piece is there, and stands for the list being open.
        let mut piece = self.written.take()?;
        if !piece.is_empty() {
            self.written = Some(Vec::new());
            return Some(Ok(piece));
        }
        while let Some((author, record)) = self.left.next() {
            match self.record(author, record) {
                Ok(None) => {}
                Ok(Some(out)) => {
                    self.written = Some(Vec::new());
                    return Some(Ok(out));
                }
                Err(error) => return Some(Err(io::Error::other(error))),
            }
        }
        piece.push(b']');
        piece.extend_from_slice(self.end);
        Some(Ok(piece))
    }
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

/// The version of what shows these lists, and so also changes when somebody leaves.
pub(crate) fn version_of(reader: &Reader, keys: &[ListKey<'_>]) -> Result<Version, Error> {
    reader.dated(reader.with_leavers(reader.undated_version_of(keys)?))
}

/// The version of what shows records of these lists: a delete takes the `reply_to` of every answer to the record along, on
/// whatever list that stands.
pub(crate) fn version_of_records(reader: &Reader, keys: &[ListKey<'_>]) -> Result<Version, Error> {
    let mut version = reader.with_leavers(reader.undated_version_of(keys)?);
    version.changed = version.changed.max(reader.undated_version_of(&[ListKey::Deletes])?.changed);
    reader.dated(version)
}

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
    Validators::new(etag, *changed_us, call.request.now_us)
}

/// What tells versions of an answer apart that is not made of the log alone: the body itself (FNV-1a, 64 bits: the
/// visitor would deceive only himself), and no date but now.
pub(crate) fn private_now(call: &Call<'_>, body: &[u8]) -> Validators {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = body.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    Validators::new(format!("b{hash:x}-{:x}", body.len()), call.request.now_us, call.request.now_us)
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
