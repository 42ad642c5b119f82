//! Tables of queries and the expressions they become.

use super::*;

#[track_caller]
fn check(query: &SearchQuery, want: Option<&str>) {
    assert_eq!(match_expression(query, query.from.as_ref().map(|_| AuthorId(7))).as_deref(), want, "{query:?}");
}

fn words(words: &[&str]) -> SearchQuery {
    SearchQuery { words: words.iter().map(|word| (*word).to_owned()).collect(), ..SearchQuery::default() }
}

/// The first moment of a day.
fn day(year: i64, month: i64, day: i64) -> u64 {
    let mut us = 0;
    while Date::of(us) < (Date { year, month, day }) {
        us += US_PER_DAY;
    }
    us
}

#[test]
fn words_are_quoted_and_never_syntax() {
    check(&words(&["tea", "OR"]), Some("body : (\"tea\" AND \"OR\")"));
    check(&words(&["a\" OR \"b"]), Some("body : (\"a  OR  b\")"));
    check(&words(&["…"]), None);
    check(&words(&["…", "tea"]), Some("body : (\"tea\")"));
    check(&SearchQuery::default(), Some("meta : (\"all\")"));
    let exclude = SearchQuery { exclude: vec!["milk".into(), "white sugar".into()], ..words(&["tea"]) };
    check(&exclude, Some("(body : (\"tea\")) NOT (body : (\"milk\" OR \"white sugar\"))"));
}

#[test]
fn filters_are_tokens_of_the_meta_column() {
    let query = SearchQuery {
        from: Some("ada".into()),
        tags: vec!["A-b".into()],
        mentions: vec!["x_Y".into()],
        ..SearchQuery::default()
    };
    check(&query, Some("meta : (\"a7\" AND \"haαb\" AND \"mxβy\")"));
    assert_eq!(
        meta(AuthorId(7), day(2024, 2, 29), ["A-b"].into_iter(), ["x_Y"].into_iter()),
        "all a7 y2024 o202402 d20240229 haαb mxβy"
    );
}

#[test]
fn dates_are_covered_by_years_months_and_days() {
    #[track_caller]
    fn check(after: Option<u64>, before: Option<u64>, want: Option<&str>) {
        let want = want.map(|tokens| {
            let quoted: Vec<String> = tokens.split(' ').map(|token| format!("\"{token}\"")).collect();
            format!("({})", quoted.join(" OR "))
        });
        assert_eq!(date_cover(after, before), want);
    }
    check(Some(day(2023, 1, 1)), Some(day(2025, 1, 1)), Some("y2023 y2024"));
    check(Some(day(2023, 11, 30)), Some(day(2024, 2, 1)), Some("d20231130 d20231131 o202312 o202401"));
    check(Some(day(2024, 2, 28)), Some(day(2024, 2, 28) + 1), Some("d20240228"));
    check(None, Some(day(1971, 1, 1)), Some("y1970"));
    check(Some(day(2024, 5, 1)), Some(day(2024, 5, 1)), None);
    check(None, Some(0), None);
    assert!(date_cover(Some(day(2026, 1, 1)), None).unwrap().starts_with("(\"y2026\" OR \"y2027\""));
}

#[test]
fn days_of_the_calendar_are_right() {
    for (us, want) in [(0, (1970, 1, 1)), (951_782_400_000_000, (2000, 2, 29)), (1_767_225_600_000_000, (2026, 1, 1))] {
        let date = Date::of(us);
        assert_eq!((date.year, date.month, date.day), want);
        if us > 0 {
            assert_ne!(Date::of(us - 1), date);
        }
    }
}
