//! Feeds, as they are and as real readers take them. `sample.rs`: every feed of the sample site is valid and says the same
//! in every format; `hostile.rs`: texts that break parsers; `readers.rs`: real readers; `cost.rs`: what a 304 costs;
//! `hub.rs`: a hub is told of news. What they share stands here; start at [`Gathered`].

mod cost;
mod hostile;
mod hub;
mod readers;
mod sample;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::front::Way;
use super::http::{Ask, Reply};
use super::site::{Site, hand_over, make_folder};

/// The formats, by their endings, and their types.
const FORMATS: [(&str, &str); 3] =
    [("rss", "application/rss+xml"), ("atom", "application/atom+xml"), ("json", "application/feed+json")];

/// A file of `tests/`.
fn test_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Brings records in: an author, a time in seconds, a text.
fn import(site: &Site, records: &[(&str, u64, &str)]) {
    let lines = records.iter().map(|(author, secs, text)| {
        let line = json!({ "author": author, "timestamp": secs, "data": text, "text": text });
        format!("{line}\n")
    });
    let path = site.run().join("records.jsonl");
    fs::write(&path, lines.collect::<String>()).unwrap();
    hand_over(&path);
    site.tool(&["init"]);
    site.tool(&["import", path.to_str().unwrap()]);
}

/// A path segment.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Feeds of a site in all formats, as files for validators, and what they say.
#[derive(Debug)]
struct Gathered {
    folder: PathBuf,
    names: Vec<String>,
}

impl Gathered {
    fn new(site: &Site) -> Gathered {
        let folder = site.run().join("feeds");
        make_folder(&folder);
        Gathered { folder, names: Vec::new() }
    }

    /// Fetches a feed (its path without ending, and its query) in every format, and keeps it under a name.
    #[track_caller]
    fn fetch(&mut self, way: &Way, name: &str, path: &str, query: &str) {
        for (ending, media) in FORMATS {
            let reply = way.get(&format!("/rss/{path}.{ending}{query}"));
            let context = format!("{}: {path}.{ending}{query}", way.name());
            assert_eq!((reply.status, reply.header("content-type")), (200, Some(media)), "{context}");
            assert_eq!(reply.header("cache-control"), Some("max-age=60"), "{context}");
            fs::write(self.folder.join(format!("{name}.{ending}")), &reply.body).unwrap();
        }
        self.names.push(name.to_owned());
    }

    /// Holds every file against the validators, and every feed's formats against each other: what they say.
    #[track_caller]
    fn check(&self) -> BTreeMap<String, Value> {
        self.run(Command::new("xmllint").arg("--noout").args(self.files("rss")).args(self.files("atom")));
        let mut jing = Command::new("jing");
        self.run(jing.arg("-c").arg(test_file("data/atom.rnc")).args(self.files("atom")));
        let parsed = self.run(Command::new("/usr/bin/python3").arg(test_file("it/feeds/check.py")).arg(&self.folder));
        let parsed: BTreeMap<String, Value> = serde_json::from_slice(&parsed).unwrap();
        let mut said = BTreeMap::new();
        for name in &self.names {
            let text = fs::read(self.folder.join(format!("{name}.json"))).unwrap();
            let of_json = json_feed(&serde_json::from_slice(&text).unwrap());
            for ending in ["rss", "atom"] {
                let mut of_xml = parsed[&format!("{name}.{ending}")].clone();
                // Addresses of the feed itself differ in their ending alone; JSON Feed has no date of its own.
                for key in ["own", "next"] {
                    let address = of_xml[key].as_str().map(|own| own.replace(&format!(".{ending}"), ".json"));
                    of_xml[key] = json!(address);
                }
                for key in ["first", "updated"] {
                    of_xml.as_object_mut().unwrap().remove(key);
                }
                assert_eq!(of_xml, of_json, "{name}.{ending} and {name}.json differ");
            }
            said.insert(name.clone(), of_json);
        }
        assert_eq!(parsed.len(), 2 * self.names.len());
        said
    }

    fn files(&self, ending: &str) -> Vec<PathBuf> {
        self.names.iter().map(|name| self.folder.join(format!("{name}.{ending}"))).collect()
    }

    #[track_caller]
    fn run(&self, command: &mut Command) -> Vec<u8> {
        let output = command.output().unwrap_or_else(|error| {
            panic!("can't start {:?} ({error}): `make deps` installs what the tests need", command.get_program())
        });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(4000).collect::<String>();
        let program = command.get_program();
        assert!(output.status.success(), "{program:?}: {}{}", text(&output.stdout), text(&output.stderr));
        output.stdout
    }
}

/// Holds a JSON Feed to the rules of version 1.1: what it says.
#[track_caller]
fn json_feed(feed: &Value) -> Value {
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    let address = |value: &Value| {
        let text = value.as_str().unwrap_or_else(|| panic!("no address: {value}"));
        url::Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        value.clone()
    };
    let items = feed["items"].as_array().expect("items are required");
    let mut ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().expect("ids are strings")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), items.len(), "ids are unique");
    let known =
        ["id", "url", "title", "content_html", "content_text", "date_published", "date_modified", "authors", "tags"];
    let entries = items.iter().map(|item| {
        assert!(item.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{item}");
        assert!(item["content_text"].is_string());
        let author = &item["authors"][0];
        address(&author["url"]);
        let published = secs(item["date_published"].as_str().unwrap());
        json!({
            "id": item["id"],
            "page": address(&item["url"]),
            "title": item["title"],
            "html": item["content_html"],
            "author": author["name"],
            "published": published,
            "updated": item["date_modified"].as_str().map_or(published, secs),
            "tags": item.get("tags").cloned().unwrap_or_else(|| json!([])),
        })
    });
    json!({
        "title": feed["title"],
        "about": feed["description"],
        "page": address(&feed["home_page_url"]),
        "own": address(&feed["feed_url"]),
        "next": feed.get("next_url").map(address),
        "hub": feed.get("hubs").map(|hubs| address(&hubs[0]["url"])),
        "entries": entries.collect::<Vec<Value>>(),
    })
}

/// The seconds of `2024-05-31T12:00:00Z`; other forms are none of ours.
#[track_caller]
fn secs(date: &str) -> u64 {
    let output = Command::new("date").args(["-u", "+%s", "-d", date]).output().unwrap();
    assert!(date.len() == 20 && date.ends_with('Z') && output.status.success(), "{date}");
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// One POST that must succeed.
#[track_caller]
fn done(way: &Way, token: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    let reply = way.ask(&Ask::post(path, fields).with(token));
    assert_eq!(reply.json()["status"], "success", "{}: {path}: {}", way.name(), reply.text());
    reply
}
