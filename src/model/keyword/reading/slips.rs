//! Slips of the pen in a message: the ways in which its words may have been meant.

use super::super::slip;
use super::super::spelling::Speller;
use super::{Meaning, REQUEST_WORDS_MIN, Reading, SPELLED_PARTS_MAX, Weight, Word};

/// Slips of words of requests are looked for in so many words at most, and so many ways to undo them.
const SLIP_WORDS_MAX: usize = 8;
const SLIP_WAYS_MAX: usize = 64;
/// Words of so many letters are one letter beside many others: STOP, QUIT.
const SHORT_LETTERS_MAX: usize = 4;

impl Reading<'_> {
    /// Whether it would be a request but for slips of the pen.
    pub(super) fn has_slips(&self) -> bool {
        let is_request = |words: Vec<Word>| {
            let is_of_several = words.len() >= REQUEST_WORDS_MIN;
            // Beside an ordinary word only a whole request says that another was meant: "atop" alone is none.
            let is_ordinary =
                |(word, meant): (&Word, &Word)| word != meant && self.keywords.ordinary.contains(&word.text);
            let is_less_likely = words.len() == self.words.len() && self.words.iter().zip(&words).any(is_ordinary);
            let reading = Reading::of(self.keywords, self.grammar, words);
            if is_less_likely {
                return is_of_several && reading.weight(0, reading.words.len()) >= Some(Weight::Word);
            }
            reading.exactly().is_some_and(Meaning::is_out) || reading.asks()
        };
        let ways = || self.with_slips_undone().into_iter().chain(self.with_blanks_moved());
        self.is_torn_slip() || ways().any(is_request)
    }

    /// "do not textme", "donot text me", "please st op", "lose m ynumber": with one blank put in, left out or moved.
    fn with_blanks_moved(&self) -> Vec<Vec<Word>> {
        if self.words.len() > SLIP_WORDS_MAX {
            return Vec::new();
        }
        let speller = Speller { keywords: self.keywords, grammar: self.grammar };
        let way = |at: usize, to: usize, meant: Vec<Word>| [&self.words[..at], &meant, &self.words[to..]].concat();
        let parted = |at: usize| Some(way(at, at + 1, speller.parted(&self.words[at])?));
        let joined = |at: usize| Some(way(at, at + 2, speller.rejoined(self.words.get(at..at + 2)?)?));
        (0..self.words.len()).flat_map(|at| [parted(at), joined(at)]).flatten().collect()
    }

    /// "un-subcribe": a slip of a long opt-out word in several parts.
    fn is_torn_slip(&self) -> bool {
        let letters: String = self.words.iter().map(|word| word.text.as_str()).collect();
        (2..=SPELLED_PARTS_MAX).contains(&self.words.len()) && slip::meant(&letters).is_some_and(slip::is_long)
    }

    /// The words that may have been meant, in as many ways as there are: first all with one slip. In a long message nobody looks
    /// for them.
    fn with_slips_undone(&self) -> Vec<Vec<Word>> {
        // What denies a request is meant as it stands.
        let meant = |at: usize| if self.is_denied[at] { Vec::new() } else { self.meant(at) };
        let meant: Vec<Vec<String>> = (0..self.words.len()).map(meant).collect();
        // Each way, and the first word that is not looked at yet.
        let mut ways = vec![(self.words.clone(), 0)];
        let mut next = 0;
        while next < ways.len() && ways.len() <= SLIP_WAYS_MAX {
            let (way, from) = ways[next].clone();
            for at in from..way.len() {
                ways.extend(meant[at].iter().map(|word| {
                    let mut changed = way.clone();
                    changed[at].text.clone_from(word);
                    (changed, at + 1)
                }));
            }
            next += 1;
        }
        ways.truncate(SLIP_WAYS_MAX + 1);
        ways.into_iter().skip(1).map(|(way, _)| way).collect()
    }

    /// What a word may be a slip of.
    fn meant(&self, at: usize) -> Vec<String> {
        let word = self.words[at].text.as_str();
        let is_known = self.grammar.has_word(word) && !slip::SLIPS_OF.contains(&word);
        // A word of its own may be one where a request begins with it: "top texting me".
        let begins = at + REQUEST_WORDS_MIN < self.words.len();
        let keyword = if self.keywords.ordinary.contains(word) {
            slip::meant(word).filter(|meant| begins && meant.len() <= SHORT_LETTERS_MAX)
        } else {
            slip::meant(word).filter(|_| !is_known)
        };
        let of_rules = if self.words.len() > SLIP_WORDS_MAX { Vec::new() } else { self.grammar.slips(word) };
        let mut meant: Vec<String> = keyword.into_iter().chain(of_rules).map(str::to_owned).collect();
        if self.words.len() <= SLIP_WORDS_MAX && !self.keywords.has_word(word) && !self.keywords.ordinary.contains(word)
        {
            meant.extend(self.grammar.long_slips(word));
            meant.extend(self.keywords.long.meant(word));
        }
        meant.sort_unstable();
        meant.dedup();
        meant
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Keywords, Meaning};

    /// In short words, too, and where blanks were lost or put in.
    #[test]
    fn slips_in_short_words_are_shown() {
        let keywords = Keywords::default();
        for text in [
            "do nto text me",
            "opt otu",
            "do bot contact me",
            "lose ny number",
            "leave ne alone",
            "take me ofd your list",
            "donot call or text me",
            "do not tex me",
            "do not textme",
            "dont textt me",
            "take me ff your list",
            "takeme off your list",
            "opt mee out",
            "no moore texts",
            "please stop textingme",
            "please stopp texting me",
            "Please st op",
            "do not te xt me",
            "lose m ynumber",
            "do notc ontact me",
            "do nlt text me",
            "do not texg me",
            "dion't text me again",
            "no mofe texts",
            "opt our",
            "opg out",
            "remove mh number",
            "delete m number",
            "takd me off your list",
            "edont message me",
            "stoop contacting me",
            "atop messaging me",
            "sop texting me",
            "please atop",
            "please stoop",
            "atop",
            "strop",
            "top texting me",
            "qui texting me",
        ] {
            assert_eq!(keywords.meaning(text), Meaning::MaybeOut, "{text}");
        }
        for text in [
            "tex me back",
            "love me alone",
            "got ot",
            "be thre soon",
            "no rest for me",
            "ist Schluss",
            "do ot forget",
            "I c u",
            "b 4 u go",
            "top",
            "stoop",
            "shop please",
            "please step in",
            "top all the pizzas with basil",
        ] {
            assert_eq!(keywords.meaning(text), Meaning::Message, "{text}");
        }
    }
}
