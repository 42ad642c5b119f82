//! Payloads: read back as written, cut anywhere, as long as can be.

use super::{Name, Origin, PAYLOAD_BYTES_MAX, Target, Text, tag_in};
use crate::frame::Kind;
use crate::{AuthorId, Op, RecordNo, TagSpan};

fn texts() -> Vec<(Kind, Text<'static>)> {
    let tags = vec![TagSpan { start: 0, len: 2 }, TagSpan { start: 3, len: 4 }];
    let mut texts = Vec::new();
    for at_us in [None, Some(u64::MAX)] {
        for tags in [vec![], tags.clone()] {
            for reply_to in [None, Some((AuthorId(7), RecordNo(1 << 60)))] {
                let origin = Origin::Put { reply_to };
                texts.push((Kind::PUT, Text { at_us, origin, tags: tags.clone(), text: "#a @bob and you" }));
            }
            let origin = Origin::Edit { put: 64, previous: 1 << 50 };
            texts.push((Kind::EDIT, Text { at_us, origin, tags, text: "ü" }));
        }
    }
    texts
}

fn read<'b>(kind: Kind, flags: u8, payload: &'b [u8]) -> Option<Text<'b>> {
    if kind == Kind::PUT { Text::read_put(flags, payload) } else { Text::read_edit(flags, payload) }
}

#[test]
fn a_text_survives_writing_and_reading_and_its_origin_also_being_erased() {
    for (kind, text) in texts() {
        let mut payload = Vec::new();
        text.write(&mut payload);
        assert_eq!(read(kind, text.flags(), &payload), Some(text.clone()));
        let from = Text::origin_bytes(kind, text.flags());
        payload[from..].fill(0);
        assert_eq!(Text::origin(kind, text.flags(), &payload), Some(text.origin));
    }
}

#[test]
fn any_prefix_of_a_payload_is_read_without_a_panic() {
    for (kind, text) in texts() {
        let mut payload = Vec::new();
        text.write(&mut payload);
        let body = payload.len() - text.text.len();
        for cut in 0..payload.len() {
            let found = read(kind, text.flags(), &payload[..cut]);
            assert!(cut >= body || found.is_none(), "{cut} of {payload:?}");
        }
    }
}

#[test]
fn the_longest_edit_fits() {
    let text = Text {
        at_us: Some(0),
        origin: Origin::Edit { put: 0, previous: 0 },
        tags: vec![TagSpan { start: 0, len: 2 }; Op::TAGS_MAX],
        text: &"x".repeat(Op::TEXT_BYTES_MAX),
    };
    let mut payload = Vec::new();
    text.write(&mut payload);
    assert_eq!(payload.len(), PAYLOAD_BYTES_MAX);
    assert!(Text::read_edit(text.flags(), &payload).is_some());
}

#[test]
fn more_tags_than_there_may_be_are_damage() {
    let mut payload = (Op::TAGS_MAX as u16 + 1).to_le_bytes().to_vec();
    payload.resize(10_000, 0);
    assert_eq!(Text::read_put(0, &payload), None);
}

#[test]
fn a_tag_lies_in_the_text_and_has_a_sigil_and_a_name() {
    let long = format!("#{}", "x".repeat(65));
    for (text, start, len, want) in [
        ("#a b", 0, 2, Some((b'#', "a"))),
        ("b @c", 2, 2, Some((b'@', "c"))),
        ("#a b", 0, 1, None),
        ("#a b", 1, 2, None),
        ("#a b", 0, 9, None),
        ("#ü", 0, 2, None),
        (&long, 0, 65, Some((b'#', &long[1..65]))),
        (&long, 0, 66, None),
        ("", 0, 0, None),
    ] {
        assert_eq!(tag_in(text, TagSpan { start, len }), want, "{text} {start} {len}");
    }
}

#[test]
fn names_and_targets_survive_writing_and_reading() {
    for at_us in [None, Some(5)] {
        let name = Name { at_us, name: "Ada" };
        let mut payload = Vec::new();
        name.write(&mut payload);
        assert_eq!(Name::read(name.flags(), &payload), Some(name));
    }
    let target = Target { put: 64, newest: 128 };
    let mut payload = Vec::new();
    target.write(&mut payload);
    assert_eq!(Target::read(&payload), Some(target));
    assert_eq!(Target::read(&payload[..15]), None);
    payload.push(0);
    assert_eq!(Target::read(&payload), None);
}
