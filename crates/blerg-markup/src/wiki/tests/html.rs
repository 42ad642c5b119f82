//! Reads HTML of the form that we write, and of that of the specification's examples, as tokens. Anything else panics.

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
        if in_pre == 0 && is_beside_block(Some(&token)) && matches!(out.last(), Some(Token::Text(_))) {
            if let Some(Token::Text(before)) = out.pop() {
                let before = before.trim_end_matches(' ');
                if !before.is_empty() {
                    out.push(Token::Text(before.to_owned()));
                }
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
