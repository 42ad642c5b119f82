//! Putting, editing, deleting, and the history of records.

use crate::site::{Ask, Site, encode};

#[test]
fn a_put_answers_with_the_number_as_a_string() {
    let site = Site::new();
    let jon = site.join("jon");
    for number in 0..3 {
        let reply = jon.post("/put", "username=jon&data=x");
        assert_eq!((reply.status, reply.body), (200, format!(r#"{{"status":"success","record":"{number}"}}"#)));
    }
}

#[test]
fn texts_have_1_to_65535_bytes_of_utf8() {
    let site = Site::new();
    let jon = site.join("jon");
    assert_eq!(jon.post("/put", "data=").code(), "bad_data");
    assert_eq!(jon.post("/put", &format!("data={}", "x".repeat(65_536))).code(), "bad_data");
    assert_eq!(jon.post("/put", &format!("data={}", encode(b"\xc3\x28"))).code(), "bad_data");
    assert_eq!(jon.post("/put", &format!("data={}", encode(b"\xed\xa0\x80"))).code(), "bad_data");
    assert_eq!(jon.put(&"x".repeat(65_535)), 0);
    assert_eq!(jon.put("x"), 1);
    assert_eq!(jon.post("/edit", "record=1&data=").code(), "bad_data");
    assert_eq!(jon.post("/edit", &format!("record=1&data={}", "é".repeat(32_768))).code(), "bad_data");
    assert_eq!(site.get("/get/jon/0-0").json()[0]["data"].as_str().expect("a text").len(), 65_535);
}

#[test]
fn every_character_comes_back_as_it_went_in() {
    let site = Site::new();
    let jon = site.join("jon");
    let mut all: String = (0..=0x2fff).filter_map(char::from_u32).collect();
    all.push_str("\u{fffd}\u{feff}\u{10ffff}🎉\r\n\\u0041 \\n </script>");
    jon.put(&all);
    assert_eq!(site.get("/get/jon").json()[0]["data"].as_str(), Some(all.as_str()));
    let raw = site.get("/get/jon").body;
    assert!(raw.contains("\\u0000\\u0001") && raw.contains("\u{7f}") && raw.contains("🎉\\r\\n"), "escaping");
}

#[test]
fn replies_name_what_they_answer() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("O'Hara Jr."));
    jon.put("question");
    ada.put_with("answer", "&reply_to=JON%2F0");
    assert_eq!(site.get("/get/o'hara%20jr.").json()[0]["reply_to"], "jon/0");
    jon.put_with("thanks", "&reply_to=O%27Hara+Jr.%2F0");
    assert_eq!(site.get("/get/jon").json()[0]["reply_to"], "O'Hara Jr./0");
    jon.put_with("no reply", "&reply_to=");
    for wrong in ["jon", "jon/", "jon/9", "nobody/0", "/0", "jon/x", "jon/-1"] {
        let reply = jon.post("/put", &format!("data=x&reply_to={wrong}"));
        assert_eq!((reply.status, reply.code().as_str()), (200, "bad_reply_to"), "{wrong}");
    }
    jon.done("/delete", "record=0");
    assert_eq!(ada.post("/put", "data=x&reply_to=jon/0").code(), "bad_reply_to");
}

#[test]
fn an_edit_moves_the_tags_along_and_keeps_the_rest() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    ada.put("root");
    jon.put_with("one #old #both", "&reply_to=ada/0");
    jon.put("two #new");
    let before = site.get("/get/jon/0-0").json();
    jon.done("/edit", "username=jon&record=0&data=changed+%23new+%23both+%40ada");
    let after = site.get("/get/jon/0-0").json();
    assert_eq!(after[0]["timestamp"], before[0]["timestamp"]);
    assert_eq!(after[0]["reply_to"], "ada/0");
    assert_eq!(after[0]["data"], "changed #new #both @ada");
    assert_eq!(after[0]["edited"].as_u64(), Some(site.now_us.get() / 1_000_000 - 1));
    assert_eq!(site.get("/tag/Hold").body, "[]");
    assert_eq!(site.get("/tag/Hboth").records(), [0]);
    assert_eq!(site.get("/tag/@ada").records(), [0]);
    // In a tag's list it stands at its edit, in its author's at its number.
    assert_eq!(site.get("/tag/Hnew").records(), [0, 1]);
    assert_eq!(site.get("/get/jon").records(), [1, 0]);
    let ours: Vec<u64> = site.get("/latest").records();
    assert_eq!(ours, [1, 0, 0]);
    assert_eq!(jon.post("/edit", "record=7&data=x").code(), "no_such_record");
    assert_eq!(ada.post("/edit", "record=1&data=x").code(), "no_such_record");
}

#[test]
fn earlier_texts_are_their_authors_alone() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    jon.put("one");
    let put_secs = site.now_us.get() / 1_000_000;
    jon.done("/edit", "record=0&data=two");
    jon.done("/edit", "record=0&data=three");
    let want = format!(
        r#"[{{"timestamp":{},"data":"three"}},{{"timestamp":{},"data":"two"}},{{"timestamp":{put_secs},"data":"one"}}]"#,
        put_secs + 2,
        put_secs + 1
    );
    assert_eq!(jon.get("/history/jon/0").body, want);
    assert_eq!(jon.get("/history/JON/0").body, want);
    assert_eq!(ada.get("/history/jon/0").code(), "not_yours");
    assert_eq!(site.get("/history/jon/0").code(), "not_logged_in");
    let reply = jon.get("/history/jon/1");
    assert_eq!((reply.status, reply.code().as_str()), (404, "no_such_record"));
    assert_eq!(jon.get("/history/nobody/0").status, 404);
    jon.done("/delete", "record=0");
    assert_eq!(jon.get("/history/jon/0").status, 404);
}

/// One text of 64 KiB that JSON makes six times as long, and what fills a piece before it.
const PIECE_BYTES_MAX: usize = 65_535 * 6 + 64 * 1024 + 256;

#[test]
fn any_number_of_long_texts_leaves_in_short_pieces() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("first");
    let text = "%01".repeat(65_535);
    for _ in 0..40 {
        jon.done("/edit", &format!("record=0&data={text}"));
    }
    for _ in 0..40 {
        jon.post("/put", &format!("data={text}"));
    }
    for (target, texts) in [("/history/jon/0", 40), ("/export", 80)] {
        let pieces = jon.pieces(target);
        let longest = pieces.iter().map(Vec::len).max().expect("a piece");
        let whole: usize = pieces.iter().map(Vec::len).sum();
        assert!(whole > 65_535 * 6 * texts, "{target}: {whole} bytes");
        assert!(longest < PIECE_BYTES_MAX, "{target}: {longest} bytes in one piece");
    }
    let history = jon.get("/history/jon/0");
    assert_eq!(history.json().as_array().map(Vec::len), Some(41));
    assert_eq!(history.json()[40]["data"], "first");
    let export = jon.get("/export").body;
    let lines: Vec<serde_json::Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), lines[1]["earlier"].as_array().map(Vec::len)), (42, Some(40)));
    assert_eq!((&lines[1]["earlier"][0]["data"], &lines[41]["record"]), (&"first".into(), &"40".into()));
    for target in ["/history/jon/0", "/export"] {
        let cookie = format!("auth={}", jon.token);
        let head = Ask { method: "HEAD", target, headers: vec![("Cookie", &cookie)], ..Ask::default() };
        let reply = site.send(&head);
        assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{target}");
        assert_eq!(reply.header("ETag"), jon.get(target).header("ETag"), "{target}");
    }
    jon.done("/delete", "record=0");
    let gone = jon.get("/history/jon/0");
    assert_eq!((gone.status, gone.code().as_str()), (404, "no_such_record"));
}

#[test]
fn a_deleted_record_is_gone_from_every_answer_and_its_number_with_it() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    ada.done("/subscribe/jon", "");
    jon.put("keep");
    jon.put("gone #tag #other @ada");
    jon.done("/edit", "record=1&data=away+%23tag+%23other+%40ada");
    ada.put_with("reply", "&reply_to=jon/1");
    jon.done("/delete", "username=jon&record=1");
    for target in ["/tag/Htag", "/tag/@ada", "/tag/Htag,Hother", "/search?q=gone", "/search?q=away", "/search?q=%23tag"]
    {
        assert_eq!(site.get(target).body, "[]", "{target}");
    }
    for target in ["/get/jon", "/get/jon/0-9"] {
        assert_eq!(site.get(target).records(), [0], "{target}");
    }
    assert_eq!(site.get("/get/jon/1-1").body, "[]");
    assert_eq!(site.get("/latest").json().as_array().expect("a list").len(), 2);
    assert_eq!(site.get("/thread/jon/1").code(), "no_such_record");
    assert_eq!(site.get("/thread/ada/0").json().get("reply_to"), None);
    assert_eq!(ada.get("/feed").records(), [0]);
    assert_eq!(ada.get("/status").json()["mentioned"], "0");
    assert!(!jon.get("/export").body.contains("away"));
    assert_eq!(site.get("/info/jon").json()["record_count"], "2");
    assert_eq!(jon.post("/delete", "record=1").code(), "no_such_record");
    assert_eq!(jon.post("/edit", "record=1&data=x").code(), "no_such_record");
    assert_eq!(jon.put("next"), 2);
    assert_eq!(ada.post("/delete", "record=7").code(), "no_such_record");
}

#[test]
fn an_export_has_all_that_is_ones_own_a_line_each() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    for number in 0..250 {
        jon.put(&format!("text {number}\nwith a second line"));
    }
    ada.put("not jon's");
    jon.done("/edit", "record=7&data=edited");
    jon.done("/delete", "record=8");
    jon.done("/subscribe/ada", "");
    let reply = jon.get("/export");
    assert_eq!(reply.header("Content-Type"), Some("application/x-ndjson"));
    let lines: Vec<serde_json::Value> =
        reply.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 1 + 249 + 1);
    assert_eq!((&lines[0]["type"], &lines[0]["author"]), (&"account".into(), &"jon".into()));
    let numbers: Vec<u64> = lines[1..250]
        .iter()
        .map(|line| line["record"].as_str().expect("a string").parse().expect("a number"))
        .collect();
    let want: Vec<u64> = (0..250).filter(|number| *number != 8).collect();
    assert_eq!(numbers, want);
    assert_eq!(lines[8]["earlier"][0]["data"], "text 7\nwith a second line");
    assert_eq!((&lines[250]["type"], &lines[250]["author"]), (&"subscription".into(), &"ada".into()));
    assert!(!reply.body.contains("not jon's"));
}
