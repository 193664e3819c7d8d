//! The feed: every change of consent, status, list or scope, in order and without a gap.
//!
//! A position is a number in an epoch. Entries are packed in values whose key is the position of their first one.

use crate::error::{Error, Result};
use crate::model::event::EventKind;
use crate::model::list::ListId;
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::Millis;
use crate::model::verdict::{ContactStatus, ListStatus, StopScope};
use crate::store::engine::rows;
use crate::store::format::code::Coded;
use crate::store::format::codec::{self, FeedEntry};
use crate::store::format::compressed::expand;
use crate::store::format::keys;
use crate::store::state::State;

/// One item of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// Where it stands.
    pub position: u64,
    /// When the daemon took it.
    pub at: Millis,
    /// What happened.
    pub what: FeedWhat,
}

/// What the feed tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedWhat {
    /// A contact's statuses after a change.
    Contact {
        /// Which; none if it was erased since.
        phone: Option<Phone>,
        /// What changed them.
        cause: EventKind,
        /// Its own status; none if it is gone.
        status: Option<ContactStatus>,
        /// Its status on the lists on which that changed, under the stop scope that held.
        lists: Vec<(ListId, ListStatus)>,
    },
    /// A list was created, changed or removed.
    List {
        /// Its number.
        number: ListNumber,
        /// Whether CHECK knows it.
        known: bool,
        /// Whether it is stopped.
        paused: bool,
    },
    /// The daemon started under another stop scope.
    Scope(StopScope),
    /// A restored store was fenced, or unfenced.
    Fence(bool),
}

/// The feed's bounds: positions from `first` to before `next` can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedBounds {
    /// A restore begins a new one.
    pub epoch: u64,
    /// The oldest entry that is still there.
    pub first: u64,
    /// The position of the next entry.
    pub next: u64,
}

impl State {
    /// Where the feed begins and ends now.
    pub fn feed_bounds(&self) -> Result<FeedBounds> {
        let next = self.feed.next();
        let oldest = self.engine.scan(&keys::all(keys::FEED), 1)?;
        let oldest = oldest.first().and_then(|(key, _)| keys::long_number(key));
        Ok(FeedBounds { epoch: self.feed.epoch, first: oldest.map_or(next, |oldest| oldest.min(next)), next })
    }

    /// The items from a position on, at most `limit`. None if some of them have expired.
    pub fn feed_items(&self, from: u64, limit: usize) -> Result<Option<Vec<FeedItem>>> {
        let next = self.feed.next();
        let (mut items, mut read_to) = (Vec::new(), from);
        let start = self.engine.last(&keys::through(&keys::feed(0), &keys::feed(from)))?;
        let start = start.map_or_else(|| keys::feed(from).to_vec(), |(key, _)| key);
        for row in rows(&*self.engine, start..keys::feed(next).to_vec()) {
            let (key, value) = row?;
            let mut position = keys::long_number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            if position > read_to {
                return Ok(None);
            }
            for entry in codec::decode_feed(&expand(&value)?)? {
                let taken = entry.positions();
                if position + taken > from {
                    self.expand_entry(entry, position, from, limit - items.len(), &mut items)?;
                }
                position += taken;
                if items.len() == limit {
                    return Ok(Some(items));
                }
            }
            read_to = position;
        }
        Ok((read_to >= next).then_some(items))
    }
}

impl State {
    /// Expands an entry that stands at a position into items from another position on.
    fn expand_entry(
        &self,
        entry: FeedEntry,
        position: u64,
        from: u64,
        limit: usize,
        items: &mut Vec<FeedItem>,
    ) -> Result<()> {
        let damaged = || Error::internal("a damaged entry of the feed");
        match entry {
            FeedEntry::Contact { at, phone, cause, status, lists } => {
                let status = match status {
                    codec::NO_STATUS => None,
                    code => Some(ContactStatus::from_code(code)?),
                };
                let list = |(list, status): (u32, u8)| Ok((ListId(list), ListStatus::from_code(status)?));
                let what = FeedWhat::Contact {
                    phone: Phone::from_u64(phone),
                    cause: codec::kind(cause)?,
                    status,
                    lists: lists.into_iter().map(list).collect::<Result<_>>()?,
                };
                items.push(FeedItem { position, at: at.into(), what });
            }
            FeedEntry::Imported { at, first, count, list } => {
                let gate = self.memory.gate();
                let skipped = from.saturating_sub(position) as u32;
                for nth in (skipped..count).take(limit) {
                    let what = FeedWhat::Contact {
                        phone: gate.directory.phone(first + nth),
                        cause: EventKind::Created,
                        status: Some(ContactStatus::Active),
                        lists: vec![(ListId(list), ListStatus::Active)],
                    };
                    items.push(FeedItem { position: position + u64::from(nth), at: at.into(), what });
                }
            }
            FeedEntry::List { at, number, known, paused, .. } => {
                let number = ListNumber::from_u64(number).ok_or_else(damaged)?;
                items.push(FeedItem { position, at: at.into(), what: FeedWhat::List { number, known, paused } });
            }
            FeedEntry::Scope { at, all } => {
                let scope = if all { StopScope::All } else { StopScope::List };
                items.push(FeedItem { position, at: at.into(), what: FeedWhat::Scope(scope) });
            }
            FeedEntry::Fence { at, fenced } => {
                items.push(FeedItem { position, at: at.into(), what: FeedWhat::Fence(fenced) });
            }
        }
        Ok(())
    }
}
