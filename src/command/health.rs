//! Whether the daemon answers, as health checks and browsers are told before any command can be run.

use std::fmt::{self, Display, Formatter};

use super::reloads::Source;
use crate::store::ReadOnly;

/// Whether requests are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// The store is being loaded.
    Loading {
        /// Contacts that are in memory.
        contacts: u32,
        /// Contacts that there will be; 0 until the store's file is open.
        of: u32,
    },
    /// They are. CHECK is, also while nothing can be written.
    Ready {
        /// Why something is not written, if it is so.
        read_only: Option<ReadOnly>,
        /// Files whose newest form was refused.
        refused: Vec<Source>,
    },
    /// Another daemon is the owner of the store; who calls this one is handed on.
    Standby {
        /// Where the owner is reached; empty while there is none.
        owner: String,
        /// Rows of the ledger that this one has not applied.
        behind: u64,
    },
    /// The daemon shuts down.
    Draining,
}

impl Health {
    /// Whether requests are answered.
    pub fn is_ready(&self) -> bool {
        match self {
            Health::Ready { .. } => true,
            Health::Standby { owner, .. } => !owner.is_empty(),
            Health::Loading { .. } | Health::Draining => false,
        }
    }
}

/// As a health check shows it.
impl Display for Health {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Health::Loading { of: 0, .. } => write!(to, "loading: the store is being opened"),
            Health::Loading { contacts, of } => write!(to, "loading: {contacts} of {of} contacts"),
            Health::Standby { owner, behind } if owner.is_empty() => {
                write!(to, "standby: nobody is the owner yet; {behind} rows behind")
            }
            Health::Standby { owner, behind } => write!(to, "standby: the owner is at {owner}; {behind} rows behind"),
            Health::Draining => write!(to, "draining: contactd shuts down"),
            Health::Ready { read_only, refused } => {
                match read_only {
                    None => write!(to, "ready")?,
                    Some(ReadOnly::DiskLow) => write!(to, "ready; disk_low: only what forbids is written")?,
                    Some(reason) => write!(to, "ready; {}: nothing is written", reason.word())?,
                }
                refused.iter().try_for_each(|source| write!(to, "; reload_refused: {}", source.word()))
            }
        }
    }
}
