//! Signing up, in and out; passwords; sessions; leaving.

use crate::site::{Ask, Site, User, encode, settings};
use blerg_http::TOKENS_MAX;
use blerg_store::{Limits, Rate, Registration};

#[test]
fn names_follow_the_rules() {
    let site = Site::new();
    let create = |name: &[u8]| site.post("/create", &format!("username={}&password=12345678", encode(name))).code();
    for good in ["jon", "a", "O'Hara Jr.", "A-b_c.d", "...a", &"x".repeat(32)] {
        assert_eq!(create(good.as_bytes()), "", "{good}");
    }
    let long = "y".repeat(33);
    for bad in ["", ".", "..", " a", "a ", "a  b", "a/b", "a\nb", "é", "a\0", "a#b", "a,b", long.as_str()] {
        assert_eq!(create(bad.as_bytes()), "bad_username", "{bad:?}");
    }
    assert_eq!(create(b"\xff\xfe"), "bad_parameter");
    for taken in ["JON", "jOn", "o'hara jr."] {
        assert_eq!(create(taken.as_bytes()), "name_taken", "{taken}");
    }
}

#[test]
fn names_keep_their_spelling_and_compare_without_case() {
    let site = Site::new();
    let jon = site.join("JoN");
    jon.put("hi #tag");
    let got = site.get("/get/jOn");
    assert_eq!(got.records(), [0]);
    assert_eq!(site.get("/tag/Htag").json()[0]["author"], "JoN");
    site.login("username=jon&password=correct+horse");
}

#[test]
fn sign_up_says_when_a_name_cannot_be_mentioned() {
    let site = Site::new();
    let reply = site.post("/create", "username=O%27Hara&password=12345678");
    assert_eq!(reply.json()["status"], "success");
    assert!(reply.json()["notice"].as_str().expect("a notice").contains('@'));
    assert_eq!(site.post("/create", "username=jon&password=12345678").body, r#"{"status":"success"}"#);
}

#[test]
fn passwords_are_bytes_of_a_bounded_length() {
    let site = Site::new();
    let create = |name: &str, password: &[u8]| {
        site.post("/create", &format!("username={name}&password={}", encode(password))).code()
    };
    assert_eq!(create("a", b"1234567"), "bad_password");
    assert_eq!(create("a", &[b'x'; 65]), "bad_password");
    assert_eq!(create("a", &[0; 64]), "");
    assert_eq!(create("b", b"nul\0\xff\xfe12"), "");
    let login = |name: &str, password: &[u8]| {
        site.post("/login", &format!("username={name}&password={}", encode(password))).code()
    };
    assert_eq!(login("a", &[0; 64]), "");
    assert_eq!(login("a", &[0; 63]), "wrong_password");
    assert_eq!(login("b", b"nul\0\xff\xfe12"), "");
    assert_eq!(login("b", b"nul\0\xff\xfe13"), "wrong_password");
    assert_eq!(login("b", b"nul"), "wrong_password");
}

#[test]
fn a_wrong_name_and_a_wrong_password_are_one_failure() {
    let site = Site::new();
    site.join("jon");
    let wrong = site.post("/login", "username=jon&password=wrong+horse");
    assert_eq!((wrong.status, wrong.code().as_str()), (200, "wrong_password"));
    for body in ["username=nobody&password=correct+horse", "username=..&password=correct+horse", "username=&password="]
    {
        let reply = site.post("/login", body);
        assert_eq!((reply.status, &reply.body), (200, &wrong.body), "{body}");
        assert_eq!(reply.header("Set-Cookie"), None);
    }
}

#[test]
fn registration_can_be_closed_or_by_invitation() {
    let site = Site::with(blerg_store::Settings { registration: Registration::Closed, ..settings() });
    assert_eq!(site.post("/create", "username=jon&password=12345678").code(), "registration_closed");
    let site = Site::with(blerg_store::Settings { registration: Registration::Invite, ..settings() });
    assert_eq!(site.post("/create", "username=jon&password=12345678").code(), "bad_invite");
    assert_eq!(site.post("/create", "username=jon&password=12345678&invite=x").code(), "bad_invite");
    let code = site.store.create_invite(site.now_us.get(), 3600).expect("an invitation");
    let body = |name: &str| format!("username={name}&password=12345678&invite={code}");
    assert_eq!(site.post("/create", &body("jon")).body, r#"{"status":"success"}"#);
    assert_eq!(site.post("/create", &body("ada")).code(), "bad_invite");
}

#[test]
fn the_cookie_is_first_bound_to_the_site_and_closed_to_scripts() {
    let site = Site::new();
    site.join("jon");
    let login = |ask: Ask<'_>| site.send(&Ask { method: "POST", body: b"username=jon&password=correct+horse", ..ask });
    let reply = login(Ask { target: "/login", ..Ask::default() });
    assert_eq!(reply.headers[0].0, "Set-Cookie");
    let cookie = &reply.headers[0].1;
    assert!(cookie.starts_with("auth=") && cookie[5..69].bytes().all(|byte| byte.is_ascii_hexdigit()), "{cookie}");
    assert_eq!(&cookie[69..], "; Path=/; Max-Age=31622400; HttpOnly; SameSite=Lax");
    // Neighbours on the host never see it, wherever the program is mounted; under HTTPS it never leaves HTTPS.
    for (target, script_name) in [("/blog/login", "/blog/blerg.cgi"), ("/blog/blerg.cgi/login", "/blog/blerg.cgi")] {
        let reply = login(Ask { target, script_name, https: true, ..Ask::default() });
        assert_eq!(
            &reply.headers[0].1[69..],
            "; Path=/blog/; Max-Age=31622400; HttpOnly; SameSite=Lax; Secure",
            "{target}"
        );
    }
}

#[test]
fn logout_ends_the_session_that_asks() {
    let site = Site::new();
    let jon = site.join("jon");
    let other = User { site: &site, token: site.login("username=jon&password=correct+horse") };
    let reply = jon.post("/logout", "username=jon");
    assert_eq!(reply.body, r#"{"status":"success"}"#);
    assert_eq!(reply.header("Set-Cookie"), Some("auth=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    assert_eq!(jon.post("/logout", "username=jon").code(), "not_logged_in");
    assert_eq!(jon.get("/status").code(), "not_logged_in");
    assert_eq!(other.get("/status").code(), "");
}

#[test]
fn a_stale_cookie_hides_no_good_one() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    let code = |cookie: &str, bearer: &str| {
        let mut headers = vec![("Cookie", cookie)];
        if !bearer.is_empty() {
            headers.push(("Authorization", bearer));
        }
        site.send(&Ask { method: "POST", target: "/status", headers, body: b"username=jon", ..Ask::default() }).code()
    };
    let (good, others) = (format!("auth={}", jon.token), format!("auth={}", ada.token));
    let stale = format!("auth={}", "0".repeat(64));
    assert_eq!(code(&format!("{stale}; {good}"), ""), "");
    assert_eq!(code(&format!("auth=; auth=x; {stale}; {good}"), ""), "");
    assert_eq!(code(&format!("{good}; {others}"), ""), "", "the first good one counts");
    assert_eq!(code(&format!("{others}; {good}"), ""), "wrong_username");
    assert_eq!(code(&good, "Bearer 0000"), "not_logged_in", "a token that was sent on purpose stands alone");
    let stale_ones = |number: usize| format!("{stale}; ").repeat(number);
    assert_eq!(code(&format!("{}{good}", stale_ones(TOKENS_MAX - 1)), ""), "");
    assert_eq!(code(&format!("{}{good}", stale_ones(TOKENS_MAX)), ""), "not_logged_in");
    // The session that is good is the one that ends.
    let cookie = format!("{stale}; {good}");
    let headers = vec![("Cookie", cookie.as_str())];
    let reply = site.send(&Ask { method: "POST", target: "/logout", headers, ..Ask::default() });
    assert_eq!(reply.body, r#"{"status":"success"}"#);
    assert_eq!(code(&good, ""), "not_logged_in");
}

#[test]
fn changing_the_password_ends_the_other_sessions() {
    let site = Site::new();
    let jon = site.join("jon");
    let other = User { site: &site, token: site.login("username=jon&password=correct+horse") };
    assert_eq!(jon.post("/passwd", "password=wrong&new_password=battery+staple").code(), "wrong_password");
    assert_eq!(jon.post("/passwd", "password=correct+horse&new_password=short").code(), "bad_password");
    assert_eq!(other.get("/status").code(), "");
    jon.done("/passwd", "username=jon&password=correct+horse&new_password=battery+staple");
    assert_eq!(jon.get("/status").code(), "");
    assert_eq!(other.get("/status").code(), "not_logged_in");
    assert_eq!(site.post("/login", "username=jon&password=correct+horse").code(), "wrong_password");
    site.login("username=jon&password=battery+staple");
}

#[test]
fn sessions_are_listed_and_revoked_one_by_one_or_all_others() {
    let site = Site::new();
    let jon = site.join("jon");
    let ada = site.join("ada");
    let more: Vec<User<'_>> =
        (0..2).map(|_| User { site: &site, token: site.login("username=jon&password=correct+horse") }).collect();
    let list = jon.get("/sessions").json();
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 3);
    let current: Vec<bool> = list.iter().map(|session| session["current"].as_bool().expect("a truth value")).collect();
    assert_eq!(current.iter().filter(|current| **current).count(), 1);
    assert!(list.iter().all(|session| session["remote"] == "192.0.2.1" && session["created"].is_u64()));
    let last = more[1].get("/sessions").json();
    let last = last.as_array().expect("a list").iter().find(|session| session["current"] == true).expect("itself");
    let id = last["id"].as_str().expect("a string").to_owned();
    assert_eq!(ada.post("/sessions", &format!("revoke={id}")).code(), "no_such_session");
    jon.done("/sessions", &format!("username=jon&revoke={id}"));
    assert_eq!(more[1].get("/status").code(), "not_logged_in");
    assert_eq!(more[0].get("/status").code(), "");
    assert_eq!(jon.post("/sessions", &format!("revoke={id}")).code(), "no_such_session");
    assert_eq!(jon.post("/sessions", "revoke=everything").code(), "bad_parameter");
    jon.done("/sessions", "revoke=others");
    assert_eq!(more[0].get("/status").code(), "not_logged_in");
    assert_eq!(jon.get("/sessions").json().as_array().expect("a list").len(), 1);
    assert_eq!(ada.get("/status").code(), "");
}

#[test]
fn who_leaves_takes_everything_but_the_name() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    jon.put("first #tag @ada");
    ada.put_with("reply", "&reply_to=jon/0");
    ada.done("/subscribe/jon", "");
    jon.done("/subscribe/ada", "");
    assert_eq!(jon.post("/close", "password=wrong").code(), "wrong_password");
    let reply = jon.post("/close", "username=jon&password=correct+horse");
    assert_eq!(reply.body, r#"{"status":"success"}"#);
    assert_eq!(reply.header("Set-Cookie"), Some("auth=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"));
    for target in ["/get/jon", "/get/jon/0-9", "/info/jon", "/thread/jon/0"] {
        assert_eq!((site.get(target).status, site.get(target).code().as_str()), (404, "no_such_user"), "{target}");
    }
    for target in ["/tag/Htag", "/tag/@ada", "/search?q=first", "/tag/Htag,@ada"] {
        assert_eq!(site.get(target).body, "[]", "{target}");
    }
    assert_eq!(site.get("/latest").records(), [0]);
    assert_eq!(ada.get("/feed").body, "[]");
    assert_eq!(ada.get("/status").body, r#"{"feed_new":"0","mentioned":"0"}"#);
    assert_eq!(site.get("/get/ada").json()[0].get("reply_to"), None);
    let thread = site.get("/thread/ada/0").json();
    assert_eq!((thread.get("reply_to"), &thread["record"]["data"]), (None, &"reply".into()));
    assert_eq!(site.get("/info/ada").json()["following"], "0");
    assert_eq!(jon.get("/status").code(), "not_logged_in");
    assert_eq!(site.post("/login", "username=jon&password=correct+horse").code(), "wrong_password");
    assert_eq!(site.post("/create", "username=Jon&password=12345678").code(), "name_taken");
    assert_eq!(ada.post("/subscribe/jon", "").status, 404);
}

#[test]
fn too_many_tries_are_429_with_the_time_to_wait() {
    let rate = Rate { tries: 2, window_secs: 60 };
    let limits = Limits { login: rate, create: rate, put: rate, look: rate, small: rate };
    let site = Site::with(blerg_store::Settings { limits, ..settings() });
    let jon = site.join("jon");
    jon.put("one");
    jon.put("two");
    let reply = jon.post("/put", "data=three");
    assert_eq!((reply.status, reply.code().as_str()), (429, "too_many_requests"));
    let wait: u64 = reply.header("Retry-After").expect("a time").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(jon.post("/edit", "record=0&data=x").status, 429);
    assert_eq!(jon.post("/delete", "record=0").status, 429);
    // A put that is wrong anyway costs nothing, and reading goes on.
    assert_eq!(jon.post("/put", "data=").code(), "bad_data");
    assert_eq!(site.get("/get/jon").records(), [1, 0]);
    site.wait(wait);
    assert_eq!(jon.put("three"), 2);
    for _ in 0..2 {
        site.post("/login", "username=jon&password=wrong+horse");
    }
    let reply = site.post("/login", "username=jon&password=correct+horse");
    assert_eq!((reply.status, reply.header("Retry-After").is_some()), (429, true));
    site.post("/create", "username=a&password=12345678");
    site.post("/create", "username=b&password=12345678");
    assert_eq!(site.post("/create", "username=c&password=12345678").status, 429);
}

#[test]
fn subscriptions_marks_and_ended_sessions_are_429_beyond_the_limit() {
    let limits = Limits { small: Rate { tries: 4, window_secs: 60 }, ..Limits::OFF };
    let site = Site::with(blerg_store::Settings { limits, ..settings() });
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    let changes = [
        ("/subscribe/ada", ""),
        ("/subscribe/ada", "subscribed=false"),
        ("/unsubscribe/ada", ""),
        ("/status", "clear=feed"),
        ("/feedinfo", "clear=mentioned"),
        ("/sessions", "revoke=others"),
        ("/sessions", "revoke=1"),
    ];
    for (target, _) in changes.iter().take(4) {
        assert_eq!(jon.post(target, "clear=feed").status, 200, "{target}");
    }
    for (target, form) in changes {
        let reply = jon.post(target, form);
        assert_eq!((reply.status, reply.code().as_str()), (429, "too_many_requests"), "{target} {form}");
        let wait: u64 = reply.header("Retry-After").expect("a time").parse().expect("seconds");
        assert!((1..=60).contains(&wait), "{wait}");
    }
    // The address counts, too; what is wrong anyway, what changes nothing, writing and reading cost nothing.
    assert_eq!(ada.post("/subscribe/jon", "").status, 429);
    assert_eq!(jon.post("/subscribe/nobody", "").status, 404);
    assert_eq!(jon.post("/sessions", "revoke=x").code(), "bad_parameter");
    assert_eq!((jon.post("/status", "").status, jon.get("/status").status, jon.get("/feed").status), (200, 200, 200));
    jon.put("still written");
    site.wait(60);
    assert_eq!(ada.post("/subscribe/jon", "").body, r#"{"status":"success"}"#);
}
