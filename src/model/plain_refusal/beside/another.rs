//! The number is somebody else's, or nobody's any more: "belongs to her ex", "gave up this number", "landline only".

use super::super::word::{Case, Word};
use super::Clause;

/// So near stand a number and whose it is.
const WHOSE_WITHIN: usize = 3;
/// More words of a clause say more than that another phone is to be used.
const INSTEAD_WORDS_MAX: usize = 7;

impl Clause<'_> {
    /// Whether what a clause says of a number is that it is not this person's. Where it names another number, that one may be meant.
    pub(super) fn is_of_another(&self, at: usize) -> bool {
        let has_digits = || self.words.iter().any(|word| word.text.contains(|char: char| char.is_ascii_digit()));
        (self.belongs(at)
            || self.is_kins(at)
            || self.is_kins_alone(at)
            || self.is_no_more(at)
            || self.is_used_instead(at))
            && !has_digits()
            || at == 0 && self.is_of_nobody()
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
        let near = self.behind(at, WHOSE_WITHIN + 1);
        let Some(kin) = near.iter().position(Word::is_of_kin).filter(|_| self.words[at].is("is its thats was")) else {
            return false;
        };
        let is_small =
            |word: &Word| word.is("her his their the now a an actually really someone somebody ex late older younger");
        let names_it = |word: Option<&Word>| word.is_some_and(Word::is_number);
        let behind = at + 2 + kin;
        near[..kin].iter().all(is_small)
            && (names_it(self.word(behind)) && (at == 0 || self.is_at(at - 1, "this that it number phone cell"))
                || at > 0 && names_it(self.word(at - 1)) && self.words.len() <= behind + 1)
    }

    /// "Wife's number", "her mom's cell", and no more.
    fn is_kins_alone(&self, at: usize) -> bool {
        let is_small = |word: &Word| word.is("her his their the a now");
        at + 2 == self.words.len()
            && self.words[at].is_of_kin()
            && self.words[at + 1].is_number()
            && self.words[..at].iter().all(is_small)
    }

    /// "Not his cell anymore", "not John's number", "number no longer hers", "gave up this number", "line disconnected", "do not use cell".
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
        let is_name = |word: &Word| word.case == Case::Title && word.text.ends_with('s');
        let is_of = |from: usize| number(from).is_some_and(|number| ends(number + 1));
        let is_whose = word.is("not longer isnt")
            && (self.is_at(at + 1, "her his their hers this") && is_of(at + 1)
                || self.word(at + 1).is_some_and(is_name) && is_of(at + 2));
        let is_left = word.is("longer")
            && self.is_at(at + 1, "hers his theirs")
            && ends(at + 2)
            && self.before(at, WHOSE_WITHIN).iter().any(Word::is_number);
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
            && if word.is("use using") {
                number(at + 1).is_some_and(|number| ends(number + 1))
            } else {
                ends(at + 1) || self.is_at(at + 1, "her him them this me") && ends(at + 2)
            };
        is_whose || is_left || is_given_up || is_cut || is_unused
    }

    /// Whether all that a clause says is what the number is, and that nobody is reached there: "old number", "this is a fake phone", "line
    /// dead", "number no good", "555 number".
    fn is_of_nobody(&self) -> bool {
        const WORTHLESS: &str = "old former previous prior dead fake bogus dummy wrong bad invalid disconnected shared borrowed placeholder test \
                                 fax landline voip stale outdated defunct inactive burner made up unassigned unallocated 555 cut";
        let is_worthy = |word: &Word| word.is("good valid real working");
        let is_small = |word: &Word| {
            word.is("this that is its thats it was a an the her his their now given gave us probably looks like s")
        };
        let is_number = |word: &Word| word.is_number() || word.is("fone landline fax");
        // "Landline disconnected" says nothing of a cell.
        let is_other = self.words.iter().any(|word| word.is("landline fax"))
            && self.words.iter().any(|word| word.is("disconnected dead cut invalid inactive bad old former"));
        let (words, denies) = (self.words, self.words.iter().any(|word| word.is("no not isnt longer")));
        let says_it =
            |word: &Word| word.is(WORTHLESS) || denies && (is_worthy(word) || word.is("no not isnt longer a"));
        words.len() > 1
            && !is_other
            && words.iter().any(is_number)
            && words.iter().all(|word| is_number(word) || is_small(word) || says_it(word))
            && if denies { words.iter().any(is_worthy) } else { words.iter().any(says_it) }
    }

    /// "Pt deceased", "she passed in May", "widow says he died", but not "husband deceased".
    pub(super) fn is_dead(&self, at: usize) -> bool {
        let is_small = |word: &Word| {
            word.is("pt patient client customer cust member guest she he they has is was now the marked as sadly recently just")
                || word.text.len() == 1
        };
        let is_who = |word: &Word| word.is("pt patient client customer cust member guest she he they owner");
        let when = |word: &Word| {
            word.text.starts_with(|c: char| c.is_ascii_digit())
                || word.is("away on in last this week month year yesterday recently now ago early late spring summer fall autumn winter")
                || word.is("jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september october november december")
        };
        let word = &self.words[at];
        let is_told_when = || self.words[at + 1..].iter().all(when);
        let told = self.words[..at]
            .iter()
            .rposition(|word| word.is("says said say told us called calling reports reported informed"));
        let before = &self.words[told.map_or(0, |told| told + 1)..at];
        let has_who = before.iter().any(is_who);
        let is_it = word.is("deceased decd dcsd")
            || word.is("passed") && self.is_at(at + 1, "away")
            || word.is("died") && is_told_when()
            || word.is("passed") && has_who && is_told_when();
        // "Fred Miller deceased".
        let is_name = |at: &Word| word.is("deceased decd dcsd") && at.case == Case::Title && !at.is_kin();
        is_it
            && before.iter().all(|word| is_small(word) || word.is("that") || is_name(word))
            && (told.is_none() || has_who)
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

#[cfg(test)]
mod tests {
    use super::super::super::note_refuses;

    #[test]
    fn a_number_of_another_and_what_was_begged_are_heard() {
        let missed: Vec<&str> = [
            "not John's number",
            "number no longer hers",
            "this is her ex husband's cell",
            "boss's phone, not the client's",
            "wrong # per wife",
            "Gus (wrong #)",
            "cust wants no further communication",
            "please leave her be",
            "said she is done with us",
            "pt deceased 1/24",
            "she passed away in May",
            "please stop sending her things",
            "stop sending him stuff",
            "said take me off",
            "told us to take her off",
            "pls take him off",
            "stop w/ the texts",
            "please stop with the messages",
            "on second thought please dont",
            "on second thought, please don't",
            "would rather not",
            "number belongs to her ex",
            "cell # belongs to son",
            "phone belongs to a neighbor",
            "not his cell anymore",
            "no longer her number",
            "gave up this number",
            "got rid of the phone",
            "this is now somebody elses phone",
            "it's her sister's number",
            "phone is her mothers",
            "do not use cell",
            "dont use this number",
            "please do not phone",
            "do not phone",
            "cell disconnected",
            "line disconnected",
            "use home # only",
            "landline only",
            "text wife instead",
            "wife's number",
            "her mom's cell",
            "roommate's phone",
            "ex's number",
            "husbands cell",
            "said no",
            "She said no",
            "refuses",
            "kid's phone",
            "old number",
            "old phone",
            "this is a fake number",
            "made up number",
            "555 number",
            "dead line",
            "line dead",
            "number no good",
            "not a real number",
            "number not valid",
            "shared phone",
            "borrowed phone",
            "fax number",
            "widow says he passed",
            "son called, she died",
            "husband says she passed away",
            "he passed",
            "pt passed in March",
            "she has died",
            "dec'd",
            "Ann Miller - dec'd",
            "zzDeceased Fred",
            "xxSTOP",
            "ZZZdo not text",
            "zz_OptOut",
            "Fred zzDeceased",
            "ZZ-Deceased Ann Miller",
        ]
        .into_iter()
        .filter(|note| !note_refuses(note))
        .collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn other_notes_of_numbers_and_kin_are_none() {
        let taken: Vec<&str> = [
            "apt # 5",
            "unit #12",
            "needs PO #",
            "not Monday's number one",
            "her ex has a boat",
            "husband deceased",
            "leave parcel with neighbor",
            "leave at door",
            "done with treatment",
            "her dog passed away",
            "number 2 in line",
            "cell phone repair",
            "phone is his",
            "phone belongs to her",
            "his mother's phone is 415 555 0101",
            "husband's cell on file",
            "call wife's number",
            "sons phone broken screen",
            "said no to dessert",
            "refuses gluten",
            "Zdenek Deceasedova",
            "landline disconnected, use cell",
            "please don't be late",
            "please don't forget her cake",
            "take her off gluten",
            "told us to take the coat off",
            "stop sending paper bills, text instead",
            "please stop sending invoices",
            "gave up smoking",
            "gave up his seat",
            "this is her work phone",
            "mobile home",
            "cellar door",
            "does not use phone much",
            "not her first visit",
            "not his number one choice",
            "sons cell phone plan",
            "call instead of visiting",
            "home visits only",
            "belongs to the choir",
            "dog belongs to her ex",
            "disconnected the drain",
            "number 12 disconnected sink",
            "rather not on Mondays",
            "text mom instead of dad",
            "w/ dog",
            "old customer",
            "old phone broken screen",
            "fax sent",
            "passed the exam",
            "she passed the exam",
            "he passed inspection",
            "her dog died",
            "battery died",
            "died hair red",
            "test drive booked",
            "fake nails",
            "bad knee",
            "good number",
            "valid number",
            "xxl shirt",
            "Zzyzx Road",
            "Xxavier Zz",
            "kids menu",
            "child seat",
            "invalid address",
            "minor repairs",
            "the line is long",
        ]
        .into_iter()
        .filter(|note| note_refuses(note))
        .collect();
        assert!(taken.is_empty(), "{taken:?}");
    }
}
