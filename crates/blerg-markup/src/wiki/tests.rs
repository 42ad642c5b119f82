//! Tests of pages. The helpers here read our HTML back, strictly: what is not exactly of the form that we write fails.

use std::collections::BTreeMap;

use super::*;

mod html;
mod limits;
mod pages;
mod safety;
mod spec;
mod text;

/// A site in which few things are missing.
pub(super) struct Site;

impl Resolver for Site {
    fn page(&self, name: &str) -> Target {
        Target { href: format!("/wiki/{}", name.replace(' ', "_")), exists: name != "Nowhere" }
    }

    fn attachment(&self, file: &str) -> Target {
        Target { href: format!("?file={file}"), exists: file.contains('.') && !file.starts_with("no.") }
    }

    fn tag(&self, name: &str) -> String {
        format!("/#/tag/{name}")
    }

    fn mention(&self, name: &str) -> String {
        format!("/#/{name}")
    }
}

/// The cases of a file under tests/data.
pub(super) fn cases(json: &str) -> Vec<serde_json::Value> {
    let file: BTreeMap<String, serde_json::Value> = serde_json::from_str(json).expect("JSON");
    file["cases"].as_array().expect("cases").clone()
}
