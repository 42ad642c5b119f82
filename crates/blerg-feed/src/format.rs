//! The formats of a feed: their endings, types, and which one a reader that names none prefers. Start at [`Format`].

use blerg_http::Headers;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    /// RSS 2.0.
    Rss,
    /// Atom (RFC 4287).
    Atom,
    /// JSON Feed 1.1.
    Json,
}

/// Most parts of an Accept header that are looked at.
const ACCEPT_PARTS_MAX: usize = 32;

impl Format {
    /// All of them, the default first.
    pub(crate) const ALL: [Format; 3] = [Format::Rss, Format::Atom, Format::Json];

    /// The path's ending, without the dot.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Format::Rss => "rss",
            Format::Atom => "atom",
            Format::Json => "json",
        }
    }

    /// The type, as readers know it.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Format::Rss => "application/rss+xml",
            Format::Atom => "application/atom+xml",
            Format::Json => "application/feed+json",
        }
    }

    /// The type for whoever asks. Browsers, which name `text/html` and no type of a feed, would save a feed as a file
    /// (Firefox) or show its source (Chromium): they get the general type, and show it by its style sheet.
    pub(crate) fn type_for(self, headers: &Headers) -> &'static str {
        let is_browser = headers.text("accept").is_some_and(|accept| {
            let names = |part: &str| accept.contains(part);
            names("text/html") && !["rss+xml", "atom+xml", "feed+json"].into_iter().any(names)
        });
        match (self, is_browser) {
            (_, false) => self.media_type(),
            (Format::Json, true) => "application/json",
            (_, true) => "application/xml",
        }
    }

    /// The format that Accept likes best, and RSS where it does not care.
    pub(crate) fn accepted(headers: &Headers) -> Format {
        let accept = headers.text("accept").unwrap_or_default();
        let mut best = (Format::Rss, 0);
        for part in accept.split(',').take(ACCEPT_PARTS_MAX) {
            let (media, parameters) = part.split_once(';').unwrap_or((part, ""));
            let media = media.trim().to_ascii_lowercase();
            let format = match media.as_str() {
                "application/feed+json" | "application/json" => Format::Json,
                "application/atom+xml" => Format::Atom,
                "application/rss+xml" => Format::Rss,
                _ => continue,
            };
            let weight = weight(parameters);
            // Between equals the default wins, then the first.
            if weight > best.1 || (weight == best.1 && weight > 0 && format == Format::Rss) {
                best = (format, weight);
            }
        }
        best.0
    }

    /// Takes the ending off a path.
    pub(crate) fn split(path: &str) -> (&str, Option<Format>) {
        let found = path.rsplit_once('.').and_then(|(rest, ending)| {
            Format::ALL.into_iter().find(|format| format.ending() == ending).map(|format| (rest, format))
        });
        found.map_or((path, None), |(rest, format)| (rest, Some(format)))
    }
}

/// `q=0.5` in thousandths (RFC 9110 s.12.4.2).
fn weight(parameters: &str) -> u32 {
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    let Some(value) = value else { return 1000 };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let thousandths = digits.parse::<u32>().unwrap_or(0);
    whole.parse::<u32>().map_or(0, |whole| whole.min(1) * 1000 + thousandths).min(1000)
}

#[cfg(test)]
mod tests;
