//! What the net sees of a text: its words, what stands side by side, how the words begin, which letters follow each other in them,
//! and what kinds of words they are, in what order. Languages share little more than the kinds.
//!
//! `build.rs` learns from these, so this file needs nothing but [`folding`](super::super::folding).

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use unicode_normalization::char::is_combining_mark;

use super::super::folding::{self, Ending, Word, is_unspaced};

/// A weight is a whole number of parts of this size.
pub const UNIT: f64 = 1.0 / 1024.0;
/// The weight of a text that was learned as a whole: it outweighs all others.
pub const LEARNED: i16 = i16::MAX;

/// The kinds of words.
const ALIKE: &str = include_str!("alike.txt");
/// Of a longer word the beginning is seen, too: endings differ in most languages.
const BEGINNING_LETTERS: usize = 4;
/// The shortest beginning of words of a kind, and more than the longest has: a word may be as long as a message.
const STEM_LETTERS_MIN: usize = 3;
const STEM_LETTERS_MAX: usize = 20;
/// The longest part that stands before a word or ends it, and the shortest word beside it.
const PART_BYTES_MAX: usize = 12;
const REST_LETTERS_MIN: usize = 2;
/// How many parts may stand before a word.
const PARTS_MAX: usize = 2;
/// The kind of parts of words that say nothing.
const NO_KIND: &str = "_";
/// What stands for the beginning and the end of a text, and for a question.
const BEGIN: &str = "^";
const END: &str = "$";
const QUESTION: &str = "?";

/// What the net sees of a text.
#[derive(Clone)]
pub struct Features {
    /// All of it.
    pub whole: u32,
    /// Its parts, each once, in an order of their own.
    pub each: Vec<u32>,
}

/// Words that say alike in all languages, such as those for what is sent, by `alike.txt`.
pub struct Alike {
    words: Kinds,
    stems: Kinds,
    /// What stands before words, and ends them, without a blank.
    prefixes: Kinds,
    suffixes: Kinds,
    /// Of scripts that put no blanks between words, by their first letters.
    within: HashMap<char, Vec<(String, usize)>, Fast>,
}

type Kinds = HashMap<String, Kind, Fast>;
type Fast = BuildHasherDefault<Fnv>;

/// The place of a kind in `alike.txt`; what says nothing has none.
type Kind = Option<usize>;

impl Alike {
    /// The built-in kinds.
    pub fn built_in() -> Alike {
        let mut alike = Alike {
            words: Kinds::default(),
            stems: Kinds::default(),
            prefixes: Kinds::default(),
            suffixes: Kinds::default(),
            within: HashMap::default(),
        };
        let lines = ALIKE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
        for (place, (name, words)) in lines.enumerate() {
            let kind = (name != NO_KIND).then_some(place);
            words.split_whitespace().for_each(|word| alike.add(word, kind));
        }
        alike
    }

    fn add(&mut self, word: &str, kind: Kind) {
        let folded = folding::folded(word).replace(' ', "");
        if let (true, Some(first), Some(kind)) = (folded.contains(is_unspaced), folded.chars().next(), kind) {
            self.within.entry(first).or_default().push((folded, kind));
            return;
        }
        let words = match word {
            _ if word.ends_with('~') => &mut self.stems,
            _ if word.ends_with('-') => &mut self.prefixes,
            _ if word.starts_with('-') => &mut self.suffixes,
            _ => &mut self.words,
        };
        words.entry(folded).or_insert(kind);
    }

    /// The kinds of a word: those of its parts, too.
    fn kinds_of(&self, word: &str) -> Vec<usize> {
        if let Some(kind) = self.words.get(word) {
            return kind.iter().copied().collect();
        }
        let mut kinds = self.kinds_of_parts(word, PARTS_MAX).unwrap_or_default();
        let ends = word.char_indices().skip(REST_LETTERS_MIN).map(|(at, _)| &word[at..]);
        let mut short = ends.filter(|end| end.len() <= PART_BYTES_MAX);
        let suffix = short.find_map(|end| self.suffixes.get(end)).copied().flatten();
        kinds.extend(suffix.filter(|kind| !kinds.contains(kind)));
        kinds
    }

    /// The kind of a word, or of the longest stem it begins with, and those of what stands before it.
    fn kinds_of_parts(&self, word: &str, parts: usize) -> Option<Vec<usize>> {
        let ends = |from: usize| {
            word.char_indices().map(|(at, _)| at).chain([word.len()]).take(STEM_LETTERS_MAX + 1).skip(from)
        };
        let stem = || ends(STEM_LETTERS_MIN).filter_map(|end| self.stems.get(&word[..end])).last();
        if let Some(kind) = self.words.get(word).or_else(stem) {
            return Some(kind.iter().copied().collect());
        }
        let split = |end: usize| {
            let (part, rest) = word.split_at(end);
            let kind = self.prefixes.get(part).filter(|_| rest.chars().nth(REST_LETTERS_MIN - 1).is_some())?;
            Some(kind.iter().copied().chain(self.kinds_of_parts(rest, parts - 1)?).collect())
        };
        ends(1).take_while(|&end| parts > 0 && end <= PART_BYTES_MAX).filter_map(split).last()
    }

    /// The kinds within a text in a script without blanks, in their order.
    fn kinds_within(&self, letters: &str) -> Vec<usize> {
        let mut kinds = Vec::new();
        for (at, letter) in letters.char_indices() {
            let all = self.within.get(&letter).into_iter().flatten();
            let here = all.filter(|(word, _)| letters[at..].starts_with(word.as_str()));
            kinds.extend(here.map(|&(_, kind)| kind));
        }
        kinds
    }

    /// What the net sees of some words.
    pub fn features(&self, words: &[Word]) -> Features {
        let (mut tokens, mut marked, mut kinds) = (vec![BEGIN.to_owned()], vec![BEGIN.to_owned()], Vec::new());
        for word in words {
            let text = word.text.as_str();
            if text.contains(is_unspaced) {
                tokens.extend(letters(text));
            } else {
                tokens.push(without_digits(text).to_owned());
            }
            let of_word = self.kinds_of(text);
            if of_word.is_empty() {
                marked.push(text.to_owned());
            }
            marked.extend(of_word.iter().map(|kind| format!("<{kind}")));
            kinds.extend(of_word);
            if word.ending == Ending::Question {
                tokens.push(QUESTION.to_owned());
                marked.push(QUESTION.to_owned());
            }
        }
        tokens.push(END.to_owned());
        marked.push(END.to_owned());
        let mut each = Vec::new();
        for token in &tokens[1..tokens.len() - 1] {
            each.push(hash(&[token]));
            if let Some((end, _)) = token.char_indices().nth(BEGINNING_LETTERS) {
                each.push(hash(&[&token[..end], "*"]));
            }
            each.extend(each_three(token));
        }
        each.extend(tokens.windows(2).map(|pair| hash(&[&pair[0], " ", &pair[1]])));
        let is_kind = |token: &String| token.starts_with('<');
        let pairs = marked.windows(2).filter(|pair| pair.iter().any(is_kind));
        each.extend(pairs.map(|pair| hash(&[&pair[0], " ", &pair[1]])));
        if words.iter().any(|word| word.text.contains(is_unspaced)) {
            kinds = self.kinds_within(&words.iter().map(|word| word.text.as_str()).collect::<String>());
        }
        each.extend(features_of_kinds(&kinds));
        each.sort_unstable();
        each.dedup();
        Features { whole: hash(&["=", &tokens.join(" ")]), each }
    }
}

/// Each kind, each two that stand side by side or at an end, and each two that stand anywhere.
fn features_of_kinds(kinds: &[usize]) -> Vec<u32> {
    let of = |mark: usize, first: usize, second: usize| hash_of([mark, first, second].into_iter().map(|of| of as u8));
    let ends = [kinds.first().map(|&first| of(1, first, 0)), kinds.last().map(|&last| of(2, last, 0))];
    let mut each: Vec<u32> = ends.into_iter().flatten().collect();
    each.extend(kinds.windows(2).map(|pair| of(3, pair[0], pair[1])));
    // Each once: a long text in a script without blanks has thousands, and thousands of thousands of twos.
    let distinct: Vec<usize> = kinds.iter().copied().collect::<BTreeSet<usize>>().into_iter().collect();
    for (at, &kind) in distinct.iter().enumerate() {
        each.push(of(4, kind, 0));
        each.extend(distinct[at + 1..].iter().map(|&other| of(5, kind, other)));
    }
    each
}

/// Each three letters that follow each other in a longer word and its ends: most endings, and what stands within it.
fn each_three(word: &str) -> impl Iterator<Item = u32> {
    let is_longer = word.chars().nth(2).is_some();
    let letters = [' '].into_iter().chain(word.chars()).chain([' ']).filter(move |_| is_longer);
    let following = letters.clone().skip(1).zip(letters.clone().skip(2));
    letters.zip(following).map(|(first, (second, third))| {
        hash_of([first, second, third].into_iter().flat_map(|letter| u32::from(letter).to_le_bytes()))
    })
}

/// The letters of a word, each with its marks; a syllable of Hangul is one.
fn letters(word: &str) -> Vec<String> {
    let mut letters: Vec<String> = Vec::new();
    for c in word.chars() {
        match letters.last_mut() {
            Some(letter) if is_combining_mark(c) || matches!(c, '\u{1160}'..='\u{11ff}') => letter.push(c),
            _ => letters.push(c.to_string()),
        }
    }
    letters
}

/// A number as its length: who it is does not matter.
fn without_digits(word: &str) -> &str {
    match word.len() {
        _ if !word.bytes().all(|byte| byte.is_ascii_digit()) => word,
        0..3 => "0",
        3..7 => "00",
        _ => "000",
    }
}

/// A hash of what is written one behind the other.
fn hash(parts: &[&str]) -> u32 {
    hash_of(parts.iter().flat_map(|part| part.bytes()))
}

/// Folded to 32 bits: the same in each build.
fn hash_of(bytes: impl Iterator<Item = u8>) -> u32 {
    let mut hash = Fnv::default();
    bytes.for_each(|byte| hash.add(byte));
    (hash.0 ^ hash.0 >> 32) as u32
}

/// FNV-1a: quick for what is as short as words.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.add(byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
