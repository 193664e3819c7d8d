//! Folding: the words of a message, so that what people take for one word is one word.
//!
//! Compatibility forms, case, accents and what cannot be seen make no difference: `ＳＴＯＰ`, `arrêt` and `İptal` are STOP,
//! ARRET and IPTAL. Punctuation parts words, but an apostrophe does not: `Stop.Thank you` is three words, `don't` is one.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

/// A word of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word, folded.
    pub text: String,
    /// What stands behind it.
    pub ending: Ending,
    /// Whether it was written in capitals alone, at least two.
    pub is_shouted: bool,
    /// Whether it is part of somebody else's message that this one quotes.
    pub is_quoted: bool,
}

/// What stands behind a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The next word of the sentence, or the end of the message.
    None,
    /// The end of a sentence.
    Sentence,
    /// The end of a sentence that exclaims or asks.
    Shout,
}

/// A quotation of at least so many words is of another message; fewer are only a way to write: please "stop".
const QUOTED_WORDS_MIN: usize = 4;

/// The words of a text.
pub fn words(text: &str) -> Vec<Word> {
    let mut folder = Folder::default();
    for line in text.lines() {
        folder.is_cited = line.trim_start().starts_with('>');
        let mut chars = line.chars().map(plain).flat_map(|c| std::iter::once(c).nfkd()).peekable();
        while let Some(c) = chars.next() {
            let mut is_inside = || chars.peek().is_some_and(|next| next.is_alphanumeric());
            if is_letter(c) {
                folder.letter(c);
            } else if !(is_unseen(c) || c == '\'' && !folder.word.is_empty() && is_inside()) {
                folder.close();
                folder.gap.push(c);
            }
        }
        folder.close();
        folder.gap.push('\n');
    }
    folder.finish()
}

/// Words joined by blanks, as phrases are looked up.
pub fn join<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// A text folded to words that are joined by blanks.
pub fn folded(text: &str) -> String {
    join(words(text).iter().map(|word| word.text.as_str()))
}

#[derive(Default)]
struct Folder {
    words: Vec<Word>,
    /// The word that is being read, and whether all letters so far are capitals, and how many.
    word: String,
    capitals: usize,
    small: usize,
    /// What stands between the last word and the next.
    gap: String,
    /// The place of the first word of a quotation that is open.
    quote: Option<usize>,
    /// The line is marked as somebody else's.
    is_cited: bool,
}

impl Folder {
    fn letter(&mut self, c: char) {
        if self.word.is_empty() {
            self.look_at_gap(false);
        }
        self.capitals += usize::from(c.is_uppercase());
        self.small += usize::from(c.is_lowercase());
        self.word.extend(c.to_uppercase().map(bare));
    }

    /// Ends the word.
    fn close(&mut self) {
        if self.word.is_empty() {
            return;
        }
        self.words.push(Word {
            text: std::mem::take(&mut self.word),
            ending: Ending::None,
            is_shouted: self.capitals > 1 && self.small == 0,
            is_quoted: self.is_cited,
        });
        (self.capitals, self.small) = (0, 0);
    }

    /// Says what the gap before a word, or at the end, makes of the word before it.
    fn look_at_gap(&mut self, is_end: bool) {
        let gap = std::mem::take(&mut self.gap);
        // A point inside of what is written together, like stop.com, ends nothing.
        let is_tight = !is_end && gap.chars().all(|c| c == '.') && gap.len() == 1;
        if let Some(last) = self.words.last_mut() {
            if gap.contains(['!', '?']) {
                last.ending = Ending::Shout;
            } else if !is_tight && gap.contains(['.', '\n', '\u{3002}', '\u{61f}']) {
                last.ending = Ending::Sentence;
            }
        }
        for c in gap.chars() {
            let closes = c == '\u{201d}' || (c == '"' && self.quote.is_some());
            if closes {
                self.end_quote();
            } else if matches!(c, '"' | '\u{201c}' | '\u{201e}' | '\u{ab}') {
                self.quote = Some(self.words.len());
            }
        }
    }

    fn end_quote(&mut self) {
        if let Some(first) = self.quote.take()
            && self.words.len() - first >= QUOTED_WORDS_MIN
        {
            self.words[first..].iter_mut().for_each(|word| word.is_quoted = true);
        }
    }

    fn finish(mut self) -> Vec<Word> {
        self.close();
        self.look_at_gap(true);
        self.words
    }
}

/// Of marks only the letter's own parts are kept: vowel signs of Indian scripts, Japanese voicing. Accents, points and
/// strokes through a letter go.
fn is_letter(c: char) -> bool {
    if is_combining_mark(c) {
        return !matches!(canonical_combining_class(c), 1 | 7 | 10..=36 | 200..=240) && !is_unseen(c);
    }
    c.is_alphanumeric()
}

/// What takes no room, or is dropped: it neither is part of a word nor parts words.
fn is_unseen(c: char) -> bool {
    let drops = is_combining_mark(c) && matches!(canonical_combining_class(c), 1 | 7 | 10..=36 | 200..=240);
    drops
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{640}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{20e3}')
}

/// The apostrophes that keyboards have are one.
fn plain(c: char) -> char {
    match c {
        '\u{2019}' | '\u{2018}' | '\u{2bc}' | '\u{b4}' | '`' => '\'',
        c => c,
    }
}

/// Letters with a stroke are not taken apart by Unicode, and people write them without it.
fn bare(c: char) -> char {
    match c {
        'Ł' => 'L',
        'Đ' => 'D',
        'Ø' => 'O',
        'Ħ' => 'H',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_alike() {
        for (text, folds) in [
            ("Stop.Thank you", "STOP THANK YOU"),
            ("stop—now", "STOP NOW"),
            ("STOP/ARRÊT", "STOP ARRET"),
            ("ARRE\u{302}T", "ARRET"),
            ("don't don’t d`ont", "DONT DONT DONT"),
            ("'stop' it's", "STOP ITS"),
            ("İptal iptal IPTAL ıptal", "IPTAL IPTAL IPTAL IPTAL"),
            ("ＳＴＯＰ 𝐬𝐭𝐨𝐩 ⓢⓣⓞⓟ", "STOP STOP STOP"),
            ("\u{200f}STOP\u{200f} ST\u{ad}OP stop\u{200b}", "STOP STOP STOP"),
            ("žluťoučký Łódź straße", "ZLUTOUCKY LODZ STRASSE"),
            ("الغاء إلغاء", "الغاء الغاء"),
            ("🛑 !!! …", ""),
        ] {
            assert_eq!(folded(text), folds, "{text}");
        }
        assert_ne!(folded("बंद"), folded("बाद"), "vowel signs tell words apart");
    }

    #[test]
    fn sentences_and_quotations_are_seen() {
        let seen: Vec<(String, Ending, bool)> =
            words("Stop. See stop.com! Liked “Reply STOP to opt out”\n> old text\nyes")
                .into_iter()
                .map(|word| (word.text, word.ending, word.is_quoted))
                .collect();
        let is = |text: &str, ending, quoted| seen.contains(&(text.to_owned(), ending, quoted));
        assert!(is("STOP", Ending::Sentence, false) && is("STOP", Ending::None, false));
        assert!(is("COM", Ending::Shout, false) && is("REPLY", Ending::None, true) && is("LIKED", Ending::None, false));
        assert!(is("TEXT", Ending::Sentence, true) && is("YES", Ending::Sentence, false));
    }
}
