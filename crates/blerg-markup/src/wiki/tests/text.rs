//! What reads or changes a page's text without showing it: sections, renames, targets, plain text, posts' links.

use super::{page_link, page_links, page_name, plain_text, rename_links, replace_section, rewrite_targets, sections};

#[track_caller]
fn check_sections(text: &str, want: &[(u8, &str, &str)]) {
    let found = sections(text);
    let have: Vec<(u8, &str, &str)> =
        found.iter().map(|s| (s.level, s.title.as_str(), &text[s.range.clone()])).collect();
    assert_eq!(have, want);
}

#[test]
fn sections_hold_their_subsections() {
    check_sections("", &[(0, "", "")]);
    check_sections("lead\n", &[(0, "", "lead\n")]);
    check_sections(
        "lead\n\n## a *b*\nx\n### c\n## d\n# e\n",
        &[
            (0, "", "lead\n\n"),
            (2, "a b", "## a *b*\nx\n### c\n"),
            (3, "c", "### c\n"),
            (2, "d", "## d\n"),
            (1, "e", "# e\n"),
        ],
    );
    check_sections("a\n=\nx\n\nb\n-\n", &[(0, "", ""), (1, "a", "a\n=\nx\n\nb\n-\n"), (2, "b", "b\n-\n")]);
    check_sections("   # a\n", &[(0, "", ""), (1, "a", "   # a\n")]);
}

#[test]
fn code_quotations_and_lists_start_no_section() {
    let text = "```\n# code\n```\n> # quoted\n\n- # listed\n\n    # indented\n\n<div>\n# html\n</div>\n\n\\# escaped\n";
    check_sections(text, &[(0, "", text)]);
}

#[test]
fn a_section_is_replaced_alone() {
    let text = "lead\n\n# a\nx\n\n# b\ny\n";
    let replaced = |n, new| replace_section(text, n, new);
    assert_eq!(replaced(0, "new\n\n").as_deref(), Some("new\n\n# a\nx\n\n# b\ny\n"));
    assert_eq!(replaced(1, "# a\nnew\n").as_deref(), Some("lead\n\n# a\nnew\n\n# b\ny\n"));
    assert_eq!(replaced(2, "# b\nnew").as_deref(), Some("lead\n\n# a\nx\n\n# b\nnew"));
    assert_eq!(replaced(1, "").as_deref(), Some("lead\n\n# b\ny\n"));
    assert_eq!(replaced(3, "x"), None);
    // The next section's underlined heading must not take in the end of this one.
    assert_eq!(replace_section("# a\nx\n\nb\n=\n", 1, "# a\nnew").as_deref(), Some("# a\nnew\n\nb\n=\n"));
}

#[track_caller]
fn check_rename(text: &str, want: &str) {
    assert_eq!(rename_links(text, "Old Name", "New"), want);
}

#[test]
fn links_are_renamed_and_nothing_else() {
    check_rename("a [[Old Name]] b", "a [[New]] b");
    check_rename("[[Old_Name]] [[ Old Name ]] [[old name]]", "[[New]] [[ New ]] [[old name]]");
    check_rename("[[Old Name|Old Name *x*]]", "[[New|Old Name *x*]]");
    check_rename("[[Old Name#part|x]] [[Old Name#part]]", "[[New#part|x]] [[New#part]]");
    check_rename("> [[Old Name]]\n> *[[Old Name]]*\n\n# [[Old Name]]\n", "> [[New]]\n> *[[New]]*\n\n# [[New]]\n");
    check_rename("|[[Old Name\\|x]]|\n|-|\n", "|[[New\\|x]]|\n|-|\n");
    check_rename("[[Old%20Name]]", "[[New]]");
    check_rename("x\r\n[[Old Name]]\r\n\t[[Other]]", "x\r\n[[New]]\r\n\t[[Other]]");
    for same in [
        "`[[Old Name]]`",
        "    [[Old Name]]",
        "```\n[[Old Name]]\n```",
        "\\[[Old Name]]",
        "[[Old Name Two]] [[x|Old Name]]",
        "Old Name [Old Name](Old_Name) [[Old Name] ]",
        "<div>\n[[Old Name]]\n</div>",
        "![[Old Name]]",
        "",
    ] {
        check_rename(same, same);
    }
}

#[test]
fn every_name_can_be_linked_and_renamed_to() {
    for name in
        ["a", "a|b", "[a]", "]]", "`a`", "a\\", "<b>c", "^1", "!a", "*a*", "a & b", "&amp;", "Special:Recent", "é"]
    {
        assert_eq!(page_name(name).as_deref(), Some(name));
        let text = page_link(name);
        assert_eq!(super::render(&text, &super::Site).expect("short").links, [name], "{text}");
        assert_eq!(page_links(&text), [name], "{text}");
        assert_eq!(rename_links("x [[Old]] y", "Old", name), format!("x {text} y"));
        assert_eq!(rename_links(&format!("x {text} y"), name, "New"), "x [[New]] y");
    }
}

#[test]
fn names_are_what_the_contract_says() {
    assert_eq!(page_name(" a_b ").as_deref(), Some("a b"));
    assert_eq!(page_name("_a_").as_deref(), Some("a"));
    for bad in ["", " ", "_", "a/b", "a?", "a#b", "50%", "a\nb", "a\tb", "\u{0}", "\u{7F}", "\u{85}", "\u{FFFE}"] {
        assert_eq!(page_name(bad), None, "{bad:?}");
    }
    assert!(page_name(&"x".repeat(200)).is_some());
    assert!(page_name(&"x".repeat(201)).is_none());
}

#[track_caller]
fn check_targets(text: &str, want: &str) {
    let mut change = |target: &str| (!target.starts_with("http")).then(|| format!("<{target}>"));
    let have = rewrite_targets(text, &mut change);
    assert_eq!(have, want.replace('{', "%3C").replace('}', "%3E"));
}

#[test]
fn targets_are_rewritten_where_they_stand() {
    check_targets("[a](b) ![c](d 'e')", "[a]({b}) ![c]({d} 'e')");
    check_targets("[![a](b)](c)", "[![a]({b})]({c})");
    check_targets("[a]( <b c>  \"](d)\" )", "[a]( {b%20c}  \"](d)\" )");
    check_targets("[a](b(c)d) [a](b\\)c)", "[a]({b%28c%29d}) [a]({b%29c})");
    check_targets("[`](`](b)", "[`](`]({b})");
    check_targets("[a]\n\n[a]: b 'c'\n[D]:\n  <e>\n", "[a]\n\n[a]: {b} 'c'\n[D]:\n  {e}\n");
    check_targets("> [a\n> b](c)\n", "> [a\n> b]({c})\n");
    check_targets("[a](b?c&d)", "[a]({b?c&amp;d})");
    for same in [
        "[a](http://b)",
        "`[a](b)`",
        "    [a](b)",
        "\\[a](b)",
        "[[a]] <http://b>",
        "[a](<b",
        "[a]()",
        "```\n[a](b)\n[a]: b\n```",
    ] {
        check_targets(same, same);
    }
}

#[test]
fn definitions_are_asked_for_in_order() {
    let text: String = (0..20).map(|n| format!("[l{n}]: t{n}\n")).collect();
    let mut asked = Vec::new();
    let _ = rewrite_targets(&text, &mut |target| {
        asked.push(target.to_owned());
        None
    });
    let want: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    assert_eq!(asked, want);
}

#[test]
fn plain_text_is_what_one_sees() {
    let text = "# A *b*\n\nc [d](e) [[F|g]] `h` <i>\nj\n\n- k\n- l\n\n|m|n|\n|-|-|\n|o|p|\n\n```x\nq\n```\n\nr[^1]\n\n[^1]: s\n\n![t](u.png)\n";
    assert_eq!(plain_text(text), "A b\nc d g h <i> j\nk\nl\nm\nn\no\np\nq\nr\ns\nt");
    assert_eq!(plain_text(""), "");
}

#[track_caller]
fn check_post(text: &str, want: &[&str]) {
    assert_eq!(page_links(text), want, "{text:?}");
}

#[test]
fn posts_link_pages() {
    check_post("see [[Page]] and [[Some_page|x]], [[Page#part]]", &["Page", "Some page"]);
    check_post("[[[a]]] [[b]]]", &["a", "b"]);
    check_post("[[a [[b]]", &["b"]);
    check_post("[[a\nb]] [[c] ] [[]] [[#x]] [[a/b]] [[d", &[]);
    check_post("`[[a]]`", &["a"]);
}
