//! What stands in the cell of a phone: its number, and what people write beside one.

use std::ops::Range;

use crate::import::title::is_date;
use crate::model::blank::is_blank;
use crate::model::phone::PHONE_DIGITS_MIN;
use crate::model::plain_refusal::{is_plain_refusal, second_phone};

/// A phone without what kind of one it is, as in `+14155550101 (mobile)`.
pub fn without_kind(cell: &str) -> &str {
    const KINDS: [&str; 5] = ["mobile", "cell", "mobil", "handy", "m"];
    let plain = cell.trim_end();
    let kind = plain.strip_suffix(')').and_then(|plain| plain.rsplit_once('('));
    match kind {
        Some((number, kind)) if KINDS.iter().any(|known| kind.trim().eq_ignore_ascii_case(known)) => number.trim_end(),
        _ => cell,
    }
}

/// Whether the first cell of a row makes a comment of it.
pub fn begins_a_comment(cell: &str) -> bool {
    let plain = cell.trim_start();
    let is_hash = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
    ["//", "--", "; "].iter().any(|sign| plain.starts_with(sign)) || plain.strip_prefix('#').is_some_and(is_hash)
}

/// Whether a cell under the heading of a phone has a sign before its number by which people take a row out of a file.
pub fn is_commented_out(cell: &str) -> bool {
    let plain = cell.trim_start_matches(|c: char| c.is_whitespace() || c == '\'');
    plain.starts_with(['#', '/', '-', ';', '*', '!', '%', '~']) && !is_blank(cell)
}

/// Whether something stands beside a number in its cell: `4155550101 (no)`, `4155550101†`.
pub fn has_more_than_a_number(cell: &str) -> bool {
    cell.contains(|c: char| !is_of_number(c))
}

/// What people write into a number.
fn is_of_number(c: char) -> bool {
    c.is_ascii_digit() || "+-()./ ".contains(c)
}

/// Whether a cell under the heading of a phone refuses messages in words or signs, with a number or without.
pub fn refuses_beside_a_number(cell: &str) -> bool {
    if !has_more_than_a_number(cell) {
        return false;
    }
    let words: String = cell.chars().map(|c| if is_of_number(c) { ' ' } else { c }).collect();
    is_plain_refusal(words.trim())
}

/// The same under the heading of another phone of the row: words without a number may be about either phone.
pub fn refuses_in_another_phone(cell: &str) -> bool {
    if !has_more_than_a_number(cell) {
        return false;
    }
    if refuses_beside_a_number(cell) {
        return true;
    }
    let is_beside_a_number = cell.bytes().filter(u8::is_ascii_digit).count() >= PHONE_DIGITS_MIN;
    let words: String = cell.chars().map(|c| if c.is_ascii_digit() || "+()./".contains(c) { ' ' } else { c }).collect();
    second_phone::refuses(if is_beside_a_number { words.trim() } else { cell.trim() }, is_beside_a_number)
}

/// The numbers in a cell that is not one number alone: `+14155550101 / +14155550102`, `(415) 555-0101 x12`, `#4155550101`,
/// `4155550101 (Bob)`. They are good for what forbids: whoever wrote the cell meant these. A number of which a digit cannot be
/// read is none: what is left of it may be somebody else's.
pub fn numbers_in(cell: &str) -> Vec<&str> {
    let is_of_number = |c: char| c.is_ascii_digit() || "+-(). \u{a0}".contains(c);
    let (mut numbers, mut begin) = (Vec::new(), 0);
    for (at, char) in cell.char_indices().chain([(cell.len(), ';')]) {
        // A plus begins a number, and ends the one before it.
        if is_of_number(char) && !(char == '+' && cell[begin..at].contains(|c: char| c.is_ascii_digit())) {
            continue;
        }
        let found = number_of(&cell[begin..at]).map(|part| begin + part.start..begin + part.end);
        let whole = found.filter(|part| !is_torn(&cell[..part.start], &cell[part.end..]));
        numbers.extend(whole.map(|part| &cell[part]));
        begin = if char == '+' { at } else { at + char.len_utf8() };
    }
    numbers
}

/// A number without the signs in it and beside it that may stand for a digit: `917_555_0123`, `917-555-0123*`, `9175550123x`. None
/// where other letters stand there.
pub fn without_signs(cell: &str) -> Option<String> {
    let is_sign = |c: char| MASKS.contains(&c) && !c.is_alphanumeric();
    let plain = cell.trim_end_matches(['x', 'X']);
    let bare: String = plain.chars().filter(|c| !is_sign(*c)).collect();
    let is_whole = number_of(&bare).is_some() && !bare.contains(char::is_alphabetic);
    (bare.len() < cell.len() && is_whole).then_some(bare)
}

/// The one number of a cell that has a sign or a few letters before it or a sign behind it, and nothing else: `9175550123*`, `US9175550123`,
/// `x4155550101`. A sign may hide a digit; where none is missing without it, what forbids counts for that number. A letter that looks
/// like a digit is one that nobody can read.
pub fn number_beside_signs(cell: &str) -> Option<&str> {
    let is_mask = |c: char| MASKS.contains(&c) && c != 'x';
    let is_sign = |c: char| is_mask(c) || c.is_whitespace() || matches!(c, '!' | '$' | '~' | '\'' | '`' | '†' | '‡');
    // Several stand for several digits.
    let masks = |text: &str| text.chars().filter(|c| is_mask(*c)).count();
    let behind = cell.trim_end_matches(is_sign);
    let plain = behind.trim_start_matches(is_sign);
    let before = &behind[..behind.len() - plain.len()];
    if masks(before) > 1 || masks(&cell[behind.len()..]) > 1 {
        return None;
    }
    let letters = plain.len() - plain.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (before, number) = plain.split_at(letters);
    let looks_like_digits = !before.is_empty() && before.bytes().all(|byte| b"OoIlQ".contains(&byte));
    let number = number.trim_start();
    let is_whole = number.chars().all(is_of_number) && number_of(number).is_some();
    (number.len() < cell.trim().len() && letters <= COUNTRY_LETTERS_MAX && !looks_like_digits && is_whole)
        .then_some(number)
}

/// The number of a cell whose digits stand apart as those of an amount do, or of a name: `$9,175,550,123`, `917_555_0123`.
pub fn number_in_groups(cell: &str) -> Option<String> {
    let plain = cell.trim().trim_matches(['$', '€', '£', '*', '?', '!', ' ']);
    let bare: String = plain.chars().filter(|c| !matches!(c, ',' | '_' | '’' | '\'')).collect();
    let bare = bare.strip_suffix(".00").unwrap_or(&bare);
    (bare.len() < plain.len() && bare.chars().all(is_of_number) && number_of(bare).is_some()).then(|| bare.to_owned())
}

/// Letters of a country before its number: `US`, `USA`.
const COUNTRY_LETTERS_MAX: usize = 3;

/// Where in a text a number stands, without what is around its digits; none where these are a date, or too few.
fn number_of(text: &str) -> Option<Range<usize>> {
    let end = text.trim_end_matches(|c: char| !c.is_ascii_digit()).len();
    let digit = text.find(|c: char| c.is_ascii_digit())?;
    let begin = text[..digit].rfind(['+', '(']).unwrap_or(digit);
    let begin = text[..begin].rfind('+').unwrap_or(begin);
    let number = &text[begin..end];
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    (digits >= PHONE_DIGITS_MIN && !number.split_whitespace().any(is_date)).then_some(begin..end)
}

/// Signs for digits that somebody left out.
const MASKS: [char; 7] = ['?', '*', '#', '_', '…', '•', 'x'];
/// So few letters beside a digit are hardly a word.
const STRAY_LETTERS_MAX: usize = 2;

/// Whether a number between these texts lacks a digit: a letter or two stands directly beside it, or a sign for what was left out.
fn is_torn(before: &str, behind: &str) -> bool {
    let letter = |c: &char| c.is_alphabetic();
    let is_mask = |c: char| MASKS.contains(&c.to_ascii_lowercase());
    let is_stray = |letters: &[char]| {
        (1..=STRAY_LETTERS_MAX).contains(&letters.len()) || !letters.is_empty() && letters.iter().all(|c| is_mask(*c))
    };
    let letters_before: Vec<char> = before.chars().rev().take_while(letter).collect();
    let letters_behind: Vec<char> = behind.chars().take_while(letter).collect();
    // "4155550101 O", "4155550101 xx", "4155550101 ?": a word of its own that stands for digits, and not "x12" or "(mobile)".
    let next = behind.split_whitespace().next().unwrap_or_default();
    let is_left_out = !next.is_empty() && next.chars().all(|c| is_mask(c) || matches!(c, 'O' | 'o' | 'l' | 'I'));
    // One sign before a number takes its row out of the file, and hides no digit.
    let masked_before = before.trim_end().chars().rev().take_while(|c| is_mask(*c)).count();
    is_stray(&letters_before)
        || is_stray(&letters_behind)
        || is_left_out
        || behind.starts_with(is_mask)
        || masked_before > 1
        || before.trim_end().ends_with('?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_may_hide_a_digit_are_taken_out() {
        for (cell, bare) in [
            ("917_555_0123", Some("9175550123")),
            ("917-555-0123*", Some("917-555-0123")),
            ("(917) 555-0123?", Some("(917) 555-0123")),
            ("917-555-0123", None),
            ("9175550123x", Some("9175550123")),
            ("917-555-O123*", None),
            ("917 555 0123 ** Bob", None),
            ("***", None),
        ] {
            assert_eq!(without_signs(cell).as_deref(), bare, "{cell}");
        }
    }

    #[test]
    fn the_number_of_a_refusal_is_clear_beside_a_sign() {
        for (cell, number) in [
            ("9175550123*", Some("9175550123")),
            ("(917) 555-0123 ?", Some("(917) 555-0123")),
            ("9175550123!", Some("9175550123")),
            ("US9175550123", Some("9175550123")),
            ("USA +1 917 555 0123", Some("+1 917 555 0123")),
            ("x4155550101", Some("4155550101")),
            ("O7911123456", None),
            ("+19172962O67", None),
            ("9175550123", None),
            ("cell 9175550123", None),
            ("9175550123 / 9175550124", None),
            ("***", None),
            ("9175550123**", None),
            ("9175550123x", None),
            ("**9175550123", None),
            ("", None),
        ] {
            assert_eq!(number_beside_signs(cell), number, "{cell}");
        }
        for (cell, number) in [
            ("$9,175,550,123", Some("9175550123")),
            ("9,175,550,123.00", Some("9175550123")),
            ("650_220_2140", Some("6502202140")),
            ("650_220_2140*", Some("6502202140")),
            ("650 220 2140", None),
            ("Bob_6502202140", None),
            ("$1,200", None),
        ] {
            assert_eq!(number_in_groups(cell).as_deref(), number, "{cell}");
        }
    }

    #[test]
    fn numbers_are_found_beside_what_people_write() {
        for (cell, numbers) in [
            ("+14155550101 / +14155550102", &["+14155550101", "+14155550102"][..]),
            ("+14155550101 +14155550102", &["+14155550101", "+14155550102"]),
            ("(415) 555-0101 x12", &["(415) 555-0101"]),
            ("415-555-0101 ext. 5", &["415-555-0101"]),
            ("#4155550101", &["4155550101"]),
            ("// +1 415 555 0101", &["+1 415 555 0101"]),
            ("--4155550101", &["4155550101"]),
            ("(415) 555-0101 (STOP)", &["(415) 555-0101"]),
            ("Bob: +1 (415) 555-0101, Ada 415.555.0102", &["+1 (415) 555-0101", "415.555.0102"]),
            ("4155550101 STOP", &["4155550101"]),
            ("opted out 2024-01-01", &[]),
            ("1.41555501E+10", &[]),
            ("x12", &[]),
            ("4155550101cell, tel4155550102", &["4155550101", "4155550102"]),
            ("*4155550101", &["4155550101"]),
            // A digit that cannot be read.
            ("+19172962O67", &[]),
            ("(917) 296-2O62", &[]),
            ("+1 917 296 206?", &[]),
            ("+1 917 296 206 ?", &[]),
            ("+1917296****", &[]),
            ("****2962067", &[]),
            ("+1 917 296 20xx", &[]),
            ("+1 917 296 XXXX", &[]),
            ("+49 1512 345678 9 O", &[]),
            ("+44 7911 12345b", &[]),
            ("O7911123456", &[]),
            ("?4155550101", &[]),
            ("+1917296206…", &[]),
            ("", &[]),
            ("+", &[]),
        ] {
            assert_eq!(numbers_in(cell), numbers, "{cell}");
        }
    }
}
