//! `blergtool backup` and `salvage`: a consistent copy of a site that is in use, and a sound one of a site that is damaged.
//! Start at [`backup`]. Root gives a new directory to the owner of the data first, because it works as that owner.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use blerg_store::Place;
use rustix::fs::{Mode, OFlags};
use serde_json::json;

use super::args::{Backup, Salvage};
use super::meter::Meter;
use super::{Answer, Failure, existing_store, store};
use crate::setup::{Setup, now_us};

/// `blergtool backup`.
pub(crate) fn backup(setup: &Setup, backup: &Backup, is_json: bool) -> Result<Answer, Failure> {
    let to = target(setup, &backup.dir)?;
    // Before a directory is made for what there is not.
    let is_site = blerg_store::look(&setup.data)? == Place::Site;
    if is_site {
        make_for_owner(setup, &to)?;
    }
    let store = existing_store(setup)?;
    let mut meter = Meter::new(is_json, None);
    let done = store.backup(&to, &mut |progress| meter.show(progress))?;
    drop(meter);
    let mut text: String = done.problems.iter().map(|problem| format!("{problem}\n")).collect();
    text.push_str(&format!(
        "{}: {} frames in {} bytes of log, {} bytes of accounts, {} bytes of wiki{}\n",
        to.display(),
        done.frames,
        done.log_bytes,
        done.site_bytes,
        done.wiki_bytes,
        if done.problems_len == 0 { String::new() } else { format!("; {} DAMAGED", done.problems_len) },
    ));
    let json = json!({
        "directory": to.display().to_string(), "frames": done.frames, "log_bytes": done.log_bytes,
        "segments": done.segments, "site_bytes": done.site_bytes, "wiki_bytes": done.wiki_bytes,
        "problems": done.problems, "problems_len": done.problems_len,
    });
    Ok(Answer { is_wrong: done.problems_len > 0, ..Answer::new(text, json) })
}

/// `blergtool salvage`: exit code 1 says that something was lost.
pub(crate) fn salvage(setup: &Setup, salvage: &Salvage, is_json: bool) -> Result<Answer, Failure> {
    let to = target(setup, &salvage.dir)?;
    if !setup.data.is_dir() {
        return Err(Failure::Usage(format!("{} is no directory", setup.data.display())));
    }
    make_for_owner(setup, &to)?;
    let store = store(setup)?;
    let mut meter = Meter::new(is_json, None);
    let done = store.salvage(now_us(), &to, &mut |progress| meter.show(progress))?;
    drop(meter);
    let mut text: String = done.lost.iter().map(|what| format!("{what}\n")).collect();
    let told = u64::try_from(done.lost.len()).unwrap_or(u64::MAX);
    if done.lost_len > told {
        text.push_str(&format!("and {} more\n", done.lost_len - told));
    }
    text.push_str(&format!(
        "{}: {} authors, {} records, {} accounts, {} wiki pages; {}\n",
        to.display(),
        done.authors,
        done.records,
        done.accounts,
        done.pages,
        if done.lost_len == 0 { "nothing was lost" } else { "what is named above was lost or damaged" },
    ));
    let json = json!({
        "directory": to.display().to_string(), "authors": done.authors, "records": done.records,
        "accounts": done.accounts, "pages": done.pages, "lost": done.lost, "lost_len": done.lost_len,
    });
    Ok(Answer { is_wrong: done.lost_len > 0, ..Answer::new(text, json) })
}

/// The directory to write to, absolute: not the site's own, nor in it.
pub(crate) fn target(setup: &Setup, dir: &Path) -> Result<PathBuf, Failure> {
    let to = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let data = real(&setup.data);
    let inside = to.ancestors().any(|above| real(above) == data);
    if inside {
        return Err(Failure::Usage(format!("{} lies in the data directory itself", to.display())));
    }
    Ok(to)
}

/// Root makes a directory that is not there yet, for the owner of the data.
pub(crate) fn make_for_owner(setup: &Setup, to: &Path) -> Result<(), Failure> {
    let Ok(data) = fs::metadata(&setup.data) else { return Ok(()) };
    if !rustix::process::geteuid().is_root() || to.exists() {
        return Ok(());
    }
    let make = || {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        DirBuilder::new().mode(0o700).create(to)?;
        // Who may write beside it could put a link to something of root's in its place meanwhile.
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::open(to, flags, Mode::empty())?;
        std::os::unix::fs::fchown(dir, Some(data.uid()), Some(data.gid()))
    };
    make().map_err(|error| Failure::File(format!("make {}", to.display()), error))
}
