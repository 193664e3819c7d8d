//! Slips of the pen: a word that is one letter beside an opt-out word, or beside a word of a request.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// The words whose slips are looked for. Shorter ones, like END, have too many neighbours that people mean.
pub const SLIPS_OF: [&str; 7] = ["STOP", "UNSUBSCRIBE", "STOPALL", "OPTOUT", "CANCEL", "REMOVE", "QUIT"];
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
        let most = if meant.len() >= LONG_LETTERS { 2 } else { 1 };
        if letters.len().abs_diff(meant.len()) > most {
            return false;
        }
        (1..=most).contains(&distance(&letters, &meant))
    })
}

/// The words of requests by what is left of each without one letter, so that a word beside one is found at once.
#[derive(Debug, Default)]
pub struct Slips {
    words: HashSet<String, RandomState>,
    shortened: HashMap<String, Vec<String>, RandomState>,
}

/// A word of so many letters may have a slip. In a shorter one two letters may have changed places.
const FORGIVEN_LETTERS_MIN: usize = 5;
const SWAPPED_LETTERS_MIN: usize = 4;

impl Slips {
    /// Adds a word, if it has letters enough.
    pub fn add(&mut self, word: &str) {
        if !self.words.insert(word.to_owned()) || word.len() < SWAPPED_LETTERS_MIN || !is_of_letters(word) {
            return;
        }
        for short in without_one(word).chain([word.to_owned()]) {
            self.shortened.entry(short).or_default().push(word.to_owned());
        }
    }

    /// The words that one may be a slip of; none if it is one of them.
    pub fn meant(&self, word: &str) -> Vec<&str> {
        if self.words.contains(word) || word.len() + 1 < FORGIVEN_LETTERS_MIN || !is_of_letters(word) {
            return Vec::new();
        }
        let letters: Vec<char> = word.chars().collect();
        let mut meant: Vec<&str> = Vec::new();
        for known in without_one(word).chain([word.to_owned()]).filter_map(|short| self.shortened.get(&short)).flatten()
        {
            let known_letters: Vec<char> = known.chars().collect();
            let is_long = known.len() >= FORGIVEN_LETTERS_MIN || known.len() == word.len() && is_neighbour(word, known);
            if is_long && !meant.contains(&known.as_str()) && distance(&letters, &known_letters) == 1 {
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

/// Whether two words of one length differ in two letters that changed places, or in a letter that lies beside the other on a
/// keyboard.
fn is_neighbour(word: &str, known: &str) -> bool {
    const ROWS: [&str; 3] = ["QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM"];
    let differing: Vec<(char, char)> = word.chars().zip(known.chars()).filter(|(a, b)| a != b).collect();
    let lie_beside =
        |a: char, b: char| ROWS.iter().any(|row| row.contains(&format!("{a}{b}")) || row.contains(&format!("{b}{a}")));
    match differing[..] {
        [(a, b)] => lie_beside(a, b),
        [(a, b), (c, d)] => (a, b) == (d, c),
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
        for word in ["NUMBER", "ALONE", "ALONG", "TEXT", "LIST", "THE"] {
            slips.add(word);
        }
        for (word, meant) in [
            ("NUMER", &["NUMBER"][..]),
            ("NUMEBR", &["NUMBER"]),
            ("ALON", &["ALONE", "ALONG"]),
            ("TEXR", &["TEXT"]),
            ("TXET", &["TEXT"]),
            ("TENT", &[]),
            ("LIS", &[]),
            ("TEH", &[]),
            ("NUMBER", &[]),
            ("NMBR", &[]),
            ("NÚMER", &[]),
            ("", &[]),
        ] {
            let mut found = slips.meant(word);
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
            ("STOP", None),
            ("SPOT", None),
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
