//! Files are known by their bytes, and nothing that could run is shown.

use super::{Media, known, sniff};

#[track_caller]
fn check(bytes: &[u8], name: &str, is_shown: bool) {
    assert_eq!((sniff(bytes).name, sniff(bytes).is_shown), (name, is_shown));
}

#[test]
fn pictures_are_known_by_their_first_bytes() {
    check(b"\x89PNG\r\n\x1a\n\0", "image/png", true);
    check(b"\xff\xd8\xff\xe0", "image/jpeg", true);
    check(b"GIF89a<script>", "image/gif", true);
    check(b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", true);
    check(b"\0\0\0\x20ftypavif", "image/avif", true);
}

#[test]
fn what_could_hold_a_script_is_saved() {
    check(b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "text/plain; charset=utf-8", false);
    check(b"<!doctype html><script>1</script>", "text/plain; charset=utf-8", false);
    check(b"%PDF-1.7", "application/pdf", false);
    check(b"PK\x03\x04", "application/zip", false);
    check(b"RIFF\0\0\0\0WAVE", "application/octet-stream", false);
    check(b"\xff\xfe\0<", "application/octet-stream", false);
    check(b"", "text/plain; charset=utf-8", false);
}

#[test]
fn a_type_that_is_not_ours_is_never_shown() {
    let unknown = Media { name: "application/octet-stream", is_shown: false };
    assert_eq!(known("text/html"), unknown);
    assert_eq!(known("image/svg+xml"), unknown);
    assert_eq!(known("image/png").name, "image/png");
}
