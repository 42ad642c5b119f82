//! The data directory with a symbolic link in place of each of its files, one after the other: nothing outside is read,
//! written or made, by any program.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::cgi_run::run;
use super::super::front::{Kind, Way, token};
use super::super::http::Ask;
use super::super::site::{Site, hand_over};
use super::{TEXT, files, page, put};

/// A site with something in every file that there can be.
fn lived() -> (Site, String) {
    let way = Way::open(
        Kind::Http,
        Site::new("").set("BLERG_LIMITS", "login=1000/1,create=1000/1,put=1000/1").set("BLERG_ARGON2", "7"),
    );
    let token = way.sign_up("jon");
    way.ask(&put(&token, &format!("{TEXT} #tag")));
    way.ask(&page(&token, "Home", "a page"));
    way.get("/search?q=jon");
    let Way { site, running, .. } = way;
    drop(running);
    site.tool(&["jobs"]);
    (site, token)
}

/// Everything that could read or write, each program once.
fn use_all(site: &Site, session: &str) -> Vec<String> {
    let mut said = Vec::new();
    let mut asks = vec![Ask::get("/get/jon"), Ask::get("/search?q=jon"), Ask::get("/wiki/Home"), Ask::get("/latest")];
    let login = Ask::post("/login", &[("username", "jon"), ("password", super::super::front::PASSWORD)]);
    asks.extend([login, put(session, "one more"), page(session, "Another", "text")]);
    for ask in &asks {
        said.extend(run(site, ask).map(|reply| String::from_utf8_lossy(&reply.body).into_owned()));
    }
    for arguments in [["check"].as_slice(), &["stats"], &["user", "list"], &["wiki", "list"]] {
        let output = site.try_tool(arguments);
        said.push(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned());
    }
    said
}

fn outside(site: &Site) -> PathBuf {
    site.run().join("outside")
}

/// Puts a link to `target` in place of `file`, has every program work, and puts the file back.
fn with_link(site: &Site, file: &Path, target: &Path, session: &str) -> Vec<String> {
    let aside = site.run().join("aside");
    fs::rename(file, &aside).unwrap();
    symlink(target, file).unwrap();
    let said = use_all(site, session);
    // Some files are made anew where a link was removed.
    let _ = fs::remove_file(file);
    fs::rename(&aside, file).unwrap();
    said
}

#[test]
fn no_program_follows_a_link_out_of_the_data_directory() {
    const SECRET: &str = "what lies elsewhere";
    let (site, session) = lived();
    let all = files(&site.data());
    assert!(all.len() >= 10, "{all:?}");
    eprintln!("{} files, 3 links each", all.len());
    for file in all.iter().filter(|file| file.exists()) {
        // Another file of somebody's, one like ours, and one that is not there.
        let (other, like) = (outside(&site), site.run().join("like"));
        fs::write(&other, SECRET).unwrap();
        fs::copy(file, &like).unwrap();
        for path in [&other, &like] {
            hand_over(path);
        }
        let kept = fs::read(&like).unwrap();
        for target in [&other, &like, &site.run().join("missing")] {
            let said = with_link(&site, file, target, &session);
            assert!(!said.iter().any(|text| text.contains(SECRET)), "{}: {said:?}", file.display());
            assert_eq!(fs::read_to_string(&other).unwrap(), SECRET, "{}", file.display());
            assert!(fs::read(&like).unwrap() == kept, "{} was written elsewhere", file.display());
            assert!(!site.run().join("missing").exists(), "{} was made elsewhere", file.display());
        }
    }
    assert!(run(&site, &Ask::get("/get/jon")).unwrap().text().contains(TEXT));
}

#[test]
fn a_link_in_place_of_the_log_is_told() {
    let (site, session) = lived();
    let elsewhere = site.run().join("elsewhere");
    fs::rename(site.data().join("log"), &elsewhere).unwrap();
    symlink(&elsewhere, site.data().join("log")).unwrap();
    assert_eq!(run(&site, &put(&session, "no")).unwrap().status, 500);
    let www = site.www().display().to_string();
    let start = ["--listen", "127.0.0.1:0", "--www", &www];
    for (program, arguments) in [("http_blerg", start.as_slice()), ("blergtool", &["check"])] {
        let output = site.command(program).args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains("symbolic link"), "{program}: {told}");
    }
    fs::remove_file(site.data().join("log")).unwrap();
    fs::rename(&elsewhere, site.data().join("log")).unwrap();
    let login = Ask::post("/login", &[("username", "jon"), ("password", super::super::front::PASSWORD)]);
    token(&run(&site, &login).unwrap());
}
