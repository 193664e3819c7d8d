//! Remarks: what a note says of a number in a word or two. `Passed`, `invalid`, `minor`, `out` are of something else under most headings,
//! and under that of notes, or under none at all, of the person whose row it is. remark.txt has them. What nobody has listed is compared
//! with what people wrote (src/model/keyword/net).

use std::collections::HashSet;
use std::sync::LazyLock;

use super::answer::is_no;
use super::fold::folded;
use super::title::words;
use super::{beside, note_refuses, reply};
use crate::model::blank::is_blank;
use crate::model::keyword::note_resemblance;

/// Parts of headings of notes, folded; and whole words of some.
const NOTES: [&str; 49] = [
    "anythingelse",
    "note",
    "nota",
    "notiz",
    "notat",
    "comment",
    "coment",
    "komment",
    "remark",
    "remarque",
    "memo",
    "bemerk",
    "anmerk",
    "hinweis",
    "opmerk",
    "anmark",
    "anteck",
    "merknad",
    "bemaerk",
    "huom",
    "observ",
    "osserv",
    "annot",
    "uwag",
    "poznam",
    "megjegyz",
    "mentiuni",
    "aciklama",
    "catatan",
    "ghichu",
    "примеч",
    "коммент",
    "замет",
    "приміт",
    "σημειωσ",
    "σημείωσ",
    "σχολι",
    "σχόλι",
    "备注",
    "備註",
    "備考",
    "メモ",
    "비고",
    "메모",
    "ملاحظ",
    "הערות",
    "หมายเหตุ",
    "टिप्पणी",
    "feedback",
];
const NOTE_WORDS: [&str; 16] = [
    "mark", "marks", "marker", "flag", "flags", "misc", "info", "other", "extra", "details", "not", "notlar", "obs",
    "warning", "alert", "alerts",
];
/// Words of headings of tags, folded.
const TAGS: [&str; 22] = [
    "tag",
    "tags",
    "keyword",
    "keywords",
    "badge",
    "badges",
    "attribute",
    "attributes",
    "hashtags",
    "schlagwort",
    "schlagworte",
    "stichwort",
    "stichworte",
    "etikett",
    "etiquette",
    "etiquettes",
    "etiqueta",
    "etiquetas",
    "etichetta",
    "etichette",
    "标签",
    "タグ",
];
/// What may stand before a remark and says nothing: `this is a fax`, `pt passed`.
const BEFORE: [&str; 36] = [
    "a", "an", "the", "this", "that", "it", "its", "thats", "is", "was", "now", "still", "she", "he", "they", "pt",
    "patient", "client", "cust", "customer", "member", "guest", "number", "phone", "cell", "line", "marked", "as",
    "just", "only", "sadly", "owner", "person", "both", "probably", "maybe",
];
/// What stands before the day of a death, or nothing else: `d. 2023`, `passed 3/24`.
const DEATHS: [&str; 14] =
    ["d", "dod", "died", "passed", "decd", "gest", "verst", "mort", "overl", "zm", "edesm", "elh", "zemr", "avl"];
/// What stands before a date and says nothing without it: `expired on 3/4`, `gek. zum 31.12.`
const BEFORE_A_DATE: [&str; 28] = [
    "on", "in", "since", "as", "of", "from", "at", "am", "zum", "seit", "ab", "per", "den", "le", "du", "en", "el",
    "il", "dal", "em", "op", "sinds", "dne", "od", "w", "dnia", "pe", "med",
];
/// How the names of months begin that stand beside a day or a year, in English and in languages that write them much alike.
const MONTHS: [&str; 20] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "okt", "mai", "maj", "dez",
    "mär", "avr", "fev", "ago",
];
/// Years that people write notes of.
const YEARS: std::ops::RangeInclusive<u32> = 1950..=2099;
/// Abbreviations whose signs make them: a lone `w` says nothing.
const WRITTEN: [&str; 10] = ["w#", "x#", "b#", "w/#", "d/c", "d/c'd", "dc'd", "disc'd", "n/t", "unsub'd"];
/// Abbreviations that are states as well, where nothing tells what stands in a column.
const STATES: [&str; 2] = ["nt", "nc"];
/// Words of the age of a child, besides the number of years.
const OF_AGE: [&str; 16] = [
    "under", "u", "age", "aged", "old", "yo", "y", "o", "yr", "yrs", "year", "years", "only", "jahre", "minor",
    "minors",
];
const SAYS_AGE: [&str; 6] = ["under", "u", "age", "aged", "old", "yo"];
const OF_AGE_FROM: u32 = 18;
/// Longer entries say something of their own.
const WORDS_MAX: usize = 6;
/// Longer notes are somebody's letters.
const NOTE_BYTES_MAX: usize = 2_000;

static REMARKS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let lines = include_str!("remark.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).map(folded).collect()
});

/// Whether notes stand under a key or a heading; or whatever somebody wrote, where there is none.
pub fn is_of_notes(key: &str) -> bool {
    let words = words(key);
    let joined = words.concat();
    joined.is_empty()
        || NOTES.iter().any(|part| joined.contains(part)) && !joined.contains("notification")
        || words.iter().any(|word| NOTE_WORDS.contains(&word.as_str()))
}

/// Whether tags stand under a key or a heading.
pub fn is_of_tags(key: &str) -> bool {
    words(key).iter().any(|word| TAGS.contains(&word.as_str()))
}

/// Whether a note refuses messages as nothing does that is no note: by a sign, by a remark, or since it resembles notes that do.
pub fn refuses(note: &str) -> bool {
    let refuses = |note: &str| rules_refuse(note) || resembles(note);
    refuses(note) || undated(note).is_some_and(|note| note_refuses(&note) || refuses(&note))
}

/// The same, but that it resembles others.
pub fn rules_refuse(note: &str) -> bool {
    reply::is_sign_of_a_no(note) || says_it(note) || reply::opts_out(note)
}

/// The same of a note in a column of which nothing tells what it is.
pub fn refuses_unnamed(note: &str) -> bool {
    !STATES.contains(&folded(note).as_str()) && refuses(note)
}

/// Whether one of the tags of a cell says in a word or two that its number is not to be written to.
pub fn tag_refuses(cell: &str) -> bool {
    cell.split([',', ';', '|', '\n']).any(entry_says_it)
}

/// Whether a note resembles those that refuse messages.
pub fn resembles(note: &str) -> bool {
    resemblance(note) >= 0.0
}

/// How near a note comes to those that refuse messages: from 0 on it is taken for one.
pub fn resemblance(note: &str) -> f64 {
    let can_be_judged = note.len() <= NOTE_BYTES_MAX
        && note.contains(char::is_alphabetic)
        && !is_blank(note)
        && !beside::is_harmless(note);
    if can_be_judged { note_resemblance(note) } else { f64::NEG_INFINITY }
}

/// Whether a note says in a word or two, or in one of its entries, that its number is not to be written to.
fn says_it(note: &str) -> bool {
    let is_end = |char: char| ".!?;|/\n()[]".contains(char);
    let lists_it = |part: &str| {
        let mut before = "";
        part.split(',').any(|entry| {
            let before = std::mem::replace(&mut before, entry);
            entry_says_it(entry) && !is_state_of(entry, before)
        })
    };
    entry_says_it(note) || note.split(is_end).flat_map(|part| part.split(" - ")).any(lists_it)
}

/// A note without the dates in it and what stands before them; none if it has none: `asked to be took off 3/9`.
fn undated(note: &str) -> Option<String> {
    if !note.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let words: Vec<&str> = note.split_whitespace().collect();
    let is_digits = |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let bare = |word: &str| word.trim_matches([',', '.', ';', '(', ')', ':']).to_lowercase();
    let is_date = |word: &str| {
        let mut parts = word.split(['/', '-', '.']);
        parts.clone().count() > 1 && parts.all(is_digits) || word.parse().is_ok_and(|year: u32| YEARS.contains(&year))
    };
    let is_month = |word: &str| word.len() <= 9 && MONTHS.iter().any(|month| word.starts_with(month));
    let mut left: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (word, next) = (bare(words[at]), words.get(at + 1).map(|word| bare(word)).unwrap_or_default());
        let has_month = is_digits(&word) && is_month(&next) || is_month(&word) && is_digits(&next);
        if !is_date(&word) && !has_month {
            left.push(words[at]);
            at += 1;
            continue;
        }
        at += if has_month { 2 } else { 1 };
        while left.last().is_some_and(|before| BEFORE_A_DATE.contains(&bare(before).as_str())) {
            left.pop();
        }
    }
    (left.len() < words.len() && !left.is_empty()).then(|| left.join(" "))
}

/// Whether an entry is the state of a town that stands before it: `Raleigh, NC`.
fn is_state_of(entry: &str, town: &str) -> bool {
    let is_title = |word: &str| word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase);
    STATES.contains(&folded(entry).as_str()) && town.split_whitespace().next_back().is_some_and(is_title)
}

fn entry_says_it(entry: &str) -> bool {
    if entry.split_whitespace().nth(WORDS_MAX).is_some() {
        return false;
    }
    let mut words: Vec<String> =
        entry.split(|char: char| !char.is_alphanumeric() && char != '\'' && char != '’').map(folded).collect();
    words.retain(|word| !word.is_empty());
    if words.is_empty() || words.len() > WORDS_MAX {
        return false;
    }
    // "-> no": from a yes.
    let is_arrow = ["->", "=>", "→", ">>"].iter().any(|arrow| entry.trim_start().starts_with(arrow));
    let from = words.iter().take_while(|word| BEFORE.contains(&word.as_str())).count().min(words.len() - 1);
    is_written(entry)
        || REMARKS.contains(&words.concat())
        || REMARKS.contains(&words[from..].concat())
        || is_arrow && is_no(&words.concat())
        || is_day_of_death(&words[from..])
        || is_age_of_a_child(&words[from..])
}

fn is_written(entry: &str) -> bool {
    let entry = entry.trim_matches(|char: char| char.is_whitespace() || ".!()[]".contains(char));
    WRITTEN.iter().any(|written| entry.len() == written.len() && entry.replace('’', "'").eq_ignore_ascii_case(written))
}

fn is_day_of_death(words: &[String]) -> bool {
    let are_digits = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
    words.len() > 1 && DEATHS.contains(&words[0].as_str()) && words[1..].iter().all(are_digits)
}

/// "Under 13", "age 12", "u16", "12 yrs old".
fn is_age_of_a_child(words: &[String]) -> bool {
    let years = |word: &String| word.trim_start_matches('u').parse::<u32>().ok();
    let is_age = |word: &String| years(word).is_some_and(|years| years <= OF_AGE_FROM);
    let says_age = |word: &String| SAYS_AGE.contains(&word.as_str()) || word.starts_with('u') && years(word).is_some();
    words.iter().any(is_age)
        && words.iter().any(says_age)
        && words.iter().all(|word| is_age(word) || OF_AGE.contains(&word.as_str()))
}

#[cfg(test)]
mod tests;
