//! What stands in the cell of a phone: its number, and what people write beside one.

use crate::import::title::is_date;
use crate::model::blank::is_blank;
use crate::model::phone::PHONE_DIGITS_MIN;
use crate::model::plain_refusal::is_plain_refusal;

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

/// Whether a cell under the heading of a phone refuses messages in words or signs, with a number or without.
pub fn refuses_beside_a_number(cell: &str) -> bool {
    let is_of_number = |c: char| c.is_ascii_digit() || "+-()./ ".contains(c);
    if cell.chars().all(is_of_number) {
        return false;
    }
    let words: String = cell.chars().map(|c| if is_of_number(c) { ' ' } else { c }).collect();
    is_plain_refusal(words.trim())
}

/// The numbers in a cell that is not one number alone: `+14155550101 / +14155550102`, `(415) 555-0101 x12`, `#4155550101`,
/// `4155550101 (Bob)`. They are good for what forbids: whoever wrote the cell meant these.
pub fn numbers_in(cell: &str) -> Vec<&str> {
    let is_of_number = |c: char| c.is_ascii_digit() || "+-(). \u{a0}".contains(c);
    let (mut numbers, mut begin) = (Vec::new(), 0);
    for (at, char) in cell.char_indices().chain([(cell.len(), ';')]) {
        // A plus begins a number, and ends the one before it.
        if is_of_number(char) && !(char == '+' && cell[begin..at].contains(|c: char| c.is_ascii_digit())) {
            continue;
        }
        let is_damaged = matches!(char, 'E' | 'e') && cell[begin..at].ends_with(|c: char| c.is_ascii_digit());
        numbers.extend(Some(&cell[begin..at]).filter(|_| !is_damaged).and_then(number_of));
        begin = if char == '+' { at } else { at + char.len_utf8() };
    }
    numbers
}

/// A number without what stands around its digits; none where these are a date, or too few.
fn number_of(text: &str) -> Option<&str> {
    let text = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let digit = text.find(|c: char| c.is_ascii_digit())?;
    let begin = text[..digit].rfind(['+', '(']).unwrap_or(digit);
    let begin = text[..begin].rfind('+').unwrap_or(begin);
    let number = &text[begin..];
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    (digits >= PHONE_DIGITS_MIN && !number.split_whitespace().any(is_date)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("", &[]),
            ("+", &[]),
        ] {
            assert_eq!(numbers_in(cell), numbers, "{cell}");
        }
    }
}
