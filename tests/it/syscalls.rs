//! What a CGI process costs the kernel: `strace` counts the system calls of `cgi_blerg` on /get and names the files it
//! opens. Costs must not grow with the data (DESIGN: invariant 8).

use std::fs;
use std::io::Write as _;

use super::cgi_run::{run_with, variables};
use super::http::{Ask, Reply};
use super::site::{Site, command, hand_over};

/// The last 50 of an author and a range, traced.
const PATHS: [&str; 4] = ["/get/jon", "/get/jon/0-49", "/info/jon", "/tag/Hall"];

/// Beyond 8,190 elements a list's last blocks are one read further away, behind a directory, however long it grows: for its
/// length and for the one or two blocks of a page.
const DIRECTORY_CALLS_MAX: usize = 3;

/// A site with so many records of one author, each with a tag.
fn site_with(records: u32) -> Site {
    let site = Site::new("").set("BLERG_DURABILITY", "none");
    let path = site.run().join("posts.jsonl");
    let mut file = fs::File::create(&path).unwrap();
    for n in 0..records {
        let text =
            format!("Record {n} of many, about as long as people write on such a site, with a tag at its end. #all");
        writeln!(file, "{{\"author\":\"jon\",\"timestamp\":{},\"text\":\"{text}\"}}", 1_700_000_000 + n).unwrap();
    }
    hand_over(&path);
    site.tool(&["init"]);
    site.tool(&["import", path.to_str().unwrap()]);
    site
}

/// A traced request: how many system calls, and the files opened in the data directory.
fn trace(site: &Site, path: &str) -> (usize, Vec<String>) {
    let log = site.run().join("trace");
    let _ = fs::remove_file(&log);
    let mut strace = command("strace");
    strace.args(["-f", "-qq", "-o"]).arg(&log).arg(site.program("cgi_blerg"));
    strace.envs(site.environment()).envs(variables(site, "blerg.cgi", "127.0.0.1", &Ask::get(path)));
    let reply: Reply = run_with(&mut strace, b"").unwrap();
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    assert!(reply.text().len() > 20, "{path}: {}", reply.text());
    let text = fs::read_to_string(&log).unwrap();
    let data = site.data().display().to_string();
    let opened = text.lines().filter(|line| line.contains("open") && !line.contains("= -1 "));
    let names = opened.filter_map(|line| line.split('"').nth(1)?.strip_prefix(&data).map(str::to_owned));
    (text.lines().count(), names.collect())
}

#[test]
fn a_get_costs_the_same_with_fifty_times_the_records() {
    let (small, large) = (site_with(1_000), site_with(50_000));
    // Whoever comes first after an import may find something to finish.
    for site in [&small, &large] {
        trace(site, "/get/jon");
    }
    for path in PATHS {
        let (few, files) = trace(&small, path);
        let (many, more_files) = trace(&large, path);
        let segments = |files: &[String]| files.iter().filter(|name| name.ends_with(".seg")).count();
        let extra = segments(&more_files).saturating_sub(segments(&files));
        // Opening one more segment is an open, a look at its size or header, and a close.
        assert!(
            many <= few + 4 * extra + DIRECTORY_CALLS_MAX,
            "{path}: {few} calls with 1,000 records, {many} with 50,000: {more_files:?}"
        );
        for name in files.iter().chain(&more_files) {
            assert!(!name.contains("sqlite") && !name.ends_with(".db"), "{path} opens {name}");
        }
    }
}
