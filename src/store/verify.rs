//! VERIFY: every posting, directory entry and gate bit against the records, range by range of ids, in bounded memory.
//!
//! A range is first looked at beside the writer. What seems to differ may just be changing, so it is looked at again
//! on the writer's thread, between two batches; only what differs there counts.

use std::collections::BTreeMap;

use super::chunk::Chunk;
use super::term::Term;
use super::{Shared, Store, codec, keys, sled_failed, tombstones};
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, DIRECTORY_CHUNK_IDS, POSTING_CHUNK_IDS};
use crate::model::phone::Phone;
use crate::model::verdict::{ContactStatus, ListStatus};

/// What VERIFY found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Records read.
    pub contacts: u64,
    /// Postings compared, in their parts.
    pub postings: u64,
    /// Tombstones read.
    pub tombstones: u64,
    /// What differs, one line each; the first hundred.
    pub differences: Vec<String>,
    /// How much differs.
    pub differing: u64,
}

/// Postings as the records say, by key.
type Postings = BTreeMap<Vec<u8>, Chunk>;

/// Differences that are described; more are counted.
const DESCRIBED_MAX: usize = 100;

impl Verified {
    fn differs(&mut self, what: impl FnOnce() -> String) {
        self.differing += 1;
        if self.differences.len() < DESCRIBED_MAX {
            self.differences.push(what());
        }
    }

    fn add(&mut self, range: Verified) {
        self.contacts += range.contacts;
        self.postings += range.postings;
        self.tombstones += range.tombstones;
        self.differing += range.differing;
        let room = DESCRIBED_MAX - self.differences.len();
        self.differences.extend(range.differences.into_iter().take(room));
    }
}

impl Store {
    /// Compares everything that is derived with the records. With `repair`, writes what the records say; the gate in
    /// memory follows at the next start.
    pub fn verify(&self, repair: bool) -> Result<Verified> {
        let ranges = self.shared.ranges()?;
        let mut verified = Verified::default();
        for chunk in 0..ranges {
            let mut range = self.shared.examine(chunk, false)?;
            if range.differing > 0 {
                range = self.errand(move |writer| writer.shared.examine(chunk, false))?;
            }
            verified.add(range);
        }
        self.errand({
            let mut found = Verified::default();
            move |writer| writer.shared.examine_tombstones(repair, &mut found).map(|()| found)
        })
        .map(|found| verified.add(found))?;
        if repair && verified.differing > 0 {
            for chunk in 0..ranges {
                self.errand(move |writer| writer.shared.examine(chunk, true))?;
            }
            self.errand(|writer| writer.shared.forget_journal())?;
        }
        Ok(verified)
    }
}

impl Shared {
    /// Ranges of [`POSTING_CHUNK_IDS`] ids in which there is anything.
    fn ranges(&self) -> Result<u32> {
        let tree = self.disk.tree();
        let last = |first: [u8; 5], end: [u8; 5]| tree.range(first..end).next_back().transpose().map_err(sled_failed);
        let block = last(keys::block(0), keys::block(u32::MAX))?.and_then(|(key, _)| keys::number(&key));
        let posting = last(keys::postings(0), keys::postings(u32::MAX))?.and_then(|(key, _)| keys::number(&key));
        let contacts = block.map_or(0, |block| block * BLOCK_CONTACTS / POSTING_CHUNK_IDS + 1);
        let known = self.gate_read().directory.ids_end().div_ceil(POSTING_CHUNK_IDS);
        Ok(contacts.max(posting.map_or(0, |chunk| chunk + 1)).max(known))
    }

    /// Compares the directory of the tombstones with them, a chunk at a time.
    fn examine_tombstones(&self, repair: bool, found: &mut Verified) -> Result<()> {
        let mut batch = sled::Batch::default();
        let known = self.tombstones_read();
        let mut graves = 0;
        for chunk in 0..known.directory.ids_end().max(self.tombstones_end()?).div_ceil(DIRECTORY_CHUNK_IDS) {
            let mut expected = Vec::new();
            for id in chunk * DIRECTORY_CHUNK_IDS..(chunk + 1) * DIRECTORY_CHUNK_IDS {
                let number = known.directory.number(id);
                let number = match self.grave(id) {
                    Ok(Some(grave)) if tombstones::may_be(number, &grave.mark) => number,
                    Ok(None) if number == 0 => 0,
                    Ok(Some(grave)) => {
                        found.differs(|| format!("tombstone {id} is not in the directory as it should be"));
                        known.free_number(&grave.mark).unwrap_or(number)
                    }
                    Ok(None) => {
                        found.differs(|| format!("tombstone {id} is in the directory and nowhere else"));
                        0
                    }
                    Err(why) => {
                        found.differs(|| format!("tombstone {id}: {}", why.message));
                        number
                    }
                };
                graves += u64::from(number != 0);
                expected.push(number);
            }
            let end = expected.iter().rposition(|&number| number != 0).map_or(0, |last| last + 1);
            expected.truncate(end);
            let key = keys::tombstone_directory(chunk);
            let stored = self.disk.tree().get(key).map_err(sled_failed)?;
            let mut stored = stored.map_or(Ok(Vec::new()), |value| codec::decode_numbers(&value))?;
            stored.truncate(stored.iter().rposition(|&number| number != 0).map_or(0, |last| last + 1));
            if stored != expected {
                found.differs(|| format!("tombstone directory chunk {chunk} is not what the tombstones say"));
                batch.insert(&key, codec::encode_numbers(&expected));
            }
        }
        found.tombstones = graves;
        if repair && found.differing > 0 {
            self.disk.tree().apply_batch(batch).map_err(sled_failed)?;
            self.disk.sync()?;
        }
        Ok(())
    }

    /// One more than the greatest id of a tombstone that may be there.
    fn tombstones_end(&self) -> Result<u32> {
        let last = self
            .disk
            .tree()
            .range(keys::tombstones(0)..=keys::tombstones(u32::MAX))
            .next_back()
            .transpose()
            .map_err(sled_failed)?;
        Ok(last.and_then(|(key, _)| keys::number(&key)).map_or(0, |block| (block + 1) * BLOCK_CONTACTS))
    }

    /// Everything is on disk as the records say: what the journal has is not newer any more.
    fn forget_journal(&self) -> Result<()> {
        let mut batch = sled::Batch::default();
        for key in self.disk.tree().scan_prefix([keys::JOURNAL]).keys() {
            batch.remove(key.map_err(sled_failed)?);
        }
        self.disk.tree().apply_batch(batch).map_err(sled_failed)?;
        self.disk.sync()
    }

    /// Compares a range of ids. With `repair` all of it is on disk afterwards as the records say, without the journal.
    fn examine(&self, chunk: u32, repair: bool) -> Result<Verified> {
        let mut found = Verified::default();
        let mut batch = sled::Batch::default();
        let first = chunk * POSTING_CHUNK_IDS;
        let (phones, mut postings) = self.derive(first, &mut found)?;
        self.examine_gate(first, &phones, &postings, &mut found);
        self.examine_directory(first, &phones, &mut found, &mut batch)?;
        if !repair {
            self.examine_unsettled(chunk, &mut postings, &mut found);
        }
        for row in self.disk.tree().scan_prefix(keys::postings(chunk)) {
            let (key, value) = row.map_err(sled_failed)?;
            if !repair && self.unsettled_read().has(&key) {
                continue;
            }
            let expected = postings.remove(&*key);
            let same = match (&expected, keys::parse_posting(&key)) {
                (Some(expected), Some((term, _))) => Chunk::decode(term.chunk_ids(), &value).as_ref() == Ok(expected),
                _ => false,
            };
            if !same {
                found.differs(|| format!("posting {:?} is not what the records say", keys::parse_posting(&key)));
                match expected {
                    Some(expected) => batch.insert(&key, expected.encode()),
                    None => batch.remove(&key),
                }
            }
        }
        for (key, missing) in postings {
            found.differs(|| format!("posting {:?} is missing", keys::parse_posting(&key)));
            batch.insert(key, missing.encode());
        }
        if repair && found.differing > 0 {
            self.disk.tree().apply_batch(batch).map_err(sled_failed)?;
            self.disk.sync()?;
        }
        Ok(found)
    }

    /// What the records of a range say: the number of each id, and every posting.
    fn derive(&self, first: u32, found: &mut Verified) -> Result<(Vec<Option<Phone>>, Postings)> {
        let mut phones = vec![None; POSTING_CHUNK_IDS as usize];
        let mut postings = BTreeMap::new();
        let last = first.saturating_add(POSTING_CHUNK_IDS - 1);
        for row in self.disk.tree().range(keys::block(first)..=keys::block(last)) {
            let (key, value) = row.map_err(sled_failed)?;
            let block = keys::number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            let records = match self.records(block, &value) {
                Ok(records) => records,
                Err(why) => {
                    found.differs(|| format!("contacts from {} on: {}", block * BLOCK_CONTACTS, why.message));
                    continue;
                }
            };
            for (id, record) in records {
                let record = match record {
                    Ok(record) => record,
                    Err(why) => {
                        found.differs(|| format!("contact {id}: {}", why.message));
                        continue;
                    }
                };
                found.contacts += 1;
                phones[(id - first) as usize] = Some(record.contact.phone);
                for term in Term::all_of(&record.contact) {
                    let size = term.chunk_ids();
                    let offset = id % size;
                    let key = keys::posting(term, id - offset);
                    postings.entry(key).or_insert_with(|| Chunk::new(size)).insert(offset);
                }
            }
        }
        found.postings = postings.len() as u64;
        Ok((phones, postings))
    }

    /// Compares what is newer in memory, and takes it out of what is expected on disk.
    fn examine_unsettled(&self, chunk: u32, postings: &mut Postings, found: &mut Verified) {
        let unsettled = self.unsettled_read();
        let range = keys::postings(chunk).to_vec()..keys::postings(chunk + 1).to_vec();
        for (key, ids) in unsettled.range(range) {
            let expected = postings.get(key).zip(keys::parse_posting(key)).map(|(chunk, (_, first))| chunk.ids(first));
            if expected.unwrap_or_default() != *ids {
                found.differs(|| format!("memory: {:?} is not what the records say", keys::parse_posting(key)));
            }
        }
        postings.retain(|key, _| !unsettled.has(key));
    }

    fn examine_gate(&self, first: u32, phones: &[Option<Phone>], postings: &Postings, found: &mut Verified) {
        let gate = self.gate_read();
        for (id, phone) in (first..).zip(phones) {
            let known = gate.directory.phone(id);
            if known != *phone || phone.is_some_and(|phone| gate.directory.id(phone) != Some(id)) {
                found.differs(|| format!("directory: contact {id} is {phone:?}, not {known:?}"));
            }
        }
        let mut terms: Vec<Term<'_>> = ContactStatus::ALL.map(Term::Contact).into();
        for (list, _) in gate.lists().iter() {
            terms.extend(ListStatus::KEPT.map(|status| Term::List(list, status)));
            terms.push(Term::Held(list));
        }
        for term in terms {
            for part in (first..first.saturating_add(POSTING_CHUNK_IDS)).step_by(term.chunk_ids() as usize) {
                let open = gate.bitmap(term);
                let open = open.map_or(0, |ids| ids.range_cardinality(part..part.saturating_add(term.chunk_ids())));
                let expected = postings.get(&keys::posting(term, part));
                let same = match (expected, gate.bitmap(term)) {
                    (None, _) => open == 0,
                    (Some(chunk), Some(ids)) => {
                        open == u64::from(chunk.len()) && chunk.iter().all(|offset| ids.contains(part + offset))
                    }
                    (Some(_), None) => false,
                };
                if !same {
                    found.differs(|| format!("gate: {term:?} from contact {part} on is not what the records say"));
                }
            }
        }
    }

    fn examine_directory(
        &self,
        first: u32,
        phones: &[Option<Phone>],
        found: &mut Verified,
        batch: &mut sled::Batch,
    ) -> Result<()> {
        for (at, phones) in (first / DIRECTORY_CHUNK_IDS..).zip(phones.chunks(DIRECTORY_CHUNK_IDS as usize)) {
            let end = phones.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            let expected: Vec<u64> = phones[..end].iter().map(|phone| phone.map_or(0, Phone::as_u64)).collect();
            let key = keys::directory(at);
            let stored = self.disk.tree().get(key).map_err(sled_failed)?;
            let stored = stored.map_or(Ok(Vec::new()), |value| codec::decode_numbers(&value));
            if stored.as_ref() != Ok(&expected) {
                found.differs(|| format!("directory chunk {at} is not what the records say"));
                if expected.is_empty() {
                    batch.remove(&key);
                } else {
                    batch.insert(&key, codec::encode_numbers(&expected));
                }
            }
        }
        Ok(())
    }
}
