//! Names of pages and files.

use super::*;

#[track_caller]
fn check(text: &str, want: Result<&str, PageNameError>) {
    assert_eq!(PageName::parse(text).as_ref().map(PageName::as_str), want.as_ref().copied(), "{text:?}");
}

#[test]
fn underscores_are_spaces() {
    check("Main_page", Ok("Main page"));
    check("Main page", Ok("Main page"));
    assert_eq!(PageName::parse("Main page").unwrap().underscored(), "Main_page");
}

#[test]
fn any_text_is_a_name_that_an_address_can_carry() {
    check("a", Ok("a"));
    check("C++ & <b>\"x\" | [y] 'z' \\", Ok("C++ & <b>\"x\" | [y] 'z' \\"));
    check("日本語 عربي é", Ok("日本語 عربي é"));
    check(&"n".repeat(PAGE_NAME_BYTES_MAX), Ok(&"n".repeat(PAGE_NAME_BYTES_MAX)));
    check("...", Ok("..."));
    check("Special", Ok("Special"));
    check("specialé:", Ok("specialé:"));
}

#[test]
fn what_an_address_cannot_carry_is_no_name() {
    check("", Err(PageNameError::Length { bytes: 0 }));
    let long = "n".repeat(PAGE_NAME_BYTES_MAX + 1);
    check(&long, Err(PageNameError::Length { bytes: PAGE_NAME_BYTES_MAX + 1 }));
    for c in ['/', '?', '#', '%', '\n', '\t', '\0', '\u{7F}', '\u{85}', '\u{202E}', '\u{2028}', '\u{2067}', '\u{FEFF}']
    {
        check(&format!("a{c}b"), Err(PageNameError::Character { found: c }));
    }
    check(" a", Err(PageNameError::Spaces));
    check("a_", Err(PageNameError::Spaces));
    check("_", Err(PageNameError::Spaces));
    check("a\u{A0}", Err(PageNameError::Spaces));
    check(".", Err(PageNameError::Dots));
    check("..", Err(PageNameError::Dots));
    check("Special:Recent", Err(PageNameError::Reserved));
    check("sPECIAL:x", Err(PageNameError::Reserved));
}

#[test]
fn a_file_name_is_no_path() {
    assert_eq!(FileName::parse("my_photo 1.jpg").unwrap().as_str(), "my_photo 1.jpg");
    assert_eq!(FileName::parse(".htaccess"), Err(PageNameError::Dots));
    assert_eq!(FileName::parse("a\\b"), Err(PageNameError::Character { found: '\\' }));
    assert_eq!(FileName::parse("../a"), Err(PageNameError::Character { found: '/' }));
}
