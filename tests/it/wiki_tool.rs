//! `blergtool wiki`: directories of Markdown files come in, with their history, and go out; and what the operator does with
//! pages. What came in is looked at through a front end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use super::front::{Kind, Way};
use super::http::Ask;
use super::site::{Site, command, hand_over, make_folder};

/// A folder of the site with these files.
fn folder(site: &Site, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let folder = site.run().join(name);
    make_folder(&folder);
    for (path, bytes) in files {
        let path = folder.join(path);
        make_folder(path.parent().unwrap());
        fs::write(&path, bytes).unwrap();
        hand_over(&path);
    }
    folder
}

#[track_caller]
fn json(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?} {output:?}"))
}

/// Runs `wiki … --json`; the exit code and the answer.
#[track_caller]
fn wiki(site: &Site, arguments: &[&str]) -> (i32, Value) {
    let output = site.try_tool(&[&["wiki", "--json"], arguments].concat());
    (output.status.code().unwrap(), json(&output))
}

/// Imports a folder; the exit code and the answer.
#[track_caller]
fn import(site: &Site, folder: &Path, more: &[&str]) -> (i32, Value) {
    wiki(site, &[&["import", folder.to_str().unwrap()], more].concat())
}

/// The names of the pages that an import made, by their paths.
fn pages(answer: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    answer["pages"].as_array().unwrap().iter().map(|page| (text(&page["path"]), text(&page["page"]))).collect()
}

/// What was left out: paths and reasons.
fn left_out(answer: &Value) -> Vec<String> {
    let line = |row: &Value| format!("{}: {}", row["path"].as_str().unwrap(), row["reason"].as_str().unwrap());
    answer["left_out"].as_array().unwrap().iter().map(line).collect()
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

#[test]
fn a_directory_becomes_pages_that_link_each_other() {
    let site = Site::new("");
    let docs = folder(
        &site,
        "docs",
        &[
            ("README.md", b"# Start\n\n[Guide](docs/guide.md#how-to) ![logo](img/logo.png) [licence](LICENSE)\n"),
            ("docs/guide.md", b"\xef\xbb\xbf## How to\r\n\r\n[back](../README.md), [all](.), [nothing](gone.md)\r\n"),
            ("docs/index.md", b"[guide](./guide) and [[Home]] #tea\n"),
            ("img/logo.png", PNG),
            ("img/other.png", PNG),
            ("LICENSE", b"Do as you like.\n"),
            (".github/x.md", b"hidden\n"),
        ],
    );
    let (code, dry) = import(&site, &docs, &["--dry-run"]);
    assert_eq!((code, site.data().exists()), (0, false), "{dry}");
    let (code, answer) = import(&site, &docs, &[]);
    assert_eq!(code, 0, "{answer}");
    assert_eq!(pages(&answer), pages(&dry));
    let names: Vec<String> = pages(&answer).into_values().collect();
    assert_eq!(names, ["Home", "docs - guide", "docs"]);
    assert_eq!((&answer["files"], &answer["hidden"]), (&Value::from(2), &Value::from(1)), "{answer}");
    assert_eq!(answer["unlinked"], serde_json::json!(["img/other.png"]));
    assert_eq!(answer["dead_links"], serde_json::json!([{ "path": "docs/guide.md", "target": "gone.md" }]));
    let way = Way::open(Kind::Http, site);
    let home = way.get("/wiki/");
    assert!(home.text().contains("<a href=\"./docs_-_guide#s-how-to\">Guide</a>"), "{}", home.text());
    assert!(home.text().contains("<img src=\"./Home/logo.png\" alt=\"logo\""), "{}", home.text());
    assert!(way.get("/wiki/docs_-_guide").text().contains("<h2 id=\"s-how-to\""), "a byte order mark or CR stayed");
    assert_eq!(way.get("/wiki/Home/logo.png").header("content-type"), Some("image/png"));
    assert_eq!(way.get("/wiki/Home/LICENSE").text(), "Do as you like.\n");
    assert!(way.get("/wiki/Special:Search?q=licence").text().contains("Home"), "it is found");
    assert!(way.get("/wiki/Special:Tags/tea").text().contains("docs"), "its tags are");
    assert!(way.site.tool(&["wiki", "check"]).ends_with("sound\n"));
}

#[test]
fn the_same_directory_adds_nothing_a_second_time_and_what_was_edited_stays() {
    let site = Site::new("");
    let files: &[(&str, &[u8])] =
        &[("a.md", b"[b](b.md) ![](p.png)\n"), ("b.md", b"b\n"), ("c.md", b"c\n"), ("p.png", PNG)];
    let docs = folder(&site, "docs", files);
    assert_eq!(import(&site, &docs, &[]).1["revisions"], 3);
    let before = site.tool(&["wiki", "list", "--json"]);
    let (code, again) = import(&site, &docs, &[]);
    assert_eq!((code, &again["known"], &again["files"], &again["revisions"]), (0, &3.into(), &0.into(), &0.into()));
    assert_eq!(site.tool(&["wiki", "list", "--json"]), before);
    // Whatever happened to a page in the wiki meanwhile is left as it is, and said.
    fs::write(docs.join("b.md"), "another text\n").unwrap();
    site.tool(&["wiki", "delete", "c"]);
    site.tool(&["wiki", "rename", "a", "z"]);
    let (code, again) = import(&site, &docs, &[]);
    assert_eq!(code, 1);
    assert_eq!(
        left_out(&again),
        [
            "a.md: a leads to the page z by now",
            "b.md: there is a page b already, with another text",
            "c.md: the page c was deleted",
        ]
    );
    assert_eq!(site.tool(&["wiki", "show", "b"]), "b\n");
}

#[test]
fn what_cannot_come_in_is_told() {
    let site = Site::new("").set("BLERG_WIKI_FILE_MAX", "1");
    let long = vec![b'x'; 1024 * 1024 + 1];
    let docs = folder(
        &site,
        "docs",
        &[
            ("C#.md", b"sharp\n"),
            ("Special:All.md", b"reserved\n"),
            ("long.md", &long),
            ("latin.md", b"caf\xe9\n"),
            ("good.md", b"[x](large.bin) [y](empty.txt) [z](fit.txt)\n"),
            ("large.bin", &long),
            ("empty.txt", b""),
            ("fit.txt", b"fit\n"),
        ],
    );
    std::os::unix::fs::symlink("/etc", docs.join("etc")).unwrap();
    let (code, answer) = import(&site, &docs, &[]);
    assert_eq!(code, 1);
    let mut told = left_out(&answer);
    told.sort();
    assert_eq!(
        told,
        [
            "C#.md: it makes no page name: name holds '#'",
            "Special:All.md: it makes no page name: names that begin with Special: are reserved",
            "empty.txt: it is empty",
            "etc: it is a symbolic link, or no file",
            "large.bin: it has more than 1048576 bytes, the most for an attachment",
            "latin.md: it is not UTF-8",
            "long.md: it has 1048577 bytes, a page at most 1048576",
        ]
    );
    assert_eq!(pages(&answer).into_values().collect::<Vec<String>>(), ["good"]);
    assert_eq!(answer["files"], 1);
    let nowhere = site.run().join("nowhere");
    assert_eq!(import(&site, &nowhere, &[]).0, 2);
    // `import` sees what it is given.
    assert!(site.try_tool(&["import", docs.to_str().unwrap()]).status.code() == Some(1));
}

/// A git repository that is filled step by step.
struct Repo {
    folder: PathBuf,
    secs: u64,
}

impl Repo {
    fn new(site: &Site) -> Repo {
        let repo = Repo { folder: folder(site, "repo", &[]), secs: 1_600_000_000 };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) {
        let mut git = command("git");
        let date = format!("{} +0000", self.secs);
        git.args(["-c", "user.name=Ada L.", "-c", "user.email=ada@example.org", "-C"])
            .arg(&self.folder)
            .args(arguments);
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        let output = git.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        make_folder(path.parent().unwrap());
        fs::write(&path, text).unwrap();
        hand_over(&path);
    }

    fn commit(&mut self, summary: &str) {
        self.secs += 60;
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", summary]);
    }
}

/// A page's revisions, the oldest first: author, time, summary.
fn revisions(site: &Site, page: &str) -> Vec<(String, u64, String)> {
    let (code, answer) = wiki(site, &["show", page, "--history"]);
    assert_eq!(code, 0, "{answer}");
    let row = |row: &Value| {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        (text("author"), row["timestamp"].as_u64().unwrap(), text("summary"))
    };
    answer["revisions"].as_array().unwrap().iter().rev().map(row).collect()
}

fn text_of(site: &Site, page: &str, rev: u64) -> String {
    wiki(site, &["show", page, "--rev", &rev.to_string()]).1["text"].as_str().unwrap().to_owned()
}

#[test]
fn a_git_history_becomes_the_pages_history() {
    let site = Site::new("");
    let mut repo = Repo::new(&site);
    repo.write("docs/old.md", "one, which is long enough to be known again\n");
    repo.write("other.md", "[old](docs/old.md)\n");
    repo.write("gone.md", "gone\n");
    repo.commit("first");
    repo.write("docs/old.md", "one, which is long enough to be known again\ntwo\n");
    repo.commit("second; with more\n\nand a body");
    repo.git(&["checkout", "--quiet", "-b", "branch"]);
    repo.write("docs/old.md", "zero\none, which is long enough to be known again\ntwo\n");
    repo.commit("on a branch");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["mv", "docs/old.md", "new.md"]);
    repo.write("other.md", "[new](new.md)\n");
    repo.git(&["rm", "--quiet", "gone.md"]);
    repo.commit("renamed");
    repo.secs += 60;
    repo.git(&["merge", "--quiet", "--message", "merged", "branch"]);
    repo.write("ignored.md", "x\n");
    repo.write(".gitignore", "ignored.md\n");
    repo.write("draft.md", "not committed\n");
    let (code, answer) = import(&site, &repo.folder, &["--author", "Operator"]);
    assert_eq!(code, 0, "{answer}");
    assert_eq!(pages(&answer).into_values().collect::<Vec<String>>(), ["draft", "new", "other"]);
    let ada = |minute: u64, summary: &str| ("Ada L.".to_owned(), 1_600_000_000 + 60 * minute, summary.to_owned());
    let want =
        [ada(1, "first"), ada(2, "second; with more"), ada(3, "on a branch"), ada(4, "renamed"), ada(5, "merged")];
    assert_eq!(revisions(&site, "new"), want);
    assert_eq!(text_of(&site, "new", 1), "one, which is long enough to be known again\n");
    assert_eq!(text_of(&site, "new", 5), "zero\none, which is long enough to be known again\ntwo\n");
    assert_eq!(revisions(&site, "other"), [ada(1, "first"), ada(4, "renamed")]);
    // What an old text linked to is linked by its name of today.
    assert_eq!(text_of(&site, "other", 1), "[old](new)\n");
    assert_eq!(revisions(&site, "draft").len(), 1);
    assert_eq!(revisions(&site, "draft")[0].0, "Operator");
    let (code, again) = import(&site, &repo.folder, &[]);
    assert_eq!((code, &again["known"], &again["revisions"]), (0, &3.into(), &0.into()));
    let way = Way::open(Kind::Http, site);
    assert!(way.get("/wiki/other").text().contains("<a href=\"./new\">new</a>"));
    assert!(way.get("/wiki/new?action=history").text().contains("on a branch"));
}

#[test]
fn a_text_that_is_not_committed_is_the_newest_revision() {
    let site = Site::new("");
    let mut repo = Repo::new(&site);
    repo.write("a.md", "one\n");
    repo.commit("first");
    repo.write("a.md", "two\n");
    assert_eq!(import(&site, &repo.folder, &[]).0, 0);
    assert_eq!(revisions(&site, "a").len(), 2);
    assert_eq!(text_of(&site, "a", 2), "two\n");
    let bare = Site::new("");
    let (code, answer) = import(&bare, &repo.folder, &["--no-history", "--under", "Notes"]);
    assert_eq!((code, answer["revisions"].as_u64()), (0, Some(1)));
    assert_eq!(bare.tool(&["wiki", "show", "Notes - a"]), "two\n");
}

#[test]
fn a_history_without_git_is_no_silent_loss() {
    let site = Site::new("");
    let mut repo = Repo::new(&site);
    repo.write("a.md", "one\n");
    repo.commit("first");
    let mut tool = site.command("blergtool");
    let output = tool.env("PATH", "/nowhere").args(["wiki", "import"]).arg(&repo.folder).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--no-history"), "{output:?}");
}

#[test]
fn an_export_comes_back_as_it_was() {
    let site = Site::new("");
    let docs = folder(
        &site,
        "docs",
        &[
            ("README.md", b"[a b](sub/a_b.md) ![x](x.png) [[sub - a b]] [home](README.md)\n"),
            ("sub/a_b.md", b"![x](../x.png)\n"),
            ("x.png", PNG),
        ],
    );
    assert_eq!(import(&site, &docs, &[]).0, 0);
    let (out, zip) = (site.run().join("out"), site.run().join("out.zip"));
    let (code, answer) = wiki(&site, &["export", out.to_str().unwrap()]);
    assert_eq!((code, &answer["pages"], &answer["files"]), (0, &2.into(), &2.into()), "{answer}");
    assert_eq!(fs::read(out.join("sub_-_a_b/x.png")).unwrap(), PNG);
    assert_eq!(wiki(&site, &["export", out.to_str().unwrap()]).0, 2, "nothing is written over");
    assert_eq!(wiki(&site, &["export", zip.to_str().unwrap()]).0, 0);
    assert!(fs::read(&zip).unwrap().starts_with(b"PK"));
    assert_eq!(wiki(&site, &["export", zip.to_str().unwrap()]).0, 1, "nothing is written over");
    let copy = Site::new("");
    let (code, answer) = import(&copy, &out, &[]);
    assert_eq!((code, &answer["files"], answer["dead_links"].as_array().unwrap().len()), (0, &2.into(), 0), "{answer}");
    for page in ["Home", "sub - a b"] {
        assert_eq!(copy.tool(&["wiki", "show", page]), site.tool(&["wiki", "show", page]));
    }
}

#[test]
fn the_operator_changes_pages() {
    let site = Site::new("");
    assert_eq!(wiki(&site, &["list"]).0, 2, "looking at a site does not make one");
    let docs = folder(&site, "docs", &[("a.md", b"[[b]] [b](b.md)\n"), ("b.md", b"secret\n")]);
    import(&site, &docs, &[]);
    let done = |arguments: &[&str]| site.tool(&[&["wiki"], arguments].concat());
    let check = |arguments: &[&str], want: i32| {
        let output = site.try_tool(&[&["wiki"], arguments].concat());
        assert_eq!(output.status.code(), Some(want), "{arguments:?}: {output:?}");
    };
    assert_eq!(done(&["list"]), "a\t1\t13\t\nb\t1\t7\t\n");
    assert!(done(&["rename", "b", "c", "--author", "ada", "--summary", "why"]).contains("links of 1 pages mended"));
    assert_eq!(done(&["show", "a"]), "[[c]] [b](b)\n");
    done(&["protect", "c", "admins"]);
    assert_eq!(done(&["list", "--all"]), "a\t2\t13\t\nb\t1\t0\tleads to c\nc\t3\t7\tonly admins\n");
    done(&["protect", "c", "rule"]);
    assert_eq!(site.try_tool(&["wiki", "protect", "c", "kings"]).status.code(), Some(2));
    check(&["rename", "c", "a"], 1);
    check(&["rename", "c", "x/y"], 2);
    check(&["show", "nothing"], 1);
    check(&["show", "c", "--rev", "99"], 1);
    done(&["delete", "c"]);
    check(&["delete", "c"], 1);
    assert!(done(&["list", "--all"]).contains("c\t5\t7\tdeleted\n"));
    done(&["undelete", "c"]);
    check(&["undelete", "c"], 1);
    done(&["revert", "a", "1"]);
    assert_eq!(done(&["show", "a"]), "[[b]] [b](b)\n");
    assert_eq!(done(&["show", "a", "--history"]).lines().count(), 3);
    check(&["erase", "a", "--rev", "3"], 1);
    done(&["erase", "a", "--rev", "2"]);
    check(&["show", "a", "--rev", "2"], 1);
    assert!(done(&["erase", "c"]).contains("6 revisions"));
    check(&["show", "c"], 1);
    check(&["check"], 0);
    assert!(done(&["stats"]).contains(" 1 pages\n"));
    for file in ["wiki.db", "wiki.db-wal"] {
        let bytes = fs::read(site.data().join(file)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|window| window == b"secret"), "{file} has an erased text");
    }
}

/// The addresses of pages and files in a page's text: relative ones, without fragment.
fn addresses(html: &str) -> BTreeSet<String> {
    let article = html.split_once("<article").and_then(|(_, rest)| rest.split_once("</article>")).unwrap().0;
    let found = article.split(" href=\"./").skip(1).chain(article.split(" src=\"./").skip(1));
    found.map(|rest| rest.split(['"', '#']).next().unwrap().to_owned()).collect()
}

#[test]
fn two_hundred_real_documents_come_in_and_every_link_between_them_works() {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npm/node_modules");
    let site = Site::new("");
    // npm's own pages link each other from their top.
    let (top, docs) = (folder(&site, "top", &[]), folder(&site, "docs", &[]));
    copy_documents(&modules.join("npm/docs/content"), &top);
    copy_documents(&modules.join("npm/node_modules"), &docs.join("npm"));
    copy_documents(&modules.join("undici"), &docs.join("undici"));
    let mut names: Vec<String> = Vec::new();
    let mut dead: BTreeSet<String> = BTreeSet::new();
    for (folder, more) in [(&top, &["--under", "npm"][..]), (&docs, &[])] {
        let (code, answer) = import(&site, folder, more);
        assert_eq!((code, left_out(&answer)), (0, Vec::new()));
        names.extend(pages(&answer).into_values());
        // What is said to be nowhere is nowhere.
        for row in answer["dead_links"].as_array().unwrap() {
            let (path, target) = (row["path"].as_str().unwrap(), row["target"].as_str().unwrap());
            let bare = target.split(['#', '?']).next().unwrap();
            dead.insert(bare.trim_start_matches("./").to_owned());
            let from =
                if bare.starts_with('/') { folder.clone() } else { folder.join(path).parent().unwrap().to_owned() };
            let place = from.join(bare.trim_start_matches('/'));
            assert!(!place.is_file() && !place.with_extension("md").exists(), "{path}: {target} is there");
        }
    }
    assert!(names.len() >= 200, "only {} documents", names.len());
    let way = Way::open(Kind::Fcgi, site);
    let (mut between, mut asked) = (0, BTreeSet::new());
    for name in &names {
        let path = format!("/wiki/{}", encoded(&name.replace(' ', "_")));
        let reply = way.get(&path);
        assert_eq!(reply.status, 200, "{path}");
        let missing: BTreeSet<String> = missing(reply.text());
        for address in addresses(reply.text()) {
            let is_ours = !address.contains("Special:") && !address.contains("?action=");
            if !is_ours || missing.contains(&address) || dead.contains(&address) {
                continue;
            }
            between += 1;
            if asked.insert(address.clone()) {
                assert_eq!(way.ask(&Ask::get(&format!("/wiki/{address}"))).status, 200, "{name}: {address}");
            }
        }
    }
    let (top, docs) = (count_links(&top, &top), count_links(&docs, &docs));
    assert!(top > 400 && docs > 50, "{top} and {docs} links in the files");
    // Several links of a page to another are one here.
    assert!(between > (top + docs) / 3, "{between} of {} links between pages", top + docs);
    assert!(way.site.tool(&["wiki", "check"]).ends_with("sound\n"));
}

/// The addresses of links to what is not there.
fn missing(html: &str) -> BTreeSet<String> {
    let found = html.split("<a class=\"missing\" href=\"./").skip(1);
    found.map(|rest| rest.split(['"', '#']).next().unwrap().to_owned()).collect()
}

fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

fn copy_documents(from: &Path, to: &Path) {
    make_folder(to);
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}; `make deps`", from.display())) {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_documents(&entry.path(), &target);
        } else if entry.path().extension().is_some_and(|ending| ending == "md" || ending == "png") {
            fs::copy(entry.path(), &target).unwrap();
            hand_over(&target);
        }
    }
}

/// Links of Markdown files to Markdown files that are there, found line by line in the plainest way.
fn count_links(folder: &Path, top: &Path) -> usize {
    let mut found = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found += count_links(&path, top);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
        let place = |target: &str| match target.strip_prefix('/') {
            Some(rest) => top.join(format!("{rest}.md")),
            None => path.parent().unwrap().join(target),
        };
        found += targets
            .filter(|target| place(target).extension().is_some_and(|e| e == "md") && place(target).exists())
            .count();
    }
    found
}

#[test]
fn a_terminal_is_not_moved_by_what_visitors_wrote_and_a_pipe_gets_every_byte() {
    let site = Site::new("");
    site.tool(&["init"]);
    let text = "\u{1b}[2J\u{1b}]0;owned\u{7} \u{9b}31m \u{202e}txt over";
    let folder = folder(&site, "in", &[("Trap.md", text.as_bytes())]);
    assert_eq!(import(&site, &folder, &[]).0, 0);
    assert_eq!(site.tool(&["wiki", "show", "Trap"]), format!("{text}\n"));
    assert!(site.tool(&["dump"]).contains('\u{9b}'));
    for arguments in ["wiki show Trap", "wiki show Trap --json", "dump", "wiki list", "wiki show Trap --history"] {
        // A terminal of its own, as `script` makes it.
        let mut script = command("script");
        let line = format!("{} {arguments} 2>/dev/null", site.program("blergtool").display());
        script.args(["-qefc", &line, "/dev/null"]).envs(site.environment()).stdin(std::process::Stdio::null());
        let output = script.output().unwrap();
        let seen = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
        let moves = ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r'];
        assert!(output.status.success() && !seen.contains(moves), "{arguments}: {seen:?}");
        let is_shown = seen.contains("\\u001b[2J") && seen.contains("\\u009b31m");
        assert!(is_shown || arguments.contains("list") || arguments.contains("history"), "{arguments}: {seen:?}");
    }
}
