//! The site that every engine holds: the same records on every run, whatever their number. Authors and tags grow with the
//! records, and some are far busier than others (Zipf), as on a real site. Start at [`Site`].

use blerg_log::TagSpan;
use fastrand::Rng;

/// Whom the reader of the feed follows.
pub(crate) const FOLLOWEES: u32 = 400;

const WORDS: &[&str] = &[
    "a", "garden", "storm", "kettle", "north", "walked", "under", "seven", "lamps", "because", "river", "nobody",
    "told", "bread", "quiet", "machine", "letters", "were", "slow", "green", "and", "then", "the", "harbour", "opened",
    "again",
];

/// Number k about 1/k as often as number 1.
pub(crate) fn zipf(rng: &mut Rng, bound: u32) -> u32 {
    (f64::from(bound + 1).powf(rng.f64()) as u32).clamp(1, bound) - 1
}

/// How large the site is.
#[derive(Clone, Copy)]
pub(crate) struct Site {
    pub(crate) records: u64,
    pub(crate) authors: u32,
    pub(crate) tags: u32,
}

/// One record, whoever holds it.
pub(crate) struct Record {
    pub(crate) author: u32,
    pub(crate) at_us: u64,
    pub(crate) text: String,
    pub(crate) spans: Vec<TagSpan>,
}

impl Record {
    /// The tags of the text, without their sigil.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.spans.iter().map(|span| {
            let start = usize::from(span.start);
            self.text.get(start + 1..start + usize::from(span.len)).unwrap_or_default()
        })
    }
}

impl Site {
    pub(crate) fn of(records: u64) -> Site {
        let part = |of: u64| u32::try_from(records / of).unwrap_or(u32::MAX).max(FOLLOWEES + 1);
        Site { records, authors: part(50), tags: part(20) }
    }

    /// Record `n`: about 200 bytes with three tags.
    pub(crate) fn record(&self, n: u64) -> Record {
        // Of its number alone: the same record on every run.
        let mut rng = Rng::with_seed(n);
        let author = zipf(&mut rng, self.authors);
        let bytes = 100 + rng.usize(..140);
        let mut text = format!("Record {n}:");
        while text.len() < bytes {
            text.push(' ');
            text.push_str(rng.choice(WORDS).copied().unwrap_or_default());
        }
        let mut spans = Vec::new();
        for _ in 0..3 {
            let tag = tag(zipf(&mut rng, self.tags));
            let start = u16::try_from(text.len() + 1).expect("a short text");
            text.push_str(" #");
            text.push_str(&tag);
            spans.push(TagSpan { start, len: u8::try_from(tag.len() + 1).expect("a short tag") });
        }
        // A record stands on a tag's list once.
        spans.dedup_by(|a, b| text.get(range(*a)) == text.get(range(*b)));
        Record { author, at_us: 1_500_000_000_000_000 + n * 1_000_000, text, spans }
    }

    /// Whom the reader of the feed follows: busy authors and quiet ones.
    pub(crate) fn followees(&self) -> Vec<u32> {
        let step = (self.authors - 1) / FOLLOWEES;
        (0..FOLLOWEES).map(|n| 1 + n * step).collect()
    }
}

fn range(span: TagSpan) -> std::ops::Range<usize> {
    usize::from(span.start)..usize::from(span.start) + usize::from(span.len)
}

pub(crate) fn author(n: u32) -> String {
    format!("author{n}")
}

pub(crate) fn tag(n: u32) -> String {
    format!("tag{n}")
}
