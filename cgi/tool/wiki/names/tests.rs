//! Paths and the names that they get, in the order in which they come.

use super::*;

#[track_caller]
fn check(under: Option<&str>, paths: &[&str], want: &[&str]) {
    let mut names = Names::under(under);
    let given: Vec<String> = paths
        .iter()
        .map(|path| match names.give(path) {
            Ok(name) => name.as_str().to_owned(),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(given, want);
}

#[test]
fn a_path_becomes_a_name_without_slashes() {
    check(None, &["guide.md", "docs/guide.md", "docs/a_b/C.MARKDOWN"], &["guide", "docs - guide", "docs - a b - C"]);
    check(Some("npm"), &["guide.md", "README.md"], &["npm - guide", "npm"]);
}

#[test]
fn a_readme_or_index_is_the_page_of_its_directory() {
    check(None, &["README.md", "docs/Index.md"], &["Home", "docs"]);
    check(None, &["docs/README.md", "docs/index.md"], &["docs", "docs - index"]);
    check(None, &["docs.md", "docs/README.md"], &["docs", "docs - README"]);
}

#[test]
fn of_two_that_would_be_called_the_same_the_second_gets_a_number() {
    check(None, &["a b.md", "a_b.md", "a_b.mkd"], &["a b", "a b (2)", "a b (3)"]);
}

#[test]
fn what_makes_no_name_is_told() {
    check(None, &["C#.md", "Special:x.md"], &["name holds '#'", "names that begin with Special: are reserved"]);
    let long = format!("{}.md", "x".repeat(201));
    check(None, &[&long], &["name of 201 bytes, want 1 to 200"]);
    check(None, &[&long[1..]], &[&long[1..201]]);
}

#[test]
fn endings_tell_markdown() {
    for path in ["a.md", "d.x/a.MD", "a.b.markdown", "x.mkd"] {
        assert!(is_markdown(path), "{path}");
    }
    for path in ["a.txt", "md", ".md", "d.md/a", "a.mdx"] {
        assert!(!is_markdown(path), "{path}");
    }
}
