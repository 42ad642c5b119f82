//! The search grammar, case by case.

use super::{QUERY_BYTES_MAX, QueryError, TERMS_MAX, parse, parse_date};
use crate::SearchQuery;

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[track_caller]
fn check(text: &str, want: SearchQuery) {
    assert_eq!(parse(text), Ok(want), "{text}");
}

#[track_caller]
fn refuse(text: &str, want: QueryError) {
    assert_eq!(parse(text), Err(want), "{text}");
}

#[test]
fn words_and_phrases_are_told_apart() {
    check("sea", SearchQuery { words: strings(&["sea"]), ..SearchQuery::default() });
    check("  Sea\u{3000}air\n", SearchQuery { words: strings(&["Sea", "air"]), ..SearchQuery::default() });
    check("\"sea air\"", SearchQuery { phrases: strings(&["sea air"]), ..SearchQuery::default() });
    let both = SearchQuery { words: strings(&["x", "y"]), phrases: strings(&["a b"]), ..SearchQuery::default() };
    check("x\"a b\"y", both);
    check("中文 عربي", SearchQuery { words: strings(&["中文", "عربي"]), ..SearchQuery::default() });
    check("it's e-mail c++", SearchQuery { words: strings(&["it's", "e-mail", "c++"]), ..SearchQuery::default() });
}

#[test]
fn tags_and_mentions_are_told_apart_from_words_that_look_like_them() {
    let tags = SearchQuery { tags: strings(&["Sea"]), mentions: strings(&["ada"]), ..SearchQuery::default() };
    check("#Sea @ada", tags);
    check("#été", SearchQuery { words: strings(&["#été"]), ..SearchQuery::default() });
    check("#c++", SearchQuery { words: strings(&["#c++"]), ..SearchQuery::default() });
}

#[test]
fn a_minus_leaves_words_and_phrases_out() {
    let query = SearchQuery { words: strings(&["a"]), exclude: strings(&["b", "c d"]), ..SearchQuery::default() };
    check("a -b -\"c d\"", query);
    check("-b", SearchQuery { exclude: strings(&["b"]), ..SearchQuery::default() });
    refuse("a -#tag", QueryError::Minus("#tag".to_owned()));
    refuse("a -from:jon", QueryError::Minus("jon".to_owned()));
}

#[test]
fn an_author_is_named_as_users_are() {
    check("from:jon", SearchQuery { from: Some("jon".to_owned()), ..SearchQuery::default() });
    check("FROM:@Jon", SearchQuery { from: Some("Jon".to_owned()), ..SearchQuery::default() });
    check("from:\"O'Hara Jr.\"", SearchQuery { from: Some("O'Hara Jr.".to_owned()), ..SearchQuery::default() });
    refuse("from:", QueryError::Name(String::new()));
    refuse("from:..", QueryError::Name("..".to_owned()));
    refuse("from:a from:b", QueryError::Twice("from"));
}

#[test]
fn dates_are_the_first_moment_of_a_day_a_month_or_a_year() {
    assert_eq!(parse_date("1970-01-01"), Ok(0));
    assert_eq!(parse_date("1970"), Ok(0));
    assert_eq!(parse_date("2011-01-06"), Ok(1_294_272_000_000_000));
    assert_eq!(parse_date("2000-03-01"), Ok(951_868_800_000_000));
    assert_eq!(parse_date("2000-02-29"), Ok(951_782_400_000_000));
    assert_eq!(parse_date("2100-03"), Ok(4_107_542_400_000_000));
    assert_eq!(parse_date("9999-12-31"), Ok(253_402_214_400_000_000));
    assert_eq!(parse_date("1294309438"), Ok(1_294_309_438_000_000));
    for wrong in [
        "",
        "x",
        "1969",
        "24",
        "2024-13",
        "2024-00",
        "2023-02-29",
        "2100-02-29",
        "2024-1-1",
        "2024-01-01-01",
        "2024-01-",
        "99999999999999999999",
        "2024-01-01T00:00",
    ] {
        assert_eq!(parse_date(wrong), Err(QueryError::Date(wrong.to_owned())));
    }
    let query = SearchQuery { before_us: Some(0), after_us: Some(0), ..SearchQuery::default() };
    check("before:1970 after:1970-01", query);
    refuse("before:1970 before:1971", QueryError::Twice("before"));
}

#[test]
fn what_cannot_be_searched_says_why() {
    refuse("", QueryError::Empty);
    refuse("   ", QueryError::Empty);
    refuse("... - \"\" ?", QueryError::Empty);
    refuse("say \"hello", QueryError::OpenQuote);
    refuse(&"a".repeat(QUERY_BYTES_MAX + 1), QueryError::TooLong);
    assert!(parse(&"a".repeat(QUERY_BYTES_MAX)).is_ok());
    assert!(parse(&"a ".repeat(TERMS_MAX)).is_ok());
    refuse(&"a ".repeat(TERMS_MAX + 1), QueryError::TooManyTerms);
}

#[test]
fn other_keys_and_odd_colons_are_words() {
    check("to:jon", SearchQuery { words: strings(&["to:jon"]), ..SearchQuery::default() });
    check("12:30", SearchQuery { words: strings(&["12:30"]), ..SearchQuery::default() });
    check("a from", SearchQuery { words: strings(&["a", "from"]), ..SearchQuery::default() });
}
