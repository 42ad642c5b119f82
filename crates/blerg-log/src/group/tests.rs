//! Groups: who leads, who is led, and that nobody waits for ever.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

use super::Queue;
use crate::control::Mark;
use crate::{Op, Outcome};

fn mark(end: u64) -> Mark {
    Mark { end, cut: 0, log: 0 }
}

#[test]
fn each_request_is_led_once_by_one_leader_at_a_time() {
    let (queue, leading, groups) = (Queue::default(), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (queue, leading, groups) = (&queue, &leading, &groups);
            scope.spawn(move || {
                for n in 0..200 {
                    let now_us = thread << 32 | n;
                    let answer = queue.enter(now_us, Vec::new(), |group| {
                        assert_eq!(leading.fetch_add(1, Ordering::SeqCst), 0);
                        groups.lock().unwrap().extend(group.iter().map(|request| request.now_us));
                        group
                            .iter()
                            .for_each(|request| request.answer(Ok((vec![Ok(Outcome::Done)], mark(request.now_us)))));
                        leading.fetch_sub(1, Ordering::SeqCst);
                    });
                    assert_eq!(answer.unwrap().1.end, now_us);
                }
            });
        }
    });
    let mut seen = groups.into_inner().unwrap();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 1_600);
}

#[test]
fn those_who_come_while_another_leads_are_led_together() {
    let (queue, begun) = (Queue::default(), Barrier::new(2));
    let answer_all = |group: &[super::Request]| {
        group.iter().for_each(|request| request.answer(Ok((Vec::new(), mark(group.len() as u64)))))
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            queue.enter(0, Vec::new(), |group| {
                begun.wait();
                // The others have come before this group ends.
                while queue.state.lock().unwrap().requests.len() < 5 {
                    std::thread::yield_now();
                }
                answer_all(group);
            })
        });
        begun.wait();
        let others: Vec<_> = (0..5).map(|_| scope.spawn(|| queue.enter(1, Vec::new(), answer_all))).collect();
        assert_eq!(first.join().unwrap().unwrap().1.end, 1);
        others.into_iter().for_each(|other| assert_eq!(other.join().unwrap().unwrap().1.end, 5));
    });
}

#[test]
fn a_leader_that_ends_without_an_answer_leaves_nobody_waiting() {
    let queue = Queue::default();
    assert!(queue.enter(0, vec![Op::PutHole { author: crate::AuthorId(0) }], |_| {}).is_err());
    let panicked =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| queue.enter(0, Vec::new(), |_| panic!("planted"))));
    assert!(panicked.is_err());
    assert!(queue.enter(0, Vec::new(), |group| group[0].answer(Ok((Vec::new(), mark(1))))).is_ok());
}
