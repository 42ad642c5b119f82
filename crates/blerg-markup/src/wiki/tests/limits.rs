//! Texts made to be slow or to grow: twice the text must not cost four times the work.

use std::hint::black_box;

use super::{
    Error, HTML_BYTES_MAX, Site, TEXT_BYTES_MAX, page_links, plain_text, rename_links, render, rewrite_targets,
    sections,
};

/// A text of about so many bytes.
type Make = fn(usize) -> String;

fn repeat(part: &str, bytes: usize) -> String {
    part.repeat(bytes / part.len())
}

/// Every one of these has broken some Markdown program, or aims at something that we do ourselves.
const TEXTS: &[(&str, Make)] = &[
    ("plain words", |n| repeat("some plain words, and more\n", n)),
    ("one long line", |n| repeat("word ", n)),
    ("[[", |n| repeat("[[", n)),
    ("[[a", |n| repeat("[[a", n)),
    ("[[a|", |n| repeat("[[a|", n)),
    ("]]", |n| repeat("]]", n)),
    ("[[ and ]] nested", |n| repeat("[[", n / 2) + &repeat("]]", n / 2)),
    ("[[a]]", |n| repeat("[[a]]", n)),
    ("![[a]]", |n| repeat("![[", n / 2) + &repeat("a]]", n / 2)),
    ("different pages", |n| (0..n / 12).map(|i| format!("[[{i}]]\n")).collect()),
    ("[", |n| repeat("[", n)),
    ("[ and ] nested", |n| repeat("[", n / 2) + &repeat("]", n / 2)),
    ("[a](", |n| repeat("[a](", n)),
    ("![a](b", |n| repeat("![a](b", n)),
    ("[a](<b", |n| repeat("[a](<b", n)),
    ("[]() in []()", |n| repeat("[", n / 6) + &repeat("](a)", n / 2)),
    ("images in images", |n| repeat("![", n / 6) + &repeat("](a)", n / 2)),
    ("quotations", |n| repeat(">", n)),
    ("quotations and lazy lines", |n| repeat(">", n / 2) + "a\n" + &repeat("b\n", n / 2)),
    ("lists", |n| repeat("- ", n / 2) + "a\n" + &repeat("b\n", n / 2)),
    ("lists and blank lines", |n| repeat("- ", n / 2) + "a\n" + &repeat("\n", n / 2)),
    ("lists and blank lines and more", |n| repeat("- ", n / 32) + "a\n" + &repeat("\n\n  b\n\n- c", n)),
    ("many deep lists", |n| repeat(&(repeat("- ", 1000) + "a\n"), n)),
    ("many deep quotations", |n| repeat(&(repeat(">", 1000) + "a\n"), n)),
    ("quotations that end", |n| repeat(&(repeat(">", 1000) + "a\n\nb\n\n"), n)),
    ("numbered lists", |n| repeat("1. ", n / 2) + "a\n" + &repeat("b\n", n / 2)),
    ("footnotes in a line", |n| repeat("[^a]: ", n / 2) + "a\n" + &repeat("b\n", n / 2)),
    ("staircase and lazy lines", |n| {
        let deep = n.isqrt() / 2;
        (0..deep).map(|i| " ".repeat(2 * i) + "- a\n").collect::<String>() + &repeat("b\n", n / 2)
    }),
    ("quoted staircase and lazy lines", |n| {
        (0..n.isqrt()).map(|i| ">".repeat(i) + "a\n").collect::<String>() + &repeat("b\n", n / 2)
    }),
    ("deeper and deeper", |n| {
        (0..)
            .map(|i| " ".repeat(i) + "- a\n")
            .scan(0, |sum, line| {
                *sum += line.len();
                (*sum < n).then_some(line)
            })
            .collect()
    }),
    ("*a **a", |n| repeat("*a **a ", n)),
    ("*a_ ", |n| repeat("*a_ ", n)),
    ("_a* and __", |n| repeat("_a*__", n)),
    ("* and *", |n| repeat("*", n / 2) + "a" + &repeat("*", n / 2)),
    ("a**b", |n| "a**b".to_owned() + &repeat("c* ", n)),
    ("~a~~", |n| repeat("~a~~b~~~", n)),
    ("backticks", |n| {
        (1..)
            .map(|i| "e".to_owned() + &"`".repeat(i))
            .scan(0, |sum, part| {
                *sum += part.len();
                (*sum < n).then_some(part)
            })
            .collect()
    }),
    ("<", |n| repeat("<", n)),
    ("<a", |n| repeat("<a ", n)),
    ("<!--", |n| repeat("a <!-- ", n)),
    ("<?", |n| repeat("a <?", n)),
    ("<![CDATA[", |n| repeat("a <![CDATA[", n)),
    ("<!A", |n| repeat("a <!A ", n)),
    ("HTML blocks", |n| repeat("<div>\n\n", n)),
    ("&", |n| repeat("&", n)),
    ("&amp", |n| repeat("&amp", n)),
    ("\"", |n| repeat("\"", n)),
    ("\\", |n| repeat("\\", n)),
    ("#", |n| repeat("#a ", n / 16)),
    ("many tags", |n| (0..n / 8).map(|i| format!("#{i} ")).collect()),
    ("@", |n| repeat("@", n)),
    ("a@", |n| repeat("a@", n)),
    ("a@a.", |n| repeat("a@a.", n)),
    ("a@b.c", |n| repeat("a@b.c ", n / 8)),
    ("://", |n| repeat("://", n)),
    ("http://", |n| repeat("http://", n)),
    ("http://a", |n| repeat("http://a", n)),
    ("http://a.b/_c_", |n| repeat("http://a.b/_c_ ", n / 8)),
    ("one address of emphasis", |n| "http://a.b/".to_owned() + &repeat("_c_/", n)),
    ("emphasis around addresses", |n| repeat("*http://a.b/", n / 8)),
    ("an address of brackets", |n| "http://a.b/".to_owned() + &repeat("(", n / 2) + &repeat(")", n / 2)),
    ("www.", |n| repeat("www.", n)),
    ("www.a ", |n| repeat("www.a ", n / 8)),
    ("headings", |n| repeat("# a\n", n / 8)),
    ("headings that clash", |n| (0..n / 32).map(|i| format!("# a\n# a-{i}\n")).collect()),
    ("one long heading", |n| "# ".to_owned() + &repeat("a ", n)),
    ("underlines", |n| repeat("a\n=\n", n / 8)),
    ("footnotes", |n| repeat("[^a]", n / 16) + "\n\n[^a]: b\n"),
    ("many footnotes", |n| (0..n / 32).map(|i| format!("[^{i}]\n\n[^{i}]: a[^{i}]\n\n")).collect()),
    ("footnotes in footnotes", |n| (0..n / 32).map(|i| format!("[^{i}]: a[^{}]\n\n", i + 1)).collect()),
    ("[^", |n| repeat("[^", n)),
    ("wide tables", |n| repeat("|a", n / 4) + "|\n" + &repeat("|-", n / 4) + "|\n" + &repeat("|b\n", n / 16)),
    ("long tables", |n| "|a|b|\n|-|-|\n".to_owned() + &repeat("|c|d|\n", n / 8)),
    ("almost tables", |n| repeat("|a|\n|-\n", n)),
    ("|", |n| repeat("|", n)),
    ("one definition, many uses", |n| format!("[a]: /{}\n\n", "b".repeat(n / 64)) + &repeat("[a] ", n / 4)),
    ("many definitions", |n| (0..n / 16).map(|i| format!("[{i}]: /a\n")).collect()),
    ("[a]: ", |n| repeat("[a]: ", n)),
    ("long labels", |n| repeat("[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ", n)),
    ("tasks", |n| repeat("- [x] a\n", n / 8)),
    ("code", |n| repeat("    a\n", n)),
    ("fences", |n| repeat("```\n~~~\n", n)),
    ("rules", |n| repeat("---\n\n", n)),
    ("spaces", |n| repeat(" ", n) + "a"),
    ("tabs", |n| repeat("\t", n) + "a"),
    ("line ends", |n| repeat("\n", n)),
    ("a and NUL", |n| repeat("a\0", n)),
    ("combining marks", |n| "e".to_owned() + &repeat("\u{301}", n)),
];

fn everything(text: &str) {
    let _ = black_box(render(text, &Site));
    black_box(plain_text(text));
    black_box(sections(text));
    black_box(rename_links(text, "a", "b"));
    black_box(rewrite_targets(text, &mut |target| Some(target.to_owned())));
    black_box(page_links(text));
}

#[test]
fn no_text_takes_more_than_its_share_of_time() {
    for (name, make) in TEXTS {
        let (short, long) = (make(1 << 14), make(1 << 16));
        let (few, many) = crate::diff::tests::growth(|| everything(&short), || everything(&long));
        // Four times the text: a linear cost is 4, a quadratic one 16.
        assert!(many < few * 11, "{name}: {few:?}, and for four times the text {many:?}");
    }
}

#[test]
fn no_page_grows_out_of_bounds() {
    for (name, make) in TEXTS {
        let text: String = make(TEXT_BYTES_MAX).chars().take(TEXT_BYTES_MAX / 4).collect();
        if let Ok(page) = render(&text, &Site) {
            assert!(page.html.len() <= HTML_BYTES_MAX, "{name}");
        }
    }
}

#[test]
fn deep_nesting_is_refused_and_read_as_plain_text_without_headings() {
    let text = repeat("- ", 1 << 18) + "a\n# b\n[[c]]\n" + &repeat("b\n", 1 << 18);
    assert_eq!(render(&text, &Site), Err(Error::TooDeep));
    assert_eq!(sections(&text).len(), 1);
    assert_eq!(sections(&text)[0].range, 0..text.len());
    assert_eq!(rename_links(&text, "c", "d"), text);
    let usual = repeat("> > > - 1. - * a\n", TEXT_BYTES_MAX);
    assert!(render(&usual, &Site).is_ok());
}
