//! `blergtool import` and `dump`: records and whole sites in and out. Start at [`import`]. Files are opened before root
//! becomes the data directory's owner, so that root's own files can be read and written.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use blerg_store::{ImportFormat, ImportOptions, Imported, TagSpan};
use serde_json::json;

use super::args::{Dump, Format, Import};
use super::meter::Meter;
use super::{Answer, Failure, existing_store, store, wiki};
use crate::setup::{Setup, now_us};
use crate::terminal;

/// Bytes read and written at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// `blergtool import`.
pub(crate) fn import(setup: &Setup, import: &Import, is_json: bool) -> Result<Answer, Failure> {
    if import.file.is_dir() {
        return wiki::run_folder(setup, &import.file, import.author.as_deref(), is_json);
    }
    let (mut input, total) = open(&import.file)?;
    let format = match import.format {
        Some(format) => format,
        None => guess(&mut input).map_err(|error| Failure::File(format!("read {}", import.file.display()), error))?,
    };
    let format = match format {
        Format::Dump => return restore(setup, &mut input, total, is_json),
        Format::Jsonl => ImportFormat::JsonLines,
        Format::Twtxt => ImportFormat::Twtxt,
        Format::Mastodon => ImportFormat::Mastodon,
    };
    if import.author.is_none() && format != ImportFormat::JsonLines {
        return Err(Failure::Usage("whose records are these? name the author with --author".to_owned()));
    }
    let store = store(setup)?;
    let options = ImportOptions { format, author: import.author.clone(), find_tags, now_us: now_us() };
    let mut meter = Meter::new(is_json, total);
    let (done, result) = store.import(&mut input, &options, &mut |progress| meter.show(progress));
    drop(meter);
    let answer = imported(&done);
    match result.and(store.close()) {
        Ok(()) => Ok(answer),
        Err(error) => Err(Failure::Partly(Box::new(answer), error)),
    }
}

fn imported(done: &Imported) -> Answer {
    let mut text = format!("{} records imported", done.records);
    for (count, what) in [
        (done.known, "were there already"),
        (done.authors, "authors made"),
        (done.follows, "subscriptions added"),
        (done.loose_replies, "replies to records that are not here, imported without the link"),
    ] {
        if count > 0 {
            text.push_str(&format!("; {count} {what}"));
        }
    }
    for (reason, count) in &done.left_out {
        text.push_str(&format!("; {count} left out: {reason}"));
    }
    text.push('\n');
    Answer::new(
        text,
        json!({
            "lines": done.lines, "records": done.records, "known": done.known, "authors": done.authors,
            "follows": done.follows, "loose_replies": done.loose_replies, "left_out": done.left_out,
        }),
    )
}

fn restore(setup: &Setup, input: &mut dyn BufRead, total: Option<u64>, is_json: bool) -> Result<Answer, Failure> {
    let store = store(setup)?;
    let mut meter = Meter::new(is_json, total);
    let done = store.restore(now_us(), input, &mut |progress| meter.show(progress))?;
    drop(meter);
    Ok(Answer::new(
        format!("restored {} authors, {} accounts, {} records\n", done.authors, done.accounts, done.records),
        json!({ "lines": done.lines, "authors": done.authors, "accounts": done.accounts, "records": done.records }),
    ))
}

/// `blergtool dump`.
pub(crate) fn dump(setup: &Setup, dump: &Dump, is_json: bool) -> Result<Answer, Failure> {
    let path = dump.file.as_deref().filter(|path| path.as_os_str() != "-");
    if path.is_none() && is_json {
        return Err(Failure::Usage("name a file to dump to: with --json standard output has the answer".to_owned()));
    }
    let out: Box<dyn Write> = match path {
        Some(path) => Box::new(create(path)?),
        None => terminal::output(),
    };
    let store = existing_store(setup)?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    let mut meter = Meter::new(is_json, None);
    let done = store.dump(&mut out, &mut |progress| meter.show(progress))?;
    drop(meter);
    let text = match path {
        Some(path) => format!("{} authors and {} records dumped to {}\n", done.authors, done.records, path.display()),
        None => String::new(),
    };
    let json =
        json!({ "lines": done.lines, "authors": done.authors, "records": done.records, "damaged": done.damaged });
    Ok(Answer { is_wrong: done.damaged > 0, ..Answer::new(text, json) })
}

/// A new file that only its owner may read: it will hold password hashes.
fn create(path: &Path) -> Result<File, Failure> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| Failure::File(format!("make {}", path.display()), error))
}

#[expect(clippy::disallowed_methods, reason = "cgi/ owns standard input")]
fn open(path: &Path) -> Result<(Box<dyn BufRead>, Option<u64>), Failure> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(BufReader::with_capacity(BUFFER_BYTES, io::stdin())), None));
    }
    let failed = |error| Failure::File(format!("open {}", path.display()), error);
    let file = File::open(path).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    Ok((Box::new(BufReader::with_capacity(BUFFER_BYTES, file)), Some(total)))
}

/// What a file is, by its first bytes.
fn guess(input: &mut dyn BufRead) -> Result<Format, io::Error> {
    let head = String::from_utf8_lossy(input.fill_buf()?);
    let first = head.trim_start_matches('\u{FEFF}').trim_start();
    let line = first.lines().next().unwrap_or("");
    Ok(if !first.starts_with('{') {
        Format::Twtxt
    } else if line.contains("\"op\"") && line.contains("\"dump\"") {
        Format::Dump
    } else if first.contains("\"@context\"") || first.contains("\"orderedItems\"") {
        Format::Mastodon
    } else {
        Format::Jsonl
    })
}

/// The tags of a text, as the log wants them. Text is at most 65,535 bytes and a tag 65, so the numbers fit.
fn find_tags(text: &str) -> Vec<TagSpan> {
    let span =
        |span: blerg_markup::Span| Some(TagSpan { start: span.start.try_into().ok()?, len: span.len.try_into().ok()? });
    blerg_markup::tags(text).into_iter().filter_map(span).collect()
}
