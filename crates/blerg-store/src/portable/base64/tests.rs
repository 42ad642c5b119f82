//! Bytes come back.

use super::*;

#[test]
fn bytes_come_back() {
    for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
        assert_eq!((encode(bytes.as_bytes()).as_str(), decode(text)), (text, Some(bytes.as_bytes().to_vec())));
    }
    let all: Vec<u8> = (0..=255).collect();
    for len in 0..all.len() {
        assert_eq!(decode(&encode(&all[..len])).unwrap(), all[..len]);
    }
}

#[test]
fn other_texts_are_refused() {
    for text in ["Z", "Zg", "Zg=", "Zg=v", "Zh==", "Z===", "====", "Zm9v ", "Zm9-", "Zg==Zg==", "é", "Zm9vé"] {
        assert_eq!(decode(text), None, "{text:?}");
    }
}
