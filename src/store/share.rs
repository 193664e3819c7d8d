//! What of a store is one partition's, where a store is split into several.
//!
//! Ids stay what they are, and with them all that refers to them: postings, positions of events. What is of a contact goes with it.
//! Lists go with every partition, which all have the same. So do tombstones: nobody can tell whose one is. A partition knows more of
//! them than it needs, and lacks none. The feed and the plans of purges go nowhere: they tell of contacts of all.

use std::borrow::Cow;
use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::engine::{Engine, Row, rows};
use super::format::block::{self, Slot};
use super::format::chunk::Chunk;
use super::format::codec;
use super::format::compressed::{compress, expand};
use super::format::keys;
use super::memory::changes::Changes;
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, DIRECTORY_CHUNK_IDS};
use crate::model::list::ListId;
use crate::model::phone::Phone;
use crate::model::remembered::IdUse;
use crate::model::slot::Partition;
use crate::model::tally::Tally;
use crate::model::time::Day;

/// What of a store is one partition's.
pub struct Share {
    /// The ids of its contacts.
    contacts: RoaringBitmap,
    /// The ids of its contacts that are being erased: no directory has them any more, and their events are still to go.
    erasing: RoaringBitmap,
    /// How many of its claims nobody has told the end of.
    unresolved: HashMap<(ListId, Day), i64>,
    here: Partition,
    /// The partition of the store, and of how many, that is split.
    whole: Partition,
}

impl Share {
    /// The share of a partition of a store that is itself one of fewer, or all there is.
    pub fn of(engine: &dyn Engine, here: Partition, whole: Partition) -> Result<Share> {
        let (contacts, erasing) = (RoaringBitmap::new(), RoaringBitmap::new());
        let mut share = Share { contacts, erasing, unresolved: HashMap::new(), here, whole };
        for row in rows(engine, keys::all(keys::DIRECTORY)) {
            let (key, value) = row?;
            let first = number(&key)? * DIRECTORY_CHUNK_IDS;
            let numbers = codec::decode_numbers(&value)?;
            for (id, phone) in (first..).zip(numbers) {
                if share.has(phone) {
                    share.contacts.insert(id);
                }
            }
        }
        for row in rows(engine, keys::all(keys::ERASING)) {
            let (key, value) = row?;
            if share.has(codec::decode_erasing(&value)?.phone) {
                share.erasing.insert(number(&key)?);
            }
        }
        for row in rows(engine, keys::all(keys::CONTACT)) {
            share.count_claims(engine, &row?)?;
        }
        Ok(share)
    }

    /// Whether a contact is of the partition. One that is not where its number belongs goes with the nearest: it is lost nowhere.
    fn has(&self, number: u64) -> bool {
        Phone::from_u64(number).is_some_and(|phone| self.here.is_nearest_in(self.whole, phone))
    }

    /// Whether it is the first of those that the store is split into.
    fn is_first(&self) -> bool {
        self.here.place == self.whole.first_of(self.here.of)
    }

    fn count_claims(&mut self, engine: &dyn Engine, (key, value): &Row) -> Result<()> {
        let first = number(key)? * BLOCK_CONTACTS;
        let value = expand(value)?;
        for (id, slot) in (first..).zip(block::slots(&value)?).filter(|(id, _)| self.contacts.contains(*id)) {
            let record = match slot {
                Slot::Empty => continue,
                Slot::Here(record) => codec::decode_record(record)?,
                Slot::Apart => match engine.get(&keys::apart(id))? {
                    Some(apart) => codec::decode_record(&expand(&apart)?)?,
                    None => return Err(Error::internal(format!("the record of contact {id} is lost"))),
                },
            };
            let items = record.contact.remembered.items().iter();
            for claimed in items.filter(|item| item.what == IdUse::Claimed) {
                *self.unresolved.entry((claimed.list, Day::of(claimed.at))).or_default() += 1;
            }
        }
        Ok(())
    }

    /// What a row is in the partition; none if it has nothing of it.
    pub fn value<'v>(&self, key: &[u8], value: &'v [u8]) -> Result<Option<Cow<'v, [u8]>>> {
        let as_it_is = || Ok(Some(Cow::Borrowed(value)));
        match key.first() {
            // A trail has what all of the store's contacts forbade: each partition begins another one.
            Some(0) if key == keys::TRAIL => Ok(None),
            Some(
                &(0
                | keys::LIST
                | keys::LIST_EVENT
                | keys::COMMON
                | keys::TOMBSTONE
                | keys::TOMBSTONE_APART
                | keys::TOMBSTONE_DIRECTORY),
            ) => as_it_is(),
            Some(&(keys::FEED | keys::PLAN | keys::PLAN_IDS)) => Ok(None),
            Some(&keys::TALLY) => self.tally(key, value).map(owned),
            Some(&keys::ERASING) => Ok(self.erasing.contains(number(key)?).then_some(Cow::Borrowed(value))),
            Some(&keys::DIRECTORY) => self.directory(key, value).map(owned),
            Some(&keys::CONTACT) => self.block(key, value).map(owned),
            Some(&keys::APART) => Ok(self.contacts.contains(number(key)?).then_some(Cow::Borrowed(value))),
            Some(&keys::POSTING) => self.posting(key, value).map(owned),
            Some(&keys::JOURNAL) => self.journal(value).map(owned),
            Some(&(keys::CONSENT | keys::ACTIVITY)) => self.events(value).map(owned),
            Some(&keys::INBOX) => {
                let waiting = codec::decode_waiting(&expand(value)?)?;
                Ok(self.has(waiting.phone.as_u64()).then_some(Cow::Borrowed(value)))
            }
            _ if value.is_empty() => as_it_is(),
            _ => Err(Error::internal("the store has data that this contactd does not know: use a newer one")),
        }
    }

    /// What was counted on a list on a day is of all contacts: the first partition has it, so that the sums of all stay what they
    /// were. Claims that wait are counted down where they are.
    fn tally(&self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>> {
        let of = keys::parse_tally(key).ok_or_else(damaged_key)?;
        let all = if self.is_first() { codec::decode_tally(value)? } else { Tally::default() };
        let tally = Tally { unresolved: self.unresolved.get(&of).copied().unwrap_or(0), ..all };
        if tally == Tally::default() { Ok(None) } else { codec::encode_tally(tally).map(Some) }
    }

    fn directory(&self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>> {
        let first = number(key)? * DIRECTORY_CHUNK_IDS;
        let mut numbers = codec::decode_numbers(value)?;
        for (id, number) in (first..).zip(&mut numbers).filter(|(id, _)| !self.contacts.contains(*id)) {
            debug_assert!(!self.has(*number), "contact {id}");
            *number = 0;
        }
        numbers.truncate(numbers.iter().rposition(|&number| number != 0).map_or(0, |last| last + 1));
        Ok((!numbers.is_empty()).then(|| codec::encode_numbers(&numbers)))
    }

    fn block(&self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>> {
        let first = number(key)? * BLOCK_CONTACTS;
        let gone = (first..).zip(0..BLOCK_CONTACTS as usize).filter(|(id, _)| !self.contacts.contains(*id));
        let gone: Vec<block::Changed> = gone.map(|(_, slot)| (slot, None)).collect();
        Ok(block::pack(Some(&expand(value)?), &gone)?.value.map(compress))
    }

    fn posting(&self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>> {
        let (term, first) = keys::parse_posting(key).ok_or_else(damaged_key)?;
        let size = term.chunk_ids();
        let ids = Chunk::decode(size, value)?.ids(first) & &self.contacts;
        Ok((!ids.is_empty()).then(|| Chunk::of(&ids, first, size).encode()))
    }

    fn journal(&self, value: &[u8]) -> Result<Option<Vec<u8>>> {
        let changes = Changes::decode(&expand(value)?)?.of(&self.contacts)?;
        let mut entries = changes.entries();
        let entry = entries.pop().map(|(entry, _)| compress(entry));
        // It has fewer changes than were in one.
        if entries.is_empty() { Ok(entry) } else { Err(Error::internal("an entry of the journal has become two")) }
    }

    /// Events keep their places: others have their positions.
    fn events(&self, value: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut entries = codec::decode_entries(&expand(value)?)?;
        for entry in &mut entries {
            if !self.contacts.contains(entry.contact) && !self.erasing.contains(entry.contact) {
                entry.event = None;
            }
        }
        let has_some = entries.iter().any(|entry| entry.event.is_some() || self.erasing.contains(entry.contact));
        if has_some { codec::encode_entries(&entries).map(compress).map(Some) } else { Ok(None) }
    }
}

fn owned<'v>(value: Option<Vec<u8>>) -> Option<Cow<'v, [u8]>> {
    value.map(Cow::Owned)
}

fn number(key: &[u8]) -> Result<u32> {
    keys::number(key).ok_or_else(damaged_key)
}

fn damaged_key() -> Error {
    Error::internal("a damaged key")
}
