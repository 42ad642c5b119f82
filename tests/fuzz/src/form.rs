//! Forms and cookies: start at [`run`]. The same fields as by the `url` crate's reading of the same body, and what a browser
//! would have written for them reads as the same.

use blerg_http::{FIELDS_MAX, Form, Front, Headers, Incoming, TOKENS_MAX};
use url::form_urlencoded::{byte_serialize, parse};

pub(crate) fn run(data: &[u8]) {
    form(data);
    cookie(data);
}

fn form(body: &[u8]) {
    let Ok(form) = Form::parse(None, body) else {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).count();
        assert!(pairs > FIELDS_MAX, "only their number is a reason to refuse them");
        return;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let ours: Vec<(String, String)> = form.iter().map(|field| (text(&field.name), text(&field.value))).collect();
    let theirs: Vec<(String, String)> = parse(body).map(|(name, value)| (name.into(), value.into())).collect();
    assert_eq!(ours, theirs);
    let written: Vec<String> = form
        .iter()
        .map(|field| [&field.name, &field.value].map(|part| byte_serialize(part).collect::<String>()).join("="))
        .collect();
    assert_eq!(
        Form::parse(Some(b"application/x-www-form-urlencoded; charset=UTF-8"), written.join("&").as_bytes()),
        Ok(form)
    );
}

/// Each line is one Cookie header: every token that is tried stands in one, for its own name.
fn cookie(data: &[u8]) {
    let mut headers = Headers::default();
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    if !lines.iter().all(|line| headers.push(b"Cookie", line)) {
        return;
    }
    let request = Front::default().accept(Incoming { headers, target: Some(b"/"), ..Incoming::default() }, 1);
    let request = request.unwrap_or_else(|_| panic!("cookies are no reason to refuse"));
    let tokens: Vec<&str> = request.tokens("auth").collect();
    assert!(tokens.len() <= TOKENS_MAX);
    for token in &tokens {
        let is_sent = lines.iter().any(|line| line.windows(token.len()).any(|part| part == token.as_bytes()));
        assert!(!token.is_empty() && is_sent && !token.contains([';', ',']), "{token:?}");
    }
    let names = |line: &&[u8]| line.windows(4).any(|part| part == b"auth");
    assert!(tokens.is_empty() || lines.iter().any(names), "nobody sent one of that name");
}
