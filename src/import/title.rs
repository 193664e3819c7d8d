//! What a title says of the rows below it: the name of a file, a line above the headings, a line between two rows. A list of
//! those who want no messages is often numbers alone, and the title says what they are.

use std::sync::LazyLock;

use super::columns::names::fold;
use super::send::plain_refusal::is_plain_refusal;
use super::send::vocabulary::{ENDS, OUT, sense};
use crate::model::phone::PHONE_DIGITS_MIN;

/// Parts of words that speak of an end, wherever they stand in a title without its blanks.
static PARTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("title.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});
/// Whole words of a title: "stop" is a word of "STOP replies", not of "stopover".
const WORDS: [&str; 16] = [
    "stops",
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
];
/// Words of a title that are looked at together.
const TOGETHER_MAX: usize = 4;
/// Headings of the file of those whom Mailchimp does not write to any more.
const HEADINGS: [&str; 3] = ["cleantime", "cleancampaigntitle", "cleancampaignid"];

/// Whether a title says that what stands below it may be of people who want no messages, or of numbers that do not exist.
pub fn speaks_of_an_end(title: &str) -> bool {
    let words = words(title);
    let joined = words.concat();
    let ends =
        |word: &String| WORDS.contains(&word.as_str()) || sense(word).is_some_and(|sense| sense & (OUT | ENDS) != 0);
    let refuse = |some: usize| words.windows(some).any(|words| is_plain_refusal(&words.join(" ")));
    PARTS.iter().any(|part| joined.contains(part)) || words.iter().any(ends) || (2..=TOGETHER_MAX).any(refuse)
}

/// The same of the name of a file, whatever its extension.
pub fn file_speaks_of_an_end(name: &str) -> bool {
    speaks_of_an_end(name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}

/// Whether a heading is one of a file that has nobody else.
pub fn is_of_an_end(heading: &str) -> bool {
    HEADINGS.contains(&fold(heading).as_str())
}

/// The title that a row is, if it speaks of an end: a text that stands alone, and is nobody's number.
pub fn of_section<'c>(cells: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let mut filled = cells.map(str::trim).filter(|cell| !cell.is_empty());
    let title = filled.next().filter(|_| filled.next().is_none())?;
    let is_number = title.chars().filter(|char| char.is_numeric()).count() >= PHONE_DIGITS_MIN;
    (!is_number && speaks_of_an_end(title)).then_some(title)
}

/// The words of a name, folded, however they are joined: `opt_outs`, `OptOuts2024`.
fn words(name: &str) -> Vec<String> {
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
    words.iter().map(|word| fold(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_that_are_asked_about() {
        for name in [
            "sms_opt_outs_2024.csv",
            "OptOuts2024.csv",
            "opted-out.ndjson",
            "blacklist.csv",
            "Black List.txt",
            "DNC list.csv",
            "do not call.csv",
            "Don't text.csv",
            "unsubscribed_members_export_ab12.csv",
            "cleaned_members_export_ab12.csv",
            "suppression-list.csv",
            "bounces.csv",
            "STOP replies.csv",
            "stoplist.csv",
            "wrong_numbers.csv",
            "removed.csv",
            "leavers 2024.csv",
            "no-sms.csv",
            "spring 2024 no-sms customers.csv",
            "Cancellations.csv",
            "Abmeldungen.csv",
            "schwarze Liste.csv",
            "Kündigungen.csv",
            "Keine Werbung.csv",
            "désabonnés.csv",
            "liste rouge.csv",
            "Ne pas contacter.csv",
            "disiscritti.csv",
            "bajas mayo.csv",
            "cancelados.csv",
            "descadastrados.csv",
            "uitschrijvingen.csv",
            "avregistrerade.csv",
            "opt-ut.csv",
            "wypisani.csv",
            "отписавшиеся.csv",
            "чёрный список.csv",
            "退订名单.csv",
            "수신거부 명단.csv",
        ] {
            assert!(file_speaks_of_an_end(name), "{name}");
        }
        for name in [
            "contacts.csv",
            "stopover.csv",
            "Stopford.csv",
            "subscribed_members_export.csv",
            "standard input",
            "optical.csv",
            "customers march 2024.csv",
            "sms_optins.csv",
            "VIP numbers.csv",
            "rejects.csv",
            "Kunden Berlin.csv",
            "",
        ] {
            assert!(!file_speaks_of_an_end(name), "{name}");
        }
        assert!(is_of_an_end("CLEAN_TIME") && !is_of_an_end("phone"));
    }

    #[test]
    fn a_row_between_rows_can_be_a_title() {
        for cells in [
            &["Unsubscribed:", ""][..],
            &["# unsubscribed"],
            &["", "Opted out contacts", ""],
            &["--- STOP ---"],
            &["Do not text (12)"],
        ] {
            let title = of_section(cells.iter().copied());
            assert!(title.is_some_and(|title| cells.contains(&title)), "{cells:?}");
        }
        for cells in [
            &["+14155550101"][..],
            &["+14155550101", "unsubscribed"],
            &["unsubscribed", "4155550101"],
            &["Ada", "unsubscribed"],
            &["Active:", ""],
            &["Ada"],
            &["12", "unsubscribed"],
            &["12"],
            &["", ""],
        ] {
            assert_eq!(of_section(cells.iter().copied()), None, "{cells:?}");
        }
    }
}
