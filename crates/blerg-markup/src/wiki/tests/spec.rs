//! The examples of the CommonMark Spec 0.31.2 and of GitHub Flavored Markdown's tables, task lists and strikethrough.
//! What a page adds (anchors, classes, `rel`) is taken off before comparing; examples that come out otherwise are listed.

use pulldown_cmark::Event;

use super::html::{Token, shown, tokens};
use super::{Resolver, Target, cases, render};

const COMMONMARK: &str = include_str!("../../../../../tests/data/commonmark.json");
const GFM: &str = include_str!("../../../../../tests/data/gfm.json");

/// Examples whose raw HTML is shown as text.
const RAW_HTML: usize = 72;

/// Examples that come out otherwise, and why.
const OTHERWISE: &[(u64, &str)] = &[
    (64, "#5 and #hashtag are tags"),
    (484, "./target.md is the page or file target.md"),
    (500, "a colon before any slash is a scheme, and not one of ours"),
    (501, "#fragment leads to a heading, whose anchor begins with s-"),
    (548, "[[foo]] is a page"),
    (559, "[[*foo* bar]] is a page"),
    (590, "![[foo]] is a file"),
    (596, "irc: is not linked"),
    (598, "a+b+c: is not linked"),
    (599, "made-up-scheme: is not linked"),
    (601, "localhost: is not linked"),
    (602, "a bare address"),
    (606, "a bare mail address"),
    (608, "a bare address"),
    (611, "a bare address"),
    (612, "a bare mail address"),
    (619, "#ref is a tag"),
];

/// A site where every relative name is a file of the same name, so that targets can be compared.
struct Same;

impl Resolver for Same {
    fn page(&self, name: &str) -> Target {
        Target { href: name.to_owned(), exists: true }
    }

    fn attachment(&self, file: &str) -> Target {
        Target { href: file.to_owned(), exists: true }
    }

    fn tag(&self, name: &str) -> String {
        name.to_owned()
    }

    fn mention(&self, name: &str) -> String {
        name.to_owned()
    }
}

fn ours(text: &str) -> Vec<Token> {
    let html = render(text, &Same).expect("an example is short").html;
    let mut out = Vec::new();
    let mut tokens = tokens(&html).into_iter();
    while let Some(token) = tokens.next() {
        match token {
            Token::Open(name, _) | Token::Close(name) if name == "div" => {}
            Token::Open(_, ref attributes)
                if attributes.iter().any(|(name, value)| name == "class" && value.ends_with("image")) =>
            {
                let alt = match tokens.next() {
                    Some(Token::Text(alt)) if Some(alt.as_str()) != token.attribute("href") => alt,
                    _ => String::new(),
                };
                tokens.next();
                out.push(image(&token, "href", &alt));
            }
            Token::Open(ref name, _) if name == "img" => {
                out.push(image(&token, "src", token.attribute("alt").unwrap_or_default()));
            }
            other => out.push(plain(other)),
        }
    }
    shown(out)
}

/// Like the specification's own, with attributes in one order.
fn theirs(html: &str) -> Vec<Token> {
    let tokens = tokens(&html.replace("/>", " />").replace("  />", " />"));
    let tokens = tokens.into_iter().map(|token| match token {
        Token::Open(ref name, _) if name == "img" => image(&token, "src", token.attribute("alt").unwrap_or_default()),
        other => plain(other),
    });
    shown(tokens.collect())
}

fn image(token: &Token, source: &str, alt: &str) -> Token {
    let mut attributes = vec![
        ("src".to_owned(), token.attribute(source).unwrap_or_default().to_owned()),
        ("alt".to_owned(), alt.to_owned()),
    ];
    attributes.extend(token.attribute("title").map(|title| ("title".to_owned(), title.to_owned())));
    Token::Open("img".to_owned(), attributes)
}

/// Without what a page adds.
fn plain(token: Token) -> Token {
    let Token::Open(name, mut attributes) = token else { return token };
    let class = |class: &str| matches!(class, "left" | "center" | "right") || class.starts_with("language-");
    attributes.retain(|(attribute, value)| match attribute.as_str() {
        "class" => class(value),
        "id" | "rel" | "tabindex" | "aria-label" | "type" => false,
        _ => true,
    });
    for (attribute, value) in &mut attributes {
        if attribute == "style" || attribute == "align" {
            *value = value.trim_start_matches("text-align: ").to_owned();
            *attribute = "class".to_owned();
        }
    }
    attributes.sort();
    Token::Open(name, attributes)
}

#[test]
fn every_commonmark_example_passes_or_is_listed() {
    let (mut raw, mut passed, mut wrong) = (0, 0, Vec::new());
    for case in cases(COMMONMARK) {
        let (text, html) = (case["markdown"].as_str().expect("markdown"), case["html"].as_str().expect("html"));
        let number = case["number"].as_u64().expect("number");
        let html_parts: Vec<String> = crate::wiki::parser(text)
            .filter_map(|event| match event {
                Event::Html(html) | Event::InlineHtml(html) => Some(html.trim().to_owned()),
                _ => None,
            })
            .collect();
        if !html_parts.is_empty() {
            raw += 1;
            let words: String = ours(text)
                .iter()
                .filter_map(|token| if let Token::Text(text) = token { Some(text.as_str()) } else { None })
                .collect();
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in html_parts {
                assert!(
                    squeezed(&words).contains(&squeezed(&part)),
                    "example {number}: {part:?} is not shown in {words:?}"
                );
            }
            continue;
        }
        let is_listed = OTHERWISE.iter().any(|(other, _)| *other == number);
        let is_same = std::panic::catch_unwind(|| ours(text) == theirs(html)).unwrap_or(false);
        passed += usize::from(is_same);
        if is_same == is_listed {
            wrong.push(format!(
                "{number} {}: {text:?}\n  want {html:?}\n  have {:?}",
                case["section"],
                render(text, &Same).expect("short").html
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!((raw, passed), (RAW_HTML, 652 - RAW_HTML - OTHERWISE.len()));
}

#[test]
fn every_gfm_example_passes() {
    let mut passed = 0;
    for case in cases(GFM) {
        let (text, html) = (case["markdown"].as_str().expect("markdown"), case["html"].as_str().expect("html"));
        assert_eq!(ours(text), theirs(html), "{} {}: {text:?}", case["section"], case["number"]);
        passed += 1;
    }
    assert_eq!(passed, 14);
}
