//! What the operator is told.

use super::*;

#[test]
fn the_chain_is_one_line() {
    let source = io::Error::other("first\nsecond");
    let error = Error::System { doing: "watch for signals", source };
    assert_eq!(chain(&error), "watch for signals: first second");
}

#[test]
fn advice_names_the_directory_and_the_command() {
    let advice = |kind: io::ErrorKind| data_advice(Path::new("/srv/blerg"), &io::Error::from(kind));
    assert!(
        advice(io::ErrorKind::PermissionDenied)
            .is_some_and(|line| line.contains("install -d -o ") && line.contains("/srv/blerg"))
    );
    assert_eq!(advice(io::ErrorKind::NotFound).as_deref(), Some("run: mkdir -p -m 700 /srv/blerg (or set BLERG_DATA)"));
    assert_eq!(advice(io::ErrorKind::Other), None);
}
