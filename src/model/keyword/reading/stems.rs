//! The world from the other side: what a refusal cannot do without.
//!
//! There is no end of wordings, but few stems that none of them can do without: to stop, to remove, a "not" beside a word for
//! sending, somebody else's phone. A message with one is shown to a person, unless a reading of it that is known to be harmless
//! covers the stem: "don't stop", "stop by", "no more questions". So a wording that nobody thought of is shown.

use std::sync::LazyLock;

use super::plain::GERUND;
use super::{Ending, Kind, Reading, Word};
use crate::model::keyword::folding::{self, is_unspaced};
use crate::model::keyword::grammar::{Grammar, Known};

/// The stems and their harmless readings. A test keeps them readable.
const STEMS: &str = include_str!("../stems.txt");
static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| parsed(STEMS).unwrap_or_default());
static WITHIN: LazyLock<Vec<Within>> = LazyLock::new(|| within(STEMS));

/// What begins a line about a script that puts no blanks between words.
const WITHIN_MARK: &str = "within:";
/// So many letters of such a script may stand between the two parts of a stem.
const BETWEEN_LETTERS_MAX: usize = 6;

/// Who is told to stop what is done to whom: "quit hounding us".
const TOLD_TO_STOP: [&str; 2] = ["STOP", "QUIT"];
const WHOM: [&str; 2] = ["ME", "US"];

/// A stem in a script without blanks: one of the first, and one of the others behind it.
struct Within {
    first: Vec<String>,
    behind: Vec<String>,
}

/// The rules, but for those about scripts without blanks.
fn parsed(text: &str) -> Result<Grammar, String> {
    let rules: Vec<&str> = text.lines().map(|line| if line.starts_with(WITHIN_MARK) { "" } else { line }).collect();
    Grammar::parse(&rules.join("\n"))
}

/// `within: 不要 别 / 发 联系`, and `within: 退订` for one that needs nothing behind it.
fn within(text: &str) -> Vec<Within> {
    let parts = |part: &str| part.split_whitespace().map(|part| folding::folded(part).replace(' ', "")).collect();
    let lines = text.lines().filter_map(|line| line.strip_prefix(WITHIN_MARK));
    lines
        .map(|line| {
            let (first, behind) = line.split_once('/').unwrap_or((line, ""));
            Within { first: parts(first), behind: parts(behind) }
        })
        .collect()
}

impl Within {
    fn is_in(&self, text: &str) -> bool {
        self.first.iter().any(|first| {
            text.match_indices(first.as_str()).any(|(at, _)| {
                let behind = &text[at + first.len()..];
                self.behind.is_empty()
                    || self.behind.iter().any(|next| {
                        let between = behind.find(next.as_str()).map(|end| behind[..end].chars().count());
                        between.is_some_and(|letters| letters <= BETWEEN_LETTERS_MAX)
                    })
            })
        })
    }
}

impl Reading<'_> {
    /// Whether a stem stands in it that no harmless reading covers.
    pub(super) fn has_open_stem(&self) -> bool {
        self.has_open_stem_of_words() || self.has_stem_within()
    }

    fn has_open_stem_of_words(&self) -> bool {
        let known = self.known_of_stems();
        let mut stems: Vec<(usize, usize)> = self.keywords_of_everyday().map(|at| (at, at + 1)).collect();
        stems.extend(self.told_to_stop());
        for at in 0..known.len() {
            GRAMMAR.matches(&known, at, |kind, end| {
                if kind == Kind::Stem && self.is_of_clause(at, end) {
                    stems.push((at, end));
                }
            });
        }
        if stems.is_empty() {
            return false;
        }
        let is_covered = self.covered();
        stems.into_iter().any(|(from, to)| is_covered[from..to].contains(&false))
    }

    /// "I sold the car stop reminding me": what is done to somebody who says to stop it. No "car stop" covers all of it.
    fn told_to_stop(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let tells = |words: &[Word]| {
            let [stop, doing, whom] = words else { return false };
            TOLD_TO_STOP.contains(&stop.text.as_str())
                && doing.text.ends_with(GERUND)
                && WHOM.contains(&whom.text.as_str())
                && !stop.ends_clause
                && !doing.ends_clause
        };
        self.words.windows(3).enumerate().filter(move |(_, words)| tells(words)).map(|(at, _)| (at, at + 3))
    }

    /// The words as the rules about stems know them. A clause ends before a signature or a number, too; and what is harmless does
    /// not go on behind a "so" or a "please".
    fn known_of_stems(&self) -> Vec<Known> {
        let bounds = self.bounds();
        let begins_clause = |at: usize| self.found(at).iter().any(|(kind, _)| *kind == Kind::Clause);
        let known = |(at, word): (usize, &Word)| {
            let ends_clause = bounds.binary_search(&(at + 1)).is_ok();
            GRAMMAR.known(&word.text).named_as(self.known[at]).between(begins_clause(at), ends_clause)
        };
        self.words.iter().enumerate().map(known).collect()
    }

    /// What is harmless ends with its clause: "I never got the code, remove me".
    fn is_of_clause(&self, from: usize, to: usize) -> bool {
        self.words[from..to - 1].iter().all(|word| !word.ends_clause)
    }

    /// Which words stand in a reading that is known to be harmless, in a denial or in a quotation.
    pub(super) fn covered(&self) -> Vec<bool> {
        let known = self.known_of_stems();
        let is_of_sentence =
            |from: usize, to: usize| self.words[from..to - 1].iter().all(|word| word.ending == Ending::None);
        let mut is_covered = self.is_denied.clone();
        for at in 0..known.len() {
            is_covered[at] |= self.words[at].is_quoted;
            GRAMMAR.matches(&known, at, |kind, end| {
                if kind == Kind::Harmless && self.is_of_clause(at, end) {
                    is_covered[at..end].fill(true);
                }
            });
        }
        for from in 0..known.len() {
            let ends = || self.found(from).iter().filter(|(kind, _)| *kind == Kind::Ordinary).map(|&(_, end)| end);
            // A rule may name what stands behind a comma, "don't call, text me", but nothing else there is covered.
            let first = ends().min();
            for to in ends() {
                let is_torn = self.is_torn(from, to);
                if self.is_of_clause(from, to) || Some(to) == first && is_of_sentence(from, to) && !is_torn {
                    is_covered[from..to].fill(true);
                }
            }
        }
        is_covered
    }

    /// The same in a script that puts no blanks between words.
    fn has_stem_within(&self) -> bool {
        if !self.words.iter().any(|word| word.text.contains(is_unspaced)) {
            return false;
        }
        let text: String = self.words.iter().map(|word| word.text.as_str()).collect();
        WITHIN.iter().any(|stem| stem.is_in(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stems_can_be_read() {
        assert_eq!(parsed(STEMS).map(drop), Ok(()));
        assert!(WITHIN.iter().all(|stem| stem.first.iter().chain(&stem.behind).all(|part| !part.is_empty())));
    }
}
