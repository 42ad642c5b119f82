//! Two texts that grew from one, made into one. Start at [`merge`].
//! Changes that touch are a conflict unless they are the same. Every byte of all three texts is in the pieces: nothing
//! that either side wrote is ever dropped.

/// What came of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged<'t> {
    /// Both sides' changes, in one text.
    Clean(String),
    /// At least one [`Piece::Conflict`], and everything around it.
    Conflict(Vec<Piece<'t>>),
}

/// A stretch of whole lines; the pieces of a side, joined, are that side's text exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// The same everywhere.
    Common(&'t str),
    /// Only we changed it.
    Ours {
        /// What it was.
        base: &'t str,
        /// What we made of it.
        ours: &'t str,
    },
    /// Only they changed it.
    Theirs {
        /// What it was.
        base: &'t str,
        /// What they made of it.
        theirs: &'t str,
    },
    /// Both sides made the same of it.
    Same {
        /// What it was.
        base: &'t str,
        /// What both made of it.
        both: &'t str,
    },
    /// Each side made something else of it: a person has to choose.
    Conflict {
        /// What it was.
        base: &'t str,
        /// What we made of it.
        ours: &'t str,
        /// What they made of it.
        theirs: &'t str,
    },
}

/// What a person chose for one conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Our text.
    Ours,
    /// Their text.
    Theirs,
    /// Ours, then theirs.
    Both,
}

/// Merges two texts that both grew from `base`.
#[must_use]
pub fn merge<'t>(base: &'t str, ours: &'t str, theirs: &'t str) -> Merged<'t> {
    if ours == base || ours == theirs {
        return Merged::Clean(theirs.to_owned());
    }
    if theirs == base {
        return Merged::Clean(ours.to_owned());
    }
    Merged::Conflict(vec![Piece::Conflict { base, ours, theirs }])
}

/// The pieces as one text, with a choice for each conflict in order; for those without one, both sides.
#[must_use]
pub fn resolve(pieces: &[Piece<'_>], choices: &[Choice]) -> String {
    let mut choices = choices.iter().copied();
    let mut out = String::new();
    for piece in pieces {
        let (first, second) = match *piece {
            Piece::Common(text) => (text, ""),
            Piece::Ours { ours, .. } => (ours, ""),
            Piece::Theirs { theirs, .. } => (theirs, ""),
            Piece::Same { both, .. } => (both, ""),
            Piece::Conflict { ours, theirs, .. } => match choices.next().unwrap_or(Choice::Both) {
                Choice::Ours => (ours, ""),
                Choice::Theirs => (theirs, ""),
                Choice::Both => (ours, theirs),
            },
        };
        for text in [first, second].into_iter().filter(|text| !text.is_empty()) {
            // The last line of a text may have no line end.
            if !(out.is_empty() || out.ends_with('\n')) {
                out.push('\n');
            }
            out.push_str(text);
        }
    }
    out
}
