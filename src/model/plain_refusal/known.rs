//! What a thread has read before, of what is not silent: labels have few values as a rule, and reading one takes a microsecond or
//! more.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Cells that a thread remembers. What is different in each row is read each time.
const CELLS_MAX: usize = 4_096;
/// Longer cells are read each time.
const CELL_BYTES_MAX: usize = 64;

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, bool, RandomState>> = RefCell::default();
}

/// Reads a cell, or says what it was read as before.
pub fn known(cell: &str, read: impl FnOnce(&str) -> bool) -> bool {
    if let Some(known) = KNOWN.with_borrow(|known| known.get(cell).copied()) {
        return known;
    }
    let refuses = read(cell);
    KNOWN.with_borrow_mut(|known| {
        if cell.len() <= CELL_BYTES_MAX && known.len() < CELLS_MAX {
            known.insert(cell.into(), refuses);
        }
    });
    refuses
}

#[cfg(test)]
mod tests {
    use super::super::is_plain_refusal;
    use super::*;

    #[test]
    fn a_cell_reads_the_second_time_as_the_first() {
        for _ in 0..2 {
            assert!(is_plain_refusal("opted out") && !is_plain_refusal("gold") && !is_plain_refusal(""));
        }
        for number in 0..2 * CELLS_MAX {
            assert!(!is_plain_refusal(&format!("call Anna {number}")));
        }
        assert!(is_plain_refusal("no sms") && KNOWN.with_borrow(HashMap::len) == CELLS_MAX);
    }
}
