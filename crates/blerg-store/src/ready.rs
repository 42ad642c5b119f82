//! Makes a data directory ready and opens its record log. Start at [`open_log`].
//! Two processes may come to an empty directory at once: one makes it ready, the other finds it so.

use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt, path::Path, sync::Arc};

use blerg_log::{Durability, Identity, Log, Options, RealDisk};

use crate::{Error, Settings};

/// The file whose presence makes a directory a site; written by the log.
pub(crate) const FORMAT_FILE: &str = "FORMAT";

/// Opens the log in `dir`, after making the directory and a new log where there is none.
pub(crate) fn open_log(dir: &Path, settings: &Settings) -> Result<Log, Error> {
    if !dir.join(FORMAT_FILE).exists() {
        let mut site_id = [0; 16];
        (settings.random)(&mut site_id);
        create_log(dir, settings, site_id)?;
    }
    let mut options = Options::new(settings.backend, settings.recovery, settings.random);
    options.allow_network_fs = settings.allow_network_fs;
    let log = Log::open(dir, &options, Arc::new(RealDisk))?;
    let found = log.identity().durability;
    match settings.durability {
        Some(wanted) if wanted != found => Err(Error::Setting {
            wanted: match found {
                Durability::Sync => "durability sync, as the data directory was made",
                Durability::None => "durability none, as the data directory was made",
            },
            found: format!("{wanted:?}").to_ascii_lowercase(),
        }),
        _ => Ok(log),
    }
}

/// Makes `dir` a site of the given id; fine if another process has just done so.
pub(crate) fn create_log(dir: &Path, settings: &Settings, site_id: [u8; 16]) -> Result<(), Error> {
    make_private_dir(dir)?;
    let mut hash_key = [0; 16];
    (settings.random)(&mut hash_key);
    let durability = settings.durability.unwrap_or(Durability::Sync);
    match Log::create(dir, &Identity { site_id, hash_key, durability }, Arc::new(RealDisk)) {
        Ok(()) | Err(blerg_log::Error::Exists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes a directory that only its owner may enter, and the ones above it, where they are missing.
pub(crate) fn make_private_dir(dir: &Path) -> Result<(), Error> {
    match DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::io(dir, "make directory")(error)),
        _ => Ok(()),
    }
}
