//! The fence of a store that may not know who opted out last.

use super::time::Millis;

/// Why a store says no to everybody: it may not know who opted out last. A backup does not know what came after it, and of a
/// store whose files were removed nobody can say whether it is whole. UNFENCE ends the fence, once a person has brought those
/// opt-outs back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fence {
    /// The store is as it was then. What came later is missing, but for what was replayed. 0 if the store was not restored:
    /// nobody knows since when something may be missing.
    pub backup_at: Millis,
    /// When it was restored, or found without the files that tell whether it is whole.
    pub restored_at: Millis,
    /// What trails have brought back, and what they could not.
    pub replayed: Replayed,
}

impl Fence {
    /// Of a store that somebody has put back, or has taken something away from.
    pub fn of_doubt(now: Millis) -> Fence {
        Fence { restored_at: now, ..Fence::default() }
    }

    /// Whether the store was restored from a backup.
    pub fn is_restored(&self) -> bool {
        self.backup_at > 0
    }
}

/// What trails brought back, and what they could not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Facts that were taken.
    pub facts: u64,
    /// The date of the newest of them; 0 if there are none.
    pub to: Millis,
    /// Lines that cannot be read. Each may have been an opt-out.
    pub passed_over: u64,
    /// Lines that tell of an erasure, and not of whom.
    pub unnamed_erasures: u64,
    /// The date of the newest of them; 0 if there are none.
    pub unnamed_erasures_to: Millis,
}

impl Replayed {
    /// Adds what another trail brought back.
    pub fn add(&mut self, other: &Replayed) {
        self.facts += other.facts;
        self.to = self.to.max(other.to);
        self.passed_over += other.passed_over;
        self.unnamed_erasures += other.unnamed_erasures;
        self.unnamed_erasures_to = self.unnamed_erasures_to.max(other.unnamed_erasures_to);
    }

    /// Whether the trails say all that they have: every line was read, and every erasure names its number.
    pub fn is_complete(&self) -> bool {
        self.passed_over == 0 && self.unnamed_erasures == 0
    }
}
