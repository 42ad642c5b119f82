//! Rates are kept per address and per account, across processes, whatever is sent at them or stands in the file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::account::tests::{NOW, Site};

const STEP_US: u64 = 6_000_000;

fn site() -> Site {
    Site::with(|settings| settings.limits = "login=10/60,create=3/3600,put=4/60".parse().unwrap())
}

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

#[track_caller]
fn check_limited(result: Result<(), Error>, secs: u64) {
    match result {
        Err(Error::Limited { retry_after_secs }) => assert_eq!(retry_after_secs, secs),
        other => panic!("want Limited, got {other:?}"),
    }
}

#[test]
fn tries_hold_at_the_limit_and_one_beyond() {
    let site = site();
    for _ in 0..10 {
        site.store.spend(NOW, LimitKind::Login, address("192.0.2.1"), None).unwrap();
    }
    check_limited(site.store.spend(NOW, LimitKind::Login, address("192.0.2.1"), None), 6);
}

#[test]
fn tries_come_back_one_by_one_and_refused_ones_cost_nothing() {
    let site = site();
    let spend = |now_us| site.store.spend(now_us, LimitKind::Login, address("192.0.2.1"), None);
    for _ in 0..10 {
        spend(NOW).unwrap();
    }
    for _ in 0..50 {
        check_limited(spend(NOW), 6);
    }
    check_limited(spend(NOW + STEP_US - 1), 1);
    spend(NOW + STEP_US).unwrap();
    check_limited(spend(NOW + STEP_US), 6);
    for _ in 0..10 {
        spend(NOW + STEP_US + 60_000_000).unwrap();
    }
    check_limited(spend(NOW + STEP_US + 60_000_000), 6);
}

#[test]
fn kinds_and_addresses_count_apart() {
    let site = site();
    for _ in 0..3 {
        site.store.spend(NOW, LimitKind::Create, address("192.0.2.1"), None).unwrap();
    }
    check_limited(site.store.spend(NOW, LimitKind::Create, address("192.0.2.1"), None), 1200);
    site.store.spend(NOW, LimitKind::Create, address("192.0.2.2"), None).unwrap();
    site.store.spend(NOW, LimitKind::Put, address("192.0.2.1"), None).unwrap();
    site.store.spend(NOW, LimitKind::Create, None, None).unwrap();
}

#[test]
fn ipv6_counts_by_network_and_mapped_ipv4_as_ipv4() {
    let site = site();
    let spend = |from: &str| site.store.spend(NOW, LimitKind::Create, address(from), None);
    for from in ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff:ffff:ffff:ffff"] {
        spend(from).unwrap();
    }
    check_limited(spend("2001:db8:0:1::3"), 1200);
    spend("2001:db8:0:2::1").unwrap();
    for from in ["192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7"] {
        spend(from).unwrap();
    }
    check_limited(spend("::ffff:192.0.2.7"), 1200);
}

#[test]
fn author_is_limited_from_all_addresses_together() {
    let site = site();
    let author = Some(AuthorId(7));
    for n in 1..=4 {
        site.store.spend(NOW, LimitKind::Put, address(&format!("192.0.2.{n}")), author).unwrap();
    }
    check_limited(site.store.spend(NOW, LimitKind::Put, address("192.0.2.9"), author), 15);
    site.store.spend(NOW, LimitKind::Put, address("192.0.2.9"), Some(AuthorId(8))).unwrap();
}

#[test]
fn one_hostile_address_leaves_the_owner_tries_to_log_in() {
    let site = site();
    let guess = |from: &str| site.store.spend_against(NOW, LimitKind::Login, address(from), Against::Name("jon"));
    let guesses = |from: &str| (0..1000).take_while(|_| guess(from).is_ok()).count();
    assert_eq!(guesses("192.0.2.66"), 10);
    guess("192.0.2.1").unwrap();
    let tries: usize = (100..200).map(|n| guesses(&format!("192.0.2.{n}"))).sum();
    assert_eq!(11 + tries, 10 * LOGIN_ACCOUNT_FACTOR as usize);
}

#[test]
fn given_back_tries_cost_nothing() {
    let site = site();
    let against = Against::Name("jon");
    for n in 0..200_u64 {
        let from = address(&format!("192.0.2.{n}"));
        site.store.spend_against(NOW, LimitKind::Login, from, against).unwrap();
        site.store.give_back(NOW, LimitKind::Login, against).unwrap();
    }
    // Nor may giving back what was never taken save up tries.
    site.store.give_back(NOW, LimitKind::Login, against).unwrap();
    let table = site.store.limit_table().unwrap();
    let key = account_key(table, LimitKind::Login, against).unwrap();
    let rate = account_rate(LimitKind::Login, site.store.settings().limits.login);
    let most = (0..100).take_while(|_| table.spend(NOW, &[Spending { key, rate }]).unwrap().is_none()).count();
    assert_eq!(most, 50);
}

#[test]
fn every_process_sees_the_same_counters() {
    let site = site();
    for _ in 0..3 {
        site.again().store.spend(NOW, LimitKind::Create, address("192.0.2.1"), None).unwrap();
    }
    check_limited(site.again().store.spend(NOW, LimitKind::Create, address("192.0.2.1"), None), 1200);
}

#[test]
fn processes_at_once_get_no_try_too_many() {
    // Stores of one process lock each other out like processes do: each has the file open for itself.
    let site = Site::with(|settings| settings.limits = "login=2000/60".parse().unwrap());
    let passed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let store = site.again().store;
                scope.spawn(move || {
                    let spend = || store.spend(NOW, LimitKind::Login, address("192.0.2.1"), None);
                    (0..1000).filter(|_| spend().is_ok()).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 2000);
}

#[test]
fn threads_of_one_store_get_no_try_too_many() {
    let site = Site::with(|settings| settings.limits = "login=2000/60".parse().unwrap());
    let spend = || site.store.spend(NOW, LimitKind::Login, address("192.0.2.1"), None);
    let passed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| (0..1000).filter(|_| spend().is_ok()).count())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 2000);
}

#[test]
fn flood_of_addresses_neither_grows_the_file_nor_frees_a_heavy_counter() {
    let site = site();
    let heavy = address("192.0.2.1");
    for _ in 0..10 {
        site.store.spend(NOW, LimitKind::Login, heavy, None).unwrap();
    }
    let file = site.dir().join(table::LIMITS_FILE);
    let bytes = fs::metadata(&file).unwrap().len();
    for n in 0..200_000_u32 {
        let flooding = IpAddr::from(n.to_be_bytes().map(|byte| byte ^ 0x0a));
        site.store.spend(NOW, LimitKind::Login, Some(flooding), None).unwrap();
    }
    assert_eq!(fs::metadata(&file).unwrap().len(), bytes);
    assert!(bytes < 2 << 20);
    check_limited(site.store.spend(NOW, LimitKind::Login, heavy, None), 6);
}

#[test]
fn clock_that_was_set_back_locks_nobody_out() {
    let site = site();
    let spend = |now_us| site.store.spend(now_us, LimitKind::Login, address("192.0.2.1"), None);
    for _ in 0..10 {
        spend(NOW + 1_000_000_000_000).unwrap();
    }
    spend(NOW).unwrap();
    spend(0).unwrap();
}

#[test]
fn damaged_file_only_forgives() {
    for damage in ["", "short", &"x".repeat(2 << 20)] {
        let site = site();
        for _ in 0..3 {
            site.store.spend(NOW, LimitKind::Create, address("192.0.2.1"), None).unwrap();
        }
        let file = site.dir().join(table::LIMITS_FILE);
        fs::write(&file, damage).unwrap();
        let other = site.again();
        for _ in 0..3 {
            other.store.spend(NOW, LimitKind::Create, address("192.0.2.1"), None).unwrap();
        }
        check_limited(other.store.spend(NOW, LimitKind::Create, address("192.0.2.1"), None), 1200);
    }
}

#[test]
fn file_cut_under_a_running_program_only_forgives() {
    let site = site();
    let spend = || site.store.spend(NOW, LimitKind::Create, address("192.0.2.1"), None);
    for _ in 0..3 {
        spend().unwrap();
    }
    fs::write(site.dir().join(table::LIMITS_FILE), "").unwrap();
    for _ in 0..3 {
        spend().unwrap();
    }
    check_limited(spend(), 1200);
}

#[test]
fn addresses_and_names_do_not_stand_in_the_file() {
    let site = site();
    let against = Against::Name("recognisable-name");
    site.store.spend_against(NOW, LimitKind::Login, address("203.0.113.77"), against).unwrap();
    let file = site.dir().join(table::LIMITS_FILE);
    let bytes = fs::read(&file).unwrap();
    for text in [b"recognisable-name".as_slice(), b"203.0.113.77", &[203, 0, 113, 77]] {
        assert!(!bytes.windows(text.len()).any(|window| window == text));
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn switched_off_touches_no_file_and_no_database() {
    let site = Site::with(|settings| settings.limits = Limits::OFF);
    for _ in 0..1000 {
        site.store.spend(NOW, LimitKind::Put, address("192.0.2.1"), Some(AuthorId(1))).unwrap();
    }
    assert!(!site.dir().join(table::LIMITS_FILE).exists());
}

#[track_caller]
fn check_setting(text: &str, want: Option<Limits>) {
    assert_eq!(text.parse::<Limits>().ok(), want, "{text:?}");
}

#[test]
fn settings_are_words_or_numbers() {
    let rate = |tries, window_secs| Rate { tries, window_secs };
    check_setting("default", Some(Limits::DEFAULT));
    check_setting("off", Some(Limits::OFF));
    check_setting("login=1/2", Some(Limits { login: rate(1, 2), ..Limits::DEFAULT }));
    check_setting("put=off", Some(Limits { put: rate(0, 1), ..Limits::DEFAULT }));
    check_setting(
        "login=1/2,create=3/4,put=5/6",
        Some(Limits { login: rate(1, 2), create: rate(3, 4), put: rate(5, 6), ..Limits::DEFAULT }),
    );
    check_setting("put=1000000/86400", Some(Limits { put: rate(1_000_000, 86_400), ..Limits::DEFAULT }));
    for wrong in [
        "",
        "on",
        "login",
        "login=",
        "login=1",
        "login=1/",
        "login=/1",
        "login=0/1",
        "login=1/0",
        "login=-1/1",
        "login=+1/1",
        "login=1/1,",
        "login=1/1,login=1/1",
        "post=1/1",
        "login=1 / 1",
        "put=1000001/1",
        "put=1/86401",
        "Login=1/1",
    ] {
        check_setting(wrong, None);
    }
}
