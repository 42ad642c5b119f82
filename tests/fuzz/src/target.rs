//! A request's target, decoded once: start at [`run`]. A plain model of what the path means, and what is written as a link
//! leads back to where it came from.

use blerg_http::{Front, Incoming, Request, TARGET_BYTES_MAX};

use crate::input::Input;

pub(crate) fn run(data: &[u8]) {
    alone(data);
    let mut input = Input::new(data);
    let (script, info) = (usize::from(input.byte()) % 64, usize::from(input.byte()) % 64);
    let (script_name, path_info) = (input.take(script), input.take(info));
    let target = input.rest();
    for target in [Some(target), None] {
        let incoming = Incoming { target, script_name, path_info, query: Some(b"q=1"), ..Incoming::default() };
        let Ok(request) = Front::default().accept(incoming, 1) else { continue };
        assert!(request.path.starts_with('/') && request.mount.starts_with(&request.site));
        check_the_way_back(&request);
    }
}

/// A target without any prefix is what the model says.
fn alone(target: &[u8]) {
    let request = accept(target);
    if target.starts_with(b"/") && target.len() <= TARGET_BYTES_MAX {
        let told = request.as_ref().map(|request| (request.path.clone(), request.query.clone()));
        assert_eq!(told, model(target), "{:?}", String::from_utf8_lossy(target));
    }
    if let Some(request) = request {
        check_the_way_back(&request);
    }
}

fn accept(target: &[u8]) -> Option<Request> {
    Front::default().accept(Incoming { target: Some(target), ..Incoming::default() }, 1).ok()
}

/// The mount and the path, written as a link, lead to the same path below the root.
fn check_the_way_back(request: &Request) {
    // A slash that was escaped is decoded once: as a link it would be another one.
    let inner = request.path.strip_suffix('/').unwrap_or(&request.path);
    if inner.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) {
        return;
    }
    let mut link = request.mount.clone();
    for byte in request.path.trim_start_matches('/').bytes() {
        match byte {
            b'/' => link.push('/'),
            other => link.push_str(&format!("%{other:02X}")),
        }
    }
    let Some(again) = accept(link.as_bytes()) else { panic!("{link} is no link") };
    assert!(again.path.ends_with(&request.path), "{} is not below {}", request.path, again.path);
}

/// Path and query, in the plainest way.
fn model(target: &[u8]) -> Option<(String, String)> {
    let target = target.split(|byte| *byte == b'#').next()?;
    let mut parts = target.splitn(2, |byte| *byte == b'?');
    let (path, query) = (parts.next()?, parts.next().unwrap_or_default());
    let query = String::from_utf8(query.to_vec()).ok().filter(|query| !query.contains('\0'))?;
    let mut kept: Vec<String> = Vec::new();
    let mut is_directory = true;
    for part in path.split(|byte| *byte == b'/').skip(1) {
        let part = String::from_utf8(decoded(part)?).ok().filter(|part| !part.contains('\0'))?;
        is_directory = matches!(&*part, "" | "." | "..");
        if part == ".." {
            kept.pop();
        } else if !is_directory {
            kept.push(part);
        }
    }
    let slash = if is_directory && !kept.is_empty() { "/" } else { "" };
    Some((format!("/{}{slash}", kept.join("/")), query))
}

pub(crate) fn decoded(part: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut input = Input::new(part);
    while !input.is_empty() {
        match input.byte() {
            b'%' => {
                let digits = input.take(2);
                let is_hex = digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit);
                let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
            }
            byte => out.push(byte),
        }
    }
    Some(out)
}
