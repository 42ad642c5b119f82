//! CGI variables to a request (RFC 3875 s.4.1): start at [`run`]. The input is variables as a process has them, `NAME=value`,
//! with a zero byte behind each. What comes out may be pasted into links, cookies and headers.

use std::net::IpAddr;

use blerg_http::{BaseUrl, CookieSpec, Front, Method, Request, TOKENS_MAX, Trusted, Validators};

pub(crate) fn run(data: &[u8]) {
    let variables: Vec<(&[u8], &[u8])> = data.split(|byte| *byte == 0).filter_map(variable).collect();
    for front in fronts() {
        let Ok(request) = front.from_cgi(variables.iter().copied(), 1) else { continue };
        check(&request);
        for name in [&b"REQUEST_METHOD"[..], b"CONTENT_LENGTH"] {
            let mut values = variables.iter().filter(|(found, _)| *found == name).map(|(_, value)| value);
            let first = values.next();
            assert!(values.all(|value| Some(value) == first), "two of {}", name.escape_ascii());
        }
        let is_escaped =
            variables.iter().any(|(_, value)| value.windows(3).any(|part| part.eq_ignore_ascii_case(b"%2f")));
        // A slash that was escaped is decoded once, whatever stands around it; no file is looked for by such a path.
        let odd = |part: &str| matches!(part, "" | "." | "..");
        let mut inner = request.path.trim_end_matches('/').split('/').skip(1);
        assert!(is_escaped || !inner.any(odd), "{:?}", request.path);
        check_the_order(&front, &variables, &request);
    }
}

fn variable(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = text.split_at(equals);
    Some((name, value.get(1..).unwrap_or_default()))
}

fn fronts() -> [Front; 2] {
    let base_url = BaseUrl::parse("https://Example.org/blog");
    let trusted = Trusted::parse("127.0.0.1, 10.0.0.0/8, ::1, unix").expect("these are addresses");
    [Front::default(), Front { base_url, trusted }]
}

fn check(request: &Request) {
    let Request { path, mount, site, host, .. } = request;
    assert!(path.starts_with('/') && !path.contains('\0'), "{path:?}");
    for place in [mount, site] {
        assert!(place.starts_with('/') && place.ends_with('/'), "{place:?}");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/%-._~!$'()*+:@".contains(&byte);
        assert!(place.bytes().all(is_plain), "{place:?}");
    }
    assert!(mount.starts_with(site.as_str()), "{mount:?} {site:?}");
    assert!(!request.query.contains('\0'));
    if let Some(host) = host {
        assert!(host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte)), "{host:?}");
    }
    assert!(request.headers.get("proxy").is_none(), "httpoxy");
    let root = request.public_root();
    assert!(root.ends_with('/') && root.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\".contains(&byte)));
    assert!(request.remote.is_none_or(|address| address.to_canonical() == address), "{:?}", request.remote);
    check_what_is_asked_of_it(request);
}

fn check_what_is_asked_of_it(request: &Request) {
    let _ = (request.same_site(), request.form(), request.program());
    if let Ok(length) = request.body_length(1_000) {
        assert!(length <= 1_000 && (length == 0 || request.method == Method::Post));
    }
    let tokens: Vec<&str> = request.tokens("auth").collect();
    assert!(tokens.len() <= TOKENS_MAX && tokens.iter().all(|token| !token.is_empty()));
    if let Some(bearer) = request.bearer() {
        assert_eq!(tokens, [bearer]);
    }
    let cookie = CookieSpec { name: "auth", value: "x", path: &request.site, https: request.https, max_age_secs: 1 };
    assert_eq!(cookie.to_header().matches(';').count(), 4 + usize::from(request.https), "nothing adds an attribute");
    check_conditions(request);
}

/// What a visitor holds is current if they say its very tag, and a later date never makes it older.
fn check_conditions(request: &Request) {
    let of = |secs| Validators { etag: "a,b".to_owned(), last_modified_secs: secs };
    let current: Vec<bool> =
        [0, 1_000_000_000, 1_700_000_000, 1 << 40].map(|secs| request.not_modified(&of(secs))).into();
    assert!(current.is_sorted_by(|earlier, later| earlier >= later), "{current:?}");
    let tags = request.headers.get("if-none-match").unwrap_or_default();
    if matches!(request.method, Method::Get | Method::Head) && tags.trim_ascii() == b"W/\"a,b\"" {
        assert!(current.iter().all(|current| *current));
    }
}

/// Variables come in any order; only among equal names the last counts, and header fields keep theirs. One method, one length.
fn check_the_order(front: &Front, variables: &[(&[u8], &[u8])], request: &Request) {
    let mut seen = std::collections::HashSet::new();
    if !variables.iter().all(|(name, _)| seen.insert(name.to_ascii_lowercase().replace_dashes())) {
        return;
    }
    let again = front.from_cgi(variables.iter().rev().copied(), 1).expect("it was fine the other way round");
    let told = |request: &Request| -> (Vec<String>, Option<IpAddr>) {
        let Request { path, query, mount, site, host, .. } = request.clone();
        (vec![path, query, mount, site, format!("{host:?} {} {:?}", request.https, request.method)], request.remote)
    };
    assert_eq!(told(&again), told(request));
}

trait ReplaceDashes {
    fn replace_dashes(self) -> Self;
}

impl ReplaceDashes for Vec<u8> {
    /// `HTTP_A-B` and `HTTP_A_B` are the same field.
    fn replace_dashes(mut self) -> Self {
        self.iter_mut().filter(|byte| **byte == b'-').for_each(|byte| *byte = b'_');
        self
    }
}
