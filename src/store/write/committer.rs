//! The only way in for writes: everything that changes a store is a [`Batch`] that comes through [`Committer::commit`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::tee::Tee;
use crate::error::Result;
use crate::store::engine::{Batch, Engine};
use crate::store::ledger::chain::Chain;
use crate::store::ledger::{CommitError, Ledger};

/// When a batch must be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Before it is answered.
    Now,
    /// At the next [`Committer::sync`].
    Later,
}

/// Puts batches, one after the other, where they count.
pub struct Committer {
    engine: Arc<dyn Engine>,
    ledger: Ledger,
    /// What ties a batch of a remote log to those before it.
    chain: Chain,
    /// The number of the newest batch.
    newest: u64,
    unsynced_since: Option<Instant>,
    /// How long the latest sync took, until somebody asks.
    sync_took: Option<Duration>,
    /// Where a backup that is being made gets each batch.
    pub tee: Option<Arc<Tee>>,
}

impl Committer {
    /// `newest` is the number of the newest batch that the engine has.
    pub fn new(engine: Arc<dyn Engine>, ledger: Ledger, newest: u64) -> Result<Committer> {
        let chain = Chain::read(&*engine)?.unwrap_or_default();
        Ok(Committer { engine, ledger, chain, newest, unsynced_since: None, sync_took: None, tee: None })
    }

    /// Whether batches count elsewhere.
    pub fn is_remote(&self) -> bool {
        matches!(self.ledger, Ledger::Remote(_))
    }

    /// The number that the next batch must have.
    pub fn next_number(&self) -> u64 {
        self.newest + 1
    }

    /// Writes a batch. If it must be durable now, so are all before it.
    pub fn commit(&mut self, mut batch: Batch, durability: Durability) -> std::result::Result<(), CommitError> {
        debug_assert_eq!(batch.number(), self.next_number());
        if let Ledger::Remote(log) = &mut self.ledger {
            let chain = self.chain.tie(&mut batch);
            log.append(&batch)?;
            self.chain = chain;
        }
        let is_durable = !self.is_remote() && durability == Durability::Now;
        let since = Instant::now();
        let written = if is_durable { self.engine.commit(&batch) } else { self.engine.apply(&batch) };
        written.map_err(CommitError::Unknown)?;
        self.newest = batch.number();
        // Behind the engine: whoever takes it from there has not read older rows since.
        if let Some(tee) = &self.tee {
            tee.push(&batch);
        }
        if is_durable {
            self.unsynced_since = None;
            self.sync_took = Some(since.elapsed());
        } else {
            self.unsynced_since.get_or_insert(since);
        }
        Ok(())
    }

    /// Makes durable whatever was committed.
    pub fn sync(&mut self) -> std::result::Result<(), CommitError> {
        self.unsynced_since = None;
        let since = Instant::now();
        let synced = self.engine.sync(self.newest).map_err(CommitError::Unknown);
        self.sync_took = Some(since.elapsed());
        synced
    }

    /// How long the latest sync took, if there was one since the last time that this was asked.
    pub fn take_sync_time(&mut self) -> Option<Duration> {
        self.sync_took.take()
    }

    /// Whether every batch counts: nothing that was committed could still be lost.
    pub fn is_durable(&self) -> bool {
        self.unsynced_since.is_none() || self.is_remote()
    }

    /// Whether something has waited so long to be synced.
    pub fn has_waited(&self, at_least: Duration) -> bool {
        self.unsynced_since.is_some_and(|since| since.elapsed() >= at_least)
    }
}
