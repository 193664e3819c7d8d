//! The words of a column that says who wants messages: those that everybody writes, and those that a person explained.

use std::collections::HashMap;

use super::day_order::DayOrder;
use super::field::Field;
use super::status::{self, Said};
use super::survey::Held;
use crate::error::{Error, Result, excerpt};
use crate::model::blank::{is_blank, is_failed};

/// What the words of one column mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// What words mean as they stand, and in any case where a person said one thing of all cases.
    explained: HashMap<String, Said>,
    in_any_case: HashMap<String, Option<Said>>,
    /// What a blank cell means, if a person said so.
    blank: Option<Said>,
    cross: Cross,
    /// The answers are Malay, in which the Polish yes is a no, or may be.
    tak_denies: bool,
    /// What stands first in its dates, if a person said so.
    order: Option<DayOrder>,
}

/// A yes in Polish, and a no in Malay.
const TAK: &str = "tak";
/// Answers in Malay.
const MALAY: [&str; 2] = ["ya", "tidak"];

/// What a cross means in a column of consents. Beside a tick or another yes it may be a no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cross {
    /// Nothing is known of the column: as any yes.
    #[default]
    Yes,
    /// It is the column's only yes, and another one is not known.
    OnlyYes,
    Unknown,
}

impl Words {
    /// What a cell of a column says; none if nobody knows. Only such columns as [`Field::has_words`] say something.
    pub fn said(&self, field: &Field, cell: &str) -> Option<Said> {
        if !self.explained.is_empty() {
            if let Some(said) = self.explained.get(cell.trim()) {
                return Some(*said);
            }
            if let Some(said) = self.in_any_case.get(&key(cell)) {
                return *said;
            }
        }
        match field {
            // What a failed look-up leaves may stand for anything.
            _ if self.blank.is_some() && is_failed(cell) => None,
            _ if self.blank.is_some() && is_blank_under(field, cell) => self.blank,
            Field::Status => status::status(cell),
            Field::Consent if self.is_doubtful(cell) => None,
            Field::Consent => status::consent(cell),
            Field::OptOut => status::opt_out(cell),
            _ => None,
        }
    }

    /// What a blank cell means, if a person said so.
    pub fn blank(&self) -> Option<Said> {
        self.blank
    }

    /// How the column is read, for people.
    pub fn told(&self, field: &Field) -> String {
        let order = self.order.map(|order| format!(":{}", order.word()));
        field.told() + &order.unwrap_or_default()
    }

    /// What stands first in its dates, if a person said so.
    pub fn order(&self) -> Option<DayOrder> {
        self.order
    }

    /// Says what stands first in its dates.
    ///
    /// # Errors
    /// The column has no dates.
    pub fn order_days(&mut self, field: &Field, order: DayOrder) -> Result<()> {
        if !field.has_dates() {
            return Err(Error::bad_arg(format!("{}:{}: only dates have months and days", field.word(), order.word())));
        }
        self.order = Some(order);
        Ok(())
    }

    /// Learns from what a column of consents holds whether a cross is a yes there. Only the whole column tells: a tick may turn up
    /// in its last row.
    pub fn look_at(&mut self, held: &Held, is_whole: bool) {
        if !is_whole || held.values().is_none() {
            (self.cross, self.tak_denies) = (Cross::Unknown, true);
            return;
        }
        let values = held.values().unwrap_or_default();
        let is_yes = |value: &str| status::yes_or_no(value) == Some(true);
        let has_cross = values.iter().any(|(value, _)| status::is_cross(value));
        // What nobody knows beside a cross may be the yes: O/X, ○/×.
        let says_no = |value: &str| is_blank(value) || status::consent(value).is_some_and(Said::forbids);
        let has_other = values.iter().any(|(value, _)| !status::is_cross(value) && (is_yes(value) || !says_no(value)));
        let is_malay = |value: &str| MALAY.iter().any(|word| value.trim().eq_ignore_ascii_case(word));
        self.tak_denies = values.iter().any(|(value, _)| is_malay(value));
        self.cross = if has_cross && !has_other { Cross::OnlyYes } else { Cross::Unknown };
    }

    fn is_doubtful(&self, cell: &str) -> bool {
        if self.tak_denies && cell.trim().eq_ignore_ascii_case(TAK) {
            return true;
        }
        match self.cross {
            Cross::Yes => false,
            Cross::OnlyYes => status::yes_or_no(cell) == Some(true) && !status::is_cross(cell),
            Cross::Unknown => status::is_cross(cell),
        }
    }

    /// Explains a word of a column; a blank one is whatever [`is_blank`] takes for one.
    ///
    /// # Errors
    /// The word is known to forbid, and is said not to.
    pub fn explain(&mut self, field: &Field, word: &str, said: Said) -> Result<()> {
        if is_blank_under(field, word) {
            self.blank = Some(said);
            return Ok(());
        }
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
        self.explained.insert(word.trim().to_owned(), said);
        let mut spellings = self.explained.iter().filter(|(known, _)| key(known) == key(word));
        let agree = spellings.all(|(_, known)| *known == said);
        self.in_any_case.insert(key(word), agree.then_some(said));
        Ok(())
    }
}

/// Whether what a column of consents says may rest on the rows that nobody has looked at: it has a mark that others may turn
/// round, or no yes so far.
pub fn rests_on_marks(held: &Held) -> bool {
    let is_yes = |value: &str| status::consent(value).is_some_and(|said| !said.forbids() && said != Said::Blank);
    let values = held.values().unwrap_or_default();
    values.iter().any(|(value, _)| is_mark(value)) || !values.iter().any(|(value, _)| is_yes(value))
}

/// Whether a word is a yes in one file and a no in another.
fn is_mark(word: &str) -> bool {
    status::is_cross(word) || word.trim().eq_ignore_ascii_case(TAK)
}

/// Whether nothing stands in a cell of a column. Under a status, "none" says something.
fn is_blank_under(field: &Field, cell: &str) -> bool {
    let says_nothing = || matches!(Words::default().said(field, cell), Some(Said::Blank | Said::Nothing));
    is_blank(cell) && (!field.has_words() || says_nothing())
}

/// A word as it is compared. In other scripts a sign may be all there is, so every sign stays.
fn key(word: &str) -> String {
    word.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::columns::survey::Survey;
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
    fn words_of_two_cases_can_mean_two_things() {
        let mut words = Words::default();
        let (out, active) = (Said::Status(RowStatus::OptedOut), Said::Status(RowStatus::Active));
        for (word, said) in [("N", out), ("n", active), ("Ja", active)] {
            words.explain(&Field::Status, word, said).expect("a word");
        }
        let said = ["N", " n", "JA", "ja"].map(|word| words.said(&Field::Status, word));
        assert_eq!(said, [Some(out), Some(active), Some(active), Some(active)]);
        words.explain(&Field::Status, "Oui", active).expect("a word");
        words.explain(&Field::Status, "OUI", out).expect("a word");
        assert_eq!(words.said(&Field::Status, "oui"), None, "nobody said what this one means");
    }

    #[test]
    fn a_blank_means_what_a_person_said() {
        let mut words = Words::default();
        assert_eq!(words.said(&Field::Status, ""), Some(Said::Blank));
        let active = Said::Status(RowStatus::Active);
        words.explain(&Field::Status, "", active).expect("a blank");
        for blank in ["", " ", "-", "N/A"] {
            assert_eq!(words.said(&Field::Status, blank), Some(active), "{blank}");
        }
        assert_eq!(words.said(&Field::Status, "none"), Some(Said::NoConsent), "a word of its own");
        for failed in ["#N/A", "NaN", "undefined"] {
            assert_eq!(words.said(&Field::Status, failed), None, "{failed}");
        }
    }

    #[test]
    fn a_cross_beside_a_tick_is_not_known() {
        let said = |values: &[&str], cell: &str| {
            let mut survey = Survey::of_header(["opt_in"].into_iter());
            for value in values {
                survey.see(std::iter::once((0, *value)));
            }
            let mut words = Words::default();
            words.look_at(&survey.columns()[0], true);
            words.said(&Field::Consent, cell)
        };
        let active = Some(Said::Status(RowStatus::Active));
        assert_eq!((said(&["x", ""], "x"), said(&["x", "no"], "X")), (active, active));
        assert_eq!((said(&["x", "✓"], "x"), said(&["x", "✓"], "✓")), (None, active));
        for yes in ["O", "○", "√", "J", "ya", "igen", "taip", "granted", "email", "👍"] {
            assert_eq!(said(&["x", yes, ""], "x"), None, "{yes}");
        }
        assert_eq!((said(&["Ya", "Tak"], "Tak"), said(&["Tidak", "tak"], "tak")), (None, None));
        assert_eq!((said(&["Tak", "Nie"], "Tak"), said(&["x", "nie", "N/A"], "x")), (active, active));
        assert_eq!((said(&["✓"], "x"), said(&["x"], "✓")), (None, None), "one that turns up late");
    }

    #[test]
    fn a_mark_is_known_by_the_whole_column_alone() {
        let mut survey = Survey::of_header(["opt_in"].into_iter());
        for value in ["x", "Tak", "yes", ""] {
            survey.see(std::iter::once((0, value)));
        }
        let mut words = Words::default();
        words.look_at(&survey.columns()[0], false);
        let said = ["x", "Tak", "yes", "no"].map(|cell| words.said(&Field::Consent, cell));
        assert_eq!(said, [None, None, Some(Said::Status(RowStatus::Active)), Some(Said::NoConsent)]);
        for (values, rests) in
            [(&["x"][..], true), (&["tak", "nie"], true), (&["nie"], true), (&[""], true), (&["ja", "nein"], false)]
        {
            let mut survey = Survey::of_header(["opt_in"].into_iter());
            for value in values {
                survey.see(std::iter::once((0, *value)));
            }
            assert_eq!(rests_on_marks(&survey.columns()[0]), rests, "{values:?}");
        }
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
