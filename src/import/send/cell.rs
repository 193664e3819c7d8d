//! What stands in one cell, whatever the rest of its row says.

use std::borrow::Cow;

use crate::import::read::dialect::looks_like_a_phone;
use crate::import::title::is_date;
use crate::limits::SOURCE_BYTES_MAX;
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

/// Whether a program that could not write some letters has put another sign for each: nobody can tell what it said.
pub fn has_lost_letters(cell: &str) -> bool {
    /// Fewer are a question, or say that nothing is known.
    const LOST_MIN: usize = 3;
    const FOR_LETTERS: [char; 2] = ['?', '¿'];
    if cell.is_ascii() && !cell.as_bytes().contains(&b'?') {
        return false;
    }
    if !cell.contains(FOR_LETTERS) {
        return cell.contains('\u{fffd}');
    }
    let lost = cell.chars().filter(|char| FOR_LETTERS.contains(char)).count();
    let is_all = lost >= LOST_MIN && !cell.contains(char::is_alphanumeric);
    // "d?sabonn?", and not the question of an address.
    let is_torn = || {
        let letters: Vec<char> = cell.chars().collect();
        letters
            .windows(3)
            .any(|three| three[0].is_alphabetic() && FOR_LETTERS.contains(&three[1]) && three[2].is_lowercase())
    };
    is_all || cell.contains('\u{fffd}') || !cell.contains("://") && !cell.contains('=') && is_torn()
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

/// As much of a text as is kept, and whether that is all of it.
pub fn cut(text: Cow<'_, str>) -> (Cow<'_, str>, bool) {
    if text.len() <= SOURCE_BYTES_MAX {
        return (text, true);
    }
    let end = (0..=SOURCE_BYTES_MAX).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let kept = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(text) => Cow::Owned(text[..end].to_owned()),
    };
    (kept, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_letters_are_seen() {
        for cell in ["?? ????????", "¿¿¿¿", "d?sabonn?", "d\u{fffd}sabonn\u{fffd}", "???"] {
            assert!(has_lost_letters(cell), "{cell}");
        }
        for cell in ["?", "??", "really?", "who? me", "https://a.example/?b=c", "a?b=c", "Ann", ""] {
            assert!(!has_lost_letters(cell), "{cell}");
        }
    }
}
