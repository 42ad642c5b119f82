//! Root works as the data directory's owner: files that root made there could not be written by the web server's user.
//! Start at [`become_owner`]. It changes this process for good, and before it has other threads (user ids belong to
//! threads).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use super::Failure;

/// Becomes the owner of `data`, if this is root and somebody else owns it.
pub(crate) fn become_owner(data: &Path) -> Result<(), Failure> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let Ok(meta) = fs::metadata(data) else { return Ok(()) };
    if meta.uid() == 0 {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(meta.uid()), Gid::from_raw(meta.gid()));
    // Groups first: afterwards nobody may change them.
    set_thread_groups(&[gid])
        .and_then(|()| set_thread_gid(gid))
        .and_then(|()| set_thread_uid(uid))
        .map_err(|errno| Failure::File(format!("become the owner of {}", data.display()), errno.into()))
}

/// Makes `data` a directory of `owner`.
pub(crate) fn make_for(data: &Path, owner: &str) -> Result<(), Failure> {
    let (uid, gid) = find_user(owner)?;
    let failed = |error| Failure::File(format!("make {}", data.display()), error);
    fs::create_dir_all(data).map_err(failed)?;
    rustix::fs::chown(data, Some(uid), gid).map_err(|errno| failed(errno.into()))?;
    fs::set_permissions(data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(failed)
}

/// A user by number or by name; a name's group comes along.
fn find_user(owner: &str) -> Result<(Uid, Option<Gid>), Failure> {
    if let Ok(uid) = owner.parse() {
        return Ok((Uid::from_raw(uid), None));
    }
    let passwd =
        fs::read_to_string("/etc/passwd").map_err(|error| Failure::File("read /etc/passwd".to_owned(), error))?;
    let found = passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [name, _, uid, gid, ..] if *name == owner => Some((uid.parse().ok()?, gid.parse().ok()?)),
            _ => None,
        }
    });
    let (uid, gid) = found.ok_or_else(|| Failure::Usage(format!("no user {owner:?} on this machine")))?;
    Ok((Uid::from_raw(uid), Some(Gid::from_raw(gid))))
}
