//! What leaves by age, or with its contact: in small steps, each a batch of its own, so that nobody waits long.

use super::codec::{self, FeedEntry};
use super::compressed::{compress, expand};
use super::log::Log;
use super::{Store, keys, sled_failed};
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, EXPIRE_RECORDS_STEP, EXPIRE_VALUES_STEP, TALLY_WINDOW_DAYS};
use crate::model::phone::Phone;
use crate::model::time::{Day, Millis};

/// What one step did, and where the next one begins; none when there is nothing left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What left.
    pub gone: u64,
    /// Where to go on.
    pub next: Option<u64>,
}

impl Store {
    /// Removes the oldest entries of the feed that nobody may read any more.
    pub fn expire_feed(&self) -> Result<Step> {
        let cutoff = self.now() - self.shared.keep.feed;
        self.errand(move |writer| {
            let (mut gone, mut old) = (0, Vec::new());
            for row in writer.shared.disk.tree().scan_prefix([keys::FEED]).take(EXPIRE_VALUES_STEP) {
                let (key, value) = row.map_err(sled_failed)?;
                let entries = codec::decode_feed(&expand(&value)?)?;
                if entries.iter().any(|entry| entry.at() >= cutoff) {
                    break;
                }
                gone += entries.iter().map(FeedEntry::positions).sum::<u64>();
                old.push(key);
            }
            writer.remove(&old)?;
            Ok(Step { gone, next: (old.len() == EXPIRE_VALUES_STEP).then_some(0) })
        })
    }

    /// Removes the oldest blocks of events that are not of consent.
    pub fn expire_events(&self) -> Result<Step> {
        let cutoff = self.now() - self.shared.keep.events;
        self.errand(move |writer| {
            let (mut gone, mut old) = (0, Vec::new());
            for row in writer.shared.disk.tree().scan_prefix([keys::ACTIVITY]).take(EXPIRE_VALUES_STEP) {
                let (key, value) = row.map_err(sled_failed)?;
                let entries = codec::decode_entries(&expand(&value)?)?;
                let events = || entries.iter().filter_map(|entry| entry.event.as_ref());
                if events().any(|event| event.seen_at >= cutoff) {
                    break;
                }
                gone += events().count() as u64;
                old.push(key);
            }
            writer.remove(&old)?;
            Ok(Step { gone, next: (old.len() == EXPIRE_VALUES_STEP).then_some(0) })
        })
    }

    /// Forgets ids of contacts from an id on that were seen too long ago.
    pub fn expire_ids(&self, from: u64) -> Result<Step> {
        let since = self.remember_since();
        let (mut due, mut next, mut looked_at) = (Vec::<Phone>::new(), None, 0);
        let first = u32::try_from(from).unwrap_or(u32::MAX);
        for row in self.shared.disk.tree().range(keys::block(first)..=keys::block(u32::MAX)) {
            let (key, value) = row.map_err(sled_failed)?;
            let block = keys::number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            if looked_at == EXPIRE_RECORDS_STEP || due.len() >= EXPIRE_VALUES_STEP {
                next = Some(u64::from(block * BLOCK_CONTACTS));
                break;
            }
            looked_at += 1;
            for (_, record) in self.shared.records(block, &value)? {
                let contact = record?.contact;
                if contact.remembered.items().iter().any(|item| item.seen_at < since) {
                    due.push(contact.phone);
                }
            }
        }
        let gone = if due.is_empty() {
            0
        } else {
            self.errand(move |writer| {
                let mut gone = 0;
                writer.alone(|round| {
                    for phone in due {
                        if let Some(record) = round.record(phone)? {
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
        Ok(Step { gone, next })
    }

    /// Removes tallies of days of which no event is kept, and which nobody asks for: a plan does for those within
    /// `measured`, LISTS for those of its window.
    pub fn expire_tallies(&self, measured: Millis) -> Result<Step> {
        const WINDOW_MS: Millis = TALLY_WINDOW_DAYS as Millis * 86_400_000;
        let cutoff = Day::of(self.now() - self.shared.keep.events.max(measured).max(WINDOW_MS));
        self.errand(move |writer| {
            let old = writer.shared.disk.tree().scan_prefix([keys::TALLY]).keys().take(EXPIRE_VALUES_STEP);
            let mut old = old.collect::<sled::Result<Vec<_>>>().map_err(sled_failed)?;
            old.retain(|key| keys::parse_tally(key).is_some_and(|(_, day)| day < cutoff));
            writer.remove(&old)?;
            Ok(Step { gone: old.len() as u64, next: (old.len() == EXPIRE_VALUES_STEP).then_some(0) })
        })
    }

    /// Forgets the proof of consent in tombstones from an id on that is too old.
    pub fn expire_consents(&self, from: u64) -> Result<Step> {
        let cutoff = self.now() - self.shared.keep.consent;
        self.errand(move |writer| {
            let end = u64::from(writer.heads.next_tombstone);
            let until = end.min(from + EXPIRE_RECORDS_STEP as u64);
            let mut due = Vec::new();
            for id in from..until {
                let id = id as u32;
                if let Some(grave) = writer.shared.grave(id)?.filter(|grave| grave.tombstone.has_consent_before(cutoff))
                {
                    due.push((id, grave));
                }
            }
            let gone = due.len() as u64;
            if gone > 0 {
                writer.alone(|round| {
                    for (id, mut grave) in due {
                        grave.tombstone.forget_consent_before(cutoff);
                        round.rewrite_grave(id, grave);
                    }
                    Ok(())
                })?;
            }
            Ok(Step { gone, next: (until < end).then_some(until) })
        })
    }

    /// Removes events, from a block on, of contacts that are gone.
    pub fn sweep(&self, log: Log, from: u64) -> Result<Step> {
        self.errand(move |writer| {
            let shared = std::sync::Arc::clone(&writer.shared);
            let (mut gone, mut next, mut changed) = (0, None, Vec::new());
            let rows = shared.disk.tree().range(log.key(from)..=log.key(u64::MAX));
            for (nth, row) in rows.enumerate() {
                let (key, value) = row.map_err(sled_failed)?;
                if nth == EXPIRE_VALUES_STEP {
                    next = keys::long_number(&key);
                    break;
                }
                let mut entries = codec::decode_entries(&expand(&value)?)?;
                let before = gone;
                let gate = shared.gate_read();
                for entry in &mut entries {
                    if entry.event.is_some() && gate.directory.number(entry.contact) == 0 {
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
            if !changed.is_empty() {
                writer.alone(|round| {
                    for (key, value) in changed {
                        round.note(&key, value);
                    }
                    Ok(())
                })?;
            }
            Ok(Step { gone, next })
        })
    }
}

impl super::writer::Writer {
    fn remove(&mut self, keys: &[sled::IVec]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.alone(|round| {
            for key in keys {
                round.note(key, None);
            }
            Ok(())
        })
    }
}
