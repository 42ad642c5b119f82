//! Tests of merging.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn clean(base: &str, ours: &str, theirs: &str, want: &str) {
    assert_eq!(merge(base, ours, theirs), Merged::Clean(want.to_owned()));
}

#[track_caller]
fn unclean(base: &str, ours: &str, theirs: &str, want: &[Piece<'_>]) {
    assert_eq!(merge(base, ours, theirs), Merged::Conflict(want.to_vec()));
}

#[test]
fn changes_apart_from_each_other_are_merged() {
    clean("1\n2\n3\n", "one\n2\n3\n", "1\n2\nthree\n", "one\n2\nthree\n");
    clean("1\n2\n3\n", "0\n1\n2\n3\n", "1\n2\n3\n4\n", "0\n1\n2\n3\n4\n");
    clean("1\n2\n3\n", "2\n3\n", "1\n2\n", "2\n");
    clean("1\n2\n3\n4\n5\n", "1\nx\n3\n4\n5\n", "1\nx\n3\n4\ny\n", "1\nx\n3\n4\ny\n");
}

#[test]
fn changes_that_touch_are_a_conflict() {
    let conflict = Piece::Conflict { base: "1\n2\n", ours: "one\n2\n", theirs: "1\ntwo\n" };
    unclean("1\n2\n3\n", "one\n2\n3\n", "1\ntwo\n3\n", &[conflict, Piece::Common("3\n")]);
    let conflict = Piece::Conflict { base: "", ours: "b\n", theirs: "c\n" };
    unclean("a\n", "a\nb\n", "a\nc\n", &[Piece::Common("a\n"), conflict]);
}

#[test]
fn what_both_sides_wrote_is_no_part_of_the_conflict() {
    let want = [
        Piece::Same { base: "", both: "# New\n" },
        Piece::Conflict { base: "", ours: "b\n", theirs: "c\n" },
        Piece::Same { base: "", both: "end\n" },
    ];
    unclean("", "# New\nb\nend\n", "# New\nc\nend\n", &want);
}

#[test]
fn last_lines_without_a_line_end_are_kept_apart() {
    let Merged::Conflict(pieces) = merge("a", "a\nb", "a\nc") else { panic!("clean") };
    assert_eq!(resolve(&pieces, &[Choice::Both]), "a\nb\nc");
    assert_eq!(resolve(&pieces, &[Choice::Ours]), "a\nb");
    assert_eq!(resolve(&pieces, &[Choice::Theirs]), "a\nc");
    assert_eq!(resolve(&pieces, &[]), "a\nb\nc");
    clean("a\nb", "x\na\nb", "a\nb", "x\na\nb");
}

#[test]
fn each_conflict_has_its_own_choice() {
    let (base, ours, theirs) = ("1\n-\n2\n-\n3\n", "a\n-\n2\n-\nb\n", "c\n-\n2\n-\nd\n");
    let Merged::Conflict(pieces) = merge(base, ours, theirs) else { panic!("clean") };
    assert_eq!(resolve(&pieces, &[Choice::Ours, Choice::Theirs]), "a\n-\n2\n-\nd\n");
}

fn texts() -> impl Strategy<Value = String> {
    "([abc]\n|\n){0,8}[abc]?"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn one_sided_changes_win(base in texts(), other in texts()) {
        prop_assert_eq!(merge(&base, &other, &base), Merged::Clean(other.clone()));
        prop_assert_eq!(merge(&base, &base, &other), Merged::Clean(other.clone()));
        prop_assert_eq!(merge(&base, &other, &other), Merged::Clean(other.clone()));
        // And not only because equal texts are seen at once.
        let sides = |ours, theirs| Sides { base: Lines::of(&base), ours: Lines::of(ours), theirs: Lines::of(theirs) };
        prop_assert_eq!(&resolve(&pieces(&sides(&other, &base)), &[]), &other);
        prop_assert_eq!(&resolve(&pieces(&sides(&base, &other)), &[]), &other);
        prop_assert_eq!(&resolve(&pieces(&sides(&other, &other)), &[]), &other);
    }

    #[test]
    fn pieces_rejoin_to_all_three_texts(base in texts(), ours in texts(), theirs in texts()) {
        let sides = Sides { base: Lines::of(&base), ours: Lines::of(&ours), theirs: Lines::of(&theirs) };
        let (mut b, mut o, mut t) = (String::new(), String::new(), String::new());
        for piece in pieces(&sides) {
            let (was, we, they) = match piece {
                Piece::Common(text) => (text, text, text),
                Piece::Ours { base, ours } => (base, ours, base),
                Piece::Theirs { base, theirs } => (base, base, theirs),
                Piece::Same { base, both } => (base, both, both),
                Piece::Conflict { base, ours, theirs } => (base, ours, theirs),
            };
            b.push_str(was);
            o.push_str(we);
            t.push_str(they);
        }
        prop_assert_eq!((b, o, t), (base, ours, theirs));
    }

    #[test]
    fn a_merge_is_the_same_from_either_side(base in texts(), ours in texts(), theirs in texts()) {
        match (merge(&base, &ours, &theirs), merge(&base, &theirs, &ours)) {
            (Merged::Clean(one), Merged::Clean(other)) => prop_assert_eq!(one, other),
            (Merged::Conflict(_), Merged::Conflict(_)) => {}
            (one, other) => prop_assert!(false, "{one:?} {other:?}"),
        }
    }

    #[test]
    fn choosing_both_keeps_every_line_of_a_conflict(base in texts(), ours in texts(), theirs in texts()) {
        if let Merged::Conflict(pieces) = merge(&base, &ours, &theirs) {
            let whole = resolve(&pieces, &[]);
            for piece in &pieces {
                if let Piece::Conflict { ours, theirs, .. } = piece {
                    prop_assert!(whole.contains(ours) && whole.contains(theirs));
                }
            }
        }
    }
}
