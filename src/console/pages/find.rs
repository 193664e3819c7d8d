//! Finds contacts by words that somebody typed: they are looked for among the values of labels.

use std::cmp::Reverse;

use super::contacts::{LabelReply, quoted};
use crate::console::visit::Visit;
use crate::error::Result;

/// Of so many labels the values are looked at: those of names first, then those that most contacts have.
const KEYS_MAX: usize = 20;
/// So many words are looked for.
const WORDS_MAX: usize = 6;

/// The filter for contacts with a label that is what somebody typed; or, of several words, with a label for each of them.
/// None where there is no such contact.
pub async fn by_labels(visit: &mut Visit, typed: &str) -> Result<Option<String>> {
    let mut keys: Vec<LabelReply> = visit.asker.page(&["LABELS", "LIMIT", "1000"]).await?.items;
    keys.sort_by_key(|key| (!key.key.contains("name"), Reverse(key.contacts)));
    keys.truncate(KEYS_MAX);
    if let Some(filter) = of_one(visit, &keys, typed).await? {
        return Ok(Some(filter));
    }
    let words: Vec<&str> = typed.split_whitespace().collect();
    if !(2..=WORDS_MAX).contains(&words.len()) {
        return Ok(None);
    }
    let mut filters = Vec::new();
    for word in words {
        let Some(filter) = of_one(visit, &keys, word).await? else { return Ok(None) };
        filters.push(format!("({filter})"));
    }
    let filter = filters.join(" ");
    Ok(if visit.asker.count(&filter).await? > 0 { Some(filter) } else { None })
}

/// The filter for contacts that have a label with this value, in one of the usual spellings.
async fn of_one(visit: &mut Visit, keys: &[LabelReply], value: &str) -> Result<Option<String>> {
    let spelt = spellings(value);
    let conditions = || keys.iter().flat_map(|key| spelt.iter().map(move |value| (key.key.as_str(), value.as_str())));
    let counts: Vec<Vec<String>> =
        conditions().map(|(key, value)| vec!["COUNT".to_owned(), format!("label.{key}={value}")]).collect();
    let counts = visit.asker.count_each(&counts).await?;
    let found = conditions().zip(counts).filter(|(_, count)| *count > 0);
    let found: Vec<String> = found.map(|((key, value), _)| format!("label.{key}={}", quoted(value))).collect();
    Ok(if found.is_empty() { None } else { Some(found.join(" OR ")) })
}

/// As it was typed, in small letters, in capitals, and with a capital before each word.
fn spellings(value: &str) -> Vec<String> {
    let lower = value.to_lowercase();
    let mut title = String::with_capacity(value.len());
    for char in lower.chars() {
        let begins = title.chars().last().is_none_or(|last| !last.is_alphanumeric());
        if begins { title.extend(char.to_uppercase()) } else { title.push(char) }
    }
    let mut all = vec![value.to_owned()];
    for other in [title, value.to_uppercase(), lower] {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_for_as_people_spell_them() {
        assert_eq!(spellings("jen o'hara"), ["jen o'hara", "Jen O'Hara", "JEN O'HARA"]);
        assert_eq!(spellings("CA"), ["CA", "Ca", "ca"]);
    }
}
