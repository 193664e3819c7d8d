//! A round as one batch: records, events, postings, directory, lists, feed and counters, all or nothing; and what
//! follows in memory once it is on disk.

use std::collections::BTreeMap;

use super::block::{self, Changed};
use super::changes::Changes;
use super::chunk::Chunk;
use super::codec::{self, FeedEntry, Heads};
use super::compressed::compress;
use super::gate::Gate;
use super::keys;
use super::log::Append;
use super::round::{Round, Touched};
use super::tallies::Additions;
use super::term::Term;
use super::unsettled::Settlement;
use crate::error::Result;
use crate::limits::{BLOCK_CONTACTS, DIRECTORY_CHUNK_IDS, JOURNAL_CUT_MIN, PACK_BYTES_CLOSE};
use crate::model::contact::Contact;
use crate::model::list::{List, ListId};
use crate::model::phone::Phone;

/// A round as it goes to disk and, after that, into memory.
pub struct Commit {
    /// For sled.
    pub batch: sled::Batch,
    /// The counters after it.
    pub heads: Heads,
    /// New contacts and changed lists, for the gate.
    pub opening: Opening,
    /// For the postings that are newer than on disk, and for the gate.
    pub settlement: Settlement,
    /// For the tallies in memory.
    pub tallies: Additions,
}

/// What a committed round changes in the gate, besides postings.
pub struct Opening {
    fresh: Vec<(u32, Phone)>,
    lists: Vec<(ListId, List)>,
}

impl Round<'_> {
    /// Makes the batch. None if nothing has changed.
    pub fn finish(mut self) -> Result<Option<Commit>> {
        let mut batch = sled::Batch::default();
        let written = self.write_contacts(&mut batch)?;
        if written.records == 0 && self.changed_lists.is_empty() && self.feed.is_empty() {
            return Ok(None);
        }
        let settlement = self.write_postings(&mut batch, written.changes)?;
        self.write_directory(&mut batch, &written.fresh);
        self.write_feed(&mut batch)?;
        let mut tallies = std::mem::take(&mut self.tallies);
        tallies.write(self.shared, &mut batch)?;
        let mut lists = Vec::new();
        for &id in &self.changed_lists {
            if let Some(list) = self.lists.get(id) {
                batch.insert(&keys::list(id), codec::encode_list(list)?);
                lists.push((id, list.clone()));
            }
        }
        batch.insert(keys::HEADS, codec::encode_heads(&self.heads)?);
        let opening = Opening { fresh: written.fresh, lists };
        Ok(Some(Commit { batch, heads: self.heads, opening, settlement, tallies }))
    }

    /// Writes the records that changed, and what happened to them.
    fn write_contacts(&mut self, batch: &mut sled::Batch) -> Result<Written> {
        let mut written = Written::default();
        let mut append = Append::new(self.heads.next_event);
        let mut blocks = BTreeMap::<u32, Vec<Changed>>::new();
        for touched in std::mem::take(&mut self.touched) {
            let Touched { id, before, mut after, events } = *touched;
            for event in events {
                append.push(batch, id, &mut after.newest, event)?;
            }
            if before.as_ref() == Some(&after) {
                continue;
            }
            let record = codec::encode_record(&after)?;
            blocks.entry(id / BLOCK_CONTACTS).or_default().push(((id % BLOCK_CONTACTS) as usize, Some(record)));
            written.change(id, before.as_ref().map(|record| &record.contact), &after.contact);
            if before.is_none() {
                written.fresh.push((id, after.contact.phone));
            }
        }
        self.heads.next_event = append.finish(batch);
        let new_from = written.fresh.first().map_or(u32::MAX, |(id, _)| *id);
        for (number, changed) in blocks {
            self.write_block(batch, number, &changed, new_from)?;
        }
        Ok(written)
    }

    fn write_block(&mut self, batch: &mut sled::Batch, number: u32, changed: &[Changed], new_from: u32) -> Result<()> {
        let first = number * BLOCK_CONTACTS;
        let stored = match self.blocks.remove(&number) {
            Some(stored) => stored,
            None if first >= new_from => None,
            None => self.shared.block(first)?,
        };
        let packed = block::pack(stored.as_deref(), changed)?;
        match packed.value {
            // Only records that have keys of their own changed.
            Some(value) if stored.as_deref() == Some(&value) => {}
            Some(value) => batch.insert(&keys::block(first), value),
            None => batch.remove(&keys::block(first)),
        }
        for (slot, record) in packed.apart {
            batch.insert(&keys::apart(first + slot as u32), record);
        }
        for slot in packed.back {
            batch.remove(&keys::apart(first + slot as u32));
        }
        Ok(())
    }

    /// Writes the changes of postings into the journal, and the postings that have waited longest to where they stand.
    fn write_postings(&mut self, batch: &mut sled::Batch, changes: Changes) -> Result<Settlement> {
        let unsettled = self.shared.unsettled_read();
        let mut settled = Vec::new();
        for key in unsettled.oldest(changes.count()) {
            let Some((term, first)) = keys::parse_posting(key) else { continue };
            let chunk = match unsettled.ids(key) {
                Some(ids) => Chunk::of(ids, first, term.chunk_ids()),
                None => self.shared.gate_read().chunk(term, first),
            };
            if chunk.is_empty() {
                batch.remove(key);
            } else {
                batch.insert(key, chunk.encode());
            }
            settled.push(key.to_vec());
        }
        let mut loaded = Vec::new();
        for (key, _) in changes.iter() {
            if !keys::is_gate_posting(key) && !unsettled.has(key) {
                loaded.push((key.to_vec(), self.shared.disk.posting(key)?));
            }
        }
        let entries = changes.entries();
        let done = unsettled.done(JOURNAL_CUT_MIN + 2 * entries.len());
        let cut = done.clone().count();
        for number in done {
            batch.remove(&keys::journal(number));
        }
        let (first, mut counts) = (self.heads.next_journal, Vec::new());
        for (value, count) in entries {
            batch.insert(&keys::journal(self.heads.next_journal), compress(value));
            self.heads.next_journal += 1;
            counts.push(count);
        }
        Ok(Settlement { settled, changes, loaded, entries: (first, counts), cut })
    }

    fn write_directory(&self, batch: &mut sled::Batch, fresh: &[(u32, Phone)]) {
        let mut chunks: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        let gate = self.shared.gate_read();
        for &(id, phone) in fresh {
            let at = id / DIRECTORY_CHUNK_IDS;
            let phones = chunks.entry(at).or_insert_with(|| gate.directory.chunk(at));
            let offset = (id % DIRECTORY_CHUNK_IDS) as usize;
            if phones.len() <= offset {
                phones.resize(offset + 1, 0);
            }
            phones[offset] = phone.as_u64();
        }
        for (at, phones) in chunks {
            batch.insert(&keys::directory(at), codec::encode_phones(&phones));
        }
    }

    fn write_feed(&mut self, batch: &mut sled::Batch) -> Result<()> {
        let mut rest = self.feed.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let mut fits = |entry: &FeedEntry| {
                bytes += entry.bytes_at_most();
                bytes <= PACK_BYTES_CLOSE
            };
            // One entry alone always fits.
            let count = rest.iter().take_while(|entry| fits(entry)).count().max(1);
            let (entries, behind) = rest.split_at(count);
            batch.insert(&keys::feed(self.heads.next_feed), compress(codec::encode_feed(entries)?));
            self.heads.next_feed += entries.iter().map(FeedEntry::positions).sum::<u64>();
            rest = behind;
        }
        Ok(())
    }
}

/// What a round has written of contacts.
#[derive(Default)]
struct Written {
    records: usize,
    fresh: Vec<(u32, Phone)>,
    changes: Changes,
}

impl Written {
    /// Takes note of a record, and of the terms that its contact has from now on or has no more.
    fn change(&mut self, id: u32, before: Option<&Contact>, after: &Contact) {
        self.records += 1;
        let before = before.map(Term::all_of).unwrap_or_default();
        let after = Term::all_of(after);
        for term in before.iter().filter(|term| after.binary_search(term).is_err()) {
            self.changes.push(*term, id, false);
        }
        for term in after.iter().filter(|term| before.binary_search(term).is_err()) {
            self.changes.push(*term, id, true);
        }
    }
}

impl Opening {
    /// Makes the gate what is now on disk, with the changes of postings.
    pub fn apply(self, changes: &Changes, gate: &mut Gate) {
        for (id, list) in self.lists {
            gate.put_list(id, list);
        }
        for (id, phone) in self.fresh {
            gate.directory.insert(id, phone);
        }
        gate.change(changes);
    }
}
