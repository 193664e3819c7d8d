//! Requests beside words that no rule has: "I'm a republican stop texting me".
//!
//! Most of what stands beside a request changes nothing. What can turn it round is little: a denial, a condition, a question,
//! somebody else who is spoken of, a joke; and behind it, what makes it one about something else. The rules name these, and
//! without one of them a request stays a request.

use super::{Ending, Kind, REQUEST_WORDS_MIN, Reading};
use crate::model::keyword::folding::is_unspaced;

/// A request among words that no rule has is in so many words at least, or in fewer of so many letters, or in so many letters of
/// a script without blanks. Shorter ones may be part of anything: "no texts came".
const PLAIN_WORDS_MIN: usize = 3;
const PLAIN_LETTERS_MIN: usize = 12;
const PLAIN_UNSPACED_MIN: usize = 4;
/// So near behind a request stands what narrows it: "stop texting me pictures of it".
const NARROW_WITHIN: usize = 2;
/// How a word ends that names what is to stop: "please stop smoking".
pub(super) const GERUND: &str = "ING";

impl Reading<'_> {
    /// Whether a sentence has a request that nothing beside it turns round.
    pub(super) fn asks_plainly(&self) -> bool {
        let jokes = self.all_found().any(|(kind, _, _)| kind == Kind::Joke);
        !jokes
            && self.each_sentence().any(|(from, last)| {
                let is_question = self.words[last].ending == Ending::Question;
                !is_question && (from..=last).any(|begin| self.is_plain(from, last + 1, begin))
            })
    }

    /// "please stop", and behind it nothing that it could be about: "please stop sorry", but not "please stop by".
    pub(super) fn asks_to_stop(&self) -> bool {
        let is_about = |at: usize| at < self.words.len() && (self.narrows(at) || self.words[at].text.ends_with(GERUND));
        let asks = |from: usize, at: usize| {
            at < self.words.len()
                && self.is_opt_out_word(at, at + 1)
                && !self.is_denied[at]
                && !self.is_quoted(from, at + 1)
                && (self.is_meant(from, at + 1) || self.is_courteous(at + 1))
                && (self.words[at].ends_clause || !is_about(at + 1))
        };
        self.all_found().any(|(kind, from, at)| kind == Kind::Clause && asks(from, at))
    }

    /// Whether the longest request that begins at a place of a sentence stays one among the rest of it.
    fn is_plain(&self, from: usize, to: usize, begin: usize) -> bool {
        let ends = self.found(begin).iter().filter(|&&(kind, end)| kind == Kind::Out && end <= to);
        let Some(end) = ends.map(|&(_, end)| end).max() else { return false };
        let lead = self.lead(from, begin);
        self.is_long(lead, end)
            && !self.is_ordinary(begin, end)
            && self.is_meant(begin, end)
            && !self.is_turned(from, to, lead, end)
            && !self.is_narrowed(end, to)
    }

    fn is_long(&self, from: usize, to: usize) -> bool {
        let words = &self.words[from..to];
        let letters = |is: fn(char) -> bool| words.iter().flat_map(|word| word.text.chars()).filter(|&c| is(c)).count();
        words.len() >= PLAIN_WORDS_MIN
            || letters(is_unspaced) >= PLAIN_UNSPACED_MIN
            || words.len() >= REQUEST_WORDS_MIN && letters(char::is_alphabetic) >= PLAIN_LETTERS_MIN
    }

    /// Where the words begin that lead to a request: "I would like to" be removed.
    fn lead(&self, from: usize, begin: usize) -> usize {
        let leads = |at: &usize| {
            let is_lead = |&(kind, end): &(Kind, usize)| kind == Kind::Polite && end == begin;
            begin - at >= REQUEST_WORDS_MIN && self.found(*at).iter().any(is_lead)
        };
        (from..begin).find(leads).unwrap_or(begin)
    }

    /// Whether something beside a request in its sentence, which no other rule explains, may turn it round.
    fn is_turned(&self, from: usize, to: usize, begin: usize, end: usize) -> bool {
        let begins_clause = |&at: &usize| self.is(at, Kind::Clause) || at > from && self.words[at - 1].ends_clause;
        let clause = (from..=begin).rev().find(begins_clause).unwrap_or(from);
        let explained = |conditions: bool| {
            let mut is_explained = vec![false; self.words.len()];
            is_explained[begin..end].fill(true);
            for at in from..to {
                let explains = |kind: Kind| match kind {
                    Kind::Polite | Kind::Maybe | Kind::Out => true,
                    Kind::Hint | Kind::Sentence => !conditions,
                    _ => false,
                };
                let ends = self.found(at).iter().filter(|&&(kind, end)| explains(kind) && end <= to);
                for &(_, end) in ends.filter(|(_, end)| end - at >= REQUEST_WORDS_MIN) {
                    is_explained[at..end].fill(true);
                }
            }
            is_explained
        };
        let (turned, conditional) = (explained(false), explained(true));
        (from..to).any(|at| self.is(at, Kind::Condition) && !conditional[at])
            || (clause..begin).any(|at| self.is(at, Kind::Turn) && !turned[at])
            || (from..begin).any(|at| self.is_denied[at])
    }

    /// Whether what follows a request in its clause makes it one about something else.
    fn is_narrowed(&self, end: usize, to: usize) -> bool {
        let is_behind = |at: &usize| *at < to && (end - 1..*at).all(|before| !self.words[before].ends_clause);
        (end..end + NARROW_WITHIN).filter(is_behind).any(|at| self.narrows(at))
    }

    /// Whether a word narrows a request before it, and does not begin a courtesy: "and have a nice day".
    fn narrows(&self, at: usize) -> bool {
        self.is(at, Kind::Narrow) && !self.is_courteous(at)
    }

    /// Whether a courtesy in several words begins at a place.
    fn is_courteous(&self, at: usize) -> bool {
        let is_courtesy = |&(kind, end): &(Kind, usize)| {
            matches!(kind, Kind::Polite | Kind::Maybe | Kind::Modifier) && end - at >= REQUEST_WORDS_MIN
        };
        at < self.words.len() && self.found(at).iter().any(is_courtesy)
    }

    fn is(&self, at: usize, kind: Kind) -> bool {
        self.found(at).iter().any(|(found, _)| *found == kind)
    }
}
