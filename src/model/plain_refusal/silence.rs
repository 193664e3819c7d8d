//! Silence: whether a cell tells by its letters alone that it refuses no messages.
//!
//! A refusal has a word in it that says so, whatever stands beside it and however the cell is taken apart. So a cell in which no
//! word is one of these says nothing, and nearly all cells are such. What may be a word in disguise counts as one: a cell is asked
//! about slowly sooner than it is taken for silent. What is not in Latin letters is always asked about.

use std::sync::LazyLock;

use super::fold::letters;
use super::languages;
use super::letters::{LETTERS, Marks, Place, Tree, letter};
use super::note::{AS_ABOVE, DEAD};
use super::vocabulary::{self, ACT, ASKED, ENDS, NOT, OPT, OUT, Sense};
use crate::model::keyword::{Cues, folded, letter_of_digit, mistaken_byte};

/// Longer words are asked about.
const WORD_LETTERS_MAX: usize = 32;
/// So many letters that stand alone may be a word.
const SPACED_LETTERS_MIN: usize = 3;
/// So many letters make a question to which a no is a refusal: "sms: n".
const QUESTION_LETTERS_MIN: usize = 3;
/// A word in hexadecimal digits has at least so many.
const HEX_DIGITS_MIN: usize = 8;
/// Capitals that go on in small letters are a word of their own: `STOPstopping`.
const CAPITALS_MIN: usize = 4;
/// So many beginnings of entries that may go on in the next word are kept in mind.
const BEGUN_MAX: usize = 4;

/// A word without which nothing is a request or a report; and what a word begins with that is one.
const CUE: Marks = 1;
const STEM: Marks = 1 << 1;
/// A word that may have been joined to others of requests.
const PART: Marks = 1 << 2;
/// A word of the vocabulary, which may be joined to others of it; and what it can be there.
const KNOWN: Marks = 1 << 3;
const SAYS: Marks = 1 << 4;
const TURNS: Marks = 1 << 5;
const NAMES: Marks = 1 << 6;
const IS_ASKED: Marks = 1 << 7;
const CUTS_OFF: Marks = 1 << 8;

/// The first digit, and the first letter that is no hexadecimal digit.
const ZERO: u8 = 26;
const HEX_LETTERS: u8 = 6;
/// X and Z, and `0x`.
const SORTING: [u8; 2] = [b'X' - b'A', b'Z' - b'A'];
const HEX_SIGN: [u8; 2] = [ZERO, b'X' - b'A'];

/// What a character of ASCII is, if no letter or digit.
const APOSTROPHE: u8 = 64;
const GAP: u8 = 65;
/// It may hide a letter: `ST*P`.
const SIGN: u8 = 66;
/// It may be a letter, or begin one: `$TOP`, `%53TOP`, `&#83;TOP`.
const DOLLAR: u8 = 67;
const PERCENT: u8 = 68;
const AND: u8 = 69;
/// It ends what `&` begins.
const SEMICOLON: u8 = 70;
/// An answer may follow it.
const ASKS: u8 = 71;
/// Whatever has it is asked about.
const STRANGE: u8 = 72;

static CLASSES: [u8; 128] = classes();

const fn classes() -> [u8; 128] {
    let mut all = [GAP; 128];
    let mut byte = 0;
    while byte < 128 {
        all[byte as usize] = match letter(byte) {
            Some(letter) => letter,
            None => match byte {
                b'\'' | b'`' => APOSTROPHE,
                b'#' | b'*' | b'@' | b'^' | b'|' => SIGN,
                b'$' => DOLLAR,
                b'%' => PERCENT,
                b'&' => AND,
                b';' => SEMICOLON,
                b':' | b'?' => ASKS,
                b'\t' | b'\n' | b'\r' => GAP,
                b'<' | b'>' | b'=' | b'{' | b'}' | b'[' | b'\\' | b'~' | 0..b' ' | 0x7f => STRANGE,
                _ => GAP,
            },
        };
        byte += 1;
    }
    all
}

/// Letters of Latin with accents: the letter from A to Z, and some of these. None where the ways to fold do not agree on one.
const IS_CAPITAL: u8 = 64;
const IS_BYTE: u8 = 128;
const LATIN_FROM: u32 = 0xc0;
static LATIN: LazyLock<[Option<u8>; 0x190]> = LazyLock::new(|| {
    let mut latin = [None; 0x190];
    for (place, code) in latin.iter_mut().zip(LATIN_FROM..) {
        let Some(char) = char::from_u32(code).filter(|char| char.is_alphabetic()) else { continue };
        let text = char.to_string();
        let (one, other) = (letters(&text).collect::<String>(), folded(&text));
        if let [byte] = *one.as_bytes()
            && one.eq_ignore_ascii_case(&other)
        {
            let marks = if char.is_uppercase() { IS_CAPITAL } else { 0 }
                | if mistaken_byte(char).is_some() { IS_BYTE } else { 0 };
            *place = letter(byte).map(|letter| letter | marks);
        }
    }
    latin
});

/// The words. None if something can be a refusal without one.
static WORDS: LazyLock<Option<Tree>> = LazyLock::new(|| {
    let Cues { words, stems, parts } = Cues::built_in()?;
    let of_requests = [(&words, CUE), (&stems, STEM), (&parts, PART)];
    let of_requests = of_requests.into_iter().flat_map(|(words, mark)| words.iter().map(move |word| (&**word, mark)));
    let of_languages = languages::needed();
    let of_languages = of_languages.iter().map(|(word, is_whole)| (word.as_str(), if *is_whole { CUE } else { STEM }));
    let of_refusals = vocabulary::words().map(|(word, sense)| (word, marks_of(sense)));
    Some(Tree::of(of_requests.chain(of_languages).chain(of_refusals)))
});
static ENTRIES: LazyLock<Tree> = LazyLock::new(|| Tree::of(DEAD.into_iter().chain(AS_ABOVE).map(|entry| (entry, CUE))));

fn marks_of(sense: Sense) -> Marks {
    let marks = [(OUT | OPT, SAYS), (NOT, TURNS), (ACT, NAMES), (ASKED, IS_ASKED), (ENDS, CUTS_OFF)];
    marks.into_iter().filter(|(of, _)| sense & of != 0).fold(KNOWN, |marks, (_, mark)| marks | mark)
}

/// Whether words of the vocabulary, which have these marks together, may refuse.
fn may_say(marks: Marks) -> bool {
    let has = |wanted: Marks| marks & wanted == wanted;
    has(SAYS) || has(TURNS | NAMES) || has(CUTS_OFF | IS_ASKED)
}

/// Whether a cell is in itself no refusal for sure: neither the whole of it, nor any words of it.
pub fn is_silent(cell: &str) -> bool {
    #[cfg(test)]
    if tests::NOTHING_IS_SILENT.get() {
        return false;
    }
    tells_nothing(cell)
}

/// The same, for a part of a cell too.
pub fn tells_nothing(text: &str) -> bool {
    WORDS.as_ref().is_some_and(|tree| Ear::new(tree).hears_nothing(text) == Some(()))
}

/// What has been heard of a cell so far.
struct Ear<'t> {
    tree: &'t Tree,
    /// The word that is being read.
    word: [u8; WORD_LETTERS_MAX],
    len: usize,
    /// How many of its letters are digits, and hexadecimal digits; whether there are three of one in a row.
    digits: usize,
    hex: usize,
    is_tripled: bool,
    /// Words of one letter.
    singles: usize,
    /// Hexadecimal digits in words that have no other letters; how many of these are no digits.
    hex_digits: usize,
    hex_letters: usize,
    /// The most letters of a word.
    longest: usize,
    /// What the words of the vocabulary can be, all of them.
    says: Marks,
    /// Where entries stand that may go on in a later word.
    begun: [Place; BEGUN_MAX],
    begun_len: usize,
}

impl<'t> Ear<'t> {
    fn new(tree: &'t Tree) -> Ear<'t> {
        Ear {
            tree,
            word: [0; WORD_LETTERS_MAX],
            len: 0,
            digits: 0,
            hex: 0,
            is_tripled: false,
            singles: 0,
            hex_digits: 0,
            hex_letters: 0,
            longest: 0,
            says: 0,
            begun: [Tree::ROOT; BEGUN_MAX],
            begun_len: 0,
        }
    }

    /// None where something is heard.
    fn hears_nothing(mut self, cell: &str) -> Option<()> {
        let bytes = cell.as_bytes();
        let (mut asks, mut has_and, mut has_semicolon) = (false, false, false);
        let (mut capitals, mut after_apostrophe, mut after_byte) = (0, false, false);
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let (class, is_capital, is_byte, len) = match byte {
                0..0x80 => (CLASSES[usize::from(byte)], byte.is_ascii_uppercase(), false, 1),
                _ => latin(&cell[at..])?,
            };
            at += len;
            // Two of them may be the bytes of another character.
            if std::mem::replace(&mut after_byte, is_byte) && is_byte {
                return None;
            }
            if class < LETTERS {
                if capitals >= CAPITALS_MIN && !is_capital && class < ZERO {
                    return None;
                }
                self.add(class)?;
                capitals = if is_capital { capitals + 1 } else { 0 };
                after_apostrophe = false;
                continue;
            }
            if class == APOSTROPHE {
                if std::mem::replace(&mut after_apostrophe, true) {
                    return None;
                }
                continue;
            }
            (capitals, after_apostrophe) = (0, false);
            let next = bytes.get(at).copied().unwrap_or(b' ');
            let goes_on = next.is_ascii_alphanumeric() || !next.is_ascii();
            let may_hide = match class {
                SIGN => goes_on && self.len > 0,
                DOLLAR => goes_on && (self.len > 0 || !next.is_ascii_digit()),
                PERCENT => goes_on && (self.len > 0 || next.is_ascii_hexdigit() || matches!(next, b'u' | b'U')),
                STRANGE => true,
                _ => false,
            };
            if may_hide {
                return None;
            }
            asks |= class == ASKS;
            has_and |= class == AND;
            has_semicolon |= class == SEMICOLON;
            self.end_word()?;
        }
        self.end_word()?;
        let may_be_hex = self.hex_digits >= HEX_DIGITS_MIN && self.hex_letters > 0;
        let may_be_asked = asks && self.longest >= QUESTION_LETTERS_MIN;
        let is_heard = may_say(self.says) || may_be_asked || has_and && has_semicolon || may_be_hex;
        (!is_heard).then_some(())
    }

    /// Adds a letter to the word. None if the word is too long.
    fn add(&mut self, letter: u8) -> Option<()> {
        *self.word.get_mut(self.len)? = letter;
        self.is_tripled |= self.len >= 2 && self.word[self.len - 2..self.len] == [letter; 2];
        self.len += 1;
        self.digits += usize::from(letter >= ZERO);
        self.hex += usize::from(!(HEX_LETTERS..ZERO).contains(&letter));
        Some(())
    }

    /// Ends the word. None if it may refuse.
    fn end_word(&mut self) -> Option<()> {
        let word = self.word;
        let word = &word[..std::mem::take(&mut self.len)];
        let digits = std::mem::take(&mut self.digits);
        let (hex, is_tripled) = (std::mem::take(&mut self.hex), std::mem::take(&mut self.is_tripled));
        match *word {
            [] => return Some(()),
            [_] => self.singles += 1,
            // Letters that make a word sort last, and what begins hexadecimal digits.
            [a, b, ..] if SORTING.contains(&a) && SORTING.contains(&b) || [a, b] == HEX_SIGN => return None,
            _ => {}
        }
        self.longest = self.longest.max(word.len() - digits);
        // A gap stands between bytes.
        if hex == word.len() && hex.is_multiple_of(2) {
            self.hex_digits += hex;
            self.hex_letters += hex - digits;
        }
        let is_cue = self.singles >= SPACED_LETTERS_MIN
            || self.is_cue(word)
            || is_tripled && self.is_cue_without_tripled(word)
            || digits > 0 && digits < word.len() && self.is_cue_with_digits(word)
            || self.ends_entry(word);
        (!is_cue).then_some(())
    }

    /// Whether a word is a cue, or words that were joined and have one among them. Notes what else it may be.
    fn is_cue(&mut self, word: &[u8]) -> bool {
        let (mut place, mut whole, mut begins) = (Tree::ROOT, 0, 0);
        for (at, &letter) in word.iter().enumerate() {
            let Some(step) = self.tree.step(place, letter) else {
                whole = 0;
                break;
            };
            (place, whole) = step;
            if whole & STEM != 0 {
                return true;
            }
            begins |= if at + 1 < word.len() { whole } else { 0 };
        }
        if whole & CUE != 0 {
            return true;
        }
        if whole & KNOWN != 0 {
            self.says |= whole;
        } else if begins & KNOWN != 0 {
            self.says |= self.joined(word, KNOWN);
        }
        whole & PART == 0 && begins & PART != 0 && self.joined(word, PART) & (CUE | STEM) != 0
    }

    /// The marks of all words of a kind that a word may have been joined of; none if it cannot have been.
    fn joined(&self, word: &[u8], kind: Marks) -> Marks {
        let (mut reached, mut marks) = (1_u64, 0);
        for from in 0..word.len() {
            if reached >> from & 1 == 0 {
                continue;
            }
            let (mut place, mut stem) = (Tree::ROOT, 0);
            for (to, &letter) in word.iter().enumerate().skip(from) {
                let Some((next, own)) = self.tree.step(place, letter) else { break };
                place = next;
                stem |= own & STEM;
                if own & kind != 0 {
                    reached |= 1 << (to + 1);
                    marks |= own | stem;
                }
            }
        }
        if reached >> word.len() & 1 == 1 { marks } else { 0 }
    }

    /// "STOOOP" is STOP.
    fn is_cue_without_tripled(&mut self, word: &[u8]) -> bool {
        let (mut short, mut len) = ([0; WORD_LETTERS_MAX], 0);
        for same in word.chunk_by(|a, b| a == b) {
            let same = if same.len() > 2 { &same[..1] } else { same };
            short[len..len + same.len()].copy_from_slice(same);
            len += same.len();
        }
        self.is_cue(&short[..len])
    }

    /// "5T0P" is STOP, "STOP2END" is two words, and so is "9stop".
    fn is_cue_with_digits(&mut self, word: &[u8]) -> bool {
        let is_letter = |letter: &u8| *letter < ZERO;
        let (from, to) = (word.iter().position(is_letter), word.iter().rposition(is_letter));
        if let (Some(from), Some(to)) = (from, to)
            && (3..word.len()).contains(&(to + 1 - from))
            && self.is_cue(&word[from..=to])
        {
            return true;
        }
        let mut spelled = self.word;
        for place in &mut spelled[..word.len()] {
            let digit = place.checked_sub(ZERO).and_then(|digit| char::from_digit(digit.into(), 10));
            *place = digit.and_then(letter_of_digit).and_then(|spelled| letter(spelled as u8)).unwrap_or(*place);
        }
        let mut halves = word.splitn(2, |&letter| letter == ZERO + 2).filter(|half| half.len() < word.len());
        self.is_cue(&spelled[..word.len()]) || halves.any(|half| self.is_cue(half))
    }

    /// Whether an entry ends with the word that may have begun in one before it.
    fn ends_entry(&mut self, word: &[u8]) -> bool {
        let begun = self.begun_len;
        for at in 0..=begun {
            let from = if at == 0 { Tree::ROOT } else { self.begun[at - 1] };
            let mut step = Some((from, 0));
            for &letter in word {
                step = step.and_then(|(place, _)| ENTRIES.step(place, letter));
                if step.is_none() {
                    break;
                }
            }
            let Some((place, marks)) = step else { continue };
            let Some(free) = self.begun.get_mut(self.begun_len).filter(|_| marks & CUE == 0) else { return true };
            *free = place;
            self.begun_len += 1;
        }
        false
    }
}

/// A letter of Latin with an accent, or an apostrophe: its class, whether it is a capital, whether it may stand for a byte, and its
/// length. None for what else is not ASCII.
fn latin(text: &str) -> Option<(u8, bool, bool, usize)> {
    let char = text.chars().next()?;
    let len = char.len_utf8();
    if char == '’' {
        return Some((APOSTROPHE, false, true, len));
    }
    let letter = (*LATIN.get(usize::try_from(u32::from(char).checked_sub(LATIN_FROM)?).ok()?)?)?;
    Some((letter & !(IS_CAPITAL | IS_BYTE), letter & IS_CAPITAL != 0, letter & IS_BYTE != 0, len))
}

#[cfg(test)]
pub(super) mod tests;
