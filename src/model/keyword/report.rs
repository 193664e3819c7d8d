//! What people report of somebody who wants no messages, as they write it beside a number: by rules of its own, and by the
//! requests of messages.

use std::sync::LazyLock;

use super::GRAMMAR;
use super::folding;
use super::grammar::{Grammar, Kind, Known, Needed};

/// The rules. A test keeps them readable.
static REPORTS: LazyLock<Grammar> =
    LazyLock::new(|| Grammar::parse(include_str!("../plain_refusal/reports.txt")).unwrap_or_default());

/// Longer texts are somebody's letters.
const WORDS_MAX: usize = 16;

/// Whether a rule has the word, in capitals and without accents.
pub fn knows(word: &str) -> bool {
    !REPORTS.known(word).is_unknown()
}

/// Words of which each report has one that has none of a request.
pub fn needed() -> Option<Needed<'static>> {
    REPORTS.needed(|kind| kind == Kind::Out)
}

/// Whether all of a text reports that somebody wants no messages. Of a name and an answer, the answer counts, too: that is no
/// report.
pub fn reports(text: &str) -> bool {
    if text.contains([':', '=']) {
        return false;
    }
    let words: Vec<String> =
        folding::words(text).into_iter().map(|word| word.text).filter(|word| !is_year(word)).collect();
    if words.is_empty() || words.len() > WORDS_MAX {
        return false;
    }
    let of = |grammar: &Grammar| words.iter().map(|word| grammar.known(word)).collect::<Vec<Known>>();
    let (own, shared) = (of(&REPORTS), of(&GRAMMAR));
    // For each place, whether the words up to it are known, and whether they have a report.
    let mut reached = vec![None; words.len() + 1];
    reached[0] = Some(false);
    let mut is_ordinary = false;
    for at in 0..words.len() {
        let Some(before) = reached[at] else { continue };
        let mut reach = |kind: Kind, end: usize| match kind {
            Kind::Out => reached[end] = Some(true),
            Kind::Polite | Kind::Courtesy | Kind::Filler | Kind::Modifier => {
                reached[end] = reached[end].max(Some(before));
            }
            Kind::Ordinary => is_ordinary |= at == 0 && end == words.len(),
            _ => {}
        };
        REPORTS.matches(&own, at, &mut reach);
        GRAMMAR.matches(&shared, at, &mut reach);
    }
    reached[words.len()] == Some(true) && !is_ordinary
}

/// `unsubs-2024`
pub fn is_year(word: &str) -> bool {
    word.len() == 4 && word.starts_with("20") && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_can_be_read() {
        Grammar::parse(include_str!("../plain_refusal/reports.txt")).expect("valid");
    }
}
