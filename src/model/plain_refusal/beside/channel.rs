//! Another channel than messages: the one that somebody prefers, or the only one.

use super::super::word::Word;
use super::Clause;

impl Clause<'_> {
    /// Whether something else is wanted for texts: "email instead of text", "prefers calls over texts".
    pub(super) fn prefers_another(&self, at: usize) -> bool {
        let is_for = self.is_at(at, "instead") && self.is_at(at + 1, "of")
            || self.is_at(at, "over") && self.words[..at].iter().any(|word| word.begins("prefer"))
            || self.is_at(at, "rather") && self.is_at(at + 1, "than");
        let behind = if self.is_at(at, "over") { at + 1 } else { at + 2 };
        // "Contact by email instead" of what this list sends.
        let is_asked = self.is_at(at, "instead")
            && self.words.len() == at + 1
            && self.is_at(0, "contact reach use email call please pls")
            && self.words[..at]
                .iter()
                .all(|word| word.is_other() || word.is_contact() || word.is(Self::BESIDE_A_CHANNEL))
            && self.words.iter().any(Word::is_other);
        is_asked
            || is_for && self.word(behind).is_some_and(Word::is_text) && self.words[..at].iter().any(Word::is_other)
    }

    /// Whether another channel is the only one, in a clause that says nothing else: "consents to email only", "strictly by phone".
    /// Where a word for messages stands in the note, somebody has said more of them.
    pub(super) fn is_another_alone(&self) -> bool {
        let is_only = |word: &Word| word.is("only solely strictly exclusively");
        !self.speaks_of_texts
            && self.words.iter().any(is_only)
            && self.words.iter().any(Word::is_other)
            && self
                .words
                .iter()
                .all(|word| is_only(word) || word.is_other() || word.is_contact() || word.is(Self::BESIDE_A_CHANNEL))
    }

    /// What may stand beside a channel and says nothing.
    const BESIDE_A_CHANNEL: &'static str = "to by via per with on in please pls reach reachable reached use using prefers prefer \
         preferred wants want wanted likes would like may be is it her him them they he she me us our and or the consents consented \
         consent consenting agreed agrees agree opted opts in ok okay fine send sends communicate comms communication communications \
         whatsapp voice client customer cust patient pt e correspondence";
}
