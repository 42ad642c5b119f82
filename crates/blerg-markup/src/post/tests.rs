//! Posts as HTML, plain and hostile.

use super::{Places, post_html};

const PLACES: Places<'_> = Places { tag: "https://b.example/?a&b#tag/", mention: "https://b.example/#u/" };

#[track_caller]
fn check(text: &str, want: &str) {
    assert_eq!(post_html(text, &PLACES), want, "{text:?}");
}

#[test]
fn addresses_tags_and_mentions_are_linked() {
    check(
        "Hi @Ada, #tea & http://example.org/?a=1&b=2#c.",
        "<p dir=\"auto\">Hi <a href=\"https://b.example/#u/Ada\">@Ada</a>, \
         <a href=\"https://b.example/?a&amp;b#tag/tea\">#tea</a> &amp; \
         <a href=\"http://example.org/?a=1&amp;b=2#c\">http://example.org/?a=1&amp;b=2#c</a>.</p>",
    );
    // The part of an address that looks like a tag belongs to the address.
    check(
        "http://a.example/?#x #x",
        "<p dir=\"auto\"><a href=\"http://a.example/?#x\">http://a.example/?#x</a> \
         <a href=\"https://b.example/?a&amp;b#tag/x\">#x</a></p>",
    );
}

#[test]
fn a_tag_that_looks_like_a_scheme_is_shown_once() {
    check(
        "#http://a.example",
        "<p dir=\"auto\"><a href=\"https://b.example/?a&amp;b#tag/http\">#http</a>://a.example</p>",
    );
    // Found by fuzzing: the scheme was there twice.
    check(
        "@ada_http://a.example #x",
        "<p dir=\"auto\"><a href=\"https://b.example/#u/ada_http\">@ada_http</a>://a.example \
         <a href=\"https://b.example/?a&amp;b#tag/x\">#x</a></p>",
    );
}

#[test]
fn line_ends_of_every_kind_are_kept() {
    check("a\nb\r\nc\rd", "<p dir=\"auto\">a<br>b<br>c<br>d</p>");
    check("\n\na\n\nb\r\r\n\nc\n\n", "<p dir=\"auto\">a</p><p dir=\"auto\">b</p><p dir=\"auto\">c</p>");
    check(
        "\n#x\n@y",
        "<p dir=\"auto\"><a href=\"https://b.example/?a&amp;b#tag/x\">#x</a><br><a href=\"https://b.example/#u/y\">@y</a></p>",
    );
    check("\n", "");
}

#[test]
fn nothing_of_the_author_is_markup() {
    check("<b onclick=\"x\">'&amp;]]>", "<p dir=\"auto\">&lt;b onclick=&quot;x&quot;&gt;'&amp;amp;]]&gt;</p>");
    check(
        "javascript:alert(1) http://a/\"onclick=\"",
        "<p dir=\"auto\">javascript:alert(1) <a href=\"http://a/\">http://a/</a>&quot;onclick=&quot;</p>",
    );
    check("\u{0}\u{FFFE}", "<p dir=\"auto\">\u{FFFD}\u{FFFD}</p>");
}

#[test]
fn any_text_gives_only_our_own_elements() {
    proptest::proptest!(|(text in "([#@/:. \\n\\r<>&\"'()a-c]|http://|\\PC){0,60}")| {
        let html = post_html(&text, &PLACES);
        let mut rest = html.as_str();
        while let Some(at) = rest.find('<') {
            rest = rest.get(at..).unwrap_or_default();
            let ours = ["<p dir=\"auto\">", "</p>", "<br>", "<a href=\"http", "</a>"];
            assert!(ours.iter().any(|element| rest.starts_with(element)), "{html}");
            rest = rest.get(1..).unwrap_or_default();
        }
        assert_eq!(html.matches("<a ").count(), html.matches("</a>").count(), "{html}");
        assert_eq!(html.matches("<p ").count(), html.matches("</p>").count(), "{html}");
    });
}
