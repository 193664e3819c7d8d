//! Folding: the words of a message, so that what people take for one word is one word.
//!
//! Compatibility forms, case, accents and what cannot be seen make no difference: `ＳＴＯＰ`, `arrêt` and `İptal` are STOP,
//! ARRET and IPTAL. Punctuation parts words, but an apostrophe does not: `Stop.Thank you` is three words, `don't` is one.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

/// A word of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word, folded.
    pub text: String,
    /// What stands behind it.
    pub ending: Ending,
    /// Whether a clause ends with it: what follows is said besides, as behind a comma or a dash.
    pub ends_clause: bool,
    /// How it was written.
    pub case: Case,
    /// Whether it is part of somebody else's message that this one quotes.
    pub is_quoted: bool,
}

/// In what letters a word was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// In capitals alone, at least two.
    Shouted,
    /// With one capital at its beginning, as a name is.
    Name,
    /// In any other way.
    Other,
}

impl Word {
    /// Whether it was written in capitals alone.
    pub fn is_shouted(&self) -> bool {
        self.case == Case::Shouted
    }

    /// Whether it was written as a name is.
    pub fn is_name_like(&self) -> bool {
        self.case == Case::Name
    }
}

/// What stands behind a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The next word of the sentence, or the end of the message.
    None,
    /// The end of a sentence.
    Sentence,
    /// The end of a sentence that exclaims.
    Shout,
    /// The end of a sentence that asks.
    Question,
}

/// A quotation of at least so many words is of another message; fewer are only a way to write: please "stop".
const QUOTED_WORDS_MIN: usize = 4;

/// What begins a line of somebody else's.
const QUOTING: [&str; 4] = [">", "＞", "&gt;", "|"];

/// A line without the mark that it is somebody else's; none if it has no such mark.
fn uncited_line(line: &str) -> Option<&str> {
    QUOTING.iter().find_map(|mark| line.trim_start().strip_prefix(mark))
}

/// A message without the marks of lines that are somebody else's; none if it has no such line. Who wrote behind a quotation may have lost
/// the line's end, or never have meant one.
pub fn uncited(text: &str) -> Option<String> {
    let has_one = text.lines().any(|line| uncited_line(line).is_some());
    has_one.then(|| text.lines().map(|line| uncited_line(line).unwrap_or(line)).collect::<Vec<_>>().join("\n"))
}

/// The words of a text.
pub fn words(text: &str) -> Vec<Word> {
    let mut folder = Folder::default();
    for line in text.lines() {
        folder.is_cited = uncited_line(line).is_some();
        let line = without_tags(line);
        let line = without_flags(&line);
        let mut chars = line.chars().map(plain).flat_map(|c| std::iter::once(c).nfkd()).peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek().copied().unwrap_or(' ');
            if is_letter(c) {
                folder.letter(c);
            } else if c == '$' && next.is_ascii_alphabetic() {
                folder.letter(if folder.small > 0 { 's' } else { 'S' });
            } else if !(is_unseen(c) || c == '\'' && !folder.word.is_empty() && next.is_alphanumeric()) {
                folder.close();
                folder.gap.push(c);
            }
        }
        folder.close();
        folder.gap.push('\n');
    }
    folder.finish()
}

/// A text of a rule as it may be spelled: with its own letters, and with the two letters that keyboards without them have.
pub fn spellings(text: &str) -> Vec<String> {
    if text.is_ascii() {
        return vec![text.to_owned()];
    }
    let mut spelled = text.to_owned();
    for (letter, two) in [("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ø", "oe"), ("å", "aa")] {
        spelled = spelled.replace(letter, two).replace(&letter.to_uppercase(), two);
    }
    if spelled == text { vec![spelled] } else { vec![text.to_owned(), spelled] }
}

/// The longest tag or entity that is left out.
const TAG_BYTES_MAX: usize = 64;

/// A line without its tags and entities of HTML: `<b>STOP</b>&nbsp;` is STOP.
fn without_tags(line: &str) -> Cow<'_, str> {
    if !line.contains(['<', '&']) {
        return Cow::Borrowed(line);
    }
    let (mut plain, mut left) = (String::new(), line);
    while let Some(at) = left.find(['<', '&']) {
        let (before, from) = left.split_at(at);
        plain.push_str(before);
        let end = if from.starts_with('<') { '>' } else { ';' };
        let is_inside = |c: char| if end == '>' { !matches!(c, '<') } else { c.is_ascii_alphanumeric() || c == '#' };
        let begins = from[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '#'));
        let tag = from.find(end).filter(|&at| begins && at < TAG_BYTES_MAX && from[1..at].chars().all(is_inside));
        plain.push(if tag.is_some() { ' ' } else { char::from(from.as_bytes()[0]) });
        left = &from[tag.map_or(1, |at| at + 1)..];
    }
    plain.push_str(left);
    Cow::Owned(plain)
}

/// A line whose letters of flags are letters: two together are a flag, but 🇸🇹🇴🇵 is STOP.
fn without_flags(line: &str) -> Cow<'_, str> {
    let is_of_flags = |c: char| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    if !line.contains(is_of_flags) {
        return Cow::Borrowed(line);
    }
    let chars: Vec<char> = line.chars().collect();
    let runs = chars.chunk_by(|&a, &b| is_of_flags(a) == is_of_flags(b));
    let is_word = |run: &[char]| is_of_flags(run[0]) && run.len() != 2;
    let letter = |c: char| char::from(b'A' + (c as u32 - 0x1f1e6) as u8);
    Cow::Owned(runs.flat_map(|run| run.iter().map(move |&c| if is_word(run) { letter(c) } else { c })).collect())
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
    /// Whether the word that is being read begins with a capital.
    begins_large: bool,
    /// What stands between the last word and the next.
    gap: String,
    /// The place of the first word of a quotation that is open.
    quote: Option<usize>,
    /// The line is marked as somebody else's.
    is_cited: bool,
    /// The places of the words that are quoted by marks round them alone.
    in_marks: Vec<usize>,
}

impl Folder {
    fn letter(&mut self, c: char) {
        if self.word.is_empty() {
            self.look_at_gap(false);
            self.begins_large = c.is_uppercase();
        }
        self.capitals += usize::from(c.is_uppercase());
        self.small += usize::from(c.is_lowercase());
        for c in c.to_uppercase() {
            match c {
                'Æ' => self.word.push_str("AE"),
                c => self.word.push(bare(c)),
            }
        }
    }

    /// Ends the word.
    fn close(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let case = match (self.capitals, self.small) {
            (2.., 0) => Case::Shouted,
            (1, 1..) if self.begins_large => Case::Name,
            _ => Case::Other,
        };
        self.words.push(Word {
            text: std::mem::take(&mut self.word),
            ending: Ending::None,
            ends_clause: false,
            case,
            is_quoted: self.is_cited,
        });
        (self.capitals, self.small) = (0, 0);
    }

    /// Says what the gap before a word, or at the end, makes of the word before it.
    fn look_at_gap(&mut self, is_end: bool) {
        let gap = std::mem::take(&mut self.gap);
        // A point inside of what is written together, like stop.com, ends nothing.
        let is_tight = !is_end && gap.chars().all(|c| c == '.') && gap.len() == 1;
        // A dash without blanks joins words.
        let is_dash = |c: char| matches!(c, '-' | '\u{2013}' | '\u{2014}');
        let has_dash = gap.chars().filter(|&c| is_dash(c)).count() > usize::from(!gap.contains(' '));
        if let Some(last) = self.words.last_mut() {
            last.ends_clause = has_dash
                || (!is_tight
                    && gap.contains([
                        '.', '!', '?', '\n', '\u{3002}', '\u{61f}', ',', ';', ':', '(', '\u{60c}', '\u{3001}',
                        '\u{ff0c}',
                    ]));
            if gap.contains(['?', '\u{61f}']) {
                last.ending = Ending::Question;
            } else if gap.contains('!') {
                last.ending = Ending::Shout;
            } else if !is_tight && gap.contains(['.', '\n', '\u{3002}']) {
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
            for at in first..self.words.len() {
                if !std::mem::replace(&mut self.words[at].is_quoted, true) {
                    self.in_marks.push(at);
                }
            }
        }
    }

    fn finish(mut self) -> Vec<Word> {
        self.close();
        self.look_at_gap(true);
        // What stands in quotation marks as a whole is nobody else's: software puts them there.
        if self.words.iter().all(|word| word.is_quoted) {
            self.in_marks.iter().for_each(|&at| self.words[at].is_quoted = false);
        }
        self.words
    }
}

/// Whether a letter is of a script that puts no blanks between words, or whose writers often leave them out.
pub fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
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
            '\u{ad}' | '\u{34f}' | '\u{55b}' | '\u{55c}' | '\u{55e}' | '\u{61c}' | '\u{640}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{20e3}' | '\u{fffd}')
}

/// The apostrophes that keyboards have are one, and so are the shapes of a letter that Unicode does not take for one.
fn plain(c: char) -> char {
    let capital = |of: char, from: u32| char::from(b'A' + (of as u32 - from) as u8);
    match c {
        '\u{2019}' | '\u{2018}' | '\u{2bb}' | '\u{2bc}' | '\u{b4}' | '`' => '\'',
        // White letters in black circles and squares.
        '\u{1f150}'..='\u{1f169}' => capital(c, 0x1f150),
        '\u{1f170}'..='\u{1f189}' => capital(c, 0x1f170),
        // Small capitals.
        'ᴀ' => 'a',
        'ʙ' => 'b',
        'ᴄ' => 'c',
        'ᴅ' => 'd',
        'ᴇ' => 'e',
        'ꜰ' => 'f',
        'ɢ' => 'g',
        'ʜ' => 'h',
        'ɪ' => 'i',
        'ᴊ' => 'j',
        'ᴋ' => 'k',
        'ʟ' => 'l',
        'ᴍ' => 'm',
        'ɴ' => 'n',
        'ᴏ' => 'o',
        'ᴘ' => 'p',
        'ʀ' => 'r',
        'ꜱ' => 's',
        'ᴛ' => 't',
        'ᴜ' => 'u',
        'ᴠ' => 'v',
        'ᴡ' => 'w',
        'ʏ' => 'y',
        'ᴢ' => 'z',
        c => c,
    }
}

/// Letters with a stroke are not taken apart by Unicode, and people write them without it. Keyboards for Persian, Urdu and
/// Arabic have different letters for one.
fn bare(c: char) -> char {
    match c {
        'Ł' => 'L',
        'Đ' => 'D',
        'Ø' => 'O',
        'Ħ' => 'H',
        'ی' | 'ى' => 'ي',
        'ک' => 'ك',
        'ة' | 'ہ' | 'ھ' | 'ە' => 'ه',
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
            ("🇸🇹🇴🇵 🇸 🇹 🇴 🇵", "STOP S T O P"),
            ("go 🇺🇸!", "GO"),
            ("\u{200f}STOP\u{200f} ST\u{ad}OP stop\u{200b}", "STOP STOP STOP"),
            ("žluťoučký Łódź straße", "ZLUTOUCKY LODZ STRASSE"),
            ("الغاء إلغاء", "الغاء الغاء"),
            ("🛑 !!! …", ""),
            ("ꜱᴛᴏᴘ 🆂🆃🅾🅿 🅢🅣🅞🅟", "STOP STOP STOP"),
            ("<b>STOP</b> stop<br/>now&nbsp;", "STOP STOP NOW"),
            ("I <3 you & <- that; 1 < 2 > 1", "I 3 YOU THAT 1 2 1"),
            ("$TOP $5 US$", "STOP 5 US"),
            ("نمی‌خواهم نمي‌خواهم کے ہے", "نميخواهم نميخواهم كے هے"),
            ("Ærlig", "AERLIG"),
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
