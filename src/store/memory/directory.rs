//! The directory: number ↔ id, in memory, about 30 bytes a contact. The tombstones have one, too, of their marks.
//!
//! The way from a number to its id costs CHECK more than anything else it does, and nearly all of that is waiting for
//! memory. So an entry stands in one cache line, five to a line, and a lookup mostly touches no other. The table is in
//! shards, so that growing one is short enough to do under the gate's lock. The way back is pages of consecutive ids,
//! as they are stored.

use std::hash::BuildHasher;
use std::num::NonZero;
use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use foldhash::fast::RandomState;

use crate::limits::DIRECTORY_CHUNK_IDS;
use crate::model::phone::Phone;

const SHARDS: usize = 256;
const LINE_ENTRIES: usize = 5;
/// So many numbers are sorted at a time, so that their copies take 64 MB at most.
const SORTED_MAX: usize = 4_000_000;

/// Number ↔ id.
pub struct Directory {
    pages: Vec<Option<Page>>,
    shards: Vec<Shard>,
    hasher: RandomState,
}

/// The numbers of consecutive ids; 0 where there is none.
type Page = Box<[u64; DIRECTORY_CHUNK_IDS as usize]>;

/// Numbers by their ids, as they are stored: what a [`Directory`] is made of.
#[derive(Default)]
pub struct Numbers {
    pages: Vec<Option<Page>>,
}

impl Numbers {
    /// Adds those of a chunk, which begins with its first id; 0 where there is none. False: they are too many, or no id is so great.
    #[must_use]
    pub fn add(&mut self, chunk: u32, numbers: &[u64]) -> bool {
        let mut page: Page = Box::new([0; DIRECTORY_CHUNK_IDS as usize]);
        let begin = page.get_mut(..numbers.len()).filter(|_| chunk <= u32::MAX / DIRECTORY_CHUNK_IDS);
        let Some(begin) = begin else { return false };
        begin.copy_from_slice(numbers);
        let at = chunk as usize;
        if at >= self.pages.len() {
            self.pages.resize_with(at + 1, || None);
        }
        self.pages[at] = numbers.iter().any(|&number| number != 0).then_some(page);
        true
    }
}

/// A number and its id.
type Entry = (u64, u32);

/// An open hash table of cache lines.
#[derive(Default)]
struct Shard {
    /// A power of two, or none.
    lines: Vec<Line>,
    entries: usize,
}

/// Filled from the front; 0 is not a number. A full line sends the search on to the next.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line {
    numbers: [u64; LINE_ENTRIES],
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
    /// The directory of these numbers. They are sorted by shard first: then the processor's cache holds each shard while it is filled,
    /// and none is ever moved. The processors share the work. Of a million it takes 0.02 s, where to place each as it comes takes 0.05 s.
    pub fn of(numbers: Numbers) -> Directory {
        Directory::of_some_at_a_time(numbers, SORTED_MAX)
    }

    fn of_some_at_a_time(numbers: Numbers, most: usize) -> Directory {
        let mut directory = Directory { pages: numbers.pages, ..Directory::default() };
        let Directory { pages, shards, hasher } = &mut directory;
        let rounds = (pages.len() * DIRECTORY_CHUNK_IDS as usize).div_ceil(most).clamp(1, SHARDS);
        let each = SHARDS.div_ceil(rounds);
        let shards = if pages.is_empty() { &mut [] } else { &mut shards[..] };
        for (round, shards) in shards.chunks_mut(each).enumerate() {
            let first = round * each;
            fill(shards, &sorted_by_all(pages, first..first + shards.len(), hasher), hasher);
        }
        directory
    }

    /// The id of a phone.
    #[inline]
    pub fn id(&self, phone: Phone) -> Option<u32> {
        self.find(phone.as_u64())
    }

    /// The phone of an id.
    pub fn phone(&self, id: u32) -> Option<Phone> {
        Phone::from_u64(self.number(id))
    }

    /// The id of a number.
    #[inline]
    pub fn find(&self, number: u64) -> Option<u32> {
        let hash = self.hasher.hash_one(number);
        self.shards[shard(hash)].find(hash, number)
    }

    /// The number of an id; 0 if there is none.
    pub fn number(&self, id: u32) -> u64 {
        let page = self.pages.get((id / DIRECTORY_CHUNK_IDS) as usize).and_then(Option::as_ref);
        page.map_or(0, |page| page[(id % DIRECTORY_CHUNK_IDS) as usize])
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
        self.pages.is_empty() || self.len() == 0
    }

    /// Adds a number that is not 0. Neither it nor the id may be there.
    pub fn insert(&mut self, id: u32, number: u64) {
        let at = (id / DIRECTORY_CHUNK_IDS) as usize;
        if at >= self.pages.len() {
            self.pages.resize_with(at + 1, || None);
        }
        let page = self.pages[at].get_or_insert_with(|| Box::new([0; DIRECTORY_CHUNK_IDS as usize]));
        page[(id % DIRECTORY_CHUNK_IDS) as usize] = number;
        let hash = self.hasher.hash_one(number);
        self.shards[shard(hash)].insert(&self.hasher, hash, number, id);
    }

    /// Takes an id and its number out. Memory follows: a page goes when it is empty, a table shrinks when it mostly is.
    pub fn remove(&mut self, id: u32) {
        let Some(slot) = self.pages.get_mut((id / DIRECTORY_CHUNK_IDS) as usize) else { return };
        let Some(page) = slot else { return };
        let number = std::mem::take(&mut page[(id % DIRECTORY_CHUNK_IDS) as usize]);
        if page.iter().all(|&number| number == 0) {
            *slot = None;
        }
        if number != 0 {
            let hash = self.hasher.hash_one(number);
            self.shards[shard(hash)].remove(&self.hasher, hash, number);
        }
    }

    /// The numbers of one chunk of ids, as they are stored: 0 where there is no contact, none after the last.
    pub fn chunk(&self, chunk: u32) -> Vec<u64> {
        let Some(Some(page)) = self.pages.get(chunk as usize) else { return Vec::new() };
        let end = page.iter().rposition(|&phone| phone != 0).map_or(0, |last| last + 1);
        page[..end].to_vec()
    }
}

/// The numbers of all pages, sorted by shard: of those shards that are wanted. Each processor sorts a part.
fn sorted_by_all(pages: &[Option<Page>], wanted: Range<usize>, hasher: &RandomState) -> Vec<Vec<Vec<Entry>>> {
    let each = pages.len().div_ceil(processors());
    thread::scope(|scope| {
        let parts = pages.chunks(each).zip((0..).step_by(each));
        let sort = |(pages, first)| {
            let wanted = wanted.clone();
            scope.spawn(move || sorted(pages, first, wanted, hasher))
        };
        let parts: Vec<_> = parts.map(sort).collect();
        parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Gives each shard its entries, which stand in its place of each part. Each processor fills some.
fn fill(shards: &mut [Shard], parts: &[Vec<Vec<Entry>>], hasher: &RandomState) {
    let each = shards.len().div_ceil(processors());
    thread::scope(|scope| {
        for (shards, first) in shards.chunks_mut(each).zip((0..).step_by(each)) {
            scope.spawn(move || {
                for (shard, at) in shards.iter_mut().zip(first..) {
                    shard.fill(hasher, parts.iter().map(|part| part[at].as_slice()));
                }
            });
        }
    });
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(SHARDS)
}

/// The numbers of some pages, of which the first has a number, sorted by shard: of those shards that are wanted.
fn sorted(pages: &[Option<Page>], first: usize, wanted: Range<usize>, hasher: &RandomState) -> Vec<Vec<Entry>> {
    let mut sorted = vec![Vec::new(); wanted.len()];
    let first = first as u32 * DIRECTORY_CHUNK_IDS;
    for (page, ids) in pages.iter().zip((first..).step_by(DIRECTORY_CHUNK_IDS as usize)) {
        for (&number, id) in page.iter().flat_map(|page| page.iter()).zip(ids..).filter(|&(&number, _)| number != 0) {
            let at = shard(hasher.hash_one(number)).checked_sub(wanted.start);
            if let Some(entries) = at.and_then(|at| sorted.get_mut(at)) {
                entries.push((number, id));
            }
        }
    }
    sorted
}

/// How many lines so many entries need: a power of two, at most three quarters full. Then one line in five sends a search on.
fn lines_for(entries: usize) -> usize {
    (entries * 4).div_ceil(LINE_ENTRIES * 3).next_power_of_two()
}

impl Shard {
    /// Gives an empty one all its entries.
    fn fill<'e>(&mut self, hasher: &RandomState, parts: impl Iterator<Item = &'e [Entry]> + Clone) {
        self.entries = parts.clone().map(<[Entry]>::len).sum();
        if self.entries > 0 {
            self.lines = vec![Line::default(); lines_for(self.entries)];
        }
        parts.flatten().for_each(|&(number, id)| self.place(hasher.hash_one(number), number, id));
    }

    #[inline]
    fn find(&self, hash: u64, number: u64) -> Option<u32> {
        let last = self.lines.len().checked_sub(1)?;
        let mut at = hash as usize & last;
        loop {
            let line = &self.lines[at];
            if let Some(entry) = line.position(number) {
                return Some(line.ids[entry]);
            }
            if line.numbers[LINE_ENTRIES - 1] == 0 {
                return None;
            }
            at = (at + 1) & last;
        }
    }

    fn insert(&mut self, hasher: &RandomState, hash: u64, number: u64, id: u32) {
        let lines = lines_for(self.entries + 1);
        if lines > self.lines.len() {
            self.resize(hasher, lines);
        }
        self.place(hash, number, id);
        self.entries += 1;
    }

    fn remove(&mut self, hasher: &RandomState, hash: u64, number: u64) {
        let Some(last) = self.lines.len().checked_sub(1) else { return };
        let mut at = hash as usize & last;
        let entry = loop {
            match self.lines[at].position(number) {
                Some(entry) => break entry,
                None if self.lines[at].numbers[LINE_ENTRIES - 1] == 0 => return,
                None => at = (at + 1) & last,
            }
        };
        let was_full = self.lines[at].numbers[LINE_ENTRIES - 1] != 0;
        self.lines[at].take_out(entry);
        self.entries -= 1;
        // Searches end here now: what they went on to find is placed again.
        let mut goes_on = was_full;
        while goes_on {
            at = (at + 1) & last;
            let line = std::mem::take(&mut self.lines[at]);
            goes_on = line.numbers[LINE_ENTRIES - 1] != 0;
            self.place_all(hasher, &line);
        }
        if self.lines.len() > 1 && self.entries * 5 < self.lines.len() * LINE_ENTRIES {
            self.resize(hasher, self.lines.len() / 2);
        }
    }

    fn resize(&mut self, hasher: &RandomState, lines: usize) {
        let old = std::mem::replace(&mut self.lines, vec![Line::default(); lines]);
        for line in &old {
            self.place_all(hasher, line);
        }
    }

    fn place_all(&mut self, hasher: &RandomState, line: &Line) {
        let entries = line.numbers.iter().zip(line.ids).filter(|&(&number, _)| number != 0);
        entries.for_each(|(&number, id)| self.place(hasher.hash_one(number), number, id));
    }

    /// Puts an entry where a search finds it. There is room.
    fn place(&mut self, hash: u64, number: u64, id: u32) {
        let last = self.lines.len() - 1;
        let mut at = hash as usize & last;
        loop {
            let line = &mut self.lines[at];
            let filled = line.filled();
            if filled < LINE_ENTRIES {
                line.numbers[filled] = number;
                line.ids[filled] = id;
                return;
            }
            at = (at + 1) & last;
        }
    }
}

impl Line {
    /// How many entries there are. They are counted without a jump, which the processor would foresee wrongly as often as not.
    fn filled(&self) -> usize {
        self.numbers.iter().map(|&number| usize::from(number != 0)).sum()
    }

    /// Where a number stands, in the same way.
    #[inline]
    fn position(&self, number: u64) -> Option<usize> {
        let found = |found, (at, &known): (usize, &u64)| found | usize::from(known == number) << at;
        let found = self.numbers.iter().enumerate().fold(0, found);
        (found != 0).then(|| found.trailing_zeros() as usize)
    }

    /// Takes an entry out; the line stays filled from the front.
    fn take_out(&mut self, entry: usize) {
        self.numbers.copy_within(entry + 1.., entry);
        self.ids.copy_within(entry + 1.., entry);
        self.numbers[LINE_ENTRIES - 1] = 0;
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
            directory.insert(id * 3, phone(u64::from(id)).as_u64());
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

    #[test]
    fn one_of_many_numbers_is_as_if_they_were_added_one_by_one() {
        for most in [1_000, SORTED_MAX] {
            is_as_if_they_were_added_one_by_one(most);
        }
    }

    fn is_as_if_they_were_added_one_by_one(most: usize) {
        let number = |id: u32| u64::from(id).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut numbers = Numbers::default();
        let mut one_by_one = Directory::default();
        // Gaps of ids, a chunk without numbers, and a last one that is short.
        for chunk in [0, 1, 4, 7] {
            let first = chunk * DIRECTORY_CHUNK_IDS;
            let ids = first..first + DIRECTORY_CHUNK_IDS - chunk * 10;
            let stored: Vec<u64> = ids.map(|id| if id % 3 == 0 || chunk == 4 { 0 } else { number(id) }).collect();
            (first..)
                .zip(&stored)
                .filter(|(_, number)| **number != 0)
                .for_each(|(id, number)| one_by_one.insert(id, *number));
            assert!(numbers.add(chunk, &stored));
        }
        assert!(!numbers.add(u32::MAX, &[1]) && !numbers.add(9, &vec![1; DIRECTORY_CHUNK_IDS as usize + 1]));
        let mut directory = Directory::of_some_at_a_time(numbers, most);
        assert_eq!(directory.len(), one_by_one.len());
        for id in 0..9 * DIRECTORY_CHUNK_IDS {
            assert_eq!(directory.number(id), one_by_one.number(id));
            assert_eq!(directory.find(number(id)), one_by_one.find(number(id)));
        }
        let added = 9 * DIRECTORY_CHUNK_IDS;
        directory.insert(added, number(added));
        assert_eq!(directory.find(number(added)), Some(added));
        assert_eq!(Directory::of(Numbers::default()).len(), 0);
    }

    #[test]
    fn what_is_removed_is_gone_and_the_rest_is_found() {
        let mut directory = Directory::default();
        let numbers = |n: u32| u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut there = vec![false; 20_000];
        // In and out in waves, so that lines fill, send searches on, empty, and tables shrink and grow again.
        for wave in 0..6_usize {
            for (id, there) in there.iter_mut().enumerate() {
                let wanted = (id * 7 + wave * 13) % (wave + 2) == 0;
                match (*there, wanted) {
                    (false, true) => directory.insert(id as u32, numbers(id as u32)),
                    (true, false) => directory.remove(id as u32),
                    _ => {}
                }
                *there = wanted;
            }
            let found = (0..there.len() as u32).filter(|&id| directory.find(numbers(id)) == Some(id)).count();
            assert_eq!(found, there.iter().filter(|&&there| there).count(), "wave {wave}");
            assert_eq!(directory.len(), found as u64);
        }
        (0..there.len() as u32).for_each(|id| directory.remove(id));
        assert!(directory.is_empty() && directory.pages.iter().all(Option::is_none));
        assert!(directory.shards.iter().all(|shard| shard.lines.len() <= 1), "no memory is kept");
    }
}
