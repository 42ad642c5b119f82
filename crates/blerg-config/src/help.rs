//! The text of `--help`, made of the table: [`help`].

use std::fmt::Write as _;

use crate::table::SETTINGS;

const WIDTH: usize = 92;
const INDENT: &str = "        ";

/// What a program is, how it is started, and all settings with their defaults.
#[must_use]
pub fn help(program: &str, what: &str, usage: &str) -> String {
    let mut out = format!("{program}: {what}\n\nusage: {program} {usage}\n\n");
    out.push_str("Settings, as flags or environment variables (a flag wins):\n\n");
    for setting in SETTINGS {
        // Writing to a String can't fail.
        let _ = writeln!(out, "  {} {}, {}", setting.flag, setting.value, setting.name);
        let mut text = setting.meaning.to_owned();
        if !setting.default.is_empty() {
            let _ = write!(text, " (default: {})", setting.default);
        }
        wrap(&text, &mut out);
    }
    out.push_str("\n  --help, --version\n");
    out
}

fn wrap(text: &str, out: &mut String) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column == 0 {
            out.push_str(INDENT);
            column = INDENT.len();
        } else if column + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(INDENT);
            column = INDENT.len();
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests;
