//! Names of users, pages and files: start at [`run`]. What is a name stays one however it is written, and leads back from its
//! address. The input is names with a line end between them.

use blerg_http::{Front, Incoming};
use blerg_markup::wiki::{page_link, page_name};
use blerg_store::{AuthorName, FileName, PAGE_NAME_BYTES_MAX, PageName, TagKey};

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for name in text.split('\n') {
        author(name);
        page(name);
        file(name);
        if let Ok(tag) = name.parse::<TagKey>() {
            let (TagKey::Tag(name) | TagKey::Mention(name)) = tag;
            assert!(blerg_markup::is_tag_name(&name), "{name:?}");
        }
    }
}

fn author(text: &str) {
    let Ok(name) = AuthorName::parse(text) else { return };
    assert_eq!(AuthorName::parse(name.as_str()).as_ref(), Ok(&name));
    assert_eq!(AuthorName::parse(&name.folded()).map(|folded| folded.folded()), Ok(name.folded()));
    assert!(name.as_str().is_ascii() && !name.as_str().contains(['/', '\\', '<', '"', '\0', '\n']), "{name:?}");
    leads_back(name.as_str());
}

fn page(text: &str) {
    let Ok(name) = PageName::parse(text) else { return };
    assert_eq!(PageName::parse(&name.underscored()).as_ref(), Ok(&name));
    assert!(name.as_str().len() <= PAGE_NAME_BYTES_MAX && !name.as_str().contains(['/', '\0', '\n', '_']), "{name:?}");
    leads_back(&name.underscored());
    // What the store calls a name the markup calls one, and links it.
    assert_eq!(page_name(&name.underscored()).as_deref(), Some(name.as_str()));
    assert!(page_link(name.as_str()).starts_with("[["));
}

fn file(text: &str) {
    let Ok(name) = FileName::parse(text) else { return };
    assert_eq!(FileName::parse(name.as_str()).as_ref(), Ok(&name));
    assert!(!name.as_str().starts_with('.') && !name.as_str().contains(['/', '\\', '\0', '\n']), "{name:?}");
    leads_back(name.as_str());
}

/// The name, percent-encoded in a path, is the same again.
fn leads_back(name: &str) {
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let target = format!("/x/{encoded}");
    let incoming = Incoming { target: Some(target.as_bytes()), ..Incoming::default() };
    let request = Front::default().accept(incoming, 1).unwrap_or_else(|_| panic!("{target}"));
    assert_eq!(request.path.strip_prefix("/x/"), Some(name));
}
