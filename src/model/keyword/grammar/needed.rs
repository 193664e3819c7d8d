//! The words that rules need: whatever such a rule matches has one of them.

use super::{Choice, Grammar, Id, Item, Kind};

/// Words of rules, in capitals.
#[derive(Debug, Default)]
pub struct Needed<'g> {
    /// Words as they stand.
    pub words: Vec<&'g str>,
    /// What words begin with.
    pub stems: Vec<&'g str>,
}

/// Words of which one is needed, and what all of them cost.
#[derive(Clone, Debug)]
struct OneOf {
    cost: u64,
    words: Vec<Id>,
}

/// The cost of a word counts so many times where one rule alone needs it, and less where more do.
const ALONE: u64 = 64;

impl Grammar {
    /// Words of which everything that a rule of some kinds matches has one. A rule needs several, and of these the ones are taken
    /// that stand in few other texts. None if a rule can match without a word of its own.
    pub fn needed(&self, is_wanted: impl Fn(Kind) -> bool) -> Option<Needed<'_>> {
        let choices = || self.rules.iter().filter(|(kind, _)| is_wanted(*kind)).map(|(_, choice)| choice);
        let mut costs = vec![0; self.ids as usize + 1];
        for (word, &id) in self.words.iter().chain(&self.stems) {
            costs[id as usize] += cost(word);
        }
        // The first time each rule takes what is best for itself alone, the second time what others have taken rather.
        let mut uses = vec![0; costs.len()];
        for _ in 0..2 {
            let costs: Vec<u64> = costs.iter().zip(&uses).map(|(cost, uses)| cost * ALONE / (1 + uses)).collect();
            let named = self.needed_of_names(&costs);
            uses.fill(0);
            for choice in choices() {
                needed(choice, &costs, &named)?.words.iter().for_each(|&id| uses[id as usize] += 1);
            }
        }
        let is_used = |id: Id| uses[id as usize] > 0;
        Some(Needed {
            words: self.words.iter().filter(|(_, id)| is_used(**id)).map(|(word, _)| word.as_str()).collect(),
            stems: self.stems.iter().filter(|(_, id)| is_used(**id)).map(|(stem, _)| stem.as_str()).collect(),
        })
    }

    /// The words of rules as they stand.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.keys().map(String::as_str)
    }

    /// What each name needs. A name has only those before it in it.
    fn needed_of_names(&self, costs: &[u64]) -> Vec<Option<OneOf>> {
        self.names.iter().fold(Vec::with_capacity(self.names.len()), |mut named, name| {
            let of_name = needed(&name.choice, costs, &named);
            named.push(of_name);
            named
        })
    }
}

/// What a choice needs: what any of its sequences does.
fn needed(choice: &Choice, costs: &[u64], named: &[Option<OneOf>]) -> Option<OneOf> {
    let of_item = |item: &Item| match item {
        Item::Word(id) => Some(OneOf { cost: costs[*id as usize], words: vec![*id] }),
        Item::Named(name) => named[*name].clone(),
        Item::Choice { of, is_optional: false } => needed(of, costs, named),
        Item::Choice { is_optional: true, .. }
        | Item::Any
        | Item::Number
        | Item::Name
        | Item::FirstName
        | Item::End
        | Item::Rest => None,
    };
    let mut words = Vec::new();
    for sequence in choice {
        words.extend(sequence.iter().filter_map(of_item).min_by_key(|one_of| one_of.cost)?.words);
    }
    words.sort_unstable();
    words.dedup();
    Some(OneOf { cost: words.iter().map(|id| costs[*id as usize]).sum(), words })
}

/// How many other texts a word stands in, roughly: the shorter it is, the more.
pub fn cost(word: &str) -> u64 {
    match word.len() {
        // A text that has it is read as a whole in any case.
        _ if !word.is_ascii() => 0,
        0..=2 => 64,
        3 => 24,
        4 => 8,
        5 => 4,
        6 => 2,
        _ => 1,
    }
}
