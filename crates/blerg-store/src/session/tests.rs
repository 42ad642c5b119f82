//! Sessions begin, are found by their token alone, and end by logout, revocation, password change and age.

use std::fs;

use super::*;
use crate::account::tests::{NOW, Site};

const DAY_US: u64 = 86_400 * 1_000_000;

fn log_in(site: &Site, now_us: u64) -> String {
    site.login(now_us, "jon", b"password one").unwrap().to_string()
}

fn jon() -> Site {
    let site = Site::new();
    site.create("jon", b"password one").unwrap();
    site
}

#[test]
fn token_shows_who_is_asking() {
    let site = jon();
    let token = log_in(&site, NOW);
    let session = site.again().store.authenticate(NOW, &token).unwrap().unwrap();
    assert_eq!((session.name.as_str(), session.author, session.role), ("jon", AuthorId(0), Role::Member));
    assert_eq!(token.len(), 64);
    assert_ne!(token, log_in(&site, NOW));
}

#[test]
fn what_cannot_be_a_token_opens_no_database() {
    let site = Site::new();
    let long = "a".repeat(65);
    let upper = "A".repeat(64);
    for text in ["", "x", &long, &upper, &"é".repeat(32)] {
        assert_eq!(site.store.authenticate(NOW, text).unwrap(), None, "{text}");
        assert!(!site.store.logout(text).unwrap());
    }
    assert!(site.store.db.get().is_none());
    assert!(site.store.log.get().is_none());
}

#[test]
fn wrong_token_is_nobody() {
    let site = jon();
    let token = log_in(&site, NOW);
    let other = if token.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{}{other}", &token[..63]);
    assert_eq!(site.store.authenticate(NOW, &wrong).unwrap(), None);
    assert_eq!(site.store.authenticate(NOW, &"0".repeat(64)).unwrap(), None);
}

#[test]
fn token_with_the_same_number_but_another_hash_is_nobody() {
    let site = jon();
    let token = log_in(&site, NOW);
    let db = site.store.db().unwrap();
    db.write("forge", |transaction| transaction.execute("UPDATE session SET token = zeroblob(32)", ())).unwrap();
    assert_eq!(site.store.authenticate(NOW, &token).unwrap(), None);
    assert!(!site.store.logout(&token).unwrap());
}

#[test]
fn database_does_not_hold_tokens() {
    let site = jon();
    let token = log_in(&site, NOW);
    let raw = Token::parse(&token).unwrap().0;
    for entry in fs::read_dir(site.dir()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = fs::read(&path) else { continue };
        for needle in [token.as_bytes(), &raw] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{}", path.display());
        }
    }
    assert_eq!(format!("{:?}", Token::parse(&token)), "Some(Token(..))");
}

#[test]
fn logout_ends_only_its_session() {
    let site = jon();
    let [first, second] = [log_in(&site, NOW), log_in(&site, NOW)];
    assert!(site.store.logout(&first).unwrap());
    assert!(!site.store.logout(&first).unwrap());
    assert_eq!(site.store.authenticate(NOW, &first).unwrap(), None);
    assert!(site.store.authenticate(NOW, &second).unwrap().is_some());
}

#[test]
fn unused_session_ends_at_its_age() {
    let site = jon();
    let token = log_in(&site, NOW);
    let end_us = NOW + IDLE_SECS_MAX * 1_000_000;
    assert_eq!(site.store.authenticate(end_us, &token).unwrap(), None);
    assert_eq!(site.store.sessions(end_us, AuthorId(0)).unwrap(), []);
    assert!(site.store.authenticate(end_us - 1, &token).unwrap().is_some());
}

#[test]
fn used_session_ends_at_its_age_too() {
    let site = jon();
    let token = log_in(&site, NOW);
    let end_us = NOW + AGE_SECS_MAX * 1_000_000;
    let mut now_us = NOW;
    while now_us < end_us {
        assert!(site.store.authenticate(now_us, &token).unwrap().is_some());
        now_us += 30 * DAY_US;
    }
    assert!(site.store.authenticate(end_us - 1, &token).unwrap().is_some());
    assert_eq!(site.store.authenticate(end_us, &token).unwrap(), None);
    assert_eq!(site.store.sessions(end_us, AuthorId(0)).unwrap(), []);
}

#[test]
fn login_removes_sessions_that_are_over() {
    let site = jon();
    for _ in 0..5 {
        log_in(&site, NOW);
    }
    log_in(&site, NOW + IDLE_SECS_MAX * 1_000_000);
    let db = site.store.db().unwrap();
    let rows: i64 = db.read("count", |c| c.query_row("SELECT count(*) FROM session", (), |row| row.get(0))).unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn last_use_is_noted_once_an_hour() {
    let site = jon();
    let token = log_in(&site, NOW);
    let used_us = |now_us| {
        site.store.authenticate(now_us, &token).unwrap().unwrap();
        site.store.sessions(now_us, AuthorId(0)).unwrap()[0].used_us
    };
    assert_eq!(used_us(NOW + TOUCH_US - 1), NOW);
    assert_eq!(used_us(NOW + TOUCH_US), NOW + TOUCH_US);
    assert_eq!(used_us(NOW + TOUCH_US + 1), NOW + TOUCH_US);
    assert_eq!(used_us(NOW), NOW + TOUCH_US);
}

#[test]
fn sessions_tell_when_and_from_where() {
    let site = jon();
    let client = ClientInfo { remote: Some("::ffff:192.0.2.1".parse().unwrap()), agent: Some("Mozilla/5.0 (\u{7}x)") };
    site.store.login(NOW, "JON", b"password one", &client).unwrap();
    log_in(&site, NOW + 1);
    let sessions = site.store.sessions(NOW, AuthorId(0)).unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].remote, None);
    assert_eq!(sessions[1].remote.as_deref(), Some("192.0.2.1"));
    assert_eq!(sessions[1].agent.as_deref(), Some("Mozilla/5.0 ( x)"));
    assert_eq!((sessions[1].created_us, sessions[1].used_us), (NOW, NOW));
    assert_eq!(site.store.sessions(NOW, AuthorId(9)).unwrap(), []);
}

#[test]
fn sessions_are_revoked_one_by_one_or_all_others() {
    let site = jon();
    site.create("ada", b"password two").unwrap();
    let ada = site.login(NOW, "ada", b"password two").unwrap().to_string();
    let tokens: Vec<String> = (0..4).map(|_| log_in(&site, NOW)).collect();
    let id = |token: &str| site.store.authenticate(NOW, token).unwrap().unwrap().id;
    let [ada_id, first_id, last_id] = [id(&ada), id(&tokens[0]), id(&tokens[3])];
    assert!(!site.store.revoke(AuthorId(0), ada_id).unwrap());
    assert!(site.store.revoke(AuthorId(0), first_id).unwrap());
    assert_eq!(site.store.authenticate(NOW, &tokens[0]).unwrap(), None);
    assert_eq!(site.store.revoke_others(AuthorId(0), last_id).unwrap(), 2);
    assert_eq!(site.store.authenticate(NOW, &tokens[1]).unwrap(), None);
    assert!(site.store.authenticate(NOW, &tokens[3]).unwrap().is_some());
    assert!(site.store.authenticate(NOW, &ada).unwrap().is_some());
}

#[test]
fn sessions_beyond_the_limit_end_the_one_used_longest_ago() {
    let site = jon();
    let account = 1;
    let tokens: Vec<Token> = (0..=SESSIONS_MAX).map(|_| new_token(site.store.settings().random)).collect();
    let db = site.store.db().unwrap();
    let begin_at = |n: u32| {
        let token = &tokens[n as usize];
        db.write("begin", |t| begin(t, NOW + u64::from(n), account, token, &ClientInfo::default())).unwrap();
    };
    let is_valid = |n: u32| site.store.authenticate(NOW, &tokens[n as usize].to_string()).unwrap().is_some();
    (0..SESSIONS_MAX).for_each(begin_at);
    assert!(is_valid(0));
    begin_at(SESSIONS_MAX);
    assert!(!is_valid(0));
    assert!(is_valid(1) && is_valid(SESSIONS_MAX));
    assert_eq!(site.store.sessions(NOW, AuthorId(0)).unwrap().len(), SESSIONS_MAX as usize);
}

#[track_caller]
fn check_agent(agent: &str, want: &str) {
    assert_eq!(cut_agent(agent), want);
}

#[test]
fn user_agent_is_cut_between_characters() {
    check_agent("", "");
    check_agent(&"a".repeat(AGENT_BYTES_MAX), &"a".repeat(AGENT_BYTES_MAX));
    check_agent(&"a".repeat(AGENT_BYTES_MAX + 1), &"a".repeat(AGENT_BYTES_MAX));
    check_agent(&format!("a{}", "é".repeat(100)), &format!("a{}", "é".repeat(99)));
    check_agent("a\r\nb\0", "a  b ");
}

#[test]
fn reader_on_a_busy_or_full_disk_stays_logged_in() {
    let site = jon();
    let token = log_in(&site, NOW);
    // A read-only database stands for every reason why the use cannot be noted.
    let db = site.store.db().unwrap();
    db.read("forbid writing", |connection| connection.execute_batch("PRAGMA query_only = ON")).unwrap();
    assert!(site.store.authenticate(NOW + TOUCH_US, &token).unwrap().is_some());
    assert_eq!(site.store.sessions(NOW, AuthorId(0)).unwrap()[0].used_us, NOW);
}
