//! Nothing an author writes becomes an element, attribute or scheme that is not ours: every list of attacks under
//! tests/data/xss, in every place of a text that has rules of its own, gives only what [`check`] allows.

use proptest::prelude::*;

use super::html::{check_page, tokens};
use super::{Resolver, Site, Target, cases, plain_text, rename_links, render, rewrite_targets, sections};

const LISTS: [(&str, &str, usize); 4] = [
    ("naughty-strings", include_str!("../../../../../tests/data/xss/naughty-strings.json"), 480),
    ("xss-filters", include_str!("../../../../../tests/data/xss/xss-filters.json"), 154),
    ("payloads", include_str!("../../../../../tests/data/xss/payloads.json"), 356),
    ("bleach", include_str!("../../../../../tests/data/xss/bleach.json"), 20),
];

/// Where an attack is put: by itself, and wherever the markup has a rule of its own.
const PLACES: [(&str, &str); 22] = [
    ("", ""),
    ("text ", " text"),
    ("# ", "\n"),
    ("> ", "\n"),
    ("- ", "\n"),
    ("- [ ] ", "\n"),
    ("```", "\ncode\n```\n"),
    ("`", "`"),
    ("[x](", ")"),
    ("[x](<", ">)"),
    ("[", "](/x)"),
    ("![", "](a.png)"),
    ("![x](", ")"),
    ("[x](y \"", "\")"),
    ("[x]: ", "\n\n[x]"),
    ("<", ">"),
    ("[[", "]]"),
    ("[[Page|", "]]"),
    ("![[", "]]"),
    ("http://x.org/", ""),
    ("[^1]\n\n[^1]: ", ""),
    ("|a|\n|-|\n|", "|\n"),
];

/// The HTML of a text, if everything in it is ours.
#[track_caller]
fn check(text: &str) -> String {
    let Ok(rendered) = render(text, &Site) else { panic!("too long: {text:?}") };
    check_page(&rendered.html, text);
    rendered.html
}

#[test]
fn no_attack_of_any_list_gets_through_anywhere() {
    for (list, json, count) in LISTS {
        let attacks = cases(json);
        assert_eq!(attacks.len(), count, "{list}");
        for attack in &attacks {
            let attack = attack.as_str().expect("a string");
            for (before, after) in PLACES {
                check(&format!("{before}{attack}{after}"));
            }
        }
    }
}

#[test]
fn attacks_by_scheme_are_only_text() {
    for target in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#10;script:alert(1)",
        "java&Tab;script:alert(1)",
        "&#1;javascript:alert(1)",
        "javascript&colon;alert(1)",
        "vbscript:x",
        "data:text/html,alert(1)",
        "file:///etc/passwd",
        "blob:x",
        "x:y",
        ":javascript:alert(1)",
    ] {
        for text in [format!("[x](<{target}>)"), format!("![x](<{target}>)"), format!("[x]\n\n[x]: <{target}>")] {
            assert_eq!(check(&text), "<p>x</p>\n", "{text:?}");
        }
    }
}

/// A site that believes every name to be an address.
struct Naive;

impl Resolver for Naive {
    fn page(&self, name: &str) -> Target {
        Target { href: name.to_owned(), exists: true }
    }

    fn attachment(&self, file: &str) -> Target {
        Target { href: file.to_owned(), exists: file.ends_with(".png") }
    }

    fn tag(&self, name: &str) -> String {
        format!("javascript:{name}")
    }

    fn mention(&self, name: &str) -> String {
        format!("\"><script>{name}")
    }

    fn edit_section(&self, n: usize) -> Option<String> {
        Some(format!("javascript:{n}"))
    }
}

#[test]
fn not_even_a_careless_resolver_can_give_a_scheme() {
    let text = "# Head\n\n[[javascript:alert(1)]] ![](./javascript:x.png) #tag @ada\n";
    let html = render(text, &Naive).expect("short").html;
    let hrefs: Vec<String> = tokens(&html)
        .iter()
        .filter_map(|token| token.attribute("href").or(token.attribute("src")).map(str::to_owned))
        .collect();
    let want =
        ["./javascript:1", "./javascript:alert(1)", "./javascript:x.png", "./javascript:tag", "%22%3E%3Cscript%3Eada"];
    assert_eq!(hrefs, want);
}

fn markup() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "*",
        "**",
        "_",
        "`",
        "```\n",
        "\n",
        "\n\n",
        "#",
        "# ",
        "@",
        "a",
        "word ",
        "|",
        "\\",
        "&",
        "&amp;",
        "&#35;",
        "!",
        "![",
        "[[",
        "]]",
        "- ",
        "1. ",
        "    ",
        "> ",
        "~~",
        "---\n",
        "|a|b|\n|-|-|\n",
        ":",
        "http://x.y",
        "www.x.y",
        "me@x.org",
        "[^1]",
        "[^1]: ",
        "[x]: /y\n",
        "\"",
        "'",
        "é",
        "\u{0}",
        "\u{202E}",
        "\r\n",
        "\t",
        "<b>",
        "<!--",
        "-->",
        "javascript:",
        "[ ] ",
        "===\n",
        "%5D",
        "a.png",
        "/",
        "_x_",
    ]);
    prop::collection::vec(parts, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn whatever_is_written_stays_in_bounds(text in markup()) {
        check(&text);
        // The same, and whole, in everything else that reads it.
        let _ = plain_text(&text);
        let found = sections(&text);
        prop_assert_eq!(found[0].range.start, 0);
        prop_assert_eq!(found.iter().filter(|section| section.level > 0).count(),
            render(&text, &Site).expect("short").toc.iter().filter(|heading| heading.section.is_some()).count());
        for (n, section) in found.iter().enumerate() {
            let same = super::replace_section(&text, n, &text[section.range.clone()]);
            prop_assert_eq!(same.as_deref(), Some(text.as_str()));
        }
        prop_assert_eq!(&rename_links(&text, "no such page", "x"), &text);
        prop_assert_eq!(&rewrite_targets(&text, &mut |_| None), &text);
        let changed = rewrite_targets(&text, &mut |_| Some("new target".to_owned()));
        check(&changed);
    }
}
