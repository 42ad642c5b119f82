//! Every input that is kept, once more: what fuzzing found, what was ever trouble, and what real programs sent.

use std::fs;
use std::panic;
use std::path::Path;
use std::thread;

use blerg_fuzz::{TARGETS, Target, corpus};

fn inputs(target: &Target) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(format!("{}.txt", target.name));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    corpus::read(&text)
}

#[test]
fn what_is_promised_of_any_bytes_holds_for_all_that_are_kept() {
    // A thread a target: some make a site for their thread.
    let run = |target: &'static Target| {
        let inputs = inputs(target);
        assert!(inputs.len() >= 5, "{}: {} inputs", target.name, inputs.len());
        for input in inputs {
            let done = panic::catch_unwind(|| (target.run)(&input));
            assert!(done.is_ok(), "{} {}", target.name, input.escape_ascii());
        }
    };
    let threads: Vec<_> = TARGETS.iter().map(|target| (target, thread::spawn(move || run(target)))).collect();
    for (target, thread) in threads {
        assert!(thread.join().is_ok(), "{}", target.name);
    }
}

/// What nginx 1.22 and lighttpd 1.4.69 really sent, and old attacks, cut at every byte: what is before the cut, and behind it.
#[test]
fn every_piece_of_what_was_ever_trouble_is_none() {
    for name in ["decoder", "params"] {
        let target = blerg_fuzz::find(name).expect("a target");
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/fastcgi/tests/corpus").join(name);
        let files: Vec<_> = fs::read_dir(&dir).expect("the corpus is there").collect();
        assert!(files.len() >= 8, "{name}: {} files", files.len());
        for file in files {
            let bytes = fs::read(file.expect("an entry").path()).expect("read");
            for cut in 0..=bytes.len() {
                (target.run)(&bytes[cut..]);
                (target.run)(&bytes[..cut]);
            }
        }
    }
}

#[test]
fn corpora_are_of_targets_and_stay_small() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut bytes = 0;
    for entry in fs::read_dir(&dir).expect("the corpora are there") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("text");
        let stem = name.strip_suffix(".txt").unwrap_or_else(|| panic!("{name} is no corpus"));
        assert!(blerg_fuzz::find(stem).is_some(), "{name} is nobody's");
        bytes += entry.metadata().expect("a file").len();
    }
    assert!(bytes < 1_500_000, "{bytes} bytes");
}
