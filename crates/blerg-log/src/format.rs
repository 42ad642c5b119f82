//! The file FORMAT: what a store is for all its life, and which of its logs counts. Start at [`Format`]. Text, checked at
//! every open; written once, and replaced whole by each compaction: that is how the site goes over to another log.

use std::path::Path;

use crate::file::File;
use crate::geometry::Geometry;
use crate::{Disk, Durability, Error, Identity, OpenMode};

/// Its name.
pub(crate) const FORMAT_FILE: &str = "FORMAT";
/// Of a store that was never compacted.
const FIRST_LINE: &str = "blerg log 1";
/// Of one that was.
const FIRST_LINE_COMPACTED: &str = "blerg log 2";
/// The file is shorter than this.
const FORMAT_BYTES_MAX: usize = 1024;

/// What a store is for all its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) identity: Identity,
    pub(crate) geometry: Geometry,
}

/// Which of the logs that lie in a directory counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Naming {
    /// Counts the compactions.
    pub(crate) number: u64,
    /// When the last one was; 0: never.
    pub(crate) since_us: u64,
}

impl Format {
    /// The text of a store that was never compacted.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        self.text_naming(Naming::default())
    }

    pub(crate) fn text_naming(&self, naming: Naming) -> String {
        let durability = match self.identity.durability {
            Durability::Sync => "sync",
            Durability::None => "none",
        };
        let (first, log) = match naming.number {
            0 => (FIRST_LINE, String::new()),
            number => (FIRST_LINE_COMPACTED, format!("log {number} {}\n", naming.since_us)),
        };
        let body = format!(
            "{first}\nsite {}\nkey {}\ndurability {durability}\nsegments {} {}\n{log}",
            hex(&self.identity.site_id),
            hex(&self.identity.hash_key),
            self.geometry.first_bits,
            self.geometry.last_bits,
        );
        let sum = crc32c::crc32c(body.as_bytes());
        format!("{body}crc32c {sum:08x}\n")
    }

    /// The format in a text, and which log counts; says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<(Format, Naming), String> {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        if first != FIRST_LINE && first != FIRST_LINE_COMPACTED {
            return Err(format!("first line {first:?}, want {FIRST_LINE:?} or {FIRST_LINE_COMPACTED:?}"));
        }
        let mut field = |name: &str| {
            let line = lines.next().unwrap_or_default();
            line.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(' '))
                .ok_or_else(|| format!("line {line:?}, want {name:?}"))
        };
        let identity = Identity {
            site_id: unhex(field("site")?)?,
            hash_key: unhex(field("key")?)?,
            durability: match field("durability")? {
                "sync" => Durability::Sync,
                "none" => Durability::None,
                other => return Err(format!("durability {other:?}, want sync or none")),
            },
        };
        let bits = field("segments")?;
        let geometry = bits
            .split_once(' ')
            .and_then(|(first, last)| Some(Geometry { first_bits: first.parse().ok()?, last_bits: last.parse().ok()? }))
            .filter(|geometry| geometry.is_sound())
            .ok_or_else(|| format!("segments {bits:?}, want two numbers from 10 to 30"))?;
        let naming = if first == FIRST_LINE { Naming::default() } else { naming_of(field("log")?)? };
        let format = Format { identity, geometry };
        if format.text_naming(naming) != text {
            return Err("checksum or spelling differs".into());
        }
        Ok((format, naming))
    }

    pub(crate) fn read_naming(disk: &dyn Disk, dir: &Path) -> Result<(Format, Naming), Error> {
        let file = File::open(disk, &dir.join(FORMAT_FILE), OpenMode::Read)?;
        let mut bytes = vec![0; FORMAT_BYTES_MAX];
        let found = file.read_up_to(&mut bytes, 0)?;
        bytes.truncate(found);
        let text = String::from_utf8_lossy(&bytes);
        Format::parse(&text).map_err(|what| Error::Format { path: file.path().into(), what })
    }
}

fn naming_of(words: &str) -> Result<Naming, String> {
    words
        .split_once(' ')
        .and_then(|(number, since)| Some(Naming { number: number.parse().ok()?, since_us: since.parse().ok()? }))
        .filter(|naming| (1..u64::MAX).contains(&naming.number))
        .ok_or_else(|| format!("log {words:?}, want two numbers, the first above 0 and below {}", u64::MAX))
}

fn hex(bytes: &[u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<[u8; 16], String> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
    number.map(u128::to_be_bytes).ok_or_else(|| format!("{text:?}, want 32 hex digits"))
}

#[cfg(test)]
mod tests;
