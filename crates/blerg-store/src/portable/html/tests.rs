//! Tables of HTML and the text in it; and random pieces of it.

use super::*;

#[track_caller]
fn check(html: &str, want: &str) {
    assert_eq!(to_text(html), want, "{html:?}");
}

#[test]
fn posts_become_what_was_typed() {
    check("<p>Hello <b>world</b></p><p>Second<br>line<br />third</p>", "Hello world\n\nSecond\nline\nthird");
    check(
        "<p>see <a href=\"https://example.org/a?b=1&amp;c\" rel=\"nofollow\"><span class=\"invisible\">https://</span>\
         <span class=\"ellipsis\">example.org/a?b=1&amp;</span><span class=\"invisible\">c</span></a> \
         <a href=\"https://m.example/tags/Tea\" class=\"mention hashtag\">#<span>Tea</span></a></p>",
        "see https://example.org/a?b=1&c #Tea",
    );
    check(
        "<p><span class=\"h-card\"><a href=\"https://m.example/@ada\" class=\"u-url mention\">@<span>ada</span></a></span> hi</p>",
        "@ada hi",
    );
    check("<ul><li>one</li><li>two</li></ul>", "- one\n- two");
    check("&lt;script&gt; &#39;x&#x27; &quot;&nbsp;&hellip;&copy;", "<script> 'x' \"\u{A0}…&copy;");
}

#[test]
fn what_is_no_html_stands_as_it_is() {
    for plain in ["", "a < b", "a <3 b", "AT&T", "&;", "&#0;", "&#xD800;", "&#99999999999;", "<", "&", "x <"] {
        check(plain, plain);
    }
    check("<unclosed tag", "<unclosed tag");
    check("&amp;lt;", "&lt;");
    check("<!-- note -->x", "x");
}

#[test]
fn any_bytes_end_in_text_without_tags() {
    let pieces = ["<", ">", "&", ";", "p", "/", "br", "#", "x", "é", " ", "amp", "\0", "\"", "'", "&#", "<p>", "</p>"];
    let mut random = crate::tests::Random(7);
    for _ in 0..2_000 {
        let html: String = (0..random.below(20)).map(|_| *random.pick(&pieces)).collect();
        let text = to_text(&html);
        assert!(text.len() <= html.len() * 2 + 2, "{html:?}");
    }
}
