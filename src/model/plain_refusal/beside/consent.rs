//! A consent that is missing, denied or withdrawn, in a clause of a note.

use super::super::word::Word;
use super::Clause;

/// So near stand a consent and what denies it, and a consent and what it lacks.
const NOT_GIVEN_WITHIN: usize = 3;
const LACKED_WITHIN: usize = 2;
/// So near before a consent stands what one waits for it with.
const AWAITED_WITHIN: usize = 4;

impl Clause<'_> {
    /// Whether a word for consent stands near one for its lack: "hasn't opted in yet", "consent missing", "DOI pending". What is lacking
    /// may be the consent to something else.
    fn lacks(&self, at: usize) -> bool {
        let opts_in = self.is_at(at, "opt opts opted") && self.is_at(at + 1, "in");
        // "Didn't sign up", but not for classes.
        let signs_up =
            self.is_at(at, "sign signs signed") && self.is_at(at + 1, "up") && !self.is_of_something_else(at + 2);
        if !opts_in && !signs_up && !self.words[at].is_consent() {
            return false;
        }
        let end = at + usize::from(opts_in || signs_up);
        let (before, behind) = (self.before(at, NOT_GIVEN_WITHIN), self.behind(end, NOT_GIVEN_WITHIN));
        let is_given = |word: &Word| {
            word.is(
                "confirmed given obtained received recorded verified signed collected complete completed valid granted",
            )
        };
        let denied_behind = behind.iter().position(Word::is_not).is_some_and(|not| behind[not..].iter().any(is_given));
        // "No email but opted in".
        let is_of_consent = |not: usize| !before[not..].iter().any(|word| word.is_other() || word.is("but"));
        let denied = before.iter().position(Word::is_not).is_some_and(is_of_consent)
            // "Has yet to opt in".
            || self.is_at(at.wrapping_sub(2), "yet") && self.is_at(at.wrapping_sub(1), "to");
        let is_awaited = self.before(at, AWAITED_WITHIN).iter().any(|word| word.is("awaiting awaits await waiting"))
            || self.words[0].is("get obtain collect") && at <= 2;
        let is_needed =
            before.iter().chain(behind).any(|word| word.is("problem problems issue issues needed required necessary"))
                && before.iter().chain(behind).any(Word::is_not);
        let is_other = self.words.iter().any(|word| {
            word.begins("photo pictur surg treat medic procedur cooki parent anesth")
                || word.is("form forms slip video school planning building parking")
        });
        let is_of_mail = self.words.iter().any(Word::is_mail) && !self.words.iter().any(Word::is_text);
        // "Not withdrawn".
        let lacks_near = || {
            let (from, to) = (at.saturating_sub(LACKED_WITHIN), (end + 1 + LACKED_WITHIN).min(self.words.len()));
            (from..to).any(|at| self.words[at].is_lack() && !self.before(at, 2).iter().any(Word::is_not))
        };
        !is_other
            && !is_of_mail
            && !is_needed
            && (denied || denied_behind || lacks_near() || is_awaited && !self.words.iter().any(is_given))
    }

    /// Whether what somebody signed up for, or not, is something else than messages.
    fn is_of_something_else(&self, at: usize) -> bool {
        self.is_at(at, "for to with in") && !self.words[at..].iter().take(3).any(Word::is_text)
    }

    /// "Not consenting", "against texts", "C&D received", "do not sell".
    pub(super) fn lacks_consent(&self, at: usize) -> bool {
        let word = &self.words[at];
        let next_is = |words: &str| self.is_at(at + 1, words);
        self.lacks(at)
            || word.is_not() && next_is("consenting")
            || word.is("against") && self.word(at + 1).is_some_and(Word::is_text)
            || word.is("c") && next_is("d") && self.is_at(at + 2, "received recd sent letter notice from")
            || word.is("not") && next_is("sell") && (self.words.len() <= at + 2 || self.is_at(0, "ccpa"))
    }
}
