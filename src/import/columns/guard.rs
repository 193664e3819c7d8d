//! What is looked for in the cells of a column that says nothing of who wants messages, as far as anybody knows.
//!
//! A column is judged by the rows that were looked at beforehand. What a later row has there, and none of these had, nobody has
//! seen: neither `'*'` nor a name like `label.tier` covers it.

use super::Why;
use super::names;
use super::survey::{Held, is_answer};
use crate::model::blank::is_blank;

/// What is looked for in the cells of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// A refusal counts although the column is ignored: nobody has named it.
    pub hears_refusals: bool,
    late: Late,
}

/// What a later row cannot have there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Late {
    #[default]
    Nothing,
    /// A yes or a no, since there was none.
    Answers,
    /// Whatever it is, since nothing stood there.
    All,
}

impl Guard {
    /// What is looked for in a column that is read for this reason. `is_whole` says that all rows were looked at.
    pub fn of(held: &Held, why: Why, is_whole: bool) -> Guard {
        let late = match why {
            _ if is_whole || names::is_harmless(&held.name) => Late::Nothing,
            Why::AllLabels | Why::AllIgnored if held.spoken == 0 => Late::All,
            Why::AllLabels | Why::AllIgnored | Why::LabelName if held.answers == 0 => Late::Answers,
            _ => Late::Nothing,
        };
        Guard { hears_refusals: why == Why::AllIgnored, late }
    }

    /// Whether a cell has what nobody has seen.
    pub fn refuses(self, cell: &str) -> bool {
        match self.late {
            Late::Nothing => false,
            Late::Answers => is_answer(cell),
            Late::All => !is_blank(cell),
        }
    }
}
