//! A store in memory that behaves as one on a full disk.

use std::sync::atomic::{AtomicBool, Ordering};

use contactd::error::Result;
use contactd::store::engine::{Batch, Engine, Keys, MemoryEngine, Row, Space, Wholeness};

/// An engine whose disk a test fills.
#[derive(Default)]
pub struct Disk {
    memory: MemoryEngine,
    pub is_full: AtomicBool,
}

impl Engine for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.memory.get(key)
    }
    fn scan(&self, keys: &Keys, limit: usize) -> Result<Vec<Row>> {
        self.memory.scan(keys, limit)
    }
    fn last(&self, keys: &Keys) -> Result<Option<Row>> {
        self.memory.last(keys)
    }
    fn apply(&self, batch: &Batch) -> Result<()> {
        self.memory.apply(batch)
    }
    fn sync(&self, newest: u64) -> Result<()> {
        self.memory.sync(newest)
    }
    fn check_complete(&self, newest: u64) -> Result<Wholeness> {
        self.memory.check_complete(newest)
    }
    fn mark_open(&self, newest: u64) -> Result<()> {
        self.memory.mark_open(newest)
    }
    fn space(&self) -> Space {
        if self.is_full.load(Ordering::SeqCst) { Space::None } else { Space::Plenty }
    }
    fn size(&self) -> u64 {
        self.memory.size()
    }
}
