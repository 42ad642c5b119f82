//! `blergtool` as an operator meets it: exit codes, `--json`, passwords, files in and out, and root.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use super::site::{Site, hand_over};

/// Runs the tool with something on standard input.
#[track_caller]
fn feed(site: &Site, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = site.command("blergtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A tool that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[track_caller]
fn json(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

fn write(site: &Site, name: &str, content: &[u8]) -> String {
    let path = site.run().join(name);
    fs::write(&path, content).unwrap();
    hand_over(&path);
    path.display().to_string()
}

#[test]
fn wrong_calls_are_2_wrong_sites_1_and_the_rest_0() {
    #[track_caller]
    fn check(site: &Site, arguments: &[&str], want: i32) {
        let output = feed(site, arguments, b"");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(want), "{arguments:?}: {told}");
        let is_json = arguments.contains(&"--json");
        assert_eq!(told.is_empty(), want == 0 || is_json, "{arguments:?}: {told}");
    }
    let site = Site::new("");
    check(&site, &["check"], 2);
    check(&site, &["stats", "--json"], 2);
    check(&site, &["dump"], 2);
    assert!(!site.data().exists(), "looking at a site does not make one");
    check(&site, &["init"], 0);
    check(&site, &["init"], 0);
    check(&site, &["check"], 0);
    check(&site, &["stats"], 0);
    check(&site, &["rebuild"], 0);
    check(&site, &["--help"], 0);
    check(&site, &["--version"], 0);
    check(&site, &["user", "list"], 0);
    check(&site, &[], 2);
    check(&site, &["explode"], 2);
    check(&site, &["check", "--loud"], 2);
    check(&site, &["user", "role", "ada", "king"], 2);
    check(&site, &["--durability", "none", "init"], 1);
    check(&site, &["--durability", "maybe", "init"], 2);
    check(&site, &["user", "disable", "nobody"], 1);
    check(&site, &["import", "/nowhere/x.jsonl"], 1);
    let twtxt = write(&site, "twtxt.txt", b"2009-02-13T23:31:30Z\thello\n");
    check(&site, &["import", &twtxt], 2);
    check(&site, &["import", &twtxt, "--author", "ada"], 0);
    check(&site.set("BLERG_UNKNOWN", "1"), &["stats"], 2);
}

#[test]
fn what_is_no_site_is_named_and_left_alone() {
    #[track_caller]
    fn told(site: &Site, arguments: &[&str], want: i32) -> String {
        let output = feed(site, arguments, b"");
        assert_eq!(output.status.code(), Some(want), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
    let site = Site::new("");
    assert!(told(&site, &["check"], 2).contains("init makes one"));
    told(&site, &["init"], 0);
    fs::remove_file(site.data().join("FORMAT")).unwrap();
    for command in ["check", "init"] {
        let told = told(&site, &[command], 1);
        assert!(told.contains("put FORMAT back") && !told.contains("init makes one"), "{told}");
    }
    let foreign = Site::new("");
    fs::create_dir_all(foreign.data()).unwrap();
    fs::write(foreign.data().join("holidays.jpg"), "").unwrap();
    hand_over(&foreign.data());
    for command in ["check", "init", "user list"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        assert!(told(&foreign, &arguments, 1).contains("holidays.jpg"), "{command}");
    }
    assert_eq!(fs::read_dir(foreign.data()).unwrap().count(), 1);
}

#[test]
fn json_is_one_object_whatever_happens() {
    let site = Site::new("");
    #[track_caller]
    fn check(site: &Site, arguments: &[&str], status: &str, key: &str) {
        let with_json: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let output = feed(site, &with_json, b"password\n");
        let answer = json(&output);
        assert_eq!(answer["status"], status, "{arguments:?}: {answer}");
        assert!(answer.get(key).is_some(), "{arguments:?}: {answer}");
        assert_eq!(output.stderr, b"", "{arguments:?}");
    }
    let file = write(&site, "x.jsonl", b"{\"author\":\"bob\",\"timestamp\":5,\"text\":\"hi #tea\"}\nnonsense\n");
    let dump = site.run().join("dump.jsonl").display().to_string();
    check(&site, &["stats"], "failure", "reason");
    check(&site, &["init"], "success", "site");
    check(&site, &["user", "add", "ada"], "success", "role");
    check(&site, &["user", "add", "ada"], "failure", "reason");
    check(&site, &["user", "passwd", "ada"], "success", "name");
    check(&site, &["user", "disable", "ada"], "success", "disabled");
    check(&site, &["user", "enable", "ada"], "success", "disabled");
    check(&site, &["user", "role", "ada", "admin"], "success", "role");
    check(&site, &["user", "invite", "--days", "3"], "success", "invite");
    check(&site, &["user", "list"], "success", "users");
    check(&site, &["import", &file], "failure", "records");
    check(&site, &["check"], "success", "problems");
    check(&site, &["rebuild"], "success", "status");
    check(&site, &["stats"], "success", "log_bytes");
    check(&site, &["dump", &dump], "success", "lines");
    check(&site, &["dump", &dump], "failure", "reason");
    check(&site, &["import", &dump], "failure", "reason");
}

#[test]
fn accounts_are_made_changed_and_listed() {
    let site = Site::new("");
    let user = |arguments: &[&str], input: &[u8]| {
        let output = feed(&site, &[&["user"], arguments].concat(), input);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
    };
    let secret = write(&site, "secret", b"from a file\n");
    user(&["add", "ada", "--admin"], b"from standard input\n");
    user(&["add", "bob", "--password-file", &secret], b"");
    user(&["add", "eve", "--password", "from the arguments"], b"");
    let short = feed(&site, &["user", "add", "mallory"], b"short\n");
    assert_eq!(short.status.code(), Some(1));
    user(&["disable", "bob"], b"");
    user(&["role", "eve", "admin"], b"");
    let import = write(&site, "x.jsonl", b"{\"author\":\"mei\",\"text\":\"hi\"}\n");
    site.tool(&["import", &import]);
    let list = site.tool(&["user", "list"]);
    assert_eq!(list, "ada\tadmin\tactive\nbob\tmember\tdisabled\neve\tadmin\tactive\n");
    // An author from an import gets an account with a password.
    user(&["passwd", "mei"], b"new password");
    assert!(site.tool(&["user", "list"]).contains("mei\tmember\tactive\n"));
    let hash = fs::read(site.data().join("site.db")).unwrap();
    assert!(!hash.windows(11).any(|window| window == b"from a file"), "no password is kept as it was");
}

#[test]
fn a_dump_goes_through_a_pipe_into_an_equal_site() {
    let (old, new) = (Site::new(""), Site::new(""));
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("cgi/sample/posts.jsonl");
    feed(&old, &["user", "add", "Ada"], b"password\n");
    old.tool(&["import", sample.to_str().unwrap()]);
    let dump = old.tool(&["dump"]);
    assert!(dump.lines().count() > 50);
    let restored = feed(&new, &["import", "-"], dump.as_bytes());
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(new.tool(&["dump", "-"]), dump);
    assert!(new.tool(&["check"]).ends_with(": sound\n"));
    // A dump that was cut off leaves the directory as it was.
    let cut = Site::new("");
    let half = feed(&cut, &["import", "-"], &dump.as_bytes()[..dump.len() / 2]);
    assert_eq!(half.status.code(), Some(1));
    assert_eq!(fs::read_dir(cut.data()).unwrap().count(), 0);
}

#[test]
fn a_flipped_bit_is_found() {
    let site = Site::new("");
    let file = write(
        &site,
        "x.jsonl",
        b"{\"author\":\"bob\",\"text\":\"one\"}\n{\"author\":\"bob\",\"text\":\"recognised\"}\n",
    );
    site.tool(&["import", &file]);
    let segment = fs::read_dir(site.data().join("log")).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(10).position(|window| window == b"recognised").unwrap();
    let log = fs::OpenOptions::new().write(true).open(&segment).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&log, b"R", at as u64).unwrap();
    let found = site.try_tool(&["check", "--json"]);
    assert_eq!(found.status.code(), Some(1));
    let problems = json(&found)["problems"].to_string();
    assert!(problems.contains("wrong checksum"), "{problems}");
}

#[test]
fn root_becomes_the_owner_first() {
    let site = Site::new("");
    site.tool(&["init"]);
    let owner = fs::metadata(site.data()).unwrap();
    // Without root there is nobody to become; then the same commands run as who owns it.
    let own = |arguments: &[&str]| {
        let mut command = site.command("blergtool");
        if rustix::process::geteuid().is_root() {
            command.uid(0).gid(0);
        }
        let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let file = write(&site, "x.jsonl", b"{\"author\":\"bob\",\"timestamp\":5,\"text\":\"hi\"}\n");
    own(&["user", "add", "ada", "--password", "password"]);
    own(&["import", &file]);
    own(&["check"]);
    own(&["rebuild"]);
    own(&["dump", site.run().join("dump").to_str().unwrap()]);
    let mut folders = vec![site.data()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            assert_eq!((meta.uid(), meta.gid()), (owner.uid(), owner.gid()), "{}", entry.path().display());
            assert_eq!(meta.mode() & 0o077, 0, "{}", entry.path().display());
            if meta.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    // A site for somebody else is made by root.
    if rustix::process::geteuid().is_root() {
        let other = site.run().join("other");
        own(&["--data", other.to_str().unwrap(), "init", "--owner", "www-data"]);
        assert_eq!(fs::metadata(other.join("FORMAT")).unwrap().uid(), owner.uid());
    }
}
