//! Cues: words without which no text that is no message is a refusal. Nearly all labels have none of them.

use std::collections::BTreeSet;

use super::grammar::{Kind, cost};
use super::refusal::KEYWORDS;
use super::spelling::is_part;
use super::{GRAMMAR, Meaning, report};

/// The cues, in capitals, as far as they are in letters from A to Z and digits.
#[derive(Debug)]
pub struct Cues {
    /// Words as they stand.
    pub words: BTreeSet<String>,
    /// What words begin with.
    pub stems: BTreeSet<String>,
    /// Words that may have been joined to one.
    pub parts: BTreeSet<String>,
}

impl Cues {
    /// Those of the built-in words and requests, and of reports. None if a rule can do without.
    pub fn built_in() -> Option<Cues> {
        let asks = |kind| matches!(kind, Kind::Out | Kind::Sentence | Kind::Maybe | Kind::Hint);
        let needed = [GRAMMAR.needed(asks)?, report::needed()?];
        let words = needed.iter().flat_map(|needed| &needed.words).copied().chain(KEYWORDS.0.cues());
        let stems = needed.iter().flat_map(|needed| &needed.stems).copied();
        let parts = KEYWORDS.0.parts.iter().map(String::as_str).chain(GRAMMAR.words()).filter(|word| is_part(word));
        Some(Cues { words: plain(words), stems: plain(stems), parts: plain(parts) })
    }
}

fn plain<'w>(words: impl Iterator<Item = &'w str>) -> BTreeSet<String> {
    words.filter(|word| word.is_ascii()).map(str::to_owned).collect()
}

impl super::Words {
    /// A word of each phrase that opts out or may.
    fn cues(&self) -> impl Iterator<Item = &str> {
        let asks = |meaning: Meaning| meaning.is_out() || meaning == Meaning::MaybeOut;
        let phrases = self.meanings.iter().filter(move |(_, meaning)| asks(**meaning)).map(|(phrase, _)| phrase);
        phrases.filter_map(|phrase| phrase.split(' ').min_by_key(|word| cost(word)))
    }
}
