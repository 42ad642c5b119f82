//! Whole requests for the API, the feeds and the wiki of a small site: start at [`run`]. The first line is a target, the others are
//! header fields. Whatever is asked, the answer is one, of the form that it says it has, and can be asked for again.

use blerg_http::Request;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use crate::budget::within_ms;
use crate::site::{self, Reply, Site};

const LIMIT_MS: u64 = 2_000;

pub(crate) fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let target = lines.next().unwrap_or_default();
    let fields: Vec<(&[u8], &[u8])> = lines.filter_map(field).collect();
    site::with(|site| {
        let Some(request) = site.request(b"GET", target, &fields) else { return };
        let reply = within_ms(LIMIT_MS, "an answer", || site.answer(&request));
        check(&request, &reply);
        once_more(site, target, &fields, &reply);
    });
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

fn check(request: &Request, reply: &Reply) {
    let Reply { status, headers, body } = reply;
    let expected = [200, 303, 301, 302, 304, 400, 401, 403, 404, 405, 406, 410];
    assert!(expected.contains(status), "{status} for {}", request.path);
    for (name, value) in headers {
        assert!(!value.chars().any(char::is_control), "{name}: {value:?}");
    }
    let lists = headers.iter().filter(|(name, _)| name == "Content-Length").count();
    assert!(lists <= 1);
    let content_type = reply.header("Content-Type").unwrap_or_default();
    if content_type.starts_with("application/json") || content_type.starts_with("application/feed+json") {
        let json = serde_json::from_slice(body).unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(body)));
        range(request, &json);
    } else if content_type.contains("xml") {
        well_formed(body);
    } else if content_type.starts_with("text/html") {
        let text = std::str::from_utf8(body).expect("text");
        assert!(!text.to_ascii_lowercase().contains("<script") && !text.contains("javascript:"), "{text}");
    }
}

/// A range holds the numbers that were asked for, newest first, at most a hundred.
fn range(request: &Request, json: &serde_json::Value) {
    let Some(("Ada" | "jon" | "o'brien", range)) =
        request.path.strip_prefix("/get/").and_then(|rest| rest.split_once('/'))
    else {
        return;
    };
    let Some(records) = json.as_array() else { return };
    let (first, last) = range.split_once('-').expect("a range");
    let (first, last): (u64, u64) = (first.parse().expect("a number"), last.parse().expect("a number"));
    let numbers = records.iter().map(|record| record["record"].as_str().and_then(|no| no.parse::<u64>().ok()));
    assert!(numbers.eq((first..=last.min(39)).rev().map(Some)), "{range}");
}

fn well_formed(body: &[u8]) {
    let mut reader = Reader::from_reader(body);
    reader.config_mut().check_comments = true;
    let mut depth = 0_i64;
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
        assert!(depth >= 0);
    }
    assert_eq!(depth, 0, "{}", String::from_utf8_lossy(body));
}

/// HEAD has the same headers, and whoever has the answer is told that it is current.
fn once_more(site: &Site, target: &[u8], fields: &[(&[u8], &[u8])], reply: &Reply) {
    let head = site.request(b"HEAD", target, fields).expect("GET was fine");
    let without = site.answer(&head);
    assert_eq!((without.status, &without.headers, without.body.len()), (reply.status, &reply.headers, 0));
    if let (200, Some(etag)) = (reply.status, reply.header("ETag")) {
        let condition: (&[u8], &[u8]) = (b"If-None-Match", etag.as_bytes());
        let fields: Vec<(&[u8], &[u8])> = std::iter::once(condition).chain(fields.iter().copied()).collect();
        if let Some(request) = site.request(b"GET", target, &fields) {
            assert_eq!(site.answer(&request).status, 304, "{etag}");
        }
    }
}
