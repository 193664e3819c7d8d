//! What is wrong with a row, and the cell that is meant.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use crate::error::excerpt;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub why: Refusal,
    /// The column of the cell that is meant; none where it is about the row as a whole.
    pub column: Option<usize>,
}

impl From<Refusal> for Fault {
    /// Of the row as a whole.
    fn from(why: Refusal) -> Fault {
        Fault { why, column: None }
    }
}

impl Refusal {
    /// The same of the cell of a column.
    pub fn at(self, column: usize) -> Fault {
        Fault { why: self, column: Some(column) }
    }
}

/// The cells for which rows were rejected, by their columns.
#[derive(Clone, Debug, Default)]
pub struct FaultyCells {
    columns: BTreeMap<usize, FaultyColumn>,
}

/// The cells of one column for which rows were rejected.
#[derive(Clone, Debug, Default)]
pub struct FaultyColumn {
    pub rows: u64,
    /// What stands in some of them, each something else.
    pub examples: Vec<String>,
}

/// So many examples show what is meant.
const EXAMPLES_MAX: usize = 2;
/// In so many cells of a column they are looked for.
const LOOKED_AT_MAX: u64 = 100;

impl FaultyCells {
    /// Counts a cell of a column. `text` tells what stands there, if it is asked.
    pub fn add(&mut self, column: usize, text: impl FnOnce() -> Option<String>) {
        let faulty = self.columns.entry(column).or_default();
        faulty.rows += 1;
        if faulty.examples.len() == EXAMPLES_MAX || faulty.rows > LOOKED_AT_MAX {
            return;
        }
        let example = text().map(|text| excerpt(text.trim().as_bytes())).filter(|example| !example.is_empty());
        faulty.examples.extend(example.filter(|example| !faulty.examples.contains(example)));
    }

    /// Forgets what stands in them.
    pub fn forget_examples(&mut self) {
        self.columns.values_mut().for_each(|faulty| faulty.examples.clear());
    }

    /// The columns, those first that have the most of them.
    pub fn columns(&self) -> Vec<(usize, &FaultyColumn)> {
        let mut columns: Vec<_> = self.columns.iter().map(|(at, faulty)| (*at, faulty)).collect();
        columns.sort_by_key(|(_, faulty)| std::cmp::Reverse(faulty.rows));
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_with_different_examples() {
        let mut cells = FaultyCells::default();
        for text in ["Rex", "Rex ", "", "Max", "Tom"] {
            cells.add(7, || Some(text.to_owned()));
        }
        cells.add(1, || None);
        let told: Vec<_> =
            cells.columns().into_iter().map(|(at, faulty)| (at, faulty.rows, faulty.examples.join("|"))).collect();
        assert_eq!(told, [(7, 5, "Rex|Max".to_owned()), (1, 1, String::new())]);
    }
}
