//! Nothing that a visitor wrote moves the operator's terminal.

use super::*;

/// What a terminal gets of bytes that are written in pieces of `piece` bytes.
fn shown(bytes: &[u8], piece: usize) -> String {
    let mut out = Shown::new(Vec::new());
    for piece in bytes.chunks(piece) {
        out.write_all(piece).unwrap();
    }
    String::from_utf8(out.out).unwrap()
}

#[test]
fn what_moves_a_terminal_is_written_out_wherever_the_bytes_are_split() {
    for (text, want) in [
        ("plain text, Blërg 茶 🎉\n\tand a column\n", "plain text, Blërg 茶 🎉\n\tand a column\n"),
        ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u001b[2J\\u001b]0;title\\u0007"),
        ("all is well\rnot\u{8}\u{7f}\0", "all is well\\u000dnot\\u0008\\u007f\\u0000"),
        ("\u{9b}31m \u{85} \u{90}q", "\\u009b31m \\u0085 \\u0090q"),
        ("\u{202e}txt.exe\u{2066}\u{2028}", "\\u202etxt.exe\\u2066\\u2028"),
        ("", ""),
    ] {
        for piece in 1..=text.len().max(1) {
            assert_eq!(shown(text.as_bytes(), piece), want, "pieces of {piece}");
        }
    }
    for piece in 1..=5 {
        assert_eq!(shown(b"a\xff\xe8b\xc2", piece), "a\\xff\\xe8b", "pieces of {piece}");
    }
}

#[test]
fn json_stays_json() {
    let value = serde_json::json!({ "text": "\u{1b}[2J \u{9b}0m \u{202e} \u{7f}" });
    let shown = shown(format!("{value}\n").as_bytes(), 4096);
    assert!(!shown.trim_end().contains(is_moving), "{shown}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
}
