//! Erasure of one contact: at once out of everything that answers, then, in steps that a crash does not lose, out of the
//! history and the feed.

use std::sync::{Arc, PoisonError};

use super::Upkeep;
use crate::error::{Error, Result};
use crate::limits::ERASE_VALUES_STEP;
use crate::model::contact::Contact;
use crate::model::phone::Phone;
use crate::model::remembered::IdUse;
use crate::model::tally::Tally;
use crate::model::time;
use crate::model::tombstone::{RemovedBy, Tombstone};
use crate::model::trail::TrailLine;
use crate::model::transition::unwritten::Forbidden;
use crate::store::engine::rows;
use crate::store::format::codec::{self, Erasing, FeedEntry};
use crate::store::format::compressed::{compress, expand};
use crate::store::format::keys;
use crate::store::format::position::Log;
use crate::store::state::State;
use crate::store::write::writer::Writer;

/// What an erasure has removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Events of the history.
    pub events: u64,
    /// Entries of the feed that do not name the number any more.
    pub entries: u64,
}

/// What an erasure finds. What is still to be erased stands under the id.
#[derive(Clone, Copy)]
enum Begun {
    Contact(u32),
    /// Its contact had gone by a purge, of which the feed tells by name.
    Purged(u32),
    Unknown,
}

impl Upkeep {
    /// Erases a contact, and opts its number out of all lists. Returns when nothing of it is left but the tombstone; none
    /// if there was no contact.
    pub fn erase(&self, phone: Phone, by: Arc<str>) -> Result<Option<Erased>> {
        let _alone = self.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.on_writer(move |writer| begin_erasure(writer, phone, &by))? {
            Begun::Contact(id) => self.finish_erasure(id).map(Some),
            Begun::Purged(id) => {
                self.finish_sweep()?;
                self.finish_erasure(id).map(|_| None)
            }
            Begun::Unknown => Ok(None),
        }
    }

    /// Finishes what a crash has interrupted.
    pub fn finish_erasures(&self) -> Result<()> {
        let _alone = self.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = self.state.erasing()?;
        if !under_way.is_empty() {
            self.finish_sweep()?;
        }
        for id in under_way {
            self.finish_erasure(id)?;
        }
        Ok(())
    }

    /// Removes the history of contacts that a purge has removed, if it has not ended yet.
    fn finish_sweep(&self) -> Result<()> {
        if !self.state.sweep_is_due()? {
            return Ok(());
        }
        for log in Log::ALL {
            let mut from = Some(0);
            while let Some(at) = from {
                from = self.sweep(log, at)?.next;
            }
        }
        Ok(())
    }

    fn finish_erasure(&self, id: u32) -> Result<Erased> {
        loop {
            if let Some(erased) = self.on_writer(move |writer| erase_step(writer, id))? {
                return Ok(erased);
            }
        }
    }
}

/// Removes the contact, leaves a tombstone, and notes what is still to be erased.
fn begin_erasure(writer: &mut Writer, phone: Phone, by: &str) -> Result<Begun> {
    let state = Arc::clone(&writer.state);
    let id = state.memory.gate().directory.id(phone);
    let tombstones: Vec<Tombstone> = state.tombstones_of(phone)?.into_iter().map(|(_, tombstone)| tombstone).collect();
    let was_purged = tombstones.iter().any(|tombstone| matches!(tombstone.why, RemovedBy::Purged(_)));
    let mut begun = Begun::Unknown;
    let done = writer.commit_alone(|overlay| {
        let now = overlay.now();
        let stored = overlay.record(phone)?.cloned();
        let mut facts = stored.as_ref().map_or_else(|| Contact::new(phone, now), |record| record.contact.clone());
        for tombstone in &tombstones {
            facts.absorb(&tombstone.restore(phone, now));
        }
        overlay.remove(phone, Tombstone::of_erased(&facts, now, by))?;
        overlay.trail = Some(vec![TrailLine::erased(&phone.to_string(), &time::format(now))]);
        // Nobody can say any more what became of its messages.
        for claimed in facts.remembered.items().iter().filter(|item| item.what == IdUse::Claimed) {
            overlay.tallies.push((claimed.list, claimed.at, Tally { unresolved: -1, ..Tally::default() }));
        }
        let mut erasing = Erasing { phone: phone.as_u64(), feed_end: overlay.feed_end(), ..Erasing::default() };
        let id = match (id, stored) {
            (Some(id), Some(record)) => {
                (erasing.consent, erasing.activity) = (record.newest.consent, record.newest.activity);
                begun = Begun::Contact(id);
                id
            }
            _ if was_purged => {
                // An id that no contact gets.
                let id = overlay.take_contact_id()?;
                begun = Begun::Purged(id);
                id
            }
            _ => return Ok(()),
        };
        overlay.put_value(&keys::erasing(id), Some(codec::encode_erasing(&erasing)?));
        Ok(())
    });
    match done {
        Ok(()) => writer.is_stored(phone, &Forbidden::by_erasure()),
        Err(_) => writer.forbid_unwritten(&[(phone, Forbidden::by_erasure())]),
    }
    done.map(|()| begun)
}

/// Erases some more. Gives what was erased in all when that is all.
fn erase_step(writer: &mut Writer, id: u32) -> Result<Option<Erased>> {
    let state = Arc::clone(&writer.state);
    let key = keys::erasing(id);
    let note = state.engine.get(&key)?.ok_or_else(|| Error::internal("what was still to be erased is lost"))?;
    let mut erasing = codec::decode_erasing(&note)?;
    let mut changed = Vec::new();
    for (log, position) in [(Log::Consent, &mut erasing.consent), (Log::Activity, &mut erasing.activity)] {
        erasing.events += state.erase_events(log, id, position, &mut changed)?;
    }
    let is_done = erasing.consent == 0 && erasing.activity == 0 && {
        state.erase_entries(&mut erasing, &mut changed)?;
        erasing.feed_from >= erasing.feed_end
    };
    changed.push((key.to_vec(), if is_done { None } else { Some(codec::encode_erasing(&erasing)?) }));
    writer.commit_values(changed)?;
    Ok(is_done.then_some(Erased { events: erasing.events, entries: erasing.entries }))
}

/// Values that change, by key.
type Changed = Vec<(Vec<u8>, Option<Vec<u8>>)>;

impl State {
    /// The ids under which erasures are under way.
    pub fn erasing(&self) -> Result<Vec<u32>> {
        let rows = rows(&*self.engine, keys::all(keys::ERASING)).collect::<Result<Vec<_>>>()?;
        Ok(rows.iter().filter_map(|(key, _)| keys::number(key)).collect())
    }

    /// Erases some of a contact's events in a log. Gives how many; `position` is where the rest begins, 0 at the end.
    fn erase_events(&self, log: Log, contact: u32, position: &mut u64, changed: &mut Changed) -> Result<u64> {
        let mut events = 0;
        for _ in 0..ERASE_VALUES_STEP {
            let (block, mut place) = (Log::block(*position), Log::place(*position));
            let entries = if *position == 0 { None } else { self.events(log, block)? };
            let Some(mut entries) = entries else {
                *position = 0;
                break;
            };
            // All of the contact's events in this block: the newest comes first.
            loop {
                let Some(entry) = entries.get_mut(place).filter(|entry| entry.contact == contact) else {
                    *position = 0;
                    break;
                };
                events += u64::from(entry.event.take().is_some());
                *position = entry.previous;
                if *position == 0 || Log::block(*position) != block {
                    break;
                }
                place = Log::place(*position);
            }
            changed.push((log.key(block).to_vec(), Some(codec::encode_entries(&entries).map(compress)?)));
        }
        Ok(events)
    }

    /// Takes the number out of some entries of the feed.
    fn erase_entries(&self, erasing: &mut Erasing, changed: &mut Changed) -> Result<()> {
        let range = keys::feed(erasing.feed_from).to_vec()..keys::feed(erasing.feed_end).to_vec();
        for (nth, row) in rows(&*self.engine, range).enumerate() {
            let (key, value) = row?;
            if nth == ERASE_VALUES_STEP {
                erasing.feed_from = keys::long_number(&key).unwrap_or(erasing.feed_end);
                return Ok(());
            }
            let mut entries = codec::decode_feed(&expand(&value)?)?;
            let before = erasing.entries;
            for entry in &mut entries {
                if let FeedEntry::Contact { phone, lists, .. } = entry
                    && Phone::from_u64(*phone).is_some_and(|phone| phone.as_u64() == erasing.phone)
                {
                    *phone = 0;
                    lists.clear();
                    erasing.entries += 1;
                }
            }
            if erasing.entries > before {
                changed.push((key, Some(compress(codec::encode_feed(&entries)?))));
            }
        }
        erasing.feed_from = erasing.feed_end;
        Ok(())
    }
}
