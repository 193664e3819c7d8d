//! A ledger that begins with a store that is there: one that a daemon had for itself, or one of a ledger with fewer partitions.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::backup::{BackupEnd, BackupHead, BackupWriter};
use super::engine::{Batch, Engine, Row, pages};
use super::format::codec::{self, NextIds};
use super::format::{FORMAT, keys, of_ledger};
use super::ledger::chain::Chain;
use super::ledger::row;
use super::load;
use super::replica::Replica;
use super::share::Share;
use crate::error::{Error, Result};
use crate::model::slot::Partition;
use crate::model::time::Millis;

/// Rows that are read at a time.
const PAGE_ROWS: usize = 256;

/// A store that becomes the first copy of a ledger, or of several partitions of one. Nobody else may have it open.
pub struct Founder {
    engine: Arc<dyn Engine>,
    next: NextIds,
    /// It is a copy of a ledger that was before.
    is_copy: bool,
}

/// The first row of a ledger, which others go on from.
pub struct First(Batch);

impl First {
    /// Its number.
    pub fn number(&self) -> u64 {
        self.0.number()
    }

    /// That row.
    pub fn row(&self) -> Vec<u8> {
        row::encode(&self.0)
    }
}

impl Founder {
    /// Opens the store in a directory, and changes nothing. A copy of a ledger may lack what others have: it is one where that ledger
    /// is lost.
    pub fn open(dir: &Path, is_lost: bool) -> Result<Founder> {
        let engine = load::complete(dir)?;
        let is_copy = Chain::read(&engine)?.is_some();
        if is_copy && !is_lost {
            return Err(Error::bad_arg(format!(
                "{} is a copy of a ledger already, which others may have gone on with. If that ledger is lost, or was set back to an \
                 earlier time: stop all daemons, and give --ledger-is-lost and the copy with the most rows",
                dir.display()
            )));
        }
        let next = load::next_ids(&engine)?;
        let next = next.ok_or_else(|| Error::bad_arg(format!("{} is not a contactd store", dir.display())))?;
        Ok(Founder { engine: Arc::new(engine), next, is_copy })
    }

    /// The copy of a ledger, with all of its rows; none if there are none yet.
    pub fn of(replica: Replica) -> Result<Option<Founder>> {
        let engine = replica.into_engine();
        Ok(load::next_ids(&*engine)?.map(|next| Founder { engine, next, is_copy: true }))
    }

    /// Whether it is a copy of a ledger that was before. It may lack what somebody who follows its feed has heard.
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }

    /// The number of the newest batch.
    pub fn newest(&self) -> u64 {
        self.next.batches
    }

    /// The first row of a ledger that goes on with the store as it is.
    pub fn first(&self) -> Result<First> {
        self.first_with(&NextIds { batches: self.next.batches + 1, ..self.next })
    }

    /// The first row of a ledger that has a part of the store: with a number that no copy of the store has, and another feed.
    pub fn first_of_part(&self, number: u64, now: Millis) -> Result<First> {
        self.first_with(&NextIds { batches: number, epoch: now.unsigned_abs().max(self.next.epoch + 1), ..self.next })
    }

    fn first_with(&self, next: &NextIds) -> Result<First> {
        let mut batch = Batch::new(next.batches);
        batch.put(keys::FORMAT, &[of_ledger(load::format(&*self.engine)?.unwrap_or(FORMAT))]);
        batch.put(keys::NEXT_IDS, &codec::encode_next_ids(next)?);
        let _ = Chain::default().tie(&mut batch);
        Ok(First(batch))
    }

    /// Writes a copy of the store as it will be, without the secret of its tombstones.
    pub fn copy<W: Write>(&self, first: &First, to: W, now: Millis) -> Result<W> {
        self.write(first, to, now, |rows| Ok(Cow::Borrowed(rows)))
    }

    /// The same of what is one partition's, where the store is one of fewer, or all there is.
    pub fn copy_part<W: Write>(
        &self,
        (here, whole): (Partition, Partition),
        first: &First,
        to: W,
        now: Millis,
    ) -> Result<W> {
        let share = Share::of(&*self.engine, here, whole)?;
        self.write(first, to, now, |rows| {
            let mut own = Vec::with_capacity(rows.len());
            for (key, value) in rows {
                if let Some(value) = share.value(key, value)? {
                    own.push((key.clone(), value.into_owned()));
                }
            }
            Ok(Cow::Owned(own))
        })
    }

    fn write<W: Write>(
        &self,
        first: &First,
        to: W,
        now: Millis,
        share: impl Fn(&[Row]) -> Result<Cow<'_, [Row]>>,
    ) -> Result<W> {
        let mut writer = BackupWriter::new(to, &BackupHead::new(now, String::new()))?;
        for page in pages(&*self.engine, PAGE_ROWS) {
            writer.rows(&share(&page?)?)?;
        }
        writer.batches(vec![first.0.as_bytes().to_vec()])?;
        let end = BackupEnd { closed_at: now, batch: first.number(), ..BackupEnd::default() };
        writer.finish(end).map(|(to, _)| to)
    }

    /// Makes the store one of a ledger: from now on no contactd opens it without one.
    pub fn finish(self) -> Result<()> {
        let First(batch) = self.first()?;
        self.engine.apply(&batch)?;
        self.engine.sync(batch.number())
    }
}
