//! Ids, held to literal values: a change of these would show every record to every reader again.

use super::Ids;

#[test]
fn ids_stay_what_they_are() {
    let ids = Ids::new([7; 16]);
    assert_eq!(ids.record("Ada", 57, 1_294_309_438_000_001), "urn:uuid:5c985f06-702b-51b6-952b-5e6fb2df0fba");
    assert_eq!(ids.feed("user/ada"), "urn:uuid:440f2295-5225-5901-90da-893c77088a84");
}

#[test]
fn what_is_another_record_has_another_id() {
    let ids = Ids::new([7; 16]);
    let all = [
        ids.record("ada", 57, 1),
        ids.record("ada", 57, 2),
        ids.record("ada", 5, 7),
        ids.record("bea", 57, 1),
        ids.feed("user/ada"),
        Ids::new([8; 16]).record("ada", 57, 1),
    ];
    for (i, one) in all.iter().enumerate() {
        assert!(all.iter().skip(i + 1).all(|other| other != one), "{all:?}");
    }
    assert_eq!(ids.record("ADA", 57, 1), all[0]);
}
