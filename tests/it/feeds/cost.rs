//! What a 304 costs in CGI mode: system calls counted by `strace`, the same for a small site and a large one, and nothing
//! of SQLite or of any record opened.

use std::fs;

use super::super::cgi_run::{run_with, variables};
use super::super::http::Ask;
use super::super::site::{Site, command};
use super::import;

/// A 304 takes no more system calls than this, from the first one that names the data directory. About 25 open the log,
/// each of the 3 lists (4 for a user's feed) takes 8 reads of the index.
const CALLS_MAX: usize = 75;

fn site_with(records: u64) -> Site {
    let site = Site::new("").set("BLERG_DURABILITY", "none");
    let texts: Vec<String> =
        (0..records).map(|n| format!("Record {n} of a site with a tag at its end. #all")).collect();
    let records: Vec<(&str, u64, &str)> =
        texts.iter().zip(1_700_000_000..).map(|(text, secs)| ("jon", secs, text.as_str())).collect();
    import(&site, &records);
    site
}

/// Asks `rss.cgi`, traced: status, ETag, and the calls.
fn trace(site: &Site, ask: &Ask) -> (u16, String, Vec<String>) {
    let log = site.run().join("trace");
    let _ = fs::remove_file(&log);
    let mut strace = command("strace");
    strace.args(["-f", "-qq", "-o"]).arg(&log).arg(site.program("rss.cgi"));
    strace.envs(site.environment()).envs(variables(site, "rss.cgi", "127.0.0.1", ask));
    let reply = run_with(&mut strace, b"").unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let data = site.data().display().to_string();
    // What comes before is the program's start, which differs between static and dynamic programs.
    let calls = text.lines().skip(1).skip_while(|call| !call.contains(&data)).map(str::to_owned).collect();
    (reply.status, reply.header("etag").unwrap_or_default().to_owned(), calls)
}

#[test]
fn a_304_opens_no_sqlite_reads_no_record_and_costs_the_same_on_a_large_site() {
    let sites = [site_with(1_000), site_with(20_000)];
    for path in ["/rss/user/jon.atom", "/rss/tag/Hall.rss", "/rss/latest.json", "/rss/search.rss?q=record"] {
        let mut counts = Vec::new();
        for site in &sites {
            // Whoever comes first after an import may find something to finish.
            let (status, etag, whole) = trace(site, &Ask::get(path));
            assert_eq!(status, 200, "{path}");
            let (status, _, calls) = trace(site, &Ask::get(path).header("If-None-Match", &etag));
            assert_eq!(status, 304, "{path}");
            let opened = calls.iter().filter(|call| call.contains("open") && !call.contains("= -1 "));
            let opened: Vec<&String> = opened.collect();
            for name in [".db", "-wal", "-shm", "search"] {
                assert!(!opened.iter().any(|call| call.contains(name)), "{path} opens {name}: {opened:#?}");
            }
            let reads = |calls: &[String]| calls.iter().filter(|call| call.contains("pread64(")).count();
            assert!(reads(&calls) + 40 < reads(&whole), "{path}: {} reads, {} for all", reads(&calls), reads(&whole));
            for text in ["Record ", "of a site"] {
                assert!(!calls.iter().any(|call| call.contains(text)), "{path} reads a record: {calls:#?}");
            }
            assert!(calls.len() <= CALLS_MAX, "{path}: {} calls: {calls:#?}", calls.len());
            counts.push(calls.len());
        }
        assert!(counts[1] <= counts[0] + 4, "{path}: {counts:?} calls");
    }
}
