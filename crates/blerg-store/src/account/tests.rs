//! Accounts are made, entered, changed and closed whole or not at all, also between processes and under SIGKILL.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use blake2::{Blake2s256, Digest};
use blerg_log::{ListKey, Op, Position, Stamp};

use super::*;
use crate::password::tests::{WATCHED_PREFIX, hashes, most_at_a_time};
use crate::password::{self, Argon2Cost};
use crate::session::{ClientInfo, Token};
use crate::{Backend, Limits, Settings};

/// 2026, in microseconds.
pub(crate) const NOW: u64 = 1_770_000_000_000_000;

/// The smallest hash that Argon2 allows: for tests in which its cost is not the point.
pub(crate) const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 };

const TASK: &str = "BLERG_TEST_TASK";

/// Bytes that differ between calls, threads and processes, and are the same in every run of one process number.
pub(crate) fn random(buffer: &mut [u8]) {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    for chunk in buffer.chunks_mut(32) {
        let mut hash = Blake2s256::new();
        hash.update(CALLS.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        hash.update(std::process::id().to_le_bytes());
        chunk.copy_from_slice(&hash.finalize()[..chunk.len()]);
    }
}

/// This test program again, running one test with a task; see [`task`].
pub(crate) fn child(test: &str, task: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(TASK, task);
    command.stdin(Stdio::null());
    command
}

/// The task that [`child`] gave; a test that is only a child's body does nothing without one.
#[expect(clippy::disallowed_methods, reason = "the way by which a test hands a task to its child")]
pub(crate) fn task() -> Option<String> {
    std::env::var(TASK).ok()
}

/// Waits until something is so, within a generous bound.
#[track_caller]
pub(crate) fn poll(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited a minute in vain");
        std::thread::yield_now();
    }
}

/// A child that is killed when this is dropped.
pub(crate) struct Killed(pub(crate) Child);

impl Killed {
    pub(crate) fn spawn(command: &mut Command) -> Killed {
        Killed(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        durability: None,
        backend: Backend::Pread,
        recovery: Recovery::Inline,
        argon2: CHEAP,
        password_min: 8,
        registration: Registration::Open,
        limits: Limits::OFF,
        allow_network_fs: true,
        hash_wait_ms: 60_000,
        wiki: crate::WikiSettings::default(),
        random,
    }
}

/// A store over a directory of its own.
pub(crate) struct Site {
    pub(crate) store: Store,
    dir: std::sync::Arc<tempfile::TempDir>,
}

impl Site {
    pub(crate) fn new() -> Site {
        Site::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Site {
        let mut settings = settings();
        change(&mut settings);
        let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
        Site { store: Store::new(dir.path().join("data"), settings), dir }
    }

    /// Another store over the same directory, as another process has it.
    pub(crate) fn again(&self) -> Site {
        self.again_with(|_| {})
    }

    pub(crate) fn again_with(&self, change: impl FnOnce(&mut Settings)) -> Site {
        let mut settings = self.store.settings().clone();
        change(&mut settings);
        Site { store: Store::new(self.dir(), settings), dir: self.dir.clone() }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.store.dir()
    }

    pub(crate) fn create(&self, name: &str, password: &[u8]) -> Result<(), Error> {
        self.invited(name, password, None)
    }

    fn invited(&self, name: &str, password: &[u8], invite: Option<&str>) -> Result<(), Error> {
        self.store.create_account(NOW, &NewAccount { name, password, invite, remote: None })
    }

    pub(crate) fn login(&self, now_us: u64, name: &str, password: &[u8]) -> Result<Token, Error> {
        self.store.login(now_us, name, password, &ClientInfo::default())
    }

    fn who(&self, token: &Token) -> Option<String> {
        self.store.authenticate(NOW, &token.to_string()).unwrap().map(|session| session.name)
    }

    fn session(&self, name: &str, password: &[u8]) -> crate::Session {
        let token = self.login(NOW, name, password).unwrap();
        self.store.authenticate(NOW, &token.to_string()).unwrap().unwrap()
    }

    fn put(&self, author: AuthorId, records: usize) {
        let op = Op::Put { author, text: "hello".to_owned(), tags: vec![], reply_to: None, at_us: None };
        for outcome in self.store.log().unwrap().commit(NOW, vec![op; records]).unwrap() {
            outcome.unwrap();
        }
    }

    /// Does the first steps of making an account, as a process does that is killed after them.
    fn begin(&self, name: &str, password: &[u8], steps: Steps) {
        let pass = self.store.enter_gate().unwrap();
        let hash = password::hash(password, &CHEAP, random).unwrap();
        self.store.begin_for_test(&pass, NOW, name, &hash);
        if steps == Steps::RowAndFrame {
            let op = Op::AddAuthor { name: name.to_owned(), at_us: None };
            self.store.log().unwrap().commit(NOW, vec![op]).unwrap();
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steps {
    Row,
    RowAndFrame,
}

const STEPS: [Steps; 2] = [Steps::Row, Steps::RowAndFrame];

const ONE: &[u8] = b"password one";
const TWO: &[u8] = b"password two";

#[track_caller]
fn check_error<T: std::fmt::Debug>(result: Result<T, Error>, want: &str) {
    let error = result.unwrap_err();
    assert!(format!("{error:?}").starts_with(want), "want {want}, got {error:?}");
}

#[test]
fn account_logs_in_from_any_process_by_any_case() {
    let site = Site::new();
    site.create("Jon B", ONE).unwrap();
    let token = site.again().login(NOW, "jON b", ONE).unwrap();
    assert_eq!(site.who(&token).as_deref(), Some("Jon B"));
    check_error(site.login(NOW, "Jon B", TWO), "WrongPassword");
    check_error(site.login(NOW, "Jon", ONE), "WrongPassword");
    check_error(site.login(NOW, "no/name", ONE), "WrongPassword");
    check_error(site.login(NOW, "", b""), "WrongPassword");
}

#[test]
fn name_is_taken_in_every_case_and_authors_are_numbered_in_order() {
    let site = Site::new();
    site.create("ada", ONE).unwrap();
    site.create("Jon", ONE).unwrap();
    check_error(site.create("jon", ONE), "NameTaken");
    check_error(site.create("JON", TWO), "NameTaken");
    assert_eq!(site.store.account("aDa").unwrap().unwrap().author, Some(AuthorId(0)));
    assert_eq!(site.store.account("jon").unwrap().unwrap().author, Some(AuthorId(1)));
    assert_eq!(site.store.account("eve").unwrap(), None);
}

#[test]
fn name_and_password_keep_to_the_rules() {
    let site = Site::new();
    check_error(site.create("a/b", ONE), "Name(");
    check_error(site.create("", ONE), "Name(");
    check_error(site.create("jon", &[1; 7]), "PasswordLength");
    check_error(site.create("jon", &[1; 65]), "PasswordLength");
    assert!(site.store.db.get().is_none());
    site.create("eight", &[0; 8]).unwrap();
    site.create("sixtyfour", &[0; 64]).unwrap();
    check_error(site.login(NOW, "eight", &[0; 7]), "WrongPassword");
    check_error(site.login(NOW, "sixtyfour", &[0; 65]), "WrongPassword");
    site.login(NOW, "eight", &[0; 8]).unwrap();
    site.login(NOW, "sixtyfour", &[0; 64]).unwrap();
}

#[test]
fn shorter_minimum_of_the_past_still_logs_in() {
    let site = Site::with(|settings| settings.password_min = 4);
    site.create("jon", b"four").unwrap();
    site.again_with(|settings| settings.password_min = 12).login(NOW, "jon", b"four").unwrap();
}

#[test]
fn closed_registration_takes_nobody_but_the_operators() {
    let site = Site::with(|settings| settings.registration = Registration::Closed);
    check_error(site.create("jon", ONE), "RegistrationClosed");
    site.store.add_account(NOW, "jon", ONE, Role::Admin).unwrap();
    assert_eq!(site.session("jon", ONE).role, Role::Admin);
}

#[test]
fn invitation_serves_one_account() {
    let site = Site::with(|settings| settings.registration = Registration::Invite);
    let code = site.store.create_invite(NOW, 60).unwrap();
    assert_eq!(site.store.open_invites(NOW).unwrap(), 1);
    check_error(site.create("jon", ONE), "Invite");
    check_error(site.invited("jon", ONE, Some("")), "Invite");
    check_error(site.invited("jon", ONE, Some(&"0".repeat(32))), "Invite");
    site.invited("jon", ONE, Some(&code)).unwrap();
    check_error(site.invited("ada", ONE, Some(&code)), "Invite");
    assert_eq!(site.store.open_invites(NOW).unwrap(), 0);
    assert_eq!(site.store.account("ada").unwrap(), None);
}

#[test]
fn invitation_ends_at_its_time_and_a_taken_name_does_not_use_it_up() {
    let site = Site::with(|settings| settings.registration = Registration::Invite);
    site.store.add_account(NOW, "jon", ONE, Role::Member).unwrap();
    let old = site.store.create_invite(NOW - 60_000_000, 60).unwrap();
    let good = site.store.create_invite(NOW - 60_000_000, 61).unwrap();
    check_error(site.invited("ada", ONE, Some(&old)), "Invite");
    check_error(site.invited("jon", ONE, Some(&good)), "NameTaken");
    site.invited("ada", ONE, Some(&good)).unwrap();
}

#[test]
fn database_does_not_hold_passwords_or_invitations() {
    let site = Site::with(|settings| settings.registration = Registration::Invite);
    let code = site.store.create_invite(NOW, 60).unwrap();
    site.invited("jon", b"a recognisable password", Some(&code)).unwrap();
    for entry in fs::read_dir(site.dir()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = fs::read(&path) else { continue };
        for needle in [b"a recognisable password".as_slice(), code.as_bytes()] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{}", path.display());
        }
    }
}

#[test]
fn kill_between_the_steps_does_not_burn_the_name() {
    for steps in STEPS {
        let site = Site::new();
        site.create("first", ONE).unwrap();
        site.begin("jon", ONE, steps);
        let other = site.again();
        check_error(other.login(NOW, "jon", TWO), "WrongPassword");
        other.create("jon", TWO).unwrap();
        check_error(other.login(NOW, "jon", ONE), "WrongPassword");
        assert_eq!(other.session("jon", TWO).author, AuthorId(1), "{steps:?}");
        check_error(other.create("jon", ONE), "NameTaken");
    }
}

#[test]
fn login_finishes_what_a_kill_left() {
    for steps in STEPS {
        let site = Site::new();
        site.create("first", ONE).unwrap();
        site.begin("Jon", ONE, steps);
        let session = site.again().session("jon", ONE);
        assert_eq!((session.name.as_str(), session.author), ("Jon", AuthorId(1)), "{steps:?}");
        check_error(site.create("jon", ONE), "NameTaken");
        site.create("next", ONE).unwrap();
        assert_eq!(site.session("next", ONE).author, AuthorId(2), "{steps:?}");
    }
}

#[test]
fn invitation_of_a_killed_sign_up_is_good_again() {
    for same_name in [true, false] {
        let site = Site::with(|settings| settings.registration = Registration::Invite);
        let code = site.store.create_invite(NOW, 60).unwrap();
        site.begin("jon", ONE, Steps::Row);
        let db = site.store.db().unwrap();
        db.write("use", |t| t.execute("UPDATE invite SET account = (SELECT id FROM account)", ())).unwrap();
        if same_name {
            site.invited("jon", TWO, Some(&code)).unwrap();
            site.session("jon", TWO);
        } else {
            // It belongs to the sign-up of jon until somebody else signs up as jon.
            check_error(site.invited("ada", TWO, Some(&code)), "Invite");
            let another = site.store.create_invite(NOW, 60).unwrap();
            site.invited("jon", TWO, Some(&another)).unwrap();
            site.invited("ada", TWO, Some(&code)).unwrap();
        }
    }
}

#[test]
fn name_that_only_the_log_has_is_taken_until_the_operator_gives_it_a_password() {
    let site = Site::new();
    let op = Op::AddAuthor { name: "Jon".to_owned(), at_us: None };
    site.store.log().unwrap().commit(NOW, vec![op]).unwrap();
    check_error(site.create("jon", ONE), "NameTaken");
    check_error(site.login(NOW, "jon", ONE), "WrongPassword");
    site.store.set_password(NOW, "jon", TWO).unwrap();
    assert_eq!(site.session("jon", TWO).name, "Jon");
    check_error(site.store.set_password(NOW, "ada", TWO), "NoSuchAccount");
}

/// Creates one account; prints `won` or `taken`.
#[test]
fn child_creates_one_account() {
    let Some(task) = task() else { return };
    let site = Store::new(&task, settings());
    let password = format!("password {}", std::process::id());
    let new = NewAccount { name: "jon", password: password.as_bytes(), invite: None, remote: None };
    match site.create_account(NOW, &new) {
        Ok(()) => println!("\nwon {password}"),
        Err(Error::NameTaken) => println!("\ntaken"),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn of_processes_that_create_the_same_name_exactly_one_wins() {
    for _ in 0..3 {
        let site = Site::new();
        let children: Vec<_> = (0..5)
            .map(|_| {
                let mut command = child("account::tests::child_creates_one_account", site.dir().to_str().unwrap());
                command.stdout(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let mut won = Vec::new();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{text}");
            won.extend(text.lines().filter_map(|line| line.strip_prefix("won ")).map(str::to_owned));
        }
        assert_eq!(won.len(), 1);
        assert_eq!(site.session("jon", won[0].as_bytes()).author, AuthorId(0));
    }
}

/// Creates accounts one after the other until it is killed, and prints each name once it has it.
#[test]
fn child_creates_accounts_until_killed() {
    let Some(task) = task() else { return };
    let site = Store::new(&task, settings());
    for n in 0..1_000_000 {
        let name = format!("{}-{n}", std::process::id());
        site.create_account(NOW, &NewAccount { name: &name, password: ONE, invite: None, remote: None }).unwrap();
        println!("\ndone {name}");
    }
}

#[test]
fn killed_processes_lose_no_account_and_burn_no_name() {
    let site = Site::new();
    let mut names = BTreeSet::new();
    for round in 1..=12 {
        let mut command = child("account::tests::child_creates_accounts_until_killed", site.dir().to_str().unwrap());
        let mut killed = Killed::spawn(&mut command);
        let pid = killed.0.id();
        let lines = BufReader::new(killed.0.stdout.take().unwrap()).lines();
        let done: Vec<String> = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("done ").map(str::to_owned))
            .take(round)
            .collect();
        drop(killed);
        assert_eq!(done.len(), round);
        for name in &done {
            site.session(name, ONE);
        }
        // The ones that it may have been at.
        for n in round..round + 3 {
            let name = format!("{pid}-{n}");
            match site.create(&name, TWO) {
                Ok(()) => drop(site.session(&name, TWO)),
                Err(Error::NameTaken) => drop(site.session(&name, ONE)),
                Err(other) => panic!("{other:?}"),
            }
        }
        names.extend(done);
    }
    let snapshot = site.store.log().unwrap().snapshot().unwrap();
    for name in &names {
        let author = snapshot.author_by_name(name).unwrap().unwrap();
        assert_eq!(site.store.account(name).unwrap().unwrap().author, Some(author.id));
    }
}

#[test]
fn every_login_costs_exactly_one_hash() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    site.create("off", ONE).unwrap();
    site.store.disable_account("off").unwrap();
    site.create("gone", ONE).unwrap();
    site.store.close_account(NOW, AuthorId(2), ONE, None).unwrap();
    let long = [1; 65];
    for (name, password) in [
        ("jon", ONE),
        ("jon", TWO),
        ("jon", &long),
        ("jon", b""),
        ("nobody", ONE),
        ("no/name", ONE),
        ("", ONE),
        ("off", ONE),
        ("off", TWO),
        ("gone", ONE),
    ] {
        let before = hashes();
        let _ = site.login(NOW, name, password);
        assert_eq!(hashes() - before, 1, "{name} {password:?}");
    }
}

#[test]
fn hash_of_another_cost_is_replaced_at_login() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let stored = |site: &Site| site.store.accounts(None).unwrap()[0].password_hash.clone().unwrap();
    let first = stored(&site);
    let dearer = site.again_with(|settings| settings.argon2.passes = 2);
    check_error(dearer.login(NOW, "jon", TWO), "WrongPassword");
    assert_eq!(stored(&site), first);
    let before = hashes();
    dearer.session("jon", ONE);
    assert_eq!(hashes() - before, 2);
    assert!(stored(&site).contains("t=2"));
    let before = hashes();
    dearer.session("jon", ONE);
    assert_eq!(hashes() - before, 1);
    site.session("jon", ONE);
    assert!(stored(&site).contains("t=1"));
}

#[test]
fn disabled_account_has_no_session_and_no_login() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let token = site.login(NOW, "jon", ONE).unwrap();
    site.store.disable_account("JON").unwrap();
    assert_eq!(site.who(&token), None);
    check_error(site.login(NOW, "jon", ONE), "Disabled");
    check_error(site.login(NOW, "jon", TWO), "WrongPassword");
    assert!(site.store.account("jon").unwrap().unwrap().disabled);
    site.store.enable_account("jon").unwrap();
    assert_eq!(site.who(&token), None);
    site.session("jon", ONE);
    check_error(site.store.disable_account("ada"), "NoSuchAccount");
}

#[test]
fn new_password_ends_all_other_sessions() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let others: Vec<Token> = (0..3).map(|_| site.login(NOW, "jon", ONE).unwrap()).collect();
    let token = site.login(NOW, "jon", ONE).unwrap();
    let session = site.store.authenticate(NOW, &token.to_string()).unwrap().unwrap();
    check_error(site.store.change_password(NOW, &session, TWO, TWO, None), "WrongPassword");
    check_error(site.store.change_password(NOW, &session, ONE, b"short", None), "PasswordLength");
    assert!(site.who(&others[0]).is_some());
    site.store.change_password(NOW, &session, ONE, TWO, None).unwrap();
    assert!(others.iter().all(|other| site.who(other).is_none()));
    assert_eq!(site.who(&token).as_deref(), Some("jon"));
    check_error(site.login(NOW, "jon", ONE), "WrongPassword");
    site.session("jon", TWO);
}

#[test]
fn login_that_is_overtaken_by_a_change_begins_no_session() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let prove = |password| site.store.check_password(NOW, "jon", password, None).unwrap();
    let begin = |proof| site.store.begin_session(NOW, "jon", proof, &ClientInfo::default());
    let proof = prove(ONE);
    site.store.set_password(NOW, "jon", TWO).unwrap();
    check_error(begin(&proof), "WrongPassword");
    let proof = prove(TWO);
    site.store.disable_account("jon").unwrap();
    check_error(begin(&proof), "WrongPassword");
    site.store.enable_account("jon").unwrap();
    begin(&proof).unwrap();
    let proof = prove(TWO);
    site.store.close_account(NOW, AuthorId(0), TWO, None).unwrap();
    check_error(begin(&proof), "WrongPassword");
}

#[test]
fn password_set_by_the_operator_ends_all_sessions() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let token = site.login(NOW, "jon", ONE).unwrap();
    site.store.set_password(NOW, "jon", TWO).unwrap();
    assert_eq!(site.who(&token), None);
    site.session("jon", TWO);
}

#[test]
fn role_is_the_sessions_at_once() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let token = site.login(NOW, "jon", ONE).unwrap().to_string();
    let role = || site.store.authenticate(NOW, &token).unwrap().unwrap().role;
    assert_eq!(role(), Role::Member);
    site.store.set_role("jon", Role::Admin).unwrap();
    assert_eq!(role(), Role::Admin);
    site.store.set_role("jon", Role::Member).unwrap();
    assert_eq!(role(), Role::Member);
    check_error(site.store.set_role("ada", Role::Admin), "NoSuchAccount");
}

#[test]
fn limits_count_creations_and_guesses() {
    let site = Site::with(|settings| settings.limits = "login=2/60,create=2/60".parse().unwrap());
    site.create("a", ONE).unwrap();
    site.create("b", ONE).unwrap();
    check_error(site.create("c", ONE), "Limited");
    assert_eq!(site.store.account("c").unwrap(), None);
    check_error(site.login(NOW, "a", TWO), "WrongPassword");
    check_error(site.login(NOW, "nobody", TWO), "WrongPassword");
    let before = hashes();
    check_error(site.login(NOW, "a", ONE), "Limited");
    assert_eq!(hashes(), before);
    site.login(NOW + 60_000_000, "a", ONE).unwrap();
}

#[test]
fn guessing_through_password_change_and_close_is_limited_too() {
    let site = Site::with(|settings| settings.limits = "login=3/60".parse().unwrap());
    site.create("jon", ONE).unwrap();
    let session = site.session("jon", ONE);
    check_error(site.store.change_password(NOW, &session, TWO, ONE, None), "WrongPassword");
    check_error(site.store.close_account(NOW, session.author, TWO, None), "WrongPassword");
    check_error(site.store.change_password(NOW, &session, ONE, TWO, None), "Limited");
    check_error(site.store.close_account(NOW, session.author, ONE, None), "Limited");
}

#[test]
fn busy_gate_is_told_with_a_time_to_come_again() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let pass = site.store.enter_gate().unwrap();
    let other = site.again_with(|settings| settings.hash_wait_ms = 20);
    let error = other.login(NOW, "jon", ONE).unwrap_err();
    assert!(error.retry_after_secs().is_some_and(|secs| secs > 0), "{error:?}");
    check_error(other.create("ada", ONE), "Busy");
    // Whoever waits holds nothing but the lock file open.
    assert!(other.store.db.get().is_none() && other.store.log.get().is_none());
    drop(pass);
    other.session("jon", ONE);
}

#[test]
fn closed_account_is_gone_and_its_name_stays_taken() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let token = site.login(NOW, "jon", ONE).unwrap();
    site.put(AuthorId(0), 600);
    check_error(site.store.close_account(NOW, AuthorId(0), TWO, None), "WrongPassword");
    assert!(site.who(&token).is_some());
    site.store.close_account(NOW, AuthorId(0), ONE, None).unwrap();
    assert_eq!(site.who(&token), None);
    check_error(site.login(NOW, "jon", ONE), "WrongPassword");
    check_error(site.create("JON", ONE), "NameTaken");
    check_error(site.store.set_password(NOW, "jon", TWO), "NoSuchAccount");
    check_error(site.store.enable_account("jon"), "NoSuchAccount");
    assert!(site.store.account("jon").unwrap().unwrap().closed);
    assert_eq!(site.store.accounts(None).unwrap()[0].password_hash, None);
    check_erased(&site, 600);
}

#[track_caller]
fn check_erased(site: &Site, records: u64) {
    let snapshot = site.store.log().unwrap().snapshot().unwrap();
    assert!(snapshot.author(AuthorId(0)).unwrap().unwrap().closed);
    assert_eq!(snapshot.list(&ListKey::Deletes).unwrap().len(), records);
    assert_eq!(site.store.finish_closings(NOW).unwrap(), Closings::Done);
}

#[test]
fn closing_is_finished_after_a_kill_at_any_step() {
    for steps in 0..3 {
        let site = Site::new();
        site.create("jon", ONE).unwrap();
        site.put(AuthorId(0), 300);
        site.store.begin_closing_for_test(1);
        let log = site.store.log().unwrap();
        if steps >= 1 {
            log.commit(NOW, vec![Op::CloseAuthor { author: AuthorId(0) }]).unwrap();
        }
        if steps >= 2 {
            let deletes = (0..256).map(|no| Op::Delete { author: AuthorId(0), record: crate::RecordNo(no) });
            log.commit(NOW, deletes.collect()).unwrap();
        }
        let other = site.again();
        check_error(other.login(NOW, "jon", ONE), "WrongPassword");
        assert_eq!(other.store.finish_closings(NOW).unwrap(), Closings::Done);
        check_erased(&site.again(), 300);
        check_error(other.create("jon", ONE), "NameTaken");
    }
}

#[test]
fn logins_finish_a_closing_that_nobody_else_finishes() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    site.create("ada", ONE).unwrap();
    site.put(AuthorId(0), 1_000);
    site.store.begin_closing_for_test(1);
    site.session("ada", ONE);
    let snapshot = site.store.log().unwrap().snapshot().unwrap();
    assert!(snapshot.author(AuthorId(0)).unwrap().unwrap().closed);
    assert_eq!(snapshot.list(&ListKey::Deletes).unwrap().len(), 512);
    site.session("ada", ONE);
    assert_eq!(site.store.next_closing_for_test(), None);
    check_erased(&site, 1_000);
}

#[test]
fn large_closing_is_done_in_parts() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let records = 64 * 256 + 1;
    site.put(AuthorId(0), records);
    site.store.close_account(NOW, AuthorId(0), ONE, None).unwrap();
    let deletes = || site.store.log().unwrap().snapshot().unwrap().list(&ListKey::Deletes).unwrap().len();
    assert_eq!(deletes(), 64 * 256);
    assert_eq!(site.again().store.finish_closings(NOW).unwrap(), Closings::Done);
    check_erased(&site, records as u64);
}

#[test]
fn account_without_records_closes() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    assert_eq!(site.store.finish_closings(NOW).unwrap(), Closings::Done);
    site.store.close_account(NOW, AuthorId(0), ONE, None).unwrap();
    check_erased(&site, 0);
}

#[test]
fn restored_accounts_log_in_with_their_old_password() {
    let site = Site::new();
    site.create("Jon", ONE).unwrap();
    site.create("ada", TWO).unwrap();
    site.store.set_role("ada", Role::Admin).unwrap();
    let rows = site.store.accounts(None).unwrap();
    assert_eq!(rows.iter().map(|row| row.account.name.as_str()).collect::<Vec<_>>(), ["ada", "Jon"]);
    assert_eq!(site.store.accounts(Some("ADA")).unwrap().len(), 1);
    let other = Site::new();
    check_error(other.store.restore_accounts(&rows), "NoSuchAccount");
    let add = |name: &str| Op::AddAuthor { name: name.to_owned(), at_us: None };
    other.store.log().unwrap().commit(NOW, vec![add("ada"), add("Jon")]).unwrap();
    other.store.restore_accounts(&rows).unwrap();
    other.store.restore_accounts(&rows).unwrap();
    assert_eq!(other.session("jon", ONE).author, AuthorId(1));
    assert_eq!(other.session("ada", TWO).role, Role::Admin);
    let mut costly = rows[0].clone();
    costly.password_hash = costly.password_hash.map(|hash| hash.replace("m=8", "m=4000000"));
    check_error(other.store.restore_accounts(&[costly]), "Damaged");
}

#[test]
fn what_was_seen_only_moves_on() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let at = |position| Stamp { visible: Position(position), ..site.store.reader().unwrap().stamp() };
    let seen = || site.again().store.seen(AuthorId(0), at(0)).unwrap();
    assert_eq!(seen(), Seen::default());
    site.store.clear(AuthorId(0), SeenKind::Feed, at(70)).unwrap();
    assert_eq!(seen(), Seen { feed: Position(70), mentioned: Position(0) });
    site.store.clear(AuthorId(0), SeenKind::Mentioned, at(90)).unwrap();
    site.store.clear(AuthorId(0), SeenKind::Feed, at(60)).unwrap();
    assert_eq!(seen(), Seen { feed: Position(70), mentioned: Position(90) });
    site.store.clear(AuthorId(5), SeenKind::Feed, at(60)).unwrap();
    assert_eq!(site.store.seen(AuthorId(5), at(0)).unwrap(), Seen::default());
}

#[test]
fn sixty_four_logins_at_once_take_the_memory_of_one() {
    let site = Site::with(|settings| settings.argon2 = Argon2Cost { memory_kib: 4096, passes: 1, lanes: 1 });
    let password = [WATCHED_PREFIX, b"and more"].concat();
    site.create("jon", &password).unwrap();
    let busy = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(|| site.login(NOW, "jon", &password))).collect();
        let results = threads.into_iter().map(|thread| thread.join().unwrap());
        results
            .filter(|result| match result {
                Ok(_) => false,
                Err(Error::Busy { .. }) => true,
                Err(other) => panic!("{other:?}"),
            })
            .count()
    });
    assert_eq!(most_at_a_time(), 1);
    assert!(busy <= 64 - 1 - crate::gate::WAITERS_MAX, "{busy} turned away");
}

#[test]
fn half_made_account_does_not_get_an_imported_authors_records() {
    let site = Site::new();
    site.begin("jon", ONE, Steps::RowAndFrame);
    site.put(AuthorId(0), 1);
    check_error(site.login(NOW, "jon", ONE), "NameTaken");
    check_error(site.login(NOW, "jon", ONE), "WrongPassword");
    check_error(site.create("jon", TWO), "NameTaken");
    site.begin("jon", ONE, Steps::Row);
    check_error(site.create("jon", TWO), "NameTaken");
    site.begin("jon", ONE, Steps::Row);
    let hash = password::hash(TWO, &CHEAP, random).unwrap();
    let account = Account {
        name: "jon".to_owned(),
        author: None,
        role: Role::Member,
        disabled: false,
        closed: false,
        created_us: NOW,
    };
    site.store.restore_accounts(&[AccountRow { account, password_hash: Some(hash) }]).unwrap();
    check_error(site.login(NOW, "jon", ONE), "WrongPassword");
    assert_eq!(site.session("jon", TWO).author, AuthorId(0));
}

/// Runs one statement over numbers `n` from 1 to `count`.
fn fill(site: &Site, statement: &str, count: u32) {
    let sql =
        format!("WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1) {statement}");
    site.store.db().unwrap().write("fill", |t| t.execute(&sql, params![count])).unwrap();
}

#[test]
fn open_invitations_hold_at_the_limit_and_one_beyond() {
    let site = Site::new();
    let statement = "INSERT INTO invite (code, created_us, expires_us)
         SELECT randomblob(32), 0, ?1 * 0 + 9000000000000000 FROM number";
    fill(&site, statement, invite::INVITES_MAX - 1);
    site.store.create_invite(NOW, 60).unwrap();
    check_error(site.store.create_invite(NOW, 60), "Setting");
    // Those that are over make room.
    site.store.create_invite(NOW + 60_000_000, 60).unwrap();
}

#[test]
fn pages_of_accounts_and_findings_of_a_check_are_bounded() {
    let site = Site::new();
    let statement = "INSERT INTO account (name, folded, author, state, created_us)
         SELECT 'u' || n, 'u' || n, n, 1, 0 FROM number";
    fill(&site, statement, admin::ACCOUNTS_PAGE_MAX + 1);
    let first = site.store.accounts(None).unwrap();
    assert_eq!(first.len(), admin::ACCOUNTS_PAGE_MAX as usize);
    let last = &first[first.len() - 1].account.name;
    assert_eq!(site.store.accounts(Some(last)).unwrap().len(), 1);
    assert_eq!(site.store.check_accounts().unwrap().len(), 100);
}

#[test]
fn copy_of_the_live_database_is_whole_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let copy = tempfile::tempdir().unwrap();
    let bytes = site.store.copy_accounts(copy.path()).unwrap();
    let metadata = fs::metadata(copy.path().join("site.db")).unwrap();
    assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (bytes, 0o600));
    check_error(site.store.copy_accounts(copy.path()), "Io");
    site.create("later", ONE).unwrap();
    let db = Db::open(copy.path(), &SITE, Syncing::Full, Checkpoints::AtClose).unwrap();
    let names: i64 = db.read("count", |c| c.query_row("SELECT count(*) FROM account", (), |row| row.get(0))).unwrap();
    assert_eq!(names, 1);
}

#[test]
fn compacting_leaves_nothing_of_what_was_deleted() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let hash = site.store.accounts(None).unwrap()[0].password_hash.clone().unwrap();
    let agent = "a recognisable agent";
    let client = ClientInfo { remote: None, agent: Some(agent) };
    site.store.login(NOW, "jon", ONE, &client).unwrap();
    site.store.close_account(NOW, AuthorId(0), ONE, None).unwrap();
    site.store.compact_accounts().unwrap();
    for name in ["site.db", "site.db-wal"] {
        let bytes = fs::read(site.dir().join(name)).unwrap_or_default();
        for needle in [hash.as_bytes(), agent.as_bytes()] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{name}");
        }
    }
}

#[test]
fn check_finds_accounts_that_the_log_does_not_know() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    site.create("ada", ONE).unwrap();
    site.begin("half", ONE, Steps::Row);
    assert_eq!(site.store.check_accounts().unwrap(), Vec::<String>::new());
    let db = site.store.db().unwrap();
    db.write("damage", |t| t.execute("UPDATE account SET author = 77 WHERE folded = 'jon'", ())).unwrap();
    assert_eq!(site.store.check_accounts().unwrap(), ["account jon: its author 77 is not in the log"]);
    let rename = "UPDATE account SET author = 0, name = 'eve' WHERE folded = 'jon'";
    db.write("damage", |t| t.execute(rename, ())).unwrap();
    assert_eq!(site.store.check_accounts().unwrap(), ["account eve: its author 0 is jon"]);
}

#[test]
fn full_disk_refuses_cleanly_and_burns_no_name() {
    let site = Site::new();
    site.create("jon", ONE).unwrap();
    let pages = |n: u32| {
        let sql = format!("PRAGMA max_page_count = {n}");
        let db = site.store.db().unwrap();
        db.read("limit", |c| c.query_row(&sql, (), |row| row.get::<_, i64>(0))).unwrap()
    };
    pages(1);
    let full = (0..1_000).find_map(|n| {
        let name = format!("user {n}");
        site.create(&name, ONE).err().map(|error| (name, error))
    });
    let (name, error) = full.unwrap();
    assert!(error.is_full(), "{error:?}");
    site.session("jon", ONE);
    pages(1_000_000);
    site.create(&name, ONE).unwrap();
    site.session(&name, ONE);
}

#[track_caller]
fn check_word<T: FromStr<Err = Error> + PartialEq + std::fmt::Debug>(text: &str, want: Option<T>) {
    assert_eq!(text.parse::<T>().ok(), want, "{text}");
}

#[test]
fn words_choose_registration_and_role() {
    check_word("open", Some(Registration::Open));
    check_word("closed", Some(Registration::Closed));
    check_word("invite", Some(Registration::Invite));
    check_word::<Registration>("Open", None);
    check_word("member", Some(Role::Member));
    check_word("admin", Some(Role::Admin));
    check_word::<Role>("root", None);
    assert_eq!(Role::Admin.as_str(), "admin");
}
