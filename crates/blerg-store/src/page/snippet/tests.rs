//! Where snippets are cut.

use super::*;

/// Cuts around the words that stand between `<` and `>` in `text`.
fn cut_marked(text: &str) -> Snippet {
    let plain = text.replace(['<', '>'], "");
    let marked = fold::fold(text).replace('<', "\u{1}").replace('>', "\u{2}");
    cut(&plain, &marked)
}

#[track_caller]
fn check_marks(snippet: &Snippet, want: &[&str]) {
    let found: Vec<&str> = snippet.marks.iter().map(|mark| &snippet.text[mark.clone()]).collect();
    assert_eq!(found, want, "{:?}", snippet.text);
}

#[test]
fn a_short_text_is_whole() {
    let snippet = cut_marked("a <find> here");
    assert_eq!((snippet.text.as_str(), snippet.is_cut_before, snippet.is_cut_after), ("a find here", false, false));
    check_marks(&snippet, &["find"]);
}

#[test]
fn a_long_text_is_cut_around_what_was_found() {
    let filler = "lorem ipsum dolor ".repeat(100);
    let snippet = cut_marked(&format!("{filler}<needle> in hay {filler}"));
    check_marks(&snippet, &["needle"]);
    assert!(snippet.is_cut_before && snippet.is_cut_after);
    assert!(snippet.text.chars().count() <= SNIPPET_CHARS);
    assert!(
        snippet.text.starts_with("ipsum") || snippet.text.starts_with("lorem") || snippet.text.starts_with("dolor")
    );
}

#[test]
fn the_place_with_most_different_finds_wins() {
    let filler = "lorem ipsum dolor ".repeat(50);
    let snippet = cut_marked(&format!("<one> <one> <one> {filler} <one> and <two> {filler}"));
    check_marks(&snippet, &["one", "two"]);
}

#[test]
fn a_text_without_spaces_is_cut_between_characters() {
    let plain = format!("{}東{}", "字".repeat(500), "字".repeat(500));
    let snippet = cut(&plain, &fold::fold(&plain).replace('東', "\u{1}東\u{2}"));
    check_marks(&snippet, &["東"]);
    assert_eq!(snippet.text.chars().count(), SNIPPET_CHARS);
}

#[test]
fn accents_and_emoji_do_not_shift_the_marks() {
    let snippet = cut_marked("naï\u{308}ve 🍵 full\u{200B}width ＡＢＣ <cafe\u{301}> tea");
    check_marks(&snippet, &["cafe\u{301}"]);
}

#[test]
fn marks_that_fit_no_text_are_harmless() {
    for marked in ["\u{1}", "\u{2}\u{1}", "\u{1}\u{1}\u{2}", "far \u{1}beyond\u{2} the end of the text", "\u{1}\u{2}"] {
        let snippet = cut("é short", marked);
        assert_eq!(snippet.text, "é short");
        assert!(snippet.marks.iter().all(|mark| snippet.text.get(mark.clone()).is_some()));
    }
}

#[test]
fn many_marks_are_bounded() {
    let snippet = cut_marked(&"<a> ".repeat(5_000));
    assert_eq!(snippet.marks.len(), HIT_MARKS_MAX);
}

#[test]
fn whole_words_are_marked_in_long_texts() {
    let marked = |text: &str, expression: &str| marked(text, expression).replace('\u{1}', "<").replace('\u{2}', ">");
    assert_eq!(marked("Green teapot, TEA; té", "\"tea\" AND \"green cup\""), "<Green> teapot, <TEA>; té");
    assert_eq!(marked("a b", ""), "a b");
    assert_eq!(marked("é a", "\"é\""), "<é> a");
}
