//! What people write in a cell for what stands in the one above it.

use crate::model::blank::is_blank;
use crate::model::plain_refusal::fold::folded;

/// What people write for what stands in the cell above, in its letters and digits. What means nothing else, like "ditto", is a
/// refusal wherever it stands, since a label is also sent without the one above it.
const DITTO: [&str; 17] = [
    "do",
    "dto",
    "id",
    "idem",
    "idemici",
    "ibid",
    "so",
    "v",
    "vv",
    "jw",
    "同上",
    "上同",
    "同",
    "同じ",
    "々",
    "동일",
    "위와같음",
];
/// Words of which a few say it: "same reason", "him too", "wie oben", "comme ci-dessus".
const SAME: [&str; 20] = [
    "same",
    "above",
    "too",
    "also",
    "likewise",
    "ditto",
    "oben",
    "gleich",
    "gleiche",
    "dessus",
    "mismo",
    "igual",
    "acima",
    "stesso",
    "sopra",
    "boven",
    "выше",
    "тоже",
    "wyzej",
    "yukaridaki",
];
/// More words say something of their own.
const SAME_WORDS_MAX: usize = 3;

/// Whether a cell says what the one above it says: in words, or by signs alone, of which each country has others (`"`, `-"-`, `〃`,
/// `↓`). A tick, a dash or another picture than an arrow is none.
pub fn says_the_same(cell: &str) -> bool {
    let plain = cell.trim();
    let is_sign = |c: char| {
        c.is_ascii_punctuation()
            || matches!(c, '«' | '»' | '´' | '¨' | '\u{2010}'..='\u{205e}' | '\u{2190}'..='\u{21ff}' | '\u{25b2}'..='\u{25c5}' | '\u{2b00}'..='\u{2b11}' | '\u{fe0f}' | '\u{3000}'..='\u{303f}')
    };
    let is_written = |c: char| is_sign(c) || c.is_whitespace();
    !is_blank(plain) && plain.chars().all(is_written) && plain.contains(is_sign)
        || DITTO.contains(&folded(cell).as_str())
        || says_it_in_words(plain)
}

fn says_it_in_words(cell: &str) -> bool {
    let words = || cell.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).map(folded);
    words().nth(SAME_WORDS_MAX).is_none() && words().any(|word| SAME.contains(&word.as_str()))
}
