//! What a title says of the rows below it: the name of a file, a line above the headings, a line between two rows. A list of
//! those who want no messages is often numbers alone, and the title says what they are.
//!
//! Of a line between rows the words do not matter: any is asked about. A file in which no column says who consented is asked
//! about unless each word of its name is one that says nothing. Of other files the rows speak for themselves, and only a name
//! that speaks of an end is asked about: whoever must sign every name reads none.

use std::sync::LazyLock;

use super::columns::field::Field;
use super::columns::names::{fold, known};
use crate::model::blank::is_blank;
use crate::model::keyword::is_unspaced;
use crate::model::phone::PHONE_DIGITS_MIN;
use crate::model::plain_refusal::answer::{is_no, is_yes_in_words};
pub use crate::model::plain_refusal::title::is_of_an_opt_in;
pub use crate::model::plain_refusal::title::{file_speaks_of_an_end, is_about_mail, speaks_of_an_end};
use crate::model::plain_refusal::title::{has_word, stem, words};
use crate::model::plain_refusal::vocabulary::{ACT, ASKED, ENDS, NOT, OPT, OUT, PHONE};
use crate::model::plain_refusal::{NO_SIGNS, is_plain_refusal, note_refuses};

/// Parts of words of headings that speak of consent.
const CONSENT: [&str; 25] = [
    "sms",
    "consen",
    "einwillig",
    "zustimm",
    "erlaub",
    "gdpr",
    "dsgvo",
    "rgpd",
    "lgpd",
    "permi",
    "allow",
    "accept",
    "agree",
    "zgod",
    "souhlas",
    "hozzajarul",
    "samtyk",
    "suostum",
    "toestem",
    "соглас",
    "同意",
    "許可",
    "동의",
    "onay",
    "izni",
];
/// So many letters make a word: 退会.
const WORD_LETTERS_MIN: usize = 2;
/// So many words that nobody knows are no name any more; in scripts without blanks between words, so many signs.
const SENTENCE_WORDS_MIN: usize = 4;
const SENTENCE_SIGNS_MIN: usize = 8;
/// What stands between a mark and what it means. A colon and a dash stand in names, too.
const MEANS: [&str; 3] = ["=", "→", "->"];
/// Longer marks beside names are words.
pub const MARK_CHARS_MAX: usize = 3;
/// Headings of the file of those whom Mailchimp does not write to any more.
const HEADINGS: [&str; 3] = ["cleantime", "cleancampaigntitle", "cleancampaignid"];

/// Words of names that say nothing of who wants messages.
static NEUTRAL: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("neutral.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// Whether each word of a file's name is known to say nothing of those who want no messages, however the words are joined.
pub fn is_neutral(name: &str) -> bool {
    fn is_of_words(text: &str) -> bool {
        text.is_empty() || NEUTRAL.iter().any(|word| text.strip_prefix(word).is_some_and(is_of_words))
    }
    // Programs put the id of the export behind the name: members_export_abc123.
    let is_id = |part: &&str| {
        part.len() > 5 && part.contains(|c: char| c.is_ascii_digit()) && part.chars().all(|c| c.is_ascii_hexdigit())
    };
    let parts: Vec<&str> = stem(name).split(|c: char| !c.is_alphanumeric()).filter(|part| !is_id(part)).collect();
    words(&parts.join(" ")).iter().all(|word| word.chars().nth(1).is_none() && word.is_ascii() || is_of_words(word))
}

/// Whether a title above the headings says more than the name of a table: a sentence, or what a mark means. It may be of those who
/// want no messages, in any words: "the names in capitals have left us", "[x]: ausgetreten".
pub fn explains(title: &str) -> bool {
    let unknown: Vec<String> = words(title).into_iter().filter(|word| !is_neutral(word)).collect();
    let in_unspaced = unknown.iter().flat_map(|word| word.chars()).filter(|char| is_unspaced(*char)).count();
    let brackets = title.split(['(', '[', '{', '"', '«', '“', '„']).skip(1);
    let names_a_mark = brackets.filter_map(|inside| inside.split([')', ']', '}', '"', '»', '”', '“']).next());
    !unknown.is_empty()
        && (unknown.len() >= SENTENCE_WORDS_MIN
            || in_unspaced >= SENTENCE_SIGNS_MIN
            || MEANS.iter().any(|means| title.contains(means))
            || names_a_mark.into_iter().any(|mark| (1..=MARK_CHARS_MAX).contains(&mark.trim().chars().count())))
}

/// Whether a heading is one of a file that has nobody else.
pub fn is_of_an_end(heading: &str) -> bool {
    HEADINGS.contains(&fold(heading).as_str())
}

/// Whether a heading has a word that people use when they allow or refuse messages.
pub fn speaks_of_consent(heading: &str) -> bool {
    let joined = words(heading).concat();
    has_word(heading, OUT | NOT | ACT | ASKED | PHONE | ENDS | OPT) || CONSENT.iter().any(|part| joined.contains(part))
}

/// What stands in a row that is no row but a title, or headings again, whatever their words. Nothing in it is a number, and
/// - it stands alone, or in less than half of the `columns`, or beside a count where the phones are in half of them;
/// - or words stand where the phones are (`is_of_phones`), and no digit is in the row, or one is in those words (`2 contacts`, `Phone
///   2`), or they speak of an end, or are a heading of phones;
/// - or each cell is a refusal, or one is and the others say nothing beside it: a number of a list, a date, a count, a yes.
///   What answers a question (`is_of_answers`) is said of its row alone.
pub fn of_section<'c>(
    cells: impl Iterator<Item = (usize, &'c str)> + Clone,
    columns: usize,
    is_of_phones: impl Fn(usize) -> bool,
    is_of_answers: impl Fn(usize) -> bool,
) -> Option<&'c str> {
    // Signs alone are a line that somebody drew, but for those of a no.
    let is_said = |cell: &str| cell.contains(|char: char| char.is_alphanumeric() || NO_SIGNS.contains(&char));
    let filled = cells.map(|(at, cell)| (at, cell.trim())).filter(|(_, cell)| is_said(cell));
    let many = filled.clone().count();
    // One letter is no word, but a title where nothing stands beside it.
    let is_mark = |cell: &str| !cell.contains(char::is_numeric);
    let is_title = |cell: &str| (is_text(cell) || many == 1 && is_mark(cell)) && !is_blank(cell);
    let (_, title) = filled.clone().find(|(_, cell)| is_title(cell))?;
    // "415 555 0101 - wrong number", where phones stand, is somebody's row.
    let has_phone = |(at, cell): (usize, &str)| is_number(cell) || is_of_phones(at) && has_digits_of_phone(cell);
    if filled.clone().any(has_phone) {
        return None;
    }
    let in_place = filled.clone().find(|&(at, cell)| is_of_phones(at) && is_title(cell)).map(|(_, cell)| cell);
    let has_digits = || filled.clone().any(|(_, cell)| cell.contains(char::is_numeric));
    let heads_phones = |words: &str| matches!(known(words), Some((Field::Phone, _)));
    let are_headings = in_place
        .is_some_and(|words| !has_digits() || has_few_digits(words) || speaks_of_an_end(words) || heads_phones(words));
    let is_count = |(at, cell): (usize, &str)| is_of_phones(at) && !is_text(cell);
    let is_counted = || {
        many == 2
            && many * 2 <= columns
            && (filled.clone().any(is_count)
                || in_place.is_some() && filled.clone().any(|(_, cell)| says_nothing(cell)))
    };
    let refuses = |cell: &str| {
        is_plain_refusal(cell) || is_text(cell) && (is_short(cell) && speaks_of_an_end(cell) || note_refuses(cell))
    };
    let are_refusals = || {
        many > 1
            && filled.clone().all(|(_, cell)| refuses(cell) || says_nothing(cell))
            && (filled.clone().all(|(_, cell)| refuses(cell))
                || filled.clone().any(|(at, cell)| refuses(cell) && !is_of_answers(at)))
    };
    (many == 1 || many * 2 < columns || is_counted() || are_headings || are_refusals())
        .then_some(in_place.unwrap_or(title))
}

/// Whether a digit stands in a cell, and fewer than a phone has.
fn has_few_digits(cell: &str) -> bool {
    (1..PHONE_DIGITS_MIN).contains(&cell.chars().filter(|char| char.is_numeric()).count())
}

/// Words of a title that stands in one cell.
const TITLE_WORDS_MAX: usize = 4;

fn is_short(cell: &str) -> bool {
    cell.split_whitespace().nth(TITLE_WORDS_MAX).is_none()
}

/// Whether a cell beside a title says nothing of anybody: a blank, a yes or a no, a date, a count, a letter or a number that is no
/// phone.
fn says_nothing(cell: &str) -> bool {
    letters(cell) < WORD_LETTERS_MIN && !is_number(cell)
        || has_few_digits(cell) && is_short(cell)
        || is_blank(cell)
        || begins_with_a_date(cell)
        || is_no(cell)
        || is_yes_in_words(cell)
}

/// Whether a cell has a word in it, and not the digits of a phone. `1.4E+10` is a number that was damaged.
pub fn is_text(cell: &str) -> bool {
    letters(cell) >= WORD_LETTERS_MIN && !is_number(cell)
}

/// Whether a cell has the digits of a phone, and more of them than letters. Those of a date do not count.
pub fn is_number(cell: &str) -> bool {
    has_digits_of_phone(cell) && digits_without_dates(cell) > letters(cell)
}

fn has_digits_of_phone(cell: &str) -> bool {
    let digits = || cell.chars().filter(|char| char.is_numeric());
    // Nearly no cell has so many. Zeros are nobody's number.
    digits().nth(PHONE_DIGITS_MIN - 1).is_some()
        && digits().any(|digit| digit != '0')
        && digits_without_dates(cell) >= PHONE_DIGITS_MIN
}

fn digits_without_dates(cell: &str) -> usize {
    let words = cell.split_whitespace().filter(|word| !is_date(word));
    words.flat_map(str::chars).filter(|char| char.is_numeric()).count()
}

fn letters(cell: &str) -> usize {
    cell.chars().filter(|char| char.is_alphabetic()).count()
}

/// Whether a cell is a date, perhaps with a time behind it.
pub fn begins_with_a_date(cell: &str) -> bool {
    cell.starts_with(|char: char| char.is_ascii_digit())
        && is_date(cell.split([' ', 'T', ',']).next().unwrap_or_default())
}

/// `2024-05-01`, `1.5.2024`, `01/05/24`.
pub fn is_date(word: &str) -> bool {
    let word = word.trim_matches(|char: char| !char.is_ascii_digit());
    let parts: Vec<&str> = word.split(['-', '.', '/']).collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && matches!(lengths[..], [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 2 | 4])
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
            "Inactive.csv",
            "GDPR-erasure.csv",
            "landlines.csv",
            "verstorben.csv",
            "nosms.csv",
            "quit.csv",
            "退会者.csv",
            "no opt-outs, unsubscribed.csv",
            "twilio_21610.csv",
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
            "nonstop.csv",
            "no opt-outs.csv",
            "customers without optouts.csv",
            "opted in.csv",
            "",
        ] {
            assert!(!file_speaks_of_an_end(name), "{name}");
        }
        for name in [
            "contacts.csv",
            "Contacts (2).csv",
            "subscribed_members_export_2024-05-01.csv",
            "KundenListe.csv",
            "customers March 2024.xlsx",
            "客户名单.csv",
            "standard input",
            "opted-in.csv",
            "2024.csv",
            "members_export_abc123.csv",
            "mailing list.csv",
        ] {
            assert!(is_neutral(name), "{name}");
        }
        for name in ["graveyard.csv", "Abgänge.csv", "former customers.csv", "do_not_use.csv", "x-contacts-nope.csv"] {
            assert!(!is_neutral(name), "{name}");
        }
        assert!(is_of_an_end("CLEAN_TIME") && !is_of_an_end("phone"));
    }

    #[test]
    fn a_title_that_says_more_than_a_name() {
        for title in [
            "Los que llevan (x) pidieron salirse,,",
            "Anyone in square brackets has gone for good",
            "Grossgeschriebene sind ausgetreten und wollen nichts",
            "Hedgehog Rescue Friends 2025   * = post only please",
            "A = with us; B = parted ways",
            "Riverside Gym members (text only the ones without a star)",
            "×印の方は退会されました",
            "rot -> weg",
            "\"Names with \"\"~\"\" parted\"",
        ] {
            assert!(explains(title), "{title}");
        }
        for title in [
            "Fitwell Studio - member contacts - updated 1 Oct 2026,,",
            "Grace Church phone list",
            "Bella's Salon: client list (March 2026)",
            "Members = 2026",
            "客户名单",
            "Report, of all",
            "",
        ] {
            assert!(!explains(title), "{title}");
        }
    }

    #[test]
    fn a_row_between_rows_can_be_a_title() {
        for cells in [
            &["Unsubscribed:", ""][..],
            &["# unsubscribed"],
            &["", "Ausgetreten", ""],
            &["退会"],
            &["Do not text (12)"],
            &["Inactive since 2024-01-15", "", ""],
            &["Ausgetreten 15.01.2024", "2024", "", "", ""],
            &["-", "Active:", ""],
            &["DNC 2024"],
            &["GDPR 2024-01-15", ""],
            &["X", "", ""],
            &["", "❌", "-"],
        ] {
            let title = of_section(cells.iter().copied().enumerate(), cells.len(), |_| false, |_| false);
            assert!(title.is_some_and(|title| cells.contains(&title)), "{cells:?}");
        }
        for cells in [
            &["phone", "opted_out"][..],
            &["Telefono", "Stato", "Nome"],
            &["Unsubscribed", "2"],
            &["STOP list", "May 2024"],
            &["OPTED OUT", "OPTED OUT", "OPTED OUT"],
            &["", "OPTED OUT", "OPTED OUT"],
            &["2024-10-01", "Unsubscribed", ""],
            &["10/01/2024", "opted out", "3"],
            &["2)", "Stopped", ""],
            &["", "Opt-outs:", "no"],
            &["", "STOP list", "x"],
            &["A", "Unsubscribed", "yes"],
            &["N/A", "Unsubscribed", "N/A"],
            &["0000000000", "UNSUBSCRIBED", "yes"],
            &["2 contacts", "Unsubscribed", ""],
            &["Count: 2", "Removed", "50%"],
            &["as of 2024", "Declined", ""],
            &["Sheet2", "Old list", "Reno"],
            &["Phone 2", "Name", "Unsubscribed"],
            &["Phone", "Opted out (3)", "SMS Consent", "City"],
            &["Mobile", "STOP 5/1", "Consent", "Town"],
            &["2", "Not these", "", ""],
            &["Off", "2", "", ""],
            &["", "Unsubscribed", "2 contacts"],
            &["", "The following asked to stop", "2024-05-01", ""],
        ] {
            assert!(
                of_section(cells.iter().copied().enumerate(), cells.len(), |at| at == 0, |_| false).is_some(),
                "{cells:?}"
            );
        }
        for cells in [
            &["see note", "Ada", "12 Main St"][..],
            &["", "Ada", "unsubscribed"],
            &["n/a", "Ada"],
            &["555", "Ada", "Rome"],
            &["", "Ada", "2024-05-01", ""],
            &["call 415 555 0101 and ask for her", "Ada", "Rome"],
        ] {
            assert_eq!(
                of_section(cells.iter().copied().enumerate(), cells.len(), |at| at == 0, |_| false),
                None,
                "{cells:?}"
            );
        }
        for cells in [
            &["+14155550101"][..],
            &["mobile: 415 555-0101", "", ""],
            &["12 34 56 78", "", ""],
            &["+14155550101", "unsubscribed"],
            &["Ada", "unsubscribed"],
            &["Ada", "", "Rome"],
            &["Ada", "Rome", "", ""],
            &["", ""],
            &["-", "N/A"],
            &["n/a", "Ada"],
            &["1.4E+10", "", ""],
            &["12", "", ""],
            &["--", "", ""],
        ] {
            assert_eq!(
                of_section(cells.iter().copied().enumerate(), cells.len(), |_| false, |_| false),
                None,
                "{cells:?}"
            );
        }
    }
}
