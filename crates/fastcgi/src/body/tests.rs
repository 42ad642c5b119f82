//! Input in memory and in files: the same bytes, nothing left behind, errors told.

use super::*;

const MEMORY_BYTES_MAX: usize = 1000;

#[track_caller]
fn keep(chunks: &[&[u8]], directory: &Path) -> Body {
    let mut keeping = Keeping::default();
    for chunk in chunks {
        keeping.append(chunk, MEMORY_BYTES_MAX, directory).expect("append");
    }
    assert_eq!(keeping.len(), chunks.iter().map(|chunk| count(chunk.len())).sum::<u64>());
    keeping.finish().expect("finish")
}

#[track_caller]
fn check(length: usize, piece: usize, in_file: bool) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).expect("below 251")).collect();
    let chunks: Vec<&[u8]> = bytes.chunks(piece).collect();
    let mut body = keep(&chunks, directory.path());
    assert_eq!(matches!(body.kept, Kept::File(_)), in_file, "{length} bytes");
    assert_eq!((body.len(), body.is_empty()), (count(length), length == 0));
    assert_eq!(fs::read_dir(directory.path()).expect("list").count(), 0, "no name is left");
    let mut read = vec![0; 7.min(length)];
    body.read_exact(&mut read).expect("read");
    assert_eq!(read, bytes[..read.len()]);
    assert_eq!(body.into_bytes().expect("all bytes"), bytes);
}

#[test]
fn short_input_stays_in_memory_and_longer_goes_to_a_file() {
    check(0, 1, false);
    check(MEMORY_BYTES_MAX, 1, false);
    check(MEMORY_BYTES_MAX + 1, 1, true);
    check(SPILL_BYTES_MAX + 5, 1000, true);
    check(3 * SPILL_BYTES_MAX + 5, SPILL_BYTES_MAX, true);
}

#[test]
fn a_body_can_be_read_to_its_end() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut text = String::new();
    keep(&[&[b'a'; 600], &[b'b'; 600]], directory.path()).read_to_string(&mut text).expect("read");
    assert_eq!(text, "a".repeat(600) + &"b".repeat(600));
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let mut keeping = Keeping::default();
    let missing = Path::new("/nonexistent/fastcgi");
    assert!(keeping.append(&[0; MEMORY_BYTES_MAX], MEMORY_BYTES_MAX, missing).is_ok());
    let error = keeping.append(&[0], MEMORY_BYTES_MAX, missing).expect_err("no such directory");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn names_that_are_taken_are_passed_over() {
    let directory = tempfile::tempdir().expect("temporary directory");
    for taken in 0..50 {
        fs::write(directory.path().join(format!("fastcgi-{}-{taken}", process::id())), b"").expect("write");
    }
    let mut file = unlinked_file(directory.path()).expect("a free name");
    file.write_all(b"x").expect("write");
    assert_eq!(fs::read_dir(directory.path()).expect("list").count(), 50);
}
