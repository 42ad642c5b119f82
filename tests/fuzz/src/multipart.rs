//! Bodies of `multipart/form-data`: start at [`run`]. Any bytes are a form or none; fields hold no more than was sent, and
//! what a browser would have written for them reads as the same.

use blerg_http::{FIELDS_MAX, Field, Form};

/// A boundary that inputs are made with; the fuzzer has it in its dictionary.
const BOUNDARY: &str = "XbX";

pub(crate) fn run(data: &[u8]) {
    let line_end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (head, rest) = data.split_at(line_end);
    let body = rest.get(1..).unwrap_or_default();
    let ours = format!("multipart/form-data; boundary={BOUNDARY}");
    for content_type in [head, ours.as_bytes()] {
        if let Ok(form) = Form::parse(Some(content_type), body) {
            check(&form, body);
        }
    }
    of_values(data);
}

fn check(form: &Form, body: &[u8]) {
    assert!(form.iter().count() <= FIELDS_MAX);
    let held: usize = form.iter().map(|field| field.name.len() + field.value.len()).sum();
    assert!(held <= body.len().max(1), "fields hold what was sent");
    for field in form.iter() {
        let first = form.iter().find(|other| other.name == field.name);
        if let Ok(name) = std::str::from_utf8(&field.name) {
            assert_eq!(form.field(name), first, "the first one counts");
        }
    }
}

/// Values of any bytes come back, unless they hold the delimiter itself.
fn of_values(data: &[u8]) {
    let values: Vec<&[u8]> = data.split(|byte| *byte == 0).take(FIELDS_MAX).collect();
    let delimiter = format!("\r\n--{BOUNDARY}");
    let is_in =
        |value: &[u8]| [b"\r\n", value].concat().windows(delimiter.len()).any(|part| part == delimiter.as_bytes());
    if values.iter().any(|value| is_in(value)) {
        return;
    }
    let mut body = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"n{at}\"; filename=\"a;b\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary=\"{BOUNDARY}\"");
    let form = Form::parse(Some(content_type.as_bytes()), &body).expect("a browser's body");
    let want = values.iter().enumerate().map(|(at, value)| Field {
        name: format!("n{at}").into_bytes(),
        value: value.to_vec(),
        file_name: Some("a;b".to_owned()),
        content_type: None,
    });
    assert!(form.iter().cloned().eq(want), "what was written is what is read");
}
