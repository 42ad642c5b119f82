//! The FORMAT file: read back as written, and refused with any byte changed.

use super::Format;
use crate::geometry::Geometry;
use crate::{Durability, Identity};

fn format() -> Format {
    let identity = Identity { site_id: [1; 16], hash_key: [0xab; 16], durability: Durability::None };
    Format { identity, geometry: Geometry::USUAL }
}

#[test]
fn format_survives_writing_and_reading() {
    assert_eq!(Format::parse(&format().text()), Ok(format()));
}

#[test]
fn any_changed_byte_is_refused() {
    let text = format().text();
    for at in 0..text.len() {
        for byte in [b'0', b'7', b'\n', b'x'] {
            let mut bytes = text.clone().into_bytes();
            if std::mem::replace(&mut bytes[at], byte) != byte {
                assert!(Format::parse(std::str::from_utf8(&bytes).unwrap()).is_err(), "byte {at} as {byte}");
            }
        }
        assert!(Format::parse(&text[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn another_version_is_named_in_the_message() {
    let message = Format::parse("blerg log 2\n").unwrap_err();
    assert_eq!(message, "first line \"blerg log 2\", want \"blerg log 1\"");
}
