//! A no that somebody reports in a word: "said no", "she refuses", "told us never".

use super::super::word::Word;
use super::Clause;

/// So many words say who it was.
const SPEAKER_WORDS_MAX: usize = 4;

impl Clause<'_> {
    /// Whether somebody says no, and not to something else: "said no to dessert".
    pub(super) fn reports_a_no(&self, at: usize) -> bool {
        let word = &self.words[at];
        let no = match () {
            () if word.is("told") => self.is_at(at + 1, "us me them staff").then_some(at + 2),
            () if word.is("said says say replied answered responded wrote texted") => {
                Some(at + 1 + usize::from(self.is_at(at + 1, "us me back hell a flat firm")))
            }
            () => None,
        };
        let is_courtesy =
            |word: &Word| word.is("thanks thank you way please sorry again twice") || word.is_text() || word.is("to");
        let says_no = no.is_some_and(|no| {
            self.is_at(no, "no nope nah never")
                && self.words[no + 1..].iter().all(is_courtesy)
                && !self.words[..at].iter().any(Word::is_not)
        });
        at <= SPEAKER_WORDS_MAX && says_no || self.is_turned_down(at)
    }

    /// "She refuses", "client denied": what is asked of everybody in a list of those who get messages is whether they want them.
    fn is_turned_down(&self, at: usize) -> bool {
        let is_who = |word: &Word| {
            word.is(
                "she he they customer cust client clients patient pt member guest parent parents has have just also again still now owner \
                 resident tenant donor user caller but and",
            ) || word.is_kin()
        };
        self.words[at].is("refuses refused refusing declines declined denies denied objects objected opposes opposed")
            && self.words.len() == at + 1
            && at > 0
            && self.words[..at].iter().all(is_who)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::note_refuses;

    #[test]
    fn a_reported_no_is_a_refusal() {
        let missed: Vec<&str> = [
            "said no",
            "She said no",
            "Mrs. Smith says no",
            "told us no",
            "told me never",
            "answered no",
            "replied nope",
            "said no, thanks",
            "said no thank you",
            "said no to texts",
            "called 3/4 - said no",
            "refuses",
            "she refuses",
            "declines",
            "client denied",
            "pt objects",
            "husband says no",
            "texting no",
            "sms paused",
            "actually please do not",
            "lawyer letter",
            "attorney's letter",
            "letter from her lawyer",
        ]
        .into_iter()
        .filter(|note| !note_refuses(note))
        .collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn a_no_to_something_else_is_none() {
        let taken: Vec<&str> = [
            "said no to dessert",
            "said no problem",
            "she says no rush",
            "never said no",
            "told us no later than May",
            "refuses gluten",
            "card declined",
            "claim denied",
            "loan denied",
            "client denied boarding",
            "says nothing",
            "letter from landlord",
            "lawyer",
            "attorney at law",
        ]
        .into_iter()
        .filter(|note| note_refuses(note))
        .collect();
        assert!(taken.is_empty(), "{taken:?}");
    }
}
