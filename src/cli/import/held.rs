//! What the first cells of a column hold.

use super::status;
use crate::model::phone::Region;

/// What the first cells of a column hold.
#[derive(Clone, Debug)]
pub struct Held {
    /// Country codes alone.
    pub regions: bool,
    /// A word by which somebody wants no messages.
    pub refusal: Option<String>,
    /// Yes or no alone.
    yes_or_no: bool,
    anything: bool,
}

impl Default for Held {
    fn default() -> Held {
        Held { regions: true, refusal: None, yes_or_no: true, anything: false }
    }
}

impl Held {
    /// Looks at one cell more.
    pub fn see(&mut self, cell: &str) {
        if cell.trim().is_empty() {
            return;
        }
        self.anything = true;
        self.regions &= region(cell).is_some();
        self.yes_or_no &= status::yes_or_no(cell).is_some();
        if self.refusal.is_none() && status::is_refusal(cell) {
            self.refusal = Some(cell.trim().to_owned());
        }
    }

    /// Whether it answers a question: yes or no, and nothing else.
    pub fn answers(&self) -> bool {
        self.anything && self.yes_or_no
    }
}

/// A two-letter country code, in either case.
pub fn region(cell: &str) -> Option<Region> {
    let cell = cell.trim();
    if cell.len() == 2 { Region::parse(&cell.to_ascii_uppercase()) } else { None }
}
