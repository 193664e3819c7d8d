//! Scripts: in which letters the rules are written.
//!
//! A message in letters that no rule has cannot be understood. It may want out, so a person should look.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::folding::Word;

/// So many letters make a word that cannot be read. Fewer are a face: ʕ•ᴥ•ʔ.
const UNREAD_LETTERS_MIN: usize = 2;

/// The scripts of some words.
///
/// Unicode begins each script in a row of its own, of 128 characters. So the rows that the words' letters stand in tell what
/// scripts the words are written in, without a table of all scripts.
#[derive(Clone, Debug, Default)]
pub struct Scripts(HashSet<u32, RandomState>);

impl Scripts {
    /// Adds the scripts of a folded word.
    pub fn add(&mut self, word: &str) {
        self.0.extend(word.chars().map(row));
    }

    /// Whether a letter is of one of the scripts.
    pub fn have(&self, letter: char) -> bool {
        self.0.contains(&row(letter))
    }
}

/// Whether a word is written in letters that none of the scripts have.
pub fn is_unread(word: &Word, scripts: &[&Scripts]) -> bool {
    let letters = || word.text.chars().filter(|c| c.is_alphabetic());
    let unread = letters().filter(|&c| !c.is_ascii() && !scripts.iter().any(|scripts| scripts.have(c))).count();
    unread >= UNREAD_LETTERS_MIN && unread * 2 >= letters().count()
}

/// The row of a letter. Chinese and Japanese have many, and are one: no vocabulary has a word in each.
fn row(letter: char) -> u32 {
    const BITS: u32 = 7;
    match letter {
        '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => 0x2e80 >> BITS,
        letter => u32::from(letter) >> BITS,
    }
}

#[cfg(test)]
mod tests {
    use super::super::folding;
    use super::*;

    #[test]
    fn words_in_letters_of_no_rule_cannot_be_read() {
        let mut scripts = Scripts::default();
        for word in ["STOP", "СТОП", "退订", "አቁም"] {
            scripts.add(&folding::folded(word));
        }
        for (text, unread) in [
            ("ordinary words", false),
            ("обычные слова", false),
            ("普通的话 ひらがな ㄏㄏ", false),
            ("አመሰግናለሁ", false),
            ("ગુજરાતી", true),
            ("hello བོད་སྐད", true),
            ("ʕ•ᴥ•ʔ", false),
            ("ꓢꓔꓳꓑ", true),
            ("٣٤٥", false),
        ] {
            let words = folding::words(text);
            assert_eq!(words.iter().any(|word| is_unread(word, &[&scripts])), unread, "{text}");
        }
    }
}
