//! CGI variables, honest and hostile, and header blocks.

use proptest::prelude::*;

use super::*;
use crate::{Method, Response, Trusted};

fn front() -> Front {
    Front { base_url: None, trusted: Trusted::parse("10.0.0.1,unix").expect("a list") }
}

fn read(variables: &[(&str, &str)]) -> Request {
    let variables = variables.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    front().from_cgi(variables, 7).expect("a request")
}

#[test]
fn apache_and_lighttpd_are_understood() {
    let apache = [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/blog/tag/%23rust?before=jon/3"),
        ("SCRIPT_NAME", "/blog/blerg.cgi"),
        ("REDIRECT_URL", "/blog/tag/#rust"),
        ("QUERY_STRING", "before=jon/3"),
        ("REMOTE_ADDR", "203.0.113.5"),
        ("SERVER_NAME", "example.org"),
        ("SERVER_PORT", "8080"),
        ("HTTP_HOST", "example.org:8080"),
        ("HTTP_ACCEPT_LANGUAGE", "de"),
    ];
    let request = read(&apache);
    assert_eq!(
        (request.method, request.path.as_str(), request.query.as_str()),
        (Method::Get, "/tag/#rust", "before=jon/3")
    );
    assert_eq!((request.host.as_deref(), request.now_us), (Some("example.org:8080"), 7));
    assert_eq!(request.remote, "203.0.113.5".parse().ok());
    assert_eq!(request.headers.text("accept-language"), Some("de"));
    let lighttpd = [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/put"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/put"),
        ("CONTENT_LENGTH", "3"),
        ("CONTENT_TYPE", "application/x-www-form-urlencoded"),
        ("HTTP_CONTENT_LENGTH", "99"),
        ("REQUEST_SCHEME", "https"),
    ];
    let request = read(&lighttpd);
    assert_eq!((request.method, request.path.as_str(), request.https), (Method::Post, "/put", true));
    assert_eq!(request.headers.get_all("content-length").collect::<Vec<_>>(), [b"3"]);
    assert_eq!(request.headers.text("content-type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn missing_variables_do_not_kill() {
    let request = read(&[]);
    assert_eq!((request.method, request.path.as_str(), request.mount.as_str()), (Method::Get, "/", "/"));
    assert_eq!((request.host, request.remote, request.https), (None, None, false));
    let request = read(&[("REDIRECT_URL", "/get/jon"), ("REMOTE_ADDR", "not an address"), ("HTTPS", "off")]);
    assert_eq!((request.path.as_str(), request.remote, request.https), ("/get/jon", None, false));
}

#[test]
fn methods_are_case_sensitive() {
    for (name, want) in [
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("POST", Method::Post),
        ("get", Method::Other),
        ("PUT", Method::Other),
    ] {
        assert_eq!(read(&[("REQUEST_METHOD", name)]).method, want);
    }
}

#[test]
fn of_a_name_that_comes_twice_the_last_counts_and_a_second_method_length_or_type_is_refused() {
    let request = read(&[("REQUEST_URI", "/a"), ("HTTPS", ""), ("REQUEST_URI", "/b"), ("HTTPS", "on")]);
    assert_eq!((request.path.as_str(), request.https), ("/b", true));
    for (name, one, other) in [
        ("REQUEST_METHOD", "GET", "POST"),
        ("CONTENT_LENGTH", "5", "6"),
        ("CONTENT_LENGTH", "", "6"),
        ("CONTENT_TYPE", "text/plain", "application/x-www-form-urlencoded"),
    ] {
        for values in [[one, other], [other, one]] {
            let pairs = values.map(|value| (name.as_bytes(), value.as_bytes()));
            assert_eq!(front().from_cgi(pairs, 7).err(), Some(Refusal::TWICE), "{name} {values:?}");
        }
        read(&[(name, other), (name, other)]);
    }
}

#[test]
fn a_length_or_type_that_a_client_sent_under_a_name_of_its_own_never_counts() {
    for name in ["HTTP_CONTENT_LENGTH", "HTTP_CONTENT-LENGTH", "HTTP_Content_Length", "HTTP_CONTeNT_TYPE", "HTTP_Proxy"]
    {
        for variables in [[(name, "23"), ("CONTENT_LENGTH", "2")], [("CONTENT_LENGTH", "2"), (name, "23")]] {
            let request = read(&variables);
            assert_eq!(request.headers.iter().collect::<Vec<_>>(), [(&b"content-length"[..], &b"2"[..])], "{name}");
        }
    }
}

#[test]
fn http_proxy_is_never_read() {
    let request = read(&[("HTTP_PROXY", "http://evil.example/"), ("HTTP_PROXY_AUTHORIZATION", "x")]);
    assert_eq!(request.headers.get("proxy"), None);
    assert_eq!(request.headers.text("proxy-authorization"), Some("x"));
}

#[track_caller]
fn check_bearer(variables: &[(&str, &str)], want: Option<&str>) {
    assert_eq!(read(variables).bearer(), want, "{variables:?}");
}

#[test]
fn a_bearer_token_comes_through_redirects_too() {
    check_bearer(&[("HTTP_AUTHORIZATION", "Bearer t0k")], Some("t0k"));
    check_bearer(&[("HTTP_AUTHORIZATION", "bearer  t0k ")], Some("t0k"));
    check_bearer(&[("REDIRECT_HTTP_AUTHORIZATION", "Bearer t0k")], Some("t0k"));
    check_bearer(&[("REDIRECT_REDIRECT_HTTP_AUTHORIZATION", "Bearer t0k")], Some("t0k"));
    check_bearer(&[("HTTP_AUTHORIZATION", ""), ("REDIRECT_HTTP_AUTHORIZATION", "Bearer t0k")], Some("t0k"));
    check_bearer(&[("REDIRECT_HTTP_AUTHORIZATION", "Bearer old"), ("HTTP_AUTHORIZATION", "Bearer new")], Some("new"));
    check_bearer(&[("HTTP_AUTHORIZATION", "Basic dDBr")], None);
    check_bearer(&[("HTTP_AUTHORIZATION", "Bearer")], None);
    check_bearer(&[("HTTP_AUTHORIZATION", "Bearer ")], None);
    check_bearer(&[], None);
}

#[track_caller]
fn check_proxy(peer: &str, want_https: bool, want_remote: Option<&str>) {
    let request = read(&[
        ("REMOTE_ADDR", peer),
        ("HTTP_X_FORWARDED_PROTO", "https"),
        ("HTTP_X_FORWARDED_FOR", "1.1.1.1, 203.0.113.5"),
    ]);
    let want_remote = want_remote.map(|want| want.parse().expect("an address"));
    assert_eq!((request.https, request.remote), (want_https, want_remote), "{peer}");
}

#[test]
fn forwarded_headers_count_only_from_a_trusted_proxy() {
    check_proxy("10.0.0.1", true, Some("203.0.113.5"));
    check_proxy("::ffff:10.0.0.1", true, Some("203.0.113.5"));
    check_proxy("10.0.0.2", false, Some("10.0.0.2"));
    check_proxy("", true, Some("203.0.113.5"));
    check_proxy("unix:", true, Some("203.0.113.5"));
}

#[test]
fn https_is_the_servers_word() {
    for (name, value, want) in [
        ("HTTPS", "on", true),
        ("HTTPS", "ON", true),
        ("HTTPS", "1", true),
        ("HTTPS", "", false),
        ("HTTP_HTTPS", "on", false),
    ] {
        assert_eq!(read(&[(name, value)]).https, want, "{name}={value}");
    }
}

#[test]
fn too_many_or_too_long_fields_are_refused() {
    let long = "x".repeat(crate::HEADERS_BYTES_MAX);
    let one = [(b"HTTP_X".as_slice(), long.as_bytes())];
    assert_eq!(front().from_cgi(one, 0).map(|request| request.path), Err(Refusal::HEADERS));
    let many = vec![(b"HTTP_X".as_slice(), b"y".as_slice()); crate::HEADERS_MAX + 1];
    assert_eq!(front().from_cgi(many, 0).map(|request| request.path), Err(Refusal::HEADERS));
}

#[track_caller]
fn check_length(value: Option<&str>, want: Result<Option<u64>, Refusal>) {
    assert_eq!(parse_content_length(value.map(str::as_bytes)), want, "{value:?}");
}

#[test]
fn content_length_is_empty_or_digits() {
    check_length(None, Ok(None));
    check_length(Some(""), Ok(None));
    check_length(Some("0"), Ok(Some(0)));
    check_length(Some("0042"), Ok(Some(42)));
    check_length(Some("18446744073709551615"), Ok(Some(u64::MAX)));
    check_length(Some("99999999999999999999999"), Ok(Some(u64::MAX)));
    check_length(Some("-1"), Err(Refusal::LENGTH));
    check_length(Some("+1"), Err(Refusal::LENGTH));
    check_length(Some(" 1"), Err(Refusal::LENGTH));
    check_length(Some("1, 1"), Err(Refusal::LENGTH));
    check_length(Some("0x10"), Err(Refusal::LENGTH));
}

#[test]
fn a_header_block_starts_with_its_status_and_ends_with_an_empty_line() {
    let sealed = Response::json("{}".to_owned()).status(404).seal(Method::Get);
    let block = String::from_utf8(cgi_head(&sealed)).expect("text");
    assert!(block.starts_with("Status: 404 Not Found\r\nContent-Type: application/json\r\n"), "{block}");
    assert!(block.ends_with("\r\nContent-Length: 2\r\n\r\n"), "{block}");
    assert_eq!(block.matches("\r\n\r\n").count(), 1);
}

proptest! {
    #[test]
    fn any_variables_are_no_panic(
        names in proptest::collection::vec(0_usize..8, 0..12),
        values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 12),
    ) {
        const NAMES: [&str; 8] =
            ["REQUEST_URI", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_HOST", "REMOTE_ADDR", "HTTP_COOKIE", "HTTP_AUTHORIZATION"];
        let variables = names.iter().zip(&values).map(|(name, value)| (NAMES[*name].as_bytes(), value.as_slice()));
        if let Ok(request) = front().from_cgi(variables, 0) {
            prop_assert!(request.path.starts_with('/') && request.mount.starts_with('/') && request.mount.ends_with('/'));
            prop_assert!(!request.mount.contains([';', '\r', '\n', ' ', '"', '<']), "{}", request.mount);
            let _ = (request.tokens("auth").count(), request.bearer(), request.same_site(), request.public_root());
        }
    }
}
