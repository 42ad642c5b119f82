//! Cookies: start at [`run`]. Each line is one Cookie field. The tokens that are tried are those that a plain model finds, and
//! one that a browser sent is among them whatever else was sent along.

use blerg_http::{COOKIE_HEADER_BYTES_MAX, Front, Headers, Incoming, TOKENS_MAX};

const NAME: &str = "auth";
const TOKEN: &str = "0123456789abcdef";

pub(crate) fn run(data: &[u8]) {
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let Some(tokens) = tokens(&lines) else { return };
    assert_eq!(tokens, model(&lines));
    beside_others(&lines);
}

fn tokens(lines: &[&[u8]]) -> Option<Vec<String>> {
    let mut headers = Headers::default();
    if !lines.iter().all(|line| headers.push(b"Cookie", line)) {
        return None;
    }
    let request = Front::default().accept(Incoming { headers, target: Some(b"/"), ..Incoming::default() }, 1);
    let request = request.unwrap_or_else(|_| panic!("cookies are no reason to refuse"));
    Some(request.tokens(NAME).map(str::to_owned).collect())
}

/// Byte by byte: a pair ends at a separator, the first equals sign ends its name.
fn model(lines: &[&[u8]]) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = COOKIE_HEADER_BYTES_MAX;
    for line in lines {
        let mut pair = Vec::new();
        let read = line.iter().take(left).copied();
        left -= line.len().min(left);
        for byte in read.chain([b';']) {
            if !matches!(byte, b';' | b',') {
                pair.push(byte);
                continue;
            }
            if let Ok(pair) = value(&std::mem::take(&mut pair)) {
                found.push(pair);
            }
        }
    }
    found.truncate(TOKENS_MAX);
    found
}

fn value(pair: &[u8]) -> Result<String, ()> {
    let mut parts = pair.splitn(2, |byte| *byte == b'=');
    let (name, value) = (parts.next().ok_or(())?, parts.next().ok_or(())?);
    let is_white = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c);
    let name: Vec<u8> = name.iter().copied().skip_while(is_white).collect();
    let behind = name.strip_prefix(NAME.as_bytes()).ok_or(())?;
    let value = String::from_utf8(value.to_vec()).map_err(|_| ())?;
    let value = value.trim();
    let is_quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    let value = if is_quoted { &value[1..value.len() - 1] } else { value };
    if behind.iter().all(is_white) && !value.is_empty() { Ok(value.to_owned()) } else { Err(()) }
}

/// The good token, behind what was sent, before it and between its lines, is tried, unless others of its name are too many.
fn beside_others(lines: &[&[u8]]) {
    let good = format!("{NAME}={TOKEN}; other=1");
    let others: usize = lines.iter().map(|line| line.len()).sum();
    for at in [0, lines.len() / 2, lines.len()] {
        let mut with = lines.to_vec();
        with.insert(at, good.as_bytes());
        let Some(tokens) = tokens(&with) else { continue };
        let is_room = others + good.len() <= COOKIE_HEADER_BYTES_MAX && model(lines).len() < TOKENS_MAX;
        assert!(!is_room || tokens.iter().any(|token| token == TOKEN), "{tokens:?}");
    }
}
