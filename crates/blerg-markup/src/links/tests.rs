//! Which addresses are found, and where they end.

use super::urls;

#[track_caller]
fn check(text: &str, want: &[&str]) {
    let found: Vec<&str> = urls(text).map(|range| text.get(range).expect("ranges lie on characters")).collect();
    assert_eq!(found, want, "{text:?}");
}

#[test]
fn addresses_end_where_the_sentence_goes_on() {
    check("see http://example.org/.", &["http://example.org/"]);
    check("HTTPS://Example.org:8080/a?b=c&d#e, and", &["HTTPS://Example.org:8080/a?b=c&d#e"]);
    check("(http://example.org/a_(b))", &["http://example.org/a_(b)"]);
    check("[http://example.org/a]!?", &["http://example.org/a"]);
    check("\"http://example.org/a\" <https://b.example>", &["http://example.org/a", "https://b.example"]);
    check("http://example.org,http://b.example", &["http://example.org", "http://b.example"]);
    check("“http://example.org/ä”，http://例え.jp/あ。", &["http://example.org/ä", "http://例え.jp/あ"]);
    check("http://[::1]:80/x http://127.0.0.1/", &["http://[::1]:80/x", "http://127.0.0.1/"]);
    check("http://example.org/\u{202E}gpj.exe", &["http://example.org/"]);
    check("http://example.org/\u{FFFE}x", &["http://example.org/"]);
}

#[test]
fn what_is_no_address_stays_text() {
    for text in [
        "http://",
        "http:///x",
        "http:// x",
        "xhttp://a",
        "1http://a",
        "javascript://a",
        "ftp://a.b",
        "://",
        "http//a",
        "http://you:secret@example.org/",
        "http://bank.example@evil.example/",
        "http://[x]/",
        "http://[]/",
        "http://...",
    ] {
        check(text, &[]);
    }
}

#[test]
fn the_longest_text_takes_no_time() {
    for piece in ["http://a", "http://a)", "http://a/))", "://", "http://[", "http://a%", "http://a:", "http://a@"] {
        let text = piece.repeat(65_535 / piece.len());
        assert!(urls(&text).count() <= text.len());
    }
    let text = format!("http://a/{}", ")".repeat(65_000));
    check(&text, &["http://a/"]);
}
