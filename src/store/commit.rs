//! A round as one batch: records, events, postings, directory, lists, feed and counters, all or nothing; and what
//! follows in memory once it is on disk.

use std::collections::BTreeMap;

use super::block::{self, Changed};
use super::changes::Changes;
use super::chunk::Chunk;
use super::codec::{self, FeedEntry, Heads};
use super::compressed::compress;
use super::directory::Directory;
use super::gate::Gate;
use super::keys;
use super::log::Append;
use super::round::{Round, Touched};
use super::tallies::Additions;
use super::term::Term;
use super::tombstones::Tombstones;
use super::unsettled::Settlement;
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, DIRECTORY_CHUNK_IDS, JOURNAL_CUT_MIN, PACK_BYTES_CLOSE};
use crate::model::contact::Contact;
use crate::model::list::{List, ListId};

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
    /// For the directory of tombstones.
    pub graveyard: Graveyard,
}

/// What a committed round changes in the gate, besides postings.
pub struct Opening {
    fresh: Vec<(u32, u64)>,
    gone: Vec<u32>,
    lists: Vec<(ListId, List)>,
}

/// What a committed round changes in the directory of tombstones.
#[derive(Default)]
pub struct Graveyard {
    made: Vec<(u32, u64)>,
    gone: Vec<u32>,
    rewritten: usize,
}

/// Where blocks of records stand, and records apart from them.
#[derive(Clone, Copy)]
struct Places {
    block: fn(u32) -> [u8; 5],
    apart: fn(u32) -> [u8; 5],
}

const CONTACTS: Places = Places { block: keys::block, apart: keys::apart };
const TOMBSTONES: Places = Places { block: keys::tombstones, apart: keys::tombstone_apart };

impl Round<'_> {
    /// Makes the batch. None if nothing has changed.
    pub fn finish(mut self) -> Result<Option<Commit>> {
        let mut batch = sled::Batch::default();
        let written = self.write_contacts(&mut batch)?;
        let graveyard = self.write_graves(&mut batch)?;
        let rest = self.changed_lists.len() + self.feed.len() + self.notes.len();
        if written.records + rest == 0 && graveyard.is_empty() {
            return Ok(None);
        }
        let settlement = self.write_postings(&mut batch, written.changes)?;
        let gate = self.shared.gate_read();
        write_numbers(&mut batch, &gate.directory, keys::directory, &written.fresh, &written.gone);
        drop(gate);
        for (key, value) in std::mem::take(&mut self.notes) {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
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
        self.heads.batches += 1;
        batch.insert(keys::HEADS, codec::encode_heads(&self.heads)?);
        let opening = Opening { fresh: written.fresh, gone: written.gone, lists };
        Ok(Some(Commit { batch, heads: self.heads, opening, settlement, tallies, graveyard }))
    }

    /// Writes the records that changed, and what happened to them.
    fn write_contacts(&mut self, batch: &mut sled::Batch) -> Result<Written> {
        let mut written = Written::default();
        let mut append = Append::new(self.heads.next_event);
        let mut blocks = BTreeMap::<u32, Vec<Changed>>::new();
        for touched in std::mem::take(&mut self.touched) {
            let Touched { id, before, mut after, events, gone } = *touched;
            let slot = (id % BLOCK_CONTACTS) as usize;
            if gone {
                blocks.entry(id / BLOCK_CONTACTS).or_default().push((slot, None));
                written.change(id, before.as_ref().map(|record| &record.contact), None);
                written.gone.push(id);
                continue;
            }
            for event in events {
                append.push(batch, id, &mut after.newest, event)?;
            }
            if before.as_ref() == Some(&after) {
                continue;
            }
            let record = codec::encode_record(&after)?;
            blocks.entry(id / BLOCK_CONTACTS).or_default().push((slot, Some(record)));
            written.change(id, before.as_ref().map(|record| &record.contact), Some(&after.contact));
            if before.is_none() {
                written.fresh.push((id, after.contact.phone.as_u64()));
            }
        }
        self.heads.next_event = append.finish(batch);
        let new_from = written.fresh.first().map_or(u32::MAX, |(id, _)| *id);
        for (number, changed) in blocks {
            let first = number * BLOCK_CONTACTS;
            let stored = match self.blocks.remove(&number) {
                Some(stored) => stored,
                None if first >= new_from => None,
                None => self.shared.block(first)?,
            };
            write_block(batch, CONTACTS, first, stored.as_deref(), &changed)?;
        }
        Ok(written)
    }

    /// Writes new tombstones, and takes out those whose numbers have come back.
    fn write_graves(&mut self, batch: &mut sled::Batch) -> Result<Graveyard> {
        let mut graveyard = Graveyard { gone: std::mem::take(&mut self.revived), ..Graveyard::default() };
        let mut blocks = BTreeMap::<u32, Vec<Changed>>::new();
        let mut change = |id: u32, grave: Option<Vec<u8>>| {
            blocks.entry(id / BLOCK_CONTACTS).or_default().push(((id % BLOCK_CONTACTS) as usize, grave));
        };
        graveyard.gone.iter().for_each(|&id| change(id, None));
        let rewritten = std::mem::take(&mut self.rewritten);
        graveyard.rewritten = rewritten.len();
        for (id, grave) in rewritten {
            change(id, Some(codec::encode_grave(&grave)?));
        }
        let tombstones = self.shared.tombstones_read();
        for grave in std::mem::take(&mut self.graves) {
            let number =
                tombstones.free_number(&grave.mark).ok_or_else(|| Error::internal("two marks are the same"))?;
            let id = self.heads.next_tombstone;
            self.heads.next_tombstone = id.checked_add(1).ok_or_else(|| Error::internal("no tombstone more"))?;
            change(id, Some(codec::encode_grave(&grave)?));
            graveyard.made.push((id, number));
        }
        for (number, changed) in blocks {
            let first = number * BLOCK_CONTACTS;
            let stored = self.shared.expanded(keys::tombstones(first))?;
            write_block(batch, TOMBSTONES, first, stored.as_deref(), &changed)?;
        }
        write_numbers(batch, &tombstones.directory, keys::tombstone_directory, &graveyard.made, &graveyard.gone);
        Ok(graveyard)
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

/// Writes a block of records with those that changed.
fn write_block(
    batch: &mut sled::Batch,
    places: Places,
    first: u32,
    stored: Option<&[u8]>,
    changed: &[Changed],
) -> Result<()> {
    let packed = block::pack(stored, changed)?;
    match packed.value {
        // Only records that have keys of their own changed.
        Some(value) if stored == Some(&value) => {}
        Some(value) => batch.insert(&(places.block)(first), compress(value)),
        None => batch.remove(&(places.block)(first)),
    }
    for (slot, record) in packed.apart {
        batch.insert(&(places.apart)(first + slot as u32), compress(record));
    }
    for slot in packed.back {
        batch.remove(&(places.apart)(first + slot as u32));
    }
    Ok(())
}

/// Writes the chunks of a directory in which numbers come or go.
fn write_numbers(
    batch: &mut sled::Batch,
    directory: &Directory,
    key: fn(u32) -> [u8; 5],
    come: &[(u32, u64)],
    gone: &[u32],
) {
    let mut chunks: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for (id, number) in gone.iter().map(|&id| (id, 0)).chain(come.iter().copied()) {
        let at = id / DIRECTORY_CHUNK_IDS;
        let numbers = chunks.entry(at).or_insert_with(|| directory.chunk(at));
        let offset = (id % DIRECTORY_CHUNK_IDS) as usize;
        if numbers.len() <= offset {
            numbers.resize(offset + 1, 0);
        }
        numbers[offset] = number;
    }
    for (at, mut numbers) in chunks {
        numbers.truncate(numbers.iter().rposition(|&number| number != 0).map_or(0, |last| last + 1));
        if numbers.is_empty() {
            batch.remove(&key(at));
        } else {
            batch.insert(&key(at), codec::encode_numbers(&numbers));
        }
    }
}

/// What a round has written of contacts.
#[derive(Default)]
struct Written {
    records: usize,
    fresh: Vec<(u32, u64)>,
    gone: Vec<u32>,
    changes: Changes,
}

impl Written {
    /// Takes note of a record, and of the terms that its contact has from now on or has no more.
    fn change(&mut self, id: u32, before: Option<&Contact>, after: Option<&Contact>) {
        self.records += 1;
        let before = before.map(Term::all_of).unwrap_or_default();
        let after = after.map(Term::all_of).unwrap_or_default();
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
        for (id, number) in self.fresh {
            gate.directory.insert(id, number);
        }
        for id in self.gone {
            gate.directory.remove(id);
        }
        gate.change(changes);
    }
}

impl Graveyard {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty() && self.gone.is_empty() && self.rewritten == 0
    }

    /// Makes the directory of tombstones what is now on disk.
    pub fn apply(self, tombstones: &mut Tombstones) {
        for id in self.gone {
            tombstones.directory.remove(id);
        }
        for (id, number) in self.made {
            tombstones.directory.insert(id, number);
        }
    }
}
