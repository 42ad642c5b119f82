//! The inputs that are kept: one text file a target, one input a line, so that git shows what was added. Start at [`read`].
//! A line is the input with `\n`, `\r`, `\t`, `\\` and `\xNN` for what is not printable ASCII; lines that begin with `# ` say
//! what the ones below them are. tests/fuzz/run writes the same form.

/// The inputs of a file.
///
/// # Panics
/// A line is not of the form.
#[must_use]
pub fn read(text: &str) -> Vec<Vec<u8>> {
    text.lines().filter(|line| !line.starts_with("# ")).map(bytes).collect()
}

fn bytes(line: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        assert!(c.is_ascii() && !c.is_ascii_control(), "{c:?} in {line:?}");
        if c != '\\' {
            bytes.push(c as u8);
            continue;
        }
        match chars.next() {
            Some('n') => bytes.push(b'\n'),
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            Some('\\') => bytes.push(b'\\'),
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits"));
            }
            other => panic!("\\{other:?} in {line:?}"),
        }
    }
    bytes
}
