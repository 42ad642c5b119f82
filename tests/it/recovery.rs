//! A CGI process that finds a long recovery due does not make its visitor wait: it answers 503, and a process of its own
//! session recovers, once. A short one is done on the spot.

use std::fs;
use std::io::Write as _;

use super::cgi_run::run;
use super::http::Ask;
use super::site::{Site, hand_over, wait_until};

/// With about 130 bytes each this is well over what a CGI process recovers itself (4 MiB).
const MANY: u32 = 50_000;

fn site_with(records: u32) -> Site {
    let site = Site::new("").set("BLERG_DURABILITY", "none");
    let path = site.run().join("posts.jsonl");
    let mut file = fs::File::create(&path).unwrap();
    for n in 0..records {
        let text = format!("Record {n} of a site that is in for a surprise, long enough to be worth a line. #all");
        writeln!(file, "{{\"author\":\"jon\",\"timestamp\":{},\"text\":\"{text}\"}}", 1_700_000_000 + n).unwrap();
    }
    hand_over(&path);
    site.tool(&["init"]);
    site.tool(&["import", path.to_str().unwrap()]);
    site
}

/// Takes the index away, as a disk or an operator might.
fn lose_index(site: &Site) {
    let entries = fs::read_dir(site.data()).unwrap().map(|entry| entry.unwrap().path());
    let indexes: Vec<_> = entries
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index")))
        .collect();
    assert!(!indexes.is_empty());
    for index in indexes {
        fs::remove_file(index).unwrap();
    }
}

#[test]
fn a_long_recovery_keeps_no_cgi_visitor_waiting() {
    let site = site_with(MANY);
    let before = run(&site, &Ask::get("/get/jon")).unwrap();
    lose_index(&site);
    let meanwhile = run(&site, &Ask::get("/get/jon")).unwrap();
    assert_eq!(meanwhile.status, 503, "{}", meanwhile.text());
    assert!(meanwhile.header("retry-after").is_some());
    assert!(meanwhile.text().contains("\"code\":\"recovering\""), "{}", meanwhile.text());
    wait_until("the site is back", || {
        let reply = run(&site, &Ask::get("/get/jon")).unwrap();
        assert!(matches!(reply.status, 200 | 503), "{}", reply.text());
        reply.status == 200 && reply.text() == before.text()
    });
}

#[test]
fn a_short_recovery_is_done_on_the_spot() {
    let site = site_with(100);
    let before = run(&site, &Ask::get("/get/jon")).unwrap();
    lose_index(&site);
    let after = run(&site, &Ask::get("/get/jon")).unwrap();
    assert_eq!((after.status, after.text()), (200, before.text()));
}

/// Writes over the positions of a tag's list in the index: what they lead to is nothing.
fn spoil_index(site: &Site) {
    let entries = fs::read_dir(site.data()).unwrap().map(|entry| entry.unwrap().path());
    let is_index = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("index.");
    let index = entries.into_iter().find(is_index).unwrap();
    let mut bytes = fs::read(&index).unwrap();
    // Runs of positions that rise a little from word to word; the header and the roots are let alone.
    let word = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let mut spoilt = 0;
    for at in (1_000_000..bytes.len() - 16).step_by(8) {
        let (this, next) = (word(&bytes, at), word(&bytes, at + 8));
        if (64..1 << 24).contains(&this) && next > this && next - this < 4_096 {
            bytes[at..at + 8].copy_from_slice(&(this + 8).to_le_bytes());
            spoilt += 1;
        }
    }
    assert!(spoilt > 10_000, "{spoilt} elements");
    let mut file = fs::OpenOptions::new().write(true).open(&index).unwrap();
    file.write_all(&bytes).unwrap();
}

#[test]
fn a_wrong_index_is_mended_behind_a_site_that_has_cgi_programs_only() {
    let site = site_with(MANY);
    let before = run(&site, &Ask::get("/get/jon")).unwrap();
    assert_eq!(before.status, 200);
    spoil_index(&site);
    // Whoever reads is answered at once, with less; what reads started mends the index.
    wait_until("everything is back", || {
        let reply = run(&site, &Ask::get("/get/jon")).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text() == before.text()
    });
}
