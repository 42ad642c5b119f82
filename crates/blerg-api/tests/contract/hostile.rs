//! Requests that nobody means well: whatever is in path, query, headers and body, the answer is JSON and no fault.

use crate::site::{Ask, Site, encode};

const REQUESTS: u64 = 4000;

const PATHS: &[&str] = &[
    "/get/",
    "/info/",
    "/tag/",
    "/taginfo/",
    "/thread/",
    "/history/",
    "/subscribe/",
    "/unsubscribe/",
    "/status/",
    "/feedinfo/",
    "/put",
    "/edit",
    "/delete",
    "/feed",
    "/search",
    "/latest",
    "/latest/tags",
    "/sessions",
    "/export",
    "/login",
    "/create",
    "/logout",
    "/passwd",
    "/close",
    "/status",
    "/",
];

const PIECES: &[&str] = &[
    "jon",
    "Jon",
    "/",
    "0",
    "-",
    "0-9",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999",
    "#",
    "%23",
    "H",
    "@",
    "a",
    ",",
    "%00",
    "%25",
    "%2F",
    "%20",
    "%C3%A9",
    "..",
    "'",
    "\"",
    "%22",
    "(",
    ")",
    "*",
    "AND",
    "OR",
    "NOT",
    "NEAR",
    ":",
    "from:",
    "before:",
    "after:",
    "2024-01-01",
    "+",
    "true",
    "others",
    "feed",
    "mentioned",
    "%F0%9F%8E%89",
    "{",
    "}",
    "^",
    "\\",
    "~",
    "x",
    "%E4%BD%A0",
    "_",
];

const KEYS: &[&str] = &[
    "username",
    "password",
    "new_password",
    "data",
    "record",
    "reply_to",
    "before",
    "q",
    "clear",
    "revoke",
    "subscribed",
    "invite",
    "%00",
    "",
];

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn pieces(&mut self, most: usize) -> String {
        (0..self.roll(most)).map(|_| PIECES[self.roll(PIECES.len())]).collect()
    }

    fn form(&mut self) -> String {
        let fields: Vec<String> =
            (0..self.roll(5)).map(|_| format!("{}={}", KEYS[self.roll(KEYS.len())], self.pieces(4))).collect();
        fields.join("&")
    }
}

#[test]
fn random_requests_are_answered_with_json_and_without_faults() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("something #a @jon to find");
    let token = format!("Bearer {}", jon.token);
    let mut dice = Dice(1);
    let mut successes = 0;
    for _ in 0..REQUESTS {
        let path = PATHS[dice.roll(PATHS.len())];
        if matches!(path, "/close" | "/logout" | "/passwd") && dice.roll(10) > 0 {
            continue;
        }
        let target = format!("{path}{}?{}", dice.pieces(4), dice.form()).replace([' ', '"', '{', '}', '^', '\\'], "");
        let body = dice.form();
        let headers = if dice.roll(3) > 0 { vec![("Authorization", token.as_str())] } else { vec![] };
        let method = ["GET", "POST", "HEAD"][dice.roll(3)];
        let ask = Ask { method, target: &target, headers, body: body.as_bytes(), ..Ask::default() };
        if site.try_request(&ask).is_none() {
            continue;
        }
        let reply = site.send(&ask);
        assert!([200, 404, 405].contains(&reply.status), "{ask:?}: {}", reply.status);
        if method == "HEAD" {
            assert_eq!(reply.body, "", "{target}");
        } else if !path.starts_with("/export") || reply.status != 200 {
            assert!(reply.json().is_array() || reply.json().is_object(), "{target}");
        }
        successes += u64::from(reply.status == 200);
    }
    assert!(successes > REQUESTS / 10, "only {successes} requests met a route");
    assert_eq!(*site.faults.lock().expect("not poisoned"), Vec::<String>::new());
    // What was there is there still, unless one of them meant it.
    assert_eq!(site.get("/info/jon").status, 200);
}

#[test]
fn every_byte_in_a_name_is_answered() {
    let site = Site::new();
    site.join("jon");
    for byte in 0..=255_u8 {
        let name = encode(&[b'j', byte, b'n']);
        let reply = site.post("/create", &format!("username={name}&password=12345678"));
        assert_eq!(reply.status, 200, "{byte}");
        let target = format!("/get/{name}");
        if site.try_request(&Ask { method: "GET", target: &target, ..Ask::default() }).is_some() {
            assert!([200, 404].contains(&site.get(&target).status), "{byte}");
        }
    }
}
