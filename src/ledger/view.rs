//! What a daemon sees of its ledger, for whoever asks: clients that are handed on, STATS, metrics, health.

use std::sync::{Mutex, PoisonError};

/// What a daemon sees of its ledger now.
#[derive(Default)]
pub struct View(Mutex<Seen>);

/// The same, at one moment.
#[derive(Clone, Default)]
pub struct Seen {
    /// This daemon is the owner.
    pub is_owner: bool,
    /// Where the owner is reached; empty while there is none.
    pub owner: String,
    /// The newest row of the ledger.
    pub newest: u64,
    /// The newest row that this daemon has applied.
    pub applied: u64,
    /// The database cannot be reached.
    pub is_cut_off: bool,
}

impl View {
    /// What was seen last.
    pub fn seen(&self) -> Seen {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is seen.
    pub fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The database cannot be reached. It is told once.
    pub fn cannot_reach(&self, why: &str) {
        self.note(|seen| {
            if !std::mem::replace(&mut seen.is_cut_off, true) {
                tracing::warn!("{why}; this daemon follows nothing meanwhile");
            }
        });
    }
}
