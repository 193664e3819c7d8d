//! What the first cells of a column hold.

use super::{consent, status};
use crate::model::phone::Region;

/// What the first cells of a column hold.
#[derive(Clone, Debug)]
pub struct Held {
    /// Country codes alone.
    pub regions: bool,
    /// A word by which somebody wants no messages.
    pub refusal: Option<String>,
    /// A no, or a refusal.
    pub says_no: bool,
    /// An object in which a key speaks of consent or of messages.
    pub speaking_object: bool,
    /// Yes, no, or a word for a status; or an object.
    words: bool,
    /// Digits that are no answer.
    numbers: bool,
    /// Yes or no alone.
    yes_or_no: bool,
    /// Something that is known.
    pub anything: bool,
}

impl Default for Held {
    fn default() -> Held {
        Held {
            regions: true,
            refusal: None,
            says_no: false,
            speaking_object: false,
            words: false,
            numbers: false,
            yes_or_no: true,
            anything: false,
        }
    }
}

impl Held {
    /// Looks at one cell more of the column with this heading.
    pub fn see(&mut self, heading: &str, cell: &str) {
        if cell.trim().is_empty() {
            return;
        }
        self.regions &= region(cell).is_some();
        if status::is_blank(cell) {
            return;
        }
        self.anything = true;
        self.yes_or_no &= status::yes_or_no(cell).is_some();
        self.says_no |= status::says_no(cell);
        self.speaking_object |= consent::object_speaks(heading, cell);
        let is_object = cell.trim_start().starts_with('{');
        let has_digits = cell.chars().any(|char| char.is_ascii_digit());
        let is_word = status::consent(cell).is_some() || status::is_refusal(cell);
        self.words |= is_object || (is_word && (!has_digits || cell.trim() == "0"));
        self.numbers |= has_digits && !is_object && !is_word;
        if self.refusal.is_none() && status::is_refusal(cell) {
            self.refusal = Some(cell.trim().to_owned());
        }
    }

    /// Whether it answers a question: yes or no, and nothing else.
    pub fn answers(&self) -> bool {
        self.anything && self.yes_or_no
    }

    /// Whether these are no phone numbers, but words for a consent.
    pub fn is_no_phone(&self) -> bool {
        self.words && !self.numbers
    }
}

/// A two-letter country code, in either case.
pub fn region(cell: &str) -> Option<Region> {
    let cell = cell.trim();
    if cell.len() == 2 { Region::parse(&cell.to_ascii_uppercase()) } else { None }
}
