//! The cross-site rule and the Host header, as tables.

use crate::{BaseUrl, Front, Headers, Incoming, Refusal, Request};

fn post(headers: &[(&str, &str)], https: bool, base: Option<&str>) -> Request {
    let mut fields = Headers::default();
    for (name, value) in headers {
        assert!(fields.push(name.as_bytes(), value.as_bytes()));
    }
    let front = Front { base_url: base.map(|base| BaseUrl::parse(base).expect("a URL")), ..Front::default() };
    let incoming = Incoming { method: b"POST", target: Some(b"/put"), https, headers: fields, ..Incoming::default() };
    front.accept(incoming, 0).expect("a request")
}

#[track_caller]
fn check(headers: &[(&str, &str)], want: bool) {
    let with_host = [&[("host", "example.org")], headers].concat();
    assert_eq!(post(&with_host, false, None).same_site(), want, "{headers:?}");
}

#[test]
fn sec_fetch_site_decides_where_it_is_sent() {
    check(&[("sec-fetch-site", "same-origin")], true);
    check(&[("sec-fetch-site", "none")], true);
    check(&[("sec-fetch-site", "same-site")], false);
    check(&[("sec-fetch-site", "cross-site")], false);
    check(&[("sec-fetch-site", "")], false);
    check(&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], true);
    check(&[("sec-fetch-site", "cross-site"), ("origin", "http://example.org")], false);
}

#[test]
fn else_the_origin_must_be_ours() {
    check(&[], true);
    check(&[("origin", "http://example.org")], true);
    check(&[("origin", "http://EXAMPLE.org:80")], true);
    check(&[("origin", "https://example.org")], true);
    check(&[("origin", "http://example.org:8080")], false);
    check(&[("origin", "http://evil.example")], false);
    check(&[("origin", "http://example.org.evil.example")], false);
    check(&[("origin", "null")], false);
    check(&[("origin", "")], false);
    check(&[("origin", "ftp://example.org")], false);
    check(&[("origin", "example.org")], false);
}

#[test]
fn a_scheme_worse_than_ours_is_another_origin() {
    let host = ("host", "example.org");
    assert!(!post(&[host, ("origin", "http://example.org")], true, None).same_site());
    assert!(post(&[host, ("origin", "https://example.org")], true, None).same_site());
}

#[test]
fn the_public_root_is_ours_whatever_host_the_proxy_sends() {
    let base = Some("https://example.org/blog/");
    let host = ("host", "127.0.0.1:8080");
    assert!(post(&[host, ("origin", "https://example.org")], false, base).same_site());
    assert!(!post(&[host, ("origin", "http://example.org")], false, base).same_site());
    assert!(!post(&[host, ("origin", "https://evil.example")], false, base).same_site());
}

#[test]
fn without_a_host_no_origin_is_ours() {
    assert!(!post(&[("origin", "http://example.org")], false, None).same_site());
    assert!(post(&[], false, None).same_site());
}

#[track_caller]
fn check_host(target: &str, host: Option<&str>, server: Option<(&str, &str)>, want: Result<Option<&str>, Refusal>) {
    let mut headers = Headers::default();
    if let Some(host) = host {
        assert!(headers.push(b"host", host.as_bytes()));
    }
    let server = server.map(|(name, port)| (name.as_bytes(), port.as_bytes()));
    let target = Some(target.as_bytes());
    let incoming = Incoming { method: b"GET", target, server, headers, ..Incoming::default() };
    let found = Front::default().accept(incoming, 0).map(|request| request.host);
    assert_eq!(found, want.map(|host| host.map(str::to_owned)));
}

#[test]
fn the_host_is_that_of_an_absolute_target_or_host_or_the_servers_name() {
    check_host("/", Some("Example.org:8080"), None, Ok(Some("example.org:8080")));
    check_host("http://a.example/x", Some("b.example"), None, Ok(Some("a.example")));
    check_host("/", Some("[::1]:8080"), None, Ok(Some("[::1]:8080")));
    check_host("/", None, Some(("example.org", "8080")), Ok(Some("example.org:8080")));
    check_host("/", None, Some(("example.org", "80")), Ok(Some("example.org")));
    check_host("/", None, Some(("example.org", "")), Ok(Some("example.org")));
    check_host("/", Some(""), Some(("example.org", "80")), Ok(Some("example.org")));
    check_host("/", None, Some(("_", "80")), Ok(Some("_")));
    check_host("/", None, Some(("a b", "80")), Ok(None));
    check_host("/", None, None, Ok(None));
}

#[test]
fn a_host_that_could_break_a_link_or_a_header_is_refused() {
    check_host("/", Some("a\r\nX: y"), None, Err(Refusal::HOST));
    check_host("/", Some("a/b"), None, Err(Refusal::HOST));
    check_host("/", Some("a\"><script>"), None, Err(Refusal::HOST));
    check_host("/", Some("user@evil"), None, Err(Refusal::HOST));
    check_host("/", Some(&"a".repeat(super::HOST_BYTES_MAX)), None, Ok(Some(&"a".repeat(super::HOST_BYTES_MAX))));
    check_host("/", Some(&"a".repeat(super::HOST_BYTES_MAX + 1)), None, Err(Refusal::HOST));
}
