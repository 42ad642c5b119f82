//! Which route a request names, and below which prefix the program answers: REQUEST_URI less the prefix, decoded once,
//! because rewriting loses `%23`, `%3F` and `%25` on the way to PATH_INFO; that is the fallback. Start at [`resolve`].
//! `//` is merged and `.`, `..` are resolved as servers do it for SCRIPT_NAME and PATH_INFO, so that these compare.

use crate::form::hex;
use crate::proxy::BaseUrl;
use crate::request::{Incoming, TARGET_BYTES_MAX};
use crate::response::Refusal;

/// A target taken apart.
pub(crate) struct Mounted<'a> {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) mount: String,
    pub(crate) site: String,
    pub(crate) authority: Option<&'a [u8]>,
}

/// Takes the target apart.
pub(crate) fn resolve<'a>(incoming: &Incoming<'a>, base: Option<&BaseUrl>) -> Result<Mounted<'a>, Refusal> {
    let Some(target) = incoming.target else {
        return without_target(incoming);
    };
    if target.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TARGET_TOO_LONG);
    }
    let (authority, raw) = split_authority(target)?;
    let (raw_path, raw_query) = split_query(raw);
    let query = query_text(raw_query.or(incoming.query))?;
    let whole = Segments::decode(raw_path)?;
    let script = Segments::plain(incoming.script_name)?;
    let info = Segments::plain(incoming.path_info)?;
    let cut = Cut::find(&whole, &script, &info, base.map(BaseUrl::path))?;
    let (path, mount, site) = match cut {
        Cut::At { mount, site } => (whole.path_from(mount), whole.encoded_to(mount), whole.encoded_to(site)),
        Cut::Unrelated => {
            (info.path_from(0), script.encoded_to(script.len()), script.encoded_to(script.directory_len()))
        }
    };
    Ok(Mounted { path, query, mount, site, authority })
}

/// A server that sends no REQUEST_URI: PATH_INFO is all there is.
fn without_target<'a>(incoming: &Incoming<'a>) -> Result<Mounted<'a>, Refusal> {
    let script = Segments::plain(incoming.script_name)?;
    let info = Segments::plain(incoming.path_info)?;
    let query = query_text(incoming.query)?;
    let site = script.encoded_to(script.directory_len());
    Ok(Mounted { path: info.path_from(0), query, mount: script.encoded_to(script.len()), site, authority: None })
}

/// `http://host/path` (RFC 9112 s.3.2.2), `/path`, or `*`.
fn split_authority(target: &[u8]) -> Result<(Option<&[u8]>, &[u8]), Refusal> {
    if target.starts_with(b"/") {
        return Ok((None, target));
    }
    if target == b"*" {
        return Ok((None, b"/"));
    }
    let colon = target.iter().position(|&byte| byte == b':').ok_or(Refusal::TARGET)?;
    let (scheme, rest) = target.split_at_checked(colon).ok_or(Refusal::TARGET)?;
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return Err(Refusal::TARGET);
    }
    let rest = rest.strip_prefix(b"://").ok_or(Refusal::TARGET)?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).ok_or(Refusal::TARGET)?;
    Ok((Some(authority), if path.is_empty() { b"/" } else { path }))
}

/// A fragment never belongs on the wire; it is cut off.
fn split_query(raw: &[u8]) -> (&[u8], Option<&[u8]>) {
    let end = raw.iter().position(|&byte| byte == b'#').unwrap_or(raw.len());
    let raw = raw.get(..end).unwrap_or(raw);
    match raw.iter().position(|&byte| byte == b'?') {
        None => (raw, None),
        Some(at) => (raw.get(..at).unwrap_or_default(), raw.get(at + 1..)),
    }
}

/// Queries stay raw; bytes that are not ASCII should have been escaped, and are taken as UTF-8 where they are.
fn query_text(raw: Option<&[u8]>) -> Result<String, Refusal> {
    let raw = raw.unwrap_or_default();
    if raw.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TARGET_TOO_LONG);
    }
    let text = std::str::from_utf8(raw).map_err(|_| Refusal::TARGET)?;
    if text.contains('\0') { Err(Refusal::TARGET) } else { Ok(text.to_owned()) }
}

/// How much of the target's segments is the mount, and how much the site's directory.
#[derive(Debug)]
enum Cut {
    At {
        mount: usize,
        site: usize,
    },
    /// The target has been rewritten beyond recognition: PATH_INFO is the route.
    Unrelated,
}

impl Cut {
    fn find(whole: &Segments, script: &Segments, info: &Segments, base_path: Option<&str>) -> Result<Cut, Refusal> {
        if let Some(base_path) = base_path {
            let base = Segments::decode(base_path.as_bytes())?;
            if whole.starts_with(&base) {
                return Ok(Cut::below_base(whole, script, base.len()));
            }
        }
        let directory = script.directory_len();
        if !script.ends.is_empty() && whole.starts_with(script) {
            if script.names_a_program() {
                return Ok(Cut::At { mount: script.len(), site: directory });
            }
            // nginx and others send a generic FastCGI back end the whole path as SCRIPT_NAME and no PATH_INFO.
            let generic = info.is_absent() && whole.len() == script.len();
            let mount = if generic { 0 } else { script.len() };
            return Ok(Cut::At { mount, site: mount });
        }
        if whole.starts_with_first(script, directory) {
            return Ok(Cut::At { mount: directory, site: directory });
        }
        // Rewritten from elsewhere: what stands before PATH_INFO in the target is the mount.
        if !info.is_absent() && whole.ends_with(info) {
            let mount = whole.len() - info.len();
            return Ok(Cut::At { mount, site: mount });
        }
        Ok(if info.is_absent() { Cut::At { mount: 0, site: 0 } } else { Cut::Unrelated })
    }

    /// The operator said where the site is; only the program's own name may follow.
    fn below_base(whole: &Segments, script: &Segments, base: usize) -> Cut {
        let named = script.len() > base && script.names_a_program() && whole.starts_with(script);
        Cut::At { mount: if named { script.len() } else { base }, site: base }
    }
}

/// A decoded path: its segments without empty ones, and whether a slash ends it.
#[derive(Default)]
struct Segments {
    text: String,
    ends: Vec<usize>,
    slash: bool,
}

impl Segments {
    /// Decodes a percent-encoded path, once.
    fn decode(raw: &[u8]) -> Result<Segments, Refusal> {
        let mut segments = Segments { text: String::with_capacity(raw.len()), ..Segments::default() };
        for part in raw.split(|&byte| byte == b'/') {
            if part.contains(&b'%') {
                segments.push(&unescape(part)?)?;
            } else {
                segments.push(part)?;
            }
        }
        Ok(segments)
    }

    /// A path that the server has decoded.
    fn plain(path: &[u8]) -> Result<Segments, Refusal> {
        if path.len() > TARGET_BYTES_MAX {
            return Err(Refusal::TARGET_TOO_LONG);
        }
        let mut segments = Segments::default();
        if path.is_empty() {
            return Ok(segments);
        }
        for part in path.split(|&byte| byte == b'/') {
            segments.push(part)?;
        }
        Ok(segments)
    }

    fn push(&mut self, part: &[u8]) -> Result<(), Refusal> {
        match part {
            b"" | b"." => self.slash = true,
            b".." => {
                self.ends.pop();
                self.text.truncate(self.ends.last().copied().unwrap_or(0));
                self.slash = true;
            }
            _ => {
                let text = std::str::from_utf8(part).map_err(|_| Refusal::TARGET)?;
                if text.contains('\0') {
                    return Err(Refusal::TARGET);
                }
                self.text.push_str(text);
                self.ends.push(self.text.len());
                self.slash = false;
            }
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    /// Neither a segment nor a slash, so PATH_INFO `/` is not empty.
    fn is_absent(&self) -> bool {
        self.ends.is_empty() && !self.slash
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let segment = self.text.get(start..end).unwrap_or_default();
            start = end;
            segment
        })
    }

    fn last(&self) -> &str {
        self.iter().last().unwrap_or_default()
    }

    fn starts_with(&self, prefix: &Segments) -> bool {
        self.starts_with_first(prefix, prefix.len())
    }

    fn starts_with_first(&self, prefix: &Segments, count: usize) -> bool {
        self.len() >= count && self.iter().zip(prefix.iter().take(count)).all(|(ours, theirs)| ours == theirs)
    }

    fn ends_with(&self, suffix: &Segments) -> bool {
        self.len() >= suffix.len() && self.iter().skip(self.len() - suffix.len()).eq(suffix.iter())
    }

    /// The segments of the directory a script lives in; for one that is mounted as a directory itself, all of them.
    fn directory_len(&self) -> usize {
        if self.names_a_program() { self.len() - 1 } else { self.len() }
    }

    /// `blerg.cgi`, `rss.fcgi`, `cgi_blerg`: a file that a server starts, and not a place in the site.
    fn names_a_program(&self) -> bool {
        let last = self.last();
        [".cgi", ".fcgi", ".exe", "_blerg"].iter().any(|end| last.ends_with(end))
    }

    /// The route: what follows the first `from` segments.
    fn path_from(&self, from: usize) -> String {
        let mut path = String::with_capacity(self.text.len() + self.len() + 1);
        for segment in self.iter().skip(from) {
            path.push('/');
            path.push_str(segment);
        }
        if path.is_empty() || self.slash {
            path.push('/');
        }
        path
    }

    /// The first `to` segments, for a URL or a cookie's Path.
    fn encoded_to(&self, to: usize) -> String {
        let mut out = String::from("/");
        for segment in self.iter().take(to) {
            encode_segment(segment, &mut out);
            out.push('/');
        }
        out
    }
}

fn encode_segment(segment: &str, out: &mut String) {
    for byte in segment.bytes() {
        // No `;` and `,`: the result goes into a cookie's Path as well.
        if byte.is_ascii_alphanumeric() || b"-._~!$'()*+:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
}

fn unescape(part: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::with_capacity(part.len());
    let mut rest = part;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let [high, low, after @ ..] = tail else {
            return Err(Refusal::TARGET);
        };
        if !high.is_ascii_hexdigit() || !low.is_ascii_hexdigit() {
            return Err(Refusal::TARGET);
        }
        out.push(hex(*high) << 4 | hex(*low));
        rest = after;
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
