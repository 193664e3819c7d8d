//! Somebody is off a list or wants to be: removed, suppressed, on a register of those who want nothing, or gone from a program.

use super::super::word::{Case, Word};
use super::{Clause, DENIED_WITHIN, OFF_WITHIN};

/// So near behind a leave stands what is left.
const LEFT_WITHIN: usize = 5;

impl Clause<'_> {
    /// Whether somebody is or wants to be off a list.
    pub(super) fn is_off(&self, at: usize) -> bool {
        let is_list = |word: &Word| {
            word.is("list lists database db text texts texting sms marketing") || word.begins("messag msg")
        };
        let near = self.behind(at, OFF_WITHIN);
        let end = near.iter().position(is_list).map(|place| at + 1 + place);
        let is_other = |end: usize| {
            self.is_at(end + 1, "price prices deal deals offer offers property properties market")
                || near.iter().any(|word| word.is("work hours wait waiting"))
        };
        let comes_off = self.words.len() == at + 1
            && self.is_at(at.wrapping_sub(1), "come comes coming")
            && self.words[..at].iter().any(Word::asks);
        // "Told us to take her off", but not a coat.
        let is_taken_off = self.is_at(at.wrapping_sub(2), "take takes took taken taking get pull")
            && self.is_at(at.wrapping_sub(1), "me her him them us")
            && self.words.len() == at + 1
            && (at == 2 || self.words[..at - 2].iter().any(|word| word.asks() || word.is("please pls to")));
        if self.words[at].is("off") && (comes_off || is_taken_off) {
            return true;
        }
        self.words[at].is("off")
            && !self.before(at, DENIED_WITHIN).iter().any(|word| word.is_not() || word.is("day days two"))
            && !self.before(at, 2).iter().any(|word| word.text.starts_with(|c: char| c.is_ascii_digit()))
            && end.is_some_and(|end| !is_other(end) && !self.is_about_mail(at, end))
    }

    /// Whether somebody begs that nothing be done, and of what is clear: "please dont", "she would rather not".
    pub(super) fn is_begged(&self, at: usize) -> bool {
        let is_last = self.words.len() == at + 1;
        let is_not =
            self.words[at].is("dont donot") || self.words[at].is("not") && self.is_at(at.wrapping_sub(1), "do");
        let from = at - usize::from(at > 0 && self.words[at].is("not"));
        is_last
            && (is_not && self.is_at(from.wrapping_sub(1), "please pls")
                || self.words[at].is("not") && self.is_at(at.wrapping_sub(1), "rather"))
    }

    /// Whether somebody was removed, or wants to be: from a list, at a request, or simply.
    pub(super) fn is_removed(&self, at: usize) -> bool {
        let word = &self.words[at];
        let is_asked_for = self
            .is_at(at.wrapping_sub(1), "req request requests requested requesting pending wants asks data")
            && self.words.len() == at + 1;
        if word.is("removal deletion erasure") && is_asked_for {
            return true;
        }
        if !word.is("removed remove removal removing deleted delete taken remov omit omitted")
            || self.before(at, 2).iter().any(Word::is_not)
        {
            return false;
        }
        let near = self.behind(at, 4);
        let is_list = |word: &Word| word.is("list lists database db system distribution") || word.is_text();
        let from = near.iter().position(|word| word.is("from off"));
        let from_list = from.is_some_and(|from| {
            near[from..].iter().take(4).any(is_list)
                && !near.iter().any(|word| word.is("wait waiting waitlist guest order cart"))
        });
        // "Removed stains per customer" has something else between.
        let is_small = |word: &Word| {
            is_list(word)
                || word.is("from off the our all any his her their own phone number contact per at upon on by as")
        };
        let is_who =
            |word: &Word| word.is("customer cust customers client clients patient pt caller guest member owner user");
        let on_request = !word.is("taken")
            && near.iter().enumerate().any(|(to, asks)| {
                let is_asked = asks.is("request req requests") || is_who(asks) && to > 0 && near[to - 1].is("per by");
                is_asked && near[..to].iter().all(|word| is_small(word) || is_who(word))
            });
        let ends = self.behind(at, 3).iter().all(|word| word.is("please pls now asap today immediately too"));
        let is_asked = self.is_at(at.wrapping_sub(1), "be being get getting")
            && (self.words[..at].iter().any(Word::asks)
                || at <= 2 && self.is_at(0, "to")
                || self.words[..at].iter().any(|word| word.is("should must")))
            && ends;
        (from_list || on_request || is_asked && !word.is("taken")) && !self.is_about_mail(at, at + 1)
    }

    /// Whether somebody was put where nobody gets messages, or the number is to be forgotten.
    pub(super) fn is_suppressed(&self, at: usize) -> bool {
        let is_put = self.words[at].is("suppressed suppression") && !self.before(at, 2).iter().any(Word::is_not);
        let is_lost = self.words[at].is("lose delete erase remove")
            && self.is_at(at + 1, "my her his their this the")
            && self.is_at(at + 2, "number nr no")
            && self.words.len() <= at + 4;
        let is_of_another =
            self.words[at].is("owner") && self.is_at(at.wrapping_sub(1), "new") && self.is_at(at + 1, "of");
        is_put && !self.words.iter().any(|word| word.is("appetite cough immune"))
            || is_lost
            || is_of_another && self.behind(at, 4).iter().any(|word| word.is("number phone cell"))
    }

    /// Whether a register of those who want nothing is named, and nothing else: "listed on TPS", "registered with CTPS".
    pub(super) fn is_registered(&self, at: usize) -> bool {
        let is_small = |word: &Word| {
            word.is(
                "on in with the is has been now still uk number phone mobile via since yes registered registry register reg listed list \
                 member match flag flagged tps ctps",
            )
        };
        self.words[at].is("tps ctps")
            && self.words[at].case != Case::Title
            && self.words.len() > 1
            && self.words.iter().all(is_small)
    }

    /// Whether somebody left a program of messages: "left the sms club". Who left a message said something.
    pub(super) fn leaves_a_program(&self, at: usize) -> bool {
        let behind = self.behind(at, LEFT_WITHIN);
        let is_program = |word: &Word| {
            word.is("program programme club list group plan service services alerts community loyalty promos marketing")
        };
        self.words[at].is("left leaves leaving exited exits quit quits dropped drops withdrew resigned ended ends")
            && !self.before(at, 2).iter().any(Word::is_not)
            && (1..behind.len()).any(|at| {
                let is_thing = |next: &Word| next.is("member members card cards manager info flyer");
                behind[at - 1].is_text() && is_program(&behind[at]) && !behind.get(at + 1).is_some_and(is_thing)
            })
            && !behind.first().is_some_and(|next| next.is("a an message msg messages voicemail vm"))
    }
}
