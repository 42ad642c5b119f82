//! What somebody typed into the form of a page, read once and never lost: [`Typed`] comes back in the form whatever becomes
//! of the request. It never decides anything.

use blerg_http::Form;
use blerg_store::{Base, PAGE_BYTES_MAX};

use crate::call::number;
use crate::failure::Failure;

/// Longest summary in bytes: what the store keeps.
pub(crate) const SUMMARY_BYTES_MAX: usize = blerg_store::SUMMARY_BYTES_MAX;

/// The fields of the form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Typed {
    /// With LF line ends.
    pub(crate) text: String,
    pub(crate) summary: String,
    pub(crate) is_minor: bool,
    /// The revision edited; 0 for a new page.
    pub(crate) base: u64,
    /// What was edited only led elsewhere.
    pub(crate) of_redirect: bool,
    /// The text is that of this section.
    pub(crate) section: Option<usize>,
    /// The revision that a conflict was shown against.
    pub(crate) theirs: Option<u64>,
    /// Some of it was no UTF-8.
    pub(crate) is_mangled: bool,
}

/// Which button was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Button {
    Save,
    Preview,
    /// The result of the choices, to be edited further.
    Review,
}

impl Typed {
    /// Reads a form.
    pub(crate) fn read(form: &Form) -> Typed {
        let bytes = form.get_bytes("text").unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        let count = |name: &str| form.get(name).and_then(number);
        Typed {
            is_mangled: text.contains(char::REPLACEMENT_CHARACTER) && std::str::from_utf8(bytes).is_err(),
            text: unix_lines(&text),
            summary: form.get("summary").unwrap_or_default().split_whitespace().collect::<Vec<&str>>().join(" "),
            is_minor: form.get("minor").is_some(),
            base: count("base").unwrap_or(0),
            of_redirect: form.get("redirect").is_some(),
            // What is no number is no section's, and never the whole page's.
            section: form.get("section").map(|n| number(n).and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)),
            theirs: count("theirs"),
        }
    }

    /// Which button was pressed; without one nothing is changed.
    pub(crate) fn button(form: &Form) -> Button {
        match form {
            _ if form.get("preview").is_some() => Button::Preview,
            _ if form.get("review").is_some() => Button::Review,
            _ if form.get("save").is_some() => Button::Save,
            _ => Button::Preview,
        }
    }

    /// What was edited, for the store.
    pub(crate) fn base(&self) -> Base {
        match self.base {
            0 => Base::New,
            rev if self.of_redirect => Base::Redirect(rev),
            rev => Base::Rev(rev),
        }
    }

    /// What cannot be saved as it is.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_mangled {
            return Err(Failure::bad("The text did not arrive as UTF-8: look for \u{FFFD} in it."));
        }
        if self.summary.len() > SUMMARY_BYTES_MAX {
            let reason =
                format!("A summary has at most {SUMMARY_BYTES_MAX} bytes, this one has {}.", self.summary.len());
            return Err(Failure::bad(reason));
        }
        if self.base == 0 && self.text.trim().is_empty() {
            return Err(Failure::bad("A new page needs a text."));
        }
        let bytes = self.text.len();
        if bytes > PAGE_BYTES_MAX {
            return Err(Failure::from(blerg_store::Error::PageLength { bytes }));
        }
        Ok(())
    }
}

/// Browsers send CRLF.
fn unix_lines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}
