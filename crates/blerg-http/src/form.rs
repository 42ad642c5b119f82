//! The parameters of a POST or of a query. Start at [`Form`]. Values are bytes, because passwords may hold anything;
//! where a name comes twice the first one counts. Never decodes twice, never guesses a character set: text is UTF-8.

use std::fmt;

use crate::multipart;

/// At most this many fields; the largest form of the site has fewer than ten.
pub const FIELDS_MAX: usize = 256;
/// The longest body that an API form needs: 65,535 bytes of text, each written as `%XX`, and room for the rest.
pub const FORM_BYTES_MAX: usize = 256 * 1024;

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, as bytes.
    pub name: Vec<u8>,
    /// Its value, as bytes.
    pub value: Vec<u8>,
    /// For an uploaded file: the name it had, as sent.
    pub file_name: Option<String>,
    /// For an uploaded file: the type it is said to have.
    pub content_type: Option<String>,
}

/// The parameters, in the order of arrival.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    fields: Vec<Field>,
}

/// Why a body is not a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormError {
    /// A Content-Type that is neither of the two.
    ContentType,
    /// More than [`FIELDS_MAX`] fields.
    TooManyFields,
    /// A multipart body that is not one.
    Multipart,
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormError::ContentType => {
                write!(f, "parameters are sent as application/x-www-form-urlencoded or multipart/form-data")
            }
            FormError::TooManyFields => write!(f, "more than {FIELDS_MAX} parameters"),
            FormError::Multipart => write!(f, "the multipart/form-data body is malformed or cut short"),
        }
    }
}

impl std::error::Error for FormError {}

impl Form {
    /// The parameters of a body with this Content-Type; without one it is taken for urlencoded, as CGI programs always did.
    ///
    /// # Errors
    /// Another content type, or a body that is not of its type or beyond the limits.
    pub fn parse(content_type: Option<&[u8]>, body: &[u8]) -> Result<Form, FormError> {
        let content_type = content_type.unwrap_or_default().trim_ascii();
        let end = content_type.iter().position(|&byte| byte == b';').unwrap_or(content_type.len());
        let (media, parameters) = content_type.split_at_checked(end).unwrap_or_default();
        let media = media.trim_ascii();
        if media.is_empty() || media.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            let fields = urlencoded(body)?;
            return Ok(Form { fields });
        }
        if media.eq_ignore_ascii_case(b"multipart/form-data") {
            let fields = multipart::parse(parameters, body)?;
            return Ok(Form { fields });
        }
        // A body of nothing has no type worth arguing about.
        if body.is_empty() { Ok(Form::default()) } else { Err(FormError::ContentType) }
    }

    /// The parameters of a query; those beyond [`FIELDS_MAX`] are left out.
    #[must_use]
    pub fn from_query(query: &str) -> Form {
        let pairs = query.as_bytes().split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
        Form { fields: pairs.take(FIELDS_MAX).map(pair).collect() }
    }

    /// The first value of this name, as bytes.
    #[must_use]
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.field(name).map(|field| field.value.as_slice())
    }

    /// The first value of this name if it is UTF-8; see [`Form::get_bytes`] for telling absent from malformed.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The first field of this name, with its file name and type if it is an upload.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name.as_bytes())
    }

    /// All fields, in the order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }
}

fn urlencoded(body: &[u8]) -> Result<Vec<Field>, FormError> {
    let mut fields = Vec::new();
    for bytes in body.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        if fields.len() >= FIELDS_MAX {
            return Err(FormError::TooManyFields);
        }
        fields.push(pair(bytes));
    }
    Ok(fields)
}

fn pair(bytes: &[u8]) -> Field {
    let equals = bytes.iter().position(|&byte| byte == b'=').unwrap_or(bytes.len());
    let (name, value) = bytes.split_at_checked(equals).unwrap_or((bytes, b""));
    let value = value.get(1..).unwrap_or_default();
    Field { name: decode(name), value: decode(value), file_name: None, content_type: None }
}

/// `+` is a space, `%XX` a byte; a `%` that starts no escape stays as it is (WHATWG URL s.5.1).
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => out.push(byte),
        }
    }
    out
}

/// The value of a hexadecimal digit; 0 for anything else.
pub(crate) fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
