//! Cookies of honest, careless and hostile clients.

use super::*;

#[track_caller]
fn check(sent: &[&[u8]], want: Option<&str>) {
    let mut headers = Headers::default();
    for value in sent {
        assert!(headers.push(b"cookie", value));
    }
    assert_eq!(find(&headers, "auth").next(), want, "{sent:?}");
}

#[test]
fn a_cookie_is_found_among_others() {
    check(&[b"auth=t0k"], Some("t0k"));
    check(&[b"a=b; auth=t0k; c=d"], Some("t0k"));
    check(&[b"a=b;auth=t0k"], Some("t0k"));
    check(&[b"a=b", b"auth=t0k"], Some("t0k"));
    check(&[b"auth=first; auth=second"], Some("first"));
    check(&[b" auth = \"t0k\" "], Some("t0k"));
    check(&[b"auth="], Some(""));
    check(&[b"auth=a=b"], Some("a=b"));
}

#[test]
fn every_cookie_of_a_name_is_found() {
    let mut headers = Headers::default();
    for value in [&b"auth=one; a=b; auth=two"[..], b"auth=", b"authx=no, auth=three"] {
        assert!(headers.push(b"cookie", value));
    }
    assert_eq!(find(&headers, "auth").collect::<Vec<&str>>(), ["one", "two", "", "three"]);
}

#[test]
fn echoed_attributes_do_no_harm() {
    check(&[b"auth=t0k; Path=/; HttpOnly; SameSite=Lax"], Some("t0k"));
    check(&[b"auth=t0k; path=/blog/, $Version=1"], Some("t0k"));
    check(&[b"$Version=1; auth=t0k; $Path=/"], Some("t0k"));
    check(&[b"HttpOnly; Secure; auth=t0k"], Some("t0k"));
}

#[test]
fn what_is_no_such_cookie_is_none() {
    check(&[], None);
    check(&[b""], None);
    check(&[b"auth"], None);
    check(&[b"xauth=1; authx=2; Auth=3"], None);
    check(&[b";;;===;,,"], None);
    check(&[b"auth=\xff\xfe"], None);
    check(&[b"\xff=1; auth=t0k"], Some("t0k"));
}

#[test]
fn cookie_headers_are_read_up_to_their_limit() {
    let fits = [vec![b'x'; COOKIE_HEADER_BYTES_MAX - 9], b"; auth=t0k".to_vec()].concat();
    check(&[&fits[1..]], Some("t0k"));
    check(&[&vec![b'x'; COOKIE_HEADER_BYTES_MAX], b"auth=t0k"], None);
}

#[test]
fn a_cookie_carries_its_attributes() {
    let cookie = CookieSpec { name: "auth", value: "t", path: "/blog/", https: true, max_age_secs: 60 };
    assert_eq!(cookie.to_header(), "auth=t; Path=/blog/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
    let plain = CookieSpec { https: false, ..cookie };
    assert_eq!(plain.to_header(), "auth=t; Path=/blog/; Max-Age=60; HttpOnly; SameSite=Lax");
}
