//! A small grammar of what people write who want out: rules of words, choices and names, read from `phrases.txt`.

use std::collections::HashMap;

use super::folding;

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
    /// It is none, although it looks like one.
    Ordinary,
}

/// A word as the grammar knows it.
pub type Id = u32;
/// Any word that is in no rule.
pub const UNKNOWN: Id = 0;

/// The rules.
#[derive(Debug, Default)]
pub struct Grammar {
    words: HashMap<String, Id>,
    names: Vec<Choice>,
    rules: Vec<(Kind, Choice)>,
}

/// One of several sequences.
type Choice = Vec<Vec<Item>>;

#[derive(Debug)]
enum Item {
    Word(Id),
    /// What has a name.
    Named(usize),
    /// One of these, or nothing.
    Choice {
        of: Choice,
        is_optional: bool,
    },
    /// All words to the end.
    Rest,
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
                grammar.names.push(choice);
                continue;
            }
            let (kind, rule) = line.split_once(':').ok_or_else(|| wrong("expected kind: rule"))?;
            let kind = match kind {
                "out" => Kind::Out,
                "maybe" => Kind::Maybe,
                "hint" => Kind::Hint,
                "polite" => Kind::Polite,
                "ordinary" => Kind::Ordinary,
                _ => return Err(wrong("an unknown kind of rule")),
            };
            let choice = grammar.choice(rule, &names).map_err(|what| wrong(&what))?;
            grammar.rules.push((kind, choice));
        }
        Ok(grammar)
    }

    /// What a word of a message is here.
    pub fn id(&self, word: &str) -> Id {
        self.words.get(word).copied().unwrap_or(UNKNOWN)
    }

    /// Calls `found` with each rule that matches some words from a place on, and where its match ends.
    pub fn matches(&self, words: &[Id], at: usize, mut found: impl FnMut(Kind, usize)) {
        if words.get(at).is_none_or(|&word| word == UNKNOWN) {
            return;
        }
        for (kind, choice) in &self.rules {
            for end in self.ends_of_choice(choice, words, at) {
                if end > at {
                    found(*kind, end);
                }
            }
        }
    }

    fn ends_of_choice(&self, choice: &Choice, words: &[Id], at: usize) -> Vec<usize> {
        let mut ends = Vec::new();
        for sequence in choice {
            for end in self.ends(sequence, words, at) {
                if !ends.contains(&end) {
                    ends.push(end);
                }
            }
        }
        ends
    }

    /// Where a sequence can end that begins at a place.
    fn ends(&self, sequence: &[Item], words: &[Id], at: usize) -> Vec<usize> {
        let mut ends = vec![at];
        for item in sequence {
            let mut next = Vec::new();
            for &at in &ends {
                match item {
                    Item::Word(word) if words.get(at) == Some(word) => next.push(at + 1),
                    Item::Word(_) => {}
                    Item::Named(name) => next.extend(self.ends_of_choice(&self.names[*name], words, at)),
                    Item::Rest => next.push(words.len()),
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

    fn choice(&mut self, rule: &str, names: &HashMap<String, usize>) -> Result<Choice, String> {
        let mut left = rule.trim();
        let choice = self.sequences(&mut left, names)?;
        if left.is_empty() { Ok(choice) } else { Err(format!("a bracket too many before '{left}'")) }
    }

    /// Reads sequences that are parted by `|`, up to a closing bracket or the end.
    fn sequences(&mut self, left: &mut &str, names: &HashMap<String, usize>) -> Result<Choice, String> {
        let (mut choice, mut sequence) = (Vec::new(), Vec::new());
        loop {
            *left = left.trim_start();
            let Some(c) = left.chars().next().filter(|c| !matches!(c, ']' | ')')) else { break };
            if matches!(c, '|' | '[' | '(' | '*') {
                *left = &left[1..];
            }
            match c {
                '|' => choice.push(std::mem::take(&mut sequence)),
                '*' => sequence.push(Item::Rest),
                '[' | '(' => {
                    let of = self.sequences(left, names)?;
                    let end = if c == '[' { ']' } else { ')' };
                    *left = left.strip_prefix(end).ok_or_else(|| format!("'{end}' is missing"))?;
                    sequence.push(Item::Choice { of, is_optional: c == '(' });
                }
                _ => {
                    let end = left.find(|c: char| c.is_whitespace() || "|[]()*".contains(c)).unwrap_or(left.len());
                    let (word, rest) = left.split_at(end);
                    *left = rest;
                    match word.strip_prefix('@') {
                        Some(name) => {
                            let choice = names.get(name).ok_or_else(|| format!("nothing has the name @{name}"))?;
                            sequence.push(Item::Named(*choice));
                        }
                        None => {
                            for word in folding::words(word) {
                                let next = self.words.len() as Id + 1;
                                sequence.push(Item::Word(*self.words.entry(word.text).or_insert(next)));
                            }
                        }
                    }
                }
            }
        }
        choice.push(sequence);
        if choice.iter().any(Vec::is_empty) { Err("an empty choice".to_owned()) } else { Ok(choice) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(grammar: &Grammar, text: &str) -> Vec<(Kind, usize)> {
        let words: Vec<Id> = folding::words(text).iter().map(|word| grammar.id(&word.text)).collect();
        let mut all = Vec::new();
        grammar.matches(&words, 0, |kind, end| all.push((kind, end)));
        all
    }

    #[test]
    fn rules_match_what_they_say() {
        let rules = "@me = me | my (own) phone\nout: stop [texting | calling] (@me)\npolite: if *\nmaybe: stop";
        let grammar = Grammar::parse(rules).expect("valid");
        assert_eq!(found(&grammar, "Stop calling"), [(Kind::Out, 2), (Kind::Maybe, 1)]);
        assert_eq!(found(&grammar, "stop texting my own phone"), [(Kind::Out, 2), (Kind::Out, 5), (Kind::Maybe, 1)]);
        assert_eq!(found(&grammar, "stop it"), [(Kind::Maybe, 1)]);
        assert_eq!(found(&grammar, "if you please"), [(Kind::Polite, 3)]);
        assert_eq!(found(&grammar, "please stop"), []);
    }

    #[test]
    fn a_mistake_in_the_rules_is_named() {
        for wrong in ["out: [stop", "out: stop]", "out: @nobody", "never: stop", "stop", "out: stop | "] {
            let why = Grammar::parse(wrong).expect_err(wrong);
            assert!(why.starts_with("line 1: "), "{why}");
        }
    }
}
