//! Slips of the pen: a word that is one letter beside an opt-out word, or beside a word of a request.

mod long;

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
pub use long::LongSlips;

/// The words whose slips are looked for. Shorter ones, like END, have too many neighbours that people mean.
pub const SLIPS_OF: [&str; 7] = ["STOP", "UNSUBSCRIBE", "STOPALL", "OPTOUT", "CANCEL", "REMOVE", "QUIT"];
/// A word that is no slip of STOP, though it has its letters.
const SPOT: &str = "SPOT";
/// A word of so many letters may have two slips.
const LONG_LETTERS: usize = 8;

/// Whether a word is so long that a slip of it is one also in several parts.
pub fn is_long(word: &str) -> bool {
    word.len() >= LONG_LETTERS
}

/// The word that was meant, if a word is a slip of one.
pub fn meant(word: &str) -> Option<&'static str> {
    let letters: Vec<char> = word.chars().collect();
    SLIPS_OF.into_iter().find(|meant| {
        let meant: Vec<char> = meant.chars().collect();
        if word != SPOT && is_jumbled(&letters, &meant) || is_stuttered(&letters, &meant) {
            return true;
        }
        let most = if meant.len() >= LONG_LETTERS { 2 } else { 1 };
        if letters.len().abs_diff(meant.len()) > most {
            return false;
        }
        (1..=most).contains(&distance(&letters, &meant))
    })
}

/// The letters of a word in another order, behind the first one: `sopt`.
fn is_jumbled(letters: &[char], meant: &[char]) -> bool {
    let sorted = |letters: &[char]| {
        let mut letters = letters.to_vec();
        letters.sort_unstable();
        letters
    };
    letters != meant
        && letters.len() == meant.len()
        && letters.first() == meant.first()
        && sorted(letters) == sorted(meant)
}

/// A word of which several letters were hit twice or more: `sttoopp`.
fn is_stuttered(letters: &[char], meant: &[char]) -> bool {
    let mut once = letters.to_vec();
    once.dedup();
    letters.len() > meant.len() && once == meant
}

/// The words of requests by what is left of each without one letter, so that a word beside one is found at once.
#[derive(Debug, Default)]
pub struct Slips {
    words: HashSet<String, RandomState>,
    shortened: HashMap<String, Vec<String>, RandomState>,
}

/// A word of so many letters may have any slip. The shorter it is, the more words lie beside it, and the fewer slips are
/// looked for: in a shorter one, two letters that changed places, one for another beside it on the keyboard, one twice or hit together
/// with its neighbour, or left out.
const ANY_LETTERS_MIN: usize = 5;
const LETTERS_MIN: usize = 2;

impl Slips {
    /// Adds a word, if it has letters enough.
    pub fn add(&mut self, word: &str) {
        if !self.words.insert(word.to_owned()) || word.len() < LETTERS_MIN || !is_of_letters(word) {
            return;
        }
        for short in without_one(word).chain([word.to_owned()]) {
            self.shortened.entry(short).or_default().push(word.to_owned());
        }
    }

    /// The words that one may be a slip of. A word of another language lacks no letter of a longer one, and a word of the rules is one
    /// only by a key beside another: "opt our".
    pub fn meant(&self, word: &str, is_word: bool) -> Vec<&str> {
        if !is_of_letters(word) {
            return Vec::new();
        }
        let is_own = self.words.contains(word);
        let letters: Vec<char> = word.chars().collect();
        let mut meant: Vec<&str> = Vec::new();
        for known in without_one(word).chain([word.to_owned()]).filter_map(|short| self.shortened.get(&short)).flatten()
        {
            let known_letters: Vec<char> = known.chars().collect();
            let is_likely = match word.len().cmp(&known.len()) {
                Ordering::Equal if is_own => known.len() > LETTERS_MIN && is_beside(word, known),
                _ if is_own => false,
                _ if known.len() >= ANY_LETTERS_MIN => true,
                Ordering::Equal => is_swapped(word, known) || is_beside(word, known),
                Ordering::Greater => is_hit_twice(word, known),
                Ordering::Less => !is_word || known.len() == LETTERS_MIN,
            };
            if is_likely && !meant.contains(&known.as_str()) && distance(&letters, &known_letters) == 1 {
                meant.push(known);
            }
        }
        meant
    }
}

fn is_of_letters(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// A word without each of its letters in turn. It is ASCII.
fn without_one(word: &str) -> impl Iterator<Item = String> {
    (0..word.len()).map(|at| [&word[..at], &word[at + 1..]].concat())
}

/// The letters in which two words of one length differ.
fn differing(word: &str, known: &str) -> Vec<(char, char)> {
    word.chars().zip(known.chars()).filter(|(a, b)| a != b).collect()
}

/// Whether two letters of a word changed places.
fn is_swapped(word: &str, known: &str) -> bool {
    matches!(differing(word, known)[..], [(a, b), (c, d)] if (a, b) == (d, c))
}

/// Whether a word has another letter where the known one has one beside it.
fn is_beside(word: &str, known: &str) -> bool {
    matches!(differing(word, known)[..], [(a, b)] if lie_beside(a, b))
}

/// Whether a word is another with a letter too many, which is one of its letters again or lies beside one of its neighbours.
fn is_hit_twice(word: &str, known: &str) -> bool {
    let at = word.bytes().zip(known.bytes()).take_while(|(a, b)| a == b).count();
    let letter = |at: usize| word.as_bytes().get(at).copied().map(char::from);
    let is_near = |other: Option<char>| letter(at).zip(other).is_some_and(|(a, b)| a == b || lie_beside(a, b));
    word.get(at + 1..) == known.get(at..) && (is_near(at.checked_sub(1).and_then(letter)) || is_near(letter(at + 1)))
}

/// Whether two letters lie beside each other on a keyboard, in a row or in two.
fn lie_beside(a: char, b: char) -> bool {
    const ROWS: [&str; 3] = ["QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM"];
    let place = |c: char| ROWS.iter().enumerate().find_map(|(row, keys)| Some((row, keys.find(c)?)));
    match place(a).zip(place(b)) {
        Some(((row, a), (other, b))) if row == other => a.abs_diff(b) == 1,
        // Each row begins a little to the right of the one above it.
        Some(((row, a), (below, b))) if row + 1 == below => a == b || a == b + 1,
        Some(((below, a), (row, b))) if row + 1 == below => a == b || b == a + 1,
        _ => false,
    }
}

/// How many letters have to be put in, left out, changed or swapped with their neighbour to make one word the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let width = to.len() + 1;
    let mut rows = vec![(0..width).collect::<Vec<usize>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let changed = rows[i][j] + usize::from(a != b);
            let mut best = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_words_of_requests_are_found() {
        let mut slips = Slips::default();
        for word in ["NUMBER", "ALONE", "ALONG", "TEXT", "LIST", "THE", "OFF", "ME", "OUT", "OUR"] {
            slips.add(word);
        }
        for (word, meant) in [
            ("NUMER", &["NUMBER"][..]),
            ("NUMEBR", &["NUMBER"]),
            ("ALON", &["ALONE", "ALONG"]),
            ("TEXR", &["TEXT"]),
            ("TXET", &["TEXT"]),
            ("TEXTT", &["TEXT"]),
            ("TEX", &["TEXT"]),
            ("LIS", &["LIST"]),
            ("TEH", &["THE"]),
            ("OFD", &["OFF"]),
            ("FF", &["OFF"]),
            ("NE", &["ME"]),
            ("MEE", &["ME"]),
            ("TEST", &["TEXT"]),
            ("TEXRT", &["TEXT"]),
            ("MRE", &["ME"]),
            ("JE", &["ME"]),
            ("M", &["ME"]),
            ("OUR", &["OUT"]),
            ("TENT", &[]),
            ("TEXTS", &[]),
            ("OAF", &[]),
            ("BE", &[]),
            ("NUMBER", &[]),
            ("NMBR", &[]),
            ("NÚMER", &[]),
            ("", &[]),
        ] {
            let mut found = slips.meant(word, false);
            found.sort_unstable();
            assert_eq!(found, meant, "{word}");
        }
    }

    #[test]
    fn one_letter_beside_is_a_slip() {
        for (word, is) in [
            ("SOTP", Some("STOP")),
            ("STOPP", Some("STOP")),
            ("ST0P", Some("STOP")),
            ("STP", Some("STOP")),
            ("TSOP", Some("STOP")),
            ("UNSUSCRIBE", Some("UNSUBSCRIBE")),
            ("UNSUBCIBE", Some("UNSUBSCRIBE")),
            ("QIUT", Some("QUIT")),
            ("QUITT", Some("QUIT")),
            ("SOPT", Some("STOP")),
            ("STTOOPP", Some("STOP")),
            ("STOP", None),
            ("SPOT", None),
            ("TOPS", None),
            ("POST", None),
            ("STOCK", None),
            ("END", None),
            ("ENDS", None),
            ("", None),
        ] {
            assert_eq!(meant(word), is, "{word}");
        }
    }
}
