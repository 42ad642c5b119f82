//! Writes a script's answers down so that two sites' can be compared. Start at [`Script`]. Times, tokens and validators
//! become words; headers that web servers add are left out; the mount becomes `/`.

use std::fmt::Write as _;

use super::link_target;
use crate::front::Way;
use crate::http::{Ask, Reply};

/// Added or changed by web servers; none of them is ours.
const FOREIGN: [&str; 6] = ["server", "date", "connection", "keep-alive", "transfer-encoding", "accept-ranges"];
/// Keys in JSON whose values are times, or chosen at random.
const VARYING: [&str; 5] = ["timestamp", "edited", "created", "used", "id"];

/// A run of the script through one way in.
pub struct Script<'a> {
    pub way: &'a Way,
    pub tokens: Vec<(&'static str, String)>,
    lines: Vec<String>,
}

impl<'a> Script<'a> {
    pub fn new(way: &'a Way) -> Script<'a> {
        Script { way, tokens: Vec::new(), lines: Vec::new() }
    }

    pub fn finish(self) -> Vec<String> {
        self.lines
    }

    pub fn token(&self, name: &str) -> String {
        let found = self.tokens.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("{name} has logged in")).1.clone()
    }

    /// Asks and writes the answer down.
    #[track_caller]
    pub fn note(&mut self, ask: &Ask) -> Reply {
        let reply = self.way.ask(&ask.clone().header("User-Agent", "script"));
        let line = self.line(ask, &reply);
        self.lines.push(line);
        reply
    }

    /// The answer must have this status and contain `want`.
    #[track_caller]
    pub fn expect(&mut self, ask: &Ask, status: u16, want: &str) -> Reply {
        let reply = self.note(ask);
        let text = String::from_utf8_lossy(&reply.body);
        let fits = reply.status == status && text.contains(want);
        let text: String = text.chars().take(600).collect();
        assert!(
            fits,
            "{}: {} {}: want {status} and {want:?}, found {} {text}",
            self.way.name(),
            ask.method,
            ask.path,
            reply.status
        );
        reply
    }

    /// The same for somebody who is logged in; 200 or a 404 that says what does not exist.
    #[track_caller]
    pub fn expect_as(&mut self, name: &str, ask: &Ask, want: &str) -> Reply {
        let status = if matches!(want, "no_such_user") { 404 } else { 200 };
        self.expect(&ask.clone().with(&self.token(name)), status, want)
    }

    /// Where the next page is, relative to the mount.
    #[track_caller]
    pub fn next(&self, reply: &Reply) -> String {
        link_target(reply, self.way.site.url).to_owned()
    }

    fn line(&self, ask: &Ask, reply: &Reply) -> String {
        let mut headers: Vec<String> =
            reply.headers.iter().filter_map(|(name, value)| self.header(ask, reply, name, value)).collect();
        headers.sort();
        let mut line = format!("{} {} -> {}\n", ask.method, ask.path, reply.status);
        for header in headers {
            let _ = writeln!(line, "{header}");
        }
        let body = String::from_utf8_lossy(&reply.body);
        let _ = write!(line, "\n{}", VARYING.iter().fold(body.into_owned(), |text, key| blank(&text, key)));
        line
    }

    fn header(&self, ask: &Ask, reply: &Reply, name: &str, value: &str) -> Option<String> {
        if FOREIGN.contains(&name) {
            return None;
        }
        let here = format!("{}/", self.way.site.url);
        let value = match name {
            "etag" => "(tag)".to_owned(),
            // Of a list without entries; Apache takes the first second of 1970 for none.
            "last-modified" if value.contains(" 1970 ") => return None,
            "last-modified" => "(date)".to_owned(),
            // Servers add it to what we stream and leave it out of answers to HEAD; where it is, it must be right.
            "content-length" if ask.method == "HEAD" => return None,
            "content-length" => {
                assert_eq!(value, reply.body.len().to_string(), "{}: {}", self.way.name(), ask.path);
                return None;
            }
            "set-cookie" => {
                let (cookie, attributes) = value.split_once("; ").unwrap_or((value, ""));
                let cookie = if cookie.len() > "auth=".len() { "auth=(token)" } else { cookie };
                format!("{cookie}; {}", attributes.replace(&format!("Path={here}"), "Path=/"))
            }
            "link" => value.replacen(&format!("<{here}"), "</", 1),
            "vary" => {
                let own: Vec<&str> = value
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.eq_ignore_ascii_case("accept-encoding"))
                    .collect();
                if own.is_empty() {
                    return None;
                }
                own.join(", ")
            }
            _ => value.to_owned(),
        };
        Some(format!("{name}: {value}"))
    }
}

/// Replaces the number or string that stands behind a JSON key.
fn blank(text: &str, key: &str) -> String {
    let key = format!("\"{key}\":");
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&key) {
        let (before, after) = rest.split_at(at + key.len());
        out.push_str(before);
        out.push('_');
        let quoted = after.strip_prefix('"').and_then(|inner| inner.find('"')).map(|end| end + 2);
        let end = quoted.or_else(|| after.find(|c: char| !c.is_ascii_digit() && c != '.')).unwrap_or(after.len());
        rest = after.split_at(end).1;
    }
    out.push_str(rest);
    out
}
