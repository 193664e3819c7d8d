//! One rule of a grammar, from its text.

use std::collections::HashMap;

use super::{Choice, Grammar, Id, Item};
use crate::model::keyword::folding;

impl Grammar {
    /// Reads the whole of a rule. `names` are those of rules before it.
    pub(super) fn choice(&mut self, rule: &str, names: &HashMap<String, usize>) -> Result<Choice, String> {
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
            if matches!(c, '|' | '[' | '(' | '*' | '?' | '#' | '%' | '&' | '.') {
                *left = &left[1..];
            }
            match c {
                '|' => choice.push(std::mem::take(&mut sequence)),
                '*' => sequence.push(Item::Rest),
                '?' => sequence.push(Item::Any),
                '#' => sequence.push(Item::Number),
                '%' => sequence.push(Item::Name),
                '&' => sequence.push(Item::FirstName),
                '.' => sequence.push(Item::End),
                '[' | '(' => {
                    let of = self.sequences(left, names)?;
                    let end = if c == '[' { ']' } else { ')' };
                    *left = left.strip_prefix(end).ok_or_else(|| format!("'{end}' is missing"))?;
                    sequence.push(Item::Choice { of, is_optional: c == '(' });
                }
                _ => {
                    let end = left.find(|c: char| c.is_whitespace() || "|[]()*?#%&.".contains(c)).unwrap_or(left.len());
                    let (word, rest) = left.split_at(end);
                    *left = rest;
                    match word.strip_prefix('@') {
                        Some(name) => {
                            let choice = names.get(name).ok_or_else(|| format!("nothing has the name @{name}"))?;
                            sequence.push(Item::Named(*choice));
                        }
                        None => sequence.extend(self.items(word)),
                    }
                }
            }
        }
        choice.push(sequence);
        if choice.iter().any(Vec::is_empty) { Err("an empty choice".to_owned()) } else { Ok(choice) }
    }
}

impl Grammar {
    /// A word of a rule, in all its spellings; one with a hyphen is two. `stem~` is any word that begins so. Most words stand in
    /// several rules, and are read once.
    fn items(&mut self, word: &str) -> Vec<Item> {
        let ids = match self.read[usize::from(self.is_forgiving)].get(word) {
            Some(ids) => ids.clone(),
            None => {
                let ids = self.ids_of(word);
                self.read[usize::from(self.is_forgiving)].insert(word.to_owned(), ids.clone());
                ids
            }
        };
        ids.into_iter().map(Item::Word).collect()
    }

    fn ids_of(&mut self, word: &str) -> Vec<Id> {
        let mut items: Vec<Id> = Vec::new();
        for spelling in folding::spellings(word) {
            for (at, part) in folding::words(&spelling).into_iter().enumerate() {
                self.scripts.add(&part.text);
                if self.is_forgiving {
                    self.forgiven.add(&part.text);
                }
                self.long.add(&part.text, word.ends_with('~'));
                let first = items.get(at).copied();
                let new = first.unwrap_or(self.ids + 1);
                let id = if word.ends_with('~') {
                    *self.stems.entry(part.text).or_insert(new)
                } else {
                    *self.words.entry(part.text).or_insert(new)
                };
                self.ids = self.ids.max(id);
                if first.is_none() {
                    items.push(id);
                }
            }
        }
        items
    }
}
