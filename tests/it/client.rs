//! The client of `www/` in real Chromium, over the real programs: `tests/www/browser/scenarios.mjs` says what people do
//! there. All of it over `http_blerg`, and behind lighttpd all that a site has a part in; else what depends on the way in.
//! Start at [`drive`].

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::front::{Kind, Way};
use super::site::{Site, hand_over};

/// So many posts a reader scrolls back through, as somebody called "many".
const MANY: u32 = 10_000;

/// What depends on how the programs are reached.
const SOME: [&str; 3] = [
    "a_visitor_reads_every_view_and_shares_its_address",
    "somebody_joins_posts_replies_edits_and_deletes",
    "an_account_is_looked_after",
];

/// A file of the checkout.
fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).display().to_string()
}

/// Brings in what the scenarios read: first the many posts, then the sample, which is the latest.
fn fill(site: &Site, many: u32) {
    let lines = (0..many).fold(String::new(), |mut lines, n| {
        writeln!(lines, r#"{{"author":"many","timestamp":{},"text":"line {n}"}}"#, 1_700_000_000 + n).unwrap();
        lines
    });
    let many = site.run().join("many.jsonl");
    let sample = site.run().join("sample.jsonl");
    fs::write(&many, lines).unwrap();
    fs::copy(file("cgi/sample/posts.jsonl"), &sample).unwrap();
    site.tool(&["init"]);
    for records in [many, sample] {
        hand_over(&records);
        site.tool(&["import", records.to_str().unwrap()]);
    }
}

/// Lets people do these things (all, if none is named; all others, if with a `-`) on a site that is reached this way.
#[track_caller]
fn drive(kind: Kind, url: &'static str, many: u32, scenarios: &[&str]) {
    let site = Site::new(url);
    fill(&site, many);
    let way = Way::open(kind, site);
    let mut node = Command::new("timeout");
    node.args(["--kill-after=10", "400", "node", &file("tests/www/browser/scenarios.mjs")]);
    let base = format!("http://{}{url}/", way.host);
    let output = node.arg(base).args(scenarios).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} (`make deps` installs what it takes):\n{told}{complaint}", way.name());
    assert!(told.matches("ok ").count() >= scenarios.len().max(1), "{told}{complaint}");
}

#[test]
fn people_use_the_client_over_http() {
    drive(Kind::Http, "", MANY, &[]);
}

#[test]
fn people_use_the_client_over_fastcgi_behind_lighttpd_in_a_sub_directory() {
    drive(Kind::LighttpdFcgi, "/blog", MANY, &["-every_view_is_accessible_and_fits"]);
}

#[test]
fn people_use_the_client_over_cgi_behind_lighttpd() {
    drive(Kind::LighttpdCgi, "", 1, &SOME);
}

#[test]
fn visitors_use_the_client_over_http_in_a_sub_directory() {
    drive(Kind::Http, "/blog", 1, &SOME[..1]);
}

#[test]
fn the_html_and_css_are_valid() {
    let checker = file("tests/npm/node_modules/vnu-jar/build/dist/vnu.jar");
    let mut java = Command::new("java");
    let pages = [file("www/index.html"), file("www/blerg.css"), file("www/favicon.svg")];
    let checked = java.args(["-jar", &checker, "--errors-only", "--also-check-css", "--also-check-svg"]).args(pages);
    let output = checked.output().unwrap_or_else(|error| panic!("java: {error}: `make deps` installs it"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}{}", String::from_utf8_lossy(&output.stdout));
}
