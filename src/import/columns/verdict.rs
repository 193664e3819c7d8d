//! The verdicts in contactd's own exports. They follow from the columns beside them, but for those that leave something open.

use super::field::Field;
use super::survey::Held;
use super::{Columns, Why, names};
use crate::error::{Error, Result};
use crate::model::verdict::Reason;

impl Columns {
    /// Whether a column has the verdicts of contactd's own export, and nobody said what to do with it.
    pub(super) fn is_of_verdicts(&self, at: usize) -> bool {
        self.is_export
            && self.whys[at] == Why::KnownName
            && matches!(names::known(&self.names[at]), Some((Field::Ignore, _)))
    }

    /// Refuses a file that a contactd behind a fence has written: it says active of people who may have refused since.
    pub(super) fn refuse_fenced(&self, own: usize, held: &[Held]) -> Result<()> {
        let verdicts = (0..own).filter(|&at| self.is_of_verdicts(at)).filter_map(|at| held[at].values());
        if self.forbids() || !verdicts.flatten().any(|(verdict, _)| verdict == Reason::Fenced.word()) {
            return Ok(());
        }
        Err(Error::bad_arg(
            "contactd wrote this file behind a fence (verdict: fenced): it did not know who opted out last, and who is active there may \
             have refused since. Export again after UNFENCE. If you know better, say --map verdict=unread",
        ))
    }
}
