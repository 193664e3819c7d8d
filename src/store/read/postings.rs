//! Postings: which contacts have a term. Those that are pending are read from memory, the others from the engine.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use roaring::RoaringBitmap;

use crate::error::{Error, Result};
use crate::limits::POSTING_CHUNK_IDS;
use crate::store::engine::{Engine, Keys, rows};
use crate::store::format::chunk::Chunk;
use crate::store::format::keys;
use crate::store::state::State;

/// The ids of a posting as the engine has it.
pub fn stored_posting(engine: &dyn Engine, key: &[u8]) -> Result<RoaringBitmap> {
    let (term, first) = keys::parse_posting(key).ok_or_else(|| Error::internal("a damaged key"))?;
    match engine.get(key)? {
        Some(value) => Ok(Chunk::decode(term.chunk_ids(), &value)?.ids(first)),
        None => Ok(RoaringBitmap::new()),
    }
}

impl State {
    /// A posting that is not the gate's.
    pub fn posting(&self, key: &[u8]) -> Result<RoaringBitmap> {
        if let Some(ids) = self.memory.pending().ids(key) {
            return Ok(ids.clone());
        }
        stored_posting(&*self.engine, key)
    }

    /// The ids that any posting of a range of keys has, all of which begin at `first`. Postings are added up in one set of
    /// bits: there may be one for each day of many years, with few ids each.
    pub fn union(&self, keys: Keys, first: u32) -> Result<RoaringBitmap> {
        let newer: BTreeMap<Vec<u8>, RoaringBitmap> =
            self.memory.pending().range(keys.clone()).map(|(key, ids)| (key.to_vec(), ids.clone())).collect();
        let mut union = Chunk::new(POSTING_CHUNK_IDS);
        for row in rows(&*self.engine, keys) {
            let (key, value) = row?;
            if !newer.contains_key(&key) {
                union.add(&value)?;
            }
        }
        newer.values().flatten().for_each(|id| union.insert(id - first));
        Ok(union.ids(first))
    }

    /// The first postings of a range of keys, as many as wanted, in order, up to the first that is not.
    pub fn postings(
        &self,
        keys: Keys,
        wanted: &dyn Fn(&[u8]) -> bool,
        limit: usize,
    ) -> Result<BTreeMap<Vec<u8>, RoaringBitmap>> {
        let newer = self.memory.pending();
        // Empty ones hide what is on disk.
        let mut filled = 0;
        let within = newer.range(keys.clone()).take_while(|(key, ids)| {
            filled += usize::from(!ids.is_empty());
            filled <= limit && wanted(key)
        });
        let mut postings: BTreeMap<_, _> = within.map(|(key, ids)| (key.to_vec(), ids.clone())).collect();
        drop(newer);
        let mut stored = 0;
        for row in rows(&*self.engine, keys) {
            let (key, value) = row?;
            if stored == limit || !wanted(&key) {
                break;
            }
            if let Entry::Vacant(place) = postings.entry(key) {
                let (term, first) = keys::parse_posting(place.key()).ok_or_else(|| Error::internal("a damaged key"))?;
                let ids = Chunk::decode(term.chunk_ids(), &value)?.ids(first);
                place.insert(ids);
                stored += 1;
            }
        }
        postings.retain(|_, ids| !ids.is_empty());
        while postings.len() > limit {
            postings.pop_last();
        }
        Ok(postings)
    }
}
