//! Field order, number forms and escaping, byte for byte.

use super::{Author, array, post as write};
use blerg_store::{AuthorId, Post, RecordNo};

fn sample() -> Post {
    Post {
        author: AuthorId(7),
        author_name: "Ada".to_owned(),
        record: RecordNo(0),
        timestamp_us: 1_294_309_438_999_999,
        edited_us: None,
        reply_to: None,
        text: "hi".to_owned(),
    }
}

fn posts(posts: &[Post], author: Author) -> String {
    let mut written = Vec::new();
    array(&mut written, posts, |out, post| write(out, post, author));
    String::from_utf8(written).expect("UTF-8")
}

#[track_caller]
fn check(post: Post, author: Author, want: &str) {
    let written = posts(std::slice::from_ref(&post), author);
    assert_eq!(written, format!("[{want}]"));
    let parsed: serde_json::Value = serde_json::from_str(&written).expect("JSON");
    assert_eq!(parsed[0]["data"].as_str(), Some(post.text.as_str()));
}

#[test]
fn a_record_has_its_fields_in_the_contracts_order() {
    check(sample(), Author::LeftOut, r#"{"record":"0","timestamp":1294309438,"data":"hi"}"#);
    check(sample(), Author::Shown, r#"{"author":"Ada","record":"0","timestamp":1294309438,"data":"hi"}"#);
}

#[test]
fn edits_and_replies_come_last_and_only_where_they_apply() {
    let edited = Post { edited_us: Some(1_294_309_500_000_000), ..sample() };
    check(edited, Author::LeftOut, r#"{"record":"0","timestamp":1294309438,"data":"hi","edited":1294309500}"#);
    let reply = Post { reply_to: Some(("O'Hara x".to_owned(), RecordNo(u64::MAX))), ..sample() };
    let want = r#"{"record":"0","timestamp":1294309438,"data":"hi","reply_to":"O'Hara x/18446744073709551615"}"#;
    check(reply, Author::LeftOut, want);
}

#[test]
fn text_leaves_exactly_as_it_came_in() {
    let text = "\u{0}\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f} \"\\/<>&' \u{7f}\u{85}\u{2028} é 中文 عربي 🎉\u{fffd}";
    let post = Post { text: text.to_owned(), ..sample() };
    let want = concat!(
        r#"{"record":"0","timestamp":1294309438,"data":"\u0000\u0001\b\t\n\u000b\f\r\u001f \"\\/<>&' "#,
        "\u{7f}\u{85}\u{2028} é 中文 عربي 🎉\u{fffd}\"}"
    );
    check(post, Author::LeftOut, want);
}

#[test]
fn an_empty_list_is_an_empty_array() {
    assert_eq!(posts(&[], Author::Shown), "[]");
    let two = [sample(), sample()];
    let written = posts(&two, Author::LeftOut);
    assert_eq!(written.matches("},{").count(), 1);
}
