//! Whether the daemon answers, as health checks and browsers are told before any command can be run.

use std::fmt::{self, Display, Formatter};

use crate::store::ReadOnly;

/// Whether requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The store is being loaded.
    Loading {
        /// Contacts that are in memory.
        contacts: u32,
        /// Contacts that there will be; 0 until the store's file is open.
        of: u32,
    },
    /// They are. CHECK is, also while nothing can be written.
    Ready(Option<ReadOnly>),
    /// The daemon shuts down.
    Draining,
}

impl Health {
    /// Whether requests are answered.
    pub fn is_ready(self) -> bool {
        matches!(self, Health::Ready(_))
    }
}

/// As a health check shows it.
impl Display for Health {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Health::Loading { of: 0, .. } => write!(to, "loading: the store is being opened"),
            Health::Loading { contacts, of } => write!(to, "loading: {contacts} of {of} contacts"),
            Health::Draining => write!(to, "draining: contactd shuts down"),
            Health::Ready(None) => write!(to, "ready"),
            Health::Ready(Some(ReadOnly::DiskLow)) => write!(to, "ready; disk_low: only what forbids is written"),
            Health::Ready(Some(reason)) => write!(to, "ready; {}: nothing is written", reason.word()),
        }
    }
}
