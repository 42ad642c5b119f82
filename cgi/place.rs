//! Whether the data directory lies where a web server would show it: [`check`]. Symbolic links are followed on both sides,
//! and a directory that does not exist yet is judged by its nearest parent that does.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// Refuses a data directory inside one of these directories; `/` alone says nothing and is passed over.
pub(crate) fn check<'a>(data: &Path, roots: impl IntoIterator<Item = &'a Path>) -> Result<(), Error> {
    let real_data = real(data);
    for root in roots {
        if !root.is_absolute() || root.parent().is_none() {
            continue;
        }
        if data.starts_with(root) || real_data.starts_with(real(root)) {
            return Err(Error::Exposed { data: data.to_owned(), root: root.to_owned() });
        }
    }
    Ok(())
}

fn real(path: &Path) -> PathBuf {
    for parent in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (parent.canonicalize(), path.strip_prefix(parent)) {
            return real.join(rest);
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests;
