//! The table of cases that the client reads too, and the properties that hold for any text.

use super::{Span, TAG_BYTES_MAX, TAGS_MAX, first_of_each, is_tag_name, occurrences, tags};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

const TABLE: &str = include_str!("../../../../tests/data/tags.json");

fn table() -> Value {
    serde_json::from_str(TABLE).expect("tests/data/tags.json is JSON")
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().expect("an array");
    list.iter().map(|item| item.as_str().expect("a string").to_owned()).collect()
}

fn cut(text: &str, spans: &[Span]) -> Vec<String> {
    let mut parts = Vec::new();
    let mut from = 0;
    for span in spans {
        parts.push(text[from..span.start].to_owned());
        parts.push(span.text(text).expect("a span of this text").to_owned());
        from = span.start + span.len;
    }
    parts.push(text[from..].to_owned());
    parts
}

#[test]
fn every_case_of_the_shared_table_is_cut_as_it_says() {
    let table = table();
    let cases = table["cases"].as_array().expect("cases");
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    for case in cases {
        let parts = strings(&case["parts"]);
        assert_eq!(parts.len() % 2, 1, "text and tags alternate, text first and last: {case}");
        let text = parts.concat();
        assert_eq!(cut(&text, &occurrences(&text)), parts, "{}", case["says"]);
        let found: Vec<String> =
            tags(&text).iter().map(|span| span.text(&text).expect("in the text").to_owned()).collect();
        assert_eq!(found, strings(&case["tags"]), "{}", case["says"]);
    }
}

#[test]
fn every_generated_case_of_the_shared_table_has_its_count() {
    let table = table();
    for case in table["generated"].as_array().expect("generated") {
        let head = case["head"].as_str().expect("head");
        let count = case["count"].as_u64().expect("count");
        let numbered: Vec<String> = (0..count).map(|n| format!("{head}{n}")).collect();
        let text = numbered.join(" ") + case["tail"].as_str().expect("tail");
        assert_eq!(tags(&text).len() as u64, case["tags"].as_u64().expect("tags"), "{}", case["says"]);
        assert_eq!(
            occurrences(&text).len() as u64,
            case["occurrences"].as_u64().expect("occurrences"),
            "{}",
            case["says"]
        );
    }
}

#[test]
fn a_name_of_the_longest_length_is_one_and_a_longer_is_none() {
    assert!(is_tag_name(&"a".repeat(TAG_BYTES_MAX)));
    assert!(!is_tag_name(&"a".repeat(TAG_BYTES_MAX + 1)));
    assert!(!is_tag_name(""));
    assert!(!is_tag_name("a b"));
    assert!(!is_tag_name("é"));
    assert!(is_tag_name("A-z_0"));
}

#[test]
fn a_text_of_the_longest_record_is_scanned_in_one_pass() {
    let text = "#".repeat(65_535);
    assert_eq!(tags(&text), []);
    let text = "@a ".repeat(21_845);
    assert_eq!(tags(&text), [Span { start: 0, len: 2 }]);
    assert_eq!(occurrences(&text).len(), 21_845);
}

proptest! {
    #[test]
    fn spans_are_ordered_apart_and_hold_well_formed_tags(text in "([ -~éß日#@a-c]{0,4}[#@][a-z]{0,3}){0,40}") {
        let mut end = 0;
        for span in occurrences(&text) {
            prop_assert!(span.start >= end);
            end = span.start + span.len;
            let tag = span.text(&text).expect("on character borders");
            prop_assert!(tag.starts_with(['#', '@']) && is_tag_name(&tag[1..]));
        }
    }

    #[test]
    fn first_places_are_the_different_ones_of_all_places(text in "([ .][#@][abAB]{1,2}){0,60}") {
        let mut seen = BTreeSet::new();
        let firsts: Vec<Span> = occurrences(&text).into_iter()
            .filter(|span| seen.insert(span.text(&text).expect("in the text").to_ascii_lowercase()))
            .collect();
        prop_assert!(firsts.len() <= TAGS_MAX);
        prop_assert_eq!(tags(&text), firsts);
    }
}

#[test]
fn the_first_of_each_occurrence_is_a_tag() {
    let few = "#a @a #A #b #a @A #c".to_owned();
    let many = (0..3_000).map(|n: u32| format!("#T{} #t{} ", n % 1_500, n % 40)).collect::<String>();
    for text in [few, many, String::new()] {
        assert_eq!(first_of_each(&text, &occurrences(&text)), tags(&text));
    }
}
