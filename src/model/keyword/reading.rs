//! What a message means, taken as a whole, sentence by sentence, and where it only comes near an opt-out.

use super::folding::{self, Ending, Word};
use super::grammar::{Grammar, Id, Kind, UNKNOWN};
use super::{Meaning, Words, slip};

/// The longest message in which an opt-out word at either end is taken for a hint that somebody wants out.
const NEAR_MISS_WORDS_MAX: usize = 6;
/// What people send instead of words.
const STOP_SIGNS: [char; 4] = ['🛑', '⛔', '🚫', '✋'];
/// What makes a question, in the scripts of the words that opt in.
const QUESTION_MARKS: [char; 11] = ['?', '¿', '？', '؟', '՞', '\u{37e}', '⁇', '⁈', '⁉', '❓', '❔'];
/// From here on are scripts that put no blanks between words.
const UNSPACED_FROM: char = '\u{1100}';

/// What a run of words asks for, all of it together; a greater one counts more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Nothing.
    Polite,
    /// Perhaps to be let go.
    Maybe,
    /// To be let go, by an opt-out word alone.
    Word,
    /// To be let go, in so many words.
    Request,
    /// To be let go of everything.
    All,
}

/// A message that is being read.
pub struct Reading<'k> {
    keywords: &'k Words,
    grammar: &'static Grammar,
    words: Vec<Word>,
    ids: Vec<Id>,
}

impl<'k> Reading<'k> {
    /// Folds a message.
    pub fn new(keywords: &'k Words, grammar: &'static Grammar, text: &str) -> Reading<'k> {
        let mut words = folding::words(text);
        for word in &mut words {
            if let Some(short) =
                squeezed(&word.text).filter(|short| keywords.knows(short) || grammar.id(short) != UNKNOWN)
            {
                word.text = short;
            }
        }
        let ids = words.iter().map(|word| grammar.id(&word.text)).collect();
        Reading { keywords, grammar, words, ids }
    }

    /// What it means. `text` is the message again.
    pub fn meaning(&self, text: &str) -> Meaning {
        if self.words.is_empty() {
            return if text.contains(STOP_SIGNS) { Meaning::MaybeOut } else { Meaning::Message };
        }
        let exactly = self.exactly();
        if matches!(exactly, Some(Meaning::In | Meaning::InIfKnown)) {
            if text.contains(STOP_SIGNS) {
                return Meaning::MaybeOut;
            }
            // "Start?" asks, and agrees to nothing.
            if text.contains(QUESTION_MARKS) {
                return Meaning::Message;
            }
        }
        if let Some(meaning) = exactly.or_else(|| self.spelled_out()).or_else(|| self.only_out_words()) {
            return meaning;
        }
        let whole = self.weight(0, self.words.len(), &self.ids);
        match whole {
            Some(Weight::All) => return Meaning::OutOfAll,
            Some(Weight::Request | Weight::Word) => return Meaning::Out,
            _ => {}
        }
        let sentences = self.sentences();
        if sentences == Some(Weight::Request) {
            return Meaning::Out;
        }
        let is_maybe = whole == Some(Weight::Maybe)
            || sentences.is_some()
            || self.has_slips()
            || self.is_near_miss()
            || self.has_within();
        if is_maybe { Meaning::MaybeOut } else { Meaning::Message }
    }

    /// The message is one of the phrases.
    fn exactly(&self) -> Option<Meaning> {
        self.keywords.get(&self.text(0, self.words.len()))
    }

    /// "S T O P", "un-subscribe".
    fn spelled_out(&self) -> Option<Meaning> {
        let is_spelled = self.words.len() == 2 || self.words.iter().all(|word| word.text.chars().count() == 1);
        let letters: String = self.words.iter().map(|word| word.text.as_str()).collect();
        self.keywords.get(&letters).filter(|meaning| is_spelled && meaning.is_out())
    }

    /// "STOP STOP", "stop/end", "STOP2END": nothing but words that want out.
    fn only_out_words(&self) -> Option<Meaning> {
        let out = |word: &str| self.keywords.get(word).filter(|meaning| meaning.is_out());
        let mut meanings = Vec::new();
        for word in &self.words {
            match (out(&word.text), word.text.split_once('2')) {
                (Some(meaning), _) => meanings.push(meaning),
                (None, Some((first, second))) => meanings.extend([out(first)?, out(second)?]),
                _ => return None,
            }
        }
        if meanings.contains(&Meaning::OutOfAll) { Some(Meaning::OutOfAll) } else { Some(Meaning::Out) }
    }

    /// What some words ask for, if all of them together are requests and courtesies.
    fn weight(&self, from: usize, to: usize, ids: &[Id]) -> Option<Weight> {
        let mut reached: Vec<Option<Weight>> = vec![None; to + 1];
        reached[from] = Some(Weight::Polite);
        let ids = &ids[..to];
        for at in from..to {
            let Some(before) = reached[at] else { continue };
            let mut reach = |end: usize, weight: Weight| {
                if end <= to {
                    reached[end] = reached[end].max(Some(before.max(weight)));
                }
            };
            for end in at + 1..=to.min(at + self.keywords.longest) {
                match self.keywords.get(&self.text(at, end)) {
                    Some(Meaning::OutOfAll) => reach(end, Weight::All),
                    Some(Meaning::Out) if self.keywords.alone.contains(&self.text(at, end)) => {
                        reach(end, Weight::Maybe);
                    }
                    Some(Meaning::Out) => reach(end, Weight::Word),
                    Some(Meaning::MaybeOut) => reach(end, Weight::Maybe),
                    _ => {}
                }
            }
            self.grammar.matches(ids, at, |kind, end| match kind {
                Kind::Out => reach(end, Weight::Request),
                Kind::Maybe | Kind::Hint => reach(end, Weight::Maybe),
                Kind::Polite => reach(end, Weight::Polite),
                Kind::Ordinary => {}
            });
        }
        reached[to]
    }

    /// "STOP. I have asked three times": whether one of several sentences is a request in itself. One that only exclaims
    /// an opt-out word may be chat: "Stop! You are too kind".
    fn sentences(&self) -> Option<Weight> {
        let (mut from, mut best) = (0, None);
        for at in 0..self.words.len() {
            let word = &self.words[at];
            if word.ending == Ending::None && at + 1 < self.words.len() {
                continue;
            }
            let sentence = &self.words[from..=at];
            if !sentence.iter().any(|word| word.is_quoted) && sentence.len() < self.words.len() {
                let is_meant = word.ending != Ending::Shout || sentence.iter().all(|word| word.is_shouted);
                best = best.max(match self.weight(from, at + 1, &self.ids) {
                    Some(Weight::Request | Weight::All) => Some(Weight::Request),
                    Some(Weight::Word) if is_meant => Some(Weight::Request),
                    Some(Weight::Word) => Some(Weight::Maybe),
                    _ => None,
                });
            }
            from = at + 1;
        }
        best
    }

    /// Whether it would be a request but for slips of the pen.
    fn has_slips(&self) -> bool {
        let mut meant = Vec::new();
        for (at, word) in self.words.iter().enumerate() {
            let is_known = self.ids[at] != UNKNOWN && !slip::SLIPS_OF.contains(&word.text.as_str());
            let slip =
                if is_known || self.keywords.ordinary.contains(&word.text) { None } else { slip::meant(&word.text) };
            meant.push(Word { text: slip.unwrap_or(&word.text).to_owned(), ..word.clone() });
        }
        if meant == self.words {
            return false;
        }
        let ids: Vec<Id> = meant.iter().map(|word| self.grammar.id(&word.text)).collect();
        let reading = Reading { keywords: self.keywords, grammar: self.grammar, words: meant, ids };
        reading.exactly().is_some_and(Meaning::is_out)
            || reading.weight(0, reading.words.len(), &reading.ids).is_some_and(|weight| weight > Weight::Polite)
    }

    /// A request or a hint somewhere in it, or in few words an opt-out word first or last.
    fn is_near_miss(&self) -> bool {
        let all = self.words.len();
        let mut is_ordinary: Vec<bool> = self.words.iter().map(|word| word.is_quoted).collect();
        let mut requests = Vec::new();
        for at in 0..all {
            self.grammar.matches(&self.ids, at, |kind, end| match kind {
                Kind::Out | Kind::Hint => requests.push((at, end)),
                Kind::Ordinary => is_ordinary[at..end].fill(true),
                Kind::Maybe | Kind::Polite => {}
            });
        }
        let is_free = |from: usize, to: usize| is_ordinary[from..to].iter().all(|ordinary| !ordinary);
        if requests.iter().any(|&(from, to)| is_free(from, to)) {
            return true;
        }
        let is_out = |from: usize, to: usize| {
            let text = self.text(from, to);
            let is_out = self.keywords.get(&text).is_some_and(Meaning::is_out) && !self.keywords.alone.contains(&text);
            is_out && is_free(from, to)
        };
        all <= NEAR_MISS_WORDS_MAX && (1..all).any(|n| is_out(0, n) || is_out(n, all))
    }

    /// An opt-out word inside of a message in a script without blanks.
    fn has_within(&self) -> bool {
        let text: String = self.words.iter().map(|word| word.text.as_str()).collect();
        text.chars().any(|c| c >= UNSPACED_FROM)
            && self.keywords.within.iter().any(|word| text.contains(&word.replace(' ', "")))
    }

    fn text(&self, from: usize, to: usize) -> String {
        folding::join(self.words[from..to].iter().map(|word| word.text.as_str()))
    }
}

/// "STOOOP" is STOP: three or more of one letter are one. None if there are no three.
fn squeezed(word: &str) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    if !letters.windows(3).any(|three| three[0] == three[1] && three[1] == three[2]) {
        return None;
    }
    let mut short = String::new();
    for same in letters.chunk_by(|a, b| a == b) {
        short.extend(&same[..if same.len() > 2 { 1 } else { same.len() }]);
    }
    Some(short)
}

/// Whether a phrase is of a script that puts no blanks between words.
pub fn is_unspaced(phrase: &str) -> bool {
    phrase.chars().count() > 1 && phrase.chars().all(|c| c >= UNSPACED_FROM || c == ' ')
}
