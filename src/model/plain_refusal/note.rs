//! Whether a note that somebody wrote beside a number refuses messages.
//!
//! A note has its date, its several entries, the initials of who wrote it and the name of a person in it. Each entry is asked
//! about by itself and without these: `2024-01-01: called. 2024-02-01: unsubscribed. JB`, `Bob NO SMS!`, `Bob opted out`.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::answer;
use super::fold::folded;
use super::silence::is_silent;
use super::vocabulary::{ACT, ASKED, OPT};
use super::{beside, is_plain_refusal, languages, title};
use crate::lately::Lately;
use crate::model::keyword::{is_keyword_in_capitals, unescaped};

/// Longer notes are somebody's letters.
const NOTE_BYTES_MAX: usize = 2_000;
/// Notes that a thread remembers.
const KNOWN_MAX: usize = 4_096;
/// A long note is read each time.
const KNOWN_BYTES_MAX: usize = 64;

/// Entries, folded, that say of a number that it reaches nobody, or nobody by a message, or nobody any more.
pub const DEAD: [&str; 64] = [
    "suppressed",
    "blacklist",
    "blocklist",
    "suppression",
    "blacklisted",
    "blocklisted",
    "bounced",
    "hardbounced",
    "undeliverable",
    "emailonly",
    "bajavoluntaria",
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
    "inmemoriam",
    "verstorben",
    "decede",
    "decedee",
    "fallecido",
    "fallecida",
    "deceduto",
    "overleden",
    "falschenummer",
    "festnetz",
    "landlineonly",
    "avliden",
    "avdod",
    "afdod",
    "kuollut",
    "zmarl",
    "zmarla",
    "zmarly",
    "zemrel",
    "zemrela",
    "elhunyt",
    "decedat",
    "decedata",
    "vefatetti",
    "умер",
    "умерла",
    "помер",
    "померла",
    "已過世",
    "已过世",
    "過世",
    "已故",
    "사망",
    "故人",
];

/// Entries, folded, that say what an entry above says, which nobody knows here.
pub const AS_ABOVE: [&str; 7] = ["ditto", "dito", "idem", "sameasabove", "asabove", "fromhereon", "sieheoben"];

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, bool, RandomState>> = RefCell::default();
    static LATELY: RefCell<Lately> = Lately::new();
}

/// Whether a cell refuses messages: as a whole, in one of its entries, or beside a name.
pub fn note_refuses(cell: &str) -> bool {
    #[cfg(test)]
    if super::silence::tests::NOTHING_IS_SILENT.get() {
        return is_heard_in(cell);
    }
    Lately::asked(&LATELY, cell, is_heard_in)
}

fn is_heard_in(cell: &str) -> bool {
    let has = Signs::of(cell);
    // An address is another one in each row, with words in it that may be anything.
    if has.at && is_mail_address(cell) {
        return false;
    }
    if has.escapes && unescaped(cell).is_some_and(|plain| plain != cell && note_refuses(&plain)) {
        return true;
    }
    if has.number && number_in_words(cell).is_some_and(|plain| note_refuses(&plain)) {
        return true;
    }
    if is_silent(cell) {
        return beside::refuses(cell) && !beside::is_harmless(cell);
    }
    // What has letters that make it sort last is never silent.
    if parted_from_sorting(cell).is_some_and(|parted| note_refuses(&parted)) {
        return true;
    }
    if let Some(known) = KNOWN.with_borrow(|known| known.get(cell).copied()) {
        return known;
    }
    let refuses = !beside::is_harmless(cell)
        && (is_plain_refusal(cell)
            || is_keyword_in_capitals(cell.trim())
            || (may_say_more(cell) && has_refusal(cell))
            || beside::refuses(cell)
            || languages::refuses(cell)
            || cell.trim() == "〃");
    KNOWN.with_borrow_mut(|known| {
        if cell.len() <= KNOWN_BYTES_MAX && known.len() < KNOWN_MAX {
            known.insert(cell.into(), refuses);
        }
    });
    refuses
}

/// Which signs a cell has, of those that make it something else than its words. Nearly no cell has one, and each cell of a sheet is
/// asked: so all of them are looked for at once.
#[derive(Default)]
struct Signs {
    at: bool,
    /// Of entities and escapes.
    escapes: bool,
    number: bool,
}

impl Signs {
    fn of(cell: &str) -> Signs {
        let mut has = Signs::default();
        for byte in cell.bytes() {
            has.at |= byte == b'@';
            has.escapes |= matches!(byte, b'&' | b'\\');
            has.number |= byte == b'#';
        }
        has
    }
}

/// A cell with the sign of a number in words: "wrong # per wife". Before a digit it is the sign of that digit.
fn number_in_words(cell: &str) -> Option<String> {
    let stands_alone = |at: usize| {
        let behind = &cell[at + 1..];
        !behind.starts_with(char::is_alphanumeric) && !behind.trim_start().starts_with(char::is_numeric)
    };
    let at = cell.match_indices('#').map(|(at, _)| at).find(|&at| stands_alone(at))?;
    Some(format!("{} number {}", &cell[..at], &cell[at + 1..]))
}

/// Whether a cell is an address of e-mail and nothing else.
pub fn is_mail_address(cell: &str) -> bool {
    let Some((name, host)) = cell.trim().split_once('@') else { return false };
    let is_of = |text: &str, signs: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || signs.contains(&byte))
    };
    is_of(name, b"._%+-") && is_of(host, b".-") && host.contains('.')
}

/// Whether there is anything to take apart: nearly all cells are a word or two without a date, an address of e-mail, or a number.
fn may_say_more(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    if bytes.len() > NOTE_BYTES_MAX {
        return false;
    }
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let (mut has_words, mut has_capitals, mut has_small) = (false, false, false);
    for two in bytes.windows(2) {
        has_words |= is_letter(&two[0]) && is_letter(&two[1]);
        has_capitals |= two[0].is_ascii_uppercase() && two[1].is_ascii_uppercase();
        has_small |= two[0] == b' ' && two[1].is_ascii_lowercase();
    }
    let has = |signs: &[u8]| bytes.iter().any(|byte| signs.contains(byte));
    let has_digits = || bytes.iter().any(u8::is_ascii_digit);
    let begins_alike = |dead: &str| {
        bytes.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case(&dead.as_bytes()[..3]))
            || bytes.get(1).is_some_and(|second| !second.is_ascii())
    };
    let has_name = || has_small && bytes.iter().any(u8::is_ascii_uppercase);
    has_words
        && (has(b"/:=_;!?\n")
            || has(b" ") && (has_capitals || has(b".") || has_digits() || has_name() || cell.contains(" by "))
            || has_capitals && (has(b"-") || bytes[0] == bytes[1])
            || DEAD.iter().chain(&AS_ABOVE).any(|entry| begins_alike(entry)))
}

fn has_refusal(cell: &str) -> bool {
    let dateless = without_dates(cell);
    let is_end = |char: char| matches!(char, '.' | '!' | '?' | ';' | '\n' | '/' | '。' | '！');
    let entries = dateless.split(is_end).map(|entry| entry.trim_matches(is_between)).filter(|entry| !entry.is_empty());
    is_plain_refusal(dateless.trim_matches(is_between))
        || entries.into_iter().any(entry_refuses)
        || dateless.split([';', '\n', ',', '|']).any(denies_a_question)
}

/// Whether somebody wrote down what was asked, and a no: `OK to SMS? N`, `consent=0`. A zero may count messages.
fn denies_a_question(entry: &str) -> bool {
    let Some((question, answer)) = entry.rsplit_once(['?', ':', '=']) else { return false };
    let (question, answer) = (question.replace('_', " "), answer.trim());
    let is_denied = answer::denies(answer) || ["n", "none"].contains(&folded(answer).as_str());
    let asks = if answer == "0" { ASKED | OPT } else { ASKED | OPT | ACT };
    is_denied && title::has_word(&question, asks) && !title::is_about_mail(&question)
}

fn entry_refuses(entry: &str) -> bool {
    let answer = entry.rsplit_once(['=', ':']).filter(|(_, answer)| answer.trim().eq_ignore_ascii_case("n"));
    is_plain_refusal(entry)
        || refuses_in_capitals(entry)
        || refuses_beside_a_name(entry)
        || refuses_before_its_cause(entry)
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
        if word.ends_with(['.', ';', ':', ',']) {
            kept.push(".");
        }
    }
    kept.join(" ")
}

/// Whether an entry is an opt-out word of messages in capitals (`QUIT`), or begins or ends in words in capitals that refuse
/// messages, beside others that are written as names are. What people put before a name so that it sorts last is no word: `zzSTOP`.
fn refuses_in_capitals(entry: &str) -> bool {
    let words: Vec<&str> = entry.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_')).map(unsorted).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let is_capital = |word: &&&str| {
        word.chars().filter(|char| char.is_alphabetic()).count() > 1 && !word.contains(char::is_lowercase)
    };
    let refuse = |words: &[&str]| is_plain_refusal(&words.join(" "));
    let first = words.iter().take_while(is_capital).count();
    let last = words.iter().rev().take_while(is_capital).count();
    // What begins a note may be the name of something else: "TPS report".
    let is_other = |words: &[&str]| OTHERWISE.contains(&folded(&words.concat()).as_str());
    let is_beside = |count: usize| words.len() > count && entry.contains(char::is_lowercase);
    let is_put_last = words.first().is_some_and(|word| !entry.trim_start().starts_with(word));
    is_keyword_in_capitals(entry)
        || words.len() < entry.split_whitespace().count() && refuse(&words)
        || is_put_last && (refuse(&words) || words.first().is_some_and(|first| DEAD.contains(&folded(first).as_str())))
        // The initials of who wrote it stand at its end.
        || (1..words.len()).any(|count| words[count..].concat().len() <= INITIALS_MAX && first == words.len() && refuse(&words[..count]))
        || is_beside(first) && (1..=first).any(|count| refuse(&words[..count]) && !is_other(&words[..count]))
        || is_beside(last) && (1..=last).any(|count| refuse(&words[words.len() - count..]))
}

/// Refusals in capitals, folded, that mean something else before other words.
const OTHERWISE: [&str; 3] = ["tps", "ctps", "rmv"];

/// Letters of the initials of a person.
const INITIALS_MAX: usize = 3;

/// What makes a word sort last, where there are at least two before it.
const SORTING: [char; 5] = ['z', 'Z', 'x', 'X', '~'];

/// A word without the letters before it that make it sort last.
fn unsorted(word: &str) -> &str {
    let rest = word.trim_start_matches(SORTING);
    if word.len() - rest.len() > 1 { rest } else { word }
}

/// A note without these, where some word has them: `zzDeceased Fred`, `zz_OptOut`. Nearly all tell at once that none has.
fn parted_from_sorting(cell: &str) -> Option<String> {
    let is_one = |byte: u8| SORTING.contains(&char::from(byte));
    let begins = |at: usize| at == 0 || !cell.as_bytes()[at - 1].is_ascii_alphanumeric();
    if !cell.as_bytes().windows(2).enumerate().any(|(at, two)| is_one(two[0]) && is_one(two[1]) && begins(at)) {
        return None;
    }
    let parted: Vec<&str> =
        cell.split_whitespace().map(|word| unsorted(word).trim_start_matches(['_', '-', '.'])).collect();
    Some(parted.join(" ")).filter(|parted| parted != cell && !parted.is_empty())
}

/// Whether an entry refuses messages but for the name before it or behind it: `Bob opted out`, `opt out JB`. A bus stop has a
/// name, too.
fn refuses_beside_a_name(entry: &str) -> bool {
    let words: Vec<&str> = entry.split_whitespace().collect();
    let is_name = |word: &&&str| word.starts_with(char::is_uppercase);
    let (before, behind) = (words.iter().take_while(is_name).count(), words.iter().rev().take_while(is_name).count());
    let refuse = |words: &[&str]| {
        let entry = words.join(" ");
        let word = folded(&entry);
        is_plain_refusal(&entry) && word != "stop" && !OTHERWISE.contains(&word.as_str())
    };
    before < words.len()
        && (before > 0 && refuse(&words[before..]) || behind > 0 && refuse(&words[..words.len() - behind]))
}

/// Whether an entry refuses messages up to where it says how that came: `unsubscribed by HubSpot`.
fn refuses_before_its_cause(entry: &str) -> bool {
    const CAUSES: [&str; 8] = [" by ", " via ", " per ", " through ", " due to ", " because ", " am ", " durch "];
    CAUSES.iter().any(|cause| entry.split_once(cause).is_some_and(|(refusal, _)| is_plain_refusal(refusal)))
}

#[cfg(test)]
mod tests;
