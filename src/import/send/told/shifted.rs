//! What can be known of a row whose cells have moved.

use super::Told;
use crate::import::columns::Columns;
use crate::import::columns::field::Field;
use crate::import::columns::status::{self, Said};
use crate::import::send::cell::unguarded;
use crate::model::change::RowStatus;
use crate::model::phone::{Region, normalize};

impl<'c> Told<'c> {
    /// What can be known of a row with more cells than the header has: a delimiter inside a cell has moved those behind it, and
    /// nobody knows which. So an opt-out counts where a word says so under the heading of a status or as far behind as it can have
    /// moved, and a phone where there is only one.
    pub fn shifted(self, cells: &[(usize, &'c str)], columns: &Columns, region: Option<Region>) -> Told<'c> {
        let mut told = self;
        let surplus = cells.iter().map(|(at, _)| at + 1).max().unwrap_or(0).saturating_sub(columns.len());
        // Without its country, which may have moved as well, a number is nobody's.
        let region = region.filter(|_| !columns.has(&Field::Region));
        let mut phones = Vec::new();
        for &(at, cell) in cells {
            let may_be = |field: &Field| (at.saturating_sub(surplus)..=at).any(|from| columns.field(from) == field);
            if may_be(&Field::Phone)
                && let Ok(phone) = normalize(cell, region)
                && !phones.contains(&phone)
            {
                phones.push(phone);
                told.phone = cell;
            }
            if [Field::Status, Field::Consent, Field::OptOut].iter().any(may_be)
                && let said @ Some(Said::Status(RowStatus::OptedOut | RowStatus::Suppressed | RowStatus::Invalid)) =
                    status::status(unguarded(cell).trim())
            {
                // It is known, so that it is heard.
                let _ = told.hear(at, said);
            }
        }
        told.other_phones.clear();
        if phones.len() != 1 {
            told.phone = "";
        }
        told
    }
}
