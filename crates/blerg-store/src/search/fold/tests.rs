//! Tables of texts and what the index sees of them.

use super::*;

#[track_caller]
fn check(text: &str, want: &str) {
    assert_eq!(fold(text).split_whitespace().collect::<Vec<_>>().join(" "), want, "{text:?}");
}

#[test]
fn words_stay_and_spaceless_scripts_become_characters() {
    check("Plain words, don't", "Plain words, don't");
    check("在中文里", "在 中 文 里");
    check("Rust语言ok", "Rust 语 言 ok");
    check("カタカナとひらがな", "カ タ カ ナ と ひ ら が な");
    check("한국어를", "한 국 어 를");
    check("ภาษาที่", "ภ า ษ า ที่");
    check("Ｆｕｌｌ１", "Full1");
}

#[test]
fn marks_that_may_be_left_out_make_no_difference() {
    check("كِتَابٌ", "كتاب");
    check("أحمد إلى آخر مدرسة", "احمد الي اخر مدرسه");
    check("کتاب یک", "كتاب يك");
    check("٢٠٢٤ ۱۲", "2024 12");
    check("שָׁלוֹם", "שלום");
    check("e\u{301}te\u{301}", "ete");
    check("soft\u{AD}hyphen zero\u{200B}width", "softhyphen zerowidth");
    check("nul\0byte", "nul byte");
}

#[test]
fn emoji_are_words_whatever_their_skin() {
    check("yes🎉!", "yes \u{E000}1f389 !");
    check("👍🏽👍", "\u{E000}1f44d \u{E000}1f44d");
    check("❤\u{FE0F}x", "\u{E000}2764 x");
}

#[test]
fn punctuation_alone_has_no_token() {
    for (text, want) in [("…", false), ("--- !?", false), ("a", true), ("中", true), ("🎉", true), ("9", true)] {
        assert_eq!(has_token(&fold(text)), want, "{text:?}");
    }
}
