//! VERIFY: every posting, directory entry and gate bit against the records, range by range of ids, in bounded memory.
//!
//! A range is first looked at beside the writer. What seems to differ may just be changing, so it is looked at again
//! on the writer's thread, between two batches; only what differs there counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Upkeep;
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, DIRECTORY_CHUNK_IDS, POSTING_CHUNK_IDS};
use crate::model::phone::Phone;
use crate::model::verdict::{ContactStatus, ListStatus};
use crate::store::engine::{after, rows};
use crate::store::format::chunk::Chunk;
use crate::store::format::codec;
use crate::store::format::keys;
use crate::store::format::term::Term;
use crate::store::memory::tombstones;
use crate::store::state::State;

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

impl Upkeep {
    /// Compares everything that is derived with the records. With `repair`, writes what the records say; the gate in
    /// memory follows at the next start.
    pub fn verify(&self, repair: bool) -> Result<Verified> {
        let ranges = self.state.ranges()?;
        let mut verified = Verified::default();
        for chunk in 0..ranges {
            let mut range = self.state.examine(chunk, false)?.0;
            if range.differing > 0 {
                range = self.on_writer(move |writer| Ok(writer.state.examine(chunk, false)?.0))?;
            }
            verified.add(range);
        }
        verified.add(self.on_writer(move |writer| {
            let (found, mended) = writer.state.examine_tombstones()?;
            if repair {
                writer.commit_values(mended)?;
            }
            Ok(found)
        })?);
        if repair && verified.differing > 0 {
            for chunk in 0..ranges {
                self.on_writer(move |writer| {
                    let (_, mended) = writer.state.examine(chunk, true)?;
                    writer.commit_values(mended)
                })?;
            }
            self.on_writer(|writer| {
                let journal = writer.state.journal_removed()?;
                writer.commit_values(journal)
            })?;
        }
        Ok(verified)
    }
}

/// Values that repair what differs, by key.
type Mended = Vec<(Vec<u8>, Option<Vec<u8>>)>;

impl State {
    /// Ranges of [`POSTING_CHUNK_IDS`] ids in which there is anything.
    fn ranges(&self) -> Result<u32> {
        let last = |keyspace| Ok(self.engine.last(&keys::all(keyspace))?.and_then(|(key, _)| keys::number(&key)));
        let block: Option<u32> = last(keys::CONTACT)?;
        let posting: Option<u32> = last(keys::POSTING)?;
        let contacts = block.map_or(0, |block| block * BLOCK_CONTACTS / POSTING_CHUNK_IDS + 1);
        let known = self.memory.gate().directory.ids_end().div_ceil(POSTING_CHUNK_IDS);
        Ok(contacts.max(posting.map_or(0, |chunk| chunk + 1)).max(known))
    }

    /// Compares the directory of the tombstones with them, a chunk at a time.
    fn examine_tombstones(&self) -> Result<(Verified, Mended)> {
        let (mut found, mut mended) = (Verified::default(), Mended::new());
        let known = self.memory.tombstones();
        for chunk in 0..known.directory.ids_end().max(self.tombstones_end()?).div_ceil(DIRECTORY_CHUNK_IDS) {
            let mut expected = Vec::new();
            for id in chunk * DIRECTORY_CHUNK_IDS..(chunk + 1) * DIRECTORY_CHUNK_IDS {
                let number = known.directory.number(id);
                let number = match self.stored_tombstone(id) {
                    Ok(Some(stored)) if tombstones::may_stand_for(number, &stored.phone) => number,
                    Ok(None) if number == 0 => 0,
                    Ok(Some(stored)) => {
                        found.differs(|| format!("tombstone {id} is not in the directory as it should be"));
                        known.free_number(&stored.phone).unwrap_or(number)
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
                found.tombstones += u64::from(number != 0);
                expected.push(number);
            }
            let end = expected.iter().rposition(|&number| number != 0).map_or(0, |last| last + 1);
            expected.truncate(end);
            let key = keys::tombstone_directory(chunk);
            let stored = self.engine.get(&key)?;
            let mut stored = stored.map_or(Ok(Vec::new()), |value| codec::decode_numbers(&value))?;
            stored.truncate(stored.iter().rposition(|&number| number != 0).map_or(0, |last| last + 1));
            if stored != expected {
                found.differs(|| format!("tombstone directory chunk {chunk} is not what the tombstones say"));
                mended.push((key.to_vec(), Some(codec::encode_numbers(&expected))));
            }
        }
        Ok((found, mended))
    }

    /// One more than the greatest id of a tombstone that may be there.
    fn tombstones_end(&self) -> Result<u32> {
        let last = self.engine.last(&keys::all(keys::TOMBSTONE))?;
        Ok(last.and_then(|(key, _)| keys::number(&key)).map_or(0, |block| (block + 1) * BLOCK_CONTACTS))
    }

    /// Everything is on disk as the records say: what the journal has is not newer any more.
    fn journal_removed(&self) -> Result<Mended> {
        rows(&*self.engine, keys::all(keys::JOURNAL)).map(|row| Ok((row?.0, None))).collect()
    }

    /// Compares a range of ids. With `without_journal` it gives the values after which all of it is on disk as the records
    /// say, and the journal is not needed.
    fn examine(&self, chunk: u32, without_journal: bool) -> Result<(Verified, Mended)> {
        let (mut found, mut mended) = (Verified::default(), Mended::new());
        let first = chunk * POSTING_CHUNK_IDS;
        let (phones, mut postings) = self.derive(first, &mut found)?;
        self.examine_gate(first, &phones, &postings, &mut found);
        self.examine_directory(first, &phones, &mut found, &mut mended)?;
        if !without_journal {
            self.examine_pending(chunk, &mut postings, &mut found);
        }
        for row in rows(&*self.engine, keys::postings(chunk).to_vec()..keys::postings(chunk + 1).to_vec()) {
            let (key, value) = row?;
            if !without_journal && self.memory.pending().has(&key) {
                continue;
            }
            let expected = postings.remove(&key);
            let same = match (&expected, keys::parse_posting(&key)) {
                (Some(expected), Some((term, _))) => Chunk::decode(term.chunk_ids(), &value).as_ref() == Ok(expected),
                _ => false,
            };
            if !same {
                found.differs(|| format!("posting {:?} is not what the records say", keys::parse_posting(&key)));
                mended.push((key, expected.map(|expected| expected.encode())));
            }
        }
        for (key, missing) in postings {
            found.differs(|| format!("posting {:?} is missing", keys::parse_posting(&key)));
            mended.push((key, Some(missing.encode())));
        }
        Ok((found, mended))
    }

    /// What the records of a range say: the number of each id, and every posting.
    fn derive(&self, first: u32, found: &mut Verified) -> Result<(Vec<Option<Phone>>, Postings)> {
        let mut phones = vec![None; POSTING_CHUNK_IDS as usize];
        let mut postings = BTreeMap::new();
        let common = Arc::clone(self.memory.pending().common());
        let last = first.saturating_add(POSTING_CHUNK_IDS - 1);
        for row in rows(&*self.engine, keys::block(first).to_vec()..after(&keys::block(last))) {
            let (key, value) = row?;
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
                for term in Term::all_of(&record.contact, &common) {
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
    fn examine_pending(&self, chunk: u32, postings: &mut Postings, found: &mut Verified) {
        let pending = self.memory.pending();
        let range = keys::postings(chunk).to_vec()..keys::postings(chunk + 1).to_vec();
        for (key, ids) in pending.range(range) {
            let expected = postings.get(key).zip(keys::parse_posting(key)).map(|(chunk, (_, first))| chunk.ids(first));
            if expected.unwrap_or_default() != *ids {
                found.differs(|| format!("memory: {:?} is not what the records say", keys::parse_posting(key)));
            }
        }
        postings.retain(|key, _| !pending.has(key));
    }

    fn examine_gate(&self, first: u32, phones: &[Option<Phone>], postings: &Postings, found: &mut Verified) {
        let gate = self.memory.gate();
        for (id, phone) in (first..).zip(phones) {
            let known = gate.directory.phone(id);
            if known != *phone || phone.is_some_and(|phone| gate.directory.id(phone) != Some(id)) {
                found.differs(|| format!("directory: contact {id} is {phone:?}, not {known:?}"));
            }
        }
        let mut terms: Vec<Term<'_>> = ContactStatus::ALL.map(Term::Contact).into();
        for (list, _) in gate.lists().iter() {
            terms.extend(ListStatus::KEPT.map(|status| Term::List(list, status)));
            terms.push(Term::StoppedElsewhere(list));
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
        mended: &mut Mended,
    ) -> Result<()> {
        for (at, phones) in (first / DIRECTORY_CHUNK_IDS..).zip(phones.chunks(DIRECTORY_CHUNK_IDS as usize)) {
            let end = phones.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            let expected: Vec<u64> = phones[..end].iter().map(|phone| phone.map_or(0, Phone::as_u64)).collect();
            let key = keys::directory(at);
            let stored = self.engine.get(&key)?;
            let stored = stored.map_or(Ok(Vec::new()), |value| codec::decode_numbers(&value));
            if stored.as_ref() != Ok(&expected) {
                found.differs(|| format!("directory chunk {at} is not what the records say"));
                let value = (!expected.is_empty()).then(|| codec::encode_numbers(&expected));
                mended.push((key.to_vec(), value));
            }
        }
        Ok(())
    }
}
