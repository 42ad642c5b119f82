//! What the operator's tool needs of the wiki besides the store: a page's HTML, the texts of a rename, what a file is and
//! the archive of everything. Start at [`rendered`]. It checks nobody's rights: the operator has them all.

use std::fmt;
use std::io;
use std::sync::Arc;

use blerg_store::{Error, Fix, PageName, Rendered, Store, Wiki};

use crate::failure::Failure;
use crate::render::{Renderer, Sections};

/// Why there is no HTML of a text.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unrendered {
    /// The text is too long, or nested too deeply, to be shown; a sentence for people.
    Text(String),
    /// The store could not be asked where links lead.
    Store(Box<Error>),
}

impl fmt::Display for Unrendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unrendered::Text(reason) => f.write_str(reason),
            Unrendered::Store(_) => write!(f, "look up links"),
        }
    }
}

impl std::error::Error for Unrendered {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Unrendered::Text(_) => None,
            Unrendered::Store(error) => Some(error),
        }
    }
}

impl From<Failure> for Unrendered {
    fn from(failure: Failure) -> Unrendered {
        match failure.into_fault() {
            Ok(error) => Unrendered::Store(error),
            Err(reason) => Unrendered::Text(reason.into_owned()),
        }
    }
}

/// All that a page's text leads to, as a visitor's save would store it.
///
/// # Errors
/// The text cannot be shown, or the store cannot be read.
pub fn rendered(wiki: Wiki<'_>, name: &PageName, text: &str) -> Result<Rendered, Unrendered> {
    Ok(Renderer::new(wiki, name, Sections::Edited).render(text)?)
}

/// The texts of the pages that link to a page, with its new name; and the pages that cannot be mended, because they would
/// become too long or are too much at once.
///
/// # Errors
/// The store cannot be read.
pub fn link_fixes(wiki: Wiki<'_>, from: &PageName, to: &PageName) -> Result<(Vec<Fix>, Vec<PageName>), Unrendered> {
    Ok(crate::manage::fixes(wiki, from, to)?)
}

/// What a file's bytes are, whatever its name says.
#[must_use]
pub fn media_type(bytes: &[u8]) -> &'static str {
    crate::sniff::sniff(bytes).name
}

/// All pages and files as the pieces of a zip archive: `Name.md` and `Name/file`.
pub fn archive(store: &Arc<Store>) -> impl Iterator<Item = io::Result<Vec<u8>>> + use<> {
    crate::export::Archive::new(store)
}
