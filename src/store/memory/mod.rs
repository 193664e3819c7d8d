//! What the store keeps in memory, beside what is on disk: what CHECK needs, the newest state of the indexes, and counts.
//!
//! Pure: nothing here reads or writes a file. [`Memory`] has the locks.

pub mod activity;
pub mod changes;
pub mod counted;
pub mod decoded;
pub mod directory;
pub mod gate;
pub mod inbox;
pub mod pending;
pub mod sketch;
pub mod tallies;
pub mod tombstones;

use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use counted::Counted;
use decoded::Decoded;
use gate::{Gate, GateUpdate};
use pending::{Pending, PendingUpdate};
use tallies::{Tallies, TallyUpdate};
use tombstones::{TombstoneUpdate, Tombstones};

use crate::limits::COMMON_LABELS_DUE_MAX;
use crate::model::list::ListId;
use crate::model::time::Millis;

/// The parts, each under a lock of its own.
///
/// Only the writer's thread changes them. Whoever needs two at a time takes them in the order of the fields, and holds them
/// briefly: the writer waits. A panic while one was held ends the process, so that nobody reads what it left.
pub struct Memory {
    pending: RwLock<Pending>,
    gate: RwLock<Gate>,
    tombstones: RwLock<Tombstones>,
    tallies: RwLock<Tallies>,
    /// Rare values of labels that somebody asked for and many contacts have, for the writer.
    often: Mutex<Vec<(String, String)>>,
    /// What follows from the engine and from `pending`. It has a lock of its own.
    pub decoded: Decoded,
    /// What follows from all of these. It has a lock of its own.
    pub counted: Counted,
}

/// What a commit changes in memory, once it is durable.
pub struct MemoryUpdate {
    /// The contacts that changed, came or went.
    pub contacts: Vec<u32>,
    /// Contacts and lists, for the gate.
    pub gate: GateUpdate,
    /// Postings, for the gate and for those that are newer than on disk.
    pub pending: PendingUpdate,
    /// The directory of tombstones.
    pub tombstones: TombstoneUpdate,
    /// Sums by list and day.
    pub tallies: TallyUpdate,
}

impl Memory {
    pub fn new(pending: Pending, gate: Gate, tombstones: Tombstones, tallies: Tallies) -> Memory {
        Memory {
            pending: RwLock::new(pending),
            gate: RwLock::new(gate),
            tombstones: RwLock::new(tombstones),
            tallies: RwLock::new(tallies),
            often: Mutex::default(),
            decoded: Decoded::default(),
            counted: Counted::default(),
        }
    }

    /// Takes over a commit, one part after the other. The gate comes first: a message that the commit forbids is refused
    /// from then on. Gives the lists whose opt-out rate has become high.
    pub fn apply(&self, update: MemoryUpdate, now: Millis) -> Vec<ListId> {
        let is_of_all = !(update.gate.lists.is_empty() && update.gate.inbox.is_empty());
        self.gate_mut().apply(update.gate, &update.pending.changes);
        self.tombstones.write().unwrap_or_else(PoisonError::into_inner).apply(update.tombstones);
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        let changes = pending.apply(update.pending);
        drop(pending);
        self.decoded.forget(&changes);
        self.counted.contacts_changed(&update.contacts);
        if is_of_all {
            self.counted.all_changed();
        }
        self.tallies.write().unwrap_or_else(PoisonError::into_inner).apply(update.tallies, now)
    }

    /// Somebody asked for a rare value of a label, and many contacts have it.
    pub fn note_often(&self, key: &str, value: &str) {
        let mut often = self.often.lock().unwrap_or_else(PoisonError::into_inner);
        if often.len() < COMMON_LABELS_DUE_MAX && !often.iter().any(|(k, v)| k == key && v == value) {
            often.push((key.to_owned(), value.to_owned()));
        }
    }

    /// Takes these.
    pub fn take_often(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.often.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn gate(&self) -> RwLockReadGuard<'_, Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what the gate says of contacts without a commit: it forbids what could not be written. For the writer's thread only.
    pub fn change_gate(&self, change: impl FnOnce(&mut Gate)) {
        change(&mut self.gate_mut());
        self.counted.all_changed();
    }

    fn gate_mut(&self) -> RwLockWriteGuard<'_, Gate> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn pending(&self) -> RwLockReadGuard<'_, Pending> {
        self.pending.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tombstones(&self) -> RwLockReadGuard<'_, Tombstones> {
        self.tombstones.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tallies(&self) -> RwLockReadGuard<'_, Tallies> {
        self.tallies.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod size;
