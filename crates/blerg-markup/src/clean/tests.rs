//! What is unfit and what is not.

use super::{clean, escape, escape_content, is_unfit, may_be_unfit};

#[track_caller]
fn check(text: &str, want: &str) {
    assert_eq!(clean(text), want, "{text:?}");
}

#[test]
fn what_xml_or_html_forbid_is_replaced() {
    check("a\0b\u{8}c\u{B}d\u{C}e\u{1F}f", "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}f");
    check("\u{7F}\u{80}\u{85}\u{9F}", "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}");
    check("\u{FFFE}\u{FFFF}\u{FDD0}\u{FDEF}\u{1FFFE}\u{10FFFF}", &"\u{FFFD}".repeat(6));
}

#[test]
fn each_character_is_told_by_its_bytes_as_by_itself() {
    let mut sample = String::new();
    for c in ('\0'..=char::MAX).filter(|c| u32::from(*c) < 0x3000 || is_unfit(*c) || u32::from(*c) % 251 == 0) {
        let text = format!("a{c}b");
        assert!(may_be_unfit(&text) || !is_unfit(c), "{c:?}");
        let mut escaped = String::new();
        escape(&text, &mut escaped);
        let want = match c {
            '<' => "a&lt;b".to_owned(),
            '>' => "a&gt;b".to_owned(),
            '&' => "a&amp;b".to_owned(),
            '"' => "a&quot;b".to_owned(),
            _ => clean(&text).into_owned(),
        };
        assert_eq!(escaped, want, "{c:?}");
        let mut content = Vec::new();
        escape_content(&text, &mut content);
        let want = match c {
            '"' => text,
            '\r' => "a&#13;b".to_owned(),
            _ => want,
        };
        assert_eq!(String::from_utf8(content).unwrap(), want, "{c:?}");
        sample.push(c);
    }
    assert!(sample.len() > 10_000);
}

#[test]
fn everything_else_stays() {
    for text in ["", "a\tb\nc\rd", "é\u{A0}\u{202E}\u{FDCF}\u{FDF0}\u{FFFD}\u{10FFFD}", "👩‍👩‍👧‍👦"] {
        check(text, text);
    }
}
