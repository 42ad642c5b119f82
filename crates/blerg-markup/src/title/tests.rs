//! Titles of all kinds of texts.

use super::{TITLE_BYTES_MAX, TITLE_CHARS_MAX, post_title};

#[track_caller]
fn check(text: &str, want: Option<&str>) {
    assert_eq!(post_title(text).as_deref(), want, "{text:?}");
}

#[test]
fn a_title_is_the_first_line_that_says_anything() {
    check("Hello", Some("Hello"));
    check(" \r\n\u{200B}\n  Two \t words  \nmore", Some("Two words"));
    check(" \n\t\u{FE0F}\u{202E}", None);
    check("<b>&amp;", Some("<b>&amp;"));
    check("a\0b", Some("a\u{FFFD}b"));
}

#[test]
fn long_lines_are_cut_between_words() {
    let text = "word ".repeat(40);
    check(&text, Some(&format!("{}…", "word ".repeat(15) + "word")));
    let word = "x".repeat(65_535);
    check(&word, Some(&format!("{}…", "x".repeat(TITLE_CHARS_MAX))));
}

#[test]
fn what_a_reader_sees_as_one_character_is_never_split() {
    let family = "👩‍👩‍👧‍👦";
    let title = post_title(&family.repeat(100)).expect("families are visible");
    assert_eq!(title.strip_suffix('…').expect("it was cut").replace(family, ""), "");
    let marks = format!("a{}", "\u{301}".repeat(30_000));
    let title = post_title(&format!("b{marks}")).expect("b is visible");
    assert!(title == "b…" && title.len() <= TITLE_BYTES_MAX + '…'.len_utf8());
}

#[test]
fn turned_text_is_turned_back() {
    check("\u{202E}abc", Some("\u{202E}abc\u{202C}"));
    check("\u{2067}\u{202B}a\u{202C}", Some("\u{2067}\u{202B}a\u{202C}\u{2069}"));
    check("a\u{202C}", Some("a\u{202C}"));
}
