//! What a request is about: the list that it was sent to, or all of them.

use std::sync::LazyLock;

use super::folding::{self, Word};

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

/// "remove me from all lists", "from any of your numbers", but not "no more texts at all" or "stop texting me all the time".
pub fn names_all(words: &[Word]) -> bool {
    const TIMES: [&str; 4] = ["DAY", "NIGHT", "WEEK", "TIME"];
    const ANY: [&str; 3] = ["ANY", "EVERY", "EACH"];
    const BETWEEN: [&str; 8] = ["OF", "YOUR", "UR", "THE", "OTHER", "ONE", "SINGLE", "PHONE"];
    const NUMBERS: [&str; 8] = ["NUMBER", "NUMBERS", "LIST", "LISTS", "LINE", "LINES", "WAY", "ACCOUNT"];
    let word = |at: usize| words.get(at).map_or("", |word| &word.text);
    let is_all = |at: usize| {
        let next = word(at + 1 + usize::from(word(at + 1) == "THE"));
        let is_of_time = (at > 0 && word(at - 1) == "AT") || TIMES.contains(&next);
        let is_any = || {
            let named = (at + 1..words.len()).find(|&at| !BETWEEN.contains(&word(at)));
            ANY.contains(&word(at)) && named.is_some_and(|at| NUMBERS.contains(&word(at)))
        };
        (ALL_WORDS.contains(&word(at)) && !is_of_time)
            || is_any()
            || ALL_WITHIN.iter().any(|all| word(at).contains(all.as_str()))
    };
    // What is quoted is the sender's: "> 20 % off everything".
    (0..words.len()).any(|at| !words[at].is_quoted && is_all(at))
}

#[cfg(test)]
mod tests {
    use super::super::{Keywords, Meaning};

    #[test]
    fn a_request_that_names_all_lists_is_about_all() {
        let keywords = Keywords::default();
        for text in [
            "remove me from all your lists",
            "remove me from all lists",
            "unsubscribe me from everything",
            "unsubscribe from all",
            "UNSUBSCRIBE ALL",
            "opt out all",
            "stop all texts",
            "STOP ALL MESSAGES",
            "退订所有",
            "STOP TOUT",
            "Elimínenme de todas sus listas",
            "baja de todo",
            "すべて停止",
            "Tüm listelerden çıkar",
            "stop all of your numbers from texting me",
            "erase all my data",
            "отписаться от всего",
            "Delete me from your system",
            "erase all data you hold about me",
            "Do not ever contact me again from any number",
            "stop contacting me from any of your other numbers",
            "remove my number from every list you have",
            "do not contact me ever again in any way",
            "STOP TODOS",
        ] {
            assert_eq!(keywords.meaning(text), Meaning::OutOfAll, "{text}");
        }
        for text in [
            "stop",
            "no more texts",
            "don't text me at all",
            "don't send me any more texts",
            "remove me from this list",
            "STOP. You text me all the time",
            "Please stop texting me\n> 20% off everything!",
        ] {
            assert_eq!(keywords.meaning(text), Meaning::Out, "{text}");
        }
    }
}
