//! Real readers read the site behind lighttpd and behind Apache with mod_deflate, both with CGI programs: they show what
//! is there, ask the second time with what they were told and get 304 (the server's log says so), show a new record after
//! a put, and an edited one once. Start at [`Reader`].

use std::fs;
use std::path::{Path, PathBuf};

use super::super::front::{Kind, Way};
use super::super::site::{Site, command, hand_over, let_the_second_end, make_folder, wait_until};
use super::{done, test_file};

/// A reader with a folder of its own.
struct Reader {
    name: &'static str,
    /// The feed that it reads.
    ending: &'static str,
    /// What the server's log calls it.
    agent: &'static str,
    /// Polls until it asks with an ETag: newsboat forgets that of a feed's first poll.
    warm_up: usize,
    /// Polls once.
    poll: fn(&Path, &str),
    /// The texts that it shows.
    shown: fn(&Path) -> Vec<String>,
    /// Whether it shows an edited record anew (once), or goes on showing what it has.
    takes_edits: bool,
}

const READERS: [Reader; 6] = [
    Reader {
        name: "newsboat",
        ending: "rss",
        agent: "newsboat",
        warm_up: 2,
        poll: newsboat,
        shown: in_newsboat,
        takes_edits: true,
    },
    Reader {
        name: "newsboat-atom",
        ending: "atom",
        agent: "newsboat",
        warm_up: 2,
        poll: newsboat,
        shown: in_newsboat,
        takes_edits: true,
    },
    Reader {
        name: "sfeed",
        ending: "atom",
        agent: "sfeed",
        warm_up: 1,
        poll: sfeed,
        shown: in_sfeed,
        takes_edits: true,
    },
    // It knows a record by its id and mails each once.
    Reader {
        name: "rss2email",
        ending: "rss",
        agent: "feedparser",
        warm_up: 1,
        poll: rss2email,
        shown: in_mails,
        takes_edits: false,
    },
    Reader {
        name: "js",
        ending: "rss",
        agent: "blerg-test-js",
        warm_up: 1,
        poll: javascript,
        shown: in_javascript,
        takes_edits: true,
    },
    Reader {
        name: "js-json",
        ending: "json",
        agent: "blerg-test-js",
        warm_up: 1,
        poll: javascript,
        shown: in_javascript,
        takes_edits: true,
    },
];

/// Runs a reader, which must succeed: what it printed.
#[track_caller]
fn run(home: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = command("timeout");
    command.arg("60").arg(program).args(arguments).env("HOME", home).current_dir(home);
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{program} (`make deps` installs it): {}{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Writes a file of the reader's.
fn write(home: &Path, name: &str, text: &str) {
    fs::write(home.join(name), text).unwrap();
    hand_over(&home.join(name));
}

fn newsboat(home: &Path, feed: &str) {
    write(home, "urls", &format!("{feed}\n"));
    write(home, "config", "download-retries 1\n");
    run(home, "newsboat", &["-u", "urls", "-c", "cache.db", "-C", "config", "-x", "reload"]);
}

fn in_newsboat(home: &Path) -> Vec<String> {
    let cache = rusqlite::Connection::open(home.join("cache.db")).unwrap();
    let mut items = cache.prepare("SELECT content FROM rss_item WHERE deleted = 0").unwrap();
    items.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn sfeed(home: &Path, feed: &str) {
    // The documented way to conditional requests: fetch() with curl's ETag options.
    let config = format!(
        "sfeedpath=\"$HOME/feeds\"\nfeeds() {{ feed jon \"{feed}\"; }}\nfetch() {{\n\
         \tcurl -L --max-redirs 0 -H 'User-Agent: sfeed' -f -s -m 15 --etag-save \"$HOME/new\" \
         --etag-compare \"$HOME/etag\" \"$2\" || return 1\n\
         \t[ -s \"$HOME/new\" ] && mv \"$HOME/new\" \"$HOME/etag\"\n\treturn 0\n}}\n\
         # By id, the newer one first.\nmerge() {{ cat \"$3\" \"$2\" | awk -F '\\t' '!seen[$6]++'; }}\n"
    );
    write(home, "rc", &config);
    run(home, "sfeed_update", &["rc"]);
}

fn in_sfeed(home: &Path) -> Vec<String> {
    let text = fs::read_to_string(home.join("feeds/jon")).unwrap();
    text.lines().map(|line| line.split('\t').nth(3).unwrap().to_owned()).collect()
}

fn rss2email(home: &Path, feed: &str) {
    let files = ["-c", "config", "-d", "data.json"];
    if !home.join("config").exists() {
        run(home, "r2e", &[&files[..], &["new", "me@example.org"]].concat());
        let config = fs::read_to_string(home.join("config")).unwrap();
        let changed = config.lines().map(|line| match line.split(" = ").next() {
            Some("email-protocol") => "email-protocol = maildir".to_owned(),
            Some("maildir-path") => format!("maildir-path = {}", home.join("mail").display()),
            // Text that is not ASCII would be encoded in the mails, and harder to look at.
            _ => line.to_owned(),
        });
        write(home, "config", &changed.collect::<Vec<String>>().join("\n"));
        make_folder(&home.join("mail"));
        run(home, "r2e", &[&files[..], &["add", "jon", feed]].concat());
    }
    run(home, "r2e", &[&files[..], &["run"]].concat());
}

fn in_mails(home: &Path) -> Vec<String> {
    let mails = fs::read_dir(home.join("mail/INBOX/new")).unwrap();
    mails.map(|mail| fs::read_to_string(mail.unwrap().path()).unwrap()).collect()
}

fn javascript(home: &Path, feed: &str) {
    let printed = run(home, "node", &[test_file("npm/read.cjs").to_str().unwrap(), feed, "state.json"]);
    write(home, "shown.json", &printed);
}

fn in_javascript(home: &Path) -> Vec<String> {
    let shown: Vec<serde_json::Value> =
        serde_json::from_str(&fs::read_to_string(home.join("shown.json")).unwrap()).unwrap();
    shown.iter().map(|entry| entry["html"].as_str().unwrap().to_owned()).collect()
}

/// How many of the reader's requests the server answered with this status.
fn answered(way: &Way, reader: &Reader, status: u16) -> usize {
    let log = fs::read_to_string(way.site.run().join("access.log")).unwrap_or_default();
    let path = format!("jon.{} ", reader.ending);
    let of_reader = |line: &&str| {
        line.starts_with(&format!("{status} ")) && line.contains(&path) && line.to_lowercase().contains(reader.agent)
    };
    log.lines().filter(of_reader).count()
}

/// Polls, and looks what is shown: each text once, and nothing else.
#[track_caller]
fn poll_and_check(reader: &Reader, home: &Path, feed: &str, want: &[&str]) {
    (reader.poll)(home, feed);
    let shown = (reader.shown)(home);
    let about = format!("{} of {feed} shows {shown:#?}", reader.name);
    assert_eq!(shown.len(), want.len(), "{about}");
    for text in want {
        assert_eq!(shown.iter().filter(|shown| shown.contains(text)).count(), 1, "{text}: {about}");
    }
}

fn follow(way: &Way) {
    let token = way.sign_up("jon");
    for text in ["record one\nfirst text", "record two #tea", "record three http://example.org/"] {
        done(way, &token, "/put", &[("data", text)]);
    }
    let homes: Vec<(&Reader, PathBuf, String)> = READERS
        .iter()
        .map(|reader| {
            let home = way.site.run().join(format!("reader-{}", reader.name));
            make_folder(&home);
            (reader, home, format!("http://{}/rss/user/jon.{}", way.host, reader.ending))
        })
        .collect();
    let mut want = vec!["record one", "first text", "record two", "record three"];
    for (reader, home, feed) in &homes {
        for _ in 0..reader.warm_up {
            poll_and_check(reader, home, feed, &want[1..]);
        }
        poll_and_check(reader, home, feed, &want[1..]);
        wait_until(&format!("{}: 304 to {}", way.name(), reader.name), || answered(way, reader, 304) >= 1);
    }
    done(way, &token, "/put", &[("data", "record four")]);
    // Newsboat takes an answer for old whose date is not later than that of its copy, whatever the ETag says.
    let_the_second_end();
    want.push("record four");
    for (reader, home, feed) in &homes {
        poll_and_check(reader, home, feed, &want[1..]);
    }
    done(way, &token, "/edit", &[("record", "0"), ("data", "record one\nsecond text")]);
    let_the_second_end();
    for (reader, home, feed) in &homes {
        want[1] = if reader.takes_edits { "second text" } else { "first text" };
        poll_and_check(reader, home, feed, &want[1..]);
    }
}

#[test]
fn real_readers_read_the_site_behind_lighttpd() {
    follow(&Way::open(Kind::LighttpdCgi, Site::new("")));
}

#[test]
fn real_readers_read_the_site_behind_apache_with_mod_deflate() {
    follow(&Way::open(Kind::ApacheCgi, Site::new("")));
}
