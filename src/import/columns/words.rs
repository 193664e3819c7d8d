//! The words of a column that says who wants messages: those that everybody writes, and those that a person explained.

use std::collections::HashMap;

use super::field::Field;
use super::status::{self, Said};
use crate::error::{Error, Result, excerpt};

/// What the words of one column mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(HashMap<String, Said>);

impl Words {
    /// What a cell of a column says; none if nobody knows. Only such columns as [`Field::has_words`] say something.
    pub fn said(&self, field: &Field, cell: &str) -> Option<Said> {
        if !self.0.is_empty()
            && let Some(said) = self.0.get(&key(cell))
        {
            return Some(*said);
        }
        match field {
            Field::Status => status::status(cell),
            Field::Consent => status::consent(cell),
            Field::OptOut => status::opt_out(cell),
            _ => None,
        }
    }

    /// Explains a word of a column.
    ///
    /// # Errors
    /// The word is known to forbid, and is said not to.
    pub fn explain(&mut self, field: &Field, word: &str, said: Said) -> Result<()> {
        let known = Words::default().said(field, word);
        if known.is_some_and(Said::forbids) && !said.forbids() {
            return Err(Error::bad_arg(format!(
                "'{}' in a column that is {} means {}: it cannot mean {}",
                excerpt(word.as_bytes()),
                field.word(),
                known.map_or("", Said::word),
                said.word()
            )));
        }
        self.0.insert(key(word), said);
        Ok(())
    }
}

/// A word as it is compared. In other scripts a sign may be all there is, so every sign stays.
fn key(word: &str) -> String {
    word.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::RowStatus;

    #[test]
    fn words_mean_what_a_person_said() {
        let mut words = Words::default();
        let out = Said::Status(RowStatus::OptedOut);
        let active = Said::Status(RowStatus::Active);
        for (word, said) in [("Disiscritto", out), ("Iscritto", active), ("✓", active), ("✗", Said::NoConsent)] {
            words.explain(&Field::Status, word, said).expect("a word");
            assert_eq!(words.said(&Field::Status, word), Some(said), "{word}");
        }
        assert_eq!(words.said(&Field::Status, " DISISCRITTO "), Some(out));
        assert_eq!(words.said(&Field::Status, "unsubscribed"), Some(out), "known words stay known");
        assert_eq!(words.said(&Field::Status, "Iscritta"), None);
    }

    #[test]
    fn a_word_that_forbids_is_not_explained_away() {
        let active = Said::Status(RowStatus::Active);
        for (field, word, said) in [
            (Field::Status, "Unsubscribed", active),
            (Field::Consent, "no", active),
            (Field::Consent, "No", Said::Nothing),
            (Field::OptOut, "yes", active),
            (Field::OptOut, "x", Said::Nothing),
        ] {
            assert!(Words::default().explain(&field, word, said).is_err(), "{word}");
        }
        assert!(Words::default().explain(&Field::Status, "bounced", Said::Status(RowStatus::OptedOut)).is_ok());
        assert!(Words::default().explain(&Field::Consent, "yes", Said::NoConsent).is_ok(), "stricter");
    }
}
