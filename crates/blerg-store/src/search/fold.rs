//! Prepares text for the full-text index, the same way for what is indexed and what is looked for. Start at [`fold`].
//! SQLite's unicode61 tokenizer then folds case and Latin diacritics and splits at what is no letter or digit. What it
//! cannot do is done here: scripts written without spaces (Chinese, Japanese, Thai, ...) become one token a character,
//! so that a word in them is a phrase and two characters are found anywhere; emoji become tokens; the marks that
//! Arabic and Hebrew write or leave out, and spellings that differ only on the keyboard, fall together.

/// Marks an emoji's token: a private-use character, which unicode61 takes for a letter.
const EMOJI_MARK: char = '\u{E000}';

/// The text as the index sees it.
pub(crate) fn fold(text: &str) -> String {
    fold_noting(text, |_, _| {})
}

/// The same; `note` hears of each character that stays, where it begins in what comes out and where in `text`.
pub(crate) fn fold_noting(text: &str, mut note: impl FnMut(usize, usize)) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut before = Kind::Plain('\0');
    for (at, c) in text.char_indices() {
        let kind = Kind::of(c);
        match kind {
            Kind::Dropped => continue,
            Kind::Lone(c) => {
                out.push(' ');
                note(out.len(), at);
                out.push(c);
            }
            Kind::Emoji(c) => {
                out.push(' ');
                note(out.len(), at);
                out.push(EMOJI_MARK);
                out.push_str(&format!("{:x}", u32::from(c)));
            }
            Kind::Plain(c) => {
                if !matches!(before, Kind::Plain(_)) {
                    out.push(' ');
                }
                note(out.len(), at);
                out.push(c);
            }
            Kind::Mark(c) => {
                note(out.len(), at);
                out.push(c);
                continue;
            }
        }
        before = kind;
    }
    out
}

/// Whether folded text has anything that the index can find.
pub(crate) fn has_token(folded: &str) -> bool {
    folded.chars().any(|c| c.is_alphanumeric() || c == EMOJI_MARK)
}

/// What becomes of a character.
#[derive(Clone, Copy)]
enum Kind {
    /// Stays, as part of a word.
    Plain(char),
    /// Stays with the character before it, whatever that is.
    Mark(char),
    /// Is a word of its own.
    Lone(char),
    /// Is a word of its own, by number.
    Emoji(char),
    /// Makes no difference to a reader who searches.
    Dropped,
}

impl Kind {
    fn of(c: char) -> Kind {
        match c {
            '\0' => Kind::Plain(' '),
            ..='\u{AC}' => Kind::Plain(c),
            // Soft hyphen, zero-width characters, byte order mark, variation selectors, skin tones.
            '\u{AD}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2060}'
            | '\u{FEFF}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{1F3FB}'..='\u{1F3FF}' => Kind::Dropped,
            // Combining marks of Latin, Greek and Cyrillic: the composed letters lose theirs in unicode61.
            '\u{300}'..='\u{36F}' => Kind::Dropped,
            // Hebrew points and Arabic vowel signs, tatweel.
            '\u{591}'..='\u{5BD}' | '\u{5BF}' | '\u{5C1}' | '\u{5C2}' | '\u{5C4}' | '\u{5C5}' | '\u{5C7}' => {
                Kind::Dropped
            }
            '\u{610}'..='\u{61A}'
            | '\u{640}'
            | '\u{64B}'..='\u{65F}'
            | '\u{670}'
            | '\u{6D6}'..='\u{6DC}'
            | '\u{6DF}'..='\u{6E4}'
            | '\u{6E7}'
            | '\u{6E8}'
            | '\u{6EA}'..='\u{6ED}' => Kind::Dropped,
            '\u{622}' | '\u{623}' | '\u{625}' | '\u{671}' => Kind::Plain('\u{627}'),
            '\u{629}' => Kind::Plain('\u{647}'),
            '\u{649}' | '\u{6CC}' => Kind::Plain('\u{64A}'),
            '\u{6A9}' => Kind::Plain('\u{643}'),
            // Arabic-Indic and Persian digits.
            '\u{660}'..='\u{669}' => shifted(c, 0x660 - 0x30),
            '\u{6F0}'..='\u{6F9}' => shifted(c, 0x6F0 - 0x30),
            // Full-width ASCII.
            '\u{FF01}'..='\u{FF5E}' => shifted(c, 0xFEE0),
            _ if is_spaceless_mark(c) => Kind::Mark(c),
            _ if is_spaceless(c) => Kind::Lone(c),
            _ if is_emoji(c) => Kind::Emoji(c),
            _ => Kind::Plain(c),
        }
    }
}

/// The character so much lower in Unicode.
fn shifted(c: char, down: u32) -> Kind {
    Kind::Plain(char::from_u32(u32::from(c) - down).unwrap_or(c))
}

/// Vowel and tone signs of the scripts below, which stay with their letter.
fn is_spaceless_mark(c: char) -> bool {
    matches!(c,
        '\u{E31}' | '\u{E34}'..='\u{E3A}' | '\u{E47}'..='\u{E4E}' // Thai
        | '\u{EB1}' | '\u{EB4}'..='\u{EBC}' | '\u{EC8}'..='\u{ECE}' // Lao
        | '\u{102B}'..='\u{103E}' | '\u{1056}'..='\u{1059}' // Myanmar
        | '\u{17B4}'..='\u{17D3}' | '\u{17DD}' // Khmer
        | '\u{302A}'..='\u{302F}' | '\u{3099}' | '\u{309A}') // CJK, kana
}

/// Letters of scripts that do not put spaces between words. Hangul is among them because Korean glues particles to words.
fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{E01}'..='\u{E2E}' | '\u{E30}'..='\u{E46}' | '\u{E81}'..='\u{EC6}' | '\u{EDC}'..='\u{EDF}' // Thai, Lao
        | '\u{1000}'..='\u{102A}' | '\u{103F}' | '\u{1050}'..='\u{1055}' // Myanmar
        | '\u{1100}'..='\u{11FF}' | '\u{3131}'..='\u{318E}' | '\u{A960}'..='\u{A97C}' | '\u{AC00}'..='\u{D7FB}' // Hangul
        | '\u{1780}'..='\u{17B3}' // Khmer
        | '\u{2E80}'..='\u{2FD5}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3038}'..='\u{303B}' // CJK signs
        | '\u{3041}'..='\u{3096}' | '\u{309D}'..='\u{309F}' | '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}' // kana
        | '\u{3105}'..='\u{312F}' | '\u{31A0}'..='\u{31BF}' | '\u{31F0}'..='\u{31FF}' // bopomofo, small kana
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' // Han
        | '\u{FF66}'..='\u{FF9F}' | '\u{FFA1}'..='\u{FFDC}' // half-width kana, Hangul
        | '\u{1B000}'..='\u{1B16F}' | '\u{20000}'..='\u{323AF}') // kana supplement, Han extensions
}

/// Pictures that people use like words.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{2300}'..='\u{23FF}' | '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests;
