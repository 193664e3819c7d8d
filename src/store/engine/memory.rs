//! An engine in memory, for tests: what was applied, what is durable, and a power cut between the two.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Batch, Engine, Keys, Row, Space, Wholeness};
use crate::error::{Error, Result};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Ordered keys in memory. It outlives the store that has it open, as a disk does.
#[derive(Default)]
pub struct MemoryEngine {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What readers see.
    rows: Rows,
    /// What survives a power cut.
    durable: Rows,
    /// Applied and not durable, the oldest first.
    unsynced: VecDeque<Batch>,
    /// The number of the newest durable batch.
    synced: u64,
}

impl MemoryEngine {
    /// What a power cut now would leave: of the batches that were not synced the first `kept` survive. This engine goes on
    /// and may be thrown away.
    #[must_use]
    pub fn power_cut(&self, kept: usize) -> MemoryEngine {
        let state = self.lock();
        let mut rows = state.durable.clone();
        state.unsynced.iter().take(kept).for_each(|batch| apply(batch, &mut rows));
        let after = State { durable: rows.clone(), rows, unsynced: VecDeque::new(), synced: state.synced };
        MemoryEngine { state: Mutex::new(after) }
    }

    /// How many batches a power cut could lose now.
    pub fn unsynced(&self) -> usize {
        self.lock().unsynced.len()
    }

    /// A panic while it was held cannot have left it half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn apply(batch: &Batch, rows: &mut Rows) {
    for (key, value) in batch.entries() {
        match value {
            Some(value) => drop(rows.insert(key.to_vec(), value.to_vec())),
            None => drop(rows.remove(key)),
        }
    }
}

impl Engine for MemoryEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.lock().rows.get(key).cloned())
    }

    fn scan(&self, keys: &Keys, limit: usize) -> Result<Vec<Row>> {
        if keys.start >= keys.end {
            return Ok(Vec::new());
        }
        let state = self.lock();
        let found = state.rows.range(keys.clone()).take(limit);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn last(&self, keys: &Keys) -> Result<Option<Row>> {
        if keys.start >= keys.end {
            return Ok(None);
        }
        let state = self.lock();
        Ok(state.rows.range(keys.clone()).next_back().map(|(key, value)| (key.clone(), value.clone())))
    }

    fn apply(&self, batch: &Batch) -> Result<()> {
        let mut state = self.lock();
        apply(batch, &mut state.rows);
        state.unsynced.push_back(batch.clone());
        Ok(())
    }

    fn sync(&self, newest: u64) -> Result<()> {
        let mut state = self.lock();
        for batch in std::mem::take(&mut state.unsynced) {
            apply(&batch, &mut state.durable);
        }
        state.synced = newest;
        Ok(())
    }

    fn check_complete(&self, newest: u64) -> Result<Wholeness> {
        let synced = self.lock().synced;
        if synced > newest {
            return Err(Error::internal(format!(
                "the store ends after {newest} of {synced} batches that were durable"
            )));
        }
        Ok(Wholeness::Known)
    }

    fn mark_open(&self, _: u64) -> Result<()> {
        Ok(())
    }

    fn space(&self) -> Space {
        Space::Plenty
    }

    fn size(&self) -> u64 {
        self.lock().rows.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
    }
}
