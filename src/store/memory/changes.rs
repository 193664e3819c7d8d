//! What a batch changes in postings, and the journal's entry that says so.
//!
//! A posting changes far more often than its value need be written: the entry is on disk with the records, the value
//! follows when many changes have come together. Entries are read again at a start; to take one twice does no harm.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use roaring::RoaringBitmap;

use crate::error::{Error, Result};
use crate::limits::{POSTING_CHUNK_IDS, VALUE_BYTES_MAX};
use crate::store::format::codec::V1;
use crate::store::format::keys;
use crate::store::format::term::Term;

/// Changes by posting: an offset in its range of ids, and whether the contact has the term.
#[derive(Default)]
pub struct Changes {
    postings: Vec<Posting>,
    places: HashMap<Vec<u8>, usize, RandomState>,
    key: Vec<u8>,
    /// The posting that changed last.
    last: usize,
    count: u64,
}

struct Posting {
    key: Vec<u8>,
    changes: Vec<u16>,
    /// The posting that changed after it the last time. Mostly it will again, as contacts of one import have the same terms but for
    /// some: and to compare two keys costs less than to look one up.
    next: usize,
}

/// Set in a change that adds; what is below is the offset.
const ADDS: u16 = 1 << 15;

const _: () = assert!(POSTING_CHUNK_IDS <= ADDS as u32);

impl Changes {
    /// The contact has the term from now on, or has it no more.
    pub fn push(&mut self, term: Term<'_>, id: u32, has: bool) {
        let offset = id % term.chunk_ids();
        self.key.clear();
        keys::write_posting(&mut self.key, term, id - offset);
        self.push_change(offset as u16 | if has { ADDS } else { 0 });
    }

    fn push_change(&mut self, change: u16) {
        self.count += 1;
        let place = self.place();
        self.postings[place].changes.push(change);
        self.last = place;
    }

    /// Where the posting of the key is, made if need be.
    fn place(&mut self) -> usize {
        let guess = self.postings.get(self.last).map_or(0, |last| last.next);
        if self.postings.get(guess).is_some_and(|posting| posting.key == self.key) {
            return guess;
        }
        let place = match self.places.get(&self.key) {
            Some(place) => *place,
            None => {
                self.places.insert(self.key.clone(), self.postings.len());
                self.postings.push(Posting { key: self.key.clone(), changes: Vec::new(), next: 0 });
                self.postings.len() - 1
            }
        };
        self.postings[self.last].next = place;
        place
    }

    /// How many changes there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether a posting changes.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.places.contains_key(key)
    }

    /// The postings that change, each with its changes in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], impl Iterator<Item = (u32, bool)> + Clone)> {
        self.postings.iter().map(|Posting { key, changes, .. }| {
            (key.as_slice(), changes.iter().map(|&change| (u32::from(change & !ADDS), change & ADDS != 0)))
        })
    }

    /// Those of some contacts, in the same order.
    pub fn of(&self, contacts: &RoaringBitmap) -> Result<Changes> {
        let mut changes = Changes::default();
        for Posting { key, changes: all, .. } in &self.postings {
            let (_, first) = keys::parse_posting(key).ok_or_else(damaged)?;
            changes.key.clone_from(key);
            for &change in all.iter().filter(|change| contacts.contains(first + u32::from(**change & !ADDS))) {
                changes.push_change(change);
            }
        }
        Ok(changes)
    }

    /// The changes as values of the journal, each with how many it has.
    pub fn entries(&self) -> Vec<(Vec<u8>, u32)> {
        let mut entries = Vec::new();
        let (mut value, mut count) = (vec![V1], 0);
        for Posting { key, changes, .. } in &self.postings {
            let mut left = changes.as_slice();
            while !left.is_empty() {
                let room = VALUE_BYTES_MAX.saturating_sub(value.len() + 4 + key.len()) / 2;
                if room == 0 {
                    entries.push((std::mem::replace(&mut value, vec![V1]), std::mem::take(&mut count)));
                    continue;
                }
                let (now, later) = left.split_at(room.min(left.len()));
                value.extend((key.len() as u16).to_be_bytes());
                value.extend_from_slice(key);
                value.extend((now.len() as u16).to_be_bytes());
                value.reserve(2 * now.len());
                for change in now {
                    value.extend_from_slice(&change.to_be_bytes());
                }
                count += now.len() as u32;
                left = later;
            }
        }
        if count > 0 {
            entries.push((value, count));
        }
        entries
    }

    /// Reads one value of the journal.
    pub fn decode(value: &[u8]) -> Result<Changes> {
        let mut changes = Changes::default();
        let rest = value.split_first().filter(|(version, _)| **version == V1).map(|(_, rest)| rest);
        let mut reader = Reader(rest.ok_or_else(damaged)?);
        while !reader.0.is_empty() {
            let key_bytes = reader.number()?;
            changes.key = reader.take(key_bytes.into())?.to_vec();
            for _ in 0..reader.number()? {
                let change = reader.number()?;
                changes.push_change(change);
            }
        }
        Ok(changes)
    }
}

/// Makes the changes of a posting, whose range of ids begins with `first`, in a set. Fresh contacts come one behind the other, and
/// behind all others: so they are added at once, or without a look at those.
pub fn make(changes: impl Iterator<Item = (u32, bool)> + Clone, first: u32, ids: &mut RoaringBitmap) {
    let come = changes.clone().map(|(offset, _)| first + offset);
    if let (Some(least), Some(last)) = (come.clone().next(), come.clone().last())
        && changes.clone().all(|(_, has)| has)
        && come.clone().is_sorted_by(|a, b| a < b)
    {
        if (last - least) as usize + 1 == come.clone().count() {
            ids.insert_range(least..=last);
            return;
        }
        if ids.max().is_none_or(|max| max < least) && ids.append(come.clone()).is_ok() {
            return;
        }
    }
    for (offset, has) in changes {
        if has {
            ids.insert(first + offset)
        } else {
            ids.remove(first + offset)
        };
    }
}

struct Reader<'v>(&'v [u8]);

impl<'v> Reader<'v> {
    fn take(&mut self, bytes: usize) -> Result<&'v [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }
}

fn damaged() -> Error {
    Error::internal("a damaged entry of the journal")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::ContactStatus;

    type All = Vec<(Vec<u8>, Vec<(u32, bool)>)>;

    fn all(changes: &[Changes]) -> All {
        let each = changes.iter().flat_map(|changes| changes.iter().map(|(key, of)| (key.to_vec(), of.collect())));
        let mut all = std::collections::BTreeMap::<Vec<u8>, Vec<(u32, bool)>>::new();
        each.for_each(|(key, of): (_, Vec<_>)| all.entry(key).or_default().extend(of));
        all.into_iter().collect()
    }

    #[test]
    fn changes_are_made_in_their_order_wherever_they_fall() {
        for (stored, changes, expected) in [
            (&[][..], &[(1, true), (5, true)][..], &[101, 105][..]),
            (&[100, 101], &[(2, true), (9, true)], &[100, 101, 102, 109]),
            (&[100, 105], &[(3, true), (9, true)], &[100, 103, 105, 109]),
            (&[100, 102], &[(1, true), (2, true), (3, true)], &[100, 101, 102, 103]),
            (&[100], &[(9, true), (4, true)], &[100, 104, 109]),
            (&[100], &[(9, true), (9, false)], &[100]),
            (&[100], &[(9, true), (9, true)], &[100, 109]),
            (&[100], &[], &[100]),
        ] {
            let mut ids: RoaringBitmap = stored.iter().copied().collect();
            make(changes.iter().copied(), 100, &mut ids);
            assert_eq!(ids.iter().collect::<Vec<_>>(), expected, "{changes:?}");
        }
    }

    #[test]
    fn each_change_is_of_its_own_posting_whatever_came_before_it() {
        let mut changes = Changes::default();
        let mut expected = std::collections::BTreeMap::<Vec<u8>, Vec<(u32, bool)>>::new();
        for id in 0..300_u32 {
            // Mostly the same terms in a row, and some others.
            for label in ["a", "b", ["c", "d", "e"][id as usize % 3], "f", ["a", "g"][id as usize % 2]] {
                changes.push(Term::HasLabel(label), id, id % 7 > 0);
                expected.entry(keys::posting(Term::HasLabel(label), 0)).or_default().push((id, id % 7 > 0));
            }
        }
        assert_eq!(changes.count(), 5 * 300);
        assert!(expected.keys().all(|key| changes.contains(key)) && !changes.contains(b"a"));
        assert_eq!(all(&[changes]), expected.into_iter().collect::<All>());
    }

    #[test]
    fn entries_keep_all_changes_in_order() {
        let mut changes = Changes::default();
        let long = "v".repeat(3000);
        for id in 0..10_000 {
            changes.push(Term::Contact(ContactStatus::Active), id, true);
            changes.push(Term::Label("n", &long), id, id % 3 == 0);
        }
        changes.push(Term::Contact(ContactStatus::Active), 7, false);
        let entries = changes.entries();
        assert!(entries.len() > 3 && entries.iter().all(|(value, _)| value.len() <= VALUE_BYTES_MAX));
        assert_eq!(entries.iter().map(|(_, count)| u64::from(*count)).sum::<u64>(), changes.count());
        let read: Vec<Changes> = entries.iter().map(|(value, _)| Changes::decode(value).expect("read")).collect();
        assert_eq!(all(&read), all(&[changes]));
        let cut = &entries[0].0[..entries[0].0.len() - 1];
        assert!([&[][..], &[9], cut].into_iter().all(|value| Changes::decode(value).is_err()));
    }
}
