//! Rewriting a store: an engine gives space back slowly, and a new file has only what is there.

use crate::error::{Error, Result};
use crate::limits::BATCH_WRITES_MAX;
use crate::store::engine::{Batch, DiskEngine, Engine, after, pages};

/// What a rewriting did.
pub struct Rewritten {
    /// Values that were written.
    pub values: u64,
    /// The size of the old file.
    pub bytes_before: u64,
    /// The size of the new one.
    pub bytes_after: u64,
}

/// Writes every value of a store that nobody has open into a new one beside it, in the order of their keys, compares the
/// two, and swaps them. A crash at any moment leaves the old or the new one whole.
pub fn rewrite(old: DiskEngine) -> Result<Rewritten> {
    let bytes_before = old.size();
    let new = old.beside()?;
    let mut values = 0;
    for rows in pages(&old, BATCH_WRITES_MAX) {
        let rows = rows?;
        values += rows.len() as u64;
        let mut batch = Batch::new(0);
        for (key, value) in &rows {
            batch.put(key, value);
        }
        new.apply(&batch)?;
    }
    let mut left = vec![0]..vec![u8::MAX];
    loop {
        let rows = old.scan(&left, BATCH_WRITES_MAX)?;
        if new.scan(&left, BATCH_WRITES_MAX)? != rows {
            return Err(Error::internal("the new store differs from the old one; the old one stays"));
        }
        let Some((last, _)) = rows.last() else { break };
        left.start = after(last);
    }
    let bytes_after = new.size();
    old.replace_by(new)?;
    Ok(Rewritten { values, bytes_before, bytes_after })
}
