//! ETag, Last-Modified and 304; who may keep an answer.

use crate::site::{Ask, Reply, Site, User};

fn again(site: &Site, target: &str, cookie: Option<&str>, header: (&str, &str)) -> Reply {
    let mut headers = vec![header];
    headers.extend(cookie.map(|cookie| ("Cookie", cookie)));
    site.send(&Ask { method: "GET", target, headers, ..Ask::default() })
}

fn etag(reply: &Reply) -> String {
    reply.header("ETag").expect("an ETag").to_owned()
}

fn world(site: &Site) -> (User<'_>, User<'_>) {
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    jon.put("root #a #b @ada");
    ada.put_with("reply #a", "&reply_to=jon/0");
    jon.done("/subscribe/ada", "");
    (jon, ada)
}

const PUBLIC: &[&str] = &[
    "/get/jon",
    "/get/ada",
    "/get/jon?before=jon/0",
    "/get/jon/0-9",
    "/info/jon",
    "/tag/Ha",
    "/tag/@ada",
    "/tag/Ha,Hb",
    "/tag/Ha/0-9",
    "/taginfo/Ha",
    "/latest",
    "/latest/tags",
    "/thread/jon/0",
    "/thread/ada/0",
    "/search?q=root",
    "/tag/Hnone",
];

const PRIVATE: &[&str] =
    &["/feed", "/status", "/status/ada", "/feedinfo", "/feedinfo/ada", "/sessions", "/history/jon/0", "/export"];

#[test]
fn every_get_is_answered_with_304_to_who_has_it() {
    let site = Site::new();
    let (jon, _ada) = world(&site);
    let cookie = format!("auth={}", jon.token);
    site.wait(10);
    for target in PUBLIC.iter().chain(PRIVATE) {
        let cookie = PRIVATE.contains(target).then_some(cookie.as_str());
        let first = again(&site, target, cookie, ("X-None", ""));
        assert_eq!(first.status, 200, "{target}");
        let tag = etag(&first);
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{target}: {tag}");
        assert!(first.header("Last-Modified").is_some(), "{target}");
        let opaque = tag.trim_matches('"');
        for match_list in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"x\", {tag}"),
            format!("\"x\",W/{tag} , \"y\""),
            format!("\"{opaque}-gzip\""),
            "*".to_owned(),
        ] {
            let reply = again(&site, target, cookie, ("If-None-Match", &match_list));
            assert_eq!((reply.status, reply.body.as_str()), (304, ""), "{target} {match_list}");
            assert_eq!(etag(&reply), tag, "{target}");
            assert_eq!(reply.header("Cache-Control"), first.header("Cache-Control"), "{target}");
            assert_eq!(reply.header("Vary"), first.header("Vary"), "{target}");
        }
        let reply = again(&site, target, cookie, ("If-None-Match", "\"x\""));
        assert_eq!((reply.status, &reply.body), (200, &first.body), "{target}");
    }
}

#[test]
fn if_modified_since_counts_where_no_tag_is_sent() {
    let site = Site::new();
    world(&site);
    site.wait(10);
    for target in PUBLIC {
        let first = site.get(target);
        let date = first.header("Last-Modified").expect("a date").to_owned();
        assert_eq!(again(&site, target, None, ("If-Modified-Since", &date)).status, 304, "{target}");
        let old = "Thu, 06 Jan 2011 10:00:00 GMT";
        if *target != "/tag/Hnone" {
            assert_eq!(again(&site, target, None, ("If-Modified-Since", old)).status, 200, "{target}");
        }
        let headers = vec![("If-Modified-Since", date.as_str()), ("If-None-Match", "\"x\"")];
        assert_eq!(site.send(&Ask { method: "GET", target, headers, ..Ask::default() }).status, 200, "{target}");
    }
}

#[test]
fn others_may_not_keep_what_is_one_users() {
    let site = Site::new();
    let (jon, ada) = world(&site);
    for target in PRIVATE {
        let reply = jon.get(target);
        assert_eq!(reply.header("Cache-Control"), Some("private, no-cache"), "{target}");
        assert_eq!(reply.header("Vary"), Some("Cookie, Authorization"), "{target}");
    }
    for target in PUBLIC {
        let reply = site.get(target);
        assert_eq!((reply.header("Cache-Control"), reply.header("Vary")), (Some("no-cache"), None), "{target}");
    }
    assert_ne!(etag(&jon.get("/feed")), etag(&ada.get("/feed")));
    for target in ["/feed", "/status", "/status/ada"] {
        let reply = jon.post(target, "username=jon");
        assert_eq!((reply.header("Cache-Control"), reply.header("ETag")), (Some("no-store"), None), "{target}");
    }
}

/// Tag and body of every answer that the changes below may touch.
fn answers(site: &Site, user: &User<'_>) -> Vec<(&'static str, String, String)> {
    const MORE: &[&str] =
        &["/get/bob", "/thread/bob/0", "/info/ada", "/feed", "/status", "/status/ada", "/history/jon/0", "/export"];
    let cookie = format!("auth={}", user.token);
    let mut found = Vec::new();
    for target in PUBLIC.iter().chain(MORE) {
        let reply = again(site, target, Some(&cookie), ("X-None", ""));
        found.push((*target, reply.header("ETag").unwrap_or("none").to_owned(), reply.body));
    }
    found
}

type Step<'s> = Box<dyn Fn() + 's>;

fn steps<'s>(jon: &'s User<'s>, ada: &'s User<'s>, bob: &'s User<'s>) -> Vec<(&'static str, Step<'s>)> {
    fn put<'s>(user: &'s User<'s>, text: &'static str, more: &'static str) -> Step<'s> {
        Box::new(move || assert!(user.put_with(text, more) > 0))
    }
    fn done<'s>(user: &'s User<'s>, target: &'static str, body: &'static str) -> Step<'s> {
        Box::new(move || user.done(target, body))
    }
    vec![
        ("put", put(ada, "new #a #b @ada", "")),
        ("reply", put(ada, "again", "&reply_to=jon/0")),
        ("edit", done(ada, "/edit", "record=0&data=reply+%23b")),
        ("edit back", done(ada, "/edit", "record=0&data=reply+%23a")),
        ("edit of a parent", done(jon, "/edit", "record=0&data=root+%23a+%23b+%40ada+new")),
        ("follow", done(bob, "/subscribe/ada", "")),
        ("unfollow", done(bob, "/unsubscribe/ada", "")),
        ("my unfollow", done(jon, "/unsubscribe/ada", "")),
        ("my follow", done(jon, "/subscribe/ada", "")),
        ("delete of a reply", done(ada, "/delete", "record=2")),
        ("delete of a tagged one", done(ada, "/delete", "record=1")),
        ("reply to bob", put(jon, "to bob", "&reply_to=bob/0")),
        ("reply to bob in the feed", put(ada, "to bob", "&reply_to=bob/0")),
        ("bob leaves", done(bob, "/close", "password=correct+horse")),
        ("ada leaves", done(ada, "/close", "password=correct+horse")),
    ]
}

#[test]
fn whatever_changes_an_answer_changes_its_etag() {
    let site = Site::new();
    let (jon, ada) = world(&site);
    let bob = site.join("bob");
    bob.put("bystander #a #b @ada");
    let mut before = answers(&site, &jon);
    let mut changes = 0;
    for (name, step) in steps(&jon, &ada, &bob) {
        step();
        let after = answers(&site, &jon);
        for ((target, old_tag, old_body), (_, new_tag, new_body)) in before.iter().zip(&after) {
            let changed = old_body != new_body;
            assert!(!changed || old_tag != new_tag, "{name}: {target} changed from {old_body} to {new_body}");
            changes += usize::from(changed);
        }
        before = after;
    }
    assert!(changes > 60, "only {changes} answers changed");
}

#[test]
fn an_etag_holds_while_others_are_busy_elsewhere() {
    let site = Site::new();
    let (jon, ada) = world(&site);
    let targets = ["/get/jon", "/get/jon/0-9", "/tag/Hb", "/taginfo/Hb", "/info/jon", "/thread/jon/0"];
    let before: Vec<String> = targets.iter().map(|target| etag(&site.get(target))).collect();
    ada.put("nothing to do with it #c");
    ada.done("/edit", "record=1&data=still+nothing");
    let after: Vec<String> = targets.iter().map(|target| etag(&site.get(target))).collect();
    assert_eq!(before, after);
    jon.put("#b");
    for (target, old) in targets.iter().zip(&before).take(5) {
        assert_ne!(&etag(&site.get(target)), old, "{target}");
    }
}

#[test]
fn who_signs_up_changes_no_etag_and_who_leaves_every_one() {
    let site = Site::new();
    let (jon, _) = world(&site);
    let bob = site.join("bob");
    bob.put("#a @ada");
    let targets = ["/get/jon", "/get/jon/0-9", "/tag/Ha", "/taginfo/Ha", "/latest", "/latest/tags", "/thread/jon/0"];
    let more = ["/search?q=root", "/info/jon", "/feed", "/export", "/rss/user/jon", "/rss/tag/Ha", "/rss/opml/jon"];
    let ask = || targets.iter().chain(&more).map(|target| (*target, etag(&jon.get(target)))).collect::<Vec<_>>();
    let before = ask();
    site.join("cy");
    let joined = ask();
    assert_eq!(joined, before);
    bob.done("/close", "password=correct+horse");
    for ((target, old), (_, new)) in joined.iter().zip(&ask()) {
        assert_ne!(old, new, "{target}");
    }
}

#[test]
fn a_delete_changes_the_etag_of_every_list_that_shows_an_answer_to_it() {
    let site = Site::new();
    let (jon, ada) = world(&site);
    let bob = site.join("bob");
    bob.done("/subscribe/ada", "");
    let targets =
        ["/get/ada", "/get/ada/0-9", "/tag/Ha", "/tag/Ha/0-9", "/latest", "/search?q=reply", "/feed", "/export"];
    let ask = |user: &User<'_>| targets.map(|target| user.get(target));
    let (of_bob, of_ada) = (ask(&bob), ask(&ada));
    jon.done("/delete", "record=0");
    for (user, before) in [(&bob, of_bob), (&ada, of_ada)] {
        for ((target, old), new) in targets.iter().zip(&before).zip(&ask(user)) {
            assert!(!new.body.contains("reply_to"), "{target}: {}", new.body);
            assert!(
                old.body == new.body || etag(old) != etag(new),
                "{target}: {} is still said to be current",
                old.body
            );
        }
    }
}

#[test]
fn the_date_is_that_of_the_last_change() {
    let site = Site::new();
    let jon = site.join("jon");
    assert_eq!(site.get("/get/jon").header("Last-Modified"), Some("Thu, 06 Jan 2011 10:23:59 GMT"));
    jon.put("one");
    site.wait(3600);
    let first = site.get("/get/jon");
    assert_eq!(first.header("Last-Modified"), Some("Thu, 06 Jan 2011 10:24:02 GMT"));
    jon.done("/edit", "record=0&data=two");
    assert_eq!(site.get("/get/jon").header("Last-Modified"), Some("Thu, 06 Jan 2011 11:24:04 GMT"));
}

#[test]
fn two_changes_within_a_second_have_two_etags() {
    let site = Site::new();
    let jon = site.join("jon");
    let now_us = site.now_us.get();
    let mut tags = Vec::new();
    for _ in 0..3 {
        site.now_us.set(now_us);
        jon.put("x");
        site.now_us.set(now_us);
        tags.push(etag(&site.get("/get/jon")));
    }
    tags.dedup();
    assert_eq!(tags.len(), 3);
}
