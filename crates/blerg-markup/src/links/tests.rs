//! Which addresses are found, and where they end.

use super::urls;

const TABLE: &str = include_str!("../../../../tests/data/links.json");

#[track_caller]
fn check(text: &str, want: &[&str]) {
    let found: Vec<&str> = urls(text).map(|range| text.get(range).expect("ranges lie on characters")).collect();
    assert_eq!(found, want, "{text:?}");
}

#[test]
fn the_table_shared_with_the_client_holds() {
    let table: serde_json::Value = serde_json::from_str(TABLE).expect("tests/data/links.json is JSON");
    let cases = table["cases"].as_array().expect("a list of cases");
    assert!(cases.len() > 20);
    for case in cases {
        let links = case["links"].as_array().expect("a list of links").iter();
        let links: Vec<&str> = links.map(|link| link.as_str().expect("links are strings")).collect();
        check(case["text"].as_str().expect("a text"), &links);
    }
}

#[test]
fn the_longest_text_takes_no_time() {
    for piece in ["http://a", "http://a)", "http://a/))", "://", "http://[", "http://a%", "http://a:", "http://a@"] {
        let text = piece.repeat(65_535 / piece.len());
        assert!(urls(&text).count() <= text.len());
    }
    let text = format!("http://a/{}", ")".repeat(65_000));
    check(&text, &["http://a/"]);
}
