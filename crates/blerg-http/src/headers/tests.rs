//! Names fold, values stay, limits hold.

use super::*;

#[test]
fn names_fold_and_values_stay() {
    let mut headers = Headers::default();
    assert!(headers.push(b"X-Kit", b" a\xff\r\n "));
    assert!(headers.push(b"x-kit", b"second"));
    assert_eq!(headers.get("x-kit"), Some(b" a\xff\r\n ".as_slice()));
    assert_eq!(headers.get_all("x-kit").collect::<Vec<_>>(), [b" a\xff\r\n ".as_slice(), b"second"]);
    assert_eq!(headers.text("x-kit"), None);
    assert_eq!(headers.get("x"), None);
}

#[test]
fn at_most_so_many_fields_are_kept() {
    let mut headers = Headers::default();
    for _ in 0..HEADERS_MAX {
        assert!(headers.push(b"a", b"b"));
    }
    assert!(!headers.push(b"a", b"b"));
    assert_eq!(headers.len(), HEADERS_MAX);
}

#[test]
fn at_most_so_many_bytes_are_kept() {
    let mut headers = Headers::default();
    assert!(headers.push(b"a", &vec![b'x'; HEADERS_BYTES_MAX - 1]));
    assert!(!headers.push(b"a", b""));
    let mut headers = Headers::default();
    assert!(!headers.push(b"a", &vec![b'x'; HEADERS_BYTES_MAX]));
    assert!(headers.is_empty());
}
