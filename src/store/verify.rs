//! VERIFY: every posting, directory entry and gate bit against the records, range by range of ids, in bounded memory.
//!
//! A range is first looked at beside the writer. What seems to differ may just be changing, so it is looked at again
//! on the writer's thread, between two batches; only what differs there counts.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, mpsc};

use super::chunk::Chunk;
use super::term::Term;
use super::{Shared, Store, codec, keys, sled_failed};
use crate::error::{Error, Result};
use crate::limits::{DIRECTORY_CHUNK_IDS, POSTING_CHUNK_IDS};
use crate::model::phone::Phone;
use crate::model::verdict::{ContactStatus, ListStatus};

/// What VERIFY found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Records read.
    pub contacts: u64,
    /// Postings compared, in their parts.
    pub postings: u64,
    /// What differs, one line each; the first hundred.
    pub differences: Vec<String>,
    /// How much differs.
    pub differing: u64,
}

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
        self.differing += range.differing;
        let room = DESCRIBED_MAX - self.differences.len();
        self.differences.extend(range.differences.into_iter().take(room));
    }
}

impl Store {
    /// Compares everything that is derived with the records. With `repair`, writes what the records say; the gate in
    /// memory follows at the next start.
    pub fn verify(&self, repair: bool) -> Result<Verified> {
        let mut verified = Verified::default();
        for chunk in 0..self.shared.ranges()? {
            let mut range = self.shared.examine(chunk, false)?;
            if range.differing > 0 {
                let (send, found) = mpsc::channel();
                let shared = Arc::clone(&self.shared);
                self.shared.queue.inspect(Box::new(move || {
                    let _ = send.send(shared.examine(chunk, repair));
                }));
                range = found.recv().map_err(|_| Error::internal("the writer has stopped"))??;
            }
            verified.add(range);
        }
        Ok(verified)
    }
}

impl Shared {
    /// Ranges of [`POSTING_CHUNK_IDS`] ids in which there is anything.
    fn ranges(&self) -> Result<u32> {
        let tree = self.disk.tree();
        let last = |first: [u8; 5], end: [u8; 5]| tree.range(first..end).next_back().transpose().map_err(sled_failed);
        let contact = last(keys::contact(0), keys::contact(u32::MAX))?.and_then(|(key, _)| keys::number(&key));
        let posting = last(keys::postings(0), keys::postings(u32::MAX))?.and_then(|(key, _)| keys::number(&key));
        let contacts = contact.map_or(0, |id| id / POSTING_CHUNK_IDS + 1);
        let known = self.gate_read().directory.ids_end().div_ceil(POSTING_CHUNK_IDS);
        Ok(contacts.max(posting.map_or(0, |chunk| chunk + 1)).max(known))
    }

    fn examine(&self, chunk: u32, repair: bool) -> Result<Verified> {
        let mut found = Verified::default();
        let mut batch = sled::Batch::default();
        let first = chunk * POSTING_CHUNK_IDS;
        let (phones, mut postings) = self.derive(first, &mut found)?;
        self.examine_gate(first, &phones, &postings, &mut found);
        self.examine_directory(first, &phones, &mut found, &mut batch)?;
        let in_tail = self.examine_tail(chunk, &mut postings, &mut found);
        for row in self.disk.tree().scan_prefix(keys::postings(chunk)) {
            let (key, value) = row.map_err(sled_failed)?;
            let parsed = keys::parse_posting(&key);
            if in_tail && parsed.as_ref().is_some_and(|(term, _)| !term.is_gate()) {
                continue;
            }
            let expected = parsed.as_ref().and_then(|(term, first)| postings.remove(&(*first, term.clone())));
            let same = match (&expected, &parsed) {
                (Some(expected), Some((term, _))) => Chunk::decode(term.chunk_ids(), &value).as_ref() == Ok(expected),
                _ => false,
            };
            if !same {
                found.differs(|| format!("posting {parsed:?} is not what the records say"));
                match expected {
                    Some(expected) => batch.insert(&key, expected.encode()),
                    None => batch.remove(&key),
                }
            }
        }
        for ((first, term), missing) in postings {
            found.differs(|| format!("posting {:?} is missing", (&term, first)));
            batch.insert(keys::posting(&term, first), missing.encode());
        }
        if repair && found.differing > 0 {
            self.disk.tree().apply_batch(batch).map_err(sled_failed)?;
            self.disk.sync()?;
        }
        Ok(found)
    }

    /// What the records of a range say: the number of each id, and every posting.
    #[allow(clippy::type_complexity, reason = "two maps that live for one page")]
    fn derive(&self, first: u32, found: &mut Verified) -> Result<(Vec<Option<Phone>>, BTreeMap<(u32, Term), Chunk>)> {
        let mut phones = vec![None; POSTING_CHUNK_IDS as usize];
        let mut postings = BTreeMap::new();
        let last = first.saturating_add(POSTING_CHUNK_IDS - 1);
        for row in self.disk.tree().range(keys::contact(first)..=keys::contact(last)) {
            let (key, value) = row.map_err(sled_failed)?;
            let id = keys::number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            let record = match codec::decode_record(&value) {
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
                let chunk = postings.entry((id - id % size, term)).or_insert_with(|| Chunk::new(size));
                chunk.insert(id % size);
            }
        }
        found.postings = postings.len() as u64;
        Ok((phones, postings))
    }

    /// Takes what the tail holds of a range out of what is expected on disk. Says whether it holds the range.
    fn examine_tail(&self, chunk: u32, postings: &mut BTreeMap<(u32, Term), Chunk>, found: &mut Verified) -> bool {
        let tail = self.tail_read();
        let Some(held) = tail.between(chunk, Bound::Unbounded, Bound::Unbounded) else { return false };
        for (term, ids) in held {
            let expected = postings.remove(&(chunk * POSTING_CHUNK_IDS, term.clone()));
            let expected = expected.map(|expected| expected.ids(chunk * POSTING_CHUNK_IDS));
            if expected.as_ref() != Some(ids) {
                found.differs(|| format!("tail: {term:?} is not what the records say"));
            }
        }
        let missing: Vec<_> = postings.keys().filter(|(_, term)| !term.is_gate()).cloned().collect();
        for key in missing {
            found.differs(|| format!("tail: {key:?} is missing"));
            postings.remove(&key);
        }
        true
    }

    fn examine_gate(
        &self,
        first: u32,
        phones: &[Option<Phone>],
        postings: &BTreeMap<(u32, Term), Chunk>,
        found: &mut Verified,
    ) {
        let gate = self.gate_read();
        for (id, phone) in (first..).zip(phones) {
            let known = gate.directory.phone(id);
            if known != *phone || phone.is_some_and(|phone| gate.directory.id(phone) != Some(id)) {
                found.differs(|| format!("directory: contact {id} is {phone:?}, not {known:?}"));
            }
        }
        let mut terms: Vec<Term> = ContactStatus::ALL.map(Term::Contact).into();
        for (list, _) in gate.lists().iter() {
            terms.extend(ListStatus::KEPT.map(|status| Term::List(list, status)));
            terms.push(Term::Held(list));
        }
        for term in terms {
            for part in (first..first.saturating_add(POSTING_CHUNK_IDS)).step_by(term.chunk_ids() as usize) {
                let open = gate.bitmap(&term);
                let open = open.map_or(0, |ids| ids.range_cardinality(part..part.saturating_add(term.chunk_ids())));
                let expected = postings.get(&(part, term.clone()));
                let same = match (expected, gate.bitmap(&term)) {
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
            let stored = stored.map_or(Ok(Vec::new()), |value| codec::decode_phones(&value));
            if stored.as_ref() != Ok(&expected) {
                found.differs(|| format!("directory chunk {at} is not what the records say"));
                if expected.is_empty() {
                    batch.remove(&key);
                } else {
                    batch.insert(&key, codec::encode_phones(&expected));
                }
            }
        }
        Ok(())
    }
}
