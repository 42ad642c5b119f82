//! Subscriptions, the feed, and what is new.

use crate::site::Site;

#[test]
fn subscribing_and_unsubscribing_may_be_repeated() {
    let site = Site::new();
    let (jon, _ada) = (site.join("jon"), site.join("ada"));
    let is = || jon.get("/status/ADA").body;
    assert_eq!(is(), r#"{"subscribed":false}"#);
    jon.done("/unsubscribe/ada", "username=jon");
    for _ in 0..2 {
        jon.done("/subscribe/Ada", "username=jon");
        assert_eq!(is(), r#"{"subscribed":true}"#);
    }
    assert_eq!(site.get("/info/ada").json()["followers"], "1");
    assert_eq!(site.get("/info/jon").json()["following"], "1");
    for _ in 0..2 {
        jon.done("/unsubscribe/ada", "");
        assert_eq!(is(), r#"{"subscribed":false}"#);
    }
    assert_eq!(site.get("/info/ada").json()["followers"], "0");
    // The original's way.
    jon.done("/subscribe/ada", "username=jon&subscribed=true");
    assert_eq!(jon.get("/feedinfo/ada").body, r#"{"subscribed":true}"#);
    jon.done("/subscribe/ada", "username=jon&subscribed=false");
    assert_eq!(jon.post("/feedinfo/ada", "username=jon").body, r#"{"subscribed":false}"#);
    assert_eq!(jon.post("/subscribe/ada", "subscribed=maybe").code(), "bad_parameter");
    for target in ["/subscribe/nobody", "/unsubscribe/nobody", "/status/nobody"] {
        let reply = jon.post(target, "");
        assert_eq!((reply.status, reply.code().as_str()), (404, "no_such_user"), "{target}");
    }
}

#[test]
fn the_feed_is_what_those_followed_write_newest_first() {
    let site = Site::new();
    let (jon, ada, bob, eve) = (site.join("jon"), site.join("ada"), site.join("bob"), site.join("eve"));
    ada.put("before");
    assert_eq!(jon.get("/feed").body, "[]");
    jon.done("/subscribe/ada", "");
    jon.done("/subscribe/bob", "");
    bob.put("bob 0");
    eve.put("not followed");
    ada.put("ada 1");
    jon.put("my own");
    let texts = |body: serde_json::Value| -> Vec<String> {
        let list = body.as_array().expect("a list").clone();
        list.iter()
            .map(|post| {
                format!("{}: {}", post["author"].as_str().expect("an author"), post["data"].as_str().expect("a text"))
            })
            .collect()
    };
    let want = ["ada: ada 1", "bob: bob 0", "ada: before"];
    assert_eq!(texts(jon.get("/feed").json()), want);
    assert_eq!(texts(jon.post("/feed", "username=jon").json()), want);
    assert_eq!(texts(jon.post("/feed", "before=bob/0").json()), ["ada: before"]);
    jon.done("/unsubscribe/bob", "");
    assert_eq!(texts(jon.get("/feed").json()), ["ada: ada 1", "ada: before"]);
    for number in 0..60 {
        ada.put(&format!("{number}"));
    }
    let page = jon.post("/feed", "username=jon");
    assert_eq!(page.records().len(), 50);
    let next = page.next().expect("more");
    assert_eq!(next, "/feed?before=ada/12");
    assert_eq!(jon.get(&next).records(), (0..12).rev().collect::<Vec<u64>>());
}

#[test]
fn what_is_new_is_counted_until_a_post_clears_it() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    ada.put("before");
    jon.done("/subscribe/ada", "");
    assert_eq!(jon.get("/status").body, r#"{"feed_new":"0","mentioned":"0"}"#);
    ada.put("one");
    ada.put("two @JON");
    assert_eq!(jon.get("/feedinfo").body, r#"{"feed_new":"2","mentioned":"1"}"#);
    assert_eq!(jon.post("/status", "username=jon").body, r#"{"feed_new":"2","mentioned":"1"}"#);
    assert_eq!(jon.post("/status", "username=jon&clear=feed").body, r#"{"feed_new":"0","mentioned":"1"}"#);
    ada.put("three");
    assert_eq!(jon.post("/feedinfo", "clear=mentioned").body, r#"{"feed_new":"1","mentioned":"0"}"#);
    assert_eq!(jon.get("/status").body, r#"{"feed_new":"1","mentioned":"0"}"#);
    assert_eq!(jon.post("/status", "clear=everything").code(), "bad_parameter");
    ada.done("/delete", "record=3");
    assert_eq!(jon.get("/status").body, r#"{"feed_new":"0","mentioned":"0"}"#);
}
