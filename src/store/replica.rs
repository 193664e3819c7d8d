//! A copy of a ledger that is not served: it applies what others have written, until it is opened as a store.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::engine::{Batch, DiskEngine, Engine, rows};
use super::format::keys;
use super::ledger::chain::Chain;
use super::ledger::row;
use super::load;
use super::secret::Secret;
use super::upkeep;
use crate::error::{Error, Result};

/// Keys that are removed at a time.
const BATCH_KEYS: usize = 1000;

/// A copy of a ledger on this machine.
pub struct Replica {
    engine: Arc<dyn Engine>,
    chain: Chain,
    newest: u64,
    synced: u64,
}

impl Replica {
    /// Opens the copy in a directory, or begins an empty one.
    pub fn open(dir: &Path) -> Result<Replica> {
        let engine = Arc::new(DiskEngine::open(dir)?);
        let newest = load::next_ids(&*engine)?.map_or(0, |next| next.batches);
        let chain = Chain::read(&*engine)?;
        if newest > 0 && chain.is_none() {
            return Err(Error::internal(
                "this data directory has a store of its own, which is not of this ledger: give another --data-dir, or make the \
                 ledger from it by `contactd ledger init URL --data-dir DIR`",
            ));
        }
        engine.check_complete(newest)?;
        engine.mark_open(newest)?;
        if newest == 0 {
            remove_all(&*engine)?;
        }
        Ok(Replica { engine, chain: chain.unwrap_or_default(), newest, synced: newest })
    }

    /// The number of the newest batch that it has.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Applies the next row of the ledger. It must be one that no failure of the ledger can take back.
    pub fn apply(&mut self, number: u64, row: &[u8]) -> Result<()> {
        let batch = row::decode(row)?;
        if number != self.newest + 1 || batch.number() != number {
            return Err(Error::internal(format!(
                "row {number} of the ledger has batch {}, and this copy ends with {}",
                batch.number(),
                self.newest
            )));
        }
        let chain = self.chain.follow(&batch)?;
        self.engine.apply(&batch)?;
        (self.chain, self.newest) = (chain, number);
        Ok(())
    }

    /// Refuses another secret of tombstones than that of the ledger: under it nobody's opt-out would be known any more. False:
    /// the ledger has none yet.
    pub fn check_secret(&self, file: Option<&Path>, dir: &Path) -> Result<bool> {
        let Some(known) = self.engine.get(keys::SECRET)? else { return Ok(false) };
        Secret::open(dir, file, Some(&known)).map_err(|why| {
            Error::internal(format!(
                "{}. All daemons of a ledger have the same one: copy that of the owner",
                why.message
            ))
        })?;
        Ok(true)
    }

    /// Puts on disk what was applied, if there is something.
    pub fn sync(&mut self) -> Result<()> {
        if self.synced < self.newest {
            self.engine.sync(self.newest)?;
            self.synced = self.newest;
        }
        Ok(())
    }

    /// Begins anew with a copy that somebody else has made of the ledger's first rows.
    pub fn begin_with(&mut self, copy: impl Read) -> Result<()> {
        remove_all(&*self.engine)?;
        let end = upkeep::restore::replicate(copy, &*self.engine)?;
        let newest = load::next_ids(&*self.engine)?.map(|next| next.batches);
        let chain = Chain::read(&*self.engine)?.filter(|_| newest == Some(end));
        self.chain = chain
            .ok_or_else(|| Error::internal("the ledger's copy is damaged: it does not say which row it ends with"))?;
        (self.newest, self.synced) = (end, end);
        Ok(())
    }

    /// What it is kept in, for whoever opens it as a store.
    pub fn into_engine(self) -> Arc<dyn Engine> {
        self.engine
    }
}

/// Removes what a copy that was cut off has left.
fn remove_all(engine: &dyn Engine) -> Result<()> {
    let mut batch = Batch::new(0);
    for row in rows(engine, Vec::new()..vec![u8::MAX]) {
        batch.remove(&row?.0);
        if batch.len() == BATCH_KEYS {
            engine.apply(&std::mem::replace(&mut batch, Batch::new(0)))?;
        }
    }
    engine.apply(&batch)
}
