//! A place for one test: a folder with data, www and run, the programs, and the user that everything runs as. Start at
//! [`Site`] and [`Running`]. When the tests run as root, programs and web servers run as www-data, as on a real machine.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

/// Whatever should happen happens within this time, or the test fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again and again, for at most [`PATIENCE`].
#[track_caller]
pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        thread::park_timeout(Duration::from_millis(3));
    }
}

/// Waits until the next second begins: before that, the date of a change just made is that of the second before it, and
/// then moves on.
pub fn let_the_second_end() {
    #[expect(clippy::disallowed_methods, reason = "a test waits for the clock that the programs read")]
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let first = second();
    wait_until("the second ends", || second() > first);
}

/// Tells threads to end when the scope that started them does, also by a failure: a scope waits for its threads.
pub struct Over<'a>(pub &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A port of 127.0.0.1 that nothing listens on; no port is given out twice, none is one that clients are given.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 9000).unwrap() * 2;
    for _ in 0..20_000 {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// The user that programs and servers run as: `None` is the user of the tests.
fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("www-data:")).expect("root needs the user www-data");
    let field = |n: usize| line.split(':').nth(n).unwrap().parse::<u32>().unwrap();
    Some((field(2), field(3)))
}

/// Gives a file or folder to the user that everything runs as.
pub fn hand_over(path: &Path) {
    if let Some((uid, gid)) = user() {
        chown(path, Some(uid), Some(gid)).unwrap();
    }
}

/// Makes a folder of that user.
pub fn make_folder(path: &Path) {
    fs::create_dir_all(path).unwrap();
    hand_over(path);
}

/// Starts as the user that everything runs as.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if let Some((uid, gid)) = user() {
        command.uid(uid).gid(gid);
    }
    command
}

/// The memory that a process shares with nobody, in KiB.
#[track_caller]
pub fn private_kib(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let private = rollup.lines().filter(|line| line.starts_with("Private_"));
    private.map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()).sum()
}

/// The programs under test, where every user can start them.
#[derive(Debug)]
struct Programs(TempDir);

impl Programs {
    fn shared() -> Arc<Programs> {
        static SHARED: Mutex<Weak<Programs>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(programs) = shared.upgrade() {
            return programs;
        }
        let programs = Arc::new(Programs(open_folder()));
        for (built, name) in [
            (env!("CARGO_BIN_EXE_cgi_blerg"), "cgi_blerg"),
            (env!("CARGO_BIN_EXE_fcgi_blerg"), "fcgi_blerg"),
            (env!("CARGO_BIN_EXE_http_blerg"), "http_blerg"),
            (env!("CARGO_BIN_EXE_rss"), "rss.cgi"),
            (env!("CARGO_BIN_EXE_wiki"), "wiki.cgi"),
            (env!("CARGO_BIN_EXE_blergtool"), "blergtool"),
        ] {
            fs::copy(built, programs.0.path().join(name)).unwrap();
        }
        *shared = Arc::downgrade(&programs);
        programs
    }
}

/// A temporary folder that every user may enter.
fn open_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("blerg-it-").tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    hand_over(folder.path());
    folder
}

/// A place to run in; removed at the end.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    programs: Arc<Programs>,
    /// Where the site is mounted: empty at the root, or `/blog`.
    pub url: &'static str,
    /// Settings (`BLERG_*`) other than the data directory.
    pub settings: Vec<(String, String)>,
}

impl Site {
    /// An empty site at the root, or at `/blog`; without rate limits.
    pub fn new(url: &'static str) -> Site {
        let site = Site { folder: open_folder(), programs: Programs::shared(), url, settings: Vec::new() };
        make_folder(&site.run());
        make_folder(&site.www());
        copy_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("www"), &site.www());
        if !site.www().join("index.html").exists() {
            fs::write(site.www().join("index.html"), "<!doctype html><title>here</title>").unwrap();
        }
        site.set("BLERG_LIMITS", "off")
    }

    /// With one more setting, for every program.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Site {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// All settings, the data directory among them.
    pub fn environment(&self) -> Vec<(String, String)> {
        let data = ("BLERG_DATA".to_owned(), self.data().display().to_string());
        [data].into_iter().chain(self.settings.iter().cloned()).collect()
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn www(&self) -> PathBuf {
        self.folder.path().join("www")
    }

    /// For sockets, logs and configurations.
    pub fn run(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// The folder of the programs.
    pub fn programs(&self) -> &Path {
        self.programs.0.path()
    }

    /// Where a program is.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.0.path().join(name)
    }

    /// A program, ready to start, with the settings in its environment.
    pub fn command(&self, name: &str) -> Command {
        let mut command = command(self.program(name));
        command.envs(self.environment()).current_dir(self.folder.path());
        command
    }

    /// Runs `blergtool`, which must succeed; what it printed.
    #[track_caller]
    pub fn tool(&self, arguments: &[&str]) -> String {
        let output = self.try_tool(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "blergtool {arguments:?}: {}: {complaint}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs `blergtool`.
    pub fn try_tool(&self, arguments: &[&str]) -> Output {
        self.command("blergtool").args(arguments).stdin(Stdio::null()).output().unwrap()
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).into_iter().flatten() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            make_folder(&target);
            copy_files(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A process of ours; ended when dropped, with all that it started.
#[derive(Debug)]
pub struct Running {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Running {
    /// Starts `command`; what it prints goes to a file of `site`.
    #[track_caller]
    pub fn start(site: &Site, name: &str, command: &mut Command) -> Running {
        let log = site.run().join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log).unwrap();
        hand_over(&log);
        command.stdout(out.try_clone().unwrap()).stderr(out).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("can't start {:?} ({error}): `make deps` installs what the tests need", command.get_program())
        });
        Running { child, name: name.to_owned(), log }
    }

    /// Waits until `ready`; a process that ended is a failure, told with what it printed.
    #[track_caller]
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) {
        let start = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended, {status}, before it answered:\n{}", self.name, self.log());
            }
            assert!(start.elapsed() < PATIENCE, "{} does not answer:\n{}", self.name, self.log());
            thread::park_timeout(Duration::from_millis(3));
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let mut ended = None;
        wait_until(&self.name.clone(), || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process(self.pid(), Signal::TERM);
            let start = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(10) {
                thread::park_timeout(Duration::from_millis(3));
            }
        }
        // Whatever it left behind: its group is ours alone.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }
}
