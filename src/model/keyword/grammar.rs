//! A small grammar of what people write who want out: rules of words, choices and names, read from `phrases.txt`.

mod needed;
mod rule;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use foldhash::fast::RandomState;

use super::folding::{self, Ending, Word};
use super::script::Scripts;
use super::slip::{LongSlips, Slips};
pub use needed::{Needed, cost};

/// What a rule says of the words that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request to be let go.
    Out,
    /// It may be one if nothing else stands in the message.
    Maybe,
    /// It may be one wherever it stands.
    Hint,
    /// It changes nothing.
    Polite,
    /// The same; behind it, where a message begins so, the rest may stand for the whole.
    Courtesy,
    /// It is none, although it looks like one.
    Ordinary,
    /// It may be one as a sentence of its own, also beside others.
    Sentence,
    /// It denies a request that it names: what stands in it asks for nothing.
    Denial,
    /// It says that an opt-out word beside it may be an exclamation.
    Joke,
    /// It may stand inside of a request and changes nothing.
    Filler,
    /// After a question, it says that the question was none to be let go.
    Doubt,
    /// Behind a request, it says where or how or by whom: every request may have one, and it changes nothing.
    Modifier,
    /// In the clause of a request, it may turn it round: who else is spoken of, what is denied or asked.
    Turn,
    /// The same, wherever it stands in the sentence.
    Condition,
    /// Right behind a request, it may make it one about something else.
    Narrow,
    /// A clause may begin with it that asks: "please".
    Clause,
    /// It begins a reason: what stands before it is complete.
    Reason,
    /// No refusal can do without one such: where none of its readings is harmless, it may be one.
    Stem,
    /// A harmless reading of a stem.
    Harmless,
}

/// A word or a stem of the rules.
type Id = u32;
/// Any word that is in no rule.
const UNKNOWN: Id = 0;
/// A word begins with so many stems at most: one may begin with another.
const STEMS_MAX: usize = 3;

/// Whether a word is somebody's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Name {
    #[default]
    None,
    /// It is written as one.
    Written,
    /// It is a first name, however it is written.
    First,
}

/// A word of a message, as the grammar knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    word: Id,
    /// The stems that it begins with, the longest first.
    stems: [Id; STEMS_MAX],
    /// Whether it is written in digits.
    is_number: bool,
    name: Name,
    /// Whether a clause ends with it.
    ends_clause: bool,
    /// Whether it begins a clause of its own, where the rest of another ends.
    begins_clause: bool,
}

impl Known {
    /// Whether no rule has it.
    pub fn is_unknown(self) -> bool {
        self.word == UNKNOWN && self.stems[0] == UNKNOWN
    }

    /// Whether it is written in digits.
    pub fn is_number(self) -> bool {
        self.is_number
    }

    /// Whether it is a first name, however it is written.
    pub fn is_first_name(self) -> bool {
        self.name == Name::First
    }

    /// The word as it is written in its message.
    pub fn written(self, is_name: bool, ends_clause: bool) -> Known {
        let name = if is_name && self.name == Name::None { Name::Written } else { self.name };
        Known { name, ends_clause, ..self }
    }

    /// The word with the name that it is to other rules.
    pub fn named_as(self, other: Known) -> Known {
        Known { name: other.name, ..self }
    }

    /// The word between the clauses of its message.
    pub fn between(self, begins_clause: bool, ends_clause: bool) -> Known {
        Known { ends_clause, begins_clause, ..self }
    }

    fn is(self, id: Id) -> bool {
        id != UNKNOWN && (self.word == id || self.stems.contains(&id))
    }
}

/// The rules.
#[derive(Debug, Default)]
pub struct Grammar {
    words: HashMap<String, Id, RandomState>,
    stems: BTreeMap<String, Id>,
    /// The stems that each stem begins with, itself among them, the longest first.
    shorter: HashMap<Id, Vec<(String, Id)>, RandomState>,
    /// First names that are no words.
    first_names: HashSet<String, RandomState>,
    /// Words and stems so far.
    ids: Id,
    names: Vec<Named>,
    rules: Vec<(Kind, Choice)>,
    /// The rules that can begin with each word or stem.
    beginning: Vec<Vec<usize>>,
    /// Those of them that deny.
    denying: Vec<Vec<usize>>,
    /// Stems and their harmless readings that can begin with somebody's first name.
    beginning_with_name: Vec<usize>,
    scripts: Scripts,
    /// While the rules are read, what each word of them is: by itself, and where its slips are forgiven.
    read: [HashMap<String, Vec<Id>, RandomState>; 2],
    /// The words of those rules in which slips of the pen are forgiven.
    forgiven: Slips,
    /// The long words of all rules.
    long: LongSlips,
    is_forgiving: bool,
}

/// What has a name.
#[derive(Debug)]
struct Named {
    choice: Choice,
    /// The words that it can begin with, in order: most names are passed over by the next word alone.
    first: Vec<Id>,
    /// Whether it may match no words, or begin with any.
    is_open: bool,
}

/// One of several sequences.
type Choice = Vec<Vec<Item>>;

#[derive(Debug)]
enum Item {
    /// A word, or any word that begins with a stem.
    Word(Id),
    /// What has a name.
    Named(usize),
    /// One of these, or nothing.
    Choice { of: Choice, is_optional: bool },
    /// Any word.
    Any,
    /// A word of digits.
    Number,
    /// A word that is written as a name is, or is somebody's first name.
    Name,
    /// Somebody's first name, however it is written.
    FirstName,
    /// The end of a clause, which is no word.
    End,
    /// All words to the end of this clause, or of a later one.
    Rest,
}

/// Whether a choice can begin with somebody's first name.
fn begins_with_name(choice: &Choice) -> bool {
    let begins = |item: &Item| match item {
        Item::FirstName => true,
        Item::Choice { of, .. } => begins_with_name(of),
        _ => false,
    };
    choice.iter().any(|sequence| sequence.first().is_some_and(begins))
}

impl Grammar {
    /// Reads the rules. The error names the line.
    pub fn parse(text: &str) -> Result<Grammar, String> {
        let (mut grammar, mut names) = (Grammar::default(), HashMap::new());
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| format!("line {}: {what}", number + 1);
            if let Some((name, rule)) = line.strip_prefix('@').and_then(|line| line.split_once('=')) {
                let choice = grammar.choice(rule, &names).map_err(|what| wrong(&what))?;
                names.insert(name.trim().to_owned(), grammar.names.len());
                let choice = grammar.named(choice);
                grammar.names.push(choice);
                continue;
            }
            let (kind, rule) = line.split_once(':').ok_or_else(|| wrong("expected kind: rule"))?;
            let kind = match kind {
                "slips" => {
                    grammar.is_forgiving = rule.trim() == "forgiven";
                    continue;
                }
                "names" => {
                    grammar.first_names.extend(folding::words(rule).into_iter().map(|word| word.text));
                    continue;
                }
                "out" => Kind::Out,
                "maybe" => Kind::Maybe,
                "hint" => Kind::Hint,
                "polite" => Kind::Polite,
                "courtesy" => Kind::Courtesy,
                "ordinary" => Kind::Ordinary,
                "sentence" => Kind::Sentence,
                "denial" => Kind::Denial,
                "joke" => Kind::Joke,
                "filler" => Kind::Filler,
                "doubt" => Kind::Doubt,
                "modifier" => Kind::Modifier,
                "turn" => Kind::Turn,
                "condition" => Kind::Condition,
                "narrow" => Kind::Narrow,
                "clause" => Kind::Clause,
                "reason" => Kind::Reason,
                "stem" => Kind::Stem,
                "harmless" => Kind::Harmless,
                _ => return Err(wrong("an unknown kind of rule")),
            };
            let choice = grammar.choice(rule, &names).map_err(|what| wrong(&what))?;
            grammar.rules.push((kind, choice));
        }
        for (stem, &id) in &grammar.stems {
            let begins = |(end, letter): (usize, char)| {
                let begin = &stem[..end + letter.len_utf8()];
                grammar.stems.get(begin).map(|&id| (begin.to_owned(), id))
            };
            let shorter: Vec<(String, Id)> = stem.char_indices().rev().filter_map(begins).collect();
            if shorter.len() > STEMS_MAX {
                return Err(format!("the stem {stem}~ begins with {STEMS_MAX} others"));
            }
            grammar.shorter.insert(id, shorter);
        }
        grammar.read = Default::default();
        grammar.index();
        Ok(grammar)
    }

    /// What the words of a message are here.
    pub fn known_all(&self, words: &[Word]) -> Vec<Known> {
        let begins = |at: usize| at == 0 || words[at - 1].ending != Ending::None;
        let known = |(at, word): (usize, &Word)| {
            self.known(&word.text).written(word.is_name_like() && !begins(at), word.ends_clause)
        };
        words.iter().enumerate().map(known).collect()
    }

    /// What a word of a message is here.
    pub fn known(&self, word: &str) -> Known {
        // All stems that a word begins with are shorter ones of the last stem before it.
        let before = (Bound::Unbounded, Bound::Included(word));
        let last = self.stems.range::<str, _>(before).next_back().and_then(|(_, id)| self.shorter.get(id));
        let mut stems = [UNKNOWN; STEMS_MAX];
        let begins = last.into_iter().flatten().filter(|(stem, _)| word.starts_with(stem.as_str()));
        stems.iter_mut().zip(begins).for_each(|(stem, (_, id))| *stem = *id);
        Known {
            word: self.words.get(word).copied().unwrap_or(UNKNOWN),
            stems,
            is_number: word.bytes().all(|byte| byte.is_ascii_digit()),
            name: if self.first_names.contains(word) { Name::First } else { Name::None },
            ..Known::default()
        }
    }

    /// The words of rules of which a word may be a slip of the pen.
    pub fn slips(&self, word: &str) -> Vec<&str> {
        self.forgiven.meant(word, self.has_word(word))
    }

    /// The long words of rules of which a word may be a slip that no rule has.
    pub fn long_slips(&self, word: &str) -> Vec<String> {
        if self.known(word).is_unknown() { self.long.meant(word) } else { Vec::new() }
    }

    /// Whether it is a word of a rule, as it stands there.
    pub fn has_word(&self, word: &str) -> bool {
        self.words.contains_key(word)
    }

    /// What the rules are written in.
    pub fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// Calls `found` with each rule that matches some words from a place on, and where its match ends; but for those that
    /// deny.
    pub fn matches(&self, words: &[Known], at: usize, found: impl FnMut(Kind, usize)) {
        let by_name = words.get(at).filter(|word| word.name == Name::First).map(|_| &self.beginning_with_name[..]);
        self.matches_of(&self.beginning, by_name.unwrap_or_default(), words, at, found);
    }

    /// Calls `found` with where the denials end that begin at a place.
    pub fn denials(&self, words: &[Known], at: usize, mut found: impl FnMut(usize)) {
        self.matches_of(&self.denying, &[], words, at, |_, end| found(end));
    }

    fn matches_of(
        &self,
        rules: &[Vec<usize>],
        others: &[usize],
        words: &[Known],
        at: usize,
        mut found: impl FnMut(Kind, usize),
    ) {
        let Some(&Known { word, stems, .. }) = words.get(at) else { return };
        let of = |id: Id| rules.get(id as usize).into_iter().flatten();
        for &rule in of(word).chain(stems.into_iter().flat_map(of)).chain(others) {
            let (kind, choice) = &self.rules[rule];
            for end in self.ends_of_choice(choice, words, at).into_iter().filter(|&end| end > at) {
                found(*kind, end);
            }
        }
    }

    fn named(&self, choice: Choice) -> Named {
        let mut first = Vec::new();
        let is_empty = self.first_of(&choice, &mut first);
        first.sort_unstable();
        first.dedup();
        let is_open = is_empty || self.begins_with_any(&choice);
        Named { choice, first, is_open }
    }

    /// Whether a choice can begin with what is not a word of its own.
    fn begins_with_any(&self, choice: &Choice) -> bool {
        choice.iter().any(|sequence| {
            for item in sequence {
                let (begins, goes_on) = match item {
                    Item::Word(_) => (false, false),
                    Item::Any | Item::Number | Item::Name | Item::FirstName | Item::End | Item::Rest => (true, false),
                    Item::Named(name) => (self.names[*name].is_open, false),
                    Item::Choice { of, is_optional } => (self.begins_with_any(of), *is_optional),
                };
                if begins || !goes_on {
                    return begins;
                }
            }
            true
        })
    }

    /// Whether what has a name can begin with a word.
    fn can_begin(&self, name: usize, word: Option<&Known>) -> bool {
        let Named { first, is_open, .. } = &self.names[name];
        let has = |id: Id| id != UNKNOWN && first.binary_search(&id).is_ok();
        *is_open || word.is_none_or(|word| has(word.word) || word.stems.into_iter().any(has))
    }

    /// Notes which rules can begin with which words.
    fn index(&mut self) {
        let mut beginning = vec![Vec::new(); self.ids as usize + 1];
        let mut denying = beginning.clone();
        for (rule, (kind, choice)) in self.rules.iter().enumerate() {
            let mut first = Vec::new();
            self.first_of(choice, &mut first);
            first.sort_unstable();
            first.dedup();
            for id in first {
                let rules = if *kind == Kind::Denial { &mut denying } else { &mut beginning };
                rules[id as usize].push(rule);
            }
        }
        (self.beginning, self.denying) = (beginning, denying);
        let is_open = |(_, (kind, choice)): &(usize, &(Kind, Choice))| {
            matches!(kind, Kind::Stem | Kind::Harmless) && begins_with_name(choice)
        };
        self.beginning_with_name = self.rules.iter().enumerate().filter(is_open).map(|(rule, _)| rule).collect();
    }

    /// The words that a choice can begin with. True if it can match no words at all.
    fn first_of(&self, choice: &Choice, first: &mut Vec<Id>) -> bool {
        let mut is_empty = false;
        for sequence in choice {
            is_empty |= sequence.iter().all(|item| match item {
                Item::Word(id) => {
                    first.push(*id);
                    false
                }
                Item::Named(name) => self.first_of(&self.names[*name].choice, first),
                Item::Choice { of, is_optional } => self.first_of(of, first) || *is_optional,
                Item::Any | Item::Number | Item::Name | Item::FirstName => false,
                Item::End | Item::Rest => true,
            });
        }
        is_empty
    }

    fn ends_of_choice(&self, choice: &Choice, words: &[Known], at: usize) -> Vec<usize> {
        if at >= words.len() {
            return if choice.iter().any(|sequence| self.may_be_empty(sequence)) { vec![at] } else { Vec::new() };
        }
        let mut ends = Vec::new();
        let mut add = |end| {
            if !ends.contains(&end) {
                ends.push(end);
            }
        };
        for sequence in choice {
            match sequence[..] {
                [Item::Word(id), ..] if !words.get(at).is_some_and(|word| word.is(id)) => {}
                [Item::Word(_)] => add(at + 1),
                _ => self.ends(sequence, words, at).into_iter().for_each(&mut add),
            }
        }
        ends
    }

    /// Whether a sequence matches no words at all.
    fn may_be_empty(&self, sequence: &[Item]) -> bool {
        sequence.iter().all(|item| match item {
            Item::Word(_) | Item::Any | Item::Number | Item::Name | Item::FirstName => false,
            Item::Named(name) => self.names[*name].choice.iter().any(|sequence| self.may_be_empty(sequence)),
            Item::Choice { is_optional, .. } => *is_optional,
            Item::End | Item::Rest => true,
        })
    }

    /// Where a sequence can end that begins at a place.
    fn ends(&self, sequence: &[Item], words: &[Known], at: usize) -> Vec<usize> {
        let is_end = |at: &usize| *at == words.len() || (*at > 0 && words[at - 1].ends_clause);
        let mut ends = vec![at];
        for item in sequence {
            let mut next = Vec::new();
            for &at in &ends {
                match item {
                    Item::Word(id) if words.get(at).is_some_and(|word| word.is(*id)) => next.push(at + 1),
                    Item::Word(_) => {}
                    Item::Named(name) if !self.can_begin(*name, words.get(at)) => {}
                    Item::Named(name) => next.extend(self.ends_of_choice(&self.names[*name].choice, words, at)),
                    Item::Any => next.extend((at < words.len()).then_some(at + 1)),
                    Item::Number => next.extend(words.get(at).filter(|word| word.is_number).map(|_| at + 1)),
                    Item::Name => next.extend(words.get(at).filter(|word| word.name != Name::None).map(|_| at + 1)),
                    Item::FirstName => {
                        next.extend(words.get(at).filter(|word| word.name == Name::First).map(|_| at + 1));
                    }
                    Item::End => next.extend(Some(at).filter(is_end)),
                    Item::Rest => {
                        let last = (at..words.len()).find(|&at| words[at].begins_clause).unwrap_or(words.len());
                        next.extend((at..=last).filter(|to| *to == last || is_end(to)));
                    }
                    Item::Choice { of, is_optional } => {
                        next.extend(self.ends_of_choice(of, words, at));
                        next.extend(is_optional.then_some(at));
                    }
                }
            }
            next.sort_unstable();
            next.dedup();
            ends = next;
            if ends.is_empty() {
                break;
            }
        }
        ends
    }
}
