//! Urlencoded bodies and queries.

use proptest::prelude::*;

use super::*;

const TYPE: Option<&[u8]> = Some(b"application/x-www-form-urlencoded");

#[track_caller]
fn check(body: &[u8], want: &[(&[u8], &[u8])]) {
    let form = Form::parse(TYPE, body).expect("urlencoded bodies are always forms");
    let found: Vec<(&[u8], &[u8])> = form.iter().map(|field| (field.name.as_slice(), field.value.as_slice())).collect();
    assert_eq!(found, want, "{:?}", String::from_utf8_lossy(body));
}

#[test]
fn pairs_are_decoded_once() {
    check(b"", &[]);
    check(b"a=b", &[(b"a", b"b")]);
    check(b"a=b&c=d", &[(b"a", b"b"), (b"c", b"d")]);
    check(b"a=b+c%20d%2Be", &[(b"a", b"b c d+e")]);
    check(b"a=%2541", &[(b"a", b"%41")]);
    check(b"a=b=c", &[(b"a", b"b=c")]);
    check(b"a", &[(b"a", b"")]);
    check(b"=a", &[(b"", b"a")]);
    check(b"&&a=b&", &[(b"a", b"b")]);
    check(b"na%6de=%e2%82%ac", &[(b"name", "€".as_bytes())]);
    check(b"a=%0d%0A%00", &[(b"a", b"\r\n\0")]);
    check(b"a=b;c=d", &[(b"a", b"b;c=d")]);
}

#[test]
fn a_percent_that_starts_no_escape_stays() {
    check(b"a=100%", &[(b"a", b"100%")]);
    check(b"a=%4", &[(b"a", b"%4")]);
    check(b"a=%zz%41", &[(b"a", b"%zzA")]);
    check(b"a=%%41", &[(b"a", b"%A")]);
}

#[test]
fn of_a_name_that_comes_twice_the_first_counts() {
    let form = Form::parse(TYPE, b"a=1&a=2").expect("a form");
    assert_eq!(form.get("a"), Some("1"));
    assert_eq!(form.iter().count(), 2);
}

#[test]
fn values_are_bytes_and_text_only_if_they_are_utf8() {
    let form = Form::parse(TYPE, b"password=%ff%00x&name=jon").expect("a form");
    assert_eq!(form.get_bytes("password"), Some(b"\xff\0x".as_slice()));
    assert_eq!(form.get("password"), None);
    assert_eq!(form.get("name"), Some("jon"));
    assert_eq!(form.get_bytes("absent"), None);
}

#[test]
fn the_content_type_decides() {
    let parse = |content_type: Option<&str>| Form::parse(content_type.map(str::as_bytes), b"a=b").map(|_| ());
    assert_eq!(parse(None), Ok(()));
    assert_eq!(parse(Some("")), Ok(()));
    assert_eq!(parse(Some("Application/X-WWW-form-urlencoded ; charset=UTF-8")), Ok(()));
    assert_eq!(parse(Some("application/json")), Err(FormError::ContentType));
    assert_eq!(parse(Some("text/plain")), Err(FormError::ContentType));
    assert_eq!(parse(Some("multipart/form-data")), Err(FormError::Multipart));
    assert_eq!(Form::parse(Some(b"text/plain"), b"").map(|_| ()), Ok(()));
}

#[test]
fn at_most_so_many_fields() {
    let fields = "a=b&".repeat(FIELDS_MAX);
    assert!(Form::parse(TYPE, fields.as_bytes()).is_ok());
    assert_eq!(Form::parse(TYPE, format!("{fields}a=b").as_bytes()), Err(FormError::TooManyFields));
    assert_eq!(Form::from_query(&format!("{fields}a=b")).iter().count(), FIELDS_MAX);
}

#[test]
fn a_query_is_a_form() {
    let form = Form::from_query("q=%22two+words%22&before=jon/5");
    assert_eq!(form.get("q"), Some("\"two words\""));
    assert_eq!(form.get("before"), Some("jon/5"));
}

proptest! {
    #[test]
    fn whatever_is_escaped_comes_back(name in "[a-z]{1,8}", value in proptest::collection::vec(any::<u8>(), 0..200)) {
        let escaped: String = value.iter().map(|byte| format!("%{byte:02X}")).collect();
        let form = Form::parse(TYPE, format!("x=y&{name}={escaped}").as_bytes()).expect("a form");
        prop_assume!(name != "x");
        prop_assert_eq!(form.get_bytes(&name), Some(value.as_slice()));
    }

    #[test]
    fn any_bytes_are_no_panic(body in proptest::collection::vec(any::<u8>(), 0..400), kind in proptest::bool::ANY) {
        let content_type: &[u8] = if kind { b"multipart/form-data; boundary=x" } else { b"" };
        let _ = Form::parse(Some(content_type), &body);
        let _ = Form::from_query(&String::from_utf8_lossy(&body));
    }
}
