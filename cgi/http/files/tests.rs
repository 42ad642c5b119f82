//! Files by name, and nothing else by any name.

use blerg_http::{Body, Front, Incoming};

use super::*;

fn site() -> (tempfile::TempDir, Files) {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("www");
    fs::create_dir_all(root.join("help")).expect("made");
    fs::write(root.join("index.html"), "<!doctype html>").expect("written");
    fs::write(root.join("blerg.css"), "body{}").expect("written");
    fs::write(root.join(".htaccess"), "secret").expect("written");
    fs::write(root.join("help/index.html"), "help").expect("written");
    fs::write(directory.path().join("secret"), "secret").expect("written");
    let files = Files::load(&root).expect("readable");
    (directory, files)
}

fn request(method: &str, target: &str) -> Request {
    let incoming = Incoming { method: method.as_bytes(), target: Some(target.as_bytes()), ..Incoming::default() };
    Front::default().accept(incoming, 0).expect("a request")
}

#[track_caller]
fn check(files: &Files, method: &str, target: &str, want: Option<(&str, &str)>) {
    let response = files.answer(&request(method, target));
    let found = response.as_ref().map(|response| {
        let Body::Bytes(bytes) = &response.body else { panic!("a stream") };
        (response.headers.first().map_or("", |(_, value)| value), std::str::from_utf8(bytes).expect("text"))
    });
    assert_eq!(found, want, "{method} {target}");
}

#[test]
fn files_are_found_with_their_types() {
    let (_directory, files) = site();
    check(&files, "GET", "/", Some(("text/html; charset=utf-8", "<!doctype html>")));
    check(&files, "GET", "/index.html?x=y", Some(("text/html; charset=utf-8", "<!doctype html>")));
    check(&files, "GET", "/blerg.css", Some(("text/css; charset=utf-8", "body{}")));
    check(&files, "GET", "/help/", Some(("text/html; charset=utf-8", "help")));
    check(&files, "HEAD", "/blerg.css", Some(("text/css; charset=utf-8", "body{}")));
    check(&files, "POST", "/blerg.css", None);
}

#[test]
fn no_path_leads_out_of_the_directory() {
    let (_directory, files) = site();
    for target in [
        "/../secret",
        "/..%2fsecret",
        "/%2e%2e/secret",
        "/.htaccess",
        "/%2ehtaccess",
        "/help/..%2F..%2Fsecret",
        "/absent",
        "/help",
    ] {
        check(&files, "GET", target, None);
    }
}

#[test]
fn a_copy_that_is_current_is_not_sent_again() {
    let (_directory, files) = site();
    let fresh = files.answer(&request("GET", "/blerg.css")).expect("a file");
    let etag = fresh.headers.iter().find(|(name, _)| *name == "ETag").expect("it has one").1.to_string();
    let mut again = request("GET", "/blerg.css");
    assert!(again.headers.push(b"if-none-match", etag.as_bytes()));
    assert_eq!(files.answer(&again).map(|response| response.status), Some(304));
}

#[test]
fn a_changed_directory_is_read_again() {
    let (directory, files) = site();
    fs::write(directory.path().join("www/new.js"), "1").expect("written");
    let past = Instant::now().checked_sub(LOOK_AGAIN * 2).expect("the machine runs for longer than that");
    files.held.write().expect("no panic").looked = past;
    check(&files, "GET", "/new.js", Some(("text/javascript; charset=utf-8", "1")));
    check(&files, "GET", "/blerg.css", Some(("text/css; charset=utf-8", "body{}")));
}

#[test]
fn a_directory_without_a_front_page_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    assert!(Files::load(directory.path()).is_err());
    assert!(Files::load(&directory.path().join("absent")).is_err());
}
