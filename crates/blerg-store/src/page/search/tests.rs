//! Searching pages.

use super::super::tests::{page, put};
use crate::tests::Site;
use crate::{PageHit, SearchQuery};

fn search(site: &Site, query: &str) -> Vec<PageHit> {
    let query = SearchQuery::parse(query).unwrap();
    site.store.wiki().unwrap().search(&query, 0, 50).unwrap()
}

#[track_caller]
fn check(site: &Site, query: &str, want: &[&str]) {
    let found: Vec<String> = search(site, query).into_iter().map(|hit| hit.head.name.to_string()).collect();
    assert_eq!(found, want, "{query}");
}

fn site() -> Site {
    let site = Site::new();
    put(&site, "Green tea", "Leaves from the mountains. #leaf");
    put(&site, "Cups", "= Green things\nA cup is for drinking. @bob");
    put(&site, "Walls", "Painted green, and then some more words about walls and paint.");
    put(&site, "Café", "東京の喫茶店 and naïve people");
    site
}

#[test]
fn names_count_more_than_headings_and_they_more_than_text() {
    check(&site(), "green", &["Green tea", "Cups", "Walls"]);
    check(&site(), "GREEN tea", &["Green tea"]);
    check(&site(), "\"painted green\"", &["Walls"]);
    check(&site(), "green -paint", &["Green tea", "Cups"]);
}

#[test]
fn every_script_is_found() {
    check(&site(), "cafe", &["Café"]);
    check(&site(), "喫茶", &["Café"]);
    check(&site(), "naive", &["Café"]);
}

#[test]
fn filters_work_with_words_and_alone() {
    check(&site(), "#leaf", &["Green tea"]);
    check(&site(), "green @bob", &["Cups"]);
    check(&site(), "from:ADA green -tea", &["Cups", "Walls"]);
    check(&site(), "from:nobody green", &[]);
    check(&site(), "after:2026 green", &["Green tea", "Cups", "Walls"]);
    check(&site(), "before:2025 green", &[]);
}

#[test]
fn an_edited_page_is_found_by_its_new_words_alone() {
    let site = site();
    put(&site, "Walls", "Blue now");
    check(&site, "painted", &[]);
    check(&site, "blue", &["Walls"]);
}

#[test]
fn what_a_visitor_types_is_no_syntax() {
    let site = site();
    for query in
        ["\"", "*", "NEAR(", "a OR", "title:x", "\u{1}", "^", "{x}:y", "(((((", "') DROP", "-- ;", "AND NOT", "\\"]
    {
        if let Ok(query) = SearchQuery::parse(query) {
            site.store.wiki().unwrap().search(&query, 0, 5).unwrap();
        }
    }
    let many = SearchQuery { words: vec!["a".to_owned(); 65], ..SearchQuery::default() };
    assert!(site.store.wiki().unwrap().search(&many, 0, 5).is_err());
    let all = site.store.wiki().unwrap().search(&SearchQuery::default(), 0, usize::MAX).unwrap();
    assert_eq!(all.len(), 4);
}

#[test]
fn results_are_paged() {
    let site = Site::new();
    for n in 0..7 {
        put(&site, &format!("Page {n}"), "the same words");
    }
    let query = SearchQuery::parse("words").unwrap();
    let wiki = site.store.wiki().unwrap();
    let mut names = Vec::new();
    for skip in [0, 3, 6, 9] {
        names.extend(wiki.search(&query, skip, 3).unwrap().into_iter().map(|hit| hit.head.name));
    }
    assert_eq!(names, (0..7).map(|n| page(&format!("Page {n}"))).collect::<Vec<_>>());
}

#[test]
fn finds_are_marked_in_the_text_that_people_read() {
    let hits = search(&site(), "喫茶 people");
    let snippet = &hits[0].snippet;
    let marked: Vec<&str> = snippet.marks.iter().map(|mark| &snippet.text[mark.clone()]).collect();
    assert_eq!((snippet.text.as_str(), marked), ("東京の喫茶店 and naïve people", vec!["喫茶", "people"]));
}

#[test]
fn a_page_found_by_its_name_shows_its_beginning() {
    let hits = search(&site(), "cafe");
    assert_eq!((hits[0].snippet.text.as_str(), hits[0].snippet.marks.len()), ("東京の喫茶店 and naïve people", 0));
}

#[test]
fn control_characters_of_a_text_are_no_marks() {
    let site = Site::new();
    put(&site, "Tea", "a \u{1}fake\u{2} mark, a real word");
    let hits = search(&site, "real");
    let snippet = &hits[0].snippet;
    assert_eq!(snippet.marks.iter().map(|mark| &snippet.text[mark.clone()]).collect::<Vec<_>>(), ["real"]);
}

#[test]
fn a_page_of_one_word_a_hundred_thousand_times_is_found_at_once() {
    let site = Site::new();
    put(&site, "Wall", &"tea ".repeat(200_000));
    put(&site, "Long", &format!("{} Green TEA here {}", "milk ".repeat(9_000), "milk ".repeat(9_000)));
    let start = std::time::Instant::now();
    let query = crate::SearchQuery::parse("tea").unwrap();
    let hits = site.store.wiki().unwrap().search(&query, 0, 9).unwrap();
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    let long = hits.iter().find(|hit| hit.head.name == page("Long")).unwrap();
    let marks: Vec<&str> = long.snippet.marks.iter().map(|mark| &long.snippet.text[mark.clone()]).collect();
    assert_eq!((hits.len(), marks), (2, vec!["TEA"]));
}
