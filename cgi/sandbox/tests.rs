//! What is given up is gone: tried in a child process, which gives it up as a server does and then asks for everything. Each
//! call that the filter lets through is told by running the filter itself over every number that there could be.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::{fs, thread};

use super::*;
use crate::setup::Style;
use blerg_config::Config;

/// The child's settings, as `name=value` lines.
const CHILD: &str = "SANDBOX_TEST_CHILD";

#[expect(clippy::disallowed_methods, reason = "the task of a child process comes in its environment")]
fn task() -> Option<Setup> {
    let task = std::env::var(CHILD).ok()?;
    let pairs = task.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into()));
    Some(Setup::read(Config::read(pairs, []).unwrap(), Style::Server).unwrap())
}

fn run_child(test: &str, task: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([&format!("sandbox::tests::{test}"), "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, task);
    let output = child.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    assert!(String::from_utf8_lossy(&said).contains("1 passed"), "{}", String::from_utf8_lossy(&said));
}

fn status() -> String {
    fs::read_to_string("/proc/thread-self/status").unwrap()
}

#[test]
fn a_program_that_gave_up_gets_nothing_back() {
    let place = tempfile::tempdir().unwrap();
    let (data, www, outside) = (place.path().join("data"), place.path().join("www"), place.path().join("outside"));
    for folder in [&data, &www, &outside] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("file"), "here").unwrap();
    }
    std::os::unix::fs::symlink(&outside, data.join("link")).unwrap();
    run_child("child_gives_up_and_tries", &format!("BLERG_DATA={}", data.display()));
}

#[test]
fn child_gives_up_and_tries() {
    let Some(setup) = task() else { return };
    let (data, place) = (setup.data.clone(), setup.data.parent().unwrap().to_owned());
    let (www, outside) = (place.join("www"), place.join("outside"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let parent = rustix::process::getppid().unwrap();
    // The status can't be looked at afterwards, so the file is opened before.
    let mut own_status = fs::File::open("/proc/thread-self/status").unwrap();
    keep_private();
    enter(&setup, &[&www]);
    let mut status = String::new();
    io::Read::read_to_string(&mut own_status, &mut status).unwrap();
    assert!(status.contains("NoNewPrivs:\t1\n") && status.contains("Seccomp:\t2\n"), "{status}");

    // What it is for.
    assert_eq!(fs::read_to_string(data.join("file")).unwrap(), "here");
    fs::create_dir(data.join("log")).unwrap();
    fs::write(data.join("log/new"), "new").unwrap();
    fs::rename(data.join("log/new"), data.join("newer")).unwrap();
    fs::remove_file(data.join("newer")).unwrap();
    fs::File::options().write(true).open(data.join("file")).unwrap().set_len(1).unwrap();
    assert_eq!(fs::read_to_string(www.join("file")).unwrap(), "here");
    for path in READ_ALWAYS {
        io::Read::read(&mut fs::File::open(path).unwrap(), &mut [0; 16]).unwrap();
    }
    thread::spawn(|| 1).join().unwrap();
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, limit).unwrap();

    // What it is not for.
    let tried = [
        ("run a program", Command::new("/bin/true").status().is_err()),
        ("run a program of its own", Command::new(data.join("file")).status().is_err()),
        ("read outside", fs::read(outside.join("file")).is_err()),
        ("read outside by a link", fs::read(data.join("link/file")).is_err()),
        ("read the system's", fs::read("/etc/passwd").is_err()),
        ("read itself", fs::read("/proc/self/environ").is_err()),
        ("list outside", fs::read_dir(&outside).is_err()),
        ("write outside", fs::write(outside.join("new"), "").is_err()),
        ("write what is shown", fs::write(www.join("new"), "").is_err()),
        ("change what is shown", fs::write(www.join("file"), "").is_err()),
        ("remove what is shown", fs::remove_file(www.join("file")).is_err()),
        ("move out", fs::rename(data.join("file"), outside.join("stolen")).is_err()),
        ("move in", fs::rename(outside.join("file"), data.join("stolen")).is_err()),
        ("link out", std::os::unix::fs::symlink(&outside, data.join("another")).is_err()),
        ("link hard", fs::hard_link(data.join("file"), data.join("another")).is_err()),
        ("open to others", fs::set_permissions(data.join("file"), fs::Permissions::from_mode(0o644)).is_err()),
        ("connect", TcpStream::connect(address).is_err()),
        ("listen", TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).is_err()),
        ("listen at a path", UnixListener::bind(data.join("socket")).is_err()),
        ("signal others", rustix::process::test_kill_process(parent).is_err()),
        ("other roots", rustix::process::chroot(&data).is_err()),
    ];
    let done: Vec<&str> = tried.iter().filter(|(_, refused)| !refused).map(|(what, _)| *what).collect();
    assert_eq!(done, Vec::<&str>::new());
    let core = rustix::process::getrlimit(Resource::Core);
    assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
    let mode = fs::metadata(data.join("log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn with_a_hub_only_its_port_is_reached() {
    let data = tempfile::tempdir().unwrap();
    let hub = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = hub.local_addr().unwrap().port();
    let settings = format!("BLERG_HUB=http://127.0.0.1:{port}/\nBLERG_BASE_URL=http://example.org/");
    run_child("child_tells_its_hub", &format!("BLERG_DATA={}\n{settings}", data.path().display()));
}

#[test]
fn child_tells_its_hub() {
    let Some(setup) = task() else { return };
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    enter(&setup, &[]);
    let hub = SocketAddr::from((Ipv4Addr::LOCALHOST, port(&setup.hub().unwrap())));
    TcpStream::connect(hub).unwrap();
    // Where the kernel's Landlock knows no ports yet, this one fails for want of a listener.
    let kept = TcpStream::connect(other).unwrap_err();
    assert!([io::ErrorKind::PermissionDenied, io::ErrorKind::ConnectionRefused].contains(&kept.kind()), "{kept}");
    fs::read("/etc/hosts").unwrap();
    assert!(fs::write("/etc/hosts", "").is_err() && Command::new("/bin/true").status().is_err());
}

#[test]
fn switched_off_nothing_is_given_up() {
    let data = tempfile::tempdir().unwrap();
    run_child("child_keeps_everything", &format!("BLERG_DATA={}\nBLERG_SANDBOX=off", data.path().display()));
}

#[test]
fn child_keeps_everything() {
    let Some(setup) = task() else { return };
    let before = status();
    enter(&setup, &[]);
    let kept = |status: &str| {
        let lines = status.lines().filter(|line| line.starts_with("Seccomp:") || line.starts_with("NoNewPrivs:"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(kept(&status()), kept(&before));
    assert!(Command::new("/bin/true").status().unwrap().success());
}

#[test]
fn a_hubs_port_is_that_of_its_address() {
    for (url, want) in [
        ("https://hub.example/", 443),
        ("http://hub.example/publish", 80),
        ("https://hub.example:8443/", 8443),
        ("http://[::1]:81/", 81),
        ("http://[2001:db8::443]/", 80),
    ] {
        assert_eq!(port(url), want, "{url}");
    }
}
