//! The queue: nothing is lost, nothing is done twice at once, what fails waits longer and longer.

use super::*;
use crate::tests::{NOW_US, Site};

fn topics(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Takes and finishes all that is due: the topics.
fn work(store: &Store, now_us: u64) -> Vec<String> {
    let turn = store.job_turn().unwrap().expect("nobody else works");
    let mut done = Vec::new();
    while let Some(job) = store.take_job(&turn, now_us).unwrap() {
        store.finish_job(now_us, &job).unwrap();
        done.push(job.topic);
    }
    done
}

#[test]
fn a_topic_waits_once_and_jobs_are_done_in_order() {
    let site = Site::new();
    site.store.add_jobs(NOW_US, &topics(&["user/a", "latest"])).unwrap();
    site.store.add_jobs(NOW_US + 1, &topics(&["user/b", "latest"])).unwrap();
    assert_eq!(site.again().next_job_us().unwrap(), Some(NOW_US));
    assert_eq!(work(&site.again(), NOW_US + 1), ["user/a", "latest", "user/b"]);
    assert_eq!(site.store.jobs().unwrap(), []);
    assert_eq!(site.store.next_job_us().unwrap(), None);
}

#[test]
fn one_works_at_a_time_and_a_dead_workers_job_comes_back() {
    let site = Site::new();
    let other = site.again();
    site.store.add_jobs(NOW_US, &topics(&["latest"])).unwrap();
    let turn = site.store.job_turn().unwrap().expect("nobody works");
    assert!(other.job_turn().unwrap().is_none());
    let taken = site.store.take_job(&turn, NOW_US).unwrap().expect("it is due");
    assert_eq!((taken.topic.as_str(), taken.attempts), ("latest", 1));
    drop(turn);
    let turn = other.job_turn().unwrap().expect("the other is dead");
    assert_eq!(other.take_job(&turn, NOW_US + JOB_LEASE_US - 1).unwrap(), None);
    let again = other.take_job(&turn, NOW_US + JOB_LEASE_US).unwrap().expect("the lease is over");
    assert_eq!(again.attempts, 2);
}

#[test]
fn what_is_asked_for_while_it_is_done_is_done_again() {
    let site = Site::new();
    site.store.add_jobs(NOW_US, &topics(&["latest"])).unwrap();
    let turn = site.store.job_turn().unwrap().expect("nobody works");
    let job = site.store.take_job(&turn, NOW_US).unwrap().expect("it is due");
    site.store.add_jobs(NOW_US + 5, &topics(&["latest"])).unwrap();
    site.store.finish_job(NOW_US + 10, &job).unwrap();
    drop(turn);
    assert_eq!(work(&site.store, NOW_US + 10), ["latest"]);
}

#[test]
fn what_fails_waits_longer_and_is_given_up() {
    let site = Site::new();
    site.store.add_jobs(NOW_US, &topics(&["latest"])).unwrap();
    let turn = site.store.job_turn().unwrap().expect("nobody works");
    let mut now_us = NOW_US;
    let mut waits = Vec::new();
    while let Some(job) = site.store.take_job(&turn, now_us).unwrap() {
        site.store.fail_job(now_us, &job, &"é".repeat(400)).unwrap();
        // News in between do not hurry it.
        site.store.add_jobs(now_us, &topics(&["latest"][..usize::from(job.attempts < JOB_ATTEMPTS_MAX)])).unwrap();
        let due_us = site.store.jobs().unwrap()[0].due_us;
        assert_eq!(site.store.take_job(&turn, due_us - 1).unwrap(), None);
        waits.push((due_us - now_us) / 1_000_000);
        now_us = due_us;
    }
    assert_eq!(waits, [30, 120, 480, 1920, 7680, 30_720, 86_400, 86_400, 86_400]);
    let [view] = site.store.jobs().unwrap().try_into().expect("one job");
    assert!(view.is_failed && view.attempts == JOB_ATTEMPTS_MAX);
    assert_eq!(view.error, Some("é".repeat(250)));
    site.store.add_jobs(now_us, &topics(&["latest"])).unwrap();
    drop(turn);
    assert_eq!(work(&site.store, now_us), ["latest"], "news try it again");
}

#[test]
fn the_operator_hurries_everything() {
    let site = Site::new();
    site.store.add_jobs(NOW_US, &topics(&["a", "b"])).unwrap();
    let turn = site.store.job_turn().unwrap().expect("nobody works");
    let job = site.store.take_job(&turn, NOW_US).unwrap().expect("it is due");
    site.store.fail_job(NOW_US, &job, "no route").unwrap();
    drop(turn);
    assert_eq!(site.store.retry_jobs(NOW_US + 1).unwrap(), 2);
    assert_eq!(work(&site.store, NOW_US + 1).len(), 2);
}

#[test]
fn the_queue_has_an_end() {
    let site = Site::new();
    let many: Vec<String> = (0..=JOBS_MAX).map(|n| n.to_string()).collect();
    site.store.add_jobs(NOW_US, &many).unwrap();
    assert_eq!(site.store.jobs().unwrap().len() as u64, JOBS_MAX);
    site.store.add_jobs(NOW_US, &topics(&["one more", "0"])).unwrap();
    assert_eq!(site.store.jobs().unwrap().len() as u64, JOBS_MAX);
}
