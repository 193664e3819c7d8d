//! An overlay as one batch: records, events, postings, directory, lists, feed and counters, all or nothing; and what
//! follows in memory once the batch is durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::append::Append;
use super::overlay::{Overlay, Touched};
use super::promote::{Placing, Promotions};
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, DIRECTORY_CHUNK_IDS, JOURNAL_CUT_MIN, PACK_BYTES_CLOSE};
use crate::model::contact::Contact;
use crate::model::trail::{self, TrailLine};
use crate::store::engine::Batch;
use crate::store::format::block::{self, Changed};
use crate::store::format::chunk::Chunk;
use crate::store::format::codec::{self, FeedEntry, NextIds};
use crate::store::format::compressed::compress;
use crate::store::format::keys;
use crate::store::format::term::Term;
use crate::store::memory::MemoryUpdate;
use crate::store::memory::changes::Changes;
use crate::store::memory::directory::Directory;
use crate::store::memory::gate::GateUpdate;
use crate::store::memory::pending::PendingUpdate;
use crate::store::memory::tombstones::TombstoneUpdate;
use crate::store::read::postings::stored_posting;

/// An overlay as it goes to disk and, after that, into memory.
pub struct Commit {
    /// For the engine.
    pub batch: Batch,
    /// What the store gives out after it.
    pub next: NextIds,
    /// For what is held in memory.
    pub memory: MemoryUpdate,
    /// For the trail.
    pub trail: Vec<TrailLine>,
}

/// Where blocks of records stand, and records apart from them.
#[derive(Clone, Copy)]
struct Places {
    block: fn(u32) -> [u8; 5],
    apart: fn(u32) -> [u8; 5],
}

const CONTACTS: Places = Places { block: keys::block, apart: keys::apart };
const TOMBSTONES: Places = Places { block: keys::tombstones, apart: keys::tombstone_apart };

/// What a contact that changes takes in a batch, about: its record, its events, its postings in the journal.
const CONTACT_BYTES_USUAL: usize = 200;

/// Makes the batch with a number, after which more values of labels may be common. None if nothing has changed.
pub fn finish(mut overlay: Overlay<'_>, number: u64, labels: &mut Promotions) -> Result<Option<Commit>> {
    let mut batch = Batch::new(number);
    batch.reserve(overlay.touched.len() * CONTACT_BYTES_USUAL);
    let mut placing = labels.next(overlay.state);
    for (key, value) in std::mem::take(&mut overlay.relabelled.common) {
        placing.add(key, value, RoaringBitmap::new());
    }
    let mut written = overlay.write_contacts(&mut batch, &placing, labels)?;
    placing.move_others(&written.ids, &mut written.changes);
    let tombstones = overlay.write_tombstones(&mut batch)?;
    let rest = overlay.changed_lists.len() + overlay.feed.len() + overlay.values.len() + overlay.inbox.settled.len();
    if written.ids.len() + rest == 0 && written.changes.count() == 0 && placing.is_empty() && batch.is_empty() {
        return Ok(None);
    }
    let common = (!placing.is_empty()).then(|| Arc::clone(&placing.after));
    let pending = PendingUpdate { common, ..overlay.write_postings(&mut batch, written.changes)? };
    let gate = overlay.state.memory.gate();
    let fresh = [written.fresh, written.renumbered].concat();
    write_numbers(&mut batch, &gate.directory, keys::directory, &fresh, &written.gone);
    drop(gate);
    for (key, value) in &overlay.values {
        batch.push(key, value.as_deref());
    }
    for (key, value) in placing.values() {
        batch.put(&keys::common(key, value), &[codec::V1]);
    }
    overlay.write_inbox(&mut batch)?;
    if let Some(trail) = &mut overlay.trail {
        trail.extend(overlay.inbox.still_waiting().map(|(_, waiting)| TrailLine::from(waiting)));
    }
    overlay.write_feed(&mut batch)?;
    overlay.write_tallies(&mut batch)?;
    let mut lists = Vec::new();
    for &id in &overlay.changed_lists {
        if let Some(list) = overlay.lists.get(id) {
            batch.put(&keys::list(id), &codec::encode_list(list)?);
            lists.push((id, list.clone()));
        }
    }
    for event in &overlay.list_events {
        batch.put(&keys::list_event(overlay.next.next_event), &codec::encode_list_event(event)?);
        overlay.next.next_event += 1;
    }
    overlay.next.batches = number;
    batch.put(keys::NEXT_IDS, &codec::encode_next_ids(&overlay.next)?);
    let gate = GateUpdate { fresh, gone: written.gone, lists, inbox: overlay.inbox };
    let memory = MemoryUpdate { contacts: written.ids, gate, pending, tombstones, tallies: overlay.tallies };
    Ok(Some(Commit { batch, next: overlay.next, memory, trail: overlay.trail.unwrap_or_default() }))
}

impl Overlay<'_> {
    /// Writes the records that changed, and what happened to them.
    fn write_contacts(&mut self, batch: &mut Batch, placing: &Placing, labels: &mut Promotions) -> Result<Written> {
        let changes = std::mem::take(&mut self.relabelled.changes);
        let mut written = Written { changes, ..Written::default() };
        let mut append = Append::new(self.next.next_event);
        let mut blocks = BTreeMap::<u32, Vec<Changed>>::new();
        for mut touched in std::mem::take(&mut self.touched) {
            // Where it is: a contact is large, and there are many.
            let Touched { id, before, after, events, is_gone, is_renumbered } = &mut *touched;
            let (id, is_renumbered, before) = (*id, *is_renumbered, before.as_deref());
            if let Some(trail) = &mut self.trail
                && !*is_gone
            {
                trail.extend(trail::news(before.map(|record| &record.contact), &after.contact, &self.lists));
            }
            let slot = (id % BLOCK_CONTACTS) as usize;
            if *is_gone {
                blocks.entry(id / BLOCK_CONTACTS).or_default().push((slot, None));
                written.change(placing, id, before.map(|record| &record.contact), None);
                written.gone.push(id);
                continue;
            }
            for event in std::mem::take(events) {
                append.push(batch, id, &mut after.newest, event)?;
            }
            if before == Some(&*after) && !is_renumbered {
                continue;
            }
            let record = codec::encode_record(after)?;
            blocks.entry(id / BLOCK_CONTACTS).or_default().push((slot, Some(record)));
            let before_contact = before.map(|record| &record.contact);
            written.change(placing, id, before_contact, Some(&after.contact));
            labels.note(before_contact, &after.contact, &placing.after);
            let number = (id, after.contact.phone.as_u64());
            if before.is_none() {
                written.fresh.push(number);
            } else if is_renumbered {
                written.gone.push(id);
                written.renumbered.push(number);
            }
        }
        self.next.next_event = append.finish(batch);
        let new_from = written.fresh.first().map_or(u32::MAX, |(id, _)| *id);
        for (number, changed) in blocks {
            let first = number * BLOCK_CONTACTS;
            let stored = match self.blocks.remove(&number) {
                Some(stored) => stored,
                None if first >= new_from => None,
                None => self.state.block(first)?,
            };
            write_block(batch, CONTACTS, first, stored.as_deref(), &changed)?;
        }
        Ok(written)
    }

    /// Writes new tombstones, and removes those whose numbers have come back.
    fn write_tombstones(&mut self, batch: &mut Batch) -> Result<TombstoneUpdate> {
        let mut changes = std::mem::take(&mut self.tombstones);
        let mut update = TombstoneUpdate { gone: std::mem::take(&mut changes.gone), ..TombstoneUpdate::default() };
        let mut blocks = BTreeMap::<u32, Vec<Changed>>::new();
        let mut change = |id: u32, stored: Option<Vec<u8>>| {
            blocks.entry(id / BLOCK_CONTACTS).or_default().push(((id % BLOCK_CONTACTS) as usize, stored));
        };
        update.gone.iter().for_each(|&id| change(id, None));
        for (id, stored) in changes.rewritten {
            change(id, Some(codec::encode_tombstone(&stored)?));
        }
        let tombstones = self.state.memory.tombstones();
        for stored in changes.made {
            let number = tombstones.free_number(&stored.phone);
            let number = number.ok_or_else(|| Error::internal("two numbers have the same HMAC"))?;
            let id = self.next.next_tombstone;
            self.next.next_tombstone = id.checked_add(1).ok_or_else(|| Error::internal("no tombstone id is left"))?;
            change(id, Some(codec::encode_tombstone(&stored)?));
            update.made.push((id, number));
        }
        for (number, changed) in blocks {
            let first = number * BLOCK_CONTACTS;
            let stored = self.state.expanded(&keys::tombstones(first))?;
            write_block(batch, TOMBSTONES, first, stored.as_deref(), &changed)?;
        }
        write_numbers(batch, &tombstones.directory, keys::tombstone_directory, &update.made, &update.gone);
        Ok(update)
    }

    /// Writes what is added to the sums by list and day.
    fn write_tallies(&mut self, batch: &mut Batch) -> Result<()> {
        for ((list, day), added) in self.tallies.take_added() {
            let mut tally = self.state.tally(list, day)?;
            tally += added;
            batch.put(&keys::tally(list, day), &codec::encode_tally(tally)?);
            self.tallies.written.push((list, day, tally));
        }
        Ok(())
    }

    /// Writes the changes of postings into the journal, and the postings that have waited longest to where they stand.
    fn write_postings(&mut self, batch: &mut Batch, changes: Changes) -> Result<PendingUpdate> {
        let pending = self.state.memory.pending();
        let mut settled = Vec::new();
        for key in pending.oldest(changes.count()) {
            let Some((term, first)) = keys::parse_posting(key) else { continue };
            let chunk = match pending.ids(key) {
                Some(ids) => Chunk::of(ids, first, term.chunk_ids()),
                None => self.state.memory.gate().chunk(term, first),
            };
            if chunk.is_empty() {
                batch.remove(key);
            } else {
                batch.put(key, &chunk.encode());
            }
            settled.push(key.to_vec());
        }
        let mut loaded = Vec::new();
        for (key, _) in changes.iter() {
            if !keys::is_gate_posting(key) && !pending.has(key) {
                loaded.push((key.to_vec(), stored_posting(&*self.state.engine, key)?));
            }
        }
        let entries = changes.entries();
        let done = pending.done(JOURNAL_CUT_MIN + 2 * entries.len());
        let cut = done.clone().count();
        for number in done {
            batch.remove(&keys::journal(number));
        }
        let (first, mut counts) = (self.next.next_journal, Vec::new());
        for (value, count) in entries {
            batch.put(&keys::journal(self.next.next_journal), &compress(value));
            self.next.next_journal += 1;
            counts.push(count);
        }
        Ok(PendingUpdate { settled, changes, common: None, loaded, entries: (first, counts), cut })
    }

    fn write_feed(&mut self, batch: &mut Batch) -> Result<()> {
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
            batch.put(&keys::feed(self.next.next_feed), &compress(codec::encode_feed(entries)?));
            self.next.next_feed += entries.iter().map(FeedEntry::positions).sum::<u64>();
            rest = behind;
        }
        Ok(())
    }
}

/// Writes a block of records with those that changed.
fn write_block(
    batch: &mut Batch,
    places: Places,
    first: u32,
    stored: Option<&[u8]>,
    changed: &[Changed],
) -> Result<()> {
    let packed = block::pack(stored, changed)?;
    match packed.value {
        // Only records that have keys of their own changed.
        Some(value) if stored == Some(&value) => {}
        Some(value) => batch.put(&(places.block)(first), &compress(value)),
        None => batch.remove(&(places.block)(first)),
    }
    for (slot, record) in packed.apart {
        batch.put(&(places.apart)(first + slot as u32), &compress(record));
    }
    for slot in packed.back {
        batch.remove(&(places.apart)(first + slot as u32));
    }
    Ok(())
}

/// Writes the chunks of a directory in which numbers come or go.
fn write_numbers(batch: &mut Batch, directory: &Directory, key: fn(u32) -> [u8; 5], come: &[(u32, u64)], gone: &[u32]) {
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
            batch.put(&key(at), &codec::encode_numbers(&numbers));
        }
    }
}

/// What an overlay has written of contacts.
#[derive(Default)]
struct Written {
    /// The contacts whose records change, come or go.
    ids: Vec<u32>,
    fresh: Vec<(u32, u64)>,
    /// Contacts with another spelling of their number.
    renumbered: Vec<(u32, u64)>,
    gone: Vec<u32>,
    changes: Changes,
}

impl Written {
    /// Takes note of a record, and of the terms that its contact has from now on or has no more.
    fn change(&mut self, placing: &Placing, id: u32, before: Option<&Contact>, after: Option<&Contact>) {
        self.ids.push(id);
        let before = before.map(|contact| Term::all_of(contact, &placing.before)).unwrap_or_default();
        let after = after.map(|contact| Term::all_of(contact, &placing.after)).unwrap_or_default();
        for term in before.iter().filter(|term| after.binary_search(term).is_err()) {
            self.changes.push(*term, id, false);
        }
        for term in after.iter().filter(|term| before.binary_search(term).is_err()) {
            self.changes.push(*term, id, true);
        }
    }
}
