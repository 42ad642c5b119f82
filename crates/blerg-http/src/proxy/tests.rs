//! Public roots, and who is believed.

use super::*;

#[track_caller]
fn check_url(text: &str, want: Option<(&str, &str, &str)>) {
    let url = BaseUrl::parse(text);
    assert_eq!(url.as_ref().map(|url| (url.as_str(), url.authority(), url.path())), want);
}

#[test]
fn public_roots_end_in_a_slash() {
    check_url("https://example.org", Some(("https://example.org/", "example.org", "/")));
    check_url("HTTP://Example.org:8080/Blog", Some(("http://example.org:8080/Blog/", "example.org:8080", "/Blog/")));
    check_url("https://example.org/a/b/", Some(("https://example.org/a/b/", "example.org", "/a/b/")));
    check_url("https://[::1]/", Some(("https://[::1]/", "[::1]", "/")));
    check_url("example.org", None);
    check_url("ftp://example.org/", None);
    check_url("https:///x", None);
    check_url("https://user@example.org/", None);
    check_url("https://example.org/?q", None);
    check_url("https://example.org/#f", None);
    check_url("https://example.org/../x", None);
    check_url("https://example.org/a b", None);
}

#[track_caller]
fn check_trusted(list: &str, peer: &str, want: bool) {
    let trusted = Trusted::parse(list).expect("a list");
    let (peer, unix) = if peer == "unix" { (None, true) } else { (Some(peer.parse().expect("an address")), false) };
    assert_eq!(trusted.contains(peer, unix), want, "{list:?} {peer:?}");
}

#[test]
fn only_listed_peers_are_believed() {
    check_trusted("", "127.0.0.1", false);
    check_trusted("", "unix", false);
    check_trusted("unix", "unix", true);
    check_trusted("unix", "127.0.0.1", false);
    check_trusted("127.0.0.1", "127.0.0.1", true);
    check_trusted("127.0.0.1", "::ffff:127.0.0.1", true);
    check_trusted("127.0.0.1", "127.0.0.2", false);
    check_trusted("10.0.0.0/8, 192.168.1.0/24", "192.168.1.77", true);
    check_trusted("10.0.0.0/8, 192.168.1.0/24", "192.168.2.77", false);
    check_trusted("0.0.0.0/0", "203.0.113.5", true);
    check_trusted("0.0.0.0/0", "2001:db8::1", false);
    check_trusted("2001:db8::/32", "2001:db8:1::1", true);
    check_trusted("2001:db8::/32", "2001:db9::1", false);
    check_trusted("::/0", "2001:db8::1", true);
}

#[test]
fn a_list_that_is_none_names_the_part_that_is_wrong() {
    assert_eq!(Trusted::parse("127.0.0.1,proxy.example"), Err("proxy.example".to_owned()));
    assert_eq!(Trusted::parse("10.0.0.0/33"), Err("10.0.0.0/33".to_owned()));
    assert_eq!(Trusted::parse("10.0.0.0/x"), Err("10.0.0.0/x".to_owned()));
}

#[track_caller]
fn check_visitor(fields: &[&str], want: Option<&str>) {
    let mut headers = Headers::default();
    for field in fields {
        assert!(headers.push(b"x-forwarded-for", field.as_bytes()));
    }
    let trusted = Trusted::parse("127.0.0.1,10.0.0.0/8").expect("a list");
    assert_eq!(trusted.forwarded_for(&headers), want.map(|want| want.parse().expect("an address")), "{fields:?}");
}

#[test]
fn the_visitor_is_the_first_address_from_the_right_that_is_no_proxy_of_ours() {
    check_visitor(&[], None);
    check_visitor(&["203.0.113.5"], Some("203.0.113.5"));
    check_visitor(&["1.1.1.1, 203.0.113.5"], Some("203.0.113.5"));
    check_visitor(&["1.1.1.1, 203.0.113.5, 10.0.0.2"], Some("203.0.113.5"));
    check_visitor(&["1.1.1.1", "203.0.113.5"], Some("203.0.113.5"));
    check_visitor(&["10.0.0.3, 10.0.0.2"], Some("10.0.0.3"));
    check_visitor(&["203.0.113.5:4711"], Some("203.0.113.5"));
    check_visitor(&["[2001:db8::1]:4711"], Some("2001:db8::1"));
    check_visitor(&["[2001:db8::1]"], Some("2001:db8::1"));
    check_visitor(&["::ffff:203.0.113.5"], Some("203.0.113.5"));
    check_visitor(&["unknown"], None);
    check_visitor(&["203.0.113.5, unknown, 10.0.0.2"], Some("10.0.0.2"));
    check_visitor(&[&"10.0.0.1,".repeat(HOPS_MAX * 100)], None);
}

#[test]
fn the_scheme_is_the_last_proxys_word() {
    let mut headers = Headers::default();
    assert_eq!(Trusted::default().forwarded_https(&headers), None);
    assert!(headers.push(b"x-forwarded-proto", b"http, https"));
    assert_eq!(Trusted::default().forwarded_https(&headers), Some(true));
    assert!(headers.push(b"x-forwarded-proto", b"http"));
    assert_eq!(Trusted::default().forwarded_https(&headers), Some(false));
}
