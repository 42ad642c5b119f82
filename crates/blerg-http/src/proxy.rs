//! Where the site is for the outside: the public root ([`BaseUrl`]) and the proxies that are believed ([`Trusted`],
//! `BLERG_TRUSTED_PROXY`). Nobody's `X-Forwarded-*` is believed by default.

use std::net::IpAddr;

use crate::headers::Headers;

/// Addresses in X-Forwarded-For are looked at from the right, at most this many; real chains have two or three.
const HOPS_MAX: usize = 16;

/// An absolute http or https URL that ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    authority_end: usize,
    https: bool,
}

impl BaseUrl {
    /// `http(s)://host[:port][/path]`, without user, query or fragment; a missing last `/` is added.
    #[must_use]
    pub fn parse(text: &str) -> Option<BaseUrl> {
        let (scheme, rest) = text.split_once("://")?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]/%!$&'()*+,;=@".contains(&byte);
        if !rest.bytes().all(allowed) {
            return None;
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() || authority.contains(['@', '%', '=']) || path.split('/').any(|part| part == "..") {
            return None;
        }
        let start = format!("{}://{}", if https { "https" } else { "http" }, authority.to_ascii_lowercase());
        let authority_end = start.len();
        let slash = if path.is_empty() || path.ends_with('/') { "" } else { "/" };
        Some(BaseUrl { text: format!("{start}/{path}{slash}"), authority_end, https })
    }

    /// The whole URL; ends in `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.get(..self.authority_end).and_then(|start| start.split_once("://")).map_or("", |(_, rest)| rest)
    }

    /// The path, percent-encoded; starts and ends with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.get(self.authority_end..).unwrap_or("/")
    }
}

/// Whose word on the visitor's address and scheme is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    networks: Vec<(IpAddr, u8)>,
    unix: bool,
}

impl Trusted {
    /// Addresses and networks (`127.0.0.1`, `10.0.0.0/8`, `::1`) and the word `unix`, between commas or spaces.
    ///
    /// # Errors
    /// The part that is none of these.
    pub fn parse(text: &str) -> Result<Trusted, String> {
        let mut trusted = Trusted::default();
        for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
            if part == "unix" {
                trusted.unix = true;
                continue;
            }
            let (address, bits) = part.split_once('/').map_or((part, None), |(address, bits)| (address, Some(bits)));
            let address: IpAddr = address.parse().map_err(|_| part.to_owned())?;
            let all = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Ok(all), |bits| bits.parse::<u8>()).map_err(|_| part.to_owned())?;
            if bits > all {
                return Err(part.to_owned());
            }
            trusted.networks.push((address, bits));
        }
        Ok(trusted)
    }

    /// Whether this peer's word is taken.
    pub(crate) fn contains(&self, peer: Option<IpAddr>, through_unix: bool) -> bool {
        (through_unix && self.unix) || peer.is_some_and(|peer| self.contains_address(peer))
    }

    fn contains_address(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.iter().any(|&(network, bits)| match (network, peer) {
            (IpAddr::V4(network), IpAddr::V4(peer)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                network.to_bits() & mask == peer.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(peer)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                network.to_bits() & mask == peer.to_bits() & mask
            }
            _ => false,
        })
    }

    /// The last proxy's word on the scheme.
    pub(crate) fn forwarded_https(&self, headers: &Headers) -> Option<bool> {
        let last = headers.get_all("x-forwarded-proto").last()?.rsplit(|&byte| byte == b',').next()?.trim_ascii();
        Some(last.eq_ignore_ascii_case(b"https"))
    }

    /// The visitor: from the right, the first address that is not a trusted proxy's own.
    pub(crate) fn forwarded_for(&self, headers: &Headers) -> Option<IpAddr> {
        let fields: Vec<&[u8]> = headers.get_all("x-forwarded-for").collect();
        let hops = fields.iter().rev().flat_map(|field| field.rsplit(|&byte| byte == b','));
        let mut visitor = None;
        for hop in hops.take(HOPS_MAX) {
            let Some(address) = address(hop.trim_ascii()) else {
                break;
            };
            visitor = Some(address);
            if !self.contains_address(address) {
                break;
            }
        }
        visitor
    }
}

/// `192.0.2.1`, `192.0.2.1:1234`, `2001:db8::1`, `[2001:db8::1]:1234`.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?;
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip().to_canonical());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok()
}

#[cfg(test)]
mod tests;
