//! Whose the files are: everything that any program makes is for its owner alone, under the most open umask, the closest and
//! one that takes the owner's own rights away; looked at while it is made, not only afterwards.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::super::cgi_run::{run_with, variables};
use super::super::front::PASSWORD;
use super::super::http::{Address, Ask, Reply, ask};
use super::super::site::{Over, Running, Site, command, hand_over};
use super::super::wiki::multipart;
use super::{page, put};

const MASKS: [&str; 3] = ["000", "077", "777"];

/// A program with the settings of a site, under a umask.
fn under(mask: &str, site: &Site, program: &str, arguments: &[&str]) -> Command {
    let mut shell = command("sh");
    shell.args(["-c", &format!("umask {mask}; exec \"$0\" \"$@\"")]).arg(site.program(program)).args(arguments);
    shell.envs(site.environment()).current_dir(site.run());
    shell
}

/// Looks at all that is there; the number of entries.
fn look(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let mut seen = 0;
    for entry in entries.flatten() {
        // It may be gone already.
        let Ok(meta) = fs::symlink_metadata(entry.path()) else { continue };
        let mode = meta.permissions().mode() & 0o7777;
        let want = if meta.is_dir() { 0o700 } else { 0o600 };
        assert!(mode == want, "{}: {mode:o}", entry.path().display());
        seen += 1;
        if meta.is_dir() {
            seen += look(&entry.path());
        }
    }
    seen
}

fn life(mut send: impl FnMut(&Ask) -> Reply) {
    let fields = [("username", "jon"), ("password", PASSWORD)];
    send(&Ask::post("/create", &fields));
    let token = super::super::front::token(&send(&Ask::post("/login", &fields)));
    assert_eq!(send(&put(&token, "one #tag")).json()["status"], "success");
    assert_eq!(send(&page(&token, "Home", "a page")).status, 303);
    // Larger than what is kept in memory.
    let file = vec![7; 300_000];
    assert_eq!(send(&multipart("/wiki/Home?action=attach", &[], &[("a.bin", &file)]).with(&token)).status, 303);
    send(&Ask::get("/search?q=one"));
    assert_eq!(send(&Ask::post("/delete", &[("record", "0")]).with(&token)).json()["status"], "success");
}

#[test]
fn every_file_is_its_owners_alone_whatever_the_umask() {
    for mask in MASKS {
        for program in ["cgi_blerg", "fcgi_blerg", "http_blerg"] {
            let site = Site::new("").set("BLERG_ARGON2", "7");
            let (over, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
            thread::scope(|scope| {
                let _over = Over(&over);
                let watch = scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        look(&site.data());
                        looks.fetch_add(1, Ordering::Relaxed);
                    }
                });
                serve(mask, program, &site);
                over.store(true, Ordering::Relaxed);
                watch.join().unwrap();
            });
            assert!(look(&site.data()) >= 10 && looks.into_inner() > 10, "{program} under {mask}");
            assert_eq!(
                fs::metadata(site.data()).unwrap().permissions().mode() & 0o7777,
                0o700,
                "{program} under {mask}"
            );
        }
    }
}

fn serve(mask: &str, program: &str, site: &Site) {
    if program == "cgi_blerg" {
        return life(|ask| {
            let name = if ask.path.starts_with("/wiki") { "wiki.cgi" } else { program };
            let mut command = under(mask, site, name, &[]);
            command.envs(variables(site, "blerg.cgi", "127.0.0.1", ask));
            run_with(&mut command, ask.body.as_deref().unwrap_or_default()).unwrap()
        });
    }
    let socket = site.run().join("socket");
    let listen = format!("unix:{}", socket.display());
    let www = site.www().display().to_string();
    let mut arguments = vec!["--listen", &listen];
    if program == "http_blerg" {
        arguments.extend(["--www", &www]);
    }
    let mut running = Running::start(site, program, &mut under(mask, site, program, &arguments));
    let address = Address::Unix(socket.clone());
    running.wait_until(|| {
        // From the first moment on nobody but owner and group may connect.
        let found = fs::symlink_metadata(&socket);
        assert!(found.is_err() || found.is_ok_and(|meta| meta.file_type().is_socket() && open_to_others(&meta) == 0));
        address.connect().is_ok()
    });
    assert_eq!(fs::symlink_metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    let mut id = 0;
    life(|request| {
        id += 1;
        if program == "http_blerg" {
            return ask(&address, "127.0.0.1", "", request).unwrap();
        }
        let variables = variables(site, "blerg.fcgi", "127.0.0.1", request);
        let mut client = super::super::fcgi_client::Client::open(&address).unwrap();
        client.ask(id, false, &variables, request.body.as_deref().unwrap_or_default()).unwrap()
    });
}

fn open_to_others(meta: &fs::Metadata) -> u32 {
    meta.permissions().mode() & 0o007
}

#[test]
fn what_the_operators_tool_makes_is_the_owners_alone() {
    for mask in ["000", "077"] {
        let site = Site::new("").set("BLERG_ARGON2", "7");
        let posts = site.run().join("posts.jsonl");
        fs::write(&posts, "{\"author\":\"ada\",\"text\":\"#one\"}\n").unwrap();
        hand_over(&posts);
        let (posts, dump) = (posts.display().to_string(), site.run().join("dump.jsonl").display().to_string());
        let copy = site.run().join("copy").display().to_string();
        for arguments in [
            ["init"].as_slice(),
            &["user", "add", "jon", "--password", PASSWORD],
            &["import", &posts],
            &["rebuild"],
            &["check"],
            &["dump", &dump],
            &["backup", &copy],
        ] {
            let output = under(mask, &site, "blergtool", arguments).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            look(&site.data());
        }
        let (own, copied) = (look(&site.data()), look(Path::new(&copy)));
        assert!(own >= 8 && copied >= 3, "{own} and {copied} files");
        for (path, want) in [(&dump, 0o600), (&copy, 0o700)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, want, "{path} under {mask}");
        }
    }
}
