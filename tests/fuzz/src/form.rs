//! Forms: start at [`run`]. The same fields as by the `url` crate's reading of the same body, and what a browser
//! would have written for them reads as the same.

use blerg_http::{FIELDS_MAX, Form};
use url::form_urlencoded::{byte_serialize, parse};

pub(crate) fn run(body: &[u8]) {
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
