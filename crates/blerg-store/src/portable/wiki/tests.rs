//! Lines come back as they were written.

use super::*;
use crate::portable::line::Line;

#[track_caller]
fn check(line: WikiLine, text: &str) {
    let line = Line::Wiki(line);
    assert_eq!(line.write(), format!("{text}\n"));
    assert_eq!(Line::parse(text), Ok(line));
}

#[test]
fn lines_come_back() {
    let page = PageLine {
        name: "Tea".to_owned(),
        created_us: 5,
        protection: Some("admins".to_owned()),
        is_deleted: true,
        redirect: Some("Cup".to_owned()),
    };
    check(
        WikiLine::Page(page),
        r#"{"op":"wiki_page","name":"Tea","created_us":5,"protection":"admins","deleted":true,"redirect":"Cup"}"#,
    );
    let revision = RevisionLine {
        id: 7,
        kind: ChangeKind::Revert { rev: 3 },
        at_us: 9,
        author: None,
        summary: "why".to_owned(),
        is_minor: true,
        bytes: 2,
        text: RevisionText::New("a\n".to_owned()),
    };
    check(
        WikiLine::Revision(revision.clone()),
        r#"{"op":"wiki_revision","id":7,"kind":"revert","detail":"3","at_us":9,"summary":"why","minor":true,"bytes":2,"text":"a\n"}"#,
    );
    let plain = RevisionLine { kind: ChangeKind::Edit, summary: String::new(), is_minor: false, ..revision };
    let erased = RevisionLine { text: RevisionText::Erased, author: Some("ada".to_owned()), ..plain.clone() };
    check(
        WikiLine::Revision(erased),
        r#"{"op":"wiki_revision","id":7,"kind":"edit","at_us":9,"author":"ada","bytes":2,"erased":true}"#,
    );
    check(
        WikiLine::Revision(RevisionLine { text: RevisionText::Same, ..plain }),
        r#"{"op":"wiki_revision","id":7,"kind":"edit","at_us":9,"bytes":2}"#,
    );
    let file = FileLine {
        name: "a.png".to_owned(),
        version: 1,
        media_type: "image/png".to_owned(),
        at_us: 3,
        author: None,
        is_deleted: false,
    };
    check(WikiLine::File(file), r#"{"op":"wiki_file","name":"a.png","version":1,"media_type":"image/png","at_us":3}"#);
    check(WikiLine::Piece(b"foob".to_vec()), r#"{"op":"wiki_piece","data":"Zm9vYg=="}"#);
}

#[test]
fn bad_lines_are_named() {
    for line in [
        r#"{"op":"wiki_piece","data":"?"}"#,
        r#"{"op":"wiki_revision","id":7,"kind":"dance","at_us":9,"bytes":2}"#,
        r#"{"op":"wiki_revision","id":7,"kind":"edit","at_us":9,"bytes":2,"erased":true,"text":""}"#,
        r#"{"op":"wiki_page","created_us":5}"#,
        r#"{"op":"wiki_nothing"}"#,
    ] {
        assert!(Line::parse(line).is_err(), "{line}");
    }
}
