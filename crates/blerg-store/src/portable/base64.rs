//! Bytes as text and back (RFC 4648 section 4, with padding). Start at [`encode`]. What is not the one way of writing some
//! bytes is refused.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            if place <= chunk.len() {
                let letter = (bits >> (18 - 6 * place)) & 63;
                text.extend(
                    usize::try_from(letter).ok().and_then(|at| LETTERS.get(at)).map(|letter| char::from(*letter)),
                );
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// The bytes of a text; `None` if [`encode`] would not have written it.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.as_bytes().chunks(4) {
        let letters = chunk.iter().position(|letter| *letter == b'=').unwrap_or(chunk.len());
        let mut bits = 0_u32;
        for place in 0..4 {
            let value = match chunk.get(place) {
                Some(letter) if place < letters => LETTERS.iter().position(|known| known == letter)?,
                Some(b'=') if place >= 2 => 0,
                _ => return None,
            };
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        bytes.extend_from_slice(bits.to_be_bytes().get(1..letters)?);
    }
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests;
