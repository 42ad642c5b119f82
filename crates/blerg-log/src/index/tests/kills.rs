//! A writer killed after any of his stores: what is there is a prefix of the truth, and doing the last change again completes it.

use super::super::layout::{FIXED, FIXED_FROM, LEVELS, chain_from};
use super::*;

fn open<M: Memory>(memory: M, hasher: fn() -> Hasher) -> Index<M> {
    Index::open_with(memory, hasher()).unwrap()
}

/// Changes of a random history: few keys, mostly short lists, some touches and repeated positions.
fn history(seed: u64, changes: usize) -> Vec<Change> {
    let mut random = Random(seed);
    let mut position = 0;
    let mut all = Vec::with_capacity(changes);
    for _ in 0..changes {
        position += 8 * random.below(3);
        let limit = [1, 6, 120][usize::try_from(random.below(3)).unwrap()];
        let key = format!("key {}", random.below(limit)).into_bytes();
        all.push(if random.below(8) == 0 { Change::Touch(key, position) } else { Change::Push(key, position) });
    }
    all
}

/// The list of a key before and after the change which was killed: nothing else may be there.
fn check_prefix<M: Memory>(index: &Index<M>, before: &Truths, after: &Truths) {
    let found = contents(index);
    assert!(found.keys().all(|key| after.contains_key(key)));
    for (key, after) in after {
        let before = before.get(key).cloned().unwrap_or_default();
        let found = found.get(key).cloned().unwrap_or_default();
        assert!(found.elements == before.elements || found.elements == after.elements);
        assert!(found.changed == before.changed || found.changed == after.changed);
    }
    index.verify().unwrap();
}

/// Performs the history with a kill after `stores` stores, then goes on from the killed change. False if nothing was killed.
fn killed_after(stores: u64, changes: &[Change], hasher: fn() -> Hasher) -> bool {
    let index = small_index(1, hasher());
    index.memory.grow_exactly(1 << 17);
    let mut truths = Truths::new();
    let mortal = Mortal::new(&index.memory, stores);
    let killed = {
        let index = open(&mortal, hasher);
        changes.iter().position(|change| {
            let killed = change.perform(&index).is_err();
            if !killed {
                change.apply(&mut truths);
            }
            killed
        })
    };
    if let Some(killed) = killed {
        let index = open(&index.memory, hasher);
        let (change, later) = changes[killed..].split_first().unwrap();
        let before = truths.clone();
        change.apply(&mut truths);
        check_prefix(&index, &before, &truths);
        change.perform(&index).unwrap();
        check_contents(&index, &truths);
        for change in later {
            change.perform(&index).unwrap();
            change.apply(&mut truths);
        }
    }
    check_contents(&index, &truths);
    killed.is_some()
}

#[test]
fn kill_after_every_store_of_a_history_loses_nothing() {
    let mut kills = 0;
    for (seed, hasher) in
        [(1, sip as fn() -> Hasher), (2, || Hasher::Plain(few_hashes)), (3, || Hasher::Plain(one_hash))]
    {
        let changes = history(seed, 260);
        let mut stores = 0;
        while killed_after(stores, &changes, hasher) {
            stores += 1;
        }
        kills += stores;
    }
    assert!(kills > 2_000, "{kills} kills only");
}

#[test]
fn kill_after_every_store_at_every_boundary_of_a_list_loses_nothing() {
    let chain = (0..LEVELS).map(chain_from);
    let fixed = [0, 1, 7, 8, 9, 16, 32].map(|extents| FIXED_FROM + extents * FIXED);
    for len in [0, 1, 2].into_iter().chain(chain).chain(fixed) {
        let mut stores = 0;
        loop {
            let index = small_index(0, sip());
            index.memory.grow_exactly((16 << 10) + 40 * len);
            (1..=len).for_each(|number| index.push(b"L", Position(8 * number)).unwrap());
            // Once more, and killed; then by another writer, completely.
            let room = index.used().unwrap() + 2 * index.need(&[b"L"]).unwrap();
            index.memory.grow_exactly(room);
            let mortal = Mortal::new(&index.memory, stores);
            let killed = open(&mortal, sip).push(b"L", Position(8 * len + 8)).is_err();
            if let Some(head) = index.find(b"L").unwrap() {
                assert!(head.len() == len || head.len() == len + 1);
                assert_eq!(head.get(head.len() - 1).unwrap(), Position(8 * head.len()));
                assert_eq!(head.lower_bound(Position(4 * len)).unwrap(), (4 * len).div_ceil(8).saturating_sub(1));
            }
            index.push(b"L", Position(8 * len + 8)).unwrap();
            let head = index.find(b"L").unwrap().unwrap();
            assert_eq!((head.len(), head.changed()), (len + 1, Position(8 * len + 8)));
            index.verify().unwrap();
            if !killed {
                break;
            }
            stores += 1;
        }
        assert!(stores >= 3, "{stores} stores at {len}");
    }
}

#[test]
fn writers_killed_again_and_again_lose_nothing() {
    for seed in 10..30 {
        let mut random = Random(seed);
        let changes = history(seed, 600);
        let index = small_index(1, sip());
        index.memory.grow_exactly(8 << 20);
        let mut truths = Truths::new();
        let mut kills = 0;
        for change in &changes {
            let before = truths.clone();
            change.apply(&mut truths);
            // Killed ever later, until it is done.
            for attempt in 1.. {
                let mortal = Mortal::new(&index.memory, random.below(4 << attempt));
                if change.perform(&open(&mortal, sip)).is_ok() {
                    break;
                }
                kills += 1;
                if kills % 4 == 0 {
                    check_prefix(&index, &before, &truths);
                }
            }
        }
        check_contents(&index, &truths);
        assert!(kills > 50, "{kills} kills only");
    }
}
