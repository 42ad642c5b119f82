//! Whose pages a request comes from, and which host it names: the cross-site rule (API.md section 2) and the Host header's
//! check. Start at [`same_site`]. Never believes a header of a page's own making: browsers set these themselves.

use crate::proxy::BaseUrl;
use crate::request::{Incoming, Request};
use crate::response::Refusal;

/// DNS names have at most 253 characters, and a port.
const HOST_BYTES_MAX: usize = 260;

/// `Sec-Fetch-Site` decides where it is sent, else `Origin`; with neither the request passes: an old client or a program.
pub(crate) fn same_site(request: &Request) -> bool {
    if let Some(site) = request.headers.get("sec-fetch-site") {
        return matches!(site.trim_ascii(), b"same-origin" | b"none");
    }
    match request.headers.get("origin") {
        None => true,
        Some(origin) => std::str::from_utf8(origin).is_ok_and(|origin| is_ours(origin.trim(), request)),
    }
}

/// The scheme may be better than we know (a proxy that ends TLS without telling), never worse.
fn is_ours(origin: &str, request: &Request) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else {
        return false;
    };
    let scheme_https = scheme.eq_ignore_ascii_case("https");
    if !scheme_https && !scheme.eq_ignore_ascii_case("http") {
        return false;
    }
    if let Some(base) = request.base_url.as_deref().and_then(BaseUrl::parse)
        && base.is_https() == scheme_https
        && same_authority(base.authority(), authority, scheme_https)
    {
        return true;
    }
    let Some(host) = request.host.as_deref() else {
        return false;
    };
    (scheme_https || !request.https) && same_authority(host, authority, scheme_https)
}

fn same_authority(ours: &str, theirs: &str, https: bool) -> bool {
    let default = if https { ":443" } else { ":80" };
    let ours = ours.strip_suffix(default).unwrap_or(ours);
    let theirs = theirs.strip_suffix(default).unwrap_or(theirs);
    !ours.is_empty() && ours.eq_ignore_ascii_case(theirs)
}

/// The host of the target if it is absolute (RFC 9112 s.3.2.2: it wins), of Host, or of SERVER_NAME and SERVER_PORT.
pub(crate) fn host(authority: Option<&[u8]>, incoming: &Incoming<'_>) -> Result<Option<String>, Refusal> {
    // Two of them are two opinions: what stands in front of us may have gone by the other one (RFC 9112 s.3.2).
    if incoming.headers.get_all("host").nth(1).is_some() {
        return Err(Refusal::HOST);
    }
    let sent = authority.or_else(|| incoming.headers.get("host")).map(<[u8]>::trim_ascii);
    if let Some(sent) = sent.filter(|sent| !sent.is_empty()) {
        return checked(sent).map(Some).ok_or(Refusal::HOST);
    }
    let Some((name, port)) = incoming.server else {
        return Ok(None);
    };
    let Some(name) = checked(name) else {
        return Ok(None);
    };
    let usual = if incoming.https { b"443".as_slice() } else { b"80" };
    match std::str::from_utf8(port) {
        Ok(text) if port != usual && !port.is_empty() && port.iter().all(u8::is_ascii_digit) => {
            Ok(Some(format!("{name}:{text}")))
        }
        _ => Ok(Some(name)),
    }
}

/// Letters, digits, `-._~`, a port, and brackets of IPv6: what can be pasted into a URL or a header without escaping.
fn checked(host: &[u8]) -> Option<String> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
    if host.is_empty() || host.len() > HOST_BYTES_MAX || !host.iter().all(allowed) {
        return None;
    }
    String::from_utf8(host.to_ascii_lowercase()).ok()
}

#[cfg(test)]
mod tests;
