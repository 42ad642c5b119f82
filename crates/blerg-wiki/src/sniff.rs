//! What a file's bytes are, whatever its name and its sender say. Start at [`sniff`]. Only pictures that cannot hold a script
//! are ever shown inside a page; everything else is offered for saving.

/// What a file is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// Its media type.
    pub(crate) name: &'static str,
    /// Browsers may show it; else they save it.
    pub(crate) is_shown: bool,
}

const fn shown(name: &'static str) -> Media {
    Media { name, is_shown: true }
}

const fn saved(name: &'static str) -> Media {
    Media { name, is_shown: false }
}

/// What is neither known nor text.
const UNKNOWN: Media = saved("application/octet-stream");

/// Every type that [`sniff`] finds.
const ALL: [Media; 9] = [
    shown("image/png"),
    shown("image/jpeg"),
    shown("image/gif"),
    shown("image/webp"),
    shown("image/avif"),
    saved("application/pdf"),
    saved("application/zip"),
    saved("text/plain; charset=utf-8"),
    UNKNOWN,
];

/// What these bytes are. SVG is text here: it can hold scripts.
pub(crate) fn sniff(bytes: &[u8]) -> Media {
    let at = |from: usize, mark: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(mark));
    let name = if at(0, b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if at(0, b"\xff\xd8\xff") {
        "image/jpeg"
    } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
        "image/gif"
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        "image/webp"
    } else if at(4, b"ftypavif") || at(4, b"ftypavis") {
        "image/avif"
    } else if at(0, b"%PDF-") {
        "application/pdf"
    } else if at(0, b"PK\x03\x04") {
        "application/zip"
    } else if std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(['\0', '\u{1b}'])) {
        "text/plain; charset=utf-8"
    } else {
        UNKNOWN.name
    };
    known(name)
}

/// The type of that name; a name that this version does not know is nothing that it shows.
pub(crate) fn known(name: &str) -> Media {
    ALL.into_iter().find(|media| media.name == name).unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests;
