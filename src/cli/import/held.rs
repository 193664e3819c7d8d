//! What the first cells of a column hold.

use super::{consent, status};
use crate::model::phone::Region;

/// What the first cells of a column hold: how many of them hold what.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// A word by which somebody wants no messages.
    pub refusal: Option<String>,
    cells: usize,
    regions: usize,
    /// Cells in which something is known.
    known: usize,
    /// Yes or no alone.
    answers: usize,
    /// A no, or a refusal.
    noes: usize,
    /// Objects in which a key speaks of consent or of messages.
    speaking_objects: usize,
    /// Objects, answers and words for a status, without digits.
    words: usize,
    /// Digits that are no answer.
    numbers: usize,
}

impl Held {
    /// Looks at one cell more of the column with this heading.
    pub fn see(&mut self, heading: &str, cell: &str) {
        if cell.trim().is_empty() {
            return;
        }
        self.cells += 1;
        self.regions += usize::from(region(cell).is_some());
        if status::is_blank(cell) {
            return;
        }
        let is_object = cell.trim_start().starts_with('{');
        let is_refusal = status::is_refusal(cell);
        let is_word = is_refusal || status::consent(cell).is_some();
        let has_digits = cell.chars().any(|char| char.is_ascii_digit());
        self.known += 1;
        self.answers += usize::from(status::yes_or_no(cell).is_some());
        self.noes += usize::from(status::says_no(cell));
        self.speaking_objects += usize::from(consent::object_speaks(heading, cell));
        self.words += usize::from(is_object || (is_word && (!has_digits || cell.trim() == "0")));
        self.numbers += usize::from(has_digits && !is_object && !is_word);
        if self.refusal.is_none() && is_refusal {
            self.refusal = Some(cell.trim().to_owned());
        }
    }

    /// Whether something is known in any cell.
    pub fn is_known(&self) -> bool {
        self.known > 0
    }

    /// Whether there are country codes alone.
    pub fn are_regions(&self) -> bool {
        self.regions == self.cells
    }

    /// Whether it answers a question: yes or no, and nothing else.
    pub fn answers(&self) -> bool {
        self.is_known() && self.answers == self.known
    }

    pub fn says_no(&self) -> bool {
        self.noes > 0
    }

    pub fn has_speaking_object(&self) -> bool {
        self.speaking_objects > 0
    }

    /// Whether these are no phone numbers, but words for a consent.
    pub fn is_no_phone(&self) -> bool {
        self.words > 0 && self.numbers == 0
    }
}

/// A two-letter country code, in either case.
pub fn region(cell: &str) -> Option<Region> {
    let cell = cell.trim();
    if cell.len() == 2 { Region::parse(&cell.to_ascii_uppercase()) } else { None }
}
