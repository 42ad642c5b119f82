//! `blergtool init`, `check`, `rebuild` and `stats`: a site as a whole. Start at [`check`].

use serde_json::json;

use super::args::Init;
use super::meter::Meter;
use super::{Answer, Failure, existing_store, owner, store};
use crate::error::chain;
use crate::setup::Setup;

/// `blergtool init`.
pub(crate) fn init(setup: &Setup, init: &Init) -> Result<Answer, Failure> {
    if let Some(name) = &init.owner {
        owner::make_for(&setup.data, name)?;
    }
    let is_new = !setup.data.join("FORMAT").exists();
    let store = store(setup)?;
    let site: String = store.site_id()?.iter().map(|byte| format!("{byte:02x}")).collect();
    // The database too, so that a directory that cannot hold one is noticed now.
    store.accounts(None)?;
    let durability = store.durability()?;
    store.close()?;
    let data = setup.data.display().to_string();
    let text = if is_new { format!("{data} is ready\n") } else { format!("{data} was ready already\n") };
    Ok(Answer::new(text, json!({ "data": data, "site": site, "new": is_new, "durability": durability })))
}

/// `blergtool check`.
pub(crate) fn check(setup: &Setup, is_json: bool) -> Result<Answer, Failure> {
    let store = existing_store(setup)?;
    let mut meter = Meter::new(is_json, None);
    let report = store.check(&mut |progress| meter.show(progress))?;
    drop(meter);
    let mut text: String = report.problems.iter().map(|problem| format!("{problem}\n")).collect();
    let told = u64::try_from(report.problems.len()).unwrap_or(u64::MAX);
    if report.problems_len > told {
        text.push_str(&format!("and {} more\n", report.problems_len - told));
    }
    text.push_str(&format!(
        "{} frames, {} authors ({} without account), {} records, {} in the search index",
        report.frames, report.authors, report.without_account, report.records, report.indexed
    ));
    if report.search_behind > 0 {
        text.push_str(&format!(" ({} bytes of log still to come)", report.search_behind));
    }
    text.push_str(if report.problems_len == 0 { ": sound\n" } else { ": NOT SOUND\n" });
    let json = json!({
        "problems": report.problems, "problems_len": report.problems_len, "frames": report.frames,
        "authors": report.authors, "records": report.records, "accounts": report.accounts,
        "without_account": report.without_account, "indexed": report.indexed, "search_behind": report.search_behind,
    });
    Ok(Answer { is_wrong: report.problems_len > 0, ..Answer::new(text, json) })
}

/// `blergtool rebuild`: exit code 1 says that a database kept what is derived in it from being made anew.
pub(crate) fn rebuild(setup: &Setup, is_json: bool) -> Result<Answer, Failure> {
    let store = existing_store(setup)?;
    let mut meter = Meter::new(is_json, None);
    let done = store.rebuild(&mut |progress| meter.show(progress))?;
    drop(meter);
    store.close()?;
    let failed: Vec<String> = done.failed.iter().map(|(file, error)| format!("{file}: {}", chain(error))).collect();
    let mut text: String = failed.iter().map(|what| format!("{what}\n")).collect();
    text.push_str(if failed.is_empty() {
        "the index and the search index are made anew\n"
    } else {
        "the index is made anew; what is derived in the databases named above is NOT; blergtool check tells more, \
         and blergtool salvage makes a sound site of what can be read\n"
    });
    Ok(Answer { is_wrong: !failed.is_empty(), ..Answer::new(text, json!({ "failed": failed })) })
}

/// `blergtool stats`.
pub(crate) fn stats(setup: &Setup) -> Result<Answer, Failure> {
    let stats = existing_store(setup)?.stats()?;
    let rows = [
        ("authors", stats.authors),
        ("records, deleted ones included", stats.puts),
        ("of them deleted", stats.deletes),
        ("bytes of log", stats.log_bytes),
        ("bytes of log searchable", stats.search_bytes),
        ("bytes on disk", stats.disk_bytes),
        ("damaged frames met", stats.damaged),
    ];
    let text: String = rows.iter().map(|(what, count)| format!("{count:>14} {what}\n")).collect();
    let json = json!({
        "authors": stats.authors, "puts": stats.puts, "deletes": stats.deletes, "log_bytes": stats.log_bytes,
        "search_bytes": stats.search_bytes, "disk_bytes": stats.disk_bytes, "damaged": stats.damaged,
    });
    Ok(Answer::new(text, json))
}
