//! Name-value pairs (FastCGI 1.0 s.3.4): [`Params`] holds a request's CGI variables as the bytes that came.
//! Lengths of 1 and 4 bytes are read; names and values are bytes, never assumed to be text.

use std::{error, fmt};

/// One request's variables, in the order in which they came; a name may come twice.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params {
    encoded: Vec<u8>,
}

impl Params {
    /// Takes encoded pairs.
    ///
    /// # Errors
    /// The last pair is cut off.
    pub fn from_encoded(encoded: Vec<u8>) -> Result<Params, PairsError> {
        let mut pairs = Pairs::new(&encoded);
        while pairs.try_next()?.is_some() {}
        Ok(Params { encoded })
    }

    /// Encodes pairs; for tests of applications.
    pub fn from_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (N, V)>) -> Params {
        let mut encoded = Vec::new();
        for (name, value) in pairs {
            encode_pair(&mut encoded, name.as_ref(), value.as_ref());
        }
        Params { encoded }
    }

    /// The pairs as they came, or come: the content of the params stream.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// The value of a variable, the last one if the name came several times.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().filter(|(found, _)| *found == name.as_bytes()).last().map(|(_, value)| value)
    }

    /// All pairs in order.
    #[must_use]
    pub fn iter(&self) -> Pairs<'_> {
        Pairs::new(&self.encoded)
    }

    /// `CONTENT_LENGTH`; `None` if it is absent or empty (RFC 3875 s.4.1.2).
    ///
    /// # Errors
    /// Something other than digits, more than 2^64-1, or two values: where the body ends must not be a matter of taste.
    pub fn content_length(&self) -> Result<Option<u64>, ContentLengthError> {
        let mut values = self.iter().filter(|(name, _)| *name == b"CONTENT_LENGTH").map(|(_, value)| value);
        let Some(text) = values.next() else { return Ok(None) };
        if values.any(|other| other != text) {
            return Err(ContentLengthError);
        }
        if text.is_empty() {
            return Ok(None);
        }
        let digits = text.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse().ok());
        number.map(Some).ok_or(ContentLengthError)
    }
}

impl<'a> IntoIterator for &'a Params {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Pairs<'a>;

    fn into_iter(self) -> Pairs<'a> {
        self.iter()
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        f.debug_map().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

/// Reads encoded pairs one after the other; as an iterator it ends at a pair that is cut off.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Pairs<'a> {
    /// Starts at the front of encoded pairs.
    #[must_use]
    pub const fn new(encoded: &'a [u8]) -> Pairs<'a> {
        Pairs { rest: encoded }
    }

    /// The next pair, `None` at the end.
    ///
    /// # Errors
    /// The pair is cut off.
    #[expect(clippy::type_complexity, reason = "a pair of byte strings is best read in full")]
    pub fn try_next(&mut self) -> Result<Option<(&'a [u8], &'a [u8])>, PairsError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.split().map(Some).ok_or(PairsError { left_bytes: self.rest.len() })
    }

    fn split(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let (name_bytes, rest) = split_length(self.rest)?;
        let (value_bytes, rest) = split_length(rest)?;
        let (name, rest) = rest.split_at_checked(name_bytes)?;
        let (value, rest) = rest.split_at_checked(value_bytes)?;
        self.rest = rest;
        Some((name, value))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.split()
    }
}

/// One length: a byte below 128, else four bytes whose top bit is set.
fn split_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        return Some((usize::from(*first), rest));
    }
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*four) & 0x7fff_ffff;
    Some((usize::try_from(length).ok()?, rest))
}

/// Appends one pair, with the shortest lengths. Names and values of 2^31 bytes and more cannot be said and are cut off.
pub fn encode_pair(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    const LENGTH_MAX: usize = 0x7fff_ffff;
    let name = name.get(..LENGTH_MAX).unwrap_or(name);
    let value = value.get(..LENGTH_MAX).unwrap_or(value);
    encode_length(out, name.len());
    encode_length(out, value.len());
    out.extend_from_slice(name);
    out.extend_from_slice(value);
}

fn encode_length(out: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let long = u32::try_from(length).unwrap_or(u32::MAX) | 0x8000_0000;
            out.extend_from_slice(&long.to_be_bytes());
        }
    }
}

/// Pairs end in the middle of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairsError {
    left_bytes: usize,
}

impl fmt::Display for PairsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "name-value pair cut off, {} bytes left", self.left_bytes)
    }
}

impl error::Error for PairsError {}

/// `CONTENT_LENGTH` is no number, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentLengthError;

impl fmt::Display for ContentLengthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CONTENT_LENGTH is not one number")
    }
}

impl error::Error for ContentLengthError {}

#[cfg(test)]
mod tests;
