//! The number is somebody else's, or nobody's any more: "belongs to her ex", "gave up this number", "landline only".

use super::super::word::Word;
use super::Clause;

/// So near stand a number and whose it is.
const WHOSE_WITHIN: usize = 3;
/// More words of a clause say more than that another phone is to be used.
const INSTEAD_WORDS_MAX: usize = 7;

impl Clause<'_> {
    /// Whether what a clause says of a number is that it is not this person's. Where it names another number, that one may be meant.
    pub(super) fn is_of_another(&self, at: usize) -> bool {
        let has_digits = || self.words.iter().any(|word| word.text.contains(|char: char| char.is_ascii_digit()));
        (self.belongs(at) || self.is_kins(at) || self.is_no_more(at) || self.is_used_instead(at)) && !has_digits()
    }

    /// "Number belongs to her ex".
    fn belongs(&self, at: usize) -> bool {
        let is_self = |word: &Word| word.is("her him them client customer patient member me");
        self.words[at].is("belongs belong belonged")
            && self.is_at(at + 1, "to")
            && !self.before(at, 2).iter().any(Word::is_not)
            && (self.words[..at].iter().any(|word| word.is_number() || word.is("this it now"))
                || at == 0 && self.behind(at + 1, WHOSE_WITHIN).iter().any(Word::is_kin))
            && self.word(at + 2).is_some_and(|who| !is_self(who) || self.words.len() > at + 3)
    }

    /// "Phone is her mothers", "this is somebody elses phone".
    fn is_kins(&self, at: usize) -> bool {
        let is_one = |word: &Word| word.is_kin() && word.text.ends_with('s');
        let near = self.behind(at, WHOSE_WITHIN + 1);
        let Some(kin) = near.iter().position(is_one).filter(|_| self.words[at].is("is its thats was")) else {
            return false;
        };
        let is_small = |word: &Word| word.is("her his their the now a an actually really someone somebody");
        let names_it = |word: Option<&Word>| word.is_some_and(Word::is_number);
        let behind = at + 2 + kin;
        near[..kin].iter().all(is_small)
            && (names_it(self.word(behind)) && (at == 0 || self.is_at(at - 1, "this that it number phone cell"))
                || at > 0 && names_it(self.word(at - 1)) && self.words.len() <= behind + 1)
    }

    /// "Not his cell anymore", "gave up this number", "line disconnected", "do not use cell".
    fn is_no_more(&self, at: usize) -> bool {
        let word = &self.words[at];
        let ends = |at: usize| {
            self.words
                .get(at..)
                .is_none_or(|rest| rest.iter().all(|word| word.is("anymore any more now please pls since")))
        };
        let number = |from: usize| {
            let until = (from + 1 + WHOSE_WITHIN).min(self.words.len());
            (from..until).find(|&at| self.words[at].is_number()).filter(|number| {
                self.words[from..*number].iter().all(|word| word.is("this that the her his their old up hers rid of"))
            })
        };
        let is_whose = word.is("not longer isnt")
            && self.is_at(at + 1, "her his their hers this")
            && number(at + 1).is_some_and(|number| ends(number + 1));
        let is_given_up = (word.is("gave gives given giving") && self.is_at(at + 1, "up")
            || word.is("got") && self.is_at(at + 1, "rid")
            || word.is("surrendered dropped discontinued"))
            && number(at + 1).is_some_and(|number| ends(number + 1));
        let is_cut = word.is("disconnected discontinued")
            && self.before(at, WHOSE_WITHIN).iter().any(Word::is_number)
            && !self.before(at, WHOSE_WITHIN).iter().any(Word::is_not)
            && ends(at + 1);
        let is_unused = word.is("use using ring phone")
            && self.before(at, 2).iter().any(|word| word.is("not dont never donot"))
            && match word.is("use using") {
                true => number(at + 1).is_some_and(|number| ends(number + 1)),
                false => ends(at + 1) || self.is_at(at + 1, "her him them this me") && ends(at + 2),
            };
        is_whose || is_given_up || is_cut || is_unused
    }

    /// "Pt deceased", but not "husband deceased".
    pub(super) fn is_dead(&self, at: usize) -> bool {
        let is_it = self.words[at].is("deceased") || self.words[at].is("passed") && self.is_at(at + 1, "away");
        let is_small = |word: &Word| {
            word.is("pt patient client customer cust member guest she he has is was now the marked as sadly recently")
                || word.text.len() == 1
        };
        is_it && self.words[..at].iter().all(is_small)
    }

    /// "Use home number only", "landline only", "text wife instead": another phone.
    fn is_used_instead(&self, at: usize) -> bool {
        let is_short = || self.words.len() <= INSTEAD_WORDS_MAX;
        let is_small = |word: &Word| {
            word.is("use call on at via by the her his their home landline house office work only please pls phone number line nr")
        };
        let is_home = self.words[at].is("home landline house")
            && self.words.len() > 1
            && self.words.iter().any(|word| word.is("only"))
            && self.words.iter().any(|word| word.is("use call landline") || word.is_number())
            && self.words.iter().all(is_small);
        let is_kin = self.words[at].is_kin()
            && self.word(at + 1).is_some_and(|next| next.is("instead only"))
            && self.words.len() == at + 2
            && self.before(at, 2).iter().any(|word| word.is_text() || word.is_contact() || word.is("call use"));
        is_short() && (is_home || is_kin)
    }
}
