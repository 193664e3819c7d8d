//! What a message means, taken as a whole, sentence by sentence, and where it only comes near an opt-out.

use std::sync::LazyLock;

use unicode_normalization::char::is_combining_mark;

use super::folding::{self, Ending, Word};
use super::grammar::{Grammar, Kind, Known};
use super::script;
use super::spelling::{Speller, is_unspaced};
use super::{Meaning, Words, slip};

/// The longest message in which an opt-out word at either end is taken for a hint that somebody wants out.
const NEAR_MISS_WORDS_MAX: usize = 6;
/// A request inside of a longer message has at least so many words; one word alone may be anybody's.
const REQUEST_WORDS_MIN: usize = 2;
/// A word is written in so many parts at most.
const SPELLED_PARTS_MAX: usize = 4;
/// What people send for the word STOP.
pub const STOP_SIGNS: [char; 7] = ['🛑', '⛔', '🚫', '📵', '🔕', '🚷', '🙅'];
/// What may say the same if no other words stand there.
const REFUSING_SIGNS: [char; 7] = ['❌', '✋', '👎', '✖', '🖕', '🤚', '🤮'];
/// What may stand beside a word that lets somebody in. A question, or a sign that means something else, lets nobody in.
const PLAIN_MARKS: &str = ".,!;:'\"`’‘“”«»()[]<>*_~-–—…·/|&。、！，．";
/// Signs that agree, and what may follow a sign without another meaning: its look, and the colour of a skin.
const AGREEING_SIGNS: &str =
    "👍👌🙏✅☑✔❤💚💙💛💜🧡😀😃😄😁😊🙂😍🥰😘🎉🥳💯✨⭐🤝🙌👏\u{fe0e}\u{fe0f}\u{200d}🏻🏼🏽🏾🏿";
/// Words for all of it, and for what holds all of it: a request that has one of them is about every list, not about the one that it was sent to.
const ALL_WORDS: [&str; 44] = [
    "ALL",
    "EVERYTHING",
    "TODO",
    "TODOS",
    "TODAS",
    "TOUT",
    "TOUS",
    "TOUTES",
    "ALLE",
    "ALLEN",
    "ALLES",
    "TUTTO",
    "TUTTI",
    "TUTTE",
    "TUDO",
    "ВСЕ",
    "ВСЕХ",
    "ВСЁ",
    "WSZYSTKIE",
    "WSZYSTKICH",
    "HEPSI",
    "SEMUA",
    "ALLA",
    "ALLT",
    "ALLEMAAL",
    "ВСЕГО",
    "ВСЬОГО",
    "TUM",
    "BUTUN",
    "EVERYWHERE",
    "DATA",
    "DATABASE",
    "SYSTEM",
    "SYSTEMS",
    "DATEN",
    "DATENBANK",
    "DATOS",
    "DADOS",
    "DONNEES",
    "DATI",
    "GEGEVENS",
    "SISTEMA",
    "SYSTEME",
    "ДАННЫЕ",
];
/// The same in scripts that put no blanks between words, folded.
static ALL_WITHIN: LazyLock<[String; 6]> =
    LazyLock::new(|| ["所有", "全部", "すべて", "全て", "모든", "ทั้งหมด"].map(folding::folded));

/// What a run of words asks for, all of it together; a greater one counts more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Nothing.
    Polite,
    /// Perhaps to be let go, by one word.
    MaybeWord,
    /// Perhaps to be let go, in so many words.
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
    known: Vec<Known>,
    /// Whether the words stand in the message as they are here.
    is_literal: bool,
}

impl<'k> Reading<'k> {
    /// Folds a message.
    pub fn new(keywords: &'k Words, grammar: &'static Grammar, text: &str) -> Reading<'k> {
        let asks = |words: &[Word]| Reading::of(keywords, grammar, words.to_vec()).asks();
        let written = folding::words(text);
        let words = Speller { keywords, grammar }.meant(written.clone(), asks);
        let letters = |words: &[Word]| words.iter().map(|word| word.text.as_str()).collect::<String>();
        let is_closed_up = words.len() < written.len() && !letters(&words).contains(is_unspaced);
        let is_literal = !is_closed_up && letters(&words) == letters(&written);
        Reading { is_literal, ..Reading::of(keywords, grammar, words) }
    }

    fn of(keywords: &'k Words, grammar: &'static Grammar, words: Vec<Word>) -> Reading<'k> {
        let known = words.iter().map(|word| grammar.known(&word.text)).collect();
        Reading { keywords, grammar, words, known, is_literal: true }
    }

    /// What it means. `text` is the message again.
    pub fn meaning(&self, text: &str) -> Meaning {
        let meaning = self.meaning_of_words();
        if !meaning.is_out() && self.signs_ask(text) {
            Meaning::MaybeOut
        } else if meaning.lets_in() && !(self.is_literal && is_plain(text)) {
            // Who may not mean it is not let in.
            Meaning::Message
        } else if meaning == Meaning::Out && self.names_all() {
            Meaning::OutOfAll
        } else {
            meaning
        }
    }

    /// "remove me from all lists", but not "no more texts at all" or "stop texting me all the time".
    fn names_all(&self) -> bool {
        const TIMES: [&str; 4] = ["DAY", "NIGHT", "WEEK", "TIME"];
        let word = |at: usize| self.words.get(at).map_or("", |word| &word.text);
        let is_all = |at: usize| {
            let next = word(at + 1 + usize::from(word(at + 1) == "THE"));
            let is_of_time = (at > 0 && word(at - 1) == "AT") || TIMES.contains(&next);
            (ALL_WORDS.contains(&word(at)) && !is_of_time)
                || ALL_WITHIN.iter().any(|all| word(at).contains(all.as_str()))
        };
        (0..self.words.len()).any(is_all)
    }

    /// "🛑", "no 👎", "🚫 SMS".
    fn signs_ask(&self, text: &str) -> bool {
        if !text.contains(STOP_SIGNS) {
            let is_polite = || self.weight(0, self.words.len(), &self.known) == Some(Weight::Polite);
            return text.contains(REFUSING_SIGNS) && is_polite();
        }
        let meaning = Reading::new(self.keywords, self.grammar, &text.replace(STOP_SIGNS, " STOP ")).meaning_of_words();
        meaning.is_out() || meaning == Meaning::MaybeOut
    }

    fn meaning_of_words(&self) -> Meaning {
        if self.words.is_empty() {
            return Meaning::Message;
        }
        if let Some(meaning) = self.exactly().or_else(|| self.spelled_out()).or_else(|| self.only_out_words()) {
            return meaning;
        }
        let whole = self.weight(0, self.words.len(), &self.known);
        match whole {
            Some(Weight::All) => return Meaning::OutOfAll,
            Some(Weight::Request | Weight::Word) => return Meaning::Out,
            _ => {}
        }
        let sentences = self.sentences();
        if sentences == Some(Weight::Request) {
            return Meaning::Out;
        }
        let is_maybe = matches!(whole, Some(Weight::Maybe | Weight::MaybeWord))
            || sentences.is_some()
            || self.has_slips()
            || self.begins_with_request()
            || self.is_near_miss()
            || self.has_within()
            || self.is_unread();
        if is_maybe { Meaning::MaybeOut } else { Meaning::Message }
    }

    /// Whether all of it asks to be let go, where it is no answer to a message: a word that also has other uses is none.
    pub fn refuses(&self, text: &str) -> bool {
        if text.contains(STOP_SIGNS) {
            let text = text.replace(STOP_SIGNS, " STOP ");
            return Reading::new(self.keywords, self.grammar, &text).refuses(&text);
        }
        let is_word = |word: &Word| !self.keywords.alone.contains(&word.text);
        self.weight(0, self.words.len(), &self.known) >= Some(Weight::Maybe)
            || (!self.words.is_empty() && self.words.iter().all(is_word) && self.only_out_words().is_some())
    }

    /// Whether all of it, as it stands, is a request, or may be one.
    pub fn asks(&self) -> bool {
        self.only_out_words().is_some()
            || self.weight(0, self.words.len(), &self.known).is_some_and(|weight| weight > Weight::Polite)
    }

    /// The message is one of the phrases.
    fn exactly(&self) -> Option<Meaning> {
        self.keywords.get(&self.text(0, self.words.len()))
    }

    /// "ST OP", "un-subscribe".
    fn spelled_out(&self) -> Option<Meaning> {
        let is_spelled = self.words.len() <= SPELLED_PARTS_MAX;
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
    fn weight(&self, from: usize, to: usize, known: &[Known]) -> Option<Weight> {
        let maybe = |from, to| if to - from > 1 { Weight::Maybe } else { Weight::MaybeWord };
        let mut reached: Vec<Option<Weight>> = vec![None; to + 1];
        reached[from] = Some(Weight::Polite);
        let known = &known[..to];
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
                        reach(end, Weight::MaybeWord);
                    }
                    Some(Meaning::Out) => reach(end, Weight::Word),
                    // A word, or an answer in a few, like "no thanks".
                    Some(Meaning::MaybeOut) => reach(end, Weight::MaybeWord),
                    _ => {}
                }
            }
            self.grammar.matches(known, at, |kind, end| match kind {
                Kind::Out => reach(end, Weight::Request),
                Kind::Maybe | Kind::Hint => reach(end, maybe(at, end)),
                Kind::Polite => reach(end, Weight::Polite),
                Kind::Ordinary => {}
            });
        }
        reached[to]
    }

    /// "STOP. I have asked three times": whether one of several sentences is a request in itself. One that only exclaims
    /// an opt-out word may be chat, "Stop! You are too kind", and so may one that comes later: "Got it. Stop."
    fn sentences(&self) -> Option<Weight> {
        let is_loud = |sentence: &[Word]| sentence.iter().all(|word| word.is_shouted);
        let (mut from, mut best) = (0, None);
        for at in 0..self.words.len() {
            let word = &self.words[at];
            if word.ending == Ending::None && at + 1 < self.words.len() {
                continue;
            }
            let sentence = &self.words[from..=at];
            if !sentence.iter().any(|word| word.is_quoted) && sentence.len() < self.words.len() {
                let is_meant = word.ending != Ending::Shout || is_loud(sentence);
                best = best.max(match self.weight(from, at + 1, &self.known) {
                    Some(Weight::Request | Weight::All) => Some(Weight::Request),
                    Some(Weight::Word) if is_meant && (from == 0 || is_loud(sentence)) => Some(Weight::Request),
                    Some(Weight::Word) => Some(Weight::Maybe),
                    _ => None,
                });
            }
            from = at + 1;
        }
        best
    }

    /// "Stop - thanks for everything over the years", "CANCEL, John Smith": whether the first of several clauses is a request
    /// in itself, or nothing but an opt-out word in capitals.
    fn begins_with_request(&self) -> bool {
        let Some(at) = self.words.iter().position(|word| word.ends_clause) else { return false };
        let clause = &self.words[..=at];
        let is_loud = clause.iter().all(|word| word.is_shouted);
        let says_word = || is_loud && self.keywords.get(&self.text(0, at + 1)).is_some_and(Meaning::is_out);
        clause.len() < self.words.len()
            && !clause.iter().any(|word| word.is_quoted)
            && (self.weight(0, at + 1, &self.known) >= Some(Weight::Word) || says_word())
    }

    /// Whether it would be a request but for slips of the pen.
    fn has_slips(&self) -> bool {
        let mut meant = Vec::new();
        for (at, word) in self.words.iter().enumerate() {
            let is_known = !self.known[at].is_unknown() && !slip::SLIPS_OF.contains(&word.text.as_str());
            let slip =
                if is_known || self.keywords.ordinary.contains(&word.text) { None } else { slip::meant(&word.text) };
            meant.push(Word { text: slip.unwrap_or(&word.text).to_owned(), ..word.clone() });
        }
        if meant == self.words {
            return false;
        }
        let reading = Reading::of(self.keywords, self.grammar, meant);
        reading.exactly().is_some_and(Meaning::is_out) || reading.asks()
    }

    /// A request or a hint somewhere in it, or in few words an opt-out word first or last.
    fn is_near_miss(&self) -> bool {
        let all = self.words.len();
        let mut is_ordinary: Vec<bool> = self.words.iter().map(|word| word.is_quoted).collect();
        let mut requests = Vec::new();
        for at in 0..all {
            self.grammar.matches(&self.known, at, |kind, end| match kind {
                Kind::Hint => requests.push((at, end)),
                Kind::Out if end - at >= REQUEST_WORDS_MIN => requests.push((at, end)),
                Kind::Ordinary => is_ordinary[at..end].fill(true),
                Kind::Out | Kind::Maybe | Kind::Polite => {}
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
        // An opt-out word that alone stands in capitals is the keyword, wherever it stands: "is STOP how I get off this?"
        let is_said = |at: usize| {
            let letters = |word: &&Word| word.text.contains(char::is_alphabetic);
            let mut others = self.words[..at].iter().chain(&self.words[at + 1..]).filter(letters).peekable();
            self.words[at].is_shouted
                && is_out(at, at + 1)
                && (others.peek().is_none() || others.any(|word| !word.is_shouted && word.text.len() > 1))
        };
        (0..all).any(is_said) || (all <= NEAR_MISS_WORDS_MAX && (1..all).any(|n| is_out(0, n) || is_out(n, all)))
    }

    /// An opt-out word inside of a message in a script without blanks.
    fn has_within(&self) -> bool {
        let text: String = self.words.iter().map(|word| word.text.as_str()).collect();
        text.contains(is_unspaced) && self.keywords.within.iter().any(|word| text.contains(word))
    }

    /// A word in letters that no rule has.
    fn is_unread(&self) -> bool {
        let scripts = [self.grammar.scripts(), &self.keywords.scripts];
        self.words.iter().any(|word| script::is_unread(word, &scripts))
    }

    fn text(&self, from: usize, to: usize) -> String {
        folding::join(self.words[from..to].iter().map(|word| word.text.as_str()))
    }
}

/// Whether a text has letters, and nothing beside them that could turn their meaning round.
fn is_plain(text: &str) -> bool {
    let is_invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let is_letter = |c: char| c.is_alphanumeric() || c.is_whitespace() || is_combining_mark(c);
    text.chars().all(|c| is_letter(c) || is_invisible(c) || PLAIN_MARKS.contains(c) || AGREEING_SIGNS.contains(c))
}
