//! The tail: postings of the newest ranges of ids, in memory.
//!
//! An import gives consecutive ids to contacts whose labels differ. Written as they come, each of them would rewrite a
//! small value somewhere in the store; kept here until their range of ids is full, a posting is written once a range.
//! Nothing is lost by that: postings follow from the records, and a start derives those of the tail again. A full range
//! is sealed: its postings go to disk a slice a batch, so that no batch is long; it leaves memory when all are there.
//!
//! The gate's postings are not here: they are few, and written with every batch.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Bound;

use roaring::RoaringBitmap;

use super::chunk::Chunk;
use super::term::Term;
use crate::limits::{POSTING_CHUNK_IDS, SEALED_POSTINGS_MIN};

/// The postings of ranges that are not sealed yet.
#[derive(Default)]
pub struct Tail {
    ranges: BTreeMap<u32, Range>,
}

#[derive(Default)]
struct Range {
    postings: BTreeMap<Term, RoaringBitmap>,
    /// What is not on disk as it stands here; none while the range still grows.
    unwritten: Option<BTreeSet<Term>>,
}

/// What one batch writes of a range that is being sealed.
#[derive(Default)]
pub struct Slice {
    chunk: u32,
    /// Terms and their postings; an empty one is removed.
    pub postings: Vec<(Term, Chunk)>,
    /// Whether all of the range is on disk with this.
    pub is_last: bool,
}

impl Slice {
    /// The first id of its range.
    pub fn first(&self) -> u32 {
        self.chunk * POSTING_CHUNK_IDS
    }
}

impl Tail {
    /// The ids of a range that have a term; none if the range is not here.
    pub fn posting(&self, chunk: u32, term: &Term) -> Option<RoaringBitmap> {
        Some(self.ranges.get(&chunk)?.postings.get(term).cloned().unwrap_or_default())
    }

    /// The postings of a range from one term to another.
    pub fn between(
        &self,
        chunk: u32,
        from: Bound<Term>,
        to: Bound<Term>,
    ) -> Option<impl Iterator<Item = (&Term, &RoaringBitmap)>> {
        let filled = |(_, ids): &(&Term, &RoaringBitmap)| !ids.is_empty();
        Some(self.ranges.get(&chunk)?.postings.range((from, to)).filter(filled))
    }

    /// Begins a range, so that what follows is kept here.
    pub fn begin(&mut self, chunk: u32) {
        self.ranges.entry(chunk).or_default();
    }

    /// Adds an id to a posting, or takes it away. Its range is here.
    pub fn change(&mut self, term: Term, id: u32, add: bool) {
        let range = self.ranges.entry(id / POSTING_CHUNK_IDS).or_default();
        if let Some(unwritten) = &mut range.unwritten {
            unwritten.insert(term.clone());
        }
        let ids = range.postings.entry(term).or_default();
        if add {
            ids.insert(id)
        } else {
            ids.remove(id)
        };
    }

    /// What the next batch writes of the oldest range that is full: all before `growing` are. Terms that this batch
    /// changes itself wait for the next.
    pub fn slice(&self, growing: u32, changed: &HashSet<(u32, &Term)>) -> Option<Slice> {
        let (&chunk, range) =
            self.ranges.iter().find(|&(&chunk, range)| chunk < growing && range.unwritten.is_some())?;
        let unwritten = range.unwritten.as_ref()?;
        // A share of what waits, so that no number of distinct labels makes the tail grow for ever.
        let most = SEALED_POSTINGS_MIN.max(unwritten.len() / 32);
        let quiet = unwritten.iter().filter(|term| !changed.contains(&(chunk, *term)));
        let postings: Vec<(Term, Chunk)> =
            quiet.take(most).map(|term| (term.clone(), range.chunk(chunk, term))).collect();
        let is_last = postings.len() == unwritten.len() && !changed.iter().any(|&(changed, _)| changed == chunk);
        Some(Slice { chunk, postings, is_last })
    }

    /// A slice is on disk.
    pub fn written(&mut self, slice: &Slice) {
        if slice.is_last {
            self.ranges.remove(&slice.chunk);
        } else if let Some(unwritten) = self.ranges.get_mut(&slice.chunk).and_then(|range| range.unwritten.as_mut()) {
            for (term, _) in &slice.postings {
                unwritten.remove(term);
            }
        }
    }

    /// Ranges before this one are full: sealing them begins.
    pub fn grow(&mut self, growing: u32) {
        for (_, range) in self.ranges.range_mut(..growing) {
            let postings = &range.postings;
            range.unwritten.get_or_insert_with(|| postings.keys().cloned().collect());
        }
    }
}

impl Range {
    fn chunk(&self, chunk: u32, term: &Term) -> Chunk {
        let mut part = Chunk::new(POSTING_CHUNK_IDS);
        for id in self.postings.get(term).into_iter().flatten() {
            part.insert(id - chunk * POSTING_CHUNK_IDS);
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(value: u32) -> Term {
        Term::Label("n".into(), value.to_string())
    }

    #[test]
    fn a_full_range_goes_to_disk_in_slices_and_what_changes_meanwhile_follows() {
        let mut tail = Tail::default();
        let values = SEALED_POSTINGS_MIN as u32 + 10;
        for id in 0..values {
            tail.change(label(id), id, true);
        }
        assert!(tail.slice(0, &HashSet::new()).is_none(), "it still grows");
        tail.grow(1);
        let first = tail.slice(1, &HashSet::new()).expect("a slice");
        assert!(!first.is_last);
        tail.written(&first);
        let (again, _) = first.postings[0].clone();
        tail.change(again.clone(), 5_000, true);
        let changed = HashSet::from([(0, &again)]);
        let second = tail.slice(1, &changed).expect("a slice");
        assert!(!second.is_last && second.postings.len() == 10, "what changes in this batch waits");
        tail.written(&second);
        let third = tail.slice(1, &HashSet::new()).expect("a slice");
        assert!(third.is_last && third.postings.len() == 1 && third.postings[0].1.len() == 2);
        tail.written(&third);
        assert!(tail.posting(0, &again).is_none());
    }
}
