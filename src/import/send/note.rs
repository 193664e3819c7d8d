//! Whether a note that somebody wrote beside a number refuses messages.
//!
//! A note has its date, its several entries, and the name of a person in it. Each entry is asked about by itself and without its
//! date, and so are the words in capitals with which it begins or ends: `2024-01-01: called. 2024-02-01: unsubscribed.`,
//! `Bob NO SMS!`.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::model::plain_refusal::fold::folded;
use crate::model::plain_refusal::is_plain_refusal;

/// Longer notes are somebody's letters.
const NOTE_BYTES_MAX: usize = 2_000;
/// Notes that a thread remembers.
const KNOWN_MAX: usize = 4_096;
/// A long note is read each time.
const KNOWN_BYTES_MAX: usize = 64;

/// Entries, folded, that say of a number that it reaches nobody, or nobody by a message.
const DEAD: [&str; 28] = [
    "disconnected",
    "numberdisconnected",
    "disconnectednumber",
    "invalidnumber",
    "invalidphone",
    "invalidphonenumber",
    "numberinvalid",
    "wrongnumber",
    "badnumber",
    "deadnumber",
    "notworking",
    "numbernotworking",
    "notinservice",
    "outofservice",
    "nolongerinservice",
    "landline",
    "notamobile",
    "nomobile",
    "deceased",
    "verstorben",
    "decede",
    "decedee",
    "fallecido",
    "fallecida",
    "deceduto",
    "overleden",
    "falschenummer",
    "festnetz",
];

/// Entries, folded, that say what an entry above says, which nobody knows here.
const AS_ABOVE: [&str; 7] = ["ditto", "dito", "idem", "sameasabove", "asabove", "fromhereon", "sieheoben"];

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, bool, RandomState>> = RefCell::default();
}

/// Whether a cell refuses messages: as a whole, in one of its entries, or in capitals beside a name.
pub fn refuses(cell: &str) -> bool {
    is_plain_refusal(cell) || (may_say_more(cell) && known(cell)) || cell.trim() == "〃"
}

fn known(cell: &str) -> bool {
    if let Some(known) = KNOWN.with_borrow(|known| known.get(cell).copied()) {
        return known;
    }
    let refuses = has_refusal(cell);
    KNOWN.with_borrow_mut(|known| {
        if cell.len() <= KNOWN_BYTES_MAX && known.len() < KNOWN_MAX {
            known.insert(cell.into(), refuses);
        }
    });
    refuses
}

/// Whether there is anything to take apart: nearly all cells are a word or two without a date, an address of e-mail, or a number.
fn may_say_more(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    if bytes.len() > NOTE_BYTES_MAX {
        return false;
    }
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let (mut has_words, mut has_capitals) = (false, false);
    for two in bytes.windows(2) {
        has_words |= is_letter(&two[0]) && is_letter(&two[1]);
        has_capitals |= two[0].is_ascii_uppercase() && two[1].is_ascii_uppercase();
    }
    let has = |signs: &[u8]| bytes.iter().any(|byte| signs.contains(byte));
    let has_digits = || bytes.iter().any(u8::is_ascii_digit);
    let begins_alike = |dead: &str| {
        bytes.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case(&dead.as_bytes()[..3]))
            || bytes.get(1).is_some_and(|second| !second.is_ascii())
    };
    has_words
        && (has(b"/:=_;!?\n")
            || has(b" ") && (has_capitals || has(b".") || has_digits())
            || DEAD.iter().chain(&AS_ABOVE).any(|entry| begins_alike(entry)))
}

fn has_refusal(cell: &str) -> bool {
    let dateless = without_dates(cell);
    let is_end = |char: char| matches!(char, '.' | '!' | '?' | ';' | '\n' | '/' | '。' | '！');
    let entries = dateless.split(is_end).map(|entry| entry.trim_matches(is_between)).filter(|entry| !entry.is_empty());
    is_plain_refusal(dateless.trim_matches(is_between)) || entries.into_iter().any(entry_refuses)
}

fn entry_refuses(entry: &str) -> bool {
    let answer = entry.rsplit_once(['=', ':']).filter(|(_, answer)| answer.trim().eq_ignore_ascii_case("n"));
    is_plain_refusal(entry)
        || refuses_in_capitals(entry)
        || AS_ABOVE.contains(&folded(entry).as_str())
        || DEAD.contains(&folded(entry).as_str())
        || answer.is_some_and(|(name, _)| is_plain_refusal(&format!("{name}: no")))
}

fn is_between(char: char) -> bool {
    char.is_whitespace() || ":-–—,()[]=_*^".contains(char)
}

/// A note without its dates and other numbers, and without the small word before a date: `texted STOP on 3/4`.
fn without_dates(cell: &str) -> String {
    let is_number = |word: &str| {
        word.contains(|char: char| char.is_ascii_digit())
            && word.chars().all(|char| char.is_ascii_digit() || "-/.:,;+TZ()#".contains(char))
    };
    let mut kept: Vec<&str> = Vec::new();
    for word in cell.split(' ') {
        if !is_number(word) {
            kept.push(word);
            continue;
        }
        if kept.last().is_some_and(|last| ["on", "at", "am", "le", "el", "il", "since"].contains(last)) {
            kept.pop();
        }
        // The sign behind a date ends what stands before it.
        if word.ends_with(['.', ';', ':']) {
            kept.push(".");
        }
    }
    kept.join(" ")
}

/// Whether an entry begins or ends in words in capitals that refuse messages, beside others that are written as names are.
fn refuses_in_capitals(entry: &str) -> bool {
    let words: Vec<&str> = entry.split_whitespace().collect();
    let is_capital = |word: &&&str| {
        word.chars().filter(|char| char.is_alphabetic()).count() > 1 && !word.contains(char::is_lowercase)
    };
    let first = words.iter().take_while(is_capital).count();
    let last = words.iter().rev().take_while(is_capital).count();
    let has_name = entry.contains(char::is_lowercase);
    let is_beside = |count: usize| has_name && count > 0 && count < words.len();
    is_beside(first) && is_plain_refusal(&words[..first].join(" "))
        || is_beside(last) && is_plain_refusal(&words[words.len() - last..].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_heard_beside_its_date_and_beside_a_name() {
        for cell in [
            "unsubscribed 5/1/24",
            "Stop 5/1",
            "STOP on 3/4",
            "opted out since 2024",
            "Bob DNC",
            "OPTOUT Bob",
            "Bob NO SMS!",
            "Bob/STOP",
            "SMS=N",
            "2024-01-01: called. 2024-02-01: unsubscribed.",
            "2024-01-01 called\n2024-02-01 unsubscribed",
            "Called 3/4. Do not text!",
            "asked to be removed 5/1",
            "removal request",
            "Unsubscribed via web",
            "bitte löschen",
            "deceased",
            "Décédé",
            "Invalid number",
            "ditto",
            "〃",
            "Same as above",
            "called 5/1; landline",
        ] {
            for _ in 0..2 {
                assert!(refuses(cell), "{cell}");
            }
        }
        for cell in [
            "",
            "Ada",
            "Dan Dnc Smith",
            "Stop & Shop",
            "24/7",
            "5/1/24",
            "Bus stop 12",
            "IBM Corp.",
            "Joe's BBQ",
            "STOP & SHOP INC",
            "Paris/Rome",
            "NO",
            "called 3/4",
            "12 Main St. Rome",
            "v2.5",
            "VIP since 2024",
        ] {
            assert!(!refuses(cell), "{cell}");
        }
    }
}
