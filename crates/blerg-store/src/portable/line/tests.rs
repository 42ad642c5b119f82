//! Each line of a dump reads back, no part of it does.

use super::*;

fn lines() -> Vec<Line> {
    let tags = vec![TagSpan { start: 0, len: 2 }, TagSpan { start: 65_000, len: 65 }];
    vec![
        Line::Dump { version: 1, site: [7; 16] },
        Line::Author { name: "o'brien".into(), at_us: 0 },
        Line::Put {
            author: "a".into(),
            record: u64::MAX,
            at_us: 5,
            text: "\"\\\n\0é".into(),
            tags: vec![],
            reply_to: None,
        },
        Line::Put {
            author: "a".into(),
            record: 1,
            at_us: 5,
            text: "#x".into(),
            tags: tags.clone(),
            reply_to: Some(("b \"c".into(), 9)),
        },
        Line::Hole { author: "a".into(), record: 2 },
        Line::Edit { author: "a".into(), record: 1, at_us: 6, text: "مرحبا 你好 🎉".into(), tags },
        Line::Follow { author: "a".into(), target: "b".into() },
        Line::Unfollow { author: "a".into(), target: "b".into() },
        Line::Close { author: "a".into() },
        Line::Account(AccountLine {
            name: "b".into(),
            role: "admin".into(),
            is_disabled: true,
            created_us: 3,
            password: Some("$argon2id$x".into()),
            feed_seen: 4,
            mentioned_seen: 0,
        }),
        Line::End { lines: 11 },
    ]
}

#[test]
fn every_line_reads_back_as_it_was_written() {
    for line in lines() {
        let text = line.write();
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        assert_eq!(Line::parse(text.trim_end()), Ok(line), "{text}");
    }
}

#[test]
fn no_prefix_of_a_line_is_a_line() {
    for line in lines() {
        let text = line.write();
        let text = text.trim_end();
        for (cut, _) in text.char_indices() {
            assert!(Line::parse(&text[..cut]).is_err(), "{}", &text[..cut]);
        }
    }
}

#[test]
fn fields_of_the_wrong_kind_are_named() {
    #[track_caller]
    fn check(line: &str, want: &str) {
        assert_eq!(Line::parse(line), Err(want.to_owned()), "{line}");
    }
    check("{}", "\"op\" is missing");
    check(r#"{"op":"explode"}"#, "unknown op \"explode\"");
    check(r#"{"op":"dump","version":1,"site":"xyz"}"#, "\"site\" is not 32 hex digits");
    check(r#"{"op":"put","author":"a"}"#, "\"record\" is missing");
    check(r#"{"op":"put","author":"a","record":-1}"#, "\"record\" is no whole number");
    check(r#"{"op":"put","author":"a","record":0,"at_us":1.5,"text":"x"}"#, "\"at_us\" is no whole number");
    check(
        r#"{"op":"put","author":"a","record":0,"at_us":1,"text":"x","tags":[[0]]}"#,
        "\"tags\" is not a list of [start, length]",
    );
    check(
        r#"{"op":"put","author":"a","record":0,"at_us":1,"text":"x","tags":[[0,256]]}"#,
        "\"tags\" is not a list of [start, length]",
    );
    check(
        r#"{"op":"put","author":"a","record":0,"at_us":1,"text":"x","reply_to":"a/1"}"#,
        "\"reply_to\" is not [author, record]",
    );
    check(
        r#"{"op":"account","name":"a","role":"x","created_us":1,"disabled":1}"#,
        "\"disabled\" is neither true nor false",
    );
}
