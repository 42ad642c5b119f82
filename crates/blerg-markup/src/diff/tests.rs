//! Tests of what changed between two texts.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// `-` and `+` lines as in a patch, changed words in `[]`.
#[track_caller]
fn check(old: &str, new: &str, want: &[&str]) {
    let mut have = Vec::new();
    for hunk in diff(old, new, 1).hunks {
        have.push(format!("@{},{}", hunk.old_line, hunk.new_line));
        for line in hunk.lines {
            let mut text = String::from(match line.side {
                Side::Both => " ",
                Side::Old => "-",
                Side::New => "+",
            });
            let mut done = 0;
            for word in line.words {
                text.push_str(&format!("{}[{}]", &line.text[done..word.start], &line.text[word.clone()]));
                done = word.end;
            }
            text.push_str(&line.text[done..]);
            have.push(text);
        }
    }
    assert_eq!(have, want);
}

#[test]
fn equal_texts_have_no_hunks() {
    check("", "", &[]);
    check("a\nb\n", "a\nb\n", &[]);
}

#[test]
fn changed_words_are_marked() {
    check(
        "one\nthe quick brown fox\nthree\nfour\n",
        "one\nthe slow red fox\nthree\nfour\n",
        &["@1,1", " one\n", "-the [quick brown] fox\n", "+the [slow red] fox\n", " three\n"],
    );
    check("価格は百円です\n", "価格は二百円です\n", &["@1,1", "-価格は百円です\n", "+価格は[二]百円です\n"]);
}

#[test]
fn lines_with_nothing_in_common_are_changed_whole() {
    check("a\nxyz\n", "a\nother words\n", &["@1,1", " a\n", "-[xyz]\n", "+[other words]\n"]);
    check("a\n", "a\nb\n\n", &["@1,1", " a\n", "+[b]\n", "+\n"]);
    check("a\nb\n", "b\n", &["@1,1", "-[a]\n", " b\n"]);
    check("", "a", &["@1,1", "+[a]"]);
}

#[test]
fn a_line_end_that_comes_or_goes_is_a_change() {
    check("a", "a\n", &["@1,1", "-a", "+a\n"]);
}

#[test]
fn far_changes_are_hunks_of_their_own() {
    let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    let near = "x\n2\n3\ny\n5\n6\n7\n8\nz\n";
    check(
        old,
        near,
        &["@1,1", "-[1]\n", "+[x]\n", " 2\n", " 3\n", "-[4]\n", "+[y]\n", " 5\n", "@8,8", " 8\n", "-[9]\n", "+[z]\n"],
    );
}

#[test]
fn words_of_several_lines_are_compared_together() {
    check(
        "a long sentence that\nwas broken here\n",
        "a long sentence\nthat was broken there\n",
        &[
            "@1,1",
            "-a long sentence[ that]\n",
            "-was broken [here]\n",
            "+a long sentence\n",
            "+[that ]was broken [there]\n",
        ],
    );
}

#[test]
fn html_escapes_and_marks() {
    let changes = diff("a <b> c d e f\n", "a <i> c d e f\n", 0);
    let mut out = String::new();
    for line in &changes.hunks[0].lines {
        line.html(&mut out);
        out.push('\n');
    }
    assert_eq!(out, "a &lt;<del>b</del>&gt; c d e f\na &lt;<ins>i</ins>&gt; c d e f\n");
}

fn texts() -> impl Strategy<Value = String> {
    "([ab](\n)?| é\n|word and word\n|\n){0,12}"
}

proptest! {
    #[test]
    fn both_texts_can_be_read_back(old in texts(), new in texts()) {
        let changes = diff(&old, &new, usize::MAX);
        let side = |side: Side| -> String {
            changes.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.side != side).map(|line| line.text).collect()
        };
        if old == new {
            prop_assert!(changes.hunks.is_empty());
        } else {
            prop_assert_eq!(side(Side::New), old.as_str());
            prop_assert_eq!(side(Side::Old), new.as_str());
        }
    }

    #[test]
    fn ranges_are_in_order_and_whole_characters(old in "\\PC{0,40}\n\\PC{0,40}", new in "\\PC{0,40}\n\\PC{0,40}") {
        for line in diff(&old, &new, 0).hunks.iter().flat_map(|hunk| &hunk.lines) {
            let mut done = 0;
            for word in &line.words {
                prop_assert!(word.start >= done && !word.is_empty());
                prop_assert!(line.text.get(word.clone()).is_some());
                done = word.end;
            }
        }
    }
}

/// The least processor time of both, once it is in order or after some tries: other work on the machine disturbs it.
pub(crate) fn growth(short: impl Fn(), long: impl Fn()) -> (Duration, Duration) {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.try_into().expect("positive"), time.tv_nsec.try_into().expect("positive"))
    };
    let measure = |run: &dyn Fn()| {
        let start = now();
        run();
        now() - start
    };
    let (mut few, mut many) = (measure(&short), measure(&long));
    for _ in 0..5 {
        if many < few * 8 {
            break;
        }
        (few, many) = (few.min(measure(&short)), many.min(measure(&long)));
    }
    (few, many)
}

type Pair = fn(usize) -> (String, String);

/// Lines chosen by a number that is made anew each time (a linear congruential generator).
fn lines(seed: u64, count: usize, kinds: u64) -> String {
    let mut state = seed;
    let mut line = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{}\n", (state >> 33) % kinds)
    };
    (0..count).map(|_| line()).collect()
}

const PAIRS: &[(&str, Pair)] = &[
    ("equal", |n| ("a\n".repeat(n), "a\n".repeat(n))),
    ("nothing in common", |n| ("a\n".repeat(n), "b\n".repeat(n))),
    ("two kinds of lines", |n| (lines(1, n, 2), lines(2, n, 2))),
    ("ten kinds of lines", |n| (lines(1, n, 10), lines(2, n, 10))),
    ("many kinds of lines", |n| (lines(1, n, 1000), lines(2, n, 1000))),
    ("other lines all", |n| (lines(1, n, u64::MAX), lines(2, n, u64::MAX))),
    ("turned round", |n| {
        let text = lines(1, n, u64::MAX);
        let turned: Vec<&str> = text.lines().rev().collect();
        let turned = turned.join("\n");
        (text, turned)
    }),
    ("every other line", |n| ("a\nb\n".repeat(n / 2), "a\nc\n".repeat(n / 2))),
    ("moved", |n| ("a\n".repeat(n) + &"b\n".repeat(n), "b\n".repeat(n) + &"a\n".repeat(n))),
    ("one line of words", |n| (lines(1, n, 2).replace('\n', " "), lines(2, n, 2).replace('\n', " "))),
    ("one line of other words", |n| (lines(1, n, 1 << 40).replace('\n', " "), lines(2, n, 1 << 40).replace('\n', " "))),
    ("one long word", |n| ("a".repeat(n), "a".repeat(n + 1))),
    ("marks", |n| ("\u{301}".repeat(n), "\u{302}".repeat(n))),
];

#[test]
fn no_pair_of_texts_takes_more_than_its_share_of_time() {
    for (name, make) in PAIRS {
        let ((a, b), (c, d)) = (make(2_000), make(8_000));
        let run = |old: &str, new: &str| {
            std::hint::black_box(diff(old, new, 3));
            std::hint::black_box(crate::merge::merge(old, new, &new.replace('1', "2")));
        };
        let (few, many) = growth(|| run(&a, &b), || run(&c, &d));
        assert!(many < few * 11, "{name}: {few:?}, and for four times the text {many:?}");
    }
}

#[test]
fn lines_that_stand_everywhere_still_frame_small_changes() {
    let old = "a\nb\n".repeat(5_000);
    let new = format!("{}c\n{}", &old[..10_000], &old[10_000..]);
    let changes = diff(&old, &new, 0);
    assert_eq!((changes.added, changes.removed), (1, 0));
    let old: String = (0..4_000).map(|n| format!("{n}\n\n\n")).collect();
    let new = old.replace("\n2000\n\n", "\n2000\nx\n");
    let changes = diff(&old, &new, 0);
    assert_eq!((changes.added, changes.removed), (1, 1));
}
