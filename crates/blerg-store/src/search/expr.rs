//! Turns a query into FTS5's match expression. Start at [`match_expression`]. Whatever a visitor typed stands inside
//! quoted strings, so it cannot become syntax. Everything but words is a token of the `meta` column: who wrote it,
//! its tags and mentions, and its day, month and year, so that each filter is one more sorted list to intersect.

use blerg_log::AuthorId;

use super::{SearchQuery, fold};

/// Most terms of one query: a search holds a worker for as long as it takes.
pub(crate) const TERMS_MAX: usize = 64;

/// The token that every record has.
const EVERY: &str = "all";

const US_PER_DAY: u64 = 86_400 * 1_000_000;

/// First year of the calendar of microseconds.
const YEAR_FIRST: i64 = 1970;

/// Last year looked for where no end is given: nothing can be dated later than a day from now.
const YEAR_LAST: i64 = 2200;

/// The expression, or `None` if nothing can match.
pub(crate) fn match_expression(query: &SearchQuery, from: Option<AuthorId>) -> Option<String> {
    let texts = query.words.iter().chain(&query.phrases);
    let body: Vec<String> = texts.filter_map(|text| quoted(text)).collect();
    let mut meta: Vec<String> = Vec::new();
    meta.extend(from.map(|author| format!("\"{}\"", author_token(author))));
    meta.extend(query.tags.iter().map(|tag| format!("\"{}\"", tag_token('h', tag))));
    meta.extend(query.mentions.iter().map(|name| format!("\"{}\"", tag_token('m', name))));
    if query.after_us.is_some() || query.before_us.is_some() {
        meta.push(date_cover(query.after_us, query.before_us)?);
    }
    let asked = query.words.len() + query.phrases.len();
    if body.is_empty() && meta.is_empty() && asked > 0 {
        // Only punctuation was asked for.
        return None;
    }
    if meta.is_empty() && body.is_empty() {
        meta.push(format!("\"{EVERY}\""));
    }
    let mut parts = Vec::new();
    if !body.is_empty() {
        parts.push(format!("body : ({})", body.join(" AND ")));
    }
    if !meta.is_empty() {
        parts.push(format!("meta : ({})", meta.join(" AND ")));
    }
    let wanted = parts.join(" AND ");
    let unwanted: Vec<String> = query.exclude.iter().filter_map(|text| quoted(text)).collect();
    if unwanted.is_empty() {
        return Some(wanted);
    }
    Some(format!("({wanted}) NOT (body : ({}))", unwanted.join(" OR ")))
}

/// How many terms a query has.
pub(crate) fn terms(query: &SearchQuery) -> usize {
    query.words.len() + query.phrases.len() + query.tags.len() + query.mentions.len() + query.exclude.len()
}

/// A word or phrase as FTS5's string; `None` if nothing of it is indexed.
pub(crate) fn quoted(text: &str) -> Option<String> {
    let folded = fold::fold(text);
    fold::has_token(&folded).then(|| format!("\"{}\"", folded.replace('"', " ")))
}

/// The token of who wrote it.
fn author_token(author: AuthorId) -> String {
    format!("a{}", author.0)
}

/// The token of a tag or mention: the two signs of the tag alphabet that are no letters stand as Greek ones.
fn tag_token(kind: char, name: &str) -> String {
    let mut token = String::from(kind);
    token.extend(name.chars().map(|c| match c {
        '-' => 'α',
        '_' => 'β',
        other => other.to_ascii_lowercase(),
    }));
    token
}

/// The `meta` column of a record.
pub(crate) fn meta<'t>(
    author: AuthorId,
    created_us: u64,
    tags: impl Iterator<Item = &'t str>,
    mentions: impl Iterator<Item = &'t str>,
) -> String {
    let date = Date::of(created_us);
    let mut meta = format!("{EVERY} {} {} {} {}", author_token(author), date.year(), date.month(), date.day());
    for token in tags.map(|tag| tag_token('h', tag)).chain(mentions.map(|name| tag_token('m', name))) {
        meta.push(' ');
        meta.push_str(&token);
    }
    meta
}

/// A day of the calendar (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// The day of a moment (Howard Hinnant's days-to-civil, for days from 1970-03-01's era on).
    fn of(us: u64) -> Date {
        let days = i64::try_from(us / US_PER_DAY).unwrap_or(i64::MAX / 2) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date { year, month, day: day_of_year - (153 * shifted + 2) / 5 + 1 }
    }

    fn year(self) -> String {
        format!("y{}", self.year)
    }

    fn month(self) -> String {
        format!("o{}{:02}", self.year, self.month)
    }

    fn day(self) -> String {
        format!("d{}{:02}{:02}", self.year, self.month, self.day)
    }
}

/// Years, months and days that together cover the days from `after_us` until before `before_us`, as alternatives.
/// `None` if there is no such day.
fn date_cover(after_us: Option<u64>, before_us: Option<u64>) -> Option<String> {
    let first = after_us.map_or(Date { year: YEAR_FIRST, month: 1, day: 1 }, Date::of);
    let last = match before_us {
        Some(before_us) => Date::of(before_us.checked_sub(1)?),
        None => Date { year: YEAR_LAST, month: 12, day: 31 },
    };
    if first > last {
        return None;
    }
    let mut tokens = Vec::new();
    for year in first.year..=last.year.min(YEAR_LAST) {
        let from = if year == first.year { (first.month, first.day) } else { (1, 1) };
        let to = if year == last.year { (last.month, last.day) } else { (12, 31) };
        cover_year(year, from, to, &mut tokens);
    }
    if tokens.is_empty() {
        return None;
    }
    let quoted: Vec<String> = tokens.iter().map(|token| format!("\"{token}\"")).collect();
    Some(format!("({})", quoted.join(" OR ")))
}

fn cover_year(year: i64, from: (i64, i64), to: (i64, i64), tokens: &mut Vec<String>) {
    if from == (1, 1) && to == (12, 31) {
        tokens.push(Date { year, month: 1, day: 1 }.year());
        return;
    }
    for month in from.0..=to.0 {
        let first = if month == from.0 { from.1 } else { 1 };
        // A month's cover may name days that it does not have.
        let last = if month == to.0 { to.1 } else { 31 };
        if (first, last) == (1, 31) {
            tokens.push(Date { year, month, day: 1 }.month());
        } else {
            tokens.extend((first..=last).map(|day| Date { year, month, day }.day()));
        }
    }
}

#[cfg(test)]
mod tests;
