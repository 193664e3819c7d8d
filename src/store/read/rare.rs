//! Labels with rare values. Their contacts are found by the two prints of a value, and their records say which of these have it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::error::Result;
use crate::limits::{BLOCK_CONTACTS, POSTING_CHUNK_IDS};
use crate::store::format::block::{self, Slot};
use crate::store::format::codec;
use crate::store::format::common::Common;
use crate::store::format::keys;
use crate::store::format::term::{SECOND_PRINTS, Term, prints};
use crate::store::state::State;

impl State {
    /// Which of some ids have a rare value of a label, in the range of postings that begins at `first`.
    pub fn with_rare(&self, key: &str, value: &str, first: u32, ids: &RoaringBitmap) -> Result<RoaringBitmap> {
        let [one, other] = prints(key, value);
        let mut found = self.posting(&keys::posting(one, first))?;
        found &= ids;
        if !found.is_empty() {
            found &= self.posting(&keys::posting(other, first))?;
        }
        let mut with = RoaringBitmap::new();
        self.each_value(key, &found, |id, known| {
            if known == value {
                with.insert(id);
            }
        })?;
        Ok(with)
    }

    /// All contacts that have a rare value of a label.
    pub fn all_with_rare(&self, key: &str, value: &str) -> Result<RoaringBitmap> {
        let mut with = RoaringBitmap::new();
        for chunk in 0..self.memory.gate().directory.ids_end().div_ceil(POSTING_CHUNK_IDS) {
            let first = chunk * POSTING_CHUNK_IDS;
            let mut all = RoaringBitmap::new();
            all.insert_range(first..=first + (POSTING_CHUNK_IDS - 1));
            with |= self.with_rare(key, value, first, &all)?;
        }
        Ok(with)
    }

    /// Adds the rare values of a label in a range to those that are counted: the first ones after a value, at most `limit`.
    pub fn count_rare(
        &self,
        key: &str,
        first: u32,
        after: Option<&str>,
        limit: usize,
        common: &Common,
        counts: &mut BTreeMap<String, u64>,
    ) -> Result<()> {
        let slots = keys::posting(Term::Print(key, 0), first)..keys::posting(Term::Print(key, SECOND_PRINTS), first);
        let ids = self.union(slots, first)?;
        if !ids.is_empty() {
            // It takes some milliseconds, and a CHECK should not wait for them.
            std::thread::yield_now();
        }
        self.each_value(key, &ids, |_, value| {
            if after.is_some_and(|after| value <= after) || common.has(key, value) {
                return;
            }
            if let Some(count) = counts.get_mut(value) {
                *count += 1;
                return;
            }
            let is_full = counts.len() >= limit;
            if is_full && counts.last_key_value().is_some_and(|(last, _)| value > last.as_str()) {
                return;
            }
            if is_full {
                counts.pop_last();
            }
            counts.insert(value.to_owned(), 1);
        })
    }

    /// Reads the value of a label from the records of some contacts, of those that have one.
    fn each_value(&self, key: &str, ids: &RoaringBitmap, mut take: impl FnMut(u32, &str)) -> Result<()> {
        let mut block: Option<(u32, Option<Vec<u8>>)> = None;
        for id in ids {
            let number = id / BLOCK_CONTACTS;
            let (_, value) = match &mut block {
                Some(known) if known.0 == number => known,
                other => other.insert((number, self.block(id)?)),
            };
            let Some(value) = value else { continue };
            let record = match block::slots(value)?[(id % BLOCK_CONTACTS) as usize] {
                Slot::Empty => continue,
                Slot::Here(record) => Cow::Borrowed(record),
                Slot::Apart => match self.expanded(&keys::apart(id))? {
                    Some(record) => Cow::Owned(record),
                    None => continue,
                },
            };
            if let Some((_, value)) = codec::decode_labels(&record)?.iter().find(|(known, _)| *known == key) {
                take(id, value);
            }
        }
        Ok(())
    }
}
