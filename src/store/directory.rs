//! The directory: phone ↔ id, in memory, about 30 bytes a contact.
//!
//! The way from a number to its id costs CHECK more than anything else it does, and nearly all of that is waiting for
//! memory. So an entry stands in one cache line, five to a line, and a lookup mostly touches no other. The table is in
//! shards, so that growing one is short enough to do under the gate's lock. The way back is pages of consecutive ids,
//! as they are stored.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use crate::limits::DIRECTORY_CHUNK_IDS;
use crate::model::phone::Phone;

const SHARDS: usize = 256;
const LINE_ENTRIES: usize = 5;

/// Phone ↔ id.
pub struct Directory {
    pages: Vec<Option<Page>>,
    shards: Vec<Shard>,
    hasher: RandomState,
}

type Page = Box<[u64; DIRECTORY_CHUNK_IDS as usize]>;

/// An open hash table of cache lines.
#[derive(Default)]
struct Shard {
    /// A power of two, or none.
    lines: Vec<Line>,
    entries: usize,
}

/// Filled from the front; 0 is no number. A full line sends the search on to the next.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line {
    phones: [u64; LINE_ENTRIES],
    ids: [u32; LINE_ENTRIES],
}

const _: () = assert!(size_of::<Line>() == 64);

impl Default for Directory {
    fn default() -> Directory {
        Directory {
            pages: Vec::new(),
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            hasher: RandomState::default(),
        }
    }
}

impl Directory {
    /// The id of a number.
    #[inline]
    pub fn id(&self, phone: Phone) -> Option<u32> {
        let hash = self.hasher.hash_one(phone.as_u64());
        self.shards[shard(hash)].find(hash, phone.as_u64())
    }

    /// The number of an id.
    pub fn phone(&self, id: u32) -> Option<Phone> {
        let page = self.pages.get((id / DIRECTORY_CHUNK_IDS) as usize)?.as_ref()?;
        Phone::from_u64(page[(id % DIRECTORY_CHUNK_IDS) as usize])
    }

    /// How many contacts there are.
    pub fn len(&self) -> u64 {
        self.shards.iter().map(|shard| shard.entries as u64).sum()
    }

    /// One more than the greatest id that may be there.
    pub fn ids_end(&self) -> u32 {
        self.pages.len() as u32 * DIRECTORY_CHUNK_IDS
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a contact. Neither its id nor its number may be there.
    pub fn insert(&mut self, id: u32, phone: Phone) {
        let at = (id / DIRECTORY_CHUNK_IDS) as usize;
        if at >= self.pages.len() {
            self.pages.resize_with(at + 1, || None);
        }
        let page = self.pages[at].get_or_insert_with(|| Box::new([0; DIRECTORY_CHUNK_IDS as usize]));
        page[(id % DIRECTORY_CHUNK_IDS) as usize] = phone.as_u64();
        let hash = self.hasher.hash_one(phone.as_u64());
        self.shards[shard(hash)].insert(&self.hasher, hash, phone.as_u64(), id);
    }

    /// The numbers of one chunk of ids, as they are stored: 0 where there is no contact, none after the last.
    pub fn chunk(&self, chunk: u32) -> Vec<u64> {
        let Some(Some(page)) = self.pages.get(chunk as usize) else { return Vec::new() };
        let end = page.iter().rposition(|&phone| phone != 0).map_or(0, |last| last + 1);
        page[..end].to_vec()
    }
}

impl Shard {
    #[inline]
    fn find(&self, hash: u64, phone: u64) -> Option<u32> {
        let last = self.lines.len().checked_sub(1)?;
        let mut at = hash as usize & last;
        loop {
            let line = &self.lines[at];
            if let Some(entry) = line.phones.iter().position(|&known| known == phone) {
                return Some(line.ids[entry]);
            }
            if line.phones[LINE_ENTRIES - 1] == 0 {
                return None;
            }
            at = (at + 1) & last;
        }
    }

    fn insert(&mut self, hasher: &RandomState, hash: u64, phone: u64, id: u32) {
        // At most three quarters full: then one line in five sends a search on.
        if (self.entries + 1) * 4 > self.lines.len() * LINE_ENTRIES * 3 {
            let lines = (self.lines.len() * 2).max(1);
            let old = std::mem::replace(&mut self.lines, vec![Line::default(); lines]);
            for line in &old {
                let entries = line.phones.iter().zip(line.ids).filter(|&(&phone, _)| phone != 0);
                entries.for_each(|(&phone, id)| self.place(hasher.hash_one(phone), phone, id));
            }
        }
        self.place(hash, phone, id);
        self.entries += 1;
    }

    /// Puts an entry where a search finds it. There is room.
    fn place(&mut self, hash: u64, phone: u64, id: u32) {
        let last = self.lines.len() - 1;
        let mut at = hash as usize & last;
        loop {
            let line = &mut self.lines[at];
            if let Some(entry) = line.phones.iter().position(|&known| known == 0) {
                line.phones[entry] = phone;
                line.ids[entry] = id;
                return;
            }
            at = (at + 1) & last;
        }
    }
}

/// The shard comes from the high bits of the hash, the line from the low ones.
#[inline]
fn shard(hash: u64) -> usize {
    (hash >> 56) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_both_ways() {
        let mut directory = Directory::default();
        let phone = |n: u64| Phone::from_u64(14_150_000_000 + n).expect("in range");
        for id in 0..5000 {
            directory.insert(id * 3, phone(u64::from(id)));
        }
        assert_eq!(directory.len(), 5000);
        for id in 0..5000 {
            assert_eq!(directory.id(phone(u64::from(id))), Some(id * 3));
            assert_eq!(directory.phone(id * 3), Some(phone(u64::from(id))));
        }
        assert_eq!(directory.id(phone(5000)), None);
        assert_eq!(directory.phone(1), None);
        assert_eq!(directory.chunk(0).len(), 511);
        assert!(directory.chunk(1000).is_empty());
    }
}
