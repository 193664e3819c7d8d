//! What the net sees of a text: its words, what stands side by side, how the words begin, and what kinds of words they are.
//!
//! `build.rs` learns from these, so this file needs nothing but [`folding`](super::super::folding).

use std::collections::HashMap;

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
/// The shortest beginning of words of a kind.
const STEM_LETTERS_MIN: usize = 3;
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
    words: HashMap<String, usize>,
    stems: HashMap<String, usize>,
    /// Of scripts that put no blanks between words.
    within: Vec<(String, usize)>,
}

impl Alike {
    /// The built-in kinds.
    pub fn built_in() -> Alike {
        let mut alike = Alike { words: HashMap::new(), stems: HashMap::new(), within: Vec::new() };
        let lines = ALIKE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
        for (kind, (_, words)) in lines.enumerate() {
            for word in words.split_whitespace() {
                let folded = folding::folded(word).replace(' ', "");
                if folded.contains(is_unspaced) {
                    alike.within.push((folded, kind));
                } else if word.ends_with('~') {
                    alike.stems.entry(folded).or_insert(kind);
                } else {
                    alike.words.entry(folded).or_insert(kind);
                }
            }
        }
        alike
    }

    fn kind(&self, word: &str) -> Option<usize> {
        let begins = || {
            let ends = word.char_indices().skip(STEM_LETTERS_MIN).map(|(at, _)| at).chain([word.len()]);
            ends.filter_map(|end| self.stems.get(&word[..end])).last()
        };
        self.words.get(word).or_else(begins).copied()
    }

    /// The kinds in a text, in their order.
    fn kinds(&self, words: &[Word]) -> Vec<usize> {
        let letters: String = words.iter().map(|word| word.text.as_str()).collect();
        if !letters.contains(is_unspaced) {
            return words.iter().filter_map(|word| self.kind(&word.text)).collect();
        }
        let mut found: Vec<(usize, usize)> =
            self.within.iter().filter_map(|(word, kind)| Some((letters.find(word.as_str())?, *kind))).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, kind)| kind).collect()
    }

    /// What the net sees of some words.
    pub fn features(&self, words: &[Word]) -> Features {
        let (mut tokens, mut kinds) = (vec![BEGIN.to_owned()], vec![BEGIN.to_owned()]);
        for word in words {
            let text = word.text.as_str();
            if text.contains(is_unspaced) {
                tokens.extend(letters(text));
            } else {
                tokens.push(without_digits(text).to_owned());
            }
            kinds.push(self.kind(text).map_or_else(|| text.to_owned(), |kind| format!("<{kind}")));
            if word.ending == Ending::Question {
                tokens.push(QUESTION.to_owned());
                kinds.push(QUESTION.to_owned());
            }
        }
        tokens.push(END.to_owned());
        kinds.push(END.to_owned());
        let mut each = Vec::new();
        for token in &tokens[1..tokens.len() - 1] {
            each.push(hash(&[token]));
            if let Some((end, _)) = token.char_indices().nth(BEGINNING_LETTERS) {
                each.push(hash(&[&token[..end], "*"]));
            }
        }
        each.extend(tokens.windows(2).map(|pair| hash(&[&pair[0], " ", &pair[1]])));
        let is_kind = |token: &String| token.starts_with('<');
        let pairs = kinds.windows(2).filter(|pair| pair.iter().any(is_kind));
        each.extend(pairs.map(|pair| hash(&[&pair[0], " ", &pair[1]])));
        let kinds = self.kinds(words);
        for (at, &kind) in kinds.iter().enumerate() {
            each.push(hash(&["<", &kind.to_string()]));
            for &other in kinds[at + 1..].iter().filter(|other| **other != kind) {
                let (first, second) = (kind.min(other).to_string(), kind.max(other).to_string());
                each.push(hash(&["<", &first, "+", &second]));
            }
        }
        each.sort_unstable();
        each.dedup();
        Features { whole: hash(&["=", &tokens.join(" ")]), each }
    }
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

/// FNV-1a, folded to 32 bits: the same in each build.
fn hash(parts: &[&str]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (hash ^ hash >> 32) as u32
}
