//! What the markup of a page becomes, element by element.

use super::{Error, HTML_BYTES_MAX, LINKS_MAX, Rendered, Resolver, Site, TEXT_BYTES_MAX, Target, render, toc_html};

fn page(text: &str) -> Rendered {
    render(text, &Site).expect("short enough")
}

#[track_caller]
fn check(text: &str, want: &str) {
    assert_eq!(page(text).html, format!("<p>{want}</p>\n"), "{text:?}");
}

#[test]
fn links_to_pages() {
    check("[[Page]]", r#"<a href="/wiki/Page">Page</a>"#);
    check("[[ Some_page ]]", r#"<a href="/wiki/Some_page">Some page</a>"#);
    check("[[Nowhere]]", r#"<a class="missing" href="/wiki/Nowhere">Nowhere</a>"#);
    check("[[Page|a *b*]]", r#"<a href="/wiki/Page">a <em>b</em></a>"#);
    check("[[Page#Some Part]]", "<a href=\"/wiki/Page#s-some-part\">Page#Some Part</a>");
    check("[[#Part|here]]", "<a href=\"#s-part\">here</a>");
    check("[[Ünï]]", r#"<a href="/wiki/%C3%9Cn%C3%AF">Ünï</a>"#);
    check("[[a%7Cb|x]]", r#"<a href="/wiki/a%7Cb">x</a>"#);
    check("[[Page|#tag]]", r#"<a href="/wiki/Page">#tag</a>"#);
    check(
        "[[https://example.org|x]]",
        r#"<a class="external" href="https://example.org" rel="nofollow noopener">x</a>"#,
    );
    assert_eq!(page("[[b]] [[a]] [[b|x]] [[c#d]] [x](e_f)").links, ["b", "a", "c", "e f"]);
}

#[test]
fn what_no_page_can_be_called_is_text() {
    check("[[]]", "[[]]");
    check("[[ ]]", "[[ ]]");
    check("[[a/b]]", "[[a/b]]");
    check("[[a/b|*x*]]", "[[a/b|*x*]]");
    check("[[a?b]] [[a%25]]", "[[a?b]] [[a%25]]");
    check("\\[[Page]]", "[[Page]]");
    check("`[[Page]]`", "<code>[[Page]]</code>");
    let long = "x".repeat(201);
    check(&format!("[[{long}]]"), &format!("[[{long}]]"));
    let long = "x".repeat(200);
    check(&format!("[[{long}]]"), &format!(r#"<a href="/wiki/{long}">{long}</a>"#));
}

#[test]
fn relative_targets_are_files_or_pages() {
    check("[x](a.pdf)", r#"<a href="?file=a.pdf">x</a>"#);
    check("[x](./Page_one#Part)", "<a href=\"/wiki/Page_one#s-part\">x</a>");
    check("[x](no.pdf)", r#"<a href="/wiki/no.pdf">x</a>"#);
    check("[x](Nowhere)", r#"<a class="missing" href="/wiki/Nowhere">x</a>"#);
    check("[x](/get/ada)", r#"<a href="/get/ada">x</a>"#);
    check("[x](../up?a=b)", r#"<a href="../up?a=b">x</a>"#);
    check("[x](?action=history)", r#"<a href="?action=history">x</a>"#);
    check("[x](#Part)", "<a href=\"#s-part\">x</a>");
    check("[x](//evil.example)", r#"<a class="external" href="//evil.example" rel="nofollow noopener">x</a>"#);
    check("[x](mailto:a@b.c)", r#"<a href="mailto:a@b.c">x</a>"#);
    check("[x](ftp://a.b)", "x");
    assert_eq!(page("[x](a.pdf) ![](b.png) ![](no.png)").attachments, ["a.pdf", "b.png", "no.png"]);
}

#[test]
fn images_are_files_of_the_page() {
    check("![a \"b\"](x.png \"t\")", r#"<img src="?file=x.png" alt="a &quot;b&quot;" title="t" loading="lazy">"#);
    check("![](docs/img/x%20y.png)", r#"<img src="?file=x%20y.png" alt="" loading="lazy">"#);
    check("![[x.png]]", r#"<img src="?file=x.png" alt="x.png" loading="lazy">"#);
    check("![[x.png|a *b*]]", r#"<img src="?file=x.png" alt="a b" loading="lazy">"#);
    check("![a](no.png)", r#"<a class="missing" href="?file=no.png">a</a>"#);
    check(
        "![a](https://x.org/y.png)",
        r#"<a class="external image" href="https://x.org/y.png" rel="nofollow noopener">a</a>"#,
    );
    check("[![a](https://x.org/y.png)](/z)", r#"<a href="/z">a</a>"#);
    check("[![a](x.png)](/z)", r#"<a href="/z"><img src="?file=x.png" alt="a" loading="lazy"></a>"#);
    check("![[Page]](x.png)", r#"<a class="missing" href="?file=Page">Page</a>(x.png)"#);
}

#[test]
fn bare_addresses() {
    let link = |address: &str, href: &str| {
        format!(r#"<a class="external" href="{href}" rel="nofollow noopener">{address}</a>"#)
    };
    let same = |address: &str| link(address, address);
    check("see http://a.b/c.", &format!("see {}.", same("http://a.b/c")));
    check("(https://a.b/c_(d))", &format!("({})", same("https://a.b/c_(d)")));
    check("http://a.b/_c_/*d*", &same("http://a.b/_c_/*d*"));
    check("*http://a.b/c*", &format!("<em>{}</em>", same("http://a.b/c")));
    check("**http://a.b/*c*d**", &format!("<strong>{}</strong>", same("http://a.b/*c*d")));
    check("~~https://a.b/~~", &format!("<del>{}</del>", same("https://a.b/")));
    check("http://a.b/~me/ ~x", &format!("{} ~x", same("http://a.b/~me/")));
    check("http://a.b/#c @d", &format!(r#"{} <a class="mention" href="/#/d">@d</a>"#, same("http://a.b/#c")));
    check("http://a.b/?c&d", &link("http://a.b/?c&amp;d", "http://a.b/?c&amp;d"));
    check("www.a.org.", &format!("{}.", link("www.a.org", "http://www.a.org")));
    check("*www.a.org*", &format!("<em>{}</em>", link("www.a.org", "http://www.a.org")));
    check("xwww.a.org", "xwww.a.org");
    check("[www.a.org](/x)", r#"<a href="/x">www.a.org</a>"#);
    check("http://[::1]:80/[x]", &link("http://[::1]:80/[x]", "http://[::1]:80/%5Bx%5D"));
    check("`http://a.b`", "<code>http://a.b</code>");
    check("ftp://a.b javascript://a.b", "ftp://a.b javascript://a.b");
}

#[test]
fn bare_mail_addresses() {
    let mail = |address: &str| format!(r#"<a href="mailto:{address}">{address}</a>"#);
    check("foo@bar.baz", &mail("foo@bar.baz"));
    check("hello@mail+xyz.example isn't valid", "hello@mail+xyz.example isn't valid");
    check("hello+xyz@mail.example is", &format!("{} is", mail("hello+xyz@mail.example")));
    check("a.b-c_d@a.b", &mail("a.b-c_d@a.b"));
    check("a.b-c_d@a.b.", &format!("{}.", mail("a.b-c_d@a.b")));
    check("a.b-c_d@a.b-", "a.b-c_d@a.b-");
    check("a.b-c_d@a.b_", "a.b-c_d@a.b_");
    check("_\n_x_@a.b", &format!("_\n{}", mail("_x_@a.b")));
    check("me@localhost", "me@localhost");
    check(
        "http://x.org/a@b.c",
        r#"<a class="external" href="http://x.org/a@b.c" rel="nofollow noopener">http://x.org/a@b.c</a>"#,
    );
}

#[test]
fn tags_and_mentions() {
    let tag = |name: &str| format!("<a class=\"tag\" href=\"/#/tag/{name}\">#{name}</a>");
    check("a #tag.", &format!("a {}.", tag("tag")));
    check("*#tag*", &format!("<em>{}</em>", tag("tag")));
    check("_#tag_", &format!("<em>{}</em>", tag("tag")));
    check("a *b #tag*", &format!("a <em>b {}</em>", tag("tag")));
    check("`x`#tag", &format!("<code>x</code>{}", tag("tag")));
    check("@ada", r#"<a class="mention" href="/#/ada">@ada</a>"#);
    check("\\#tag \\@ada &#35;tag &commat;ada a#b", "#tag @ada #tag @ada a#b");
    check(
        "`#tag` [#tag](/x) ![#tag](x.png)",
        "<code>#tag</code> <a href=\"/x\">#tag</a> <img src=\"?file=x.png\" alt=\"#tag\" loading=\"lazy\">",
    );
    let found = page("#One @Ada\n\n#one #two\n\n    #code\n");
    assert_eq!((found.tags, found.mentions), (vec!["one".to_owned(), "two".to_owned()], vec!["ada".to_owned()]));
}

#[test]
fn headings_have_anchors_of_their_own() {
    let text = "# A\n## A\n### *B* `c` & [[Page|d]]!\n# Ünï çödé\n# हिन्दी\n# 🎉\n# \n# a-1\n> # q\n";
    let found = page(text);
    let toc: Vec<(u8, &str, &str, Option<usize>)> =
        found.toc.iter().map(|h| (h.level, h.id.as_str(), h.text.as_str(), h.section)).collect();
    let want = [
        (1, "s-a", "A", Some(1)),
        (2, "s-a-1", "A", Some(2)),
        (3, "s-b-c--d", "B c & d!", Some(3)),
        (1, "s-ünï-çödé", "Ünï çödé", Some(4)),
        (1, "s-हिन्दी", "हिन्दी", Some(5)),
        (1, "s-section", "🎉", Some(6)),
        (1, "s-section-1", "", Some(7)),
        (1, "s-a-1-1", "a-1", Some(8)),
        (1, "s-q", "q", None),
    ];
    assert_eq!(toc, want);
    assert_eq!(&text[found.toc[1].source.clone()], "## A\n");
    assert_eq!(super::anchor("B c & d!"), "s-b-c--d");
}

#[test]
fn the_table_of_contents_is_nested() {
    let toc = |text: &str| toc_html(&page(text).toc).replace(" href=\"#s-", "").replace('"', " ");
    assert_eq!(toc(""), "");
    assert_eq!(toc("# a\n# b\n"), "<ul><li><aa >a</a></li><li><ab >b</a></li></ul>");
    assert_eq!(
        toc("## a\n#### b\n### c\n# d\n## e\n"),
        "<ul><li><aa >a</a><ul><li><ab >b</a></li><li><ac >c</a></li></ul></li><li><ad >d</a><ul><li><ae >e</a></li></ul></li></ul>"
    );
    assert!(toc("# <b>\n").contains("&lt;b&gt;"));
}

#[test]
fn section_links_stand_in_headings_of_the_page() {
    struct Editing;
    impl Resolver for Editing {
        fn page(&self, name: &str) -> Target {
            Site.page(name)
        }
        fn attachment(&self, file: &str) -> Target {
            Site.attachment(file)
        }
        fn tag(&self, name: &str) -> String {
            Site.tag(name)
        }
        fn mention(&self, name: &str) -> String {
            Site.mention(name)
        }
        fn edit_section(&self, n: usize) -> Option<String> {
            Some(format!("?action=edit&section={n}"))
        }
    }
    let html = render("> # q\n\n# a\n", &Editing).expect("short").html;
    let want = "<blockquote>\n<h1 id=\"s-q\">q</h1>\n</blockquote>\n<h1 id=\"s-a\">a \
        <a class=\"edit\" href=\"?action=edit&amp;section=1\" aria-label=\"Edit: a\">edit</a></h1>\n";
    assert_eq!(html, want);
}

#[test]
fn footnotes_are_numbered_by_use_and_lead_back() {
    let text = "[^unused]: u\n[^b]: beta\n\na[^a] b[^b] a[^a] c[^none]\n\n[^a]: alpha[^b]\n\n    - two\n";
    let want = "<p>a<sup class=\"fn\"><a id=\"fnref-1\" href=\"#fn-1\">1</a></sup> \
        b<sup class=\"fn\"><a id=\"fnref-2\" href=\"#fn-2\">2</a></sup> \
        a<sup class=\"fn\"><a id=\"fnref-1-2\" href=\"#fn-1\">1</a></sup> c[^none]</p>\n\
        <section class=\"footnotes\" aria-label=\"Footnotes\">\n<ol>\n\
        <li id=\"fn-1\"><p>alpha<sup class=\"fn\"><a id=\"fnref-2-2\" href=\"#fn-2\">2</a></sup></p>\n<ul>\n<li>two</li>\n</ul>\n \
        <a class=\"back\" href=\"#fnref-1\" aria-label=\"Back to the text\">↩</a> \
        <a class=\"back\" href=\"#fnref-1-2\" aria-label=\"Back to the text\">↩</a></li>\n\
        <li id=\"fn-2\"><p>beta <a class=\"back\" href=\"#fnref-2\" aria-label=\"Back to the text\">↩</a> \
        <a class=\"back\" href=\"#fnref-2-2\" aria-label=\"Back to the text\">↩</a></p></li>\n\
        <li id=\"fn-3\"><p>u</p></li>\n</ol>\n</section>\n";
    assert_eq!(page(text).html, want);
}

#[test]
fn raw_html_is_text() {
    check("a <b>c</b> <!-- d -->", "a &lt;b&gt;c&lt;/b&gt; &lt;!-- d --&gt;");
    check(
        "<div onclick=\"x\">\n#no http://no.example\n</div>",
        "&lt;div onclick=&quot;x&quot;&gt;\n#no http://no.example\n&lt;/div&gt;",
    );
    check("<script>\n\nalert(1)\n\n</script>", "&lt;script&gt;\n\nalert(1)\n\n&lt;/script&gt;");
    check("\u{1}\u{FFFE}", "\u{FFFD}\u{FFFD}");
}

#[test]
fn tables_align_by_class() {
    let want = "<div class=\"table\" tabindex=\"0\"><table>\n<thead>\n<tr>\n<th class=\"left\">a</th>\n\
        <th class=\"center\">b</th>\n<td class=\"right\"></td>\n<th>d</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n\
        <td class=\"left\"><a href=\"/wiki/Page\">x</a></td>\n<td class=\"center\"></td>\n<td class=\"right\"></td>\n<td></td>\n\
        </tr>\n</tbody>\n</table></div>\n";
    assert_eq!(page("|a|b||d|\n|:-|:-:|-:|-|\n|[[Page\\|x]]|\n").html, want);
}

#[test]
fn tasks_have_boxes_that_speak() {
    let want = "<ul>\n<li class=\"task\"><input type=\"checkbox\" disabled aria-label=\"to do\"> a</li>\n\
        <li class=\"task\"><input type=\"checkbox\" disabled checked aria-label=\"done\"> b</li>\n</ul>\n";
    assert_eq!(page("- [ ] a\n- [x] b\n").html, want);
    assert!(page("- [ ] a\n\n- b\n").html.starts_with("<ul>\n<li class=\"task\">\n<p><input"));
}

#[test]
fn the_summary_is_the_first_paragraph() {
    let summary = |text: &str| page(text).summary;
    assert_eq!(summary("# T\n\n> q\n\n- l\n\n\n*a* [[Page|b]]\n`c`\n\nd\n"), "a b c");
    assert_eq!(summary("# only a heading\n"), "");
    assert_eq!(summary(&"é".repeat(600)), "é".repeat(500));
    assert_eq!(summary("![](x.png)\n\ntext\n"), "text");
}

#[test]
fn texts_and_pages_that_are_too_long_are_refused() {
    let longest = "a".repeat(TEXT_BYTES_MAX);
    assert_eq!(page(&longest).html.len(), TEXT_BYTES_MAX + "<p></p>\n".len());
    let error = render(&format!("{longest}a"), &Site).expect_err("one byte over");
    assert_eq!(error, Error::TextTooLong { bytes: TEXT_BYTES_MAX + 1 });
    assert_eq!(error.to_string(), "text of 1048577 bytes, limit 1048576");
    let quotes = page(&"\"".repeat(TEXT_BYTES_MAX)).html.len();
    assert!(quotes < HTML_BYTES_MAX, "{quotes}");
    assert_eq!(render(&"#a ".repeat(TEXT_BYTES_MAX / 3), &Site), Err(Error::HtmlTooLong));
}

#[test]
fn links_over_the_limit_are_text() {
    let text: String = (0..=LINKS_MAX).map(|n| format!("[[p{n}]] #t{n} [x](q{n}) ![](f{n}.png)\n")).collect();
    let found = page(&text);
    assert_eq!(found.links.len(), LINKS_MAX);
    assert_eq!(found.tags.len(), LINKS_MAX.min(crate::TAGS_MAX));
    assert_eq!(found.attachments.len(), LINKS_MAX);
}
