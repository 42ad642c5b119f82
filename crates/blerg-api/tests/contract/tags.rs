//! Tags and mentions: how they are asked for, several at once, their counts, the last ones.

use crate::site::Site;

#[test]
fn a_tag_is_asked_for_in_three_ways_and_in_any_case() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("look: #Sea-Side_1 @Ada");
    for target in ["/tag/%23sea-side_1", "/tag/#x", "/tag/HSEA-side_1", "/tag/@ada", "/tag/%40ADA"] {
        let reply = site.get(target);
        let expected = if target == "/tag/#x" { 404 } else { 200 };
        assert_eq!(reply.status, expected, "{target}");
        if expected == 200 {
            let want = r##"[{"author":"jon","record":"0","timestamp":1294309441,"data":"look: #Sea-Side_1 @Ada"}]"##;
            assert_eq!(reply.body, want, "{target}");
        }
    }
}

#[test]
fn a_well_formed_tag_that_nobody_used_is_an_empty_list() {
    let site = Site::new();
    site.join("jon");
    assert_eq!((site.get("/tag/Hnone").status, site.get("/tag/Hnone").body.as_str()), (200, "[]"));
    assert_eq!(site.get("/tag/@nobody").body, "[]");
    assert_eq!(site.get("/tag/Ha,Hb").body, "[]");
    assert_eq!(site.get("/taginfo/Hnone").body, r#"{"record_count":"0"}"#);
    assert_eq!(site.get("/tag/Hnone/0-9").code(), "past_the_end");
}

#[test]
fn what_is_no_tag_is_404() {
    let site = Site::new();
    let long = format!("/tag/H{}", "a".repeat(65));
    for target in [
        "/tag/none",
        "/tag/H",
        "/tag/%23",
        "/tag/@",
        "/tag/H%C3%A9",
        "/tag/Ha,",
        "/tag/Ha,b",
        "/taginfo/none",
        "/taginfo/Ha,Hb",
        "/tag/Ha,Hb/0-9",
        "/tag/H%20a",
        long.as_str(),
    ] {
        let reply = site.get(target);
        assert_eq!((reply.status, reply.code().as_str()), (404, "bad_tag"), "{target}");
    }
    let longest = format!("/tag/H{}", "a".repeat(64));
    assert_eq!(site.get(&longest).body, "[]");
}

#[test]
fn several_tags_find_the_records_that_have_them_all() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    jon.put("#a");
    jon.put("#a #b");
    ada.put("#b @c");
    ada.put("#A #B @C #d #e #f #g #h");
    jon.put("#b #a @c");
    let data = |target: &str| -> Vec<String> {
        let list = site.get(target).json();
        list.as_array().expect("a list").iter().map(|post| post["data"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(data("/tag/Ha,Hb"), ["#b #a @c", "#A #B @C #d #e #f #g #h", "#a #b"]);
    assert_eq!(data("/tag/%23a,@c"), ["#b #a @c", "#A #B @C #d #e #f #g #h"]);
    assert_eq!(data("/tag/Ha,Ha"), data("/tag/Ha"));
    assert_eq!(data("/tag/Ha,Hb,@c,Hd,He,Hf,Hg,Hh").len(), 1);
    let reply = site.get("/tag/Ha,Hb,@c,Hd,He,Hf,Hg,Hh,Hi");
    assert_eq!((reply.status, reply.code().as_str()), (200, "too_many_tags"));
    for number in 0..60 {
        jon.put(&format!("{number} #b #a"));
    }
    let page = site.get("/tag/%23a,%23b");
    assert_eq!(page.records().len(), 50);
    let next = page.next().expect("more");
    assert_eq!(next, "/tag/Ha,Hb?before=jon/13");
    assert_eq!(site.get(&next).records().len(), 13);
}

#[test]
fn the_last_tags_come_with_counts_newest_first() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("#one #two @ada");
    jon.put("#ONE");
    jon.put("#three");
    let want = r#"[{"tag":"three","count":"1"},{"tag":"ONE","count":"2"},{"tag":"two","count":"1"}]"#;
    assert_eq!(site.get("/latest/tags").body, want);
    for number in 0..60 {
        jon.put(&format!("#t{number}"));
    }
    let list = site.get("/latest/tags").json();
    assert_eq!((list.as_array().expect("a list").len(), &list[0]["tag"]), (50, &"t59".into()));
}

#[test]
fn a_record_has_at_most_1024_different_tags() {
    let site = Site::new();
    let jon = site.join("jon");
    let words: Vec<String> = (0..1025).map(|number| format!("#t{number}")).collect();
    jon.put(&(words.join(" ") + " #T7"));
    assert_eq!(site.get("/tag/Ht1023").records(), [0]);
    assert_eq!(site.get("/tag/Ht1024").body, "[]");
    assert_eq!(site.get("/taginfo/Ht7").body, r#"{"record_count":"1"}"#);
}
