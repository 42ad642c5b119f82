//! Where a request leads and where the program stands, as tables: what each server sends (API.md), root and
//! sub-directory, with rewriting and without.

use crate::{BaseUrl, Front, Incoming, Refusal};

/// SCRIPT_NAME, PATH_INFO, REQUEST_URI.
type Sent<'a> = (&'a str, &'a str, &'a str);

fn accept(base: Option<&str>, sent: Sent<'_>) -> Result<crate::Request, Refusal> {
    let (script, info, uri) = sent;
    let front = Front { base_url: base.map(|base| BaseUrl::parse(base).expect("a URL")), ..Front::default() };
    let target = (!uri.is_empty()).then_some(uri.as_bytes());
    let (script_name, path_info) = (script.as_bytes(), info.as_bytes());
    front.accept(Incoming { method: b"GET", target, script_name, path_info, ..Incoming::default() }, 0)
}

#[track_caller]
fn check_based(base: Option<&str>, sent: Sent<'_>, path: &str, mount: &str, site: &str) {
    let request = accept(base, sent).expect("a request");
    assert_eq!((request.path.as_str(), request.mount.as_str(), request.site.as_str()), (path, mount, site), "{sent:?}");
}

#[track_caller]
fn check(sent: Sent<'_>, path: &str, mount: &str, site: &str) {
    check_based(None, sent, path, mount, site);
}

#[test]
fn a_script_called_by_its_name() {
    check(("/blerg.cgi", "/get/jon", "/blerg.cgi/get/jon"), "/get/jon", "/blerg.cgi/", "/");
    check(("/blog/blerg.cgi", "/get/jon", "/blog/blerg.cgi/get/jon"), "/get/jon", "/blog/blerg.cgi/", "/blog/");
    check(
        ("/cgi-bin/blerg.cgi", "/get/jon", "/cgi-bin/blerg.cgi/get/jon"),
        "/get/jon",
        "/cgi-bin/blerg.cgi/",
        "/cgi-bin/",
    );
    check(("/blog/blerg.cgi", "", "/blog/blerg.cgi"), "/", "/blog/blerg.cgi/", "/blog/");
    check(("/blog/blerg.cgi", "/", "/blog/blerg.cgi/"), "/", "/blog/blerg.cgi/", "/blog/");
    check(("/cgi_blerg", "/get/jon", "/cgi_blerg/get/jon"), "/get/jon", "/cgi_blerg/", "/");
    check(
        ("/~jon/b c/blerg.cgi", "/latest", "/~jon/b%20c/blerg.cgi/latest"),
        "/latest",
        "/~jon/b%20c/blerg.cgi/",
        "/~jon/b%20c/",
    );
}

#[test]
fn a_rewritten_request() {
    // Without capture, or FallbackResource: PATH_INFO is empty.
    check(("/blerg.cgi", "", "/get/jon"), "/get/jon", "/", "/");
    check(("/blog/blerg.cgi", "", "/blog/get/jon"), "/get/jon", "/blog/", "/blog/");
    // With capture: PATH_INFO is there, and may have lost the tag.
    check(("/blog/blerg.cgi", "/get/jon", "/blog/get/jon"), "/get/jon", "/blog/", "/blog/");
    check(("/blog/blerg.cgi", "/tag/", "/blog/tag/%23rust"), "/tag/#rust", "/blog/", "/blog/");
    check(("/blog/blerg.cgi", "/get/100%", "/blog/get/100%25"), "/get/100%", "/blog/", "/blog/");
    check(("/blog/blerg.cgi", "", "/blog/"), "/", "/blog/", "/blog/");
    // From a directory to a program elsewhere: what stands before PATH_INFO is the mount.
    check(("/cgi-bin/blerg.cgi", "/get/jon", "/blog/get/jon"), "/get/jon", "/blog/", "/blog/");
    // Beyond recognition.
    check(("/cgi-bin/blerg.cgi", "/get/jon", "/people/jon"), "/get/jon", "/cgi-bin/blerg.cgi/", "/cgi-bin/");
}

#[test]
fn a_fastcgi_back_end() {
    check(("", "/get/jon", "/get/jon"), "/get/jon", "/", "/");
    check(("/", "/get/jon", "/get/jon"), "/get/jon", "/", "/");
    check(("", "", "/get/jon"), "/get/jon", "/", "/");
    check(("/blog", "/get/jon", "/blog/get/jon"), "/get/jon", "/blog/", "/blog/");
    check(("/blog", "/", "/blog/"), "/", "/blog/", "/blog/");
    check(("/blog/blerg.fcgi", "", "/blog/get/jon"), "/get/jon", "/blog/", "/blog/");
    // nginx's fastcgi_params alone, mod_proxy_fcgi with GENERIC: the whole path is SCRIPT_NAME.
    check(("/get/jon", "", "/get/jon"), "/get/jon", "/", "/");
    check(("/tag/#rust", "", "/tag/%23rust"), "/tag/#rust", "/", "/");
}

#[test]
fn the_public_roots_path_is_the_mount_where_it_fits() {
    let base = Some("https://example.org/blog/");
    check_based(base, ("/blog/get/jon", "", "/blog/get/jon"), "/get/jon", "/blog/", "/blog/");
    check_based(base, ("/blog/get", "/jon", "/blog/get/jon"), "/get/jon", "/blog/", "/blog/");
    check_based(
        base,
        ("/blog/blerg.cgi", "/get/jon", "/blog/blerg.cgi/get/jon"),
        "/get/jon",
        "/blog/blerg.cgi/",
        "/blog/",
    );
    check_based(base, ("/blog/blerg.cgi", "", "/blog/get/jon"), "/get/jon", "/blog/", "/blog/");
    // A proxy that takes the prefix away.
    check_based(base, ("", "", "/get/jon"), "/get/jon", "/", "/");
}

#[test]
fn no_request_uri_leaves_path_info() {
    check(("/blog/blerg.cgi", "/tag/#rust", ""), "/tag/#rust", "/blog/blerg.cgi/", "/blog/");
    check(("", "/get/jon", ""), "/get/jon", "/", "/");
    check(("", "", ""), "/", "/", "/");
}

#[track_caller]
fn check_path(uri: &str, want: &str) {
    check(("/blog/blerg.cgi", "", &format!("/blog{uri}")), want, "/blog/", "/blog/");
    let request = accept(None, ("", "", uri)).expect("a request");
    assert_eq!(request.path, want);
}

#[test]
fn paths_are_decoded_once() {
    check_path("/tag/%23rust", "/tag/#rust");
    check_path("/tag/%40jon", "/tag/@jon");
    check_path("/get/a%25b", "/get/a%b");
    check_path("/get/a%2523b", "/get/a%23b");
    check_path("/get/a%3Fb?x=y", "/get/a?b");
    check_path("/get/a%20b", "/get/a b");
    check_path("/get/a+b", "/get/a+b");
    check_path("/get/o'neil", "/get/o'neil");
    check_path("/wiki/%D8%B3%D9%84%D8%A7%D9%85", "/wiki/سلام");
    check_path("/get/a%0Ab", "/get/a\nb");
    check_path("/get/a%2Fb", "/get/a/b");
}

#[test]
fn slashes_merge_and_dots_resolve_as_servers_do_it() {
    check_path("//get///jon", "/get/jon");
    check_path("/get/jon/", "/get/jon/");
    check_path("/get/./jon", "/get/jon");
    check_path("/x/../get/jon", "/get/jon");
    check_path("/x/%2e%2E/get/jon", "/get/jon");
    check_path("/get/jon/.", "/get/jon/");
    check_path("/get/jon/..", "/get/");
    check_path("/..%2Fget", "/../get");
    check_path("/get/...", "/get/...");
    check(("/blog/blerg.cgi", "", "//blog//get/jon"), "/get/jon", "/blog/", "/blog/");
    check(("", "", "/../../etc/passwd"), "/etc/passwd", "/", "/");
}

#[track_caller]
fn check_refused(uri: &str, want: Refusal) {
    assert_eq!(accept(None, ("", "", uri)).map(|request| request.path), Err(want), "{uri:?}");
}

#[test]
fn malformed_targets_are_refused() {
    check_refused("/get/%", Refusal::TARGET);
    check_refused("/get/%2", Refusal::TARGET);
    check_refused("/get/%zz", Refusal::TARGET);
    check_refused("/get/a%00b", Refusal::TARGET);
    check_refused("/get/%ff", Refusal::TARGET);
    check_refused("/get/x?a\0b", Refusal::TARGET);
    check_refused("get/jon", Refusal::TARGET);
    check_refused("gopher://example.org/", Refusal::TARGET);
    check_refused("http:/get", Refusal::TARGET);
    let longest = format!("/{}", "x".repeat(super::TARGET_BYTES_MAX - 1));
    assert!(accept(None, ("", "", &longest)).is_ok());
    check_refused(&format!("{longest}x"), Refusal::TARGET_TOO_LONG);
}

#[test]
fn absolute_targets_and_the_asterisk() {
    check(("", "", "http://example.org/get/jon"), "/get/jon", "/", "/");
    check(("/blog/blerg.cgi", "", "HTTPS://example.org:8080/blog/get/jon"), "/get/jon", "/blog/", "/blog/");
    check(("", "", "http://example.org"), "/", "/", "/");
    check(("", "", "*"), "/", "/", "/");
}

#[track_caller]
fn check_query(uri: &str, query: Option<&str>, want: &str) {
    let target = Some(uri.as_bytes());
    let incoming = Incoming { method: b"GET", target, query: query.map(str::as_bytes), ..Incoming::default() };
    assert_eq!(Front::default().accept(incoming, 0).expect("a request").query, want);
}

#[test]
fn the_query_is_the_targets_own_and_else_the_servers() {
    check_query("/search?q=%23a&b", Some("q=%23a&b"), "q=%23a&b");
    check_query("/search?q=a", Some(""), "q=a");
    check_query("/rss.cgi", Some("user=jon"), "user=jon");
    check_query("/search?", Some("x=y"), "");
    check_query("/search?a=?&b=#c", None, "a=?&b=");
    check_query("/search", None, "");
}

#[test]
fn links_to_ourselves_are_made_of_the_public_root() {
    let root = |base, sent| accept(base, sent).map(|request| request.public_root());
    let base = Some("https://example.org/blog");
    assert_eq!(root(None, ("", "", "http://example.org/get/jon")).as_deref(), Ok("http://example.org/"));
    assert_eq!(
        root(None, ("/b/blerg.cgi", "", "http://h:81/b/blerg.cgi/latest")).as_deref(),
        Ok("http://h:81/b/blerg.cgi/")
    );
    assert_eq!(root(base, ("", "", "/get/jon")).as_deref(), Ok("https://example.org/blog/"));
    assert_eq!(root(base, ("/blog/x.cgi", "", "/blog/x.cgi/a")).as_deref(), Ok("https://example.org/blog/x.cgi/"));
    assert_eq!(root(None, ("", "", "/")).as_deref(), Ok("http://localhost/"));
}
