//! One chunk of a posting: which ids of a fixed range have a term, as the smallest of array, bitset or runs.

use roaring::RoaringBitmap;

use crate::error::{Error, Result};

const ARRAY: u8 = 1;
const BITSET: u8 = 2;
const RUNS: u8 = 3;

/// A set of offsets below a fixed size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    words: Vec<u64>,
}

impl Chunk {
    /// An empty set of offsets below `size`, a multiple of 64.
    pub fn new(size: u32) -> Chunk {
        Chunk { words: vec![0; size as usize / 64] }
    }

    /// The part of a set of ids that begins at `first`.
    pub fn of(ids: &RoaringBitmap, first: u32, size: u32) -> Chunk {
        let mut chunk = Chunk::new(size);
        for id in ids.range(first..=first + (size - 1)) {
            chunk.insert(id - first);
        }
        chunk
    }

    pub fn insert(&mut self, offset: u32) {
        self.words[offset as usize / 64] |= 1 << (offset % 64);
    }

    pub fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The offsets, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 64).then_some(at as u32 * 64 + bit)
            })
        })
    }

    /// The ids, when offset 0 is `first`.
    pub fn ids(&self, first: u32) -> RoaringBitmap {
        let bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        RoaringBitmap::from_lsb0_bytes(first, &bytes)
    }

    /// The smallest of the three forms.
    pub fn encode(&self) -> Vec<u8> {
        let count = self.len();
        let runs = self.runs();
        let (array_bytes, bitset_bytes, runs_bytes) = (count as usize * 2, self.words.len() * 8, runs.len() * 4);
        if runs_bytes <= array_bytes && runs_bytes <= bitset_bytes {
            let pairs = runs.iter().flat_map(|&(first, last)| [first.to_be_bytes(), last.to_be_bytes()]);
            std::iter::once(RUNS).chain(pairs.flatten()).collect()
        } else if array_bytes <= bitset_bytes {
            std::iter::once(ARRAY).chain(self.iter().flat_map(|offset| (offset as u16).to_be_bytes())).collect()
        } else {
            std::iter::once(BITSET).chain(self.words.iter().flat_map(|word| word.to_be_bytes())).collect()
        }
    }

    /// Reads any of the three forms of a set of offsets below `size`.
    pub fn decode(size: u32, value: &[u8]) -> Result<Chunk> {
        let mut chunk = Chunk::new(size);
        chunk.add(value)?;
        Ok(chunk)
    }

    /// Adds the offsets of an encoded set of the same size.
    pub fn add(&mut self, value: &[u8]) -> Result<()> {
        let size = self.words.len() as u32 * 64;
        let damaged = || Error::internal("a damaged chunk of a posting");
        let (&form, body) = value.split_first().ok_or_else(damaged)?;
        let offsets = body.chunks_exact(2).map(|bytes| u32::from(u16::from_be_bytes([bytes[0], bytes[1]])));
        match form {
            ARRAY if offsets.clone().all(|offset| offset < size) => offsets.for_each(|offset| self.insert(offset)),
            RUNS if offsets.clone().all(|offset| offset < size) => {
                let bounds: Vec<u32> = offsets.collect();
                bounds.chunks_exact(2).for_each(|run| (run[0]..=run[1]).for_each(|offset| self.insert(offset)));
            }
            BITSET if body.len() == self.words.len() * 8 => {
                for (word, bytes) in self.words.iter_mut().zip(body.chunks_exact(8)) {
                    *word |= bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
                }
            }
            _ => return Err(damaged()),
        }
        Ok(())
    }

    fn runs(&self) -> Vec<(u16, u16)> {
        let mut runs: Vec<(u16, u16)> = Vec::new();
        for offset in self.iter() {
            let offset = offset as u16;
            match runs.last_mut() {
                Some((_, last)) if u32::from(*last) + 1 == u32::from(offset) => *last = offset,
                _ => runs.push((offset, offset)),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(offsets: impl IntoIterator<Item = u32>) -> Chunk {
        let mut chunk = Chunk::new(4096);
        offsets.into_iter().for_each(|offset| chunk.insert(offset));
        chunk
    }

    #[test]
    fn every_form_keeps_the_set_and_the_smallest_is_taken() {
        let cases = [
            (of([]), 1),
            (of([4095]), 3),
            (of([1, 5, 900]), 7),
            (of(0..4096), 5),
            (of((0..4096).step_by(2)), 513),
            (of((10..2000).chain(2100..2200)), 9),
        ];
        for (chunk, bytes) in cases {
            let value = chunk.encode();
            assert_eq!(value.len(), bytes);
            assert_eq!(Chunk::decode(4096, &value), Ok(chunk));
        }
    }

    #[test]
    fn sets_of_any_form_are_added_up() {
        let sets = [of([1, 5, 900]), of(2000..2100), of((0..4096).step_by(2))];
        let mut all = of([7]);
        for set in &sets {
            assert_eq!(all.add(&set.encode()), Ok(()));
        }
        assert_eq!(all, of([7].into_iter().chain(sets.iter().flat_map(Chunk::iter))));
    }

    #[test]
    fn damage_is_told() {
        for value in [&[][..], &[9, 0], &[ARRAY, 0xff, 0xff], &[BITSET, 1], &[RUNS, 0, 0, 0xff, 0xff]] {
            assert!(Chunk::decode(4096, value).is_err());
        }
    }
}
