//! The header fields of a request: lower-case names, values as bytes, in the order of arrival, in one buffer.
//! Start at [`Headers::get`]. Never joins or splits fields; hostile bytes in values stay as they came.

/// At most this many fields are kept; browsers send about 20.
pub const HEADERS_MAX: usize = 128;
/// At most this many bytes of names and values are kept; Apache and nginx allow 8 KiB a field, 64 KiB is beyond all use.
pub const HEADERS_BYTES_MAX: usize = 64 * 1024;

/// Header fields, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    text: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl Headers {
    /// Room for a usual request's fields.
    #[must_use]
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        Headers {
            text: Vec::with_capacity(bytes.min(HEADERS_BYTES_MAX)),
            ends: Vec::with_capacity(fields.min(HEADERS_MAX)),
        }
    }

    /// Adds a field, its name folded to lower case. `false`: the limits are reached and it was left out.
    #[must_use]
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> bool {
        let bytes = name.len().saturating_add(value.len());
        if self.ends.len() >= HEADERS_MAX || bytes > HEADERS_BYTES_MAX.saturating_sub(self.text.len()) {
            return false;
        }
        self.text.extend(name.iter().map(u8::to_ascii_lowercase));
        let name_end = self.text.len();
        self.text.extend_from_slice(value);
        self.ends.push((name_end, self.text.len()));
        true
    }

    /// All fields as (name, value), in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, end)| {
            let name = self.text.get(start..name_end).unwrap_or_default();
            let value = self.text.get(name_end..end).unwrap_or_default();
            start = end;
            (name, value)
        })
    }

    /// The value of the first field of this (lower-case) name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
    }

    /// The values of all fields of this (lower-case) name.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
    }

    /// The first field of this name if its value is UTF-8, without the white space around it.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok()).map(str::trim)
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no field at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

#[cfg(test)]
mod tests;
