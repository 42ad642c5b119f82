//! Keeps texts from the parser whose quotations and lists are nested so deeply that its work would grow with the square
//! of their length: it walks through every open one again at each line. Start at [`is_too_deep`].
//! The estimate never falls short; what a person writes stays a hundred times below the limit.

/// Most steps from one open quotation or list to the next, over all lines of a text: a tenth of a second's work.
const STEPS_MAX: usize = 32 * 1024 * 1024;

/// Whether the parser would take too many steps.
pub(super) fn is_too_deep(text: &str) -> bool {
    let (mut steps, mut depth, mut after_blank) = (0_usize, 0_usize, true);
    for line in text.split(['\n', '\r']) {
        let (own, is_blank) = prefix(line);
        if !is_blank {
            // A line after a paragraph can belong to all that is open without saying so; after a blank one it can't.
            depth = if after_blank { own } else { own.max(depth) };
        }
        after_blank = is_blank;
        steps = steps.saturating_add(depth);
    }
    steps > STEPS_MAX
}

/// How many quotations and lists a line can stand in by its signs and indentation, and whether it holds no more.
fn prefix(line: &str) -> (usize, bool) {
    let bytes = line.as_bytes();
    let (mut signs, mut columns, mut at) = (0, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        let ends = |at: usize| bytes.get(at).is_none_or(|next| matches!(next, b' ' | b'\t'));
        at += match byte {
            b' ' => {
                columns += 1;
                1
            }
            b'\t' => {
                columns += 4;
                1
            }
            b'>' => {
                signs += 1;
                1
            }
            b'-' | b'*' | b'+' if ends(at + 1) => {
                signs += 1;
                1
            }
            b'0'..=b'9' => {
                let digits = bytes.iter().skip(at).take(10).take_while(|digit| digit.is_ascii_digit()).count();
                if !(matches!(bytes.get(at + digits), Some(b'.' | b')')) && ends(at + digits + 1)) {
                    break;
                }
                signs += 1;
                digits + 1
            }
            _ => break,
        };
    }
    (signs + columns / 2, at == bytes.len() && signs == 0)
}

#[cfg(test)]
mod tests;
