//! A ledger that begins with a store that one daemon had for itself.

use std::io::Write;
use std::path::Path;

use super::backup::{BackupEnd, BackupHead, BackupWriter};
use super::engine::{Batch, DiskEngine, Engine, pages};
use super::format::codec;
use super::format::{FORMAT, keys, of_ledger};
use super::ledger::chain::Chain;
use super::ledger::row;
use super::load;
use crate::error::{Error, Result};
use crate::model::time::Millis;

/// Rows that are read at a time.
const PAGE_ROWS: usize = 256;

/// A store that becomes the first copy of a ledger. Nobody else may have it open.
pub struct Founder {
    engine: DiskEngine,
    /// What makes it one: the first row of the ledger that others go on from.
    batch: Batch,
}

impl Founder {
    /// Opens the store in a directory, and changes nothing.
    pub fn open(dir: &Path) -> Result<Founder> {
        let engine = load::complete(dir)?;
        if Chain::read(&engine)?.is_some() {
            return Err(Error::bad_arg(format!("{} is a copy of a ledger already", dir.display())));
        }
        let mut next = load::next_ids(&engine)?
            .ok_or_else(|| Error::bad_arg(format!("{} is not a contactd store", dir.display())))?;
        next.batches += 1;
        let mut batch = Batch::new(next.batches);
        batch.put(keys::FORMAT, &[of_ledger(load::format(&engine)?.unwrap_or(FORMAT))]);
        batch.put(keys::NEXT_IDS, &codec::encode_next_ids(&next)?);
        let _ = Chain::default().tie(&mut batch);
        Ok(Founder { engine, batch })
    }

    /// The number of the ledger's first row.
    pub fn number(&self) -> u64 {
        self.batch.number()
    }

    /// That row.
    pub fn row(&self) -> Vec<u8> {
        row::encode(&self.batch)
    }

    /// Writes a copy of the store as it will be, without the secret of its tombstones.
    pub fn copy<W: Write>(&self, to: W, now: Millis) -> Result<W> {
        let mut writer = BackupWriter::new(to, &BackupHead::new(now, String::new()))?;
        for page in pages(&self.engine, PAGE_ROWS) {
            writer.rows(&page?)?;
        }
        writer.batches(vec![self.batch.as_bytes().to_vec()])?;
        let end = BackupEnd { closed_at: now, batch: self.number(), ..BackupEnd::default() };
        writer.finish(end).map(|(to, _)| to)
    }

    /// Makes the store the first copy. From now on it is opened with the ledger alone.
    pub fn finish(self) -> Result<()> {
        self.engine.apply(&self.batch)?;
        self.engine.sync(self.number())
    }
}
