//! What comes in from elsewhere: records of other programs ([`import`]) and dumps ([`restore`]). A file that is refused leaves a
//! sound site, one that is taken twice adds nothing, and a site comes back equal from its own dump.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use blerg_store::{ImportFormat, ImportOptions, Store};
use rawzip::ZipArchive;
use tempfile::TempDir;

use crate::input::Input;
use crate::site::{self, NOW_US, directory, find_tags, settings};

/// In the first byte: the site is one that other inputs have come to before, and is not asked to come back from its dump. Making
/// sites takes most of the time.
const SHARED: u8 = 0x40;

/// So many inputs come to one site.
const INPUTS_MAX: u32 = 100;

/// The first byte chooses the format, the rest is the file.
pub(crate) fn import(data: &[u8]) {
    thread_local! { static SITE: RefCell<Option<(u32, TempDir, Store)>> = const { RefCell::new(None) }; }
    let mut input = Input::new(data);
    let how = input.byte();
    let format = match (how & !SHARED) % 3 {
        0 => ImportFormat::JsonLines,
        1 => ImportFormat::Twtxt,
        _ => ImportFormat::Mastodon,
    };
    if how & SHARED == 0 {
        let dir = site::empty();
        let store = Store::new(dir.path(), settings());
        twice(&store, format, input.rest());
        return comes_back(&dump(&store));
    }
    SITE.with(|site| {
        let mut site = site.borrow_mut();
        let (inputs, dir, store) = site.take().filter(|(inputs, ..)| *inputs < INPUTS_MAX).unwrap_or_else(|| {
            let dir = site::empty();
            let store = Store::new(dir.path(), settings());
            (0, dir, store)
        });
        twice(&store, format, input.rest());
        *site = Some((inputs + 1, dir, store));
    });
}

/// What is taken once is not taken again.
fn twice(store: &Store, format: ImportFormat, file: &[u8]) {
    let options = ImportOptions { format, author: Some("ada".to_owned()), find_tags, now_us: NOW_US };
    let take = || store.import(&mut { file }, &options, &mut |_| {});
    let (first, taken) = take();
    if let Err(error) = &taken {
        let is_text = std::str::from_utf8(file).is_ok();
        assert!(!is_text || error.to_string().contains("line"), "it names the line: {error}");
    }
    let before = dump(store);
    let (second, taken_again) = take();
    assert_eq!(taken.is_ok(), taken_again.is_ok());
    assert!(second.records <= first.records && second.authors == 0, "{first:?} {second:?}");
    // Only records without a date cannot be told from new ones.
    if second.records == 0 {
        assert_eq!(dump(store), before);
    }
}

/// The bytes are a dump.
pub(crate) fn restore(data: &[u8]) {
    let dir = directory();
    let data_dir = dir.path().join("data");
    let store = Arc::new(Store::new(&data_dir, settings()));
    match store.restore(NOW_US, &mut &data[..], &mut |_| {}) {
        Ok(restored) => {
            let report = store.check(&mut |_| {}).expect("a readable site");
            assert_eq!(report.problems, Vec::<String>::new());
            comes_back(&dump(&store));
            if restored.pages > 0 {
                archive(&store);
            }
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let left = std::fs::read_dir(&data_dir).expect("a directory").count();
            assert_eq!(left, 0, "a restore takes all or nothing: {error}");
        }
    }
}

fn dump(store: &Store) -> Vec<u8> {
    let mut out = Vec::new();
    store.dump(&mut out, &mut |_| {}).expect("a readable site");
    out
}

/// A site that is made of a dump has an equal dump.
fn comes_back(dumped: &[u8]) {
    let dir = directory();
    let store = Store::new(dir.path().join("data"), settings());
    if let Err(error) = store.restore(NOW_US, &mut &dumped[..], &mut |_| {}) {
        panic!("{error}: {:?} of {}", std::error::Error::source(&error), String::from_utf8_lossy(dumped));
    }
    assert_eq!(String::from_utf8_lossy(&dump(&store)), String::from_utf8_lossy(dumped));
}

/// Every page and file is in the archive, under a name of its own that stays below where it is unpacked.
fn archive(store: &Arc<Store>) {
    let bytes: Vec<u8> = blerg_wiki::archive(store).flat_map(|piece| piece.expect("a readable wiki")).collect();
    let archive = ZipArchive::from_slice(&bytes).expect("an archive");
    let mut names = BTreeSet::new();
    for entry in archive.entries() {
        let entry = entry.expect("an entry");
        let name = String::from_utf8(entry.file_path().as_ref().to_vec()).expect("text");
        let is_below = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        assert!(is_below && name.split('/').count() <= 2, "{name:?}");
        assert!(names.insert(name.clone()), "{name:?} twice");
    }
    for name in &names {
        let parent = name.split_once('/').map_or("", |(parent, _)| parent);
        assert!(!names.contains(parent), "{parent:?} is a file and a folder");
    }
}
