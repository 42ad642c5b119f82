//! Tests of the index: against a model, under kills, with flipped bits, with threads, and at every boundary of the layout.

mod boundaries;
mod flips;
mod heap;
mod kills;
mod model;
mod threads;

use std::cell::Cell;
use std::collections::BTreeMap;

use heap::Heap;

use super::layout::{FROM_AT, GENERATION_AT, TO_AT};
use super::{Fault, Grow, Hasher, Head, Index, Memory, Push, ROOT_BITS};
use crate::{Error, Position};

const KEY: [u8; 16] = *b"sixteen bytes ok";

/// A list and its last change, as they must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Truth {
    elements: Vec<u64>,
    changed: u64,
}

/// The whole index as it must be.
type Truths = BTreeMap<Vec<u8>, Truth>;

/// One change.
#[derive(Clone, Debug)]
enum Change {
    Push(Vec<u8>, u64),
    Touch(Vec<u8>, u64),
}

impl Change {
    fn apply(&self, truths: &mut Truths) {
        match self {
            Change::Push(key, position) => {
                let truth = truths.entry(key.clone()).or_default();
                if truth.elements.last().is_none_or(|last| last < position) {
                    truth.elements.push(*position);
                }
                truth.changed = truth.changed.max(*position);
            }
            Change::Touch(key, position) => {
                if let Some(truth) = truths.get_mut(key) {
                    truth.changed = truth.changed.max(*position);
                }
            }
        }
    }

    fn perform<M: Memory>(&self, index: &Index<M>) -> Result<(), Error> {
        match self {
            Change::Push(key, position) => index.push(key, Position(*position)),
            Change::Touch(key, position) => index.touch(key, Position(*position)),
        }
    }
}

/// What an index says, read by all the ways there are, which must agree.
#[track_caller]
fn contents<M: Memory>(index: &Index<M>) -> Truths {
    let mut all = Truths::new();
    index
        .for_each_key(|key, head| {
            let mut elements = vec![Position(0); usize::try_from(head.len()).unwrap()];
            head.fill(0, &mut elements)?;
            let elements: Vec<u64> = elements.iter().map(|position| position.0).collect();
            let found = index.find(key)?.expect("a key that is shown is found");
            assert_eq!((found.len(), found.changed()), (head.len(), head.changed()));
            for (number, element) in (0..).zip(&elements) {
                assert_eq!(found.get(number)?.0, *element);
            }
            assert!(all.insert(key.to_vec(), Truth { elements, changed: head.changed().0 }).is_none(), "a key twice");
            Ok(())
        })
        .unwrap();
    all
}

#[track_caller]
fn check_contents<M: Memory>(index: &Index<M>, want: &Truths) {
    assert!(contents(index) == *want, "index and truth differ");
    let sum = index.verify().unwrap();
    assert_eq!(sum.keys, u64::try_from(want.len()).unwrap());
    let elements: usize = want.values().map(|truth| truth.elements.len()).sum();
    assert_eq!(sum.elements, u64::try_from(elements).unwrap());
}

/// An index in anonymous memory, with few roots so that tables grow.
fn small_index(root_bits: u32, hasher: Hasher) -> Index<Heap> {
    Index::format_with(Heap::with_bytes(super::ROOTS_AT + (8 << root_bits)), hasher, root_bits).unwrap()
}

fn sip() -> Hasher {
    Hasher::Sip(siphasher::sip::SipHasher13::new_with_key(&KEY))
}

/// All keys meet in one root, one tag and one home.
fn one_hash(_: &[u8]) -> u64 {
    0x0123_4567_89ab_cdef
}

/// Keys meet in two roots and four tags.
fn few_hashes(key: &[u8]) -> u64 {
    let sum: u64 = key.iter().map(|byte| u64::from(*byte)).sum();
    (sum & 1) | ((sum & 6) << 16) | (sum << 40)
}

impl<M: Memory> Memory for &M {
    fn bytes(&self) -> u64 {
        M::bytes(self)
    }
    fn load(&self, at: u64) -> Result<u64, Error> {
        M::load(self, at)
    }
    fn store(&self, at: u64, v: u64) -> Result<(), Error> {
        M::store(self, at, v)
    }
    fn read(&self, at: u64, buf: &mut [u8]) -> Result<(), Error> {
        M::read(self, at, buf)
    }
    fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        M::write(self, at, bytes)
    }
}

/// A memory that allows so many loads and so many word stores and then fails for ever: a kill, or a proof that work is bounded.
struct Mortal<'a> {
    heap: &'a Heap,
    stores: Cell<u64>,
    loads: Cell<u64>,
}

impl<'a> Mortal<'a> {
    fn new(heap: &'a Heap, stores: u64) -> Mortal<'a> {
        Mortal { heap, stores: Cell::new(stores), loads: Cell::new(u64::MAX) }
    }

    fn spend(left: &Cell<u64>, count: u64) -> Result<(), Error> {
        match left.get().checked_sub(count) {
            Some(rest) => {
                left.set(rest);
                Ok(())
            }
            None => Err(Fault::Damaged { at: 0, what: "killed" }.into()),
        }
    }
}

impl Memory for Mortal<'_> {
    fn bytes(&self) -> u64 {
        self.heap.bytes()
    }
    fn load(&self, at: u64) -> Result<u64, Error> {
        Self::spend(&self.loads, 1)?;
        self.heap.load(at)
    }
    fn store(&self, at: u64, v: u64) -> Result<(), Error> {
        Self::spend(&self.stores, 1)?;
        self.heap.store(at, v)
    }
    fn read(&self, at: u64, buf: &mut [u8]) -> Result<(), Error> {
        Self::spend(&self.loads, u64::try_from(buf.len().div_ceil(8)).unwrap())?;
        self.heap.read(at, buf)
    }
    fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        for (word_at, word) in (at..).step_by(8).zip(bytes.chunks(8)) {
            Self::spend(&self.stores, 1)?;
            self.heap.write(word_at, word)?;
        }
        Ok(())
    }
}

impl<M: Grow> Grow for &M {
    fn grow(&self, bytes: u64) -> Result<(), Error> {
        M::grow(self, bytes)
    }
}

impl Grow for Mortal<'_> {
    fn grow(&self, bytes: u64) -> Result<(), Error> {
        Err(Fault::Full { bytes }.into())
    }
}

/// Makes room for a batch of pushes, as the log does before it writes.
fn reserve(index: &Index<Heap>, keys: &[Vec<u8>]) {
    let bytes = index.used().unwrap() + index.need(keys).unwrap();
    index.memory.grow_exactly(bytes);
}

impl<M: Memory + Grow> Index<M> {
    /// `push` for a memory that grows when it must.
    fn push_growing(&self, key: &[u8], position: Position) -> Result<(), Error> {
        self.push_all_growing(&[Push { key, number: None, position }])
    }
}

impl<M: Memory> Index<M> {
    /// The first key found whose list or last change is not the same in both indexes; `None` if they are equal.
    fn difference<N: Memory>(&self, other: &Index<N>) -> Result<Option<Vec<u8>>, Error> {
        let mut differs = self.first_not_in(other)?;
        if differs.is_none() {
            differs = other.first_not_in(self)?;
        }
        Ok(differs)
    }

    fn first_not_in<N: Memory>(&self, other: &Index<N>) -> Result<Option<Vec<u8>>, Error> {
        let mut differs = None;
        self.for_each_key(|key, head| {
            if differs.is_none() && !matches!(other.find(key)?, Some(twin) if same(&head, &twin)?) {
                differs = Some(key.to_vec());
            }
            Ok(())
        })?;
        Ok(differs)
    }
}

fn same<M: Memory, N: Memory>(a: &Head<'_, M>, b: &Head<'_, N>) -> Result<bool, Error> {
    if (a.len(), a.changed()) != (b.len(), b.changed()) {
        return Ok(false);
    }
    let mut equal = true;
    let mut index = 0;
    super::check::elements(a, |position| {
        equal = equal && b.get(index)? == position;
        index += 1;
        Ok(())
    })?;
    Ok(equal)
}

/// Random numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

#[test]
fn growing_memory_keeps_what_was_pushed() {
    let index = Index::format(Heap::new(), &KEY, ROOT_BITS).unwrap();
    let mut truths = Truths::new();
    let mut random = Random(1);
    for step in 1..20_000 {
        let key = format!("#{}", random.below(3_000)).into_bytes();
        index.push_growing(&key, Position(8 * step)).unwrap();
        Change::Push(key, 8 * step).apply(&mut truths);
    }
    check_contents(&index, &truths);
    // As a file: written out, read in, opened with the same key and with another.
    index.stamp(7, Position(64), Position(160_000)).unwrap();
    let used = index.used().unwrap();
    let file = index.memory().file(used);
    let heap = Heap::with_bytes(used);
    heap.write(0, &file).unwrap();
    let again = Index::open(&heap, &KEY).unwrap();
    check_contents(&again, &truths);
    let stamp = [GENERATION_AT, FROM_AT, TO_AT].map(|at| again.memory().load(at).unwrap());
    assert_eq!(stamp, [7, 64, 160_000]);
    assert_eq!(again.difference(&index).unwrap(), None);
    assert!(Index::open(&heap, b"another site key").is_err());
    assert!(Index::open(&Heap::new(), &KEY).is_err());
}

#[test]
fn indexes_that_differ_are_told_apart() {
    let build = |changes: &[(&str, u64)]| {
        let index = small_index(2, sip());
        for (key, position) in changes {
            index.push_growing(key.as_bytes(), Position(*position)).unwrap();
        }
        index
    };
    let check = |a: &[(&str, u64)], b: &[(&str, u64)], want: Option<&str>| {
        assert_eq!(build(a).difference(&build(b)).unwrap(), want.map(|key| key.as_bytes().to_vec()));
    };
    check(&[], &[], None);
    check(&[("a", 8), ("b", 16)], &[("b", 16), ("a", 8)], None);
    check(&[("a", 8), ("b", 16)], &[("a", 8)], Some("b"));
    check(&[("a", 8)], &[("a", 8), ("b", 16)], Some("b"));
    check(&[("a", 8), ("a", 16)], &[("a", 8), ("a", 24)], Some("a"));
    check(&[("a", 8), ("a", 16)], &[("a", 16)], Some("a"));
}

#[test]
fn batches_of_pushes_make_the_same_index_as_single_ones() {
    for (root_bits, hasher) in
        [(0, sip as fn() -> Hasher), (6, sip), (2, || Hasher::Plain(few_hashes)), (1, || Hasher::Plain(one_hash))]
    {
        let mut random = Random(4);
        let single = small_index(root_bits, hasher());
        let together = small_index(root_bits, hasher());
        single.memory.grow_exactly(1 << 20);
        let mut batch = Vec::new();
        for step in 1..6_000 {
            let limit = [1, 30, 600][usize::try_from(random.below(3)).unwrap()];
            let key = format!("#{}", random.below(limit)).into_bytes();
            single.push(&key, Position(step / 2)).unwrap();
            batch.push(Push { key, number: None, position: Position(step / 2) });
            if random.below(50) == 0 {
                together.push_all_growing(&batch).unwrap();
                batch.clear();
            }
        }
        together.push_all_growing(&batch).unwrap();
        assert_eq!(single.difference(&together).unwrap(), None);
        assert_eq!(single.verify().unwrap(), together.verify().unwrap());
        let long = Push { key: vec![0; 2_000], number: None, position: Position(9_000) };
        assert!(together.push_all_growing(&[long]).is_err());
    }
}

#[test]
fn missing_numbers_are_filled_with_positions_of_no_frame() {
    let check = |pushes: &[(u64, u64)], want: &[u64]| {
        let single = small_index(0, sip());
        let together = small_index(0, sip());
        let mut batch = Vec::new();
        for (number, position) in pushes {
            batch.push(Push { key: b"r", number: Some(*number), position: Position(*position) });
            single.push_all_growing(&batch[batch.len() - 1..]).unwrap();
        }
        together.push_all_growing(&batch).unwrap();
        assert_eq!(contents(&single).get(b"r".as_slice()).unwrap().elements, want);
        assert_eq!(single.difference(&together).unwrap(), None);
    };
    check(&[(0, 64)], &[64]);
    check(&[(0, 64), (1, 128), (2, 192)], &[64, 128, 192]);
    check(&[(0, 64), (1, 128), (0, 64), (1, 128)], &[64, 128]);
    check(&[(3, 640)], &[1, 2, 3, 640]);
    check(&[(0, 64), (3, 640), (4, 704), (6, 800)], &[64, 65, 66, 640, 704, 705, 800]);
    check(&[(7, 9)], &[1, 2, 3, 4, 5, 6, 7, 9]);
    let index = small_index(0, sip());
    for number in [8, u64::MAX] {
        let push = Push { key: b"r", number: Some(number), position: Position(8) };
        assert!(index.push_all_growing(&[push]).is_err());
    }
    assert!(index.find(b"r").unwrap().is_none());
}
