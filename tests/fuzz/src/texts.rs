//! What changed between texts, and their merge: start at [`diff`] and [`merge`]. A diff that is followed gives the other text;
//! no byte of anybody's is dropped by a merge. The input is texts with a zero byte between them.

use blerg_markup::clean;
use blerg_markup::diff::{Side, diff as compare};
use blerg_markup::merge::{Choice, Merged, Piece, merge as combine, resolve};

use crate::budget::within_ms;
use crate::html::{Token, tokens};
use crate::input;

const LIMIT_MS: u64 = 400;

pub(crate) fn diff(data: &[u8]) {
    let Some([old, new]) = input::texts(data) else { return };
    for context in [0, 1, 3, usize::MAX] {
        follow(old, new, context);
    }
    assert!(compare(old, old, 3).hunks.is_empty());
}

/// Goes along the old text and does what the hunks say.
fn follow(old: &str, new: &str, context: usize) {
    let changes = within_ms(LIMIT_MS, "a diff", || compare(old, new, context));
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    let (mut at, mut made, mut made_lines) = (0, String::new(), 0);
    let (mut added, mut removed) = (0, 0);
    for hunk in &changes.hunks {
        let until = hunk.old_line - 1;
        made.extend(lines.get(at..until).expect("hunks are in order").iter().copied());
        (made_lines, at) = (made_lines + until - at, until);
        assert_eq!(made_lines, hunk.new_line - 1, "where the hunk begins in the new text");
        for line in &hunk.lines {
            if line.side == Side::New {
                added += 1;
            } else {
                assert_eq!(lines.get(at), Some(&line.text));
                at += 1;
            }
            if line.side == Side::Old {
                removed += 1;
            } else {
                made.push_str(line.text);
                made_lines += 1;
            }
            shown(line);
        }
    }
    made.extend(lines.get(at..).expect("no hunk goes beyond the end").iter().copied());
    assert_eq!(made, new);
    assert_eq!((added, removed), (changes.added, changes.removed));
}

fn shown(line: &blerg_markup::diff::Line<'_>) {
    let mut end = 0;
    for word in &line.words {
        assert!(word.start >= end && word.start < word.end, "{:?}", line.words);
        assert!(line.text.get(word.clone()).is_some(), "whole characters");
        end = word.end;
    }
    let mut html = String::new();
    line.html(&mut html);
    let text = tokens(&html).into_iter().filter_map(|token| match token {
        Token::Text(text) => Some(text),
        _ => None,
    });
    assert_eq!(text.collect::<String>(), clean(line.text.strip_suffix('\n').unwrap_or(line.text)));
}

pub(crate) fn merge(data: &[u8]) {
    let Some([base, ours, theirs]) = input::texts(data) else { return };
    let merged = within_ms(LIMIT_MS, "a merge", || combine(base, ours, theirs));
    assert_eq!(combine(base, ours, ours), Merged::Clean(ours.to_owned()));
    assert_eq!(combine(base, ours, base), Merged::Clean(ours.to_owned()));
    assert_eq!(combine(base, base, theirs), Merged::Clean(theirs.to_owned()));
    match (merged, combine(base, theirs, ours)) {
        (Merged::Clean(text), Merged::Clean(other)) => assert_eq!(text, other, "whoever is first"),
        (Merged::Conflict(pieces), Merged::Conflict(other)) => {
            conflict(&pieces, base, ours, theirs);
            conflict(&other, base, theirs, ours);
            assert_eq!(pieces.len(), other.len(), "whoever is first");
        }
        (one, other) => panic!("whoever is first: {one:?} and {other:?}"),
    }
}

/// The pieces are all of every text, and whoever always chooses one side gets what that side wrote.
fn conflict(pieces: &[Piece<'_>], base: &str, ours: &str, theirs: &str) {
    let (mut of_base, mut of_ours, mut of_theirs, mut conflicts) = (String::new(), String::new(), String::new(), 0);
    for piece in pieces {
        let (was, we, they) = match *piece {
            Piece::Common(text) => (text, text, text),
            Piece::Ours { base, ours } => (base, ours, base),
            Piece::Theirs { base, theirs } => (base, base, theirs),
            Piece::Same { base, both } => (base, both, both),
            Piece::Conflict { base, ours, theirs } => {
                conflicts += 1;
                assert_ne!(ours, theirs, "that is no conflict");
                (base, ours, theirs)
            }
        };
        of_base.push_str(was);
        of_ours.push_str(we);
        of_theirs.push_str(they);
    }
    assert_eq!((&*of_base, &*of_ours, &*of_theirs), (base, ours, theirs));
    assert!(conflicts > 0);
    let both = resolve(pieces, &[]);
    for line in ours.split('\n').chain(theirs.split('\n')).filter(|line| !line.is_empty()) {
        let is_in_a_conflict = pieces.iter().any(|piece| match piece {
            Piece::Conflict { ours, theirs, .. } => {
                ours.split('\n').chain(theirs.split('\n')).any(|other| other == line)
            }
            _ => false,
        });
        assert!(!is_in_a_conflict || both.split('\n').any(|kept| kept == line), "{line:?} is lost");
    }
    assert!(
        resolve(pieces, &vec![Choice::Ours; conflicts]).len() <= base.len() + ours.len() + theirs.len() + pieces.len()
    );
}
