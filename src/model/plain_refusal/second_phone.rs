//! Words in the cell of a second phone: `not this one ^`, `landline`, `use the other`, `his ex`.
//!
//! Where no number stands there, they may be about either phone, so what refuses there refuses both. Beside a number they are about it,
//! unless they say more than what it is: `+14155550101 (do not text)`. `second_phone.txt` has the words.

use super::fold::folded;
use super::note::{AS_ABOVE, note_refuses};
use super::question::kinds;
use super::title::words;
use super::{is_plain_refusal, remark};

kinds! {
    "second_phone.txt":
    /// The whole of it says that there is no second phone, or that it is the same.
    lacks,
    /// What a number is, and nothing of a person.
    number,
    gone,
    small,
    not,
    turns,
    other,
    whose,
}

/// Whether words in the cell of a second phone refuse messages, beside a number or in the place of one.
pub fn refuses(text: &str, is_beside_a_number: bool) -> bool {
    let Kinds { number, gone, small, lacks, .. } = &*KINDS;
    let whole = folded(text);
    if !is_beside_a_number && (lacks.has(&whole) || AS_ABOVE.contains(&whole.as_str())) {
        return false;
    }
    let words = words(text);
    if is_beside_a_number {
        let is_of_it = |word: &String| number.has(word) || gone.has(word) || small.has(word);
        return !words.iter().all(is_of_it) && (is_plain_refusal(text) || note_refuses(text));
    }
    speaks_of_the_phones(&words) || is_plain_refusal(text) || note_refuses(text) || remark::refuses(text)
}

/// Whether the words say which of two phones is to be used, or that one is somebody else's or none any more.
fn speaks_of_the_phones(words: &[String]) -> bool {
    let Kinds { number, gone, small, not, turns, other, whose, .. } = &*KINDS;
    let is_gone = gone.has_any(words) && words.iter().all(|word| gone.has(word) || number.has(word) || small.has(word));
    let turns_to_another = other.has_any(words) && (turns.has_any(words) || not.has_any(words));
    let denies = words.first().is_some_and(|first| not.has(first) || first == "do")
        && words.iter().skip(1).any(|word| turns.has(word) || whose.has(word) || small.has(word));
    let is_of_another =
        words.iter().any(|word| word == "ex" || word == "exs" || word.starts_with("exwi") || word.starts_with("exhu"));
    is_gone || turns_to_another || denies || is_of_another
}

#[cfg(test)]
mod tests;
