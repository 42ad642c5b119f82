//! Inside and outside, with links and without.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

#[test]
fn a_data_directory_inside_a_shown_one_is_refused() {
    let home = tempfile::tempdir().expect("a directory");
    let root = home.path().join("htdocs");
    fs::create_dir(&root).expect("made");
    let shown = |data: &Path| check(data, [root.as_path()]).is_err();
    assert!(shown(&root));
    assert!(shown(&root.join("data")));
    assert!(shown(&root.join("not/there/yet")));
    assert!(!shown(&home.path().join("data")));
    assert!(!shown(&home.path().join("htdocs-data")));
    assert!(shown(&home.path().join("other/../htdocs/data")) || !home.path().join("other").exists());
}

#[test]
fn links_hide_nothing() {
    let home = tempfile::tempdir().expect("a directory");
    let root = home.path().join("htdocs");
    fs::create_dir(&root).expect("made");
    symlink(&root, home.path().join("www")).expect("a link");
    symlink(root.join("data"), home.path().join("data")).expect("a dangling link");
    fs::create_dir(root.join("data")).expect("made");
    assert!(check(&home.path().join("data"), [root.as_path()]).is_err());
    assert!(check(&root.join("data"), [home.path().join("www").as_path()]).is_err());
}

#[test]
fn a_root_that_says_nothing_is_passed_over() {
    assert!(check(Path::new("/var/lib/blerg"), [Path::new("/"), Path::new(""), Path::new("www")]).is_ok());
}
