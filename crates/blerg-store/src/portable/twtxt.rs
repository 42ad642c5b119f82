//! Reads twtxt files: `date TAB text` a line, `#` comments (twtxt.readthedocs.io, "Format"). Start at [`from_line`].

use super::date;
use super::entry::{What, Written};

/// Reads one line.
pub(crate) fn from_line(line: &str) -> Result<What, String> {
    if line.trim().is_empty() || line.starts_with('#') {
        return Ok(What::Nothing);
    }
    let (date, text) = line.split_once('\t').ok_or("no tab between date and text")?;
    let text = text.replace('\u{2028}', "\n");
    let text = plain_mentions(&text);
    if text.trim().is_empty() {
        return Ok(What::Nothing);
    }
    Ok(What::Record(Written { text, at_us: Some(date::rfc3339(date.trim())?), ..Written::default() }))
}

/// `@<name url>` becomes `@name`, which is how a mention is written here; `@<url>` stays.
fn plain_mentions(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@<") {
        out.push_str(before);
        let mention = after.split_once('>').and_then(|(inside, rest)| Some((inside.split_once(' ')?.0, rest)));
        match mention {
            Some((name, after)) if !name.is_empty() => {
                out.push('@');
                out.push_str(name);
                rest = after;
            }
            _ => {
                out.push_str("@<");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
