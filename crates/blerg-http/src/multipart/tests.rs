//! Multipart bodies as browsers and curl send them, and as nobody should.

use super::*;
use crate::form::Form;

const BODY: &[u8] = b"--XX\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\njon\r\n\
--XX\r\nContent-Disposition: form-data; name=\"data\"; filename=\"a\\\"b.txt\"\r\nContent-Type: text/plain\r\n\r\n\
one\r\n--X two\r\n\r\n--XX--\r\n";

fn parse_with(boundary: &str, body: &[u8]) -> Result<Form, FormError> {
    Form::parse(Some(format!("multipart/form-data; boundary={boundary}").as_bytes()), body)
}

#[test]
fn parts_are_fields() {
    let form = parse_with("XX", BODY).expect("a form");
    assert_eq!(form.get("username"), Some("jon"));
    assert_eq!(form.get("data"), Some("one\r\n--X two\r\n"));
    let file = form.field("data").expect("there is one");
    assert_eq!((file.file_name.as_deref(), file.content_type.as_deref()), (Some("a\"b.txt"), Some("text/plain")));
}

#[test]
fn boundaries_may_be_quoted_and_preceded_by_a_preamble() {
    let body = [b"ignored\r\n".as_slice(), BODY].concat();
    assert_eq!(parse_with("\"XX\"", &body), parse_with("XX", BODY));
    assert_eq!(Form::parse(Some(b"Multipart/Form-Data;charset=x; Boundary=XX"), BODY), parse_with("XX", BODY));
}

#[test]
fn every_prefix_is_an_error() {
    let whole = BODY.len() - 4;
    for length in 0..=whole {
        let cut = BODY.get(..length).expect("shorter");
        let form = parse_with("XX", cut);
        if length < whole && !cut.ends_with(b"--XX--") {
            assert!(form.is_err(), "{length}: {form:?}");
        }
    }
}

#[track_caller]
fn check_error(boundary: &str, body: &[u8]) {
    assert_eq!(parse_with(boundary, body), Err(FormError::Multipart), "{:?}", String::from_utf8_lossy(body));
}

#[test]
fn malformed_bodies_are_errors() {
    check_error("", BODY);
    check_error("YY", BODY);
    check_error("XX", b"");
    check_error("XX", b"--XX\r\n\r\nno disposition\r\n--XX--\r\n");
    check_error("XX", b"--XX\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--XX--\r\n");
    check_error("XX", b"--XXjunk\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--XX--\r\n");
    check_error(&"x".repeat(BOUNDARY_BYTES_MAX + 1), BODY);
    assert_eq!(Form::parse(Some(b"multipart/form-data"), BODY), Err(FormError::Multipart));
}

#[test]
fn a_boundary_and_a_part_head_at_their_limits_are_taken() {
    let boundary = "x".repeat(BOUNDARY_BYTES_MAX);
    let start = format!("--{boundary}\r\nContent-Disposition: form-data; name=a");
    let end = format!("\r\n\r\nb\r\n--{boundary}--");
    let padding = PART_HEAD_BYTES_MAX - "\r\nContent-Disposition: form-data; name=a".len();
    let body = |padding: usize| format!("{start}{}{end}", " ".repeat(padding));
    assert_eq!(parse_with(&boundary, body(padding).as_bytes()).expect("a form").get("a"), Some("b"));
    check_error(&boundary, body(padding + 1).as_bytes());
}

#[test]
fn at_most_so_many_parts() {
    let part = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n";
    let body = |parts: usize| format!("{}--XX--\r\n", part.repeat(parts));
    assert!(parse_with("XX", body(FIELDS_MAX).as_bytes()).is_ok());
    assert_eq!(parse_with("XX", body(FIELDS_MAX + 1).as_bytes()), Err(FormError::TooManyFields));
}

#[test]
fn a_value_may_hold_any_bytes() {
    let value: Vec<u8> = (0..=255).collect();
    let head = b"--XX\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n";
    let body = [head.as_slice(), &value, b"\r\n--XX--"].concat();
    assert_eq!(parse_with("XX", &body).expect("a form").get_bytes("password"), Some(value.as_slice()));
}
