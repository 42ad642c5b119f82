//! The body of `multipart/form-data` (RFC 7578, RFC 2046 s.5.1). Start at [`parse`]. Content-Transfer-Encoding is not
//! undone (RFC 7578 s.4.7 deprecates it); names in `filename*` are not decoded (s.4.2 forbids it).

use crate::form::{FIELDS_MAX, Field, FormError};

/// RFC 2046 allows a boundary 70 characters; browsers use about 40.
const BOUNDARY_BYTES_MAX: usize = 70;
/// The header block of one part: Content-Disposition with a long file name, Content-Type.
const PART_HEAD_BYTES_MAX: usize = 8 * 1024;

/// The fields of a body; `parameters` is what follows the media type in Content-Type.
pub(crate) fn parse(parameters: &[u8], body: &[u8]) -> Result<Vec<Field>, FormError> {
    let boundary = parameter(parameters, "boundary").ok_or(FormError::Multipart)?;
    if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES_MAX {
        return Err(FormError::Multipart);
    }
    let delimiter = [b"\r\n--", boundary.as_slice()].concat();
    // The first delimiter may stand at the very start of the body, without a line end before it.
    let opening = delimiter.get(2..).unwrap_or_default();
    let mut rest = match body.strip_prefix(opening) {
        Some(rest) => rest,
        None => split_at_delimiter(body, &delimiter)?.1,
    };
    let mut fields = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(fields);
        }
        if fields.len() >= FIELDS_MAX {
            return Err(FormError::TooManyFields);
        }
        let line_end = find(rest, b"\r\n").ok_or(FormError::Multipart)?;
        let (padding, part_and_rest) = rest.split_at_checked(line_end).ok_or(FormError::Multipart)?;
        if !padding.iter().all(|&byte| byte == b' ' || byte == b'\t') {
            return Err(FormError::Multipart);
        }
        let (part, after) = split_at_delimiter(part_and_rest, &delimiter)?;
        fields.push(field(part)?);
        rest = after;
    }
}

/// One part: CRLF, header lines, an empty line, the value.
fn field(part: &[u8]) -> Result<Field, FormError> {
    let head_end = find(part, b"\r\n\r\n").ok_or(FormError::Multipart)?;
    if head_end > PART_HEAD_BYTES_MAX {
        return Err(FormError::Multipart);
    }
    let (head, value) = part.split_at_checked(head_end).ok_or(FormError::Multipart)?;
    let value = value.get(4..).unwrap_or_default().to_vec();
    let disposition = header(head, b"content-disposition").ok_or(FormError::Multipart)?;
    let name = parameter(disposition, "name").ok_or(FormError::Multipart)?;
    let file_name = parameter(disposition, "filename").map(|name| String::from_utf8_lossy(&name).into_owned());
    let content_type = header(head, b"content-type").map(|value| String::from_utf8_lossy(value).into_owned());
    Ok(Field { name, value, file_name, content_type })
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|&byte| byte == b'\n').find_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (found, value) = line.split_at_checked(colon)?;
        found.trim_ascii().eq_ignore_ascii_case(name).then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

/// The value of `; name=value` or `; name="va\"lue"`; browsers write `%22` for a quote and escape nothing else.
fn parameter(parameters: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut rest = parameters;
    while let Some(semicolon) = rest.iter().position(|&byte| byte == b';') {
        rest = rest.get(semicolon + 1..).unwrap_or_default();
        let equals = rest.iter().position(|&byte| byte == b'=')?;
        let (found, value) = rest.split_at_checked(equals)?;
        let (value, after) = parameter_value(value.get(1..).unwrap_or_default());
        if found.trim_ascii().eq_ignore_ascii_case(name.as_bytes()) {
            return Some(value);
        }
        rest = after;
    }
    None
}

fn parameter_value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|&byte| byte == b';').unwrap_or(text.len());
        let (value, after) = text.split_at_checked(end).unwrap_or((text, b""));
        return (value.trim_ascii().to_vec(), after);
    };
    let mut value = Vec::new();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'"', _) => break,
            (b'\\', [b'"', after @ ..]) => {
                value.push(b'"');
                rest = after;
            }
            _ => value.push(byte),
        }
    }
    (value, rest)
}

fn split_at_delimiter<'a>(bytes: &'a [u8], delimiter: &[u8]) -> Result<(&'a [u8], &'a [u8]), FormError> {
    let at = find(bytes, delimiter).ok_or(FormError::Multipart)?;
    let (before, rest) = bytes.split_at_checked(at).ok_or(FormError::Multipart)?;
    Ok((before, rest.get(delimiter.len()..).unwrap_or_default()))
}

/// Where `needle` first stands; jumps from one first byte to the next, so that a body of line ends stays linear enough:
/// a delimiter has at most 74 bytes.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, _) = needle.split_first()?;
    let mut start = 0;
    while let Some(rest) = bytes.get(start..) {
        let at = rest.iter().position(|&byte| byte == first)?;
        if rest.get(at..)?.starts_with(needle) {
            return Some(start + at);
        }
        start += at + 1;
    }
    None
}

#[cfg(test)]
mod tests;
