//! Tables of JSON lines, good and bad.

use super::*;

#[track_caller]
fn record(line: &str) -> Written {
    match from_json_line(line) {
        Ok(What::Record(written)) => written,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn records_are_read_in_both_dialects() {
    let plain = record(r#"{"author":"Ada","timestamp":1765519722,"text":"Hello","reply_to":"o'brien/3","other":[1]}"#);
    assert_eq!(plain.author.as_deref(), Some("Ada"));
    assert_eq!((plain.text.as_str(), plain.at_us), ("Hello", Some(1_765_519_722_000_000)));
    assert_eq!(plain.reply_to, Some(Id::Record(Some("o'brien".into()), 3)));
    let exported = record(
        r#"{"type":"record","record":"7","timestamp":12.5,"data":"b","edited":14,"earlier":[{"timestamp":12.5,"data":"a"}]}"#,
    );
    assert_eq!((exported.author, exported.id), (None, Some(Id::Record(None, 7))));
    assert_eq!(exported.earlier, [(12_500_000, "a".to_owned())]);
    assert_eq!((exported.at_us, exported.edited_us), (Some(12_500_000), Some(14_000_000)));
    assert_eq!(record(r#"{"text":"undated"}"#).at_us, None);
    assert_eq!(record(r#"{"text":"x","timestamp_us":17}"#).at_us, Some(17));
}

#[test]
fn other_lines_are_accounts_follows_and_nothing() {
    assert_eq!(from_json_line(" "), Ok(What::Nothing));
    assert_eq!(
        from_json_line(r#"{"type":"account","author":"Ada","created":1}"#),
        Ok(What::Account { author: "Ada".into() })
    );
    let follow = |author: Option<&str>| Ok(What::Follow { author: author.map(str::to_owned), target: "bob".into() });
    assert_eq!(from_json_line(r#"{"type":"subscription","author":"bob"}"#), follow(None));
    assert_eq!(from_json_line(r#"{"author":"Ada","follows":"bob"}"#), follow(Some("Ada")));
}

#[test]
fn what_cannot_be_taken_is_refused_with_a_reason() {
    #[track_caller]
    fn check(line: &str, want: &str) {
        assert_eq!(from_json_line(line).unwrap_err(), want, "{line}");
    }
    check("{", "no JSON at column 1: EOF while parsing an object");
    check("[1]", "want a JSON object");
    check("{}", "neither \"text\" nor \"data\"");
    check(r#"{"text":7}"#, "\"text\" is no text");
    check(r#"{"text":"x","author":[]}"#, "\"author\" is no text");
    check(r#"{"text":"x","reply_to":"ada"}"#, "\"reply_to\" \"ada\" is not author/record");
    check(r#"{"text":"x","reply_to":"ada/-1"}"#, "\"reply_to\" \"ada/-1\" is not author/record");
    check(
        r#"{"text":"x","timestamp":"never"}"#,
        "\"timestamp\": \"never\" is no date like 2009-02-13T23:31:30Z from 1970 on",
    );
    check(r#"{"type":"other"}"#, "unknown type \"other\"");
    check(r#"{"op":"put"}"#, "this is a line of a dump, which is restored into an empty data directory");
    let deep = format!("{{\"text\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(from_json_line(&deep).is_err());
}
