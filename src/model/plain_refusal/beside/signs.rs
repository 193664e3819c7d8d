//! Signs in a note or a name: what a picture says without words.

use super::super::word::{Case, Word};

/// Whether a sign says it: a telephone that is struck out; or what forbids, or a box that is crossed, beside a word for messages or a
/// name.
pub fn refuses(cell: &str) -> bool {
    const STRUCK_OUT: [char; 2] = ['📵', '🔕'];
    const FORBIDS: [char; 4] = ['🚫', '⛔', '🛑', '❌'];
    const NAME_WORDS_MAX: usize = 3;
    if cell.is_ascii() && !(cell.contains('[') && (cell.contains("[x]") || cell.contains("[X]"))) {
        return false;
    }
    let is_crossed = cell.is_ascii();
    if cell.contains(STRUCK_OUT) {
        return true;
    }
    if !is_crossed && !cell.contains(FORBIDS) {
        return false;
    }
    let words = Word::all(cell);
    let is_name = || {
        (1..=NAME_WORDS_MAX).contains(&words.len())
            && words.iter().all(|word| word.case == Case::Title)
            && !cell.contains(|char: char| char.is_ascii_digit())
    };
    words.iter().any(Word::is_text) || !is_crossed && is_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_refuse_beside_messages_and_names() {
        for cell in ["sms ⛔", "📵 since may", "SMS [x]", "Bob 🚫", "Bob Smith ❌", "Cy 📵", "texts ❌"] {
            assert!(refuses(cell), "{cell}");
        }
        for cell in ["no gluten 🚫", "⛔ peanuts", "Bob 😀", "VIP [x]", "Bob", "table 5 ❌", "😀 sms"] {
            assert!(!refuses(cell), "{cell}");
        }
    }
}
