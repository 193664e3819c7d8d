//! The directory: phone ↔ id, in memory, about 16 bytes a contact.
//!
//! Numbers stand in pages of consecutive ids, which are freed when empty. The way back is a hash table of ids alone,
//! that reads the number from the page; in shards, so that growing one is short enough to do under the gate's lock.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::limits::DIRECTORY_CHUNK_IDS;
use crate::model::phone::Phone;

const SHARDS: usize = 1024;

/// Phone ↔ id.
pub struct Directory {
    pages: Pages,
    shards: Vec<HashTable<u32>>,
    hasher: DefaultHashBuilder,
}

#[derive(Default)]
struct Pages {
    pages: Vec<Option<Page>>,
}

struct Page {
    phones: Box<[u64; DIRECTORY_CHUNK_IDS as usize]>,
    taken: u32,
}

impl Default for Directory {
    fn default() -> Directory {
        Directory {
            pages: Pages::default(),
            shards: (0..SHARDS).map(|_| HashTable::new()).collect(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl Directory {
    /// The id of a number.
    #[inline]
    pub fn id(&self, phone: Phone) -> Option<u32> {
        let hash = self.hasher.hash_one(phone.as_u64());
        self.shards[shard(hash)].find(hash, |&id| self.pages.get(id) == phone.as_u64()).copied()
    }

    /// The number of an id.
    pub fn phone(&self, id: u32) -> Option<Phone> {
        Phone::from_u64(self.pages.get(id))
    }

    /// How many contacts there are.
    pub fn len(&self) -> u64 {
        self.shards.iter().map(|shard| shard.len() as u64).sum()
    }

    /// Adds a contact. Neither its id nor its number may be there.
    pub fn insert(&mut self, id: u32, phone: Phone) {
        self.pages.set(id, phone.as_u64());
        let hash = self.hasher.hash_one(phone.as_u64());
        let (pages, hasher) = (&self.pages, &self.hasher);
        self.shards[shard(hash)].insert_unique(hash, id, |&id| hasher.hash_one(pages.get(id)));
    }

    /// The numbers of one chunk of ids, as they are stored: 0 where there is no contact, none after the last.
    pub fn chunk(&self, chunk: u32) -> Vec<u64> {
        let Some(Some(page)) = self.pages.pages.get(chunk as usize) else { return Vec::new() };
        let end = page.phones.iter().rposition(|&phone| phone != 0).map_or(0, |last| last + 1);
        page.phones[..end].to_vec()
    }
}

impl Pages {
    #[inline]
    fn get(&self, id: u32) -> u64 {
        match self.pages.get((id / DIRECTORY_CHUNK_IDS) as usize) {
            Some(Some(page)) => page.phones[(id % DIRECTORY_CHUNK_IDS) as usize],
            _ => 0,
        }
    }

    fn set(&mut self, id: u32, phone: u64) {
        let at = (id / DIRECTORY_CHUNK_IDS) as usize;
        if at >= self.pages.len() {
            self.pages.resize_with(at + 1, || None);
        }
        let page = self.pages[at]
            .get_or_insert_with(|| Page { phones: Box::new([0; DIRECTORY_CHUNK_IDS as usize]), taken: 0 });
        page.phones[(id % DIRECTORY_CHUNK_IDS) as usize] = phone;
        page.taken += 1;
    }
}

/// The shard comes from bits of the hash that the table itself does not use for its place.
#[inline]
fn shard(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
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
