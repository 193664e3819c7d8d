//! What a daemon sees of its ledger, for whoever asks: clients that are handed on, STATS, metrics, health.

use std::sync::{Arc, Mutex, PoisonError};

use super::reign::Reign;

/// What a daemon sees of its ledger now.
#[derive(Default)]
pub struct View(Mutex<Seen>);

/// The same, at one moment.
#[derive(Clone, Default)]
pub struct Seen {
    /// The owner's reign, once this daemon is the owner.
    pub reign: Option<Arc<Reign>>,
    /// Where the owner is reached; empty while there is none.
    pub owner: String,
    /// The newest row of the ledger.
    pub newest: u64,
    /// The newest row that this daemon has applied.
    pub applied: u64,
    /// Why the database cannot be reached, while that is so.
    pub trouble: Option<String>,
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
            if seen.trouble.is_none() {
                tracing::warn!("{why}; this daemon follows nothing meanwhile");
            }
            seen.trouble = Some(why.to_owned());
        });
    }
}
