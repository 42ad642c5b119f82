//! Hostile input: scripts in names, summaries, texts and files, huge and broken parameters.

use blerg_http::{Handler, Pace};

use super::site::{Site, encode};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)> javascript:alert(1) '";

/// Nothing that the attacker sent stands in the page as markup.
#[track_caller]
fn is_tame(text: &str) {
    for bad in ["<script", "<img src=x", "<svg", "href=\"javascript:", "\" onmouseover="] {
        assert!(!text.contains(bad), "{bad:?} in {text}");
    }
}

#[test]
fn scripts_are_text_wherever_they_are_put() {
    let site = Site::new();
    let ada = site.join("ada");
    let name = "<script>alert(1)< \"script>'";
    let page = format!("/wiki/{}", encode(name));
    let fields = [("text", EVIL), ("summary", EVIL), ("base", "0")];
    is_tame(ada.post(&page, &[fields[0], fields[1], fields[2], ("preview", "1")]).is(200).text());
    ada.post(&page, &[fields[0], fields[1], fields[2], ("save", "1")]).is(303);
    ada.upload(&format!("{page}?action=attach"), &[], &[("<svg onload=alert(1)>.txt", b"x")]).is(303);
    ada.write("Links", &format!("[[{name}]] [x](javascript:alert(1)) [y](data:text/html,x) ![z](javascript:1)"));
    for target in [
        page.clone(),
        format!("{page}?action=history"),
        format!("{page}?action=edit"),
        format!("{page}?action=diff"),
        format!("{page}?action=rename"),
        format!("{page}?action=attach"),
        format!("{page}?action=links"),
        format!("{page}?rev=1"),
        "/wiki/Links".to_owned(),
        "/wiki/Special:Recent".to_owned(),
        "/wiki/Special:All".to_owned(),
        format!("/wiki/Special:Search?q={}", encode(EVIL)),
        "/wiki/Special:Search?q=alert".to_owned(),
        format!("/wiki/Special:Login?return={}", encode(EVIL)),
        format!("/wiki/Home?action=attach&name={}", encode(EVIL)),
        format!("/wiki/{}", encode("No such <script>")),
        format!("/wiki/Special:{}", encode(EVIL)),
    ] {
        let reply = ada.get(&target);
        assert!(reply.status < 500, "{target}: {}", reply.status);
        is_tame(reply.text());
    }
    site.has_no_fault();
}

#[test]
fn a_text_that_ends_the_textarea_stays_inside() {
    let site = Site::new();
    let ada = site.join("ada");
    let text = "</textarea><script>alert(1)</script>";
    ada.write("Tea", text);
    let form = ada.get("/wiki/Tea?action=edit");
    is_tame(form.text());
    assert_eq!(form.typed(), text);
}

#[test]
fn huge_and_broken_parameters_are_refused_politely() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "x");
    let digits = "9".repeat(30);
    for target in [
        format!("/wiki/Tea?rev={digits}"),
        format!("/wiki/Tea?action=diff&from={digits}&to=-1"),
        format!("/wiki/Tea?action=history&before={digits}"),
        format!("/wiki/Tea?action=edit&section={digits}"),
        format!("/wiki/Special:Recent?before={digits}/x"),
        format!("/wiki/Special:Wanted?skip={}", u64::MAX),
        format!("/wiki/Special:Search?q=x&page={}", u64::MAX),
        format!("/wiki/Special:Search?q={}", "a+".repeat(3000)),
        format!("/wiki/Special:Search?q={}", encode("\"unfinished (or) AND ***")),
        format!("/wiki/{}", "x".repeat(201)),
        format!("/wiki/Tea/{}", "x".repeat(201)),
        "/wiki/Tea/x.png?version=99999999999".to_owned(),
        "/wiki/Special:All?after=%00".to_owned(),
        "/wiki/Special:Tags/a%20b".to_owned(),
    ] {
        let reply = ada.get(&target.replace("%00", "%01"));
        assert!(reply.status < 500, "{target}: {} {}", reply.status, reply.text());
    }
    let fields =
        [("text", "y"), ("base", digits.as_str()), ("section", "-3"), ("theirs", digits.as_str()), ("save", "1")];
    assert!(ada.post("/wiki/Tea", &fields).status < 500);
    let many: Vec<(String, &str)> = (0..300).map(|n| (format!("hunk-{n}"), "ours")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    ada.post("/wiki/Tea", &many).is(400);
    site.has_no_fault();
}

#[test]
fn bodies_that_are_no_forms_are_400() {
    let site = Site::new();
    let ada = site.join("ada");
    ada.write("Tea", "x");
    for (content_type, body) in [
        (
            "multipart/form-data; boundary=XX",
            b"--XX\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\ncut".to_vec(),
        ),
        ("multipart/form-data", b"--XX--".to_vec()),
        ("application/json", b"{}".to_vec()),
        ("multipart/form-data; boundary=XX", b"--XX\r\n\r\n\r\n".repeat(10_000)),
    ] {
        for target in ["/wiki/Tea", "/wiki/Tea?action=attach", "/wiki/Tea?action=rename"] {
            let mut ask = ada.ask("POST", target);
            ask.headers.push(("Content-Type", content_type.to_owned()));
            ask.body.clone_from(&body);
            site.send(&ask).is(400);
        }
    }
}

#[test]
fn bodies_have_limits_by_what_they_are_for() {
    let site = Site::new();
    let plan = |method, target: &str| site.wiki.plan(&site.request(&site.guest().ask(method, target)));
    assert_eq!(plan("GET", "/wiki/Tea").body_bytes_max, 0);
    assert_eq!(plan("POST", "/wiki/Tea?action=history").body_bytes_max, 0);
    // A text that is too long has to arrive, to be given back.
    assert_eq!(plan("POST", "/wiki/Tea").body_bytes_max, 4 << 20);
    assert_eq!(plan("POST", "/wiki/Tea?action=attach").body_bytes_max, (10 << 20) + (64 << 10));
    assert_eq!(plan("POST", "/wiki/Special:Login").body_bytes_max, 64 << 10);
    assert_eq!(plan("POST", "/wiki/a%2Fb").body_bytes_max, 0);
    // What hashes a password waits for its turn.
    assert_eq!(plan("POST", "/wiki/Special:Login").pace, Pace::Hashing);
    assert_eq!(plan("POST", "/wiki/Tea?action=edit&login=1").pace, Pace::Hashing);
    assert_eq!(plan("POST", "/wiki/Tea").pace, Pace::Slow);
    assert_eq!(plan("GET", "/wiki/Special:Style.css").pace, Pace::Quick);
}
