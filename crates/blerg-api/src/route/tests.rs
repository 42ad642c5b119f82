//! Which paths are routes, what they leave open, which methods they have; and that API.md has the same table.

use super::{ROUTES, find};
use blerg_http::Method;

#[track_caller]
fn check(path: &str, want: Option<(&str, [&str; 2])>) {
    let found = find(path).ok().map(|(route, open)| (route.pattern, open));
    assert_eq!(found, want, "{path}");
}

#[test]
fn paths_are_matched_whole_segment_by_segment() {
    check("/create", Some(("/create", ["", ""])));
    check("/create/", None);
    check("/creat", None);
    check("/create/x", None);
    check("/", None);
    check("", None);
    check("/get", None);
    check("/get/", None);
    check("/get/jon", Some(("/get/(user)", ["jon", ""])));
    check("/get/jon/", None);
    check("/get/jon/0-9", Some(("/get/(user)/(range)", ["jon", "0-9"])));
    check("/get/jon/0-9/x", None);
    check("/get//0-9", None);
    check("/get/O'Hara von A.", Some(("/get/(user)", ["O'Hara von A.", ""])));
    check("/tag/#foo", Some(("/tag/(tags)", ["#foo", ""])));
    check("/tag/Ha,Hb,@c", Some(("/tag/(tags)", ["Ha,Hb,@c", ""])));
    check("/tag/@foo/0-9", Some(("/tag/(tag)/(range)", ["@foo", "0-9"])));
    check("/latest", Some(("/latest", ["", ""])));
    check("/latest/tags", Some(("/latest/tags", ["", ""])));
    check("/latest/other", None);
    check("/GET/jon", None);
}

#[test]
fn a_method_that_a_route_lacks_names_those_it_has() {
    for route in ROUTES {
        assert!(route.answer(Method::Other).is_err(), "{}", route.pattern);
        assert_eq!(route.answer(Method::Get).is_ok(), route.allow().contains("GET"), "{}", route.pattern);
        assert_eq!(route.answer(Method::Head).is_ok(), route.allow().contains("HEAD"), "{}", route.pattern);
        assert_eq!(route.answer(Method::Post).is_ok(), route.allow().contains("POST"), "{}", route.pattern);
        let response = route.answer(Method::Other).err().map(|failure| failure.into_response());
        let response = response.expect("no route has other methods");
        assert_eq!(response.status, 405);
        assert!(response.headers.iter().any(|(name, value)| *name == "Allow" && value == route.allow()));
    }
}

#[test]
fn the_document_has_the_same_table_in_the_same_order() {
    let document = include_str!("../../../../API.md");
    let (_, table) = document.split_once("| route | method |").expect("API.md has the table of routes");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut written = Vec::new();
    for row in rows {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let path = cells.next().expect("a path").trim_matches('`');
        written.push((path, cells.next().expect("methods")));
    }
    let of = |methods: &str| methods.replace("GET, HEAD", "GET");
    let ours: Vec<(&str, String)> = ROUTES.iter().map(|route| (route.pattern, of(route.allow()))).collect();
    let written: Vec<(&str, String)> = written.into_iter().map(|(path, methods)| (path, methods.to_owned())).collect();
    assert_eq!(written, ours);
}
