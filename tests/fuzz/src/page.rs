//! A page's text: HTML, sections, links, plain text. Start at [`run`]. Everything in the HTML is ours, and what rewrites a
//! text changes nothing else in it.

use blerg_markup::wiki::{
    HTML_BYTES_MAX, LINKS_MAX, Rendered, Resolver, SUMMARY_BYTES_MAX, Target, page_link, page_links, page_name,
    plain_text, rename_links, render, replace_section, rewrite_targets, sections, toc_html,
};

use crate::budget::within_ms;
use crate::html::{check_page, tokens};

/// What the longest input may take. A text that is quadratic in the wrong place takes seconds.
const LIMIT_MS: u64 = 400;

/// A site in which few things are missing.
pub(crate) struct Site;

impl Resolver for Site {
    fn page(&self, name: &str) -> Target {
        let plain = name.bytes().map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        });
        Target { href: format!("./{}", plain.collect::<String>()), exists: name != "Nowhere" }
    }

    fn attachment(&self, file: &str) -> Target {
        let Target { href, .. } = self.page(file);
        Target { href: format!("{href}?file"), exists: file.contains('.') && !file.starts_with("no.") }
    }

    fn tag(&self, name: &str) -> String {
        format!("/#/tag/{name}")
    }

    fn mention(&self, name: &str) -> String {
        format!("/#/{name}")
    }

    fn edit_section(&self, n: usize) -> Option<String> {
        Some(format!("?action=edit&section={n}"))
    }
}

pub(crate) fn run(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let rendered = within_ms(LIMIT_MS, "render", || render(text, &Site));
    if let Ok(rendered) = rendered {
        check(&rendered, text);
    }
    within_ms(LIMIT_MS, "the rest", || source(text));
}

fn check(rendered: &Rendered, text: &str) {
    let Rendered { html, toc, links, summary, .. } = rendered;
    assert!(html.len() <= HTML_BYTES_MAX && summary.len() <= SUMMARY_BYTES_MAX);
    check_page(html, text);
    tokens(&toc_html(toc));
    assert!(links.len() <= LINKS_MAX);
    for name in links {
        assert_eq!(page_name(name).as_deref(), Some(&**name), "a name names itself");
        let written = page_link(name);
        let again = render(&written, &Site).expect("one link");
        assert_eq!(again.links, std::slice::from_ref(name), "{written:?}");
    }
    for heading in toc {
        assert!((1..=6).contains(&heading.level) && text.get(heading.source.clone()).is_some(), "{heading:?}");
    }
}

/// What cuts and rewrites the text.
fn source(text: &str) {
    let _ = plain_text(text);
    let mut start = 0;
    for (n, section) in sections(text).into_iter().enumerate() {
        assert!(section.range.start >= start, "{section:?} begins before {start}");
        start = section.range.start;
        let said = text.get(section.range.clone()).expect("whole characters");
        if n < 8 {
            assert_eq!(replace_section(text, n, said).as_deref(), Some(text), "the same section is the same text");
        }
    }
    assert_eq!(rewrite_targets(text, &mut |_| None), text);
    assert_eq!(rename_links(text, "No such page", "Another"), text);
    let renamed = rename_links(text, "Nowhere", "Some where");
    let (Ok(before), Ok(after)) = (render(text, &Site), render(&renamed, &Site)) else { return };
    // Another kind of link may name the page too.
    if before.links.len() < LINKS_MAX && !text.contains("](") && !text.contains("]:") {
        assert!(!after.links.contains(&"Nowhere".to_owned()), "{renamed:?}");
    }
    let others = |links: &[String]| links.iter().filter(|link| !matches!(&***link, "Nowhere" | "Some where")).count();
    assert_eq!(others(&before.links), others(&after.links), "{renamed:?}");
    for name in page_links(text) {
        assert_eq!(page_name(&name).as_deref(), Some(&*name));
    }
}
