//! Links of a directory that is made for the test, rewritten and counted.

use std::collections::BTreeSet;
use std::fs;

use super::*;

/// A directory with these files.
fn plan(folder: &tempfile::TempDir, paths: &[&str]) -> Plan {
    for path in paths {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    Plan::read(folder.path(), None, &BTreeSet::new()).unwrap()
}

const PATHS: [&str; 10] = [
    "README.md",
    "docs/README.md",
    "docs/a b.md",
    "docs/c.md",
    "docs/img/x.png",
    "img/x.png",
    "own.md",
    "own/p.pdf",
    "c: d.md",
    "LICENSE",
];

#[test]
fn links_between_files_become_links_between_pages() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&folder, &PATHS);
    #[track_caller]
    fn check(plan: &Plan, path: &str, target: &str, want: &str) {
        let renames = BTreeMap::from([
            ("old.md".to_owned(), "docs/old.md".to_owned()),
            ("docs/old.md".to_owned(), "docs/c.md".to_owned()),
        ]);
        let links = Links { plan, renames: &renames };
        let page = plan.pages.iter().find(|page| page.path == path).unwrap();
        let done = links.rewrite(page, &format!("see [x]({target})\n"));
        assert_eq!(done.text, format!("see [x]({want})\n"), "{path}: {target}");
    }
    check(&plan, "README.md", "docs/a%20b.md#Part", "docs_-_a_b#Part");
    check(&plan, "README.md", "<docs/a b.md>", "docs_-_a_b");
    check(&plan, "README.md", "docs/", "docs");
    check(&plan, "README.md", "./docs/c", "docs_-_c");
    check(&plan, "README.md", "c:%20d.md", "c:%20d.md");
    check(&plan, "README.md", "./c:%20d.md", "./c:_d");
    check(&plan, "README.md", "old.md", "docs_-_c");
    check(&plan, "docs/c.md", "../README.md", "Home");
    check(&plan, "docs/c.md", "/README.md?plain=1", "Home");
    check(&plan, "docs/c.md", ".", "docs");
    check(&plan, "docs/c.md", "../../x.md", "../../x.md");
    check(&plan, "docs/c.md", "#part", "#part");
    check(&plan, "docs/c.md", "https://example.org/README.md", "https://example.org/README.md");
    check(&plan, "docs/c.md", "../LICENSE", "LICENSE");
    check(&plan, "own.md", "own/p.pdf", "p.pdf");
    check(&plan, "own.md", "p.pdf", "p.pdf");
}

#[test]
fn files_of_the_same_name_are_told_apart_and_what_is_not_there_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&folder, &PATHS);
    let renames = BTreeMap::new();
    let links = Links { plan: &plan, renames: &renames };
    let page = plan.pages.iter().find(|page| page.path == "README.md").unwrap();
    let done = links.rewrite(page, "![](img/x.png) ![](docs/img/x.png) ![](img/x.png) [y](nothing.md) [Wiki](own)\n");
    assert_eq!(done.text, "![](x.png) ![](x%20%282%29.png) ![](x.png) [y](nothing.md) [Wiki](own)\n");
    assert_eq!(done.dead, ["nothing.md"]);
    let files: Vec<(&str, &str)> = done.files.iter().map(|(path, name)| (path.as_str(), name.as_str())).collect();
    assert_eq!(files, [("docs/img/x.png", "x (2).png"), ("img/x.png", "x.png")]);
}
