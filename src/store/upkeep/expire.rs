//! What leaves by age, or with its contact: in small steps, each a batch of its own, so that nobody waits long.

use super::Upkeep;
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, EXPIRE_RECORDS_STEP, EXPIRE_VALUES_STEP, TALLY_WINDOW_DAYS};
use crate::model::phone::Phone;
use crate::model::time::{DAY_MS, Day, Millis};
use crate::store::engine::rows;
use crate::store::format::codec::{self, FeedEntry};
use crate::store::format::compressed::{compress, expand};
use crate::store::format::keys;
use crate::store::format::position::Log;

/// What one step did, and where the next one begins; none when there is nothing left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// What left.
    pub gone: u64,
    /// Where to go on.
    pub next: Option<u64>,
}

impl Upkeep {
    /// Removes the oldest entries of the feed that nobody may read any more.
    pub fn expire_feed(&self) -> Result<Swept> {
        let cutoff = self.state.now() - self.state.settings.keep.feed;
        self.expire_oldest(keys::FEED, move |value| {
            let entries = codec::decode_feed(value)?;
            let is_old = entries.iter().all(|entry| entry.at() < cutoff);
            Ok(is_old.then(|| entries.iter().map(FeedEntry::positions).sum()))
        })
    }

    /// Removes the oldest blocks of events that are not of consent.
    pub fn expire_events(&self) -> Result<Swept> {
        let cutoff = self.state.now() - self.state.settings.keep.events;
        self.expire_oldest(keys::ACTIVITY, move |value| {
            let entries = codec::decode_entries(value)?;
            let events = || entries.iter().filter_map(|entry| entry.event.as_ref());
            Ok(events().all(|event| event.seen_at < cutoff).then(|| events().count() as u64))
        })
    }

    /// Removes the first values of a keyspace, up to one that stays. `leaves` tells how many things leave with a value; none
    /// if it stays.
    fn expire_oldest(
        &self,
        keyspace: u8,
        leaves: impl Fn(&[u8]) -> Result<Option<u64>> + Send + 'static,
    ) -> Result<Swept> {
        self.on_writer(move |writer| {
            let (mut gone, mut old) = (0, Vec::new());
            for (key, value) in writer.state.engine.scan(&keys::all(keyspace), EXPIRE_VALUES_STEP)? {
                let Some(leaving) = leaves(&expand(&value)?)? else { break };
                gone += leaving;
                old.push((key, None));
            }
            let next = (old.len() == EXPIRE_VALUES_STEP).then_some(0);
            writer.commit_values(old)?;
            Ok(Swept { gone, next })
        })
    }

    /// Forgets ids of contacts from an id on that were seen too long ago.
    pub fn expire_ids(&self, from: u64) -> Result<Swept> {
        let since = self.state.remember_since();
        let (mut due, mut next, mut looked_at) = (Vec::<Phone>::new(), None, 0);
        let first = u32::try_from(from).unwrap_or(u32::MAX);
        for row in rows(&*self.state.engine, keys::through(&keys::block(first), &keys::block(u32::MAX))) {
            let (key, value) = row?;
            let block = keys::number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            if looked_at == EXPIRE_RECORDS_STEP || due.len() >= EXPIRE_VALUES_STEP {
                next = Some(u64::from(block * BLOCK_CONTACTS));
                break;
            }
            looked_at += 1;
            for (_, record) in self.state.records(block, &value)? {
                let contact = record?.contact;
                if contact.remembered.items().iter().any(|item| item.seen_at < since) {
                    due.push(contact.phone);
                }
            }
        }
        let gone = if due.is_empty() {
            0
        } else {
            self.on_writer(move |writer| {
                let mut gone = 0;
                writer.commit_alone(|overlay| {
                    for phone in due {
                        if let Some(record) = overlay.record(phone)? {
                            let before = record.contact.remembered.items().len();
                            record.contact.remembered.expire(since);
                            gone += (before - record.contact.remembered.items().len()) as u64;
                        }
                    }
                    Ok(())
                })?;
                Ok(gone)
            })?
        };
        Ok(Swept { gone, next })
    }

    /// Removes tallies of days of which no event is kept, and which nobody asks for: a plan does for those within
    /// `measured`, LISTS for those of its window.
    pub fn expire_tallies(&self, measured: Millis) -> Result<Swept> {
        const WINDOW_MS: Millis = TALLY_WINDOW_DAYS as Millis * DAY_MS;
        let cutoff = Day::of(self.state.now() - self.state.settings.keep.events.max(measured).max(WINDOW_MS));
        self.on_writer(move |writer| {
            let mut old = writer.state.engine.scan(&keys::all(keys::TALLY), EXPIRE_VALUES_STEP)?;
            old.retain(|(key, _)| keys::parse_tally(key).is_some_and(|(_, day)| day < cutoff));
            let step = Swept { gone: old.len() as u64, next: (old.len() == EXPIRE_VALUES_STEP).then_some(0) };
            writer.commit_values(old.into_iter().map(|(key, _)| (key, None)).collect())?;
            Ok(step)
        })
    }

    /// Forgets the proof of consent in tombstones from an id on that is too old, and ids that were seen too long ago.
    /// Counts the consents.
    pub fn expire_consents(&self, from: u64) -> Result<Swept> {
        let (cutoff, since) = (self.state.now() - self.state.settings.keep.consent, self.state.remember_since());
        self.on_writer(move |writer| {
            let end = u64::from(writer.next.next_tombstone);
            let until = end.min(from + EXPIRE_RECORDS_STEP as u64);
            let (mut gone, mut due) = (0, Vec::new());
            for id in from..until {
                let id = id as u32;
                let Some(mut stored) = writer.state.stored_tombstone(id)? else { continue };
                let consents = u64::from(stored.tombstone.forget_consent_before(cutoff));
                if stored.tombstone.remembered.expire(since) || consents > 0 {
                    due.push((id, stored));
                }
                gone += consents;
            }
            if !due.is_empty() {
                writer.commit_alone(|overlay| {
                    for (id, stored) in due {
                        overlay.rewrite_tombstone(id, stored);
                    }
                    Ok(())
                })?;
            }
            Ok(Swept { gone, next: (until < end).then_some(until) })
        })
    }

    /// Removes events, from a block on, of contacts that are gone. Those of one who is being erased stay: the erasure
    /// counts them, and finds its way from one block to the next by them.
    pub fn sweep(&self, log: Log, from: u64) -> Result<Swept> {
        self.on_writer(move |writer| {
            let state = std::sync::Arc::clone(&writer.state);
            let erasing = state.erasing()?;
            let (mut gone, mut next, mut changed) = (0, None, Vec::new());
            let blocks = rows(&*state.engine, keys::through(&log.key(from), &log.key(u64::MAX)));
            for (nth, row) in blocks.enumerate() {
                let (key, value) = row?;
                if nth == EXPIRE_VALUES_STEP {
                    next = keys::long_number(&key);
                    break;
                }
                let mut entries = codec::decode_entries(&expand(&value)?)?;
                let before = gone;
                let gate = state.memory.gate();
                for entry in &mut entries {
                    let is_gone = gate.directory.number(entry.contact) == 0 && !erasing.contains(&entry.contact);
                    if entry.event.is_some() && is_gone {
                        entry.event = None;
                        gone += 1;
                    }
                }
                drop(gate);
                if entries.iter().all(|entry| entry.event.is_none()) {
                    changed.push((key, None));
                } else if gone > before {
                    changed.push((key, Some(compress(codec::encode_entries(&entries)?))));
                }
            }
            writer.commit_values(changed)?;
            Ok(Swept { gone, next })
        })
    }
}
