//! A store written anew: sled gives space back slowly, and where it will not, a fresh file has only what is there.

use std::fs::{self, File};
use std::path::Path;

use super::disk::{self, Disk};
use super::{Store, sled_failed};
use crate::error::{Error, Result};
use crate::limits::BATCH_WRITES_MAX;

/// What a rewriting did.
pub struct Rewritten {
    /// Values that were written.
    pub values: u64,
    /// The size of the old file.
    pub bytes_before: u64,
    /// The size of the new one.
    pub bytes_after: u64,
}

const BESIDE: &str = "store.new";

impl Store {
    /// Writes every value of a store that nobody has open into a new one beside it, in the order of their keys, compares the
    /// two, and swaps them. A crash at any moment leaves the old or the new one whole.
    pub fn rewrite(dir: &Path) -> Result<Rewritten> {
        let failed =
            |why: std::io::Error| Error::internal(format!("cannot rewrite the store in {}: {why}", dir.display()));
        let old = Disk::open(dir)?;
        let bytes_before = old.size();
        let beside = dir.join(BESIDE);
        if beside.exists() {
            fs::remove_dir_all(&beside).map_err(failed)?;
        }
        let new = disk::open_sled(&beside).map_err(sled_failed)?;
        let tree = new.open_tree(disk::TREE).map_err(sled_failed)?;
        let mut rows = old.tree().iter().peekable();
        let mut values = 0;
        while rows.peek().is_some() {
            let mut batch = sled::Batch::default();
            for row in rows.by_ref().take(BATCH_WRITES_MAX) {
                let (key, value) = row.map_err(sled_failed)?;
                batch.insert(key, value);
                values += 1;
            }
            tree.apply_batch(batch).map_err(sled_failed)?;
            new.flush().map_err(sled_failed)?;
        }
        let mut copies = tree.iter();
        for row in old.tree() {
            let copy = copies.next().transpose().map_err(sled_failed)?;
            if copy != Some(row.map_err(sled_failed)?) {
                return Err(Error::internal("the new store is not what the old one is; the old one stays"));
            }
        }
        if copies.next().is_some() {
            return Err(Error::internal("the new store has more than the old one; the old one stays"));
        }
        let bytes_after = new.size_on_disk().map_err(sled_failed)?;
        drop((copies, tree, new));
        let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
        sync(&beside.join(disk::LOG)).and_then(|()| sync(&beside)).map_err(failed)?;
        old.replace(&beside).map_err(failed)?;
        Ok(Rewritten { values, bytes_before, bytes_after })
    }
}
