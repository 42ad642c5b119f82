//! Holds the source tree to CONVENTIONS.md: which crate may know which, what may stand where, and how long files
//! and functions may grow. Each rule reads the files that git tracks or would track.

use std::{fs, path::Path, process::Command};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const MAIN_LINES_MAX: usize = 60;

/// Who may depend on whom inside the workspace; everything not listed is forbidden (ARCHITECTURE.md).
const ARROWS: &[(&str, &[&str])] = &[
    (
        "blerg",
        &[
            "blerg-api",
            "blerg-config",
            "blerg-feed",
            "blerg-http",
            "blerg-markup",
            "blerg-store",
            "blerg-wiki",
            "fastcgi",
        ],
    ),
    ("blerg-api", &["blerg-http", "blerg-markup", "blerg-store"]),
    ("blerg-feed", &["blerg-http", "blerg-markup", "blerg-store"]),
    ("blerg-wiki", &["blerg-http", "blerg-markup", "blerg-store"]),
    ("blerg-store", &["blerg-log"]),
    ("blerg-log", &[]),
    ("blerg-http", &[]),
    ("blerg-markup", &[]),
    ("blerg-config", &[]),
    ("fastcgi", &[]),
    (
        "blerg-fuzz",
        &[
            "blerg-api",
            "blerg-config",
            "blerg-feed",
            "blerg-http",
            "blerg-log",
            "blerg-markup",
            "blerg-store",
            "blerg-wiki",
            "fastcgi",
        ],
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("tests.rs")
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The code without the lines that are only comments.
    fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(i, line)| (i + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files of the checkout");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    let mut found = Vec::new();
    for path in names.lines() {
        if let Ok(text) = fs::read_to_string(root().join(path)) {
            found.push(Source { path: path.to_owned(), text });
        }
    }
    assert!(found.len() > 30, "only {} files found", found.len());
    found
}

/// Fails with every place at which `rule` finds something to say.
#[track_caller]
fn check(rule: impl Fn(&Source) -> Vec<String>) {
    let mut wrong = Vec::new();
    for source in sources() {
        wrong.extend(rule(&source).into_iter().map(|what| format!("{}: {what}", source.path)));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The lines that contain one of `needles`, as a rule's findings.
fn lines_with(source: &Source, needles: &[&str]) -> Vec<String> {
    source
        .code_lines()
        .filter(|(_, line)| needles.iter().any(|needle| line.contains(needle)))
        .map(|(number, line)| format!("{number}: {}", line.trim()))
        .collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() >= 8, "only {} packages", packages.len());
    let inside: Vec<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    for package in packages {
        let name = package["name"].as_str().expect("name");
        let allowed = ARROWS.iter().find(|(from, _)| *from == name).unwrap_or_else(|| panic!("{name} has no arrows")).1;
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = dependency["name"].as_str().expect("name");
            let foreign_or_test = !inside.contains(&to) || dependency["kind"] == "dev";
            assert!(foreign_or_test || allowed.contains(&to), "{name} must not depend on {to}");
        }
    }
}

#[test]
fn files_stay_short() {
    check(|s| {
        let lines = s.text.lines().count();
        let code = s.is_rust() || s.path.ends_with(".js") || s.path.ends_with(".css");
        let long = code && !s.is_test() && lines > FILE_LINES_MAX;
        long.then(|| format!("{lines} lines, limit {FILE_LINES_MAX}")).into_iter().collect()
    });
}

#[test]
fn mains_only_wire() {
    check(|s| {
        let in_cgi = s.path.strip_prefix("cgi/").is_some_and(|name| !name.contains('/'));
        let main = in_cgi && s.is_rust() && s.text.contains("\nfn main(");
        let lines = s.text.lines().count();
        (main && lines > MAIN_LINES_MAX).then(|| format!("{lines} lines, limit {MAIN_LINES_MAX}")).into_iter().collect()
    });
}

#[test]
fn functions_stay_short() {
    check(|s| if s.is_rust() { long_functions(&s.text) } else { Vec::new() });
}

/// rustfmt closes a function with a brace at the column at which its first line begins.
fn long_functions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut wrong = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let bare = line.trim_start();
        if !is_function_start(bare) {
            continue;
        }
        let close = format!("{}}}", &line[..line.len() - bare.len()]);
        let length = lines[start..].iter().take_while(|l| ***l != *close && !l.ends_with("{}")).count() + 1;
        if length > FUNCTION_LINES_MAX && !bare.ends_with(';') {
            wrong.push(format!("{}: function of {length} lines, limit {FUNCTION_LINES_MAX}", start + 1));
        }
    }
    wrong
}

fn is_function_start(bare: &str) -> bool {
    let words = [
        "fn ",
        "pub fn ",
        "pub(crate) fn ",
        "pub(super) fn ",
        "async fn ",
        "pub async fn ",
        "const fn ",
        "pub const fn ",
    ];
    words.iter().any(|word| bare.starts_with(word)) && !bare.ends_with(';')
}

#[test]
fn a_long_function_is_noticed() {
    let body = "    let x = 1;\n".repeat(FUNCTION_LINES_MAX);
    assert_eq!(long_functions(&format!("fn long() {{\n{body}}}\n")).len(), 1);
    assert_eq!(long_functions("fn short() {\n}\n").len(), 0);
}

#[test]
fn unsafe_code_stands_in_one_file() {
    check(|s| {
        // LMDB, to which a bench compares, can't be opened without.
        let files = ["crates/blerg-log/src/map.rs", "tests/bench/scale/src/lmdb.rs", "tests/it/tidy.rs"];
        let allowed = !s.is_rust() || files.contains(&s.path.as_str());
        if allowed { Vec::new() } else { lines_with(s, &["unsafe {", "unsafe fn", "unsafe impl"]) }
    });
}

#[test]
fn sql_stands_in_the_store() {
    check(|s| {
        let outside = s.is_rust() && !s.is_test() && !s.path.starts_with("crates/blerg-store/");
        if outside {
            lines_with(s, &["SELECT ", "INSERT INTO", "DELETE FROM", "CREATE TABLE", "rusqlite"])
        } else {
            Vec::new()
        }
    });
}

#[test]
fn the_client_builds_pages_from_text_only() {
    check(|s| {
        if !s.path.starts_with("www/") {
            return Vec::new();
        }
        let mut wrong = lines_with(
            s,
            &["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "onclick=", "style="],
        );
        if s.path != "www/api.js" {
            wrong.extend(lines_with(s, &["fetch("]));
        }
        wrong
    });
}

#[test]
fn sources_say_what_they_are_for_and_hide_nothing() {
    check(|s| {
        if !s.is_rust() {
            return Vec::new();
        }
        let mut wrong = lines_with(s, &["#[allow(", "#![allow(", "#[ignore"]);
        wrong.retain(|line| !line.contains("lines_with(s"));
        if !s.text.starts_with("//!") {
            wrong.push("does not begin with a module comment".to_owned());
        }
        wrong
    });
}

#[test]
fn tests_beside_a_file_are_compiled() {
    check(|s| {
        let Some(beside) = s.path.strip_suffix("/tests.rs") else { return Vec::new() };
        let names = [format!("{beside}.rs"), format!("{beside}/lib.rs"), format!("{beside}/main.rs")];
        let text = names.iter().find_map(|name| fs::read_to_string(root().join(name)).ok()).unwrap_or_default();
        if text.contains("mod tests;") { Vec::new() } else { vec![format!("{} has no `mod tests;`", names[0])] }
    });
}

#[test]
fn open_ends_carry_an_issue_number() {
    let (todo, fixme) = (concat!("TO", "DO"), concat!("FIX", "ME"));
    check(|s| {
        let code = s.is_rust() || s.path.ends_with(".js");
        let lines = s
            .text
            .lines()
            .enumerate()
            .filter(|(_, l)| code && (l.contains(todo) || l.contains(fixme)) && !l.contains('#'));
        lines.map(|(i, l)| format!("{}: {}", i + 1, l.trim())).collect()
    });
}

#[test]
fn nothing_names_a_machine() {
    let hosts =
        [concat!("/wo", "rk/"), concat!("../sha", "red"), concat!("index.cra", "tes.io"), concat!("/ro", "ot/")];
    check(|s| {
        let lines = s.text.lines().enumerate().filter(|(_, l)| hosts.iter().any(|host| l.contains(host)));
        lines.map(|(i, l)| format!("{}: {}", i + 1, l.trim())).collect()
    });
}
