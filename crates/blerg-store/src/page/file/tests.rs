//! Files.

use super::super::tests::{ADA, ADMIN, by, page, put};
use super::*;
use crate::tests::{Site, settings};
use crate::{ChangeKind, Settings, Store, WikiSettings};

fn name(text: &str) -> FileName {
    FileName::parse(text).unwrap()
}

fn attach(wiki: &Wiki<'_>, to: &str, file: &str, bytes: &[u8]) -> Result<FileView, Error> {
    wiki.attach(&page(to), &NewFile { name: &name(file), media_type: "image/png", bytes }, &by(ADA))
}

fn whole(wiki: &Wiki<'_>, id: FileId) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let piece = wiki.file_bytes(id, all.len().try_into().unwrap()).unwrap();
        if piece.is_empty() {
            return all;
        }
        all.extend(piece);
    }
}

#[test]
fn a_file_comes_back_byte_by_byte() {
    let site = Site::new();
    put(&site, "Tea", "x");
    let wiki = site.store.wiki().unwrap();
    for len in [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7] {
        let bytes: Vec<u8> = (0..len).map(|n| u8::try_from(n * 31 % 251).unwrap()).collect();
        let file = attach(&wiki, "Tea", &format!("f{len}"), &bytes).unwrap();
        assert_eq!(file.bytes, u64::try_from(len).unwrap());
        assert_eq!(whole(&wiki, file.id), bytes, "{len}");
        assert_eq!(wiki.file_bytes(file.id, u64::try_from(len - 1).unwrap()).unwrap(), bytes[len - 1..]);
        assert!(wiki.file_bytes(file.id, u64::MAX).unwrap().is_empty());
    }
    assert_eq!(wiki.check().unwrap(), Vec::<String>::new());
}

#[test]
fn every_version_is_kept() {
    let site = Site::new();
    put(&site, "Tea", "x");
    let wiki = site.store.wiki().unwrap();
    let first = attach(&wiki, "Tea", "cup.png", b"one").unwrap();
    assert_eq!(attach(&wiki, "Tea", "cup.png", b"one").unwrap(), first, "the same bytes are no version");
    let second = attach(&wiki, "Tea", "cup.png", b"two").unwrap();
    assert_eq!((first.version, second.version), (1, 2));
    assert_eq!(wiki.file(&page("Tea"), &name("cup.png"), None).unwrap(), second);
    let old = wiki.file(&page("Tea"), &name("cup.png"), Some(1)).unwrap();
    assert_eq!((whole(&wiki, old.id), old.is_newest), (b"one".to_vec(), false));
    assert_eq!(wiki.file_versions(&page("Tea"), &name("cup.png")).unwrap().len(), 2);
    assert_eq!(wiki.files(&page("Tea")).unwrap(), [second]);
    let kinds: Vec<ChangeKind> =
        wiki.history(&page("Tea"), None, 9).unwrap().into_iter().map(|change| change.kind).collect();
    let attached = ChangeKind::Attach { file: "cup.png".to_owned() };
    assert_eq!(kinds, [attached.clone(), attached, ChangeKind::Edit]);
}

#[test]
fn a_deleted_file_is_hidden_until_it_is_undeleted() {
    let site = Site::new();
    put(&site, "Tea", "x");
    let wiki = site.store.wiki().unwrap();
    attach(&wiki, "Tea", "cup.png", b"one").unwrap();
    assert_eq!(wiki.delete_file(&page("Tea"), &name("cup.png"), &by(ADA)).unwrap(), 3);
    assert!(wiki.file(&page("Tea"), &name("cup.png"), None).unwrap_err().is_not_found());
    assert!(wiki.delete_file(&page("Tea"), &name("cup.png"), &by(ADA)).unwrap_err().is_not_found());
    assert!(wiki.files(&page("Tea")).unwrap()[0].is_deleted);
    wiki.undelete_file(&page("Tea"), &name("cup.png"), &by(ADA)).unwrap();
    assert!(wiki.file(&page("Tea"), &name("cup.png"), None).is_ok());
    wiki.delete_file(&page("Tea"), &name("cup.png"), &by(ADA)).unwrap();
    assert_eq!(attach(&wiki, "Tea", "cup.png", b"one").unwrap().version, 2, "attached anew");
    assert!(wiki.file(&page("Tea"), &name("cup.png"), Some(1)).is_ok());
}

#[test]
fn files_of_a_deleted_page_are_hidden_with_it() {
    let site = Site::new();
    put(&site, "Tea", "x");
    let wiki = site.store.wiki().unwrap();
    attach(&wiki, "Tea", "cup.png", b"one").unwrap();
    wiki.delete_page(&page("Tea"), &by(ADMIN)).unwrap();
    assert!(wiki.file(&page("Tea"), &name("cup.png"), None).unwrap_err().is_not_found());
    assert_eq!(wiki.files(&page("Tea")).unwrap(), []);
    assert!(attach(&wiki, "Tea", "b.png", b"b").unwrap_err().is_not_found());
    assert!(attach(&wiki, "Never", "b.png", b"b").unwrap_err().is_not_found());
}

#[test]
fn room_is_limited() {
    let site = Site::new();
    put(&site, "Tea", "x");
    put(&site, "Cup", "x");
    let limits =
        WikiSettings { file_bytes_max: 10, page_files_bytes_max: 20, files_bytes_max: 30, ..WikiSettings::default() };
    let store = Store::new(site.store.dir(), Settings { wiki: limits, ..settings() });
    let wiki = store.wiki().unwrap();
    assert!(matches!(attach(&wiki, "Tea", "a", b""), Err(Error::FileLength { bytes: 0, max: 10 })));
    assert!(matches!(attach(&wiki, "Tea", "a", &[1; 11]), Err(Error::FileLength { bytes: 11, max: 10 })));
    attach(&wiki, "Tea", "a", &[1; 10]).unwrap();
    attach(&wiki, "Tea", "a", &[2; 10]).unwrap();
    assert!(matches!(attach(&wiki, "Tea", "b", &[3; 1]), Err(Error::FilesFull { max: 20 })), "versions count");
    attach(&wiki, "Cup", "a", &[1; 10]).unwrap();
    assert!(matches!(attach(&wiki, "Cup", "b", &[3; 1]), Err(Error::FilesFull { max: 30 })));
}
