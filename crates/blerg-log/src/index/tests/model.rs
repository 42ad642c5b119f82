//! Random histories against a `BTreeMap`.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// Pushes of one commit: keys by number; positions go on from the last.
    Commit(Vec<(u16, u8)>),
    /// The last commit again, as after a kill.
    Replay,
    Touch(u16),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = prop_oneof![0..4_u16, 0..40_u16, 0..2_000_u16];
    let step = prop_oneof![
        8 => prop::collection::vec((key.clone(), 0..3_u8), 1..60).prop_map(Step::Commit),
        2 => Just(Step::Replay),
        2 => key.prop_map(Step::Touch),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..60)
}

fn key(number: u16) -> Vec<u8> {
    let mut key = format!("#{number}").into_bytes();
    key.resize(key.len() + usize::from(number % 80), b'x');
    key
}

fn run(root_bits: u32, hasher: fn() -> Hasher, steps: &[Step]) {
    let mut index = small_index(root_bits, hasher());
    let mut truths = Truths::new();
    let mut last = Vec::new();
    let mut position = 0;
    for step in steps {
        match step {
            Step::Commit(pushes) => {
                let keys: Vec<Vec<u8>> = pushes.iter().map(|(number, _)| key(*number)).collect();
                reserve(&index, &keys);
                last.clear();
                for (key, (_, advance)) in keys.into_iter().zip(pushes) {
                    // Some at the same position as the one before: two lists of one frame, or a tag twice in it.
                    position += 8 * u64::from(*advance);
                    last.push(Change::Push(key, position));
                }
            }
            Step::Replay => {}
            Step::Touch(number) => {
                position += 8;
                last = vec![Change::Touch(key(*number), position)];
            }
            Step::Reopen => {
                index = Index::open_with(index.memory, hasher()).unwrap();
                last.clear();
            }
        }
        for change in &last {
            change.perform(&index).unwrap();
            change.apply(&mut truths);
        }
    }
    check_contents(&index, &truths);
    for (key, truth) in &truths {
        let head = index.find(key).unwrap().unwrap();
        let near = truth.elements.iter().flat_map(|element| [element.saturating_sub(1), *element, element + 1]);
        for bound in near.chain([0, u64::MAX]) {
            let want = truth.elements.partition_point(|element| *element < bound);
            assert_eq!(head.lower_bound(Position(bound)).unwrap(), u64::try_from(want).unwrap());
        }
    }
    assert!(index.find(b"absent").unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_history_equals_model(steps in steps()) {
        run(3, sip, &steps);
        run(0, sip, &steps);
    }

    #[test]
    fn random_history_with_colliding_tags_equals_model(steps in steps()) {
        run(2, || Hasher::Plain(few_hashes), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_history_with_one_hash_for_all_equals_model(steps in steps()) {
        run(1, || Hasher::Plain(one_hash), &steps);
    }
}
