//! The parts of a message, each judged as a message of its own: what is shown to a person alone is shown beside anything.
//!
//! A name, a signature, a number or a reason stands behind a sentence or a clause and takes nothing back. Only a reading that is
//! known to be harmless and goes over the end of a part does.

use super::{Ending, Kind, REQUEST_WORDS_MIN, Reading, Weight};

/// So many digits are a number of a phone.
const PHONE_DIGITS_MIN: usize = 7;
/// A part of so many words at most is read with all that a message of its own is read for. In a longer one nobody looks for slips.
const PART_WORDS_MAX: usize = 8;

impl Reading<'_> {
    /// Whether a part of it may ask, as it would alone.
    pub(super) fn asks_in_part(&self) -> bool {
        let mut bounds = self.bounds();
        bounds.extend((1..self.words.len()).filter(|&at| self.gives_reason(at)));
        bounds.sort_unstable();
        bounds.dedup();
        self.weighs_in_part(&bounds) || self.is_shown_in_part(&bounds)
    }

    fn weighs_in_part(&self, bounds: &[usize]) -> bool {
        let all = self.words.len();
        // "we sold it so hold the texts": behind a word that begins a clause, one word may be anything's.
        let clauses = self.all_found().filter(|(kind, _, from)| *kind == Kind::Clause && *from < all);
        let asks_in_clause = |from: usize| {
            let weights = self.weights(from, all);
            bounds.iter().any(|&to| {
                to >= from + REQUEST_WORDS_MIN && weights[to] >= Some(Weight::Sentence) && self.is_open(from, to)
            })
        };
        if clauses.map(|(_, _, from)| from).any(asks_in_clause) {
            return true;
        }
        let is_part = |from: usize, to: usize| (from, to) != (0, all);
        bounds.iter().enumerate().any(|(at, &from)| {
            from < all && {
                let weights = self.weights(from, all);
                let asks = |to: usize| weights[to] >= Some(Weight::MaybeWord) && self.is_open(from, to);
                bounds[at + 1..].iter().any(|&to| is_part(from, to) && asks(to))
            }
        })
    }

    /// The same for a clause or a sentence, or what stands beside a name or a number, with slips and in other spellings.
    fn is_shown_in_part(&self, bounds: &[usize]) -> bool {
        let ends_sentence =
            |&at: &usize| at == 0 || at == self.words.len() || self.words[at - 1].ending != Ending::None;
        let sentences: Vec<usize> = bounds.iter().copied().filter(ends_sentence).collect();
        let parts = bounds.windows(2).chain(sentences.windows(2)).map(|part| (part[0], part[1]));
        let is_short = |&(from, to): &(usize, usize)| (1..=PART_WORDS_MAX).contains(&(to - from));
        let is_part = |&(from, to): &(usize, usize)| to - from < self.words.len() && self.is_open(from, to);
        let part = |(from, to)| Reading::of(self.keywords, self.grammar, self.words[from..to].to_vec());
        parts.filter(is_short).filter(is_part).any(|bounds| part(bounds).meaning_of_words().strictness() > 0)
    }

    /// Whether a reason begins at a place: "cuz I work nights". What it is given for stands before it.
    pub(super) fn gives_reason(&self, at: usize) -> bool {
        self.found(at).iter().any(|(kind, _)| *kind == Kind::Reason)
    }

    /// Where its parts begin and end: at the ends of clauses, and where a phone's number stands or somebody's name.
    pub(super) fn bounds(&self) -> Vec<usize> {
        let all = self.words.len();
        let mut is_bound = vec![false; all + 1];
        (is_bound[0], is_bound[all]) = (true, true);
        for (at, word) in self.words.iter().enumerate() {
            is_bound[at + 1] |= word.ends_clause;
        }
        let mut at = 0;
        for run in self.known.chunk_by(|a, b| a.is_number() == b.is_number()) {
            let to = at + run.len();
            let digits: usize = self.words[at..to].iter().map(|word| word.text.len()).sum();
            if run[0].is_number() && digits >= PHONE_DIGITS_MIN {
                (is_bound[at], is_bound[to]) = (true, true);
            }
            at = to;
        }
        let is_name = |at: usize| self.known[at].is_first_name() || self.words[at].is_name_like();
        let last_names = (0..all).rev().take_while(|&at| is_name(at)).last();
        if let Some(at) = last_names.and_then(|from| (from..all).find(|&at| self.known[at].is_first_name())) {
            is_bound[at] = true;
        }
        (0..=all).filter(|&at| is_bound[at]).collect()
    }

    /// Whether nobody else said some words, and no harmless reading goes over an end of them.
    fn is_open(&self, from: usize, to: usize) -> bool {
        let ends = |at: usize| self.found(at).iter().filter(|(kind, _)| *kind == Kind::Ordinary).map(|&(_, end)| end);
        // What a rule has to the end of a clause, it has to the end of a later one as well.
        let is_first = |at: usize, end: usize| !self.words[end - 1].ends_clause || ends(at).min() == Some(end);
        let crosses = |at: usize, end: usize| end > to && at < to || at < from && end > from;
        let is_crossed = (0..to).any(|at| ends(at).any(|end| crosses(at, end) && is_first(at, end)));
        !self.is_quoted(from, to) && !is_crossed
    }
}
