//! Things that are opened once and then shared without a lock, by number. Start at [`Slots`].

use std::sync::OnceLock;

/// Numbers up to 2^`BUCKETS`: far more segments than a log can have.
const BUCKETS: usize = 48;

/// A vector that grows without moving what it holds: bucket b has room for 2^b numbers.
pub(crate) struct Slots<T> {
    buckets: [OnceLock<Box<[OnceLock<T>]>>; BUCKETS],
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Slots<T> {
        Slots { buckets: [const { OnceLock::new() }; BUCKETS] }
    }

    /// The thing of that number, if it was opened.
    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        let (bucket, place) = place_of(number);
        self.buckets.get(bucket)?.get()?.get(place)?.get()
    }

    /// The thing of that number; `open` makes it if it is not there (more than once, if threads meet; one is kept).
    pub(crate) fn get_or_open<E>(&self, number: u64, open: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(found) = self.get(number) {
            return Ok(found);
        }
        let made = open()?;
        let (bucket, place) = place_of(number);
        let bucket_slots = self
            .buckets
            .get(bucket)
            .expect("a segment number has fewer than 48 bits, as positions have 61")
            .get_or_init(|| (0..1_usize << bucket).map(|_| OnceLock::new()).collect());
        let slot = bucket_slots.get(place).expect("place_of gives a place below 2^bucket");
        Ok(slot.get_or_init(|| made))
    }
}

fn place_of(number: u64) -> (usize, usize) {
    let bucket = (number + 1).ilog2();
    (bucket as usize, usize::try_from(number + 1 - (1 << bucket)).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn what_was_opened_once_is_found_again() {
        let slots = Slots::new();
        for number in [0_u64, 1, 2, 3, 6, 7, 1000] {
            assert_eq!(slots.get(number), None);
            assert_eq!(slots.get_or_open(number, || Ok::<_, ()>(number * 2)), Ok(&(number * 2)));
            assert_eq!(slots.get_or_open(number, || Err(())), Ok(&(number * 2)));
        }
        assert_eq!(slots.get_or_open(5, || Err(7)), Err(7));
    }
}
