//! Password hashes take 64 MiB each, and only one is computed at a time, whatever the number of processes: many log in at
//! once without more memory, without a failure but a clear 503, and neither readers nor writers wait for them.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::cgi_run::variables;
use super::front::{Kind, PASSWORD, Way, token};
use super::http::{Ask, Reply};
use super::site::{Over, Site, private_kib, wait_until};

const LOGINS: usize = 64;
/// Long enough for all of them on a slow machine.
const HASH_WAIT_SECS: &str = "100";
/// RFC 9106's second set.
const HASH_KIB: u64 = 64 << 10;
/// One hash and everything else.
const WORKER_KIB_MAX: u64 = HASH_KIB + (20 << 10);
/// What a CGI process holds while it waits for its turn: it has opened nothing yet.
const WAITING_KIB_MAX: u64 = 512;
/// A reader or a writer next to 64 logins; two cores are busy with a hash and this test itself. Who had to wait for all
/// logins would wait longer.
const REQUEST_MAX: Duration = Duration::from_secs(5);

fn login() -> Ask {
    Ask::post("/login", &[("username", "jon"), ("password", PASSWORD)])
}

/// A login succeeds or says when to come again.
#[track_caller]
fn check(reply: &Reply) -> bool {
    if reply.status == 503 {
        assert!(reply.header("retry-after").is_some_and(|secs| secs.parse::<u64>().is_ok()), "{reply:?}");
        assert_eq!(reply.json()["code"], "busy");
        return false;
    }
    assert_eq!((reply.status, reply.json()["status"].as_str()), (200, Some("success")), "{}", reply.text());
    assert_eq!(token(reply).len(), 64);
    true
}

/// What went on beside a storm of logins.
#[derive(Debug)]
struct Beside {
    /// How many logins got in.
    entered: usize,
    read: Duration,
    put: Duration,
}

impl Beside {
    #[track_caller]
    fn check(&self) {
        assert!(self.entered >= LOGINS / 4 && self.read < REQUEST_MAX && self.put < REQUEST_MAX, "{self:?}");
    }
}

/// Asks again and again until `done`; the slowest answer.
fn repeat(done: &AtomicBool, ask: impl Fn()) -> Duration {
    let mut slowest = Duration::ZERO;
    while !done.load(Ordering::Relaxed) {
        let start = Instant::now();
        ask();
        slowest = slowest.max(start.elapsed());
    }
    slowest
}

/// Runs the logins at once, and beside them `measure`, a reader and a writer, for whom nothing may fail.
fn storm(way: &Way, token: &str, measure: impl Fn() + Sync) -> Beside {
    let done = AtomicBool::new(false);
    let put = Ask::post("/put", &[("data", "beside the logins")]).with(token);
    thread::scope(|scope| {
        let over = Over(&done);
        let measuring = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                measure();
                thread::park_timeout(Duration::from_millis(2));
            }
        });
        let reading = scope.spawn(|| repeat(&done, || assert_eq!(way.get("/get/jon").status, 200)));
        let putting = scope.spawn(|| {
            repeat(&done, || {
                let reply = way.ask(&put);
                assert_eq!((reply.status, reply.json()["status"].as_str()), (200, Some("success")), "{reply:?}");
            })
        });
        let logins: Vec<_> = (0..LOGINS).map(|_| scope.spawn(|| check(&way.ask(&login())))).collect();
        let entered = logins.into_iter().map(|login| login.join().unwrap()).filter(|entered| *entered).count();
        drop(over);
        measuring.join().unwrap();
        Beside { entered, read: reading.join().unwrap(), put: putting.join().unwrap() }
    })
}

#[test]
fn a_worker_hashes_one_password_at_a_time() {
    let way = Way::open(Kind::Fcgi, Site::new("").set("BLERG_HASH_WAIT", HASH_WAIT_SECS));
    hash_one_at_a_time(&way);
}

#[test]
fn http_blerg_hashes_one_password_at_a_time() {
    let way = Way::open(Kind::Http, Site::new("").set("BLERG_HASH_WAIT", HASH_WAIT_SECS));
    hash_one_at_a_time(&way);
}

#[track_caller]
fn hash_one_at_a_time(way: &Way) {
    let token = way.sign_up("jon");
    let worker = way.running[0].id();
    let most = AtomicU64::new(0);
    let beside = storm(way, &token, || {
        most.fetch_max(private_kib(worker), Ordering::Relaxed);
    });
    let most = most.into_inner();
    assert!((32 << 10..WORKER_KIB_MAX).contains(&most), "{most} KiB private at the most, {beside:?}");
    beside.check();
}

#[test]
fn cgi_processes_wait_for_their_turn_before_they_open_anything() {
    let way = Way::open(Kind::Cgi, Site::new("").set("BLERG_HASH_WAIT", HASH_WAIT_SECS));
    let token = way.sign_up("jon");
    let most = AtomicU64::new(0);
    let beside = storm(&way, &token, || {
        most.fetch_max(private_kib_of_all(&way.site), Ordering::Relaxed);
    });
    let most = most.into_inner();
    let bound = WORKER_KIB_MAX + WAITING_KIB_MAX * u64::try_from(LOGINS).unwrap();
    assert!(
        (32 << 10..bound).contains(&most),
        "{most} KiB private of all processes at the most, bound {bound}, {beside:?}"
    );
    beside.check();
}

/// The private memory of every process that runs the site's `cgi_blerg`. They are not looked at all at once: one that hashed when
/// it was looked at may have ended when the next one hashes, so those are looked at again, now with nobody in between.
fn private_kib_of_all(site: &Site) -> u64 {
    let mut each: Vec<(String, u64)> = processes(site).into_iter().map(|pid| (pid, 0)).collect();
    for (pid, kib) in &mut each {
        *kib = private_kib_now(pid);
    }
    for (pid, kib) in each.iter_mut().filter(|(_, kib)| *kib > HASH_KIB / 2) {
        *kib = private_kib_now(pid);
    }
    each.iter().map(|(_, kib)| kib).sum()
}

fn private_kib_now(pid: &str) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let private = rollup.lines().filter(|line| line.starts_with("Private_"));
    private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

fn processes(site: &Site) -> Vec<String> {
    let data = format!("BLERG_DATA={}\0", site.data().display());
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let ours = |pid: &String| {
        pid.bytes().all(|byte| byte.is_ascii_digit())
            && fs::read(format!("/proc/{pid}/environ")).is_ok_and(|vars| String::from_utf8_lossy(&vars).contains(&data))
    };
    all.filter(ours).collect()
}

#[test]
fn a_login_whose_body_is_late_keeps_nobody_waiting() {
    let way = Way::open(Kind::Cgi, Site::new("").set("BLERG_HASH_WAIT", "10"));
    way.sign_up("jon");
    let mut held = way.site.command("cgi_blerg");
    held.envs(variables(&way.site, "blerg.cgi", "127.0.0.1", &login())).stdin(Stdio::piped()).stdout(Stdio::null());
    // Its body does not come: it must not hold the lock meanwhile.
    let mut slow = held.spawn().unwrap();
    let reply = way.ask(&login());
    assert!(check(&reply), "{reply:?}");
    slow.kill().unwrap();
    slow.wait().unwrap();
    wait_until("nothing is left", || processes(&way.site).is_empty());
}
