//! Room is given, runs out, and comes back.

use super::*;

#[test]
fn room_is_given_until_there_is_none_and_comes_back() {
    let room = Room::new(10 * UNIT_BYTES);
    let first = room.take(4 * UNIT_BYTES + 1).expect("there is room");
    assert!(!room.is_tight());
    let second = room.take(5 * UNIT_BYTES).expect("there is room");
    assert!(room.is_tight());
    assert!(room.take(1).is_none());
    drop(second);
    assert!(room.take(5 * UNIT_BYTES).is_some());
    drop(first);
    assert!(room.take(10 * UNIT_BYTES).is_some());
    assert!(room.take(10 * UNIT_BYTES + 1).is_none());
    assert!(room.take(usize::MAX).is_none());
}
