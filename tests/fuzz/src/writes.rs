//! What changes a site: posts, wiki pages, files, follows and accounts, as whole requests of somebody who is logged in. Start at
//! [`run`]. The first line is a target, the second a type, the rest a body. Whatever is asked, the answer is one, and the site is
//! sound after a hundred of them.

use std::cell::RefCell;

use crate::budget::within_ms;
use crate::site::{Reply, Site};

const LIMIT_MS: u64 = 2_000;
/// So many inputs come to one site.
const INPUTS_MAX: u32 = 100;
/// Longer texts do not fit into the tiny segments of the site.
const BODY_BYTES_MAX: usize = 1_500;
/// In a body: what the form of the page has in its field of that name.
const BASE: &[u8] = b"$BASE";

pub(crate) fn run(data: &[u8]) {
    thread_local! { static SITE: RefCell<Option<(u32, Site)>> = const { RefCell::new(None) }; }
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let [target, media, body] = [(); 3].map(|()| parts.next().unwrap_or_default());
    if body.len() > BODY_BYTES_MAX {
        return;
    }
    SITE.with(|kept| {
        let mut kept = kept.borrow_mut();
        let (inputs, site) = kept.take().unwrap_or_else(|| (1, Site::new()));
        ask(&site, target, media, body);
        if inputs >= INPUTS_MAX {
            let report = site.store.check(&mut |_| {}).expect("a readable site");
            assert_eq!(report.problems, Vec::<String>::new());
        } else if site.get("/sessions").status == 200 {
            *kept = Some((inputs + 1, site));
        }
        // Who has left, or is logged out, writes no more: the next input comes to a new site.
    });
}

fn ask(site: &Site, target: &[u8], media: &[u8], body: &[u8]) {
    let media = if media.is_empty() { b"application/x-www-form-urlencoded" } else { media };
    let Some(mut request) = site.request(b"POST", target, &[(b"Content-Type", media)]) else { return };
    request.body = body.to_vec();
    if let Some(at) = body.windows(BASE.len()).position(|part| part == BASE) {
        let base = request.path.strip_prefix("/wiki/").and_then(|page| site.base(page)).unwrap_or_default();
        request.body = [&body[..at], base.as_bytes(), &body[at + BASE.len()..]].concat();
    }
    check(&within_ms(LIMIT_MS, "an answer", || site.answer(&request)));
    // What is shown of it.
    if let Some(request) = site.request(b"GET", target, &[]) {
        check(&within_ms(LIMIT_MS, "an answer", || site.answer(&request)));
    }
}

fn check(reply: &Reply) {
    let Reply { status, headers, body } = reply;
    assert!((200..500).contains(status), "{status}: {}", String::from_utf8_lossy(body));
    for (name, value) in headers {
        assert!(!value.chars().any(char::is_control), "{name}: {value:?}");
    }
    let media = reply.header("Content-Type").unwrap_or_default();
    if media.starts_with("application/json") {
        let json: Result<serde_json::Value, _> = serde_json::from_slice(body);
        assert!(json.is_ok(), "{:?}", String::from_utf8_lossy(body));
    } else if media.starts_with("text/html") {
        let text = std::str::from_utf8(body).expect("text");
        assert!(!text.to_ascii_lowercase().contains("<script"), "{text}");
    }
}
