//! The whole log: on the real disk, and on one that lies.

mod basics;
mod compactions;
mod crashes;
mod damage;
pub(crate) mod fake;
mod faults;
mod model;
mod models;
mod protocol;
mod recovery;
mod storm;
mod surprises;
mod syncs;

#[test]
fn every_test_that_format_md_names_is_there() {
    let crate_dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(crate_dir.join("FORMAT.md")).unwrap();
    let mut named = 0;
    for name in text.split('`').filter(|part| part.contains("tests::") && !part.contains('*')) {
        let (module, test) = name.rsplit_once("::").unwrap();
        let file = crate_dir.join("src").join(module.replace("::", "/")).with_extension("rs");
        let source = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert!(source.contains(&format!("fn {test}(")), "{name}");
        named += 1;
    }
    assert!(named > 80, "{named}");
}
