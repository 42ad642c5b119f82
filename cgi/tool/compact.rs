//! `blergtool compact`: less room, and what was deleted gone from every file, while the site goes on. Start at [`compact`].

use blerg_store::CompactedSite;
use serde_json::json;

use super::meter::Meter;
use super::{Answer, Failure, existing_store};
use crate::setup::{Setup, now_us};

/// `blergtool compact`.
pub(crate) fn compact(setup: &Setup, is_json: bool) -> Result<Answer, Failure> {
    let store = existing_store(setup)?;
    let mut meter = Meter::new(is_json, None);
    let done = store.compact(now_us(), blerg_markup::wiki::page_links, &mut |progress| meter.show(progress))?;
    drop(meter);
    store.close()?;
    Ok(told(&done))
}

fn told(done: &CompactedSite) -> Answer {
    let CompactedSite { log, disk_bytes_before, disk_bytes, unfinished } = *done;
    let mut text = format!(
        "{} records, {} later texts, {} authors, {} subscriptions\n\
         log: {} bytes, {} before; all files: {disk_bytes} bytes, {disk_bytes_before} before\n",
        log.records, log.edits, log.authors, log.follows, log.log_bytes, log.log_bytes_before,
    );
    if !log.is_old_removed {
        text.push_str("a program still reads the log of before, which stays until the next delete or compaction\n");
    }
    if unfinished > 0 {
        text.push_str("a database was being read all the time, and may hold deleted words until it is written next\n");
    }
    let json = json!({
        "records": log.records, "edits": log.edits, "authors": log.authors, "subscriptions": log.follows,
        "log_bytes_before": log.log_bytes_before, "log_bytes": log.log_bytes,
        "disk_bytes_before": disk_bytes_before, "disk_bytes": disk_bytes,
        "old_log_removed": log.is_old_removed, "databases_unfinished": unfinished,
    });
    Answer { is_wrong: !log.is_old_removed || unfinished > 0, ..Answer::new(text, json) }
}
