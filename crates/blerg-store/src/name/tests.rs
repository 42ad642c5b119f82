//! Which names an author may have.

use super::*;

#[track_caller]
fn check(text: &str, want: Result<(), NameError>) {
    assert_eq!(AuthorName::parse(text).map(|_| ()), want, "{text:?}");
}

#[test]
fn names_keep_to_the_rules() {
    check("jon", Ok(()));
    check("j", Ok(()));
    check("Jon O'Brien", Ok(()));
    check("a.b-c_d 9", Ok(()));
    check("..a", Ok(()));
    check("-", Ok(()));
    check("", Err(NameError::Length { bytes: 0 }));
    check(".", Err(NameError::OnlyDots));
    check("...", Err(NameError::OnlyDots));
    check(" a", Err(NameError::Spaces));
    check("a ", Err(NameError::Spaces));
    check(" ", Err(NameError::Spaces));
    check("a  b", Err(NameError::Spaces));
    check("a/b", Err(NameError::Character { found: '/' }));
    check("a\0b", Err(NameError::Character { found: '\0' }));
    check("a\tb", Err(NameError::Character { found: '\t' }));
    check("jön", Err(NameError::Character { found: 'ö' }));
    check("a@b", Err(NameError::Character { found: '@' }));
    check("a#b", Err(NameError::Character { found: '#' }));
    check("a\u{a0}b", Err(NameError::Character { found: '\u{a0}' }));
}

#[test]
fn length_holds_at_the_limit_and_one_beyond() {
    check(&"x".repeat(NAME_BYTES_MAX), Ok(()));
    check(&"x".repeat(NAME_BYTES_MAX + 1), Err(NameError::Length { bytes: NAME_BYTES_MAX + 1 }));
}

#[test]
fn names_compare_without_ascii_case_and_keep_their_spelling() {
    let upper = AuthorName::parse("Jon.B").unwrap();
    assert_eq!(upper, AuthorName::parse("jON.b").unwrap());
    assert_eq!(upper.as_str(), "Jon.B");
    assert_eq!(upper.folded(), "jon.b");
}

#[test]
fn only_tag_alphabet_can_be_mentioned() {
    assert!(AuthorName::parse("jon_B-9").unwrap().is_mentionable());
    assert!(!AuthorName::parse("jon.b").unwrap().is_mentionable());
    assert!(!AuthorName::parse("jon b").unwrap().is_mentionable());
    assert!(!AuthorName::parse("o'brien").unwrap().is_mentionable());
}
