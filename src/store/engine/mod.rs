//! Where bytes are kept: ordered keys, atomic batches, one writer. Everything above an engine (records, indexes, history,
//! feed, gate) is the same for every engine.
//!
//! Reads are local and direct. Writes come through one place, [`super::write::Committer`].

mod batch;
mod checkpoint;
mod durable;
mod line;
mod lock;
mod memory;
mod memtable;
mod nudge;
mod origin;
mod private_dir;
mod pulse;
mod seal;
mod sled;
mod synced;
mod wal;

use std::ops::Range;

pub use self::sled::{Beside, DiskEngine};
pub use batch::Batch;
pub use checkpoint::THREAD_NAME as CHECKPOINT_THREAD_NAME;
pub use line::{replace_line, replace_private_line};
pub use memory::MemoryEngine;
pub use memtable::THREAD_NAME as MEMTABLE_THREAD_NAME;
pub use private_dir::make_private;

use crate::error::Result;

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Keys from the first one to before the second.
pub type Keys = Range<Vec<u8>>;

/// What an engine could compare with, to tell that it is whole. Somebody may have removed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wholeness {
    /// How many batches were durable, and which file they are in.
    Known,
    /// The first of these alone.
    AnyFile,
    /// Not even that.
    Unknown,
}

/// Ordered keys with values of at most [`crate::limits::VALUE_BYTES_MAX`] bytes.
///
/// After a crash an engine has every batch up to the last one that [`Engine::sync`] covered, and of the later ones the
/// first few, each whole or not at all: it never keeps a batch and loses one before it.
pub trait Engine: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Brings a value into the engine's cache, if it has one.
    fn warm(&self, key: &[u8]) {
        // If this fails, it fails for whoever wants the value, too.
        let _ = self.get(key);
    }

    /// The first rows of a range, at most `limit`, in the order of their keys. This is not a snapshot: rows that change
    /// meanwhile may show either state.
    fn scan(&self, keys: &Keys, limit: usize) -> Result<Vec<Row>>;

    /// The last row of a range.
    fn last(&self, keys: &Keys) -> Result<Option<Row>>;

    /// Makes a batch visible, all of it or nothing. A crash may still lose it.
    fn apply(&self, batch: &Batch) -> Result<()>;

    /// Makes durable whatever was applied. `newest` is the number of the newest batch.
    fn sync(&self, newest: u64) -> Result<()>;

    /// Makes a batch visible and durable, and with it all that were applied before.
    fn commit(&self, batch: &Batch) -> Result<()> {
        self.apply(batch)?;
        self.sync(batch.number())
    }

    /// Refuses a store that ends before batches that were durable, or that is a copy of one that was written to meanwhile:
    /// opt-outs would be missing. `newest` is the number of the newest batch that is there. Changes nothing.
    fn check_complete(&self, newest: u64) -> Result<Wholeness>;

    /// From now on the next [`Engine::check_complete`] can tell. Comes behind it; `newest` is the number of the newest batch.
    fn mark_open(&self, newest: u64) -> Result<()>;

    /// What the free space allows.
    fn space(&self) -> Space;

    /// Bytes that are free for the store; none where the system does not tell it.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// Bytes that the store takes.
    fn size(&self) -> u64;
}

/// What the free space allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Everything.
    Plenty,
    /// Forbidding writes only.
    Low,
    /// Nothing.
    None,
}

/// Rows of one page at the beginning of a scan, which may want only a few.
const PAGE_ROWS_MIN: usize = 16;
/// Rows of one page of a long scan.
const PAGE_ROWS_MAX: usize = 256;

/// All rows of a range, read page by page.
pub fn rows(engine: &dyn Engine, keys: Keys) -> impl Iterator<Item = Result<Row>> + '_ {
    let mut left = Some(keys);
    let mut page = Vec::new().into_iter();
    let mut page_rows = PAGE_ROWS_MIN;
    std::iter::from_fn(move || {
        if page.len() == 0
            && let Some(keys) = &mut left
        {
            match engine.scan(keys, page_rows) {
                Ok(rows) => {
                    match rows.last() {
                        Some((last, _)) if rows.len() == page_rows => keys.start = after(last),
                        _ => left = None,
                    }
                    page = rows.into_iter();
                    page_rows = PAGE_ROWS_MAX.min(page_rows * 4);
                }
                Err(why) => {
                    left = None;
                    return Some(Err(why));
                }
            }
        }
        page.next().map(Ok)
    })
}

/// All rows of a store, in pages of at most `limit`, in the order of their keys. Like a scan this is no snapshot.
pub fn pages(engine: &dyn Engine, limit: usize) -> impl Iterator<Item = Result<Vec<Row>>> + '_ {
    let mut left = vec![0]..vec![u8::MAX];
    std::iter::from_fn(move || match engine.scan(&left, limit) {
        Ok(page) => {
            left.start = after(&page.last()?.0);
            Some(Ok(page))
        }
        failed => Some(failed),
    })
}

/// The first key behind a key.
pub fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}
