//! Where a batch has to be before it counts, and what a failure there means.

pub mod chain;
pub mod row;

use super::engine::Batch;
use crate::error::Error;

/// Where a batch has to be before it counts.
pub enum Ledger {
    /// The engine's own files: a batch counts once the engine has synced it.
    Local,
    /// A log that outlives this machine: a batch counts once the log has it, and only then does the engine apply it. The engine
    /// is then a copy of the log, and need not be synced. [`chain`] ties each batch to those before it.
    Remote(Box<dyn RemoteLog>),
}

/// A log of batches elsewhere.
pub trait RemoteLog: Send {
    /// Returns once no failure of this machine can lose the batch.
    fn append(&mut self, batch: &Batch) -> Result<(), CommitError>;
}

/// Why a batch does not count, and what may be concluded from that.
#[derive(Clone, Debug)]
pub enum CommitError {
    /// It is nowhere, and will not be: it may be tried again.
    NotApplied(Error),
    /// It may be there after a restart, or not: only reading tells.
    Unknown(Error),
    /// Somebody else owns the store by now. Nothing may be answered from it any more.
    NotOwner(Error),
}

impl CommitError {
    /// What is said of it.
    pub fn into_error(self) -> Error {
        match self {
            CommitError::NotApplied(why) | CommitError::Unknown(why) | CommitError::NotOwner(why) => why,
        }
    }
}
