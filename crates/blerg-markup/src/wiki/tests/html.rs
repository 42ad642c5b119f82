//! Reads HTML of the form that we write, and of that of the specification's examples, as tokens. Anything else panics.
//! Start at [`check_page`]. tests/fuzz reads with it too.

/// One piece of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Open(String, Vec<(String, String)>),
    Close(String),
    Text(String),
}

impl Token {
    pub(super) fn attribute(&self, wanted: &str) -> Option<&str> {
        let Token::Open(_, attributes) = self else { return None };
        attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}

/// The tokens of a page.
#[track_caller]
pub(super) fn tokens(html: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = html;
    while !rest.is_empty() {
        let (text, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        assert!(!text.contains('>'), "a bare > in {text:?}");
        if !text.is_empty() {
            found.push(Token::Text(decoded(text)));
        }
        rest = after;
        if let Some(tag) = after.strip_prefix('<') {
            let (token, after) = element(tag);
            found.push(token);
            rest = after;
        }
    }
    found
}

#[track_caller]
fn element(tag: &str) -> (Token, &str) {
    let (is_close, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
    let (name, mut rest) = word(tag);
    let mut attributes = Vec::new();
    loop {
        rest = rest.strip_prefix(" /").filter(|rest| rest.starts_with('>')).unwrap_or(rest);
        if let Some(after) = rest.strip_prefix('>') {
            assert!(!is_close || attributes.is_empty(), "attributes on </{name}>");
            let token = if is_close { Token::Close(name) } else { Token::Open(name, attributes) };
            return (token, after);
        }
        let Some(spaced) = rest.strip_prefix(' ') else {
            panic!("in <{name}: {:?}", rest.chars().take(40).collect::<String>())
        };
        let (attribute, after) = word(spaced);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').expect("a closing quotation mark"),
            None => ("", after),
        };
        assert!(!value.contains(['<', '>']), "< or > in {attribute}={value:?}");
        assert!(attributes.iter().all(|(other, _)| *other != attribute), "{attribute} twice");
        attributes.push((attribute, decoded(value)));
        rest = after;
    }
}

#[track_caller]
fn word(text: &str) -> (String, &str) {
    let end = text.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')).unwrap_or(text.len());
    assert!(end > 0, "no name in {:?}", text.chars().take(40).collect::<String>());
    (text[..end].to_owned(), &text[end..])
}

/// The text that is meant; only our four references may stand in it (and the specification's).
#[track_caller]
fn decoded(text: &str) -> String {
    let mut parts = text.split('&');
    let mut out = parts.next().expect("the first part").to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap_or_else(|| panic!("a bare & before {part:?}"));
        out.push_str(match name {
            "lt" => "<",
            "gt" => ">",
            "amp" => "&",
            "quot" => "\"",
            other => panic!("&{other};"),
        });
        out.push_str(rest);
    }
    out
}

/// Elements that hold no content.
pub(super) fn is_void(name: &str) -> bool {
    matches!(name, "br" | "hr" | "img" | "input")
}

/// Elements beside which white space is not seen.
pub(super) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "ul"
            | "ol"
            | "li"
            | "blockquote"
            | "pre"
            | "hr"
            | "br"
            | "table"
            | "thead"
            | "tbody"
            | "tr"
            | "th"
            | "td"
            | "div"
            | "section"
            | "input"
    )
}

/// The tokens with white space the way a browser shows it.
pub(super) fn shown(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut in_pre = 0_usize;
    for token in tokens {
        match &token {
            Token::Open(name, _) if name == "pre" => in_pre += 1,
            Token::Close(name) if name == "pre" => in_pre -= 1,
            Token::Text(text) if in_pre == 0 => {
                let words: Vec<&str> = text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()).collect();
                let lead = if text.starts_with([' ', '\n']) && !is_beside_block(out.last()) { " " } else { "" };
                let trail = if text.ends_with([' ', '\n']) && !words.is_empty() { " " } else { "" };
                let text = format!("{lead}{}{trail}", words.join(" "));
                if !text.is_empty() {
                    match out.last_mut() {
                        Some(Token::Text(before)) => before.push_str(&text),
                        _ => out.push(Token::Text(text)),
                    }
                }
                continue;
            }
            Token::Text(_) => {}
            Token::Open(..) | Token::Close(_) => {}
        }
        if in_pre == 0
            && is_beside_block(Some(&token))
            && matches!(out.last(), Some(Token::Text(_)))
            && let Some(Token::Text(before)) = out.pop()
        {
            let before = before.trim_end_matches(' ');
            if !before.is_empty() {
                out.push(Token::Text(before.to_owned()));
            }
        }
        match (out.last_mut(), &token) {
            (Some(Token::Text(before)), Token::Text(text)) => before.push_str(text),
            _ => out.push(token),
        }
    }
    out
}

fn is_beside_block(token: Option<&Token>) -> bool {
    match token {
        None => true,
        Some(Token::Open(name, _) | Token::Close(name)) => is_block(name),
        Some(Token::Text(_)) => false,
    }
}

/// Whether an element may have an attribute, and with that value.
fn allows(element: &str, attribute: &str, value: &str) -> bool {
    match (element, attribute) {
        ("a", "href") => leads_somewhere_safe(value),
        ("img", "src") => leads_somewhere_safe(value) && !value.starts_with("//"),
        ("a" | "img", "title") | ("img", "alt") => true,
        ("a", "class") => {
            matches!(value, "external" | "missing" | "tag" | "mention" | "edit" | "back" | "image" | "external image")
        }
        ("a", "rel") => value == "nofollow noopener",
        ("a" | "input" | "section", "aria-label") => true,
        ("img", "loading") => value == "lazy",
        ("a" | "sup" | "li", "id") => value.starts_with("fn"),
        ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", "id") => {
            value.starts_with("s-") && !value.contains(char::is_whitespace)
        }
        ("sup", "class") => value == "fn",
        ("section", "class") => value == "footnotes",
        ("li", "class") => value == "task",
        ("div", "class") => value == "table",
        ("th" | "td", "class") => matches!(value, "left" | "center" | "right"),
        ("code", "class") => value.starts_with("language-"),
        ("pre" | "div", "tabindex") => value == "0",
        ("ol", "start") => value.bytes().all(|byte| byte.is_ascii_digit()),
        ("input", "type") => value == "checkbox",
        ("input", "disabled" | "checked") => value.is_empty(),
        _ => false,
    }
}

/// What a browser would make of an address (URL Standard: controls and spaces around it and tabs and line ends in it
/// do not count) has no scheme, or one of ours.
fn leads_somewhere_safe(href: &str) -> bool {
    let is_plain = href.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>`".contains(&byte));
    let scheme = href.find([':', '/', '?', '#']).filter(|at| href[*at..].starts_with(':')).map(|at| &href[..at]);
    let is_known = |scheme: &str| ["http", "https", "mailto"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    is_plain && scheme.is_none_or(is_known)
}

const ELEMENTS: &str = " a blockquote br code del div em h1 h2 h3 h4 h5 h6 hr img input li ol p pre section strong sup \
    table tbody td th thead tr ul ";

/// Reads the HTML that a text has become: everything in it is ours.
#[track_caller]
pub(super) fn check_page(html: &str, text: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for token in tokens(html) {
        match token {
            Token::Open(name, attributes) => {
                assert!(ELEMENTS.contains(&format!(" {name} ")), "<{name}> of {text:?}");
                for (attribute, value) in &attributes {
                    assert!(allows(&name, attribute, value), "<{name} {attribute}={value:?}> of {text:?}");
                    assert!(attribute != "id" || ids.insert(value.clone()), "{value} twice in {text:?}");
                }
                let is_nested = name == "a" && open.contains(&name);
                assert!(!is_nested, "a link in a link in {text:?}");
                if !is_void(&name) {
                    open.push(name);
                }
            }
            Token::Close(name) => assert_eq!(open.pop(), Some(name), "in {text:?}: {html}"),
            Token::Text(said) => {
                let is_clean =
                    said.chars().all(|c| c != '\u{7F}' && (!c.is_control() || matches!(c, '\t' | '\n' | '\r')));
                assert!(is_clean, "{said:?} of {text:?}");
            }
        }
    }
    assert!(open.is_empty(), "{open:?} left open in {text:?}");
}
