//! What stands in one cell, whatever the rest of its row says.

use std::borrow::Cow;

use crate::import::read::dialect::looks_like_a_phone;
use crate::import::title::is_date;
use crate::model::phone::{ListNumber, PHONE_DIGITS_MIN, Region, normalize};
use crate::model::time;

/// Digits that a date has at least: a cell with so many under the heading of an opt-out is one, if an unreadable one.
const DATE_DIGITS_MIN: usize = 3;

/// Whether a cell under the heading of an opt-out is a date, if perhaps one that cannot be read.
pub fn is_like_a_date(word: &str) -> bool {
    word.bytes().filter(u8::is_ascii_digit).count() >= DATE_DIGITS_MIN || time::parse(word).is_ok()
}

/// Whether a cell that should say when or whether somebody left is a phone: not a date, nor digits that programs write for one.
pub fn names_a_phone(word: &str) -> bool {
    if word.len() < PHONE_DIGITS_MIN || word.contains(char::is_alphabetic) {
        return false;
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        let is_year = |digits: &str| digits.starts_with("19") || digits.starts_with("20");
        return match word.len() {
            // 20240501 and 01052024.
            8 => !is_year(word) && !is_year(&word[4..]),
            // Seconds since 1970.
            10 => !word.starts_with('1'),
            // Milliseconds since 1970 are thirteen digits, of which the first is a 1.
            12 | 13 => !(word.len() == 13 && word.starts_with('1')) && normalize(&format!("+{word}"), None).is_ok(),
            len => (9..=11).contains(&len),
        };
    }
    time::parse_optional(word).is_err() && !word.split_whitespace().any(is_date) && looks_like_a_phone(word)
}

/// A list as it stands in a cell: spreadsheets take the plus away, or write it as they do any number.
pub fn read_list(cell: &str, region: Option<Region>) -> Option<String> {
    let plain = cell.trim().trim_start_matches('\'');
    if plain == "*" {
        return Some(plain.to_owned());
    }
    let number = ListNumber::parse(plain.as_bytes()).or_else(|| {
        let phone = normalize(&format!("+{plain}"), None).or_else(|_| normalize(plain, region));
        phone.ok().map(ListNumber::from)
    });
    number.map(|number| number.to_string())
}

/// Without the `'` that an exporter puts before a cell that a spreadsheet would run: before `=`, `+`, `-`, `@`, or before
/// apostrophes that stand before one of these, so that a cell that began so comes back as it was.
pub fn unguarded(cell: &str) -> Cow<'_, str> {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            Cow::Borrowed(rest)
        }
        _ => Cow::Borrowed(cell),
    }
}
