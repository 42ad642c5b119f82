//! Answers as they leave: what no handler can forget, and what no data can split.

use super::*;
use crate::CookieSpec;

fn value<'a>(sealed: &'a Sealed, name: &str) -> Option<&'a str> {
    sealed.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_ref())
}

fn bytes(body: &Body) -> &[u8] {
    match body {
        Body::Bytes(bytes) => bytes,
        Body::Stream(_) => panic!("a stream"),
    }
}

#[test]
fn every_answer_carries_length_and_security_headers() {
    for response in [Response::json("[]".to_owned()), Response::html(404, "x"), Refusal::OVERLOAD.response()] {
        let sealed = response.seal(Method::Get);
        assert_eq!(value(&sealed, "Content-Length"), Some(bytes(&sealed.body).len().to_string().as_str()));
        assert_eq!(value(&sealed, "X-Content-Type-Options"), Some("nosniff"));
        assert!(value(&sealed, "Content-Security-Policy").is_some_and(|policy| !policy.contains("unsafe")));
        assert!(value(&sealed, "Cache-Control").is_some());
    }
}

#[test]
fn pages_may_load_our_own_files_and_data_nothing() {
    let page = Response::html(200, "x").seal(Method::Get);
    assert!(value(&page, "Content-Security-Policy").is_some_and(|policy| policy.contains("script-src 'self'")));
    let data = Response::json("[]".to_owned()).seal(Method::Get);
    assert!(value(&data, "Content-Security-Policy").is_some_and(|policy| policy.contains("sandbox")));
    let own = Response::html(200, "x").header("Content-Security-Policy", "default-src 'none'").seal(Method::Get);
    assert_eq!(own.headers.iter().filter(|(name, _)| *name == "Content-Security-Policy").count(), 1);
}

#[test]
fn values_cannot_split_a_header() {
    let hostile = "a\r\nSet-Cookie: x=y\r\n\r\n<script>\0\x7f\u{85}é";
    let sealed = Response::text(200, "x").header("Location", hostile).seal(Method::Get);
    assert_eq!(value(&sealed, "Location"), Some("aSet-Cookie: x=y<script>é"));
    let validators = Validators { etag: "a\"b\r\nc d".to_owned(), last_modified_secs: 0 };
    let sealed = Response::text(200, "x").validators(&validators).seal(Method::Get);
    assert_eq!(value(&sealed, "ETag"), Some("\"abcd\""));
}

#[test]
fn head_has_the_length_and_not_the_body() {
    let sealed = Response::json("[1,2]".to_owned()).seal(Method::Head);
    assert_eq!(value(&sealed, "Content-Length"), Some("5"));
    assert_eq!(bytes(&sealed.body), b"");
}

#[test]
fn not_modified_has_validators_and_no_body() {
    let validators = Validators { etag: "v1".to_owned(), last_modified_secs: 1_294_309_438 };
    let sealed = Response::not_modified(&validators).seal(Method::Get);
    assert_eq!(sealed.status, 304);
    assert_eq!(value(&sealed, "ETag"), Some("\"v1\""));
    assert_eq!(value(&sealed, "Last-Modified"), Some("Thu, 06 Jan 2011 10:23:58 GMT"));
    assert_eq!(value(&sealed, "Content-Length"), None);
    assert_eq!(bytes(&sealed.body), b"");
}

#[test]
fn not_modified_says_nothing_of_the_policy_that_the_copy_came_with() {
    let validators = Validators { etag: "v1".to_owned(), last_modified_secs: 0 };
    let sealed = Response::not_modified(&validators).seal(Method::Get);
    assert_eq!(value(&sealed, "Content-Security-Policy"), None);
    assert_eq!(value(&sealed, "X-Content-Type-Options"), Some("nosniff"));
    let own = Response::not_modified(&validators).header("Content-Security-Policy", "default-src 'self'");
    assert_eq!(value(&own.seal(Method::Get), "Content-Security-Policy"), Some("default-src 'self'"));
}

#[test]
fn answers_with_validators_are_asked_about_and_others_not_kept() {
    let validators = Validators { etag: "v1".to_owned(), last_modified_secs: 0 };
    let cache = |response: Response| value(&response.seal(Method::Get), "Cache-Control").map(str::to_owned);
    assert_eq!(cache(Response::json(String::new())).as_deref(), Some("no-store"));
    assert_eq!(cache(Response::json(String::new()).validators(&validators)).as_deref(), Some("no-cache"));
    assert_eq!(cache(Response::json(String::new()).cache("max-age=60")).as_deref(), Some("max-age=60"));
}

#[test]
fn cookies_stand_first_in_their_order() {
    let cookie = |name| CookieSpec { name, value: "v", path: "/", https: false, max_age_secs: 1 };
    let response = Response::json("{}".to_owned()).header("X-A", "b");
    let sealed = response.set_cookie(&cookie("auth")).set_cookie(&cookie("second")).seal(Method::Post);
    let names: Vec<&str> = sealed.headers.iter().take(3).map(|(name, _)| *name).collect();
    assert_eq!(names, ["Set-Cookie", "Set-Cookie", "Content-Type"]);
    assert!(sealed.headers.first().is_some_and(|(_, value)| value.starts_with("auth=v; Path=/")));
}

#[test]
fn streams_have_no_length_and_leave_as_they_are() {
    let response = Response::stream("application/jsonl", Box::new([Ok(b"a".to_vec()), Ok(b"b".to_vec())].into_iter()));
    let sealed = response.seal(Method::Get);
    assert_eq!(value(&sealed, "Content-Length"), None);
    let Body::Stream(pieces) = sealed.body else { panic!("no stream") };
    assert_eq!(pieces.map(|piece| piece.expect("a piece")).collect::<Vec<_>>(), [b"a", b"b"]);
}

#[test]
fn refusals_are_json_failures() {
    let sealed = Refusal::OVERLOAD.response().seal(Method::Post);
    assert_eq!(sealed.status, 503);
    assert_eq!(value(&sealed, "Retry-After"), Some("2"));
    let want = br#"{"status":"failure","code":"busy","reason":"The site is busy; try again soon."}"#;
    assert_eq!(bytes(&sealed.body), want);
    let sealed = Response::method_not_allowed("GET, HEAD").seal(Method::Other);
    assert_eq!((sealed.status, value(&sealed, "Allow")), (405, Some("GET, HEAD")));
}
