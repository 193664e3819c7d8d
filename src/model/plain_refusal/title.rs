//! The words of a title that say that what stands below it may be of people who want no messages: the name of a file, of a list
//! or of a group, a line above the rows.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

use super::answer::{NO, YES};
use super::denial::Denial;
use super::expiry::is_of_an_end_of_consent;
use super::fold::folded;
use super::is_plain_refusal;
use super::vocabulary::{ENDS, MAIL, NOT, OPT, OUT, PHONE, Sense, sense};
use crate::model::failure::Failure;

/// Parts of words that speak of an end, wherever they stand in a title without its blanks.
static PARTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("title.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});
/// Whole words of a title: "stop" is a word of "STOP replies", not of "stopover".
const WORDS: [&str; 27] = [
    "spam",
    "junk",
    "stops",
    "quit",
    "exit",
    "dnc",
    "dnd",
    "dncl",
    "tps",
    "bad",
    "dead",
    "left",
    "gone",
    "bajas",
    "baja",
    "iptal",
    "ret",
    "rezygnacje",
    "nix",
    "arret",
    "terminated",
    "termination",
    "muted",
    "hold",
    "rtbf",
    "zakaz",
    "чс",
];
/// Words of names of groups, folded, of those to whom nobody writes; and whole names of some.
const GRAVE_WORDS: [&str; 31] = [
    "graveyard",
    "cemetery",
    "morgue",
    "deadpool",
    "trash",
    "trashed",
    "dnt",
    "dns",
    "dnm",
    "rip",
    "dropouts",
    "quitters",
    "friedhof",
    "papierkorb",
    "mull",
    "corbeille",
    "cimetiere",
    "papelera",
    "basura",
    "cementerio",
    "cestino",
    "cimitero",
    "lixeira",
    "lixo",
    "prullenbak",
    "kosz",
    "корзина",
    "кладбище",
    "ごみ箱",
    "回收站",
    "휴지통",
];
const GRAVES: [&str; 16] = [
    "donotuse",
    "dontuse",
    "notinuse",
    "bin",
    "recyclebin",
    "garbage",
    "archive",
    "archived",
    "karteileichen",
    "karteileiche",
    "neveragain",
    "exclients",
    "excustomers",
    "exmembers",
    "skip",
    "nottotext",
];
/// Words of titles before what is not there, folded; and words for what was done so that it is not.
const WITHOUT: [&str; 38] = [
    "without",
    "minus",
    "less",
    "except",
    "excluding",
    "excl",
    "excludes",
    "scrubbed",
    "scrub",
    "cleaned",
    "cleansed",
    "filtered",
    "against",
    "vs",
    "ohne",
    "bereinigt",
    "abzuglich",
    "sans",
    "hors",
    "sauf",
    "sin",
    "menos",
    "salvo",
    "sem",
    "senza",
    "tranne",
    "zonder",
    "utan",
    "uden",
    "uten",
    "bez",
    "ilman",
    "fara",
    "без",
    "χωρίς",
    "除外",
    "不含",
    "제외",
];
/// Parts of words that ask why, by whom or whence, folded.
const CAUSES: [&str; 31] = [
    "reason",
    "because",
    "source",
    "origin",
    "ticket",
    "campaign",
    "comment",
    "grund",
    "ursache",
    "quelle",
    "raison",
    "motif",
    "motiv",
    "causa",
    "fuente",
    "reden",
    "arsag",
    "anledning",
    "powod",
    "duvod",
    "indok",
    "neden",
    "причин",
    "λογος",
    "razlog",
    "alasan",
    "lydo",
    "原因",
    "理由",
    "사유",
    "سبب",
];
/// The same as whole words.
const SHORT_CAUSES: [&str; 5] = ["by", "via", "why", "from", "how"];
/// Digits of the codes with which providers tell why a message failed.
const CODE_DIGITS: usize = 5;
/// Characters that the name of a file ends in, behind its point.
const ENDING_MAX: usize = 6;
/// Parts of headings, folded, that speak of an end where a yes or a date stands below them. As the name of a file they could be of
/// anything: a block of houses, a day on which something ended.
const HEADINGS: [&str; 36] = [
    "unenrol",
    "disenrol",
    "banned",
    "smsblock",
    "smsended",
    "textended",
    "tcpaflag",
    "dateofdeath",
    "deathdate",
    "npai",
    "opzegdatum",
    "reservasj",
    "saida",
    "cikis",
    "engellen",
    "tilto",
    "blokov",
    "blokir",
    "odvolan",
    "блок",
    "αποκλεισμ",
    "บล็อก",
    "chặn",
    "ngayhủy",
    "ブラックリスト",
    "停用",
    "解約",
    "탈퇴",
    "objected",
    "bezwaar",
    "відмов",
    "hủy",
    "batal",
    "retras",
    "atteik",
    "otkazan",
];
/// The same as whole words.
const HEADING_WORDS: [&str; 3] = ["block", "ended", "不可"];
/// Words of headings that speak of an end where nothing else stands beside them but `BESIDE_AN_END`: what was rejected may have been
/// an offer.
const LONE_ENDS: [&str; 12] = [
    "oo", "rejected", "tolak", "recesso", "opsagt", "lemondas", "sortie", "salida", "torolve", "sters", "silindi",
    "exited",
];
/// Words of headings that say which end, or that there is one, and nothing else.
const BESIDE_AN_END: [&str; 17] = [
    "sms", "text", "texts", "last", "date", "is", "has", "was", "flag", "dm", "from", "list", "de", "fecha", "data",
    "datum", "dato",
];
/// Words of a title that are looked at together.
const TOGETHER_MAX: usize = 4;

/// Titles that a thread remembers, such as the sources of rows, and how long they are at most.
const KNOWN_MAX: usize = 1_000;
const KNOWN_BYTES_MAX: usize = 128;

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, bool, RandomState>> = RefCell::default();
}

/// Whether the name of a file says so of its rows, whatever its extension.
pub fn file_speaks_of_an_end(name: &str) -> bool {
    speaks_of_an_end(stem(name))
}

/// The name of a file without its extension.
pub fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Whether a text is the name of a file that says so.
pub fn is_file_of_an_end(text: &str) -> bool {
    let is_ending =
        |ending: &str| (2..=ENDING_MAX).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric());
    text.rsplit_once('.').is_some_and(|(stem, ending)| is_ending(ending) && speaks_of_an_end(stem))
}

/// Whether a title may say that those are not among the rows of whom it speaks: "customers minus optouts", "ohne Abmeldungen".
pub fn says_without(title: &str) -> bool {
    let words = words(title);
    let is_one = |word: &String| {
        WITHOUT.contains(&word.as_str()) || WITHOUT.iter().any(|part| !part.is_ascii() && word.contains(part))
    };
    words.iter().any(is_one) || words.windows(2).any(|two| two[0] == "w" && two[1] == "o")
}

/// Whether a heading is about e-mail alone.
pub fn is_about_mail(heading: &str) -> bool {
    has_word(heading, MAIL) && !has_word(heading, PHONE)
}

/// Whether a heading has a word of such a sense.
pub fn has_word(heading: &str, sense_of: Sense) -> bool {
    words(heading).iter().any(|word| sense(word).is_some_and(|sense| sense & sense_of != 0))
}

/// Whether the name of a group, or of the rows below it, says so: it is where people put those to whom nobody writes.
pub fn group_speaks_of_an_end(name: &str) -> bool {
    let words = words(name);
    let joined = words.concat();
    GRAVES.contains(&joined.as_str())
        || words.iter().any(|word| GRAVE_WORDS.contains(&word.as_str()))
        || speaks_of_an_end(name)
}

/// Whether a title says that what stands below it may be of people who want no messages, or of numbers that do not exist.
pub fn speaks_of_an_end(title: &str) -> bool {
    if let Some(known) = KNOWN.with_borrow(|known| known.get(title).copied()) {
        return known;
    }
    let speaks = reads_as_end(title);
    KNOWN.with_borrow_mut(|known| {
        if title.len() <= KNOWN_BYTES_MAX && known.len() < KNOWN_MAX {
            known.insert(title.into(), speaks);
        }
    });
    speaks
}

/// Whether a heading asks how or when somebody signed up: "Opt-In Method".
pub fn is_of_an_opt_in(heading: &str) -> bool {
    let words = words(heading);
    let opts_in = words.windows(2).any(|two| two[0].starts_with("opt") && two[1] == "in");
    (opts_in || words.iter().any(|word| word == "optin" || word == "signup"))
        && !words.iter().any(|word| sense(word).is_some_and(|sense| sense & (NOT | OUT | ENDS) != 0))
}

/// Whether a heading says so where a yes or a date stands below it.
pub fn heading_speaks_of_an_end(heading: &str) -> bool {
    if is_of_an_end_of_consent(heading) {
        return true;
    }
    if is_of_an_opt_in(heading) {
        return false;
    }
    if Denial::of(heading).is_some() {
        return true;
    }
    let words = words(heading);
    let joined = words.concat();
    HEADINGS.iter().any(|part| joined.contains(part))
        || is_lone_end(&words)
        || words.iter().any(|word| HEADING_WORDS.iter().any(|end| word == end || !end.is_ascii() && word.contains(end)))
        || speaks_of_an_end(heading)
}

/// Whether a heading says that somebody left and nothing else: `left_on`, `last_stop`, `sms_block`. Then a 1 or a date below it
/// says it as well. What was cancelled may have been an order.
pub fn is_only_of_an_end(heading: &str) -> bool {
    let words = words(heading);
    let is_end = |word: &String| {
        WORDS.contains(&word.as_str())
            || word == "stop"
            || HEADING_WORDS.contains(&word.as_str())
            || HEADINGS.iter().any(|part| word.contains(part))
    };
    let is_beside =
        |word: &String| BESIDE_AN_END.contains(&word.as_str()) || ["on", "at", "since"].contains(&word.as_str());
    words.iter().any(is_end) && words.iter().all(|word| is_end(word) || is_beside(word))
        || is_lone_end(&words)
        || words.concat().contains("karaliste")
}

fn is_lone_end(words: &[String]) -> bool {
    let is_end = |word: &String| LONE_ENDS.contains(&word.as_str());
    words.iter().any(is_end) && words.iter().all(|word| is_end(word) || BESIDE_AN_END.contains(&word.as_str()))
}

/// Whether a title has a plain refusal among its words, and not one that it denies: whatever stands below speaks of one who left.
pub fn speaks_of_a_refusal(title: &str) -> bool {
    let mut words = words(&unanswered(title));
    without_negated(&mut words);
    words.iter().any(|word| word != "stop" && sense(word).is_some_and(|sense| sense & OUT != 0 && sense & ENDS == 0))
        || has_plain_refusal(&words)
}

/// Whether a title asks why, by whom or whence.
pub fn is_of_causes(title: &str) -> bool {
    let words = words(title);
    let joined = words.concat();
    CAUSES.iter().any(|part| joined.contains(part)) || words.iter().any(|word| SHORT_CAUSES.contains(&word.as_str()))
}

/// Whether several words in a row are one.
fn has_plain_refusal(words: &[String]) -> bool {
    (2..=TOGETHER_MAX).any(|some| words.windows(some).any(|words| is_plain_refusal(&words.join(" "))))
}

fn reads_as_end(title: &str) -> bool {
    let mut words = words(&unanswered(title));
    without_negated(&mut words);
    let joined = words.concat();
    let ends =
        |word: &String| WORDS.contains(&word.as_str()) || sense(word).is_some_and(|sense| sense & (OUT | ENDS) != 0);
    let mut numbers = title.split(|char: char| !char.is_ascii_digit());
    // "twilio 21610": those to whom messages failed for good.
    let has_code = numbers.any(|number| number.len() == CODE_DIGITS && Failure::of("", number, None).forbids());
    has_code || PARTS.iter().any(|part| joined.contains(part)) || words.iter().any(ends) || has_plain_refusal(&words)
}

/// Takes out what a title says that there is not: "no opt-outs".
fn without_negated(words: &mut Vec<String>) {
    let is =
        |word: Option<&String>, of: Sense| word.is_some_and(|word| sense(word).is_some_and(|sense| sense & of != 0));
    let mut at = 0;
    while at < words.len() {
        let (next, last) = (words.get(at + 1), words.get(at + 2));
        let negated = match is(words.get(at), NOT) {
            true if is(next, OUT) => 2,
            true if is(next, OPT) && last.is_some_and(|word| word.starts_with("out")) => 3,
            _ => 0,
        };
        words.drain(at..at + negated);
        at += usize::from(negated == 0);
    }
}

/// A heading without the answers that it asks for: `Consent (yes/no)` is about a consent, and no refusal.
pub fn unanswered(heading: &str) -> Cow<'_, str> {
    // Nearly all have none.
    if !heading.contains(['/', '|', '(', '_', ' ']) {
        return Cow::Borrowed(heading);
    }
    let mut words = words(heading);
    let is = |word: &String, some: &[&str]| some.contains(&word.as_str());
    let asks = |two: &[String]| is(&two[0], &YES) && (is(&two[1], &NO) || two[1] == "ne");
    match words.windows(2).position(asks).filter(|_| words.len() > 2) {
        Some(at) => {
            words.drain(at..at + 2);
            Cow::Owned(words.join(" "))
        }
        None => Cow::Borrowed(heading),
    }
}

/// The words of a name, folded, however they are joined: `opt_outs`, `OptOuts2024`.
pub fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for char in name.chars().filter(|char| !matches!(char, '\'' | '’')) {
        let begins = after_small && char.is_uppercase();
        after_small = char.is_lowercase();
        if !char.is_alphabetic() || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char.is_alphabetic()) {
            word.push(char);
        }
    }
    words.retain(|word| !word.is_empty());
    words.iter().map(|word| folded(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_may_say_who_is_not_there() {
        for title in
            ["customers (minus optouts)", "scrubbed against DNC", "list w/o stops", "ohne Abmeldungen", "sin bajas"]
        {
            assert!(says_without(title), "{title}");
        }
        for title in ["optouts", "Withoutabox", "DNC list", "Single bajas", ""] {
            assert!(!says_without(title), "{title}");
        }
    }
}
