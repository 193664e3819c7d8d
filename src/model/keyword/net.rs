//! The last nets: what reads like a request, or like a note that refuses messages, although no rule knows it.
//!
//! Rules are a list, and a list never ends. So what the rules take for ordinary is compared with what people wrote:
//! `net/requests.txt` has requests, `net/ordinary.txt` ordinary replies, `net/alike.txt` words that say alike in all languages.
//! Each [feature](features) of a sentence weighs for a request or against one, as it was [learned](learning); a sentence whose
//! features weigh enough together is shown to a person. It never opts anybody out. A message that was missed, or shown for nothing,
//! belongs into one of the two files.
//!
//! Notes that people made of others are of another kind: a net of their own learns them from `net/refused_notes.txt` and
//! `net/neutral_notes.txt`. What it takes for a refusal rejects its row, to be looked at.
//!
//! `build.rs` learns from 23,000 requests and 22,300 replies, and from 21,500 notes that refuse and 31,100 others: it would take the first
//! message a second. The daemon has the weights alone, some 130,000 and 145,000 in 6 bytes each, and needs 3 to 5 µs for a text of usual
//! length, and some ms once.

mod features;
#[cfg(test)]
mod learning;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use super::folding::{self, Word, is_unspaced};
use features::{Alike, Features, LEARNED, UNIT};

/// The net of `requests.txt` and `ordinary.txt`.
pub static NET: LazyLock<Net> =
    LazyLock::new(|| Net::new(weights(include_bytes!(concat!(env!("OUT_DIR"), "/net.bin")))));

/// The net of `refused_notes.txt` and `neutral_notes.txt`.
static NOTES: LazyLock<Net> =
    LazyLock::new(|| Net::new(weights(include_bytes!(concat!(env!("OUT_DIR"), "/notes.bin")))));

/// Words that both know alike.
static ALIKE: LazyLock<Alike> = LazyLock::new(Alike::built_in);

/// What `build.rs` has learned: features in their order, 4 bytes each, with their weights in 2.
fn weights(learned: &[u8]) -> Vec<(u32, i16)> {
    let weight = |e: &[u8]| (u32::from_le_bytes([e[0], e[1], e[2], e[3]]), i16::from_le_bytes([e[4], e[5]]));
    learned.chunks_exact(6).map(weight).collect()
}

/// From here on a sentence is shown. A net that has not learned them shows 48 % of the requests in `requests.txt` that the rules let
/// pass, and 3.7 % of the replies in `ordinary.txt`, both of which were collected for being hard; of requests that were not, 63 %, and 1.5 %
/// of the replies. From 0.75 on it would show 5 more of 100 hard requests, and 4.6 % of the replies.
const SHOWN_FROM: f64 = 0.9;
/// From here on a note is taken for a refusal, and one of several entries in it. Of 700 notes that refuse, which it has not learned, rules
/// and net hear 97 % (the rules alone 59 %); of 1,800 others, a third of which were written to be hard, they take 3.8 %. Of odd and indirect
/// ones, of which half was learned, the net alone hears 50 of 100 of the other half and takes 6 of 100 of their twins; the net before, at its own
/// threshold, heard 41 and took as many.
const REFUSES_FROM: f64 = 0.5;
const ENTRY_REFUSES_FROM: f64 = 0.9;
/// The weight of a whole text that was learned as ordinary.
const UNLEARNED: i16 = -LEARNED;
/// One word alone is for the rules: it may be anybody's.
const WORDS_MIN: usize = 2;
/// So many letters of a script without blanks are more than a word.
const UNSPACED_MIN: usize = 3;
/// The longest stretch that is judged as one: nearly all that was learned is shorter, and a request among more words is drowned.
const PART_WORDS_MAX: usize = 12;

/// Features and how much they weigh, above 0 for a request.
pub struct Net {
    weights: Vec<(u32, i16)>,
    /// Where those begin whose first bits are as much as the place: features are hashes, so there are a few of each.
    starts: Vec<usize>,
}

/// So many first bits of a feature find its few neighbours.
const START_BITS: u32 = 12;

impl Net {
    /// A net of weights that are sorted by their features.
    fn new(weights: Vec<(u32, i16)>) -> Net {
        let first = |start: u32| weights.partition_point(|&(feature, _)| feature >> (u32::BITS - START_BITS) < start);
        let starts = (0..=1 << START_BITS).map(first).collect();
        Net { weights, starts }
    }

    /// Whether a sentence resembles a request more than an ordinary reply: as a whole, or a stretch of one that is long.
    pub fn shows(&self, sentence: &[Word]) -> bool {
        stretches(sentence).any(|words| self.score(&ALIKE.features(words)) >= SHOWN_FROM)
    }

    /// Whether a sentence was learned as a request, word for word.
    pub fn knows(&self, sentence: &[Word]) -> bool {
        is_enough(sentence) && self.weight(ALIKE.features(sentence).whole) == Some(LEARNED)
    }

    /// Whether a text was learned as ordinary, word for word, as it was written.
    pub fn is_ordinary(&self, text: &[Word]) -> bool {
        is_enough(text) && self.weight(ALIKE.features(text).whole) == Some(UNLEARNED)
    }

    /// How much a text resembles a request. Features that nobody knows make it less.
    fn score(&self, features: &Features) -> f64 {
        if let Some(weight @ (LEARNED | UNLEARNED)) = self.weight(features.whole) {
            return weight.into();
        }
        let weights = features.each.iter().filter_map(|&feature| self.weight(feature));
        weights.map(|weight| f64::from(weight) * UNIT).sum::<f64>() / (features.each.len() as f64).sqrt()
    }

    fn weight(&self, feature: u32) -> Option<i16> {
        let start = (feature >> (u32::BITS - START_BITS)) as usize;
        let near = &self.weights[self.starts[start]..self.starts[start + 1]];
        let at = near.binary_search_by_key(&feature, |&(known, _)| known).ok()?;
        Some(near[at].1)
    }
}

/// How near a note comes to those that refuse messages, as a whole or in one of several entries: from 0 on it is taken for one.
pub fn note_resemblance(note: &str) -> f64 {
    const BETWEEN: &[char] = &['.', ',', ';', ':', '!', '?', '/', '|', '(', ')', '\n', '–', '。', '、', '，', '；'];
    let whole = folding::words(note);
    match NOTES.weight(ALIKE.features(&whole).whole) {
        Some(LEARNED) => return f64::INFINITY,
        Some(UNLEARNED) => return f64::NEG_INFINITY,
        _ => {}
    }
    let nearest = |words: &[Word], from: f64| {
        let above = stretches(words).map(|words| NOTES.score(&ALIKE.features(words)) - from);
        above.fold(f64::NEG_INFINITY, f64::max)
    };
    let entries = note.split(BETWEEN).flat_map(|part| part.split(" - ")).filter(|entry| entry.len() < note.len());
    let entries = entries.map(|entry| nearest(&folding::words(entry), ENTRY_REFUSES_FROM));
    entries.fold(nearest(&whole, REFUSES_FROM), f64::max)
}

/// The stretches of a sentence that are judged, each with enough to judge.
fn stretches(sentence: &[Word]) -> impl Iterator<Item = &[Word]> {
    let last = sentence.len().saturating_sub(PART_WORDS_MAX);
    let stretch = |from: usize| &sentence[from..sentence.len().min(from + PART_WORDS_MAX)];
    (0..=last).step_by(PART_WORDS_MAX / 2).map(stretch).filter(|words| is_enough(words))
}

fn is_enough(words: &[Word]) -> bool {
    let letters = || words.iter().flat_map(|word| word.text.chars());
    words.len() >= WORDS_MIN || letters().filter(|&c| is_unspaced(c)).count() >= UNSPACED_MIN
}
