//! Readers beside a writer: every list that is found is a strictly increasing prefix of what was pushed, and never gets shorter.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

const KEYS: u64 = 400;

fn key(number: u64) -> Vec<u8> {
    format!("@name {number}").into_bytes()
}

/// The one position that element `element` of list `number` can have.
fn position(number: u64, element: u64) -> Position {
    Position(8 * (element * KEYS + number) + 8)
}

/// Reads until the writer is done; returns how many elements it checked.
fn read(index: &Index<&Heap>, done: &AtomicBool, seed: u64) -> u64 {
    let mut random = Random(seed);
    let mut lens = vec![0; usize::try_from(KEYS).unwrap()];
    let mut checked = 0;
    loop {
        let finished = done.load(Ordering::Acquire);
        for _ in 0..200 {
            let number = if random.below(4) == 0 { 0 } else { random.below(KEYS) };
            let before = &mut lens[usize::try_from(number).unwrap()];
            let Some(head) = index.find(&key(number)).unwrap() else {
                assert_eq!(*before, 0, "a list that went away");
                continue;
            };
            let len = head.len();
            assert!(len >= *before, "a list that got shorter");
            *before = len;
            let from = len.saturating_sub(100);
            let mut elements = vec![Position(0); usize::try_from(len - from).unwrap()];
            head.fill(from, &mut elements).unwrap();
            for (element, found) in (from..).zip(elements) {
                assert_eq!(found, position(number, element));
            }
            for _ in 0..10 {
                let element = random.below(len);
                assert_eq!(head.get(element).unwrap(), position(number, element));
                assert_eq!(head.lower_bound(position(number, element)).unwrap(), element);
            }
            assert!(head.changed() >= position(number, 0));
            checked += len - from + 20;
        }
        if finished {
            return checked;
        }
    }
}

#[test]
fn readers_beside_a_writer_see_prefixes_only() {
    let heap = {
        let index = small_index(1, sip());
        index.memory.grow_exactly(32 << 20);
        index.memory
    };
    let done = AtomicBool::new(false);
    let checked: u64 = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|seed| {
                let (heap, done) = (&heap, &done);
                scope.spawn(move || read(&Index::open_with(heap, sip()).unwrap(), done, seed))
            })
            .collect();
        let index = Index::open_with(&heap, sip()).unwrap();
        let mut lens = vec![0; usize::try_from(KEYS).unwrap()];
        let mut random = Random(9);
        for step in 0..400_000_u64 {
            // List 0 gets into its directory; the others come to be one after the other.
            let number = if step % 4 == 0 { 0 } else { random.below(1 + KEYS.min(step / 500) % KEYS) };
            let len = &mut lens[usize::try_from(number).unwrap()];
            index.push(&key(number), position(number, *len)).unwrap();
            *len += 1;
        }
        done.store(true, Ordering::Release);
        readers.into_iter().map(|reader| reader.join().unwrap()).sum()
    });
    assert!(checked > 100_000, "{checked} elements only");
    let index = Index::open_with(&heap, sip()).unwrap();
    assert!(index.verify().unwrap().elements == 400_000);
}
