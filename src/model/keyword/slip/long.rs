//! Slips in long words of any language: one letter put in, left out, changed or swapped with its neighbour.
//!
//! A long word has few neighbours that people mean, so it needs no keyboard to be told by. A word whose slips are looked for
//! shares its first letters with its slip, or its last ones; so few words are compared with each word of a message.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::super::folding::is_unspaced;

/// A shorter word has too many neighbours that people mean.
const LETTERS_MIN: usize = 6;
/// So many letters at either end tell which words are compared: fewer for the shortest words, of which a slip has no more left.
const ENDS: [usize; 2] = [2, 3];

/// Long words of requests, and what they begin with.
#[derive(Clone, Debug, Default)]
pub struct LongSlips {
    known: Vec<Known>,
    begin: HashMap<Vec<char>, Vec<usize>, RandomState>,
    end: HashMap<Vec<char>, Vec<usize>, RandomState>,
}

#[derive(Clone, Debug)]
struct Known {
    letters: Vec<char>,
    /// Whether words begin with it.
    is_stem: bool,
}

impl LongSlips {
    /// Adds a word, or what words begin with, if it has letters enough.
    pub fn add(&mut self, word: &str, is_stem: bool) {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() < LETTERS_MIN || word.contains(|c: char| is_unspaced(c) || !c.is_alphabetic()) {
            return;
        }
        let end = if letters.len() == LETTERS_MIN { ENDS[0] } else { ENDS[1] };
        // There are thousands: each is compared with those that begin alike.
        let mut alike = self.begin.get(&letters[..end]).into_iter().flatten().map(|&at| &self.known[at]);
        if alike.any(|known| known.letters == letters && known.is_stem == is_stem) {
            return;
        }
        let at = self.known.len();
        self.begin.entry(letters[..end].to_vec()).or_default().push(at);
        self.end.entry(letters[letters.len() - end..].to_vec()).or_default().push(at);
        self.known.push(Known { letters, is_stem });
    }

    /// The words that one may be a slip of.
    pub fn meant(&self, word: &str) -> Vec<String> {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() + 1 < LETTERS_MIN {
            return Vec::new();
        }
        let begin = ENDS.iter().filter_map(|&end| self.begin.get(&letters[..end]));
        let ends = ENDS.iter().flat_map(|&end| letters.windows(end)).filter_map(|end| self.end.get(end));
        let mut near: Vec<usize> = begin.chain(ends).flatten().copied().collect();
        near.sort_unstable();
        near.dedup();
        near.into_iter().filter_map(|at| self.known[at].meant_by(&letters)).collect()
    }
}

impl Known {
    /// The word that was meant, if the letters are one slip away from it.
    fn meant_by(&self, letters: &[char]) -> Option<String> {
        let known = &self.letters[..];
        if letters.len() + 1 < known.len() || !self.is_stem && letters.len() > known.len() + 1 {
            return None;
        }
        let same = letters.iter().zip(known).take_while(|(a, b)| a == b).count();
        let is_swapped = known.len() > same + 1 && letters.get(same..same + 2) == Some(&[known[same + 1], known[same]]);
        // How many letters are passed over in each.
        let slips = [(1, 1), (0, 1), (1, 0)].into_iter().chain(is_swapped.then_some((2, 2)));
        slips.into_iter().find_map(|(passed, of_known)| {
            let rest = known.get(same + of_known..)?;
            let behind = letters.get(same + passed..)?.strip_prefix(rest)?;
            (self.is_stem || behind.is_empty()).then(|| known.iter().chain(behind).collect())
        })
    }
}
