//! Refusals in what is no message, such as a label: the same words and requests, if the text has nothing else.

use std::sync::LazyLock;

use super::reading::Reading;
use super::{GRAMMAR, Keywords, Meaning, encoding, folding, phrase_of, report, slip};

/// The built-in words.
pub static KEYWORDS: LazyLock<Keywords> = LazyLock::new(Keywords::default);

/// The longest word of a request, in bytes.
const WORD_BYTES_MAX: usize = 32;

/// Shorter words that may ask are codes as well: FIN is Finland.
const MAYBE_LETTERS_MIN: usize = 4;

/// Whether a text asks as a whole to be left alone. A word that also has other uses, like END or BAJA, is none alone.
pub fn is_refusal(text: &str) -> bool {
    let refuses = |text: &str| Reading::new(&KEYWORDS.0, &GRAMMAR, text).refuses(text);
    !is_plainly_none(text)
        && (refuses(text) || report::reports(text) || encoding::undone(text).iter().any(|undone| refuses(undone)))
}

/// The same, but for what only may ask: for a text that is nobody's label.
pub fn is_request(text: &str) -> bool {
    is_refusal(text) && KEYWORDS.meaning(text).is_out()
}

/// Whether a text is one opt-out word in capitals, as a person sends it: `QUIT`, `SAIR`. In small letters it may be about anything.
pub fn is_keyword_in_capitals(text: &str) -> bool {
    let is_one = text.len() <= WORD_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let asks = |meaning: Meaning| meaning.is_out() || meaning == Meaning::MaybeOut && text.len() >= MAYBE_LETTERS_MIN;
    is_one && KEYWORDS.0.get(text).is_some_and(asks)
}

/// Whether a word is a first name, and no word besides.
pub fn is_first_name(word: &str) -> bool {
    GRAMMAR.known(&folding::folded(word)).is_first_name()
}

/// Whether a text is one opt-out word, in any case and as it is spelled.
pub fn is_keyword(text: &str) -> bool {
    KEYWORDS.0.get(&phrase_of(text)).is_some_and(|meaning| meaning.strictness() > 0)
}

/// Whether a word asks as it is spelled, or with its letters in another order. What lacks a letter of an opt-out word, or has another, may
/// be a word of its own: `Pam`. So may one that nobody can read.
pub fn is_spelled_as_asked(word: &str) -> bool {
    let reading = Reading::new(&KEYWORDS.0, &GRAMMAR, word);
    let folded = folding::folded(word);
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    is_keyword(word) || reading.asks() || slip::meant(&folded).is_some_and(|meant| sorted(meant) == sorted(&folded))
}

/// Whether a word tells at once: one that no request has. Nearly all labels are such.
fn is_plainly_none(text: &str) -> bool {
    let (mut word, mut len) = ([0; WORD_BYTES_MAX], 0);
    if !text.is_ascii() {
        return false;
    }
    for char in text.chars().chain([' ']) {
        match char {
            'a'..='z' | 'A'..='Z' | '0'..='9' => {
                let Some(place) = word.get_mut(len) else { return true };
                *place = char.to_ascii_uppercase() as u8;
                len += 1;
            }
            '\'' | '`' => {}
            // A sign may stand for a letter or begin one, and a tag for nothing.
            '$' | '<' | '&' | '%' | '=' | '\\' => return false,
            _ if len == 0 => {}
            _ => {
                let word = std::str::from_utf8(&word[..len]).unwrap_or_default();
                let digits = word.bytes().filter(u8::is_ascii_digit).count();
                if digits > 0 && digits < len {
                    // Digits may stand for letters.
                    return false;
                }
                // Letters with blanks between them may be one word.
                if len > 1
                    && !report::is_year(word)
                    && !KEYWORDS.0.has_word(word)
                    && GRAMMAR.known(word).is_unknown()
                    && !report::knows(word)
                {
                    return true;
                }
                len = 0;
            }
        }
    }
    false
}
