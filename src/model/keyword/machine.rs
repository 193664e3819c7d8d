//! What a machine answers in the place of a phone. It is no proof that the number is somebody's.

use std::sync::LazyLock;

use super::folding::{self, is_unspaced};
use super::grammar::{Grammar, Kind, Known};

/// The answers. A test keeps them readable.
const ANSWERS: &str = include_str!("machine.txt");
static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| Grammar::parse(&rules(ANSWERS)).unwrap_or_default());
/// Those in scripts that put no blanks between words, folded.
static WITHIN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let lines = ANSWERS.lines().filter_map(|line| line.strip_prefix(WITHIN_MARK));
    lines.flat_map(str::split_whitespace).map(|part| folding::folded(part).replace(' ', "")).collect()
});

const WITHIN_MARK: &str = "within:";
/// Longer texts are somebody's letters.
const WORDS_MAX: usize = 40;

/// The rules alone.
fn rules(text: &str) -> String {
    text.lines()
        .map(|line| if line.starts_with(WITHIN_MARK) { "\n" } else { line })
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Whether a message is a machine's: "Kein Anschluss unter dieser Nummer", "550 no such user".
pub fn is_of_a_machine(text: &str) -> bool {
    let words = folding::words(text);
    if words.len() > WORDS_MAX {
        return false;
    }
    let letters: String = words.iter().map(|word| word.text.as_str()).collect();
    if letters.contains(is_unspaced) && WITHIN.iter().any(|answer| letters.contains(answer.as_str())) {
        return true;
    }
    let known: Vec<Known> = words.iter().map(|word| GRAMMAR.known(&word.text)).collect();
    let mut answers = false;
    for at in 0..known.len() {
        GRAMMAR.matches(&known, at, |kind, _| answers |= kind == Kind::Stem);
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_can_be_read() {
        assert_eq!(Grammar::parse(&rules(ANSWERS)).map(drop), Ok(()));
        assert!(WITHIN.iter().all(|part| !part.is_empty()) && !WITHIN.is_empty());
    }

    #[test]
    fn a_machine_is_told_from_a_person() {
        for text in [
            "The subscriber you are trying to reach is unavailable",
            "Number disconnected",
            "landline: text not supported",
            "Undeliverable",
            "Msg from network: message not sent",
            "El número no está en servicio",
            "Ce numéro n'est plus attribué",
            "Diese Nummer ist nicht mehr vergeben",
            "Dit nummer is niet meer in gebruik",
            "Wybrany numer nie istnieje",
            "Номер не обслуживается",
            "Bu numara kullanılmıyor",
            "الرقم المطلوب غير موجود",
            "您拨打的号码是空号",
            "おかけになった電話番号は現在使われておりません",
            "Thuê bao không tồn tại",
        ] {
            assert!(is_of_a_machine(text), "{text}");
        }
        for text in [
            "hello, I am back",
            "My number is 415 555 0123",
            "is the number 5 bus running",
            "thanks for the message",
            "I did not get the text",
            "wie ist Ihre Nummer",
            "el número es 12",
            "我的号码是12",
            "yes",
        ] {
            assert!(!is_of_a_machine(text), "{text}");
        }
    }
}
