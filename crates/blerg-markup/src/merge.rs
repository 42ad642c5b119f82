//! Two texts that grew from one, made into one. Start at [`merge`].
//! Changes that touch are a conflict unless they are the same. Every byte of all three texts is in the pieces: nothing
//! that either side wrote is ever dropped.

use std::ops::Range;

use crate::diff::{Lines, changed};

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
    let pieces = pieces(&Sides { base: Lines::of(base), ours: Lines::of(ours), theirs: Lines::of(theirs) });
    if pieces.iter().any(|piece| matches!(piece, Piece::Conflict { .. })) {
        Merged::Conflict(pieces)
    } else {
        Merged::Clean(resolve(&pieces, &[]))
    }
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

struct Sides<'t> {
    base: Lines<'t>,
    ours: Lines<'t>,
    theirs: Lines<'t>,
}

/// One side's changes, and how far they have been followed.
struct Walk {
    changes: std::vec::IntoIter<(Range<usize>, Range<usize>)>,
    /// The line of the base and that of the side which the next unchanged line is.
    base: usize,
    side: usize,
}

impl Walk {
    fn new(base: &Lines<'_>, side: &Lines<'_>) -> Self {
        Walk { changes: changed(&base.lines, &side.lines).into_iter(), base: 0, side: 0 }
    }

    /// Where the next change begins in the base.
    fn next_start(&self) -> Option<usize> {
        self.changes.as_slice().first().map(|(base, _)| base.start)
    }

    /// Takes the changes that begin up to a line of the base, and gives the last line that they touch.
    fn take(&mut self, up_to: usize) -> Option<usize> {
        let mut end = None;
        while self.next_start().is_some_and(|start| start <= up_to) {
            let (base, side) = self.changes.next()?;
            (self.base, self.side) = (base.end, side.end);
            end = Some(base.end);
        }
        end
    }

    /// The side's line that stands for a line of the base that no change covers.
    fn line(&self, base: usize) -> usize {
        self.side + (base - self.base)
    }
}

/// The three texts in step: unchanged lines, and regions in which changes of either side touch each other.
fn pieces<'t>(sides: &Sides<'t>) -> Vec<Piece<'t>> {
    let (mut ours, mut theirs) = (Walk::new(&sides.base, &sides.ours), Walk::new(&sides.base, &sides.theirs));
    let mut pieces = Vec::new();
    let mut done = 0;
    while let Some(start) = [ours.next_start(), theirs.next_start()].into_iter().flatten().min() {
        let common = sides.base.slice(&(done..start));
        if !common.is_empty() {
            pieces.push(Piece::Common(common));
        }
        let (ours_start, theirs_start) = (ours.line(start), theirs.line(start));
        let (mut end, mut by_us, mut by_them) = (start, false, false);
        loop {
            let (we, they) = (ours.take(end), theirs.take(end));
            by_us |= we.is_some();
            by_them |= they.is_some();
            let Some(further) = we.max(they) else { break };
            end = end.max(further);
        }
        let base = sides.base.slice(&(start..end));
        let our = sides.ours.slice(&(ours_start..ours.line(end)));
        let their = sides.theirs.slice(&(theirs_start..theirs.line(end)));
        match (by_us, by_them) {
            (true, false) => pieces.push(Piece::Ours { base, ours: our }),
            (false, _) => pieces.push(Piece::Theirs { base, theirs: their }),
            (true, true) if our == their => pieces.push(Piece::Same { base, both: our }),
            (true, true) => conflict(base, our, their, &mut pieces),
        }
        done = end;
    }
    let common = sides.base.slice(&(done..sides.base.lines.len()));
    if !common.is_empty() {
        pieces.push(Piece::Common(common));
    }
    pieces
}

/// A conflict, less the lines at either end on which both sides agree.
fn conflict<'t>(base: &'t str, ours: &'t str, theirs: &'t str, pieces: &mut Vec<Piece<'t>>) {
    let pairs = ours.split_inclusive('\n').zip(theirs.split_inclusive('\n'));
    let head: usize = pairs.take_while(|(our, their)| our == their).map(|(our, _)| our.len()).sum();
    let (head, ours) = ours.split_at(head);
    let theirs = theirs.get(head.len()..).unwrap_or_default();
    let tail: usize = ours
        .split_inclusive('\n')
        .rev()
        .zip(theirs.split_inclusive('\n').rev())
        .take_while(|(our, their)| our == their)
        .map(|(our, _)| our.len())
        .sum();
    let (ours, tail) = ours.split_at(ours.len() - tail);
    let theirs = theirs.get(..theirs.len() - tail.len()).unwrap_or_default();
    let agreed = |both| Piece::Same { base: "", both };
    pieces.extend((!head.is_empty()).then(|| agreed(head)));
    pieces.push(Piece::Conflict { base, ours, theirs });
    pieces.extend((!tail.is_empty()).then(|| agreed(tail)));
}

#[cfg(test)]
mod tests;
