//! The sample site's feeds: valid by every rule that a program can check, the same in every format, and what API.md says
//! of addresses, types, pages, conditional requests and changes. Start at
//! [`every_feed_of_the_sample_site_is_valid_and_says_the_same_in_every_format`].

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use super::super::cgi_run::variables;
use super::super::fcgi_client::Client;
use super::super::front::{Kind, Way, each_front_end};
use super::super::http::{Address, Ask};
use super::super::site::{Running, Site, hand_over, let_the_second_end};
use super::{FORMATS, Gathered, done, encode, import, test_file};

/// The host as links have it.
fn host(way: &Way) -> String {
    // What a CGI program by hand is told.
    if way.kind == Kind::Cgi { "127.0.0.1:80".to_owned() } else { way.host.clone() }
}

fn sample(site: Site) -> Site {
    let path = site.run().join("posts.jsonl");
    fs::copy(test_file("../cgi/sample/posts.jsonl"), &path).unwrap();
    hand_over(&path);
    site.tool(&["init"]);
    site.tool(&["import", path.to_str().unwrap()]);
    site
}

/// The values of a key in the sample's lines.
fn authors() -> BTreeSet<String> {
    let text = fs::read_to_string(test_file("../cgi/sample/posts.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["author"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_feed_of_the_sample_site_is_valid_and_says_the_same_in_every_format() {
    each_front_end(sample, |way| {
        let mut feeds = Gathered::new(&way.site);
        let authors = authors();
        assert!(authors.len() > 3);
        for author in &authors {
            feeds.fetch(way, &format!("user-{}", encode(author)), &format!("user/{}", encode(author)), "");
            if author.contains([' ', '.', '\'']) {
                continue;
            }
            feeds.fetch(way, &format!("mentions-{}", encode(author)), &format!("tag/@{}", encode(author)), "");
        }
        let tags = way.get("/latest/tags");
        for tag in tags.json().as_array().map_or(&[] as &[Value], Vec::as_slice) {
            let name = tag["tag"].as_str().unwrap();
            feeds.fetch(way, &format!("tag-{name}"), &format!("tag/H{name}"), "");
        }
        feeds.fetch(way, "nothing", "tag/Hnever-used", "");
        feeds.fetch(way, "latest", "latest", "");
        feeds.fetch(way, "search", "search", "?q=server");
        let said = feeds.check();
        let latest = said["latest"]["entries"].as_array().unwrap();
        assert_eq!(latest.len(), 50, "{}", way.name());
        assert_eq!(said["nothing"]["entries"], serde_json::json!([]));
        assert!(!said["search"]["entries"].as_array().unwrap().is_empty());
        // A record is the same entry in every feed that has it.
        for (name, feed) in &said {
            for entry in feed["entries"].as_array().unwrap() {
                let known = latest.iter().find(|known| known["id"] == entry["id"]);
                assert!(known.is_none_or(|known| known == entry), "{name}: {entry}");
            }
        }
    });
}

#[test]
fn paths_formats_and_types_are_what_the_contract_says() {
    let prepare = |site: Site| {
        import(&site, &[("jon", 1_294_309_438, "Hello #world"), ("jon.rss", 1_294_309_439, "another jon")]);
        site
    };
    each_front_end(prepare, |way| {
        let title = |path: &str| {
            let reply = way.get(path);
            assert_eq!(reply.status, 200, "{}: {path}: {}", way.name(), reply.text());
            let text = reply.text().to_owned();
            let (_, rest) = text.split_once("<title>").expect("an XML feed");
            rest.split('<').next().unwrap().to_owned()
        };
        let host = &host(way);
        for path in [
            "/rss/user/jon",
            "/rss/user/jon.rss",
            "/rss/user/JON.atom",
            "/rss?user=jon",
            "/rss.cgi?user=jon",
            "/rss.cgi/user/jon.rss",
        ] {
            assert_eq!(title(path), format!("jon on {host}"), "{}: {path}", way.name());
        }
        assert_eq!(title("/rss/user/jon.rss.rss"), format!("jon.rss on {host}"));
        assert_eq!(title("/rss/tag/Hworld"), format!("#world on {host}"));
        assert_eq!(title("/rss/tag/%23World.atom"), format!("#world on {host}"));
        assert_eq!(title("/rss/tag/@jon"), format!("@jon on {host}"));
        for path in [
            "/rss/user/nobody",
            "/rss/user/",
            "/rss/user/jon.rss.atom.json",
            "/rss/tag/Ha%20b",
            "/rss/x",
            "/rss/",
            "/rss/user/jon/x",
            "/rss.cgi",
        ] {
            let reply = way.get(path);
            assert_eq!(
                (reply.status, &reply.json()["status"]),
                (404, &Value::from("failure")),
                "{}: {path}",
                way.name()
            );
        }
        for (accept, want) in FORMATS.map(|(_, media)| (media, media)) {
            let reply = way.ask(&Ask::get("/rss/latest").header("Accept", accept));
            assert_eq!((reply.header("content-type"), reply.header("vary")), (Some(want), Some("Accept")), "{accept}");
        }
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let reply = way.ask(&Ask::get("/rss/latest").header("Accept", browser));
        assert_eq!(reply.header("content-type"), Some("application/xml"));
        let style = reply.text().split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        let style = way.get(style.strip_prefix(&format!("http://{host}")).unwrap());
        assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
        let post = way.ask(&Ask::post("/rss/latest", &[]));
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
        let (whole, head) = (way.get("/rss/latest"), way.ask(&Ask::new("HEAD", "/rss/latest")));
        assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, whole.header("etag")));
    });
}

#[test]
fn rss_cgi_is_a_worker_where_it_gets_a_listening_socket() {
    let site = sample(Site::new(""));
    let path = site.run().join("feeds.sock");
    let listener = UnixListener::bind(&path).unwrap();
    hand_over(&path);
    let input: OwnedFd = listener.try_clone().unwrap().into();
    let mut worker = Running::start(&site, "rss.cgi", site.command("rss.cgi").stdin(Stdio::from(input)));
    let address = Address::Unix(path);
    // Mounted as a program, without any rewriting, and twice on one connection.
    let ask = Ask::get("/rss.cgi/user/Ada.atom");
    let mut client = Client::open(&address).unwrap();
    for id in [1, 2] {
        let reply = client.ask(id, true, &variables(&site, "rss.cgi", "feeds.example", &ask), b"").unwrap();
        assert_eq!(reply.header("content-type"), Some("application/atom+xml"));
        let own =
            "<link rel=\"self\" type=\"application/atom+xml\" href=\"http://feeds.example/rss.cgi/user/Ada.atom\"/>";
        assert!(
            reply.text().contains(own) && reply.text().contains("http://feeds.example/#user/Ada/"),
            "{}",
            reply.text()
        );
    }
    worker.signal(Signal::TERM);
    assert!(worker.wait().success(), "{}", worker.log());
}

#[test]
fn pages_lead_back_to_the_first_record() {
    let texts: Vec<String> = (0..120).map(|n| format!("record {n} #all")).collect();
    let records: Vec<(&str, u64, &str)> =
        texts.iter().enumerate().map(|(n, text)| ("O'Brien x.y", 1_700_000_000 + n as u64, text.as_str())).collect();
    let way = Way::open(Kind::Fcgi, Site::new("/blog"));
    import(&way.site, &records);
    let mut feeds = Gathered::new(&way.site);
    for (name, path, query) in [
        ("user", "user/o%27brien%20x.Y", ""),
        ("tag", "tag/Hall", ""),
        ("latest", "latest", ""),
        ("search", "search", "?q=record"),
    ] {
        let (mut page, mut query) = (0, query.to_owned());
        loop {
            feeds.fetch(&way, &format!("{name}-{page}"), path, &query);
            let text = fs::read_to_string(way.site.run().join(format!("feeds/{name}-{page}.json"))).unwrap();
            let feed: Value = serde_json::from_str(&text).unwrap();
            let Some(next) = feed["next_url"].as_str() else { break };
            query = next.split_once('?').map(|(_, query)| format!("?{query}")).unwrap();
            page += 1;
        }
        assert_eq!(page, 2, "{name}");
    }
    let said = feeds.check();
    for name in ["user", "tag", "latest", "search"] {
        let entries = (0..3).flat_map(|page| said[&format!("{name}-{page}")]["entries"].as_array().unwrap());
        let titles: Vec<&str> = entries.map(|entry| entry["title"].as_str().unwrap()).collect();
        let want: Vec<&str> = texts.iter().rev().map(String::as_str).collect();
        assert_eq!(titles, want, "{name}");
    }
    let second = fs::read_to_string(way.site.run().join("feeds/user-1.atom")).unwrap();
    assert!(second.contains("rel=\"first\"") && second.contains("rel=\"next\""), "{second}");
}

#[test]
fn edits_move_the_date_and_deleted_records_leave() {
    each_front_end(
        |site| site,
        |way| {
            let token = way.sign_up("jon");
            for text in ["one #a", "two #a", "three #a"] {
                done(way, &token, "/put", &[("data", text)]);
            }
            let entries = |path: &str| {
                let feed = way.get(path).json();
                let entries = feed["items"].as_array().unwrap().clone();
                let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
                entries
                    .iter()
                    .map(|entry| {
                        (
                            text(entry, "content_text"),
                            text(entry, "id"),
                            text(entry, "date_published"),
                            text(entry, "date_modified"),
                        )
                    })
                    .collect::<Vec<_>>()
            };
            let before = entries("/rss/user/jon.json");
            assert!(before.iter().all(|entry| entry.3.is_empty()), "{before:?}");
            let etag = way.get("/rss/tag/Ha.rss").header("etag").unwrap().to_owned();
            done(way, &token, "/edit", &[("record", "0"), ("data", "one, edited")]);
            done(way, &token, "/delete", &[("record", "1")]);
            let after = entries("/rss/user/jon.json");
            let texts: Vec<&str> = after.iter().map(|entry| entry.0.as_str()).collect();
            assert_eq!(texts, ["three #a", "one, edited"], "{}", way.name());
            assert_eq!((&after[1].1, &after[1].2), (&before[2].1, &before[2].2), "id and first date stay");
            assert!(!after[1].3.is_empty() && after[0] == before[0], "{after:?}");
            let tag = way.ask(&Ask::get("/rss/tag/Ha.rss").header("If-None-Match", &etag));
            assert_eq!((tag.status, tag.text().matches("<item>").count()), (200, 1), "{}", way.name());
            done(way, &token, "/close", &[("username", "jon"), ("password", super::super::front::PASSWORD)]);
            assert_eq!(way.get("/rss/user/jon").status, 404);
            assert_eq!(entries("/rss/latest.json"), []);
        },
    );
}

#[test]
fn a_current_copy_is_answered_with_304() {
    each_front_end(sample, |way| {
        let_the_second_end();
        for path in ["latest", "user/Ada", "tag/Hdebugging", "search", "opml/Ada"] {
            for ending in ["", ".rss", ".atom", ".json"] {
                let query = if path == "search" { "?q=server" } else { "" };
                let path = format!("/rss/{path}{ending}{query}");
                let whole = way.get(&path);
                let etag = whole.header("etag").unwrap();
                let gzip = format!("\"x\", W/{}-gzip\"", etag.trim_end_matches('"'));
                let since = whole.header("last-modified").unwrap();
                for (name, value) in [("If-None-Match", etag), ("If-None-Match", &gzip), ("If-Modified-Since", since)] {
                    let reply = way.ask(&Ask::get(&path).header(name, value));
                    assert_eq!((reply.status, reply.body.len()), (304, 0), "{}: {path}: {name}: {value}", way.name());
                    assert_eq!((reply.header("etag"), reply.header("cache-control")), (Some(etag), Some("max-age=60")));
                }
                let other =
                    way.ask(&Ask::get(&path).header("If-None-Match", "\"other\"").header("If-Modified-Since", since));
                assert_eq!((other.status, &other.body), (200, &whole.body), "{}: {path}", way.name());
            }
        }
    });
}

#[test]
fn ids_outlive_host_format_edits_and_a_restored_dump() {
    let way = Way::open(Kind::Cgi, sample(Site::new("")));
    let ids = |way: &Way, host: &str, ending: &str| {
        let reply = way.ask(&Ask::get(&format!("/rss/latest.{ending}")).header("Host", host));
        let text = reply.text().to_owned();
        text.split("urn:uuid:").skip(1).map(|rest| rest.get(..36).unwrap().to_owned()).collect::<Vec<String>>()
    };
    let before = ids(&way, "one.example", "json");
    assert_eq!(before.len(), 50);
    assert_eq!(ids(&way, "two.example", "rss"), before);
    assert_eq!(ids(&way, "two.example", "atom").split_off(1), before, "Atom also has the id of the feed");
    let dump = way.site.run().join("site.dump");
    let dump = dump.to_str().unwrap();
    way.site.tool(&["dump", dump]);
    let restored = Way::open(Kind::Cgi, Site::new("/elsewhere"));
    fs::copy(dump, restored.site.run().join("site.dump")).unwrap();
    hand_over(&restored.site.run().join("site.dump"));
    restored.site.tool(&["import", restored.site.run().join("site.dump").to_str().unwrap()]);
    assert_eq!(ids(&restored, "one.example", "json"), before);
}

#[test]
fn opml_lists_whom_a_user_follows() {
    each_front_end(
        |site| site,
        |way| {
            let token = way.sign_up("jon");
            for name in ["Ada", "O'Brien x.y"] {
                way.sign_up(name);
                done(way, &token, &format!("/subscribe/{}", encode(name)), &[]);
            }
            let reply = way.get("/rss/opml/jon");
            assert_eq!(reply.header("content-type"), Some("text/x-opml; charset=utf-8"));
            let host = &host(way);
            for part in [
                "<opml version=\"2.0\">".to_owned(),
                format!("xmlUrl=\"http://{host}/rss/user/Ada.rss\""),
                format!(
                    "text=\"O&apos;Brien x.y\" title=\"O&apos;Brien x.y\" xmlUrl=\"http://{host}/rss/user/O%27Brien%20x.y.rss\""
                ),
            ] {
                assert!(reply.text().contains(&part), "{}: no {part} in {}", way.name(), reply.text());
            }
            assert!(way.get("/rss/opml/jon.atom").text().contains("/rss/user/Ada.atom\""));
            done(way, &token, "/unsubscribe/Ada", &[]);
            let etag = reply.header("etag").unwrap();
            let after = way.ask(&Ask::get("/rss/opml/jon").header("If-None-Match", etag));
            assert!(after.status == 200 && !after.text().contains("Ada"), "{}", after.text());
            assert_eq!(way.get("/rss/opml/nobody").status, 404);
        },
    );
}
