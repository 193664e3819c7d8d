//! Signs in a note or a name: what a picture says without words.

use super::super::word::{Case, Word};

/// Whether a sign says it: a telephone that is struck out; or what forbids, or a box that is crossed, beside a word for messages or a
/// name.
pub fn refuses(cell: &str) -> bool {
    const STRUCK_OUT: [char; 2] = ['📵', '🔕'];
    const FORBIDS: [char; 4] = ['🚫', '⛔', '🛑', '❌'];
    /// Beside a name or a date, somebody died.
    const DEAD: [char; 3] = ['†', '⚰', '🪦'];
    const NAME_WORDS_MAX: usize = 3;
    if cell.is_ascii() && !(cell.contains('[') && (cell.contains("[x]") || cell.contains("[X]"))) {
        return false;
    }
    let is_crossed = cell.is_ascii();
    if cell.contains(STRUCK_OUT) {
        return true;
    }
    let is_dead = !is_crossed && cell.contains(DEAD);
    if !is_crossed && !cell.contains(FORBIDS) && !is_dead {
        return false;
    }
    let words = Word::all(cell);
    if is_dead {
        let is_day = |word: &Word| word.text.bytes().all(|byte| byte.is_ascii_digit());
        return words.iter().all(|word| word.case == Case::Title || is_day(word));
    }
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
        for cell in [
            "sms ⛔",
            "📵 since may",
            "SMS [x]",
            "Bob 🚫",
            "Bob Smith ❌",
            "Cy 📵",
            "texts ❌",
            "† 2023",
            "Hans Meier †",
            "Ann ⚰",
        ] {
            assert!(refuses(cell), "{cell}");
        }
        for cell in
            ["no gluten 🚫", "⛔ peanuts", "Bob 😀", "VIP [x]", "Bob", "table 5 ❌", "😀 sms", "see note † below"]
        {
            assert!(!refuses(cell), "{cell}");
        }
    }
}
