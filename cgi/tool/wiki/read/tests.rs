//! What becomes of a file's bytes before they are a page's text.

use super::*;

#[track_caller]
fn check(bytes: &[u8], want: &str) {
    assert_eq!(text(bytes.to_vec()).as_deref(), Some(want));
}

#[test]
fn what_is_said_before_a_text_begins_is_kept_as_code() {
    check(b"---\ntitle: A\nsection: 1\n---\n# A\n", "~~~yaml\ntitle: A\nsection: 1\n~~~\n# A\n");
    check(b"\xef\xbb\xbf---\r\ntitle: A\r\n---", "~~~yaml\ntitle: A\n~~~\n");
    for plain in [
        "---\n\nrule: x\n\n---\n",
        "---\nA sentence: it has two\n---\n",
        "---\n---\n",
        "---\nx\n---\n",
        "a\n---\n",
        "---\n",
    ] {
        check(plain.as_bytes(), plain);
    }
}

#[test]
fn line_ends_are_lf_and_other_bytes_are_no_text() {
    check(b"\xef\xbb\xbfa\r\nb\rc\n", "a\nb\nc\n");
    assert_eq!(text(b"\xff".to_vec()), None);
}
