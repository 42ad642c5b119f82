//! Damage: whatever bits of the file flip, an index answers or refuses; it never panics and its work stays bounded.

use super::*;

fn filled(seed: u64) -> (Index<Heap>, Vec<Vec<u8>>) {
    let mut random = Random(seed);
    let index = small_index(3, sip());
    let mut keys: Vec<Vec<u8>> = (0..120).map(|number| format!("#tag {number}").into_bytes()).collect();
    keys.push(vec![b'k'; 300]);
    for step in 1..4_000 {
        let limit = [1, 10, 121][usize::try_from(random.below(3)).unwrap()];
        let key = &keys[usize::try_from(random.below(limit)).unwrap()];
        index.push_growing(key, Position(8 * step)).unwrap();
    }
    if seed.is_multiple_of(4) {
        for step in 4_000..60_000 {
            index.push_growing(b"L", Position(8 * step)).unwrap();
        }
    }
    keys.push(b"L".to_vec());
    (index, keys)
}

/// Does everything there is with an index, and does not care how it ends, only that it does.
fn exercise(heap: &Heap, keys: &[Vec<u8>]) {
    let mortal = Mortal::new(heap, u64::MAX);
    // An index of half a million words: some passes over all of them is the most that anything here may take.
    mortal.loads.set(20_000_000);
    let Ok(index) = Index::open_with(&mortal, sip()) else { return };
    let _ = index.verify();
    for key in keys {
        if let Ok(Some(head)) = index.find(key) {
            let _ = head.lower_bound(Position(8_000));
            let _ = head.lower_bound(head.changed());
            let mut last = [Position(0); 50];
            let _ = head.fill(head.len().saturating_sub(50), &mut last);
            for number in [0, 1, 2, 9, head.len() / 2, head.len() - 1, head.len()] {
                let _ = head.get(number);
            }
        }
        let _ = index.need(std::slice::from_ref(key));
        let _ = index.touch(key, Position(900_000));
        let _ = index.push(key, Position(900_000));
        let _ = index.push(key, Position(900_008));
    }
    for (number, key) in (0..).zip(keys) {
        let _ = index.push_all_growing(&[Push { key, number: Some(40 * number), position: Position(900_012) }]);
    }
    for number in 0..40 {
        let _ = index.push(format!("new {number}").as_bytes(), Position(900_016));
    }
    let _ = index.verify();
    let _ = index.for_each_key(|_, _| Ok(()));
    assert!(mortal.loads.get() > 0, "work without bound");
}

#[test]
fn flipped_bits_are_survived() {
    for seed in 0..12 {
        let (index, keys) = filled(seed);
        let used = index.used().unwrap();
        let file = index.memory.file(used);
        let mut random = Random(seed + 1_000);
        for round in 0..120_u64 {
            let heap = Heap::with_bytes(used + (1 << 19));
            heap.write(0, &file).unwrap();
            for _ in 0..1 + round % 7 {
                // Half of the flips in the first kilobytes, where header, roots and tables are.
                let limit = if random.below(2) == 0 { used } else { 4_096 + 8 * 8 + 1_024 };
                let at = random.below(limit) / 8 * 8;
                heap.store(at, heap.load(at).unwrap() ^ (1 << random.below(64))).unwrap();
            }
            exercise(&heap, &keys);
        }
    }
}

#[test]
fn garbage_in_any_block_is_survived() {
    for seed in 0..8 {
        let (index, keys) = filled(seed);
        let used = index.used().unwrap();
        let file = index.memory.file(used);
        let mut random = Random(seed + 2_000);
        for round in 0..60 {
            let heap = Heap::with_bytes(used + (1 << 19));
            heap.write(0, &file).unwrap();
            // A stretch of zeros, ones, noise, or another stretch of the same file: a page that was lost or misplaced.
            let from = random.below(used / 8) * 8;
            let words = 1 + random.below(512);
            let other = random.below(used / 8) * 8;
            for word in 0..words {
                let value = match round % 4 {
                    0 => 0,
                    1 => u64::MAX,
                    2 => random.next(),
                    _ => heap.load((other + 8 * word) % used).unwrap(),
                };
                let at = from + 8 * word;
                if at < used && at >= 4_096 {
                    heap.store(at, value).unwrap();
                }
            }
            exercise(&heap, &keys);
        }
    }
}

#[test]
fn file_cut_anywhere_is_survived() {
    let (index, keys) = filled(1);
    let used = index.used().unwrap();
    let file = index.memory.file(used);
    let mut random = Random(3_000);
    for _ in 0..100 {
        let kept = random.below(used / 8) * 8;
        let heap = Heap::with_bytes(kept);
        heap.write(0, &file[..usize::try_from(kept).unwrap()]).unwrap();
        exercise(&heap, &keys);
    }
}

#[test]
fn damaged_header_is_refused() {
    let (index, _) = filled(1);
    for word in [0, 8, 40, 48] {
        for bit in 0..64 {
            let before = index.memory.load(word).unwrap();
            index.memory.store(word, before ^ (1 << bit)).unwrap();
            assert!(Index::open_with(&index.memory, sip()).is_err(), "word {word}, bit {bit}");
            index.memory.store(word, before).unwrap();
        }
    }
    assert!(Index::open_with(&index.memory, sip()).is_ok());
}

/// A flipped bit in a count, a link or a root is noticed (but for one in 65,536), so no list is read short, long or through another's blocks.
#[test]
fn flipped_bit_of_a_sealed_word_is_noticed() {
    use super::super::layout::{seal, unseal};
    let mut missed = 0;
    let mut random = Random(5);
    for _ in 0..2_000 {
        let owner = random.below(1 << 40) * 8;
        let word = seal(owner, random.below(1 << 20), 5);
        assert!(unseal(owner, word).is_some());
        missed += (0..64).filter(|bit| unseal(owner, word ^ (1 << bit)).is_some()).count();
    }
    assert!(missed < 20, "{missed} of 128,000 flips not noticed");
}
