//! Words that were written in haste: `rmvd`, `doens't`, `rqst`. A word without some of its vowels is still that word.

use super::super::word::Word;

/// Words that are shortened in notes of refusals, each under its whole spelling.
const WHOLE: [&str; 17] = [
    "remove",
    "removed",
    "removal",
    "delete",
    "deleted",
    "request",
    "requested",
    "refused",
    "declined",
    "unsubscribe",
    "unsubscribed",
    "blocked",
    "revoked",
    "withdrawn",
    "stopped",
    "cancelled",
    "suppressed",
];
/// Fewer letters are initials.
const LETTERS_MIN: usize = 3;

/// A note with such words spelled out; none where there are none.
pub fn spelled_out(words: &[Word]) -> Option<String> {
    let spelled: Vec<Option<&str>> = words.iter().map(spelled).collect();
    if spelled.iter().all(Option::is_none) {
        return None;
    }
    let mut text = String::new();
    for (word, spelled) in words.iter().zip(spelled) {
        if !text.is_empty() {
            text.push_str(if word.begins_clause { ", " } else { " " });
        }
        text.push_str(spelled.unwrap_or(&word.text));
    }
    Some(text)
}

fn spelled(word: &Word) -> Option<&'static str> {
    let text = word.text.as_str();
    word.slip_of_not().filter(|not| *not != text).or_else(|| {
        let is_it = |whole: &&&str| text.len() >= LETTERS_MIN && text.len() < whole.len() && is_shortened(text, whole);
        WHOLE.iter().find(is_it).copied()
    })
}

/// Whether a text is a word without some of its vowels.
fn is_shortened(text: &str, whole: &str) -> bool {
    let is_vowel = |byte: u8| matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u');
    let mut left = text.bytes().peekable();
    for byte in whole.bytes() {
        if left.peek() == Some(&byte) {
            left.next();
        } else if !is_vowel(byte) {
            return false;
        }
    }
    left.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_in_haste_is_spelled_out() {
        for (text, plain) in [
            ("pls rmv", "pls remove"),
            ("rmvd per cust", "removed per cust"),
            ("dltd", "deleted"),
            ("unsubscrbd", "unsubscribed"),
            ("blckd", "blocked"),
            ("dnot text", "dont text"),
            ("doens't want", "doesnt want"),
            ("VIP, rqst rmvl", "vip, request removal"),
        ] {
            assert_eq!(spelled_out(&Word::all(text)).as_deref(), Some(plain), "{text}");
        }
        for text in ["", "Delta", "removed", "Ramova", "RM", "don't text", "Dot Smith", "council", "request"] {
            assert_eq!(spelled_out(&Word::all(text)), None, "{text}");
        }
    }
}
