//! Lists of records: the last fifty, ranges, paging, everybody's, threads.

use crate::site::{Ask, Site};
use blerg_http::{Body, Handler};

#[test]
fn a_user_without_records_has_an_empty_list_and_count_zero() {
    let site = Site::new();
    site.join("jon");
    let created = site.now_us.get() / 1_000_000 - 1;
    assert_eq!(site.get("/get/jon").body, "[]");
    let want = format!(r#"{{"record_count":"0","created":{created},"followers":"0","following":"0"}}"#);
    assert_eq!(site.get("/info/jon").body, want);
    let reply = site.get("/get/jon/0-9");
    assert_eq!((reply.status, reply.code().as_str()), (404, "past_the_end"));
}

#[test]
fn nobody_is_404() {
    let site = Site::new();
    site.join("jon");
    for target in ["/get/nobody", "/get/nobody/0-9", "/info/nobody", "/thread/nobody/0", "/get/a%20%20b"] {
        let reply = site.get(target);
        assert_eq!((reply.status, reply.code().as_str()), (404, "no_such_user"), "{target}");
    }
}

#[test]
fn the_last_fifty_come_newest_first_and_lead_on_to_the_first() {
    let site = Site::new();
    let jon = site.join("Jon D.");
    for number in 0..120 {
        jon.put(&format!("record {number} #x"));
    }
    jon.done("/delete", "record=69");
    for start in ["/get/jon%20d.", "/tag/Hx", "/tag/%23x", "/latest", "/search?q=record"] {
        let mut found = Vec::new();
        let mut target = start.to_owned();
        let mut pages = 0;
        loop {
            let page = site.get(&target);
            found.extend(page.records());
            pages += 1;
            match page.next() {
                Some(next) => target = next,
                None => break,
            }
        }
        let want: Vec<u64> = (0..120).rev().filter(|number| *number != 69).collect();
        assert_eq!(found, want, "{start}");
        assert_eq!(pages, 3, "{start}");
    }
    let page = site.get("/get/jon%20d.");
    assert_eq!(page.next().as_deref(), Some("/get/Jon%20D.?before=Jon%20D./70"));
    assert_eq!(page.json()[0].get("author"), None);
    assert_eq!(site.get("/tag/%23x").next().as_deref(), Some("/tag/Hx?before=Jon%20D./70"));
    assert_eq!(
        site.get("/search?q=record+-nothing").next().as_deref(),
        Some("/search?q=record%20-nothing&before=Jon%20D./70")
    );
    // Exactly fifty left: nothing more to lead to.
    let page = site.get("/get/jon%20d.?before=Jon%20D./50");
    assert_eq!((page.records().len(), page.next()), (50, None));
}

#[test]
fn links_lead_to_where_the_site_is_mounted() {
    let site = Site::new();
    let jon = site.join("jon");
    for _ in 0..51 {
        jon.put("x");
    }
    for (target, want) in
        [("/blog/get/jon", "/blog/get/jon?before=jon/1"), ("/blog/b.cgi/latest", "/blog/b.cgi/latest?before=jon/1")]
    {
        let reply =
            site.send(&crate::site::Ask { method: "GET", target, script_name: "/blog/b.cgi", ..Default::default() });
        assert_eq!(reply.next().as_deref(), Some(want));
    }
}

#[test]
fn a_page_goes_on_below_a_record_that_was_deleted_meanwhile() {
    let site = Site::new();
    let jon = site.join("jon");
    for number in 0..60 {
        jon.put(&format!("{number} #x"));
    }
    for list in ["/get/jon", "/tag/Hx", "/latest"] {
        let next = site.get(list).next().expect("more");
        assert!(next.ends_with("?before=jon/10"), "{next}");
    }
    jon.done("/delete", "record=10");
    for list in ["/get/jon", "/tag/Hx", "/latest"] {
        assert_eq!(site.get(&format!("{list}?before=jon/10")).records(), (0..10).rev().collect::<Vec<u64>>(), "{list}");
    }
}

#[test]
fn before_is_author_and_record_or_a_failure() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("x #x");
    for list in ["/get/jon", "/tag/Hx", "/latest", "/thread/jon/0", "/search?q=x"] {
        let mark = if list.contains('?') { '&' } else { '?' };
        for wrong in ["jon", "0", "jon/9", "nobody/0", "jon/x", "/0", "%FF/0"] {
            let reply = site.get(&format!("{list}{mark}before={wrong}"));
            assert_eq!(reply.status, 200, "{list} {wrong}");
            assert!(["bad_before", "bad_parameter"].contains(&reply.code().as_str()), "{list} {wrong}: {}", reply.body);
        }
        assert_eq!(site.get(&format!("{list}{mark}before=")).code(), "", "{list}");
    }
    assert_eq!(jon.get("/feed?before=jon/9").code(), "bad_before");
}

#[test]
fn ranges_are_inclusive_and_cut_at_the_end() {
    let site = Site::new();
    let jon = site.join("jon");
    for number in 0..105 {
        jon.put(&format!("{number} #x"));
    }
    jon.done("/delete", "record=3");
    for list in ["/get/jon", "/tag/Hx"] {
        assert_eq!(site.get(&format!("{list}/0-99")).records().len(), 99, "{list}");
        assert_eq!(site.get(&format!("{list}/1-4")).records(), [4, 2, 1], "{list}");
        assert_eq!(site.get(&format!("{list}/100-199")).records(), [104, 103, 102, 101, 100], "{list}");
        assert_eq!(site.get(&format!("{list}/104-104")).records(), [104], "{list}");
        assert_eq!(site.get(&format!("{list}/3-3")).body, "[]", "{list}");
        for (range, status, code) in [
            ("0-100", 200, "bad_range"),
            ("5-4", 200, "bad_range"),
            ("105-110", 404, "past_the_end"),
            ("x", 404, "not_found"),
            ("1", 404, "not_found"),
            ("-5", 404, "not_found"),
            ("5-", 404, "not_found"),
        ] {
            let reply = site.get(&format!("{list}/{range}"));
            assert_eq!((reply.status, reply.code().as_str()), (status, code), "{list}/{range}");
        }
    }
    assert_eq!(site.get("/tag/Hx/0-0").json()[0]["author"], "jon");
    assert_eq!(site.get("/get/jon/0-0").json()[0].get("author"), None);
}

#[test]
fn everybodys_records_carry_their_authors() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("Ada"));
    jon.put("one");
    ada.put("two");
    let list = site.get("/latest").json();
    assert_eq!((&list[0]["author"], &list[1]["author"]), (&"Ada".into(), &"jon".into()));
}

#[test]
fn a_thread_is_a_record_what_it_answers_and_its_answers() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    jon.put("root");
    ada.put_with("middle", "&reply_to=jon/0");
    for number in 0..60 {
        jon.put_with(&format!("leaf {number}"), "&reply_to=ada/0");
    }
    let thread = site.get("/thread/ada/0");
    let body = thread.json();
    assert_eq!((&body["record"]["data"], &body["record"]["reply_to"]), (&"middle".into(), &"jon/0".into()));
    assert_eq!((&body["reply_to"]["author"], &body["reply_to"]["data"]), (&"jon".into(), &"root".into()));
    assert_eq!(body["replies"].as_array().expect("a list").len(), 50);
    assert_eq!(body["replies"][0]["data"], "leaf 59");
    let next = thread.next().expect("more");
    assert_eq!(next, "/thread/ada/0?before=jon/11");
    let rest = site.get(&next).json();
    assert_eq!(rest["record"]["data"], "middle");
    assert_eq!(rest["replies"].as_array().expect("a list").len(), 10);
    let root = site.get("/thread/jon/0").json();
    assert_eq!(root.get("reply_to"), None);
    assert_eq!(root["replies"].as_array().expect("a list").len(), 1);
    assert_eq!(site.get("/thread/jon/99").code(), "no_such_record");
    assert_eq!(site.get("/thread/jon/x").status, 404);
}

#[test]
fn a_thousand_deleted_records_hide_nothing_behind_them() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("first #x");
    for number in 1..=1100 {
        jon.put("#x");
        jon.done("/delete", &format!("record={number}"));
    }
    jon.put("last #x");
    for start in ["/get/jon", "/latest", "/tag/Hx"] {
        let mut found = Vec::new();
        let mut next = Some(start.to_owned());
        for _ in 0..4 {
            let Some(target) = next else { break };
            let page = site.get(&target);
            found.extend(page.records());
            next = page.next();
        }
        assert_eq!((found, next), (vec![1101, 0], None), "{start}");
    }
}

/// Bytes of each piece of an answer.
fn pieces(site: &Site, target: &str) -> Vec<usize> {
    let request = site.request(&Ask { method: "GET", target, ..Ask::default() });
    match site.api.handle(&request).body {
        Body::Bytes(bytes) => vec![bytes.len()],
        Body::Stream(pieces) => pieces.map(|piece| piece.expect("a readable log").len()).collect(),
    }
}

#[test]
fn a_long_list_goes_out_record_by_record() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("root");
    let text = "\u{1}".repeat(65_535);
    for _ in 0..12 {
        jon.put_with(&text, "&reply_to=jon/0");
    }
    for target in ["/get/jon", "/get/jon/0-99", "/latest", "/thread/jon/0", "/search?q=from:jon"] {
        let sizes = pieces(&site, target);
        let total: usize = sizes.iter().sum();
        assert!(total > 12 * 6 * 65_535 && sizes.iter().all(|bytes| *bytes < 600_000), "{target}: {sizes:?}");
        let body = site.get(target).json();
        let records = body.get("replies").unwrap_or(&body).as_array().expect("a list").clone();
        assert!(records.len() >= 12, "{target}: {}", records.len());
        let numbers: Vec<u64> = records.iter().filter_map(|record| record["record"].as_str()?.parse().ok()).collect();
        assert!(numbers.iter().rev().is_sorted() && numbers.len() == records.len(), "{target}: {numbers:?}");
        assert!(records.iter().all(|record| record["data"] == text.as_str() || record["data"] == "root"), "{target}");
    }
}

#[test]
fn a_record_deleted_while_its_list_goes_out_is_left_out() {
    let site = Site::new();
    let jon = site.join("jon");
    for _ in 0..5 {
        jon.put(&"x".repeat(65_535));
    }
    let request = site.request(&Ask { method: "GET", target: "/get/jon", ..Ask::default() });
    let Body::Stream(mut rest) = site.api.handle(&request).body else { panic!("a list of 5 long records is whole") };
    let mut body = rest.next().expect("a first piece").expect("a readable log");
    jon.done("/delete", "record=0");
    body.extend(rest.flat_map(|piece| piece.expect("a readable log")));
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    let numbers: Vec<&str> =
        body.as_array().expect("a list").iter().filter_map(|record| record["record"].as_str()).collect();
    assert_eq!(numbers, ["4", "3", "2", "1"]);
}
