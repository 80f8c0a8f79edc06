//! Sections of a text of bounded length, which gives up what matters least first.

use std::cmp::Reverse;

use crate::domain::markdown::length;

/// What is given up first, and what last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// A long list of packages.
    Packages,
    /// Pages that tell more.
    Links,
    /// What is only good to know.
    Note,
    /// Where each digest is from.
    Proof,
    /// Versions that leave the file.
    Leaving,
    /// The packages that matter most.
    FirstPackages,
    /// How much changed.
    Summary,
    /// Who vouches, in one line.
    Voucher,
    /// What a merge will do.
    Merge,
    /// A warning.
    Warning,
    /// An error.
    Error,
    /// What changes.
    Change,
}

impl Weight {
    /// Whether long ones go before short ones; of the others the last goes first.
    const fn is_by_length(self) -> bool {
        matches!(self, Self::Packages | Self::Proof | Self::FirstPackages)
    }
}

/// A piece of a section, whole or in shorter and shorter forms.
#[derive(Debug)]
pub(super) struct Piece {
    /// How much each form weighs and what it says, from the whole to the shortest; after that nothing is left.
    forms: Vec<(Weight, String)>,
    /// Lengths of the forms, since each is asked for many times.
    lengths: Vec<usize>,
    /// The form that is shown.
    at: usize,
}

impl Piece {
    pub(super) fn new(forms: Vec<(Weight, String)>) -> Self {
        let forms: Vec<_> = forms
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .collect();
        Self {
            lengths: forms.iter().map(|(_, text)| length(text)).collect(),
            forms,
            at: 0,
        }
    }

    fn text(&self) -> &str {
        self.forms.get(self.at).map_or("", |(_, text)| text)
    }

    fn length(&self) -> usize {
        self.lengths.get(self.at).copied().unwrap_or_default()
    }

    fn whole(&self) -> &str {
        self.forms.first().map_or("", |(_, text)| text)
    }

    const fn is_cut(&self) -> bool {
        self.at > 0
    }

    fn is_gone(&self) -> bool {
        self.is_cut() && self.at >= self.forms.len()
    }
}

/// A part of the text with a heading of its own.
#[derive(Debug)]
pub(super) struct Section {
    /// What stands above, heading and head of the table; ends with a line's end.
    pub(super) head: String,
    pub(super) pieces: Vec<Piece>,
}

impl Section {
    fn text(&self) -> String {
        if self.pieces.iter().all(|piece| piece.forms.is_empty()) {
            return String::new();
        }
        let mut text = self.head.clone();
        text.extend(self.pieces.iter().map(Piece::text));
        text.truncate(text.trim_end().len());
        text + "\n" + &self.left_out() + "\n"
    }

    fn left_out(&self) -> String {
        match self.pieces.iter().filter(|piece| piece.is_gone()).count() {
            0 => String::new(),
            count => format!("\n{count} more left out here\n"),
        }
    }

    fn length(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(Piece::length).sum();
        // With the longest line of what is left out, and the blank line at the end.
        length(&self.head) + pieces + LEFT_OUT + 1
    }

    /// The whole of what is not shown whole.
    fn rest(&self) -> String {
        let cut: String = self
            .pieces
            .iter()
            .filter(|piece| piece.is_cut())
            .map(Piece::whole)
            .collect();
        if cut.is_empty() {
            return cut;
        }
        format!("{}{}\n\n", self.head, cut.trim_end())
    }
}

/// The longest line of what is left out, up to as many pieces as a number counts.
const LEFT_OUT: usize = 45;

/// What fits, and the whole of what does not.
///
/// `note` is added at the end if something is cut. Always fits, if heads and note alone do.
pub(super) fn fitted(
    mut sections: Vec<Section>,
    note: &str,
    most: usize,
) -> (String, Option<String>) {
    let written = |sections: &[Section]| sections.iter().map(Section::text).collect::<String>();
    let whole = written(&sections);
    if length(&whole) <= most {
        return (whole, None);
    }
    let mut total: usize = sections.iter().map(Section::length).sum::<usize>() + length(note);
    for (section, piece) in order(&sections) {
        if total <= most {
            break;
        }
        let piece = &mut sections[section].pieces[piece];
        total -= piece.length();
        piece.at += 1;
        total += piece.length();
    }
    let rest = sections.iter().map(Section::rest).collect();
    (written(&sections) + note, Some(rest))
}

/// The pieces in the order in which they become shorter by a form: each as many times as it has forms.
fn order(sections: &[Section]) -> Vec<(usize, usize)> {
    let mut cuts = Vec::new();
    for (section, pieces) in sections.iter().map(|section| &section.pieces).enumerate() {
        for (at, piece) in pieces.iter().enumerate() {
            for ((weight, _), length) in piece.forms.iter().zip(&piece.lengths) {
                let by_length = if weight.is_by_length() { *length } else { 0 };
                cuts.push((*weight, Reverse((by_length, section, at))));
            }
        }
    }
    // Forms weigh more the shorter they are, so a piece's own stay in their order.
    cuts.sort_unstable();
    let cuts = cuts.into_iter();
    cuts.map(|(_, Reverse((_, section, at)))| (section, at))
        .collect()
}
