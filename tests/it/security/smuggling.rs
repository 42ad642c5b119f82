//! Requests that end in one place for whoever stands in front and in another for `http_blerg`: a second one hidden in the
//! first is never answered and never carried out (RFC 9112 s.11.2).

use std::io::Read as _;

use super::super::front::{Kind, Way};
use super::super::http::Connection;
use super::super::site::Site;
use super::{TEXT, count, put};

/// How a request is framed, and what the one hidden in it follows. `{}` is the hidden request; `#` its length in hex.
const FRAMINGS: [(&str, &str); 33] = [
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n{}"),
    ("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n{}"),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n{}"),
    ("Transfer-Encoding: chunked", "0\r\n\r\n{}"),
    ("Transfer-Encoding: chunked", "#\r\n{}\r\n0\r\n\r\n"),
    ("Transfer-Encoding: xchunked\r\nContent-Length: 5", "0\r\n\r\n{}"),
    ("Transfer-Encoding : chunked\r\nContent-Length: 5", "0\r\n\r\n{}"),
    ("Transfer-Encoding:\u{b}chunked\r\nContent-Length: 5", "0\r\n\r\n{}"),
    ("Transfer-Encoding:\tchunked\r\nContent-Length: 5", "0\r\n\r\n{}"),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "0\r\n\r\n{}"),
    ("Transfer-Encoding: x\r\nTransfer-Encoding: chunked", "0\r\n\r\n{}"),
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n{}"),
    ("Transfer-Encoding: identity", "{}"),
    ("Transfer-Encoding:\r\n chunked", "0\r\n\r\n{}"),
    ("X: y\r\n Transfer-Encoding: chunked", "0\r\n\r\n{}"),
    ("\r\nTransfer-Encoding: chunked", "0\r\n\r\n{}"),
    ("Content-Length: 0\r\nContent-Length: 5", "0\r\n\r\n{}"),
    ("Content-Length: 5\r\nContent-Length: 0", "0\r\n\r\n{}"),
    ("Content-Length: 0, 5", "0\r\n\r\n{}"),
    ("Content-Length: +5", "0\r\n\r\n{}"),
    ("Content-Length: -5", "0\r\n\r\n{}"),
    ("Content-Length: 5\u{b}", "0\r\n\r\n{}"),
    ("Content-Length : 5", "0\r\n\r\n{}"),
    ("Content-Length: 1 0", "0\r\n\r\n{}"),
    ("Content_Length: 5", "0\r\n\r\n{}"),
    ("Content-Length:\r\n 5", "0\r\n\r\n{}"),
    ("Transfer-Encoding: chunked", "-1\r\n\r\n{}"),
    ("Transfer-Encoding: chunked", "+0\r\n\r\n{}"),
    ("Transfer-Encoding: chunked", "FFFFFFFFFFFFFFFF1\r\n\r\n{}"),
    ("Transfer-Encoding: chunked", "0x0\r\n\r\n{}"),
    ("Transfer-Encoding: chunked", "0;\nx\r\n\r\n{}"),
    ("Transfer-Encoding: chunked", "0\r\nContent-Length: 5\r\n\r\n{}"),
    (
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAAA\r\nTransfer-Encoding: chunked",
        "0\r\n\r\n{}",
    ),
];

/// First lines that are none, or another one for others.
const HEADS: [&str; 14] = [
    "GET /latest HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
    "GET /latest HTTP/0.9\r\n",
    "GET /latest\r\n",
    "GET /latest HTTP/1.1 HTTP/1.1\r\n",
    "GET /latest HTTP/2.0\r\n",
    "GET  /latest HTTP/1.1\r\n",
    "GET\t/latest HTTP/1.1\r\n",
    "get /latest HTTP/1.1\r\n",
    "G\u{0}ET /latest HTTP/1.1\r\n",
    "GET /la\u{0}test HTTP/1.1\r\n",
    "GET /latest HTTP/1.1\r\nX\u{0}: y\r\n",
    "GET /latest HTTP/1.1\r\nX: a\rb\r\n",
    "GET /latest HTTP/1.1\r\n: empty\r\n",
    "CONNECT evil.example:80 HTTP/1.1\r\n",
];

/// Everything that comes back, until the server closes; the test ends the sending.
fn answers(way: &Way, bytes: &[u8]) -> String {
    let mut connection = Connection::open(way.address.as_ref().unwrap()).unwrap();
    let _ = connection.send(bytes).and_then(|()| connection.stream().finish());
    let mut all = Vec::new();
    // A reset after the answer is an end, too.
    let _ = connection.stream().read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn no_request_is_hidden_in_another() {
    let way = Way::open(Kind::Http, Site::new(""));
    let token = way.sign_up("jon");
    way.ask(&put(&token, TEXT));
    let hidden = String::from_utf8(put(&token, "hidden").to_bytes(&way.host, "")).unwrap();
    for method in ["POST /put", "GET /latest"] {
        for (framing, body) in FRAMINGS {
            let body = body.replace('#', &format!("{:x}", hidden.len())).replace("{}", &hidden);
            let head = format!("{method} HTTP/1.1\r\nHost: {}\r\n{framing}\r\n\r\n", way.host);
            let said = answers(&way, format!("{head}{body}").as_bytes());
            assert!(
                said.matches("HTTP/1.1 ").count() <= 1 + usize::from(said.contains(" 400 ")),
                "{framing:?}: {said}"
            );
            assert!(!said.contains("\"success\""), "{framing:?}: {said}");
            assert_eq!(count(&way), "1", "{framing:?}: {said}");
        }
    }
    for head in HEADS {
        let before = count(&way);
        let said = answers(&way, format!("{head}Host: {}\r\n\r\n{hidden}", way.host).as_bytes());
        let first_is_one = head.starts_with("get ") || head.starts_with("CONNECT");
        assert!(first_is_one || !said.contains("\"success\""), "{head:?}: {said}");
        assert!(first_is_one || count(&way) == before, "{head:?}: {said}");
    }
}

/// What stands in front may look at one `Host`, and we at the other.
#[test]
fn two_hosts_are_none() {
    let way = Way::open(Kind::Http, Site::new(""));
    for head in [
        format!("GET /rss/latest.rss HTTP/1.1\r\nHost: {}\r\nHost: evil.example\r\n\r\n", way.host),
        format!("GET /rss/latest.rss HTTP/1.1\r\nHost: evil.example\r\nHost: {}\r\n\r\n", way.host),
        format!("GET /rss/latest.rss HTTP/1.1\r\nHost: {}, evil.example\r\n\r\n", way.host),
        "GET /rss/latest.rss HTTP/1.1\r\nHost: evil.example/x?y=\"\r\n\r\n".to_owned(),
        "GET /rss/latest.rss HTTP/1.1\r\nHost: a@evil.example\r\n\r\n".to_owned(),
    ] {
        let said = answers(&way, head.as_bytes());
        assert!(said.starts_with("HTTP/1.1 400 ") && !said.contains("evil.example"), "{head}: {said}");
    }
}
