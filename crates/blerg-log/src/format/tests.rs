//! The FORMAT file: read back as written, and refused with any byte changed.

use super::{Format, Naming};
use crate::geometry::Geometry;
use crate::{Durability, Identity};

fn format() -> Format {
    let identity = Identity { site_id: [1; 16], hash_key: [0xab; 16], durability: Durability::None };
    Format { identity, geometry: Geometry::USUAL }
}

#[test]
fn format_survives_writing_and_reading() {
    assert_eq!(Format::parse(&format().text()), Ok((format(), Naming::default())));
    let naming = Naming { number: 3, since_us: 1_763_772_000_000_000 };
    assert_eq!(Format::parse(&format().text_naming(naming)), Ok((format(), naming)));
}

#[test]
fn a_store_that_was_never_compacted_is_of_the_first_version_and_a_compacted_one_is_not() {
    assert!(format().text().starts_with("blerg log 1\n"));
    let text = format().text_naming(Naming { number: 1, since_us: 2 });
    assert!(text.starts_with("blerg log 2\n") && text.contains("\nlog 1 2\n"), "{text}");
}

#[test]
fn any_changed_byte_is_refused() {
    any_changed_byte_is_refused_in(&format().text());
    any_changed_byte_is_refused_in(&format().text_naming(Naming { number: 12, since_us: 34 }));
}

#[track_caller]
fn any_changed_byte_is_refused_in(text: &str) {
    for at in 0..text.len() {
        for byte in [b'0', b'7', b'\n', b'x'] {
            let mut bytes = text.to_owned().into_bytes();
            if std::mem::replace(&mut bytes[at], byte) != byte {
                assert!(Format::parse(std::str::from_utf8(&bytes).unwrap()).is_err(), "byte {at} as {byte}");
            }
        }
        assert!(Format::parse(&text[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn another_version_is_named_in_the_message() {
    let message = Format::parse("blerg log 3\n").unwrap_err();
    assert_eq!(message, "first line \"blerg log 3\", want \"blerg log 1\" or \"blerg log 2\"");
}

#[test]
fn behind_the_number_of_a_log_there_is_always_another() {
    let text = |number| format().text_naming(Naming { number, since_us: 1 });
    assert!(Format::parse(&text(u64::MAX - 1)).is_ok());
    assert!(Format::parse(&text(u64::MAX)).is_err());
}
