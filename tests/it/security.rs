//! Nobody gets in: attacks on names, requests of other sites, sessions, bodies, framing, the data directory's files and
//! secrets, over every front end and behind real web servers. What each came to stands in PROOF.md, *Nobody gets in*.

mod bodies;
mod forgery;
mod links;
mod modes;
mod names;
mod sandbox;
mod secrets;
mod sessions;
mod smuggling;
mod webroot;

use std::fs;
use std::path::{Path, PathBuf};

use super::front::{Kind, Way};
use super::http::Ask;

/// Every way in.
const WAYS: [Kind; 9] = [
    Kind::Cgi,
    Kind::Fcgi,
    Kind::Http,
    Kind::LighttpdCgi,
    Kind::LighttpdFcgi,
    Kind::ApacheCgi,
    Kind::ApacheFcgid,
    Kind::ApacheProxyFcgi,
    Kind::Nginx,
];

/// A record that only its own address may show.
const TEXT: &str = "what only jon wrote";

fn put(token: &str, text: &str) -> Ask {
    Ask::post("/put", &[("data", text)]).with(token)
}

/// Saves a page of the wiki.
fn page(token: &str, name: &str, text: &str) -> Ask {
    Ask::post(&format!("/wiki/{name}"), &[("text", text), ("base", "0"), ("save", "1")]).with(token)
}

/// How many records jon has.
#[track_caller]
fn count(way: &Way) -> String {
    way.get("/info/jon").json()["record_count"].as_str().unwrap().to_owned()
}

/// Every file below a directory.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}
