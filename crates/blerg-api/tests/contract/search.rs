//! Full-text search by its grammar.

use crate::site::{Site, encode};

fn found(site: &Site, query: &str) -> Vec<u64> {
    site.get(&format!("/search?q={}", encode(query.as_bytes()))).records()
}

#[test]
fn every_part_of_the_grammar_narrows_what_is_found() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("Bo D."));
    jon.put("The quick brown fox #animals");
    jon.put("Quick thinking, @ada said");
    ada.put("brown quick bread #food");
    ada.put("Ünïcödé und Füchse 你好 世界");
    assert_eq!(found(&site, "quick"), [0, 1, 0]);
    assert_eq!(found(&site, "QUICK brown"), [0, 0]);
    assert_eq!(found(&site, "\"quick brown\""), [0]);
    assert_eq!(found(&site, "quick -brown"), [1]);
    assert_eq!(found(&site, "quick -\"quick brown\""), [0, 1]);
    assert_eq!(found(&site, "#animals"), [0]);
    assert_eq!(found(&site, "#ANIMALS quick"), [0]);
    assert_eq!(found(&site, "@Ada"), [1]);
    assert_eq!(found(&site, "quick from:JON"), [1, 0]);
    assert_eq!(found(&site, "from:\"bo d.\""), [1, 0]);
    assert_eq!(found(&site, "from:nobody"), [0; 0]);
    assert_eq!(found(&site, "-quick"), [1]);
    assert_eq!(found(&site, "unicorn"), [0; 0]);
    let list = site.get("/search?q=thinking").json();
    assert_eq!((&list[0]["author"], &list[0]["data"]), (&"jon".into(), &"Quick thinking, @ada said".into()));
}

#[test]
fn dates_bound_what_is_found() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("word one");
    let day_secs = 86_400;
    site.wait(day_secs);
    jon.put("word two");
    assert_eq!(found(&site, "word before:2011-01-07"), [0]);
    assert_eq!(found(&site, "word after:2011-01-07"), [1]);
    assert_eq!(found(&site, "word after:2011-01 before:2011-02"), [1, 0]);
    assert_eq!(found(&site, "word before:2011"), [0; 0]);
    assert_eq!(found(&site, "after:2011-01-07"), [1]);
}

#[test]
fn an_edit_changes_what_is_found() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("apples");
    assert_eq!(found(&site, "apples"), [0]);
    jon.done("/edit", "record=0&data=pears");
    assert_eq!(found(&site, "apples"), [0; 0]);
    assert_eq!(found(&site, "pears"), [0]);
}

#[test]
fn a_search_that_cannot_be_understood_is_a_failure() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("x");
    let long = "a".repeat(1025);
    let many = "a ".repeat(33);
    for query in ["", " ", "\"open", "from:", "before:yesterday", "after:2024-13-01", "x -#tag", "...", &long, &many] {
        let reply = site.get(&format!("/search?q={}", encode(query.as_bytes())));
        assert_eq!((reply.status, reply.code().as_str()), (200, "bad_query"), "{query}");
    }
    for odd in ["(x", "x*", "x AND", "NEAR(x", "x^2", "{x}", "x:y", "'x", "x\0y", "a'b\"c\"", "* -", "col:x OR 1"] {
        let reply = site.get(&format!("/search?q={}", encode(odd.as_bytes())));
        assert!(reply.json().is_array() || reply.code() == "bad_query", "{odd}: {}", reply.body);
    }
    assert_eq!(*site.faults.lock().expect("not poisoned"), Vec::<String>::new());
}
