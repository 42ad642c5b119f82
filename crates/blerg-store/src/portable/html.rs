//! Turns the HTML of a Mastodon post into plain text. Start at [`to_text`]. Takes any bytes for HTML: what is no tag or
//! entity stands as it is. It only takes markup away and never makes any.

/// Longest entity name looked at, `&` and `;` not counted: `thetasym` and the like are not ours to know.
const ENTITY_BYTES_MAX: usize = 10;

/// The text of a piece of HTML: paragraphs become blank lines, `<br>` a line end, entities their characters.
pub(crate) fn to_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, marked) = rest.split_at(at);
        push_text(&mut out, before);
        rest = if marked.starts_with('<') { tag(&mut out, marked) } else { entity(&mut out, marked) };
    }
    push_text(&mut out, rest);
    out.trim().to_owned()
}

/// Text between tags; its line ends are only spaces in HTML.
fn push_text(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }));
}

/// Steps over a tag and writes what it means; a `<` that begins none stands for itself.
fn tag<'h>(out: &mut String, marked: &'h str) -> &'h str {
    let Some(after) = marked.strip_prefix('<') else { return marked };
    let begins_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!'));
    let Some(end) = after.find('>').filter(|_| begins_tag) else {
        out.push('<');
        return after;
    };
    let (inside, rest) = after.split_at(end);
    let name_end =
        inside.find(|c: char| c.is_whitespace() || c == '/' && !inside.starts_with('/')).unwrap_or(inside.len());
    let name = inside.get(..name_end).unwrap_or(inside).to_ascii_lowercase();
    match name.as_str() {
        "br" => out.push('\n'),
        "/p" | "/blockquote" | "/ul" | "/ol" | "/pre" | "/h1" | "/h2" | "/h3" | "/h4" | "/h5" | "/h6" => paragraph(out),
        "/li" | "/div" => out.push('\n'),
        "li" => out.push_str("- "),
        _ => {}
    }
    rest.strip_prefix('>').unwrap_or(rest)
}

fn paragraph(out: &mut String) {
    let kept = out.trim_end().len();
    out.truncate(kept);
    out.push_str("\n\n");
}

/// Steps over an entity and writes its character; an unknown one stands as it is.
fn entity<'h>(out: &mut String, marked: &'h str) -> &'h str {
    let Some(after) = marked.strip_prefix('&') else { return marked };
    let known = after
        .find(';')
        .filter(|end| (1..=ENTITY_BYTES_MAX).contains(end))
        .and_then(|end| Some((character(after.get(..end)?)?, after.get(end + 1..)?)));
    match known {
        Some((c, rest)) => {
            out.push(c);
            rest
        }
        None => {
            out.push('&');
            after
        }
    }
}

fn character(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{A0}',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c != '\0')?
        }
    })
}

#[cfg(test)]
mod tests;
