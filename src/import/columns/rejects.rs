//! The columns that contactd itself puts behind the rows that it rejects.

use super::{Columns, Why};

/// The columns that a file of rejected rows has behind its own. Older files have the first two.
pub const REJECTS_COLUMNS: [&str; 3] = ["line", "reason", "column"];
const OLD_MANY: usize = 2;
/// The place of the reason among them.
pub const REASON: usize = 1;

/// How many of the columns of a table are these.
pub(super) fn columns_of(names: &[String]) -> usize {
    let end_so = |many: &usize| names.len() > *many && names[names.len() - many..] == REJECTS_COLUMNS[..*many];
    (OLD_MANY..=REJECTS_COLUMNS.len()).find(end_so).unwrap_or(0)
}

impl Columns {
    /// Whether contactd itself put a column behind the rows that it rejected.
    pub fn is_of_rejects(&self, at: usize) -> bool {
        self.why(at) == Why::Rejects
    }

    /// Whether it put the reason there.
    pub fn is_old_reason(&self, at: usize) -> bool {
        at == self.own() + REASON
    }

    /// How many columns of a table are the rows' own.
    pub fn own(&self) -> usize {
        self.len() - self.behind_rows
    }
}
