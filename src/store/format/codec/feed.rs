//! The blocks of the feed.

use bincode::Options;
use serde::de::DeserializeOwned;

use super::{DateV1, V1, options, take_front, within_limits};
use crate::error::{Error, Result};
use crate::model::time::Millis;

/// In the place of a contact's status in the feed: the contact is gone.
pub const NO_STATUS: u8 = 0xff;

/// One change, as a follower of the feed sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// A restored store was fenced or unfenced.
    Fence { at: DateV1, fenced: bool },
}

impl FeedEntry {
    /// When the daemon took it.
    pub fn at(&self) -> Millis {
        match *self {
            FeedEntry::Contact { at, .. }
            | FeedEntry::Imported { at, .. }
            | FeedEntry::List { at, .. }
            | FeedEntry::Scope { at, .. }
            | FeedEntry::Fence { at, .. } => at.into(),
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

/// What stands before an entry's fields, never reused.
mod tag {
    pub const CONTACT: u8 = 0;
    pub const IMPORTED: u8 = 1;
    pub const LIST: u8 = 2;
    pub const SCOPE: u8 = 3;
    pub const FENCE: u8 = 4;
}

/// Encodes a pack of entries: how many, then each as its tag and its fields.
pub fn encode_feed(entries: &[FeedEntry]) -> Result<Vec<u8>> {
    let mut value = vec![V1];
    options().serialize_into(&mut value, &entries.len()).map_err(Error::internal)?;
    for entry in entries {
        match entry {
            FeedEntry::Contact { at, phone, cause, status, lists } => {
                options().serialize_into(&mut value, &(tag::CONTACT, at, phone, cause, status, lists))
            }
            FeedEntry::Imported { at, first, count, list } => {
                options().serialize_into(&mut value, &(tag::IMPORTED, at, first, count, list))
            }
            FeedEntry::List { at, list, number, known, paused } => {
                options().serialize_into(&mut value, &(tag::LIST, at, list, number, known, paused))
            }
            FeedEntry::Scope { at, all } => options().serialize_into(&mut value, &(tag::SCOPE, at, all)),
            FeedEntry::Fence { at, fenced } => options().serialize_into(&mut value, &(tag::FENCE, at, fenced)),
        }
        .map_err(Error::internal)?;
    }
    within_limits(value)
}

/// Reads what [`encode_feed`] wrote.
pub fn decode_feed(value: &[u8]) -> Result<Vec<FeedEntry>> {
    let Some((&V1, mut rest)) = value.split_first() else {
        return Err(Error::internal("a pack of feed entries has an unknown version"));
    };
    let count: usize = field(&mut rest)?;
    // Each entry takes at least a byte: a damaged count reserves no more than the value can hold.
    let mut entries = Vec::with_capacity(count.min(rest.len()));
    for _ in 0..count {
        entries.push(match field(&mut rest)? {
            tag::CONTACT => {
                let (at, phone, cause, status, lists) = field(&mut rest)?;
                FeedEntry::Contact { at, phone, cause, status, lists }
            }
            tag::IMPORTED => {
                let (at, first, count, list) = field(&mut rest)?;
                FeedEntry::Imported { at, first, count, list }
            }
            tag::LIST => {
                let (at, list, number, known, paused) = field(&mut rest)?;
                FeedEntry::List { at, list, number, known, paused }
            }
            tag::SCOPE => {
                let (at, all) = field(&mut rest)?;
                FeedEntry::Scope { at, all }
            }
            tag::FENCE => {
                let (at, fenced) = field(&mut rest)?;
                FeedEntry::Fence { at, fenced }
            }
            unknown => return Err(Error::internal(format!("the feed has an unknown entry: {unknown}"))),
        });
    }
    if rest.is_empty() { Ok(entries) } else { Err(Error::internal("a damaged pack of feed entries")) }
}

/// Takes one value off the front.
fn field<T: DeserializeOwned>(rest: &mut &[u8]) -> Result<T> {
    take_front(rest).map_err(|why| Error::internal(format!("a damaged pack of feed entries: {why}")))
}
