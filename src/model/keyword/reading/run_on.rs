//! Messages without punctuation: what another part would be told by is a laugh, a word that begins a sentence of its own, or the
//! capitals of one word.

use super::{Meaning, NEAR_MISS_WORDS_MAX, Reading, Weight};

/// What laughs or exclaims at an end of a message and changes nothing of the rest.
const LAUGHS: [&str; 22] = [
    "LOL", "LOLL", "LMAO", "LMFAO", "ROFL", "HAHA", "HAHAHA", "HEHE", "BRUH", "BRO", "OMG", "NVM", "SMH", "WTF", "FFS",
    "TBH", "JAJA", "JAJAJA", "KKK", "KKKK", "RSRS", "MDR",
];
/// What begins a sentence of its own behind a request.
const BEGINNINGS: [&str; 4] = ["I", "IM", "IVE", "ID"];
/// Opt-out words of everyday use that are looked for in small letters, too, at an end of a short message.
const EVERYDAY: [&str; 3] = ["CANCEL", "END", "QUIT"];

impl Reading<'_> {
    /// "unsubscribe lol", "remove now I moved": whether it may ask without what laughs, or before a sentence of its own.
    pub(super) fn asks_run_on(&self) -> bool {
        let is_laugh = |at: &usize| LAUGHS.contains(&self.words[*at].text.as_str());
        let all = self.words.len();
        let from = (0..all).take_while(is_laugh).count();
        let to = all - (from..all).rev().take_while(is_laugh).count();
        let part = |from: usize, to: usize| Reading::of(self.keywords, self.grammar, self.words[from..to].to_vec());
        let asks = |from: usize, to: usize| {
            let part = part(from, to);
            part.exactly().is_some_and(Meaning::is_out)
                || part.weight(0, part.words.len()) >= Some(Weight::Maybe)
                || part.has_slips()
        };
        // Who laughs before a word may laugh at it; and one may tell a friend to stop or to quit.
        let teases = all > 0 && ["STOP", "QUIT"].contains(&self.words[0].text.as_str());
        if !teases && from == 0 && 0 < to && to < all && asks(0, to) {
            return true;
        }
        let begins = |at: &usize| {
            BEGINNINGS.contains(&self.words[*at].text.as_str())
                && !self.words[at - 1].ends_clause
                && !self.is_denied[at - 1]
        };
        (from + 1..all.min(NEAR_MISS_WORDS_MAX)).find(begins).is_some_and(|at| asks(from, at))
    }

    /// Where an opt-out word of everyday use stands as a keyword does: alone in capitals, or first or last of few words.
    pub(super) fn keywords_of_everyday(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.words.len();
        let has_small = self.words.iter().any(|word| !word.is_shouted() && word.text.chars().nth(1).is_some());
        (0..all).filter(move |&at| {
            let word = &self.words[at];
            let is_at_end = (at == 0 || at + 1 == all) && all <= NEAR_MISS_WORDS_MAX;
            let is_about = self.words.get(at + 1).is_some_and(|next| next.text.ends_with("ING"));
            let is_short = || is_at_end && EVERYDAY.contains(&word.text.as_str()) && !is_about;
            let is_keyword = word.is_shouted() && has_small || is_short();
            is_keyword && self.keywords.alone.contains(&word.text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Keywords, Meaning};

    #[test]
    fn a_keyword_is_heard_without_punctuation() {
        let keywords = Keywords::default();
        for text in [
            "lol CANCEL",
            "CANCEL bruh",
            "CANCEL on this phone",
            "cancel from this store",
            "cancel for 415-555-0123",
            "cancel 24365",
            "nvm cancel",
            "help me cancel",
            "Love your store but cancel",
            "cancel enrollment",
            "END I moved",
            "END lol",
            "end 24365",
            "quit I moved",
            "quit from this store",
            "停止 lol",
            "やめて lol",
            "그만 lol",
            "unsubscibe lol",
            "unsubscibe i already bought one",
            "remove now lol",
            "please cancel i already bought one",
            "cancel all lol",
            "end my subscription lol",
        ] {
            assert!(keywords.meaning(text).strictness() > 0, "{text}");
        }
        for text in [
            "I had to cancel",
            "can I cancel my appointment",
            "when does it end",
            "it is the end",
            "see you at the END",
            "end of the month works",
            "I quit my job",
            "the printer quit",
            "we can't cancel",
            "cancel the 3pm",
            "off I go lol",
            "no thanks I am good",
            "lol I know",
            "haha ok",
        ] {
            assert_eq!(keywords.meaning(text), Meaning::Message, "{text}");
        }
    }
}
