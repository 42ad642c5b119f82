//! Methods, bodies, cross-site POSTs, who asks: the rules for every endpoint.

use crate::site::{Ask, Site, encode};
use blerg_http::{FORM_BYTES_MAX, Handler, Pace};

#[test]
fn head_answers_like_get_without_a_body() {
    let site = Site::new();
    let jon = site.join("jon");
    jon.put("hi");
    let get = site.get("/get/jon");
    site.now_us.set(site.now_us.get() - 1_000_000);
    let head = site.send(&Ask { method: "HEAD", target: "/get/jon", ..Ask::default() });
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.headers, get.headers);
    assert_eq!(head.header("Content-Length"), Some(get.body.len().to_string().as_str()));
}

#[test]
fn any_other_method_is_405_with_what_is_allowed() {
    let site = Site::new();
    for method in ["PUT", "DELETE", "OPTIONS", "get", "PATCH", "TRACE"] {
        for (target, allow) in [("/get/jon", "GET, HEAD"), ("/put", "POST"), ("/feed", "GET, HEAD, POST")] {
            let reply = site.send(&Ask { method, target, ..Ask::default() });
            assert_eq!((reply.status, reply.header("Allow")), (405, Some(allow)), "{method} {target}");
            assert_eq!(reply.code(), "method_not_allowed");
        }
    }
    assert_eq!(site.get("/login?username=jon&password=correct+horse").status, 405);
    assert_eq!(site.post("/get/jon", "").status, 405);
}

#[test]
fn get_changes_nothing() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    jon.done("/subscribe/ada", "");
    ada.put("hello @jon");
    let before = jon.get("/status").body;
    assert_eq!(before, r#"{"feed_new":"1","mentioned":"1"}"#);
    for target in ["/status?clear=feed", "/feedinfo?clear=mentioned", "/status?username=jon&clear=feed", "/feed"] {
        assert_eq!(jon.get(target).status, 200);
    }
    assert_eq!(jon.get("/status").body, before);
    for target in ["/put?data=x", "/delete?record=0", "/subscribe/ada", "/unsubscribe/ada", "/logout", "/close"] {
        assert_eq!(jon.get(target).status, 405, "{target}");
    }
}

#[test]
fn nothing_at_a_path_is_404_with_a_failure() {
    let site = Site::new();
    for target in ["/", "/x", "/get", "/get/", "/get/jon/x/y", "/latest/x", "/create/", "/index.html", "/Get/jon"] {
        let reply = site.get(target);
        assert_eq!((reply.status, reply.code().as_str()), (404, "not_found"), "{target}");
        assert_eq!(reply.header("Content-Type"), Some("application/json"));
    }
}

#[test]
fn a_form_may_be_multipart() {
    let site = Site::new();
    let jon = site.join("jon");
    let body = "--x\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\nline\r\n#two\r\n--x--\r\n";
    let headers = vec![("Authorization", "Bearer T"), ("Content-Type", "multipart/form-data; boundary=x")];
    let bearer = format!("Bearer {}", jon.token);
    let headers: Vec<(&str, &str)> = headers
        .into_iter()
        .map(|(name, value)| (name, if value == "Bearer T" { bearer.as_str() } else { value }))
        .collect();
    let ask = Ask { method: "POST", target: "/put", headers, body: body.as_bytes(), ..Ask::default() };
    assert_eq!(site.send(&ask).body, r#"{"status":"success","record":"0"}"#);
    assert_eq!(site.get("/tag/Htwo").json()[0]["data"], "line\r\n#two");
    let cut = Ask { body: &body.as_bytes()[..body.len() - 20], ..ask };
    let reply = site.send(&cut);
    assert_eq!((reply.status, reply.code().as_str()), (400, "bad_form"));
}

#[test]
fn a_body_that_is_no_form_is_400() {
    let site = Site::new();
    let jon = site.join("jon");
    let bearer = format!("Bearer {}", jon.token);
    let headers = vec![("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let ask = Ask { method: "POST", target: "/put", headers, body: br#"{"data":"x"}"#, ..Ask::default() };
    let reply = site.send(&ask);
    assert_eq!((reply.status, reply.code().as_str()), (400, "bad_form"));
    assert_eq!(site.get("/get/jon").body, "[]");
}

#[test]
fn only_posts_have_bodies_and_they_have_a_limit() {
    let site = Site::new();
    let plan = |method, target| site.api.plan(&site.request(&Ask { method, target, ..Ask::default() }));
    assert_eq!(plan("POST", "/put").body_bytes_max, FORM_BYTES_MAX);
    assert_eq!(plan("GET", "/get/jon").body_bytes_max, 0);
    // The longest record in its longest writing fits.
    const { assert!(FORM_BYTES_MAX > 3 * 65_535 + 1024) };
}

#[test]
fn what_anonymous_visitors_read_is_quick_and_the_rest_is_not() {
    let site = Site::new();
    let pace = |method, target| site.api.plan(&site.request(&Ask { method, target, ..Ask::default() })).pace;
    for target in [
        "/get/jon",
        "/get/jon/0-9",
        "/info/jon",
        "/tag/Hx",
        "/tag/Hx/0-9",
        "/taginfo/Hx",
        "/latest",
        "/latest/tags",
        "/thread/jon/0",
        "/nowhere",
    ] {
        assert_eq!(pace("GET", target), Pace::Quick, "{target}");
        assert_eq!(pace("HEAD", target), Pace::Quick, "{target}");
    }
    for target in
        ["/search?q=x", "/feed", "/feedinfo", "/status", "/status/jon", "/sessions", "/history/jon/0", "/export"]
    {
        assert_eq!(pace("GET", target), Pace::Slow, "{target}");
    }
    for target in ["/logout", "/put", "/edit", "/delete", "/subscribe/jon", "/status", "/feed"] {
        assert_eq!(pace("POST", target), Pace::Slow, "{target}");
    }
    for target in ["/create", "/login", "/passwd", "/close"] {
        assert_eq!(pace("POST", target), Pace::Hashing, "{target}");
    }
}

#[test]
fn anonymous_reading_opens_no_database() {
    let site = Site::new();
    site.store.log().expect("a new log");
    for target in ["/get/jon", "/info/jon", "/tag/Hx", "/tag/Ha,Hb", "/taginfo/Hx", "/latest", "/latest/tags"] {
        site.get(target);
    }
    let names: Vec<String> = std::fs::read_dir(site.store.dir())
        .expect("the data directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.contains("sqlite") || name.ends_with(".db")), "{names:?}");
}

#[test]
fn posts_of_other_sites_are_403_and_change_nothing() {
    let site = Site::new();
    let jon = site.join("jon");
    let cookie = format!("auth={}", jon.token);
    let check = |header: Option<(&str, &str)>, status: u16| {
        let mut headers = vec![("Cookie", cookie.as_str())];
        headers.extend(header);
        let reply = site.send(&Ask { method: "POST", target: "/put", headers, body: b"data=x", ..Ask::default() });
        assert_eq!(reply.status, status, "{header:?}");
        if status == 403 {
            assert_eq!(reply.code(), "cross_site");
        }
    };
    check(None, 200);
    check(Some(("Sec-Fetch-Site", "same-origin")), 200);
    check(Some(("Sec-Fetch-Site", "none")), 200);
    check(Some(("Origin", "http://example.org")), 200);
    check(Some(("Sec-Fetch-Site", "cross-site")), 403);
    check(Some(("Sec-Fetch-Site", "same-site")), 403);
    check(Some(("Origin", "http://evil.example")), 403);
    check(Some(("Origin", "null")), 403);
    assert_eq!(site.get("/info/jon").json()["record_count"], "4");
    // Also where nobody is logged in yet: a foreign page must not log a visitor in as somebody else.
    let headers = vec![("Sec-Fetch-Site", "cross-site")];
    let body = b"username=jon&password=correct+horse";
    let reply = site.send(&Ask { method: "POST", target: "/login", headers, body, ..Ask::default() });
    assert_eq!((reply.status, reply.header("Set-Cookie")), (403, None));
    // A GET from anywhere is harmless.
    let headers = vec![("Sec-Fetch-Site", "cross-site")];
    assert_eq!(site.send(&Ask { method: "GET", target: "/get/jon", headers, ..Ask::default() }).status, 200);
}

#[test]
fn a_username_that_names_somebody_else_is_a_failure_everywhere() {
    let site = Site::new();
    let (jon, _ada) = (site.join("jon"), site.join("ada"));
    jon.put("x");
    for (target, body) in [
        ("/logout", ""),
        ("/passwd", "&password=correct+horse&new_password=12345678"),
        ("/put", "&data=x"),
        ("/edit", "&record=0&data=y"),
        ("/delete", "&record=0"),
        ("/sessions", "&revoke=others"),
        ("/close", "&password=correct+horse"),
        ("/subscribe/ada", ""),
        ("/unsubscribe/ada", ""),
        ("/feed", ""),
        ("/feedinfo", ""),
        ("/feedinfo/ada", ""),
        ("/status", "&clear=feed"),
        ("/status/ada", ""),
    ] {
        let reply = jon.post(target, &format!("username=ada{body}"));
        assert_eq!((reply.status, reply.code().as_str()), (200, "wrong_username"), "{target}");
        // Without any cookie the same request is told so, whoever it names.
        assert_eq!(site.post(target, &format!("username=jon{body}")).code(), "not_logged_in", "{target}");
    }
    assert_eq!(site.get("/get/jon").json()[0]["data"], "x");
    // Case does not matter, and the name may be left out.
    jon.done("/edit", "username=JON&record=0&data=y");
    jon.done("/edit", "record=0&data=z");
}

#[test]
fn private_routes_are_failures_without_a_valid_token() {
    let site = Site::new();
    site.join("jon");
    for target in
        ["/sessions", "/feed", "/feedinfo", "/feedinfo/jon", "/status", "/status/jon", "/export", "/history/jon/0"]
    {
        for header in
            [None, Some(("Cookie", "auth=")), Some(("Cookie", "auth=zz; x=y")), Some(("Authorization", "Bearer 00"))]
        {
            let headers = header.into_iter().collect();
            let reply = site.send(&Ask { method: "GET", target, headers, ..Ask::default() });
            assert_eq!((reply.status, reply.code().as_str()), (200, "not_logged_in"), "{target} {header:?}");
            assert_eq!(reply.header("Cache-Control"), Some("no-store"));
        }
    }
}

#[test]
fn a_cookie_that_echoes_its_attributes_is_understood() {
    let site = Site::new();
    let jon = site.join("jon");
    let token = &jon.token;
    for cookie in [
        format!("auth={token}; Path=/; HttpOnly; SameSite=Lax"),
        format!("other=1; auth={token}; Max-Age=31622400"),
        format!("$Version=1; auth=\"{token}\"; $Path=/"),
        format!("auth={token};"),
    ] {
        let headers = vec![("Cookie", cookie.as_str())];
        let reply = site.send(&Ask { method: "GET", target: "/status", headers, ..Ask::default() });
        assert_eq!(reply.body, r#"{"feed_new":"0","mentioned":"0"}"#, "{cookie}");
    }
}

#[test]
fn a_bearer_token_is_as_good_as_a_cookie_and_wins() {
    let site = Site::new();
    let (jon, ada) = (site.join("jon"), site.join("ada"));
    let (bearer, cookie) = (format!("bearer {}", jon.token), format!("auth={}", ada.token));
    let headers = vec![("Cookie", cookie.as_str()), ("Authorization", bearer.as_str())];
    let ask = Ask { method: "POST", target: "/put", headers, body: b"username=jon&data=x", ..Ask::default() };
    assert_eq!(site.send(&ask).body, r#"{"status":"success","record":"0"}"#);
}

#[test]
fn parameters_that_are_missing_or_not_utf8_are_named() {
    let site = Site::new();
    let jon = site.join("jon");
    for (target, body, name) in [
        ("/put", "", "data"),
        ("/edit", "data=x", "record"),
        ("/edit", "record=0", "data"),
        ("/delete", "", "record"),
        ("/passwd", "password=x", "new_password"),
        ("/passwd", "new_password=x", "password"),
        ("/close", "", "password"),
        ("/sessions", "", "revoke"),
        ("/create", "username=x", "password"),
        ("/create", "password=x", "username"),
        ("/login", "username=x", "password"),
        ("/login", "password=x", "username"),
    ] {
        let reply = jon.post(target, body);
        assert_eq!((reply.status, reply.code().as_str()), (200, "missing_parameter"), "{target}");
        assert!(reply.json()["reason"].as_str().expect("a reason").contains(name), "{}", reply.body);
    }
    assert_eq!(site.get("/search").code(), "missing_parameter");
    let broken = encode(b"\xff");
    assert_eq!(jon.post("/put", &format!("username={broken}&data=x")).code(), "bad_parameter");
    assert_eq!(jon.post("/delete", &format!("record={broken}")).code(), "bad_parameter");
    assert_eq!(jon.post("/delete", "record=-1").code(), "bad_parameter");
    assert_eq!(jon.post("/delete", "record=18446744073709551616").code(), "bad_parameter");
    assert_eq!(jon.post("/delete", "record=18446744073709551615").code(), "no_such_record");
}
