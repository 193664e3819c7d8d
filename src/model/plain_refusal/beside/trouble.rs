//! Trouble over messages: somebody goes to law, is angry, or has complained of spam.

use super::super::word::Word;
use super::{Clause, DENIED_WITHIN};

/// So near behind a displeasure stand the messages.
const ABOUT_WITHIN: usize = 6;
/// So near behind a threat stands with what.
const THREAT_WITHIN: usize = 4;
/// So near before a lawyer stands the letter that one sent.
const LETTER_WITHIN: usize = 3;

impl Clause<'_> {
    /// Whether somebody goes to law, or may: over messages, as nothing else of a number is worth a note.
    pub(super) fn threatens(&self, at: usize) -> bool {
        let word = &self.words[at];
        let is_law = |word: &Word| word.is("legal lawsuit sue suing court lawyer attorney");
        let is_small = |word: &Word| {
            is_law(word)
                || word.is("threat threats threatened threatens threatening action to a with of us by over has is")
        };
        word.is("sue suing lawsuit") && (self.words.iter().any(|word| word.is_text() || word.is_contact()))
            || word.is("lawyer lawyers attorney attorneys solicitor solicitors legal")
                && self.is_at(at + 1, "letter letters threat")
            || word.is("lawyer attorney solicitor")
                && self.before(at, LETTER_WITHIN).iter().any(|word| word.is("letter letters"))
            || word.is("lawyer attorney")
                && self.is_at(at + 1, "sent")
                && self.behind(at, THREAT_WITHIN).iter().any(|word| word.is("letter notice"))
            || word.begins("threat") && self.words.iter().any(is_law) && self.words.iter().all(is_small)
    }

    /// Whether somebody is angry about messages, or complains of them: "fed up with texts", "upset about getting sms".
    pub(super) fn is_displeased(&self, at: usize) -> bool {
        let is_small = |word: &Word| {
            word.is(
                "up and tired about at by with over re regarding of to for on the our all these those this so many too much \
                 getting receiving being gets get we she he they his her constant daily promo bulk unwanted",
            )
        };
        let is_it = self.words[at].is(
            "upset mad angry furious annoyed irritated unhappy pissed livid displeased irate bothered frustrated fed sick \
             complained complains complaining complaint complaints",
        );
        // Of one that is late, was missed or costs something.
        let is_other = |word: &Word| {
            word.is("delivery charge charges fee fees code codes bill bills price late delay delayed back not lag")
        };
        let behind = self.behind(at, ABOUT_WITHIN);
        let text = behind.iter().position(Word::is_text).filter(|text| *text > 0);
        is_it
            && !self.before(at, 2).iter().any(Word::is_not)
            && text.is_some_and(|text| {
                behind[..text].iter().all(is_small) && !self.behind(at + 1 + text, 2).iter().any(is_other)
            })
            && !self.is_about_mail(at, at + 1)
    }

    /// Whether somebody says that it is spam, or has told an authority: "marked us as spam", "FCC complaint".
    pub(super) fn complains_of_spam(&self, at: usize) -> bool {
        let word = &self.words[at];
        let says_so = |word: &Word| {
            word.begins("complain")
                || word.is(
                    "reported reports report reporting marked marks mark flagged flags says said calls called thinks considers claims \
                     accused accuses accusing",
                )
        };
        let is_place = |word: &Word| {
            word.is(
                "folder folders filter filters box caller callers lead leads bot bots trap form forms risk likely inbox emails email \
                 number numbers call calls",
            )
        };
        let is_spam = word.is("spam spamming spammers spammer")
            && !self.word(at + 1).is_some_and(is_place)
            && !self.words.iter().any(|word| word.is("goes going went landed folder filter"));
        let is_authority = word.is("fcc ftc bbb ico cnil ofcom");
        let is_told =
            self.words.iter().any(says_so) && (is_spam || self.words.iter().any(|word| word.begins("complain")));
        (is_spam || is_authority)
            && is_told
            && !self.before(at, DENIED_WITHIN).iter().any(Word::is_not)
            && !self.is_about_mail(at, at + 1)
    }
}
