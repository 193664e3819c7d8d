//! The fence of a store that was restored from a backup.

use super::time::Millis;

/// Why a restored store says no to everybody: a backup does not know who opted out after it was made. UNFENCE ends it, once
/// a person has brought those opt-outs back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The store is as it was then. What came later is missing, but for what was replayed.
    pub backup_at: Millis,
    /// When it was restored.
    pub restored_at: Millis,
    /// Facts of a trail that were brought back.
    pub replayed: u64,
    /// The date of the newest of them; 0 if there are none.
    pub replayed_to: Millis,
}
