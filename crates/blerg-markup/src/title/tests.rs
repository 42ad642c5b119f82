//! Titles of all kinds of texts.

use super::{TITLE_BYTES_MAX, TITLE_CHARS_MAX, cut, cut_simple, post_title};

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
fn simple_lines_are_cut_like_all_others() {
    let words =
        ["a", "to", "of", "words", "something", "incomprehensibilities", "x".repeat(50).as_str()].map(str::to_owned);
    let mut simple = 0;
    for seed in 0..4_000_usize {
        let word = |n: usize| words[(seed >> (n % 11)).wrapping_mul(31).wrapping_add(n * seed) % words.len()].as_str();
        let mut line = (0..seed % 40).map(word).collect::<Vec<&str>>().join(if seed % 17 == 0 { "  " } else { " " });
        if seed % 13 == 0 {
            line.insert(line.len() / 2, '\t');
        }
        let line = line.trim();
        let all = cut(line.split_inclusive(|_| true));
        if let Some(title) = cut_simple(line) {
            assert_eq!(title, all, "{line:?}");
            simple += 1;
        }
    }
    assert!(simple > 2_000, "{simple}");
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
