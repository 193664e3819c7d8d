//! The guard of label cells with a memory: a column has few values as a rule, and reading one takes time.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::plain_refusal::is_plain_refusal;

/// Cells that are remembered. What is different in each row is read each time.
const CELLS_MAX: usize = 4_096;
/// Longer cells are read each time.
const CELL_BYTES_MAX: usize = 64;

/// Which cells refuse messages, as [`is_plain_refusal`] reads them.
#[derive(Default)]
pub struct Guard(HashMap<Box<str>, bool, RandomState>);

impl Guard {
    /// Whether a cell says in itself that somebody wants no messages.
    pub fn refuses(&mut self, cell: &str) -> bool {
        if let Some(&refuses) = self.0.get(cell) {
            return refuses;
        }
        let refuses = is_plain_refusal(cell);
        if cell.len() <= CELL_BYTES_MAX && self.0.len() < CELLS_MAX {
            self.0.insert(cell.into(), refuses);
        }
        refuses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_reads_the_second_time_as_the_first() {
        let mut guard = Guard::default();
        for _ in 0..2 {
            assert!(guard.refuses("opted out") && !guard.refuses("gold") && !guard.refuses(""));
        }
        for number in 0..2 * CELLS_MAX {
            assert!(!guard.refuses(&format!("Anna {number}")));
        }
        assert!(guard.0.len() == CELLS_MAX && guard.refuses("no sms"));
    }
}
