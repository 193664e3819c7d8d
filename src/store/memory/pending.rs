//! Pending postings: index entries whose newest changes are in the journal, and not yet under their own key.
//!
//! A batch changes some postings. It writes the changes to the journal, and the values of those postings that have waited
//! longest, so that the journal stays within its limits and no batch is long. The journal is cut behind the oldest
//! change that no value has yet. A start reads the journal again.
//!
//! The gate has the ids of its own postings; those of the others are kept here, and queries look here first.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::changes::{self, Changes};
use crate::error::Result;
use crate::limits::{JOURNAL_CHANGES_MAX, JOURNAL_ENTRIES_MAX, SETTLED_POSTINGS_MIN};
use crate::store::format::common::Common;
use crate::store::format::keys;

/// Postings that are newer than on disk, and the journal that has what is new.
#[derive(Default)]
pub struct Pending {
    /// Which values of labels have postings of their own. It stands here so that whoever reads postings sees it change with them.
    common: Arc<Common>,
    postings: BTreeMap<Vec<u8>, Newer>,
    /// The oldest first. One that was settled and changed again stands here twice; the date tells which counts.
    order: VecDeque<(u64, Vec<u8>)>,
    /// How many changes each entry of the journal has.
    entries: VecDeque<u32>,
    /// The number of the first entry.
    first: u64,
    changes: u64,
}

struct Newer {
    /// The entry of the journal with the first change that is not on disk.
    since: u64,
    /// What the posting is; none for one of the gate's.
    ids: Option<RoaringBitmap>,
}

/// What a batch did to postings and journal, to be taken over here once it is on disk.
#[derive(Default)]
pub struct PendingUpdate {
    /// Postings that are on disk as they were before the batch.
    pub settled: Vec<Vec<u8>>,
    /// What the batch changes.
    pub changes: Changes,
    /// Which values of labels are common from now on, if more are.
    pub common: Option<Arc<Common>>,
    /// The postings among these that were on disk before, and not here.
    pub loaded: Vec<(Vec<u8>, RoaringBitmap)>,
    /// The entries that the batch added to the journal, by how many changes each has, and the number of the first.
    pub entries: (u64, Vec<u32>),
    /// How many entries it cut off.
    pub cut: usize,
}

impl Pending {
    /// Nothing is newer than on disk.
    pub fn new(common: Common) -> Pending {
        Pending { common: Arc::new(common), ..Pending::default() }
    }

    /// Which values of labels have postings of their own.
    pub fn common(&self) -> &Arc<Common> {
        &self.common
    }

    /// The ids of a posting that is not the gate's, if it is newer than on disk.
    pub fn ids(&self, key: &[u8]) -> Option<&RoaringBitmap> {
        self.postings.get(key)?.ids.as_ref()
    }

    /// Whether a posting is newer than on disk.
    pub fn has(&self, key: &[u8]) -> bool {
        self.postings.contains_key(key)
    }

    /// The postings with keys in a range that are not the gate's, in order.
    pub fn range(&self, keys: Range<Vec<u8>>) -> impl Iterator<Item = (&[u8], &RoaringBitmap)> {
        self.postings.range(keys).filter_map(|(key, newer)| Some((key.as_slice(), newer.ids.as_ref()?)))
    }

    /// Those that have waited longest, as many as a batch with so many changes should write to keep the journal within
    /// half of its limits.
    pub fn oldest(&self, changes: u64) -> impl Iterator<Item = &[u8]> {
        let (mut behind, mut left) = (self.first, self.changes);
        let kept = |left: u64, behind: u64| {
            left <= JOURNAL_CHANGES_MAX / 2
                && (self.first + self.entries.len() as u64 - behind) as usize <= JOURNAL_ENTRIES_MAX / 2
        };
        for entry in &self.entries {
            if kept(left, behind) {
                break;
            }
            behind += 1;
            left -= u64::from(*entry);
        }
        // Each change makes at most one posting newer, so that twice as many always catch up.
        let most = SETTLED_POSTINGS_MIN.max(2 * changes as usize);
        let due = self.order.iter().take_while(move |(since, _)| *since < behind);
        due.filter(|(since, key)| self.postings.get(key).is_some_and(|newer| newer.since == *since))
            .take(most)
            .map(|(_, key)| key.as_slice())
    }

    /// The entries of the journal that no posting needs any more: the oldest, at most so many.
    pub fn done(&self, most: usize) -> Range<u64> {
        let end = self.first + self.entries.len() as u64;
        let needed = self.order.iter().find(|(since, key)| self.postings.get(key).is_some_and(|n| n.since == *since));
        let needed = needed.map_or(end, |(since, _)| *since);
        self.first..needed.min(self.first + most as u64)
    }

    /// Takes over what a batch did. Gives its changes back.
    pub fn apply(&mut self, update: PendingUpdate) -> Changes {
        let PendingUpdate { settled, changes, common, loaded, entries: (since, entries), cut } = update;
        if let Some(common) = common {
            self.common = common;
        }
        for key in settled {
            match self.postings.get_mut(&key) {
                Some(newer) if changes.contains(&key) => {
                    newer.since = since;
                    self.order.push_back((since, key));
                }
                _ => drop(self.postings.remove(&key)),
            }
        }
        for (key, ids) in loaded {
            self.postings.insert(key.clone(), Newer { since, ids: Some(ids) });
            self.order.push_back((since, key));
        }
        self.change(&changes, since);
        if self.entries.is_empty() {
            self.first = since;
        }
        self.changes += changes.count();
        self.entries.extend(entries);
        for entry in self.entries.drain(..cut) {
            self.changes -= u64::from(entry);
        }
        self.first += cut as u64;
        while let Some((since, key)) = self.order.front()
            && self.postings.get(key).is_none_or(|newer| newer.since != *since)
        {
            self.order.pop_front();
        }
        changes
    }

    /// Reads an entry of the journal at a start. `stored` gives the ids of a posting as it is on disk.
    pub fn replay(
        &mut self,
        number: u64,
        changes: Changes,
        stored: impl Fn(&[u8]) -> Result<RoaringBitmap>,
    ) -> Result<()> {
        let unknown = changes.iter().map(|(key, _)| key).filter(|key| !self.has(key) && !keys::is_gate_posting(key));
        let loaded = unknown.map(|key| Ok((key.to_vec(), stored(key)?))).collect::<Result<Vec<_>>>()?;
        let entries = (number, vec![changes.count() as u32]);
        self.apply(PendingUpdate { changes, loaded, entries, ..PendingUpdate::default() });
        Ok(())
    }

    fn change(&mut self, changes: &Changes, since: u64) {
        for (key, changes) in changes.iter() {
            let newer = match self.postings.get_mut(key) {
                Some(newer) => newer,
                None => {
                    // One of the gate's: the others were loaded.
                    self.order.push_back((since, key.to_vec()));
                    self.postings.entry(key.to_vec()).or_insert(Newer { since, ids: None })
                }
            };
            let Some(ids) = &mut newer.ids else { continue };
            let first = keys::parse_posting(key).map_or(0, |(_, first)| first);
            changes::make(changes, first, ids);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::format::term::Term;

    /// A batch as the writer makes it, on a disk of its own.
    #[derive(Default)]
    struct Store {
        pending: Pending,
        disk: BTreeMap<Vec<u8>, RoaringBitmap>,
        journal: BTreeMap<u64, Vec<u8>>,
        next: u64,
    }

    impl Store {
        fn batch(&mut self, pushed: &[(&str, u32, bool)]) {
            let mut changes = Changes::default();
            for (label, id, has) in pushed {
                changes.push(Term::HasLabel(label), *id, *has);
            }
            let settled: Vec<Vec<u8>> = self.pending.oldest(changes.count()).map(<[u8]>::to_vec).collect();
            for key in &settled {
                self.disk.insert(key.clone(), self.pending.ids(key).expect("newer").clone());
            }
            let missing = changes.iter().map(|(key, _)| key.to_vec()).filter(|key| !self.pending.has(key));
            let loaded = missing.map(|key| (key.clone(), self.disk.get(&key).cloned().unwrap_or_default())).collect();
            let done = self.pending.done(JOURNAL_ENTRIES_MAX);
            let cut = done.clone().count();
            done.for_each(|number| drop(self.journal.remove(&number)));
            let (first, mut counts) = (self.next, Vec::new());
            for (value, count) in changes.entries() {
                self.journal.insert(self.next, value);
                self.next += 1;
                counts.push(count);
            }
            let entries = (first, counts);
            self.pending.apply(PendingUpdate { settled, changes, loaded, entries, cut, ..PendingUpdate::default() });
        }

        fn ids(&self, label: &str) -> Vec<u32> {
            let key = keys::posting(Term::HasLabel(label), 0);
            let ids = self.pending.ids(&key).or_else(|| self.disk.get(&key));
            ids.map(|ids| ids.iter().collect()).unwrap_or_default()
        }

        /// As after a crash: only what is on disk is left.
        fn reopen(&mut self) {
            let mut pending = Pending::default();
            for (number, value) in &self.journal {
                let changes = Changes::decode(value).expect("an entry");
                let stored = |key: &[u8]| Ok(self.disk.get(key).cloned().unwrap_or_default());
                pending.replay(*number, changes, stored).expect("read");
            }
            self.pending = pending;
        }
    }

    #[test]
    fn the_journal_keeps_within_its_limits_and_nothing_is_lost() {
        let mut store = Store::default();
        for n in 0..3 * JOURNAL_ENTRIES_MAX as u32 {
            let label = format!("l{}", n % 1000);
            store.batch(&[("hot", n % 100, n % 3 != 0), (&label, n % 16_000, true)]);
            assert!(store.journal.len() <= JOURNAL_ENTRIES_MAX, "batch {n}");
            if n % 5000 == 4999 {
                store.reopen();
            }
        }
        let hot = |id: &u32| {
            let last = (0..3 * JOURNAL_ENTRIES_MAX as u32).rev().find(|n| n % 100 == *id).expect("one");
            last % 3 != 0
        };
        assert_eq!(store.ids("hot"), (0..100).filter(hot).collect::<Vec<_>>());
        let of_seven: std::collections::BTreeSet<u32> =
            (7..3 * JOURNAL_ENTRIES_MAX as u32).step_by(1000).map(|n| n % 16_000).collect();
        assert_eq!(store.ids("l7"), Vec::from_iter(of_seven));
        assert!(store.disk.len() > 900, "most of it is settled");
    }
}
