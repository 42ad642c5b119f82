//! Takes an input apart: numbers from its front, then what is left. Start at [`Input`]. An input that is too short reads as
//! zeros, so that every input means something.

/// The bytes that are left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'d> {
    bytes: &'d [u8],
}

impl<'d> Input<'d> {
    pub(crate) fn new(bytes: &'d [u8]) -> Input<'d> {
        Input { bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// Two bytes, the low one first.
    pub(crate) fn short(&mut self) -> usize {
        usize::from(self.byte()) | usize::from(self.byte()) << 8
    }

    /// At most so many bytes.
    pub(crate) fn take(&mut self, bytes: usize) -> &'d [u8] {
        let (taken, rest) = self.bytes.split_at(bytes.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    pub(crate) fn rest(self) -> &'d [u8] {
        self.bytes
    }
}

/// The bytes in pieces whose lengths `pattern` gives, over and over again.
pub(crate) fn pieces<'b>(bytes: &'b [u8], pattern: &[u8]) -> Vec<&'b [u8]> {
    let mut rest = Input::new(bytes);
    let mut pieces = Vec::new();
    let mut lengths = pattern.iter().map(|length| usize::from(*length) % 40 + 1).cycle();
    while !rest.is_empty() {
        pieces.push(rest.take(lengths.next().unwrap_or(1)));
    }
    pieces
}

/// The texts between the zero bytes, as many as are wanted; those that are missing are empty.
pub(crate) fn texts<const N: usize>(bytes: &[u8]) -> Option<[&str; N]> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut parts = text.splitn(N, '\0');
    Some([(); N].map(|()| parts.next().unwrap_or_default()))
}
