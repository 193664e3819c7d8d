//! Erasure of one contact: at once out of everything that answers, then, in steps that a crash does not lose, out of the
//! history and the feed.

use std::sync::{Arc, PoisonError};

use super::codec::{self, Erasing, FeedEntry};
use super::compressed::{compress, expand};
use super::log::Log;
use super::writer::Writer;
use super::{Shared, Store, keys, sled_failed};
use crate::error::{Error, Result};
use crate::limits::ERASE_VALUES_STEP;
use crate::model::contact::Contact;
use crate::model::phone::Phone;
use crate::model::remembered::What;
use crate::model::tally::Tally;
use crate::model::tombstone::{Gone, Tombstone};
use crate::model::verdict::Reason;

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

impl Store {
    /// Erases a contact, and opts its number out of all lists. Returns when nothing of it is left but the tombstone; none
    /// if there was no contact.
    pub fn erase(&self, phone: Phone) -> Result<Option<Erased>> {
        let _alone = self.erasing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.errand(move |writer| writer.begin_erasure(phone))? {
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
        let under_way = self.shared.erasing()?;
        if !under_way.is_empty() {
            self.finish_sweep()?;
        }
        for id in under_way {
            self.finish_erasure(id)?;
        }
        Ok(())
    }

    /// Removes what a purge that has not come to its end has left in the history of whom it removed.
    fn finish_sweep(&self) -> Result<()> {
        if !self.sweep_is_due()? {
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
            if let Some(erased) = self.errand(move |writer| writer.erase_step(id))? {
                return Ok(erased);
            }
        }
    }
}

impl Writer {
    /// Removes the contact, leaves a tombstone, and notes what is still to be erased.
    fn begin_erasure(&mut self, phone: Phone) -> Result<Begun> {
        let shared = Arc::clone(&self.shared);
        let id = shared.gate_read().directory.id(phone);
        let tombstone = shared.tombstone(phone)?.map(|(_, tombstone)| tombstone);
        let mut begun = Begun::Unknown;
        let done = self.alone(|round| {
            let now = round.now();
            let stored = round.record(phone)?.cloned();
            let facts = match (&stored, &tombstone) {
                (Some(record), _) => record.contact.clone(),
                (None, Some(tombstone)) => tombstone.revive(phone, now),
                (None, None) => Contact::new(phone, now),
            };
            round.bury(phone, Tombstone::of_erased(&facts, now))?;
            // Nobody can tell any more what became of its messages.
            for claimed in facts.remembered.items().iter().filter(|item| item.what == What::Claimed) {
                round.tallies.push((claimed.list, claimed.at, Tally { unresolved: -1, ..Tally::default() }));
            }
            let mut erasing = Erasing { phone: phone.as_u64(), feed_end: round.feed_end(), ..Erasing::default() };
            let id = match (id, stored, &tombstone) {
                (Some(id), Some(record), _) => {
                    (erasing.consent, erasing.activity) = (record.newest.consent, record.newest.activity);
                    begun = Begun::Contact(id);
                    id
                }
                (_, _, Some(Tombstone { why: Gone::Purged(_), .. })) => {
                    // An id that no contact gets.
                    let id = round.heads.next_contact;
                    round.heads.next_contact =
                        id.checked_add(1).ok_or_else(|| Error::internal("no id is left to erase under"))?;
                    begun = Begun::Purged(id);
                    id
                }
                _ => return Ok(()),
            };
            round.note(&keys::erasing(id), Some(codec::encode_erasing(&erasing)?));
            Ok(())
        });
        if done.is_err() {
            let mut gate = shared.gate.write().unwrap_or_else(PoisonError::into_inner);
            gate.forbid_unwritten(phone, None, Reason::OptedOut);
        }
        done.map(|()| begun)
    }

    /// Erases some more. Gives what was erased in all when that is all.
    fn erase_step(&mut self, id: u32) -> Result<Option<Erased>> {
        let shared = Arc::clone(&self.shared);
        let key = keys::erasing(id);
        let note = shared.disk.tree().get(key).map_err(sled_failed)?;
        let note = note.ok_or_else(|| Error::internal("what was still to be erased is lost"))?;
        let mut erasing = codec::decode_erasing(&note)?;
        let mut changed = Vec::new();
        for (log, position) in [(Log::Consent, &mut erasing.consent), (Log::Activity, &mut erasing.activity)] {
            erasing.events += shared.erase_events(log, id, position, &mut changed)?;
        }
        let is_done = erasing.consent == 0 && erasing.activity == 0 && {
            shared.erase_entries(&mut erasing, &mut changed)?;
            erasing.feed_from >= erasing.feed_end
        };
        changed.push((key.to_vec(), if is_done { None } else { Some(codec::encode_erasing(&erasing)?) }));
        self.note(changed)?;
        Ok(is_done.then_some(Erased { events: erasing.events, entries: erasing.entries }))
    }
}

/// Values that change, by key.
type Changed = Vec<(Vec<u8>, Option<Vec<u8>>)>;

impl Shared {
    /// The ids under which erasures are under way.
    pub(super) fn erasing(&self) -> Result<Vec<u32>> {
        let keys = self.disk.tree().scan_prefix([keys::ERASING]).keys();
        let keys = keys.collect::<sled::Result<Vec<_>>>().map_err(sled_failed)?;
        Ok(keys.iter().filter_map(|key| keys::number(key)).collect())
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
        let range = keys::feed(erasing.feed_from)..keys::feed(erasing.feed_end);
        for (nth, row) in self.disk.tree().range(range).enumerate() {
            let (key, value) = row.map_err(sled_failed)?;
            if nth == ERASE_VALUES_STEP {
                erasing.feed_from = keys::long_number(&key).unwrap_or(erasing.feed_end);
                return Ok(());
            }
            let mut entries = codec::decode_feed(&expand(&value)?)?;
            let before = erasing.entries;
            for entry in &mut entries {
                if let FeedEntry::Contact { phone, lists, .. } = entry
                    && *phone == erasing.phone
                {
                    *phone = 0;
                    lists.clear();
                    erasing.entries += 1;
                }
            }
            if erasing.entries > before {
                changed.push((key.to_vec(), Some(compress(codec::encode_feed(&entries)?))));
            }
        }
        erasing.feed_from = erasing.feed_end;
        Ok(())
    }
}
