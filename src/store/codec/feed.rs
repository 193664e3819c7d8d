//! The blocks of the feed.

use serde::{Deserialize, Serialize};

use super::{DateV1, open, seal};
use crate::error::Result;
use crate::model::time::Millis;

/// In the place of a contact's status in the feed: the contact is gone.
pub const NO_STATUS: u8 = 0xff;

/// One change, as whoever follows the store is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeedEntry {
    /// A contact's statuses after a change, under the stop scope that held.
    Contact { at: DateV1, phone: u64, cause: u8, status: u8, lists: Vec<(u32, u8)> },
    /// Contacts with consecutive ids that an import created, all active on one list and on no other; expanded when
    /// read. It takes as many positions as there are contacts.
    Imported { at: DateV1, first: u32, count: u32, list: u32 },
    /// A list was created, changed or removed.
    List { at: DateV1, list: u32, number: u64, known: bool, paused: bool },
    /// The daemon started under another stop scope.
    Scope { at: DateV1, all: bool },
}

impl FeedEntry {
    /// When the daemon took it.
    pub fn at(&self) -> Millis {
        match *self {
            FeedEntry::Contact { at, .. }
            | FeedEntry::Imported { at, .. }
            | FeedEntry::List { at, .. }
            | FeedEntry::Scope { at, .. } => at.into(),
        }
    }

    /// Positions it takes.
    pub fn positions(&self) -> u64 {
        match self {
            FeedEntry::Imported { count, .. } => u64::from(*count),
            _ => 1,
        }
    }

    /// More bytes than it takes.
    pub fn bytes_at_most(&self) -> usize {
        const FIXED_BYTES: usize = 32;
        const LIST_BYTES: usize = 6;
        FIXED_BYTES + if let FeedEntry::Contact { lists, .. } = self { lists.len() * LIST_BYTES } else { 0 }
    }
}

pub fn encode_feed(entries: &[FeedEntry]) -> Result<Vec<u8>> {
    seal(&entries)
}

pub fn decode_feed(value: &[u8]) -> Result<Vec<FeedEntry>> {
    open(value)
}
