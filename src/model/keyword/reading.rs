//! What a message means, taken as a whole, sentence by sentence, and where it only comes near an opt-out.

mod less;
mod parts;
mod plain;
mod resemblance;
mod run_on;
mod signs;
mod slips;
mod stems;

use std::cell::OnceCell;

use super::folding::{self, Ending, Word, is_unspaced};
use super::grammar::{Grammar, Kind, Known};
use super::scope;
use super::script;
use super::spelling::Speller;
use super::{Meaning, Words};

/// The longest message in which an opt-out word at either end is taken for a hint that somebody wants out.
const NEAR_MISS_WORDS_MAX: usize = 6;
/// A request inside of a longer message has at least so many words; one word alone may be anybody's.
const REQUEST_WORDS_MIN: usize = 2;
/// An ordinary reading of so few words does not go over the end of a clause.
const PLAIN_ORDINARY_MAX: usize = 3;
/// One word of so many letters cannot be anybody's.
const REQUEST_LETTERS_MIN: usize = 10;
/// A word is written in so many parts at most.
const SPELLED_PARTS_MAX: usize = 4;
/// What people send for the word STOP.
pub const STOP_SIGNS: [char; 7] = ['🛑', '⛔', '🚫', '📵', '🔕', '🚷', '🙅'];
/// Who laughs may not mean a word.
const LAUGHING_SIGNS: [char; 4] = ['😂', '🤣', '😆', '😹'];
/// What may say the same if no other words stand there.
const REFUSING_SIGNS: [char; 8] = ['🤬', '❌', '✋', '👎', '✖', '🖕', '🤚', '🤮'];
/// What begins "no more texts", which as a question misses them.
const NONE_OF: [&str; 16] = [
    "NO", "PLUS", "PAS", "KEIN", "KEINE", "GEEN", "SIN", "SEM", "NESSUN", "NIENTE", "INGA", "INGEN", "IKKE", "ZADNYCH",
    "EI", "БЕЗ",
];
/// What a run of words asks for, all of it together; a greater one counts more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Nothing.
    Polite,
    /// Perhaps to be let go, by one word.
    MaybeWord,
    /// Perhaps to be let go, in so many words.
    Maybe,
    /// The same, in words that say so beside other sentences too.
    Sentence,
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
    /// What [`found`](Self::found) has found so far.
    found: Vec<OnceCell<Vec<(Kind, usize)>>>,
    /// Which words stand in a denial.
    is_denied: Vec<bool>,
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
        let known = grammar.known_all(&words);
        let mut is_denied = vec![false; words.len()];
        for from in 0..words.len() {
            grammar.denials(&known, from, |to| {
                // A denial does not go on behind a comma: "no need to, unsubscribe me".
                if words[from..to - 1].iter().all(|word| !word.ends_clause) {
                    is_denied[from..to].fill(true);
                }
            });
        }
        let found = vec![OnceCell::new(); words.len()];
        Reading { keywords, grammar, words, known, found, is_denied, is_literal: true }
    }

    /// The rules that match from a word on, and where their matches end. What is denied asks for nothing.
    fn found(&self, at: usize) -> &[(Kind, usize)] {
        let changes_nothing = |kind| {
            matches!(
                kind,
                Kind::Polite
                    | Kind::Courtesy
                    | Kind::Filler
                    | Kind::Modifier
                    | Kind::Joke
                    | Kind::Doubt
                    | Kind::Narrow
                    | Kind::Clause
                    | Kind::Reason
            )
        };
        self.found[at].get_or_init(|| {
            let mut found = Vec::new();
            self.grammar.matches(&self.known, at, |kind, end| {
                if !self.is_denied[at] || changes_nothing(kind) {
                    found.push((kind, end));
                }
            });
            found
        })
    }

    /// The same for all words, and where each match begins.
    fn all_found(&self) -> impl Iterator<Item = (Kind, usize, usize)> {
        (0..self.words.len()).flat_map(|at| self.found(at).iter().map(move |&(kind, end)| (kind, at, end)))
    }

    /// What it means. `text` is the message again.
    pub fn meaning(&self, text: &str) -> Meaning {
        let without_fillers = self.without_fillers();
        let without_modifiers = without_fillers.as_ref().unwrap_or(self).without_modifiers();
        let others = [without_fillers, without_modifiers].into_iter().flatten();
        let meaning =
            others.fold(self.meaning_of_words(), |meaning, reading| meaning.stricter(reading.meaning_of_words()));
        if !meaning.is_out() && self.signs_ask(text) || meaning.is_out() && self.laughs(text) {
            Meaning::MaybeOut
        } else if meaning.lets_in() && !(self.is_literal && signs::agree(text) && !self.is_quoted(0, self.words.len()))
        {
            // Who may not mean it is not let in; nor is who quotes it.
            Meaning::Message
        } else if meaning == Meaning::Out && scope::names_all(&self.words) {
            Meaning::OutOfAll
        } else if meaning == Meaning::Message && self.has_open_stem() {
            Meaning::MaybeOut
        } else {
            meaning
        }
    }

    /// "stop 😂": an opt-out word that somebody laughs at. The keyword in capitals, and a request in words, are meant.
    fn laughs(&self, text: &str) -> bool {
        let is_request = |from: usize, to: usize| self.weight(from, to) >= Some(Weight::Request);
        let is_keyword = || self.is_literal && self.words.iter().all(Word::is_shouted);
        text.contains(LAUGHING_SIGNS)
            && !is_keyword()
            && !is_request(0, self.words.len())
            && !self.each_sentence().any(|(from, at)| is_request(from, at + 1))
    }

    /// Whether some of the words are somebody else's.
    fn is_quoted(&self, from: usize, to: usize) -> bool {
        self.words[from..to].iter().any(|word| word.is_quoted)
    }

    /// "🛑", "no 👎", "🚫 SMS".
    fn signs_ask(&self, text: &str) -> bool {
        if !text.contains(STOP_SIGNS) {
            // A part of its own, or one before somebody's name.
            let parts =
                text.split(|c: char| "\n.,!-".contains(c) || c.is_ascii_digit() || c.is_uppercase()).chain([text]);
            let is_polite = |text: &str| {
                let reading = Reading::new(self.keywords, self.grammar, text);
                reading.weight(0, reading.words.len()) == Some(Weight::Polite)
            };
            // "❌ texts".
            let crossed = || Reading::new(self.keywords, self.grammar, &text.replace('❌', " NO ")).meaning_of_words();
            return parts.filter(|part| part.contains(REFUSING_SIGNS)).any(is_polite)
                || text.contains('❌') && crossed().strictness() > 0;
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
        let whole = self.weight(0, self.words.len());
        match whole {
            Some(Weight::All | Weight::Request | Weight::Word) if self.asks_only() => return Meaning::MaybeOut,
            Some(Weight::All) => return Meaning::OutOfAll,
            Some(Weight::Request | Weight::Word) => return Meaning::Out,
            _ => {}
        }
        let sentences = self.sentences();
        if sentences == Some(Weight::Request) {
            return if self.asks_only() { Meaning::MaybeOut } else { Meaning::Out };
        }
        if self.asks_plainly() {
            return Meaning::Out;
        }
        let is_maybe = matches!(whole, Some(Weight::Maybe | Weight::MaybeWord | Weight::Sentence))
            || sentences.is_some()
            || self.has_slips()
            || self.begins_with_request()
            || self.ends_with_request()
            || self.is_near_miss()
            || self.has_within()
            || self.is_unread()
            || self.asks_without_courtesies()
            || self.asks_to_stop()
            || self.asks_in_part()
            || self.asks_run_on();
        if is_maybe { Meaning::MaybeOut } else { Meaning::Message }
    }

    /// Whether all of it asks to be let go, where it is no answer to a message: a word that also has other uses is none.
    pub fn refuses(&self, text: &str) -> bool {
        if text.contains(STOP_SIGNS) {
            let text = text.replace(STOP_SIGNS, " STOP ");
            return Reading::new(self.keywords, self.grammar, &text).refuses(&text);
        }
        let is_word = |word: &Word| !self.keywords.alone.contains(&word.text);
        self.weight(0, self.words.len()) >= Some(Weight::Maybe)
            || (!self.words.is_empty() && self.words.iter().all(is_word) && self.only_out_words().is_some())
    }

    /// Whether all of it, as it stands, is a request, or may be one.
    pub fn asks(&self) -> bool {
        self.only_out_words().is_some()
            || self.weight(0, self.words.len()).is_some_and(|weight| weight > Weight::Polite)
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

    /// What some words ask for, if all of them together are requests and courtesies. What is denied asks for nothing.
    fn weight(&self, from: usize, to: usize) -> Option<Weight> {
        self.weights(from, to)[to]
    }

    /// The same for the words from a place up to each other one, as far as the last.
    fn weights(&self, from: usize, to: usize) -> Vec<Option<Weight>> {
        let maybe = |from, to| if to - from > 1 { Weight::Maybe } else { Weight::MaybeWord };
        let mut reached: Vec<Option<Weight>> = vec![None; to + 1];
        reached[from] = Some(Weight::Polite);
        for at in from..to {
            let Some(before) = reached[at] else { continue };
            let mut reach = |end: usize, weight: Weight| {
                if end <= to {
                    reached[end] = reached[end].max(Some(before.max(weight)));
                }
            };
            if self.is_denied[at] {
                reach(at + 1, Weight::Polite);
                continue;
            }
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
            for &(kind, end) in self.found(at) {
                match kind {
                    Kind::Out if !self.is_ordinary(at, end) => reach(end, Weight::Request),
                    Kind::Sentence => reach(end, Weight::Sentence),
                    Kind::Maybe | Kind::Hint => reach(end, maybe(at, end)),
                    Kind::Polite | Kind::Courtesy => reach(end, Weight::Polite),
                    _ => {}
                }
            }
        }
        reached
    }

    /// Whether a request is only part of what looks like one: "stop calling" of "stop calling, text me instead".
    fn is_ordinary(&self, from: usize, to: usize) -> bool {
        let covers = |at: usize| {
            self.found(at).iter().any(|&(kind, end)| kind == Kind::Ordinary && end >= to && end - at > to - from)
        };
        (0..=from).any(covers)
    }

    /// The sentences: where each begins, and the place of its last word.
    fn each_sentence(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut from = 0;
        (0..self.words.len()).filter_map(move |at| {
            let is_end = self.words[at].ending != Ending::None || at + 1 == self.words.len();
            is_end.then(|| (std::mem::replace(&mut from, at + 1), at))
        })
    }

    /// "STOP. I have asked three times": whether one of several sentences is a request in itself. One that only exclaims
    /// an opt-out word may be chat, "Stop! You are too kind", and so may one that comes later, "Got it. Stop.", and one that
    /// stands beside a joke: "Stop. Just kidding".
    fn sentences(&self) -> Option<Weight> {
        let is_loud = |sentence: &[Word]| sentence.iter().all(Word::is_shouted);
        let jokes = self.all_found().any(|(kind, _, _)| kind == Kind::Joke);
        let courtesies = self.courtesies();
        let mut best = None;
        for (from, at) in self.each_sentence() {
            let word = &self.words[at];
            let sentence = &self.words[from..=at];
            if !sentence.iter().any(|word| word.is_quoted) && sentence.len() < self.words.len() {
                let exclaims = matches!(word.ending, Ending::Shout | Ending::Question);
                let is_meant = !jokes && (!exclaims || is_loud(sentence));
                best = best.max(match self.weight(from, at + 1) {
                    Some(Weight::Request | Weight::All) if jokes && from == at => Some(Weight::Maybe),
                    Some(Weight::Request | Weight::All) => Some(Weight::Request),
                    Some(Weight::Word) if is_meant && (from <= courtesies || is_loud(sentence)) => {
                        Some(Weight::Request)
                    }
                    Some(Weight::Word | Weight::Sentence) => Some(Weight::Maybe),
                    _ => None,
                });
            }
        }
        best
    }

    /// Whether all that sounds like a request is a question that somebody asks back: "Unsubscribe? Never!", "No more texts?"
    fn asks_only(&self) -> bool {
        let is_request = |from: usize, to: usize| self.weight(from, to) >= Some(Weight::Word);
        let is = |at: usize, kind: Kind| self.found(at).iter().any(|(found, _)| *found == kind);
        let mut is_any = false;
        for (from, at) in self.each_sentence().filter(|&(from, at)| is_request(from, at + 1)) {
            let next = at + 1;
            let is_doubted = next < self.words.len()
                && (is(next, Kind::Doubt) || self.is_denied[next] || self.weight(next, self.words.len()).is_none());
            let is_courteous = is(from, Kind::Polite) || is(from, Kind::Courtesy);
            let misses = NONE_OF.contains(&self.words[from].text.as_str()) && at > from;
            if self.words[at].ending != Ending::Question || !(misses || is_doubted && !is_courteous) {
                return false;
            }
            is_any = true;
        }
        is_any
    }

    /// "Stop - thanks for everything over the years", "CANCEL, John Smith": whether the first of several clauses is a request
    /// in itself, or nothing but an opt-out word in capitals.
    fn begins_with_request(&self) -> bool {
        let Some(at) = self.words.iter().position(|word| word.ends_clause) else { return false };
        let clause = &self.words[..=at];
        let is_loud = clause.iter().all(Word::is_shouted);
        let says_word = || is_loud && self.keywords.get(&self.text(0, at + 1)).is_some_and(Meaning::is_out);
        clause.len() < self.words.len()
            && !clause.iter().any(|word| word.is_quoted)
            && (self.weight(0, at + 1) >= Some(Weight::Word) || says_word())
    }

    /// "I don't live in Ohio, please stop": whether the last of several clauses is a request in itself. One word may be chat.
    fn ends_with_request(&self) -> bool {
        let all = self.words.len();
        let before_last = &self.words[..all.saturating_sub(REQUEST_WORDS_MIN)];
        let Some(at) = before_last.iter().rposition(|word| word.ends_clause) else { return false };
        !self.words[at + 1..].iter().any(|word| word.is_quoted) && self.weight(at + 1, all) >= Some(Weight::Sentence)
    }

    /// How many words of courtesies it begins with.
    fn courtesies(&self) -> usize {
        let courtesy = |at: usize| {
            let ends = self.found(at).iter().filter(|(kind, _)| *kind == Kind::Courtesy).map(|&(_, end)| end);
            ends.max().unwrap_or(at)
        };
        let mut at = 0;
        while at < self.words.len() && courtesy(at) > at {
            at = courtesy(at);
        }
        at
    }

    /// "please stop right away": whether what follows courtesies may ask. A polite wording ranks with the bare one.
    fn asks_without_courtesies(&self) -> bool {
        let (at, all) = (self.courtesies(), self.words.len());
        let rest = || Reading::of(self.keywords, self.grammar, self.words[at..].to_vec()).meaning_of_words();
        at > 0 && at < all && rest().strictness() > 0
    }

    /// Whether what sounds like a request is one: neither denied nor quoted, nor a part of something ordinary. A denial in a
    /// request is part of it: "you never stop texting me".
    fn is_meant(&self, from: usize, to: usize) -> bool {
        let goes_on = |at: usize, end: usize| end > from && (end > to || end == to && at <= from);
        let is_part = |at: usize| self.found(at).iter().any(|&(kind, end)| kind == Kind::Ordinary && goes_on(at, end));
        !(0..to).any(is_part) && !self.is_denied[from] && !self.is_quoted(from, to)
    }

    /// A request or a hint somewhere in it, or in few words an opt-out word first or last.
    fn is_near_miss(&self) -> bool {
        let all = self.words.len();
        let mut is_ordinary = self.is_denied.clone();
        for (at, word) in self.words.iter().enumerate() {
            is_ordinary[at] |= word.is_quoted;
        }
        for (_, from, to) in self.all_found().filter(|(kind, _, _)| *kind == Kind::Ordinary) {
            if !self.is_torn(from, to) {
                is_ordinary[from..to].fill(true);
            }
        }
        let is_free = |from: usize, to: usize| is_ordinary[from..to].iter().all(|ordinary| !ordinary);
        let is_request = |from: usize, kind: Kind, to: usize| match kind {
            Kind::Hint => self.is_meant(from, to),
            Kind::Out => self.is_in_so_many_words(from, to) && self.is_meant(from, to),
            _ => false,
        };
        if self.all_found().any(|(kind, from, to)| is_request(from, kind, to)) {
            return true;
        }
        let is_out = |from: usize, to: usize| self.is_opt_out_word(from, to) && is_free(from, to);
        // An opt-out word that alone stands in capitals is the keyword, wherever it stands: "is STOP how I get off this?", "here is
        // my STOP".
        let is_said = |at: usize| {
            // "absolutely not STOP": behind the keyword nothing is left that could be denied.
            let is_denied = self.is_denied[at] && at + 1 < all;
            let is_meant = !is_denied && !self.words[at].is_quoted && self.is_opt_out_word(at, at + 1);
            let letters = |word: &&Word| word.text.contains(char::is_alphabetic);
            let mut others = self.words[..at].iter().chain(&self.words[at + 1..]).filter(letters).peekable();
            self.words[at].is_shouted()
                && is_meant
                && (others.peek().is_none() || others.any(|word| !word.is_shouted() && word.text.len() > 1))
        };
        (0..all).any(is_said) || (all <= NEAR_MISS_WORDS_MAX && (1..all).any(|n| is_out(0, n) || is_out(n, all)))
    }

    /// A few words are no longer said of each other where a clause ends between them: "one more: stop", "10 cents each, stop".
    fn is_torn(&self, from: usize, to: usize) -> bool {
        to - from <= PLAIN_ORDINARY_MAX && self.words[from..to - 1].iter().any(|word| word.ends_clause)
    }

    /// Whether words are an opt-out word that has no other use.
    fn is_opt_out_word(&self, from: usize, to: usize) -> bool {
        let text = self.text(from, to);
        self.keywords.get(&text).is_some_and(Meaning::is_out) && !self.keywords.alone.contains(&text)
    }

    /// Whether a request is more than one word, or one so long that it is nothing else: "disiscrivetemi".
    fn is_in_so_many_words(&self, from: usize, to: usize) -> bool {
        to - from >= REQUEST_WORDS_MIN || self.words[from].text.chars().count() >= REQUEST_LETTERS_MIN
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
