//! Bodies that are not what they say: lengths that lie, codings that unpack to anything, forms of very many parts. Behind
//! each web server and without one; after each attack jon has the records that he wrote, and the next visitor is served.

use super::super::front::{Kind, Way, each_front_end};
use super::super::http::{Address, Ask, Connection, Reply};
use super::super::site::{Running, Site, private_kib};
use super::{TEXT, WAYS, count, put};

/// Values of Content-Length, which never say the length of the body that follows (30 bytes).
const LENGTHS: [&str; 14] = [
    "-1",
    "+30",
    "0x1e",
    "3e1",
    "30, 30",
    "30,31",
    "30 31",
    "30.0",
    "\u{660}",
    "99999999999999999999",
    "18446744073709551616",
    "9223372036854775807",
    "9999999",
    "31",
];

const BODY: &str = "data=planted&username=jon&x=yz";

/// Sends what no client sends, ends the sending, and takes whatever comes back.
fn send_raw(address: &Address, bytes: &[u8]) -> Option<Reply> {
    let mut connection = Connection::open(address).unwrap();
    // A server that has seen enough may have closed already.
    let _ = connection.send(bytes).and_then(|()| connection.stream().finish());
    connection.reply("POST").ok()
}

#[test]
fn lengths_that_lie_change_nothing_behind_any_server() {
    assert_eq!(BODY.len(), 30);
    for kind in WAYS {
        let way = Way::open(kind, Site::new(""));
        let Some(address) = way.address.as_ref().filter(|_| kind != Kind::Fcgi) else { continue };
        let token = way.sign_up("jon");
        way.ask(&put(&token, TEXT));
        let head = format!(
            "POST /put HTTP/1.1\r\nHost: {}\r\nCookie: auth={token}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            way.host
        );
        let mut heads: Vec<String> = LENGTHS.map(|length| format!("Content-Length: {length}\r\n")).into();
        heads.extend([
            String::new(),
            "Content-Length:\r\n".to_owned(),
            "Content-Length: 30\r\nContent-Length: 31\r\n".to_owned(),
            "Content-Length: 31\r\nContent-Length: 30\r\n".to_owned(),
            "Content-Length: 30\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            "Transfer-Encoding: gzip\r\n".to_owned(),
            "Transfer-Encoding: chunked\r\n".to_owned(),
            "Content-Length: 30\r\nTransfer-Encoding: identity, gzip\r\n".to_owned(),
        ]);
        for lie in heads {
            // mod_fcgid counts what came: nothing, where no length is said. Then a parameter is missing.
            if let Some(reply) = send_raw(address, format!("{head}{lie}\r\n{BODY}").as_bytes()) {
                let is_refused = (400..502).contains(&reply.status) || reply.text().contains("missing_parameter");
                assert!(is_refused, "{}: {lie:?}: {reply:?}", way.name());
            }
            assert_eq!(count(&way), "1", "{}: {lie:?}", way.name());
        }
        assert_eq!(way.ask(&put(&token, "and on")).json()["record"], "1", "{}", way.name());
    }
}

/// Visitors whose bodies stop half way are many; everybody else is served as if they were not there.
#[test]
fn bodies_that_stop_half_way_keep_nobody_waiting_behind_any_server() {
    const SLOW: usize = 20;
    for kind in WAYS {
        let way = Way::open(kind, Site::new(""));
        let Some(address) = way.address.as_ref().filter(|_| kind != Kind::Fcgi) else { continue };
        let token = way.sign_up("jon");
        let whole = put(&token, TEXT).to_bytes(&way.host, "");
        let (first, rest) = whole.split_at(whole.len() - 5);
        let mut slow: Vec<Connection> = (0..SLOW).map(|_| Connection::open(address).unwrap()).collect();
        for connection in &mut slow {
            connection.send(first).unwrap();
        }
        for n in 0..20 {
            assert_eq!(way.get("/info/jon").json()["record_count"], n.to_string(), "{}", way.name());
            assert_eq!(way.ask(&put(&token, "quick")).json()["record"], n.to_string(), "{}", way.name());
        }
        // The rest comes byte by byte, and is taken.
        let last = slow.first_mut().unwrap();
        for byte in rest {
            last.send(&[*byte]).unwrap();
        }
        assert_eq!(last.reply("POST").unwrap().json()["record"], "20", "{}", way.name());
        drop(slow);
        assert_eq!(count(&way), "21", "{}", way.name());
    }
}

/// A gzip of 4,096 zeros stands for one of any size: it is not unpacked.
const PACKED: [u8; 29] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xed, 0xc1, 1, 0x0d, 0, 0, 0, 0xc2, 0xa0, 0x4c, 0xef, 0x5f, 0xce, 0x1e, 0x0e,
    0x28, 0, 0, 0,
];

#[test]
fn coded_bodies_are_refused_behind_any_server() {
    for kind in WAYS {
        let way = Way::open(kind, Site::new(""));
        let token = way.sign_up("jon");
        for coding in ["gzip", "GZIP", "deflate", "br", "zstd", "x-gzip", "identity, gzip", "nonsense"] {
            for body in [BODY.as_bytes(), &PACKED] {
                for path in ["/put", "/login", "/wiki/Home"] {
                    let ask = Ask::post(path, &[]).body(body.to_vec()).with(&token);
                    let reply = way.ask(&ask.header("Content-Encoding", coding));
                    let code = reply.json()["code"].clone();
                    assert_eq!((reply.status, code.as_str()), (415, Some("unsupported_encoding")), "{}", way.name());
                }
            }
        }
        assert_eq!(count(&way), "0", "{}", way.name());
        let plain = put(&token, TEXT).header("Content-Encoding", "identity");
        assert_eq!(way.ask(&plain).json()["status"], "success", "{}", way.name());
    }
}

/// Forms of a quarter of a megabyte whose parts are as many, as long in their heads, or as deep as there is room for.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    const ROOM: usize = 250 * 1024;
    let part = "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n";
    let head = "Content-Disposition: form-data; name=\"data\"";
    let long = "B".repeat(70);
    vec![
        ("b", format!("{}--b--\r\n", part.repeat(ROOM / part.len())).into_bytes()),
        ("b", "--b\r\n".repeat(ROOM / 5).into_bytes()),
        ("b", format!("--b\r\n{head}\r\nX: {}\r\n\r\nx\r\n--b--\r\n", "x".repeat(ROOM)).into_bytes()),
        ("b", format!("--b\r\n{head}\r\n{}\r\nx\r\n--b--\r\n", "X: y\r\n".repeat(ROOM / 6)).into_bytes()),
        ("b", format!("--b\r\n{head}{}\r\n\r\nx\r\n--b--\r\n", "; name=x".repeat(ROOM / 8)).into_bytes()),
        ("b", format!("--b\r\n{head}; filename=\"{}\r\n\r\nx\r\n--b--\r\n", "\\\"".repeat(ROOM / 2)).into_bytes()),
        ("b", "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".repeat(ROOM / 51).into_bytes()),
        ("b", "\r\n--".repeat(ROOM / 4).into_bytes()),
        ("b", "\r".repeat(ROOM).into_bytes()),
        (&*Box::leak(long.into_boxed_str()), format!("\r\n--{}", "B".repeat(69)).repeat(ROOM / 73).into_bytes()),
    ]
}

#[test]
fn forms_of_very_many_parts_are_refused_and_cost_no_memory() {
    /// Many times the body that a form may have would be much.
    const GROWTH_KIB_MAX: u64 = 16 * 1024;
    each_front_end(
        |site| site,
        |way| {
            let token = way.sign_up("jon");
            let memory = |way: &Way| way.running.first().map(Running::id).map_or(0, private_kib);
            let before = memory(way);
            for (boundary, body) in bombs() {
                let kind = format!("multipart/form-data; boundary={boundary}");
                let ask = Ask::new("POST", "/put").header("Content-Type", &kind).body(body.clone()).with(&token);
                let reply = way.ask(&ask);
                assert_eq!((reply.status, reply.json()["code"].as_str()), (400, Some("bad_form")), "{}", way.name());
            }
            for body in
                ["a&".repeat(128 * 1024), "&".repeat(256 * 1024), "%".repeat(256 * 1024), "a=b&".repeat(64 * 1024)]
            {
                let ask = Ask::post("/put", &[]).body(body.into_bytes()).with(&token);
                assert!(matches!(way.ask(&ask).status, 200 | 400), "{}", way.name());
            }
            assert_eq!(count(way), "0", "{}", way.name());
            let grown = memory(way).saturating_sub(before);
            assert!(grown < GROWTH_KIB_MAX, "{}: {grown} KiB", way.name());
        },
    );
}

/// Names that a table would keep: as many as the limits let through, all different, again and again.
#[test]
fn many_names_of_everything_are_bounded() {
    each_front_end(
        |site| site,
        |way| {
            way.sign_up("jon");
            let names = |number: usize, separator: &str| -> String {
                (0..number).map(|n| format!("n{n}=v")).collect::<Vec<_>>().join(separator)
            };
            let target = way.ask(&Ask::get(&format!("/latest?{}", names(1_500, "&"))));
            assert!(matches!(target.status, 200 | 414), "{}: {}", way.name(), target.status);
            let cookies = way.ask(&Ask::get("/status").header("Cookie", &names(700, "; ")));
            assert!(matches!(cookies.status, 200 | 431), "{}: {}", way.name(), cookies.status);
            let many = (0..200).fold(Ask::get("/latest"), |ask, n| ask.header(&format!("X-N{n}"), "v"));
            let reply = way.ask(&many);
            assert_eq!(reply.status, 431, "{}: {}", way.name(), reply.text());
            let form = Ask::post("/login", &[]).body(names(20_000, "&").into_bytes());
            assert_eq!(way.ask(&form).json()["code"], "bad_form", "{}", way.name());
            assert_eq!(count(way), "0", "{}", way.name());
        },
    );
}
