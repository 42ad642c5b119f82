//! Time: a short input says what to repeat, and 48 KiB of that must not take long. Start at [`run`]. Work that grows faster than
//! the text shows at once.

use blerg_http::Form;
use blerg_markup::{Places, diff, merge, occurrences, post_html, post_title, wiki};

use crate::budget::within_ms;
use crate::input::Input;
use crate::page::Site;

const TEXT_BYTES: usize = 48 * 1024;

/// More than ten times what the slowest honest text of this length takes in a debug build.
const LIMIT_MS: u64 = 1_500;

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let (start, unit) = (usize::from(input.byte()) % 16, usize::from(input.byte()) % 24 + 1);
    let (start, unit, end) = (input.take(start), input.take(unit), input.rest());
    if unit.is_empty() || end.len() > 64 {
        return;
    }
    let mut bytes = start.to_vec();
    while bytes.len() < TEXT_BYTES {
        bytes.extend_from_slice(unit);
    }
    bytes.extend_from_slice(end);
    let text = &*String::from_utf8_lossy(&bytes);
    within_ms(LIMIT_MS, "48 KiB", || work(kind, text, &bytes));
}

fn work(kind: u8, text: &str, bytes: &[u8]) {
    match kind % 8 {
        0 => drop(wiki::render(text, &Site)),
        1 => drop((wiki::plain_text(text), wiki::sections(text), wiki::page_links(text))),
        2 => drop((wiki::rename_links(text, "a", "b"), wiki::rewrite_targets(text, &mut |_| Some("b c".to_owned())))),
        3 => drop((post_html(text, &Places { tag: "/t/", mention: "/u/" }), occurrences(text), post_title(text))),
        4 => drop(diff::diff(text, &changed(text, "a"), 3).hunks.len()),
        5 => drop(merge::merge(text, &changed(text, "a"), &changed(text, "b"))),
        6 => drop((Form::parse(None, bytes), Form::parse(Some(b"multipart/form-data; boundary=XbX"), bytes))),
        _ => drop(diff::diff(text, &text.chars().rev().collect::<String>(), 3).hunks.len()),
    }
}

/// Every third line is another.
fn changed(text: &str, with: &str) -> String {
    let lines = text.split_inclusive('\n').enumerate();
    lines.flat_map(|(at, line)| if at % 3 == 0 { [with, line] } else { ["", line] }).collect()
}
