//! Where one shape of a list, table or key ends and the next begins.

use super::super::layout::{FIXED, FIXED_FROM, KEY_BYTES_MAX, LEVELS, Place, chain_elements, chain_from, place};
use super::*;

#[test]
fn places_follow_one_another_without_a_gap() {
    let check = |index: u64, want: Place| assert_eq!(place(index), want, "{index}");
    check(0, Place::Inline(0));
    check(1, Place::Inline(1));
    check(2, Place::Chain { level: 0, offset: 0 });
    check(5, Place::Chain { level: 0, offset: 3 });
    check(6, Place::Chain { level: 1, offset: 0 });
    check(13, Place::Chain { level: 1, offset: 7 });
    check(14, Place::Chain { level: 2, offset: 0 });
    check(FIXED_FROM - 1, Place::Chain { level: LEVELS - 1, offset: FIXED - 1 });
    check(FIXED_FROM, Place::Fixed { entry: 0, offset: 0 });
    check(FIXED_FROM + FIXED - 1, Place::Fixed { entry: 0, offset: FIXED - 1 });
    check(FIXED_FROM + FIXED, Place::Fixed { entry: 1, offset: 0 });
    assert_eq!(FIXED_FROM, 8190);
    for level in 0..LEVELS {
        check(chain_from(level), Place::Chain { level, offset: 0 });
        check(chain_from(level) + chain_elements(level) - 1, Place::Chain { level, offset: chain_elements(level) - 1 });
    }
}

/// Lengths on both sides of everything: inline, extents, the first fixed extents, directories of 8, 16 and 32 entries.
fn boundaries() -> Vec<u64> {
    let mut all = vec![1, 2, 3];
    all.extend((0..LEVELS).flat_map(|level| [chain_from(level), chain_from(level) + 1]));
    for extents in [0, 1, 2, 7, 8, 9, 15, 16, 17, 32] {
        all.extend([FIXED_FROM + extents * FIXED, FIXED_FROM + extents * FIXED + 1]);
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn list_is_whole_at_every_boundary_and_needs_exactly_what_was_told() {
    let index = small_index(0, sip());
    let key = b"L".to_vec();
    let (mut len, mut kept) = (0, Vec::new());
    for target in boundaries() {
        while len < target {
            reserve(&index, std::slice::from_ref(&key));
            index.push(&key, Position(8 * len + 8)).unwrap();
            assert_eq!(index.used().unwrap(), index.memory.bytes(), "told more than was needed");
            len += 1;
        }
        let head = index.find(&key).unwrap().unwrap();
        assert_eq!(head.len(), target);
        for number in (0..target.min(20)).chain(target.saturating_sub(20)..target).chain(boundaries()) {
            if number < target {
                assert_eq!(head.get(number).unwrap(), Position(8 * number + 8));
                assert_eq!(head.lower_bound(Position(8 * number + 8)).unwrap(), number);
                assert_eq!(head.lower_bound(Position(8 * number + 9)).unwrap(), number + 1);
            }
        }
        assert_eq!(head.lower_bound(Position(0)).unwrap(), 0);
        assert!(head.get(target).is_err());
        assert!(head.fill(target - 1, &mut [Position(0); 2]).is_err());
        kept.push(target);
    }
    let mut truths = Truths::new();
    truths.insert(key, Truth { elements: (1..=len).map(|number| 8 * number).collect(), changed: 8 * len });
    check_contents(&index, &truths);
}

#[test]
fn list_found_earlier_stays_as_it_was() {
    let index = small_index(0, sip());
    let targets: Vec<u64> = boundaries().into_iter().filter(|target| *target < FIXED_FROM + 9 * FIXED).collect();
    index.memory.grow(8 << 20).unwrap();
    let mut found = Vec::new();
    for len in 1..=*targets.last().unwrap() {
        index.push(b"L", Position(8 * len)).unwrap();
        if targets.contains(&len) {
            found.push(index.find(b"L").unwrap().unwrap());
        }
    }
    for (head, target) in found.iter().zip(&targets) {
        assert_eq!((head.len(), head.changed()), (*target, Position(8 * target)));
        let mut elements = vec![Position(0); usize::try_from(*target).unwrap()];
        head.fill(0, &mut elements).unwrap();
        for (number, element) in (0..).zip(elements) {
            assert_eq!(element, Position(8 * number + 8));
            assert_eq!(head.get(number).unwrap(), element);
        }
        assert_eq!(head.lower_bound(Position(u64::MAX)).unwrap(), *target);
    }
}

#[test]
fn batch_needs_no_more_than_was_told_from_any_length() {
    for from in boundaries() {
        for pushes in [1, 2, 3, 5, 9, 200, 5_000, 40_000] {
            let index = small_index(0, sip());
            let key = b"L".to_vec();
            reserve(&index, &vec![key.clone(); usize::try_from(from).unwrap()]);
            (1..=from).for_each(|number| index.push(&key, Position(number)).unwrap());
            reserve(&index, &vec![key.clone(); pushes]);
            let pushes = u64::try_from(pushes).unwrap();
            (1..=pushes).for_each(|number| index.push(&key, Position(from + number)).unwrap());
            assert_eq!(index.used().unwrap(), index.memory.bytes(), "from {from}, {pushes} pushes");
            if from > 50_000 {
                break;
            }
        }
    }
}

#[test]
fn table_doubles_from_one_slot_to_thousands() {
    let index = small_index(0, sip());
    let mut truths = Truths::new();
    for number in 1..=5_000_u64 {
        let key = format!("u{number}").into_bytes();
        reserve(&index, std::slice::from_ref(&key));
        index.push(&key, Position(number)).unwrap();
        assert_eq!(index.used().unwrap(), index.memory.bytes());
        truths.insert(key, Truth { elements: vec![number], changed: number });
        if number.is_power_of_two() || (number + 1).is_power_of_two() || (number - 1).is_power_of_two() {
            check_contents(&index, &truths);
        }
    }
    check_contents(&index, &truths);
    let table = index.table(super::super::ROOTS_AT).unwrap().unwrap();
    assert!(table.slots() <= 16_384, "{} slots for 5,000 names", table.slots());
}

#[test]
fn keys_that_share_a_hash_are_kept_apart_in_a_bounded_table() {
    let index = small_index(4, Hasher::Plain(one_hash));
    let mut truths = Truths::new();
    for number in 1..=300_u64 {
        let change = Change::Push(format!("u{number}").into_bytes(), number);
        index.memory.grow_exactly(1 << 20);
        change.perform(&index).unwrap();
        change.apply(&mut truths);
    }
    check_contents(&index, &truths);
    let table = index.table(super::super::ROOTS_AT + 8 * 15).unwrap().unwrap();
    assert!(table.slots() <= 1_024, "{} slots for 300 names", table.slots());
}

#[test]
fn longest_key_is_kept_and_a_longer_one_refused() {
    for hasher in [sip as fn() -> Hasher, || Hasher::Plain(one_hash)] {
        let index = small_index(4, hasher());
        let mut truths = Truths::new();
        index.memory.grow_exactly(1 << 20);
        for len in [0, 1, 7, 8, 9, 55, 56, 57, 63, 64, 65, 111, 127, 128, 129, 1_000, KEY_BYTES_MAX - 1, KEY_BYTES_MAX]
        {
            // Keys of one length that differ in their last byte only.
            for last in [b'a', b'b'] {
                let mut key = vec![b'k'; len];
                if let Some(byte) = key.last_mut() {
                    *byte = last;
                }
                let change = Change::Push(key, u64::from(last));
                change.perform(&index).unwrap();
                change.apply(&mut truths);
            }
        }
        check_contents(&index, &truths);
        let long = vec![b'k'; KEY_BYTES_MAX + 1];
        assert!(index.push(&long, Position(1)).is_err());
        assert!(index.find(&long).unwrap().is_none());
        check_contents(&index, &truths);
    }
}

#[test]
fn push_without_room_fails_whole_and_succeeds_when_there_is_room() {
    let index = small_index(0, sip());
    assert!(index.push(b"L", Position(8)).is_err());
    assert!(index.find(b"L").unwrap().is_none());
    index.memory.grow_exactly(1 << 16);
    for number in 1..=6 {
        index.push(b"L", Position(8 * number)).unwrap();
    }
    index.memory.cut(index.used().unwrap());
    assert!(index.push(b"L", Position(80)).is_err());
    let head = index.find(b"L").unwrap().unwrap();
    assert_eq!((head.len(), head.changed()), (6, Position(48)));
    index.memory.grow_exactly(1 << 16);
    index.push(b"L", Position(80)).unwrap();
    assert_eq!(index.find(b"L").unwrap().unwrap().get(6).unwrap(), Position(80));
}

#[test]
fn empty_index_is_small_and_empty() {
    let index = Index::format(Heap::new(), &KEY, ROOT_BITS).unwrap();
    assert_eq!(index.used().unwrap(), 528_384);
    check_contents(&index, &Truths::new());
    assert!(index.find(b"L").unwrap().is_none());
    index.touch(b"L", Position(8)).unwrap();
    check_contents(&index, &Truths::new());
    assert!(Index::format(Heap::with_bytes(4096), &KEY, ROOT_BITS).is_err());
}
