//! A table of twtxt lines.

use super::*;

#[track_caller]
fn check(line: &str, want: Result<Option<(u64, &str)>, ()>) {
    let found = match from_line(line) {
        Ok(What::Record(written)) => Ok(Some((written.at_us.unwrap(), written.text))),
        Ok(What::Nothing) => Ok(None),
        Ok(other) => panic!("{other:?}"),
        Err(_) => Err(()),
    };
    assert_eq!(found, want.map(|found| found.map(|(at_us, text)| (at_us, text.to_owned()))), "{line:?}");
}

#[test]
fn lines_are_dates_and_texts() {
    let at = 1_234_567_890_000_000;
    check("2009-02-13T23:31:30Z\tHello", Ok(Some((at, "Hello"))));
    check("2009-02-13T23:31:30Z\tHello\twith tab ", Ok(Some((at, "Hello\twith tab "))));
    check("2009-02-13T23:31:30Z\ttwo\u{2028}lines", Ok(Some((at, "two\nlines"))));
    check(
        "2009-02-13T23:31:30Z\thi @<ada https://example.org/twtxt.txt> and @<https://x.example>",
        Ok(Some((at, "hi @ada and @<https://x.example>"))),
    );
    check("# nick = ada", Ok(None));
    check("", Ok(None));
    check("2009-02-13T23:31:30Z\t", Ok(None));
    check("2009-02-13T23:31:30Z Hello", Err(()));
    check("yesterday\tHello", Err(()));
}
