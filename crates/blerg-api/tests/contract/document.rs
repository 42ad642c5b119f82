//! API.md's own examples: each ```http block is a request and its answer, sent in the order of the page to one site.
//! An example that shows Content-Length shows every header; pages of HTML are shown as far as their title, which is all that is
//! promised of them. A page that differs is written out whole, as it should be.

use crate::site::{Ask, Reply, Site};
use blerg_http::reason_phrase;
use std::fmt::Write;
use std::path::Path;

const DOCUMENT: &str = include_str!("../../../../API.md");
const OPEN: &str = "```http\n";
const CLOSE: &str = "```\n";

struct Example<'d> {
    method: &'d str,
    target: &'d str,
    headers: Vec<(&'d str, &'d str)>,
    body: &'d str,
    /// The request as it is written.
    request: &'d str,
    /// The names of the headers of the answer that are shown.
    shown: Vec<&'d str>,
}

fn head_and_body(text: &str) -> (&str, &str) {
    text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""))
}

fn headers(lines: std::str::Lines<'_>) -> Vec<(&str, &str)> {
    lines.map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no header: {line}"))).collect()
}

fn parse(block: &str) -> Example<'_> {
    let (request, answer) = match block.find("\nHTTP/1.1 ") {
        Some(at) => block.split_at(at),
        None => (block, ""),
    };
    let request = request.trim_end_matches('\n');
    let (head, body) = head_and_body(request);
    let mut lines = head.lines();
    let mut words = lines.next().expect("a request line").split(' ');
    let (method, target) = (words.next().expect("a method"), words.next().expect("a target"));
    assert_eq!(words.next(), Some("HTTP/1.1"), "{head}");
    let mut shown = head_and_body(answer.trim_start_matches('\n')).0.lines();
    shown.next();
    let shown = headers(shown).into_iter().map(|(name, _)| name).collect();
    Example { method, target, headers: headers(lines), body, request, shown }
}

fn written(example: &Example<'_>, reply: &Reply) -> String {
    let mut out = format!("{}\n\nHTTP/1.1 {} {}\n", example.request, reply.status, reason_phrase(reply.status));
    let all = example.shown.contains(&"Content-Length");
    for (name, value) in &reply.headers {
        if all || example.shown.contains(&name.as_str()) {
            writeln!(out, "{name}: {value}").expect("writing to memory");
        }
    }
    if !reply.body.is_empty() {
        let body = match reply.body.split_once("</title>") {
            Some((start, _)) if reply.body.starts_with("<!DOCTYPE html>") => &format!("{start}</title>…\n"),
            _ => &reply.body,
        };
        write!(out, "\n{body}").expect("writing to memory");
        if !body.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

#[test]
fn every_example_of_the_document_is_answered_as_it_says() {
    let site = Site::new();
    let mut page = String::new();
    let mut examples = 0;
    let mut rest = DOCUMENT;
    while let Some((text, after)) = rest.split_once(OPEN) {
        let (block, after) = after.split_once(CLOSE).expect("an end of the example");
        rest = after;
        let example = parse(block);
        let Example { method, target, headers, body, .. } = &example;
        let ask = Ask { method, target, headers: headers.clone(), body: body.as_bytes(), ..Ask::default() };
        let reply = site.send(&ask);
        page.push_str(text);
        page.push_str(OPEN);
        page.push_str(&written(&example, &reply));
        page.push_str(CLOSE);
        examples += 1;
    }
    page.push_str(rest);
    assert!(examples >= 60, "only {examples} examples");
    assert_eq!(*site.faults.lock().expect("not poisoned"), Vec::<String>::new());
    if page != DOCUMENT {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("API.md");
        std::fs::write(&path, &page).expect("the page can be written");
        let differs = page.lines().zip(DOCUMENT.lines()).enumerate().find(|(_, (new, old))| new != old);
        panic!("API.md differs from {}, which has what the site answers; first: {differs:#?}", path.display());
    }
}

#[test]
fn every_route_of_the_table_has_an_example() {
    let (_, table) = DOCUMENT.split_once("| route | method |").expect("the table of routes");
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let pattern: Vec<&str> = cells[1].trim_matches('`').split('/').collect();
        for method in cells[2].split(", ") {
            let found = DOCUMENT.split(OPEN).skip(1).any(|block| {
                let mut words = block.split(' ');
                let same = words.next() == Some(method);
                let path: Vec<&str> =
                    words.next().unwrap_or_default().split(['?', ' ']).next().unwrap_or_default().split('/').collect();
                same && path.len() == pattern.len()
                    && path.iter().zip(&pattern).all(|(found, want)| found == want || want.starts_with('('))
            });
            assert!(found, "{method} {} has no example", cells[1]);
        }
    }
}
