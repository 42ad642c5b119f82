//! What the operator is told.

use super::*;

#[test]
fn the_chain_is_one_line() {
    let source = io::Error::other("first\nsecond");
    let error = Error::System { doing: "watch for signals", source };
    assert_eq!(chain(&error), "watch for signals: first\\nsecond");
}

#[test]
fn what_moves_a_terminal_is_written_out() {
    for (text, want) in [
        ("plain text, Blërg 茶 🎉", "plain text, Blërg 茶 🎉"),
        ("a\r\nblerg: all is well", "a\\r\\nblerg: all is well"),
        ("\u{1b}[2J\u{7}\0\u{9b}", "\\u{1b}[2J\\u{7}\\u{0}\\u{9b}"),
        ("\u{202e}txt.exe\u{2028}\u{2066}", "\\u{202e}txt.exe\\u{2028}\\u{2066}"),
        ("\t\u{7f}", "\\t\\u{7f}"),
    ] {
        assert_eq!(visible(text), want);
    }
}

#[test]
fn advice_names_the_directory_and_the_command() {
    let advice = |kind: io::ErrorKind| data_advice(Path::new("/srv/blerg"), &io::Error::from(kind));
    assert!(
        advice(io::ErrorKind::PermissionDenied)
            .is_some_and(|line| line.contains("install -d -o ") && line.contains("/srv/blerg"))
    );
    assert_eq!(advice(io::ErrorKind::NotFound).as_deref(), Some("run: mkdir -p -m 700 /srv/blerg (or set BLERG_DATA)"));
    assert_eq!(advice(io::ErrorKind::Other), None);
}
