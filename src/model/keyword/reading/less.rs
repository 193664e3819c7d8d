//! A message without what changes nothing in it.

use super::{Kind, Reading, Word};

impl<'k> Reading<'k> {
    /// The message without what people put into a request and do not mean: "take me the hell off your list".
    pub(super) fn without_fillers(&self) -> Option<Reading<'k>> {
        let mut left = vec![true; self.words.len()];
        for (_, from, to) in self.all_found().filter(|(kind, _, _)| *kind == Kind::Filler) {
            left[from..to].fill(false);
        }
        self.without(&left)
    }

    /// The message without where, how or by whom its request wants to be heard: "do not contact me at this number".
    pub(super) fn without_modifiers(&self) -> Option<Reading<'k>> {
        let mut left = vec![true; self.words.len()];
        // Where a request ends, or a modifier of one.
        let mut ends = vec![false; self.words.len() + 1];
        for at in 0..self.words.len() {
            ends[at + 1] |= self.is_opt_out_word(at, at + 1);
            for &(kind, end) in self.found(at) {
                match kind {
                    Kind::Out => ends[end] = true,
                    Kind::Modifier if ends[at] => {
                        left[at..end].fill(false);
                        ends[end] = true;
                    }
                    _ => {}
                }
            }
        }
        self.without(&left)
    }

    /// The message without the words that are not left; none if nothing, or everything, is.
    fn without(&self, left: &[bool]) -> Option<Reading<'k>> {
        let words: Vec<Word> =
            self.words.iter().zip(left).filter(|(_, is_left)| **is_left).map(|(word, _)| word.clone()).collect();
        let is_less = words.len() < self.words.len() && !words.is_empty();
        is_less.then(|| Reading::of(self.keywords, self.grammar, words))
    }
}
