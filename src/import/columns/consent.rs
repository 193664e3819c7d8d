//! The columns that say who wants messages: what a row must say there before it subscribes, and what a blank means.

use super::field::Field;
use super::mapping::place;
use super::status::Said;
use super::survey::Survey;
use super::words::rests_on_marks;
use super::{Columns, Why, list, names};
use crate::error::{Error, Result};
use crate::model::plain_refusal::expiry::is_of_an_end_of_consent;
use crate::model::plain_refusal::question::is_of_a_newsletter;
use crate::model::plain_refusal::title::is_about_mail;
use crate::model::time;

impl Columns {
    /// Whether some column says who consented, so that a row that does not say yes has no consent.
    pub fn must_say_yes(&self) -> bool {
        self.asking.iter().any(|&at| self.fields[at].must_speak())
    }

    /// The columns in each of which a row must say something before it subscribes.
    pub fn asking(&self) -> &[usize] {
        &self.asking
    }

    /// The other columns of which a person said what a blank means.
    pub fn explained_blanks(&self) -> &[usize] {
        &self.explained_blanks
    }

    /// Whether some column says who wants messages.
    pub fn speak_of_consent(&self) -> bool {
        !self.asking.is_empty() || self.fields.iter().any(Field::says_consent)
    }

    /// Whether something stands in a cell of such a column, which then has been heard.
    pub fn is_filled(&self, at: usize, cell: &str) -> bool {
        match self.field(at) {
            _ if cell.is_empty() => false,
            Field::Date(_) => cell.trim() != "0" && !matches!(time::parse_optional(cell), Ok(None)),
            field => self.words(at).said(field, cell.trim()) != Some(Said::Blank),
        }
    }

    /// Whether the rows are those of a table: each has all columns.
    pub fn is_table(&self) -> bool {
        self.is_table
    }

    /// Whether a row of a table with so many cells ends before a column that says who wants messages.
    pub fn is_short(&self, cells: usize) -> bool {
        cells < self.cells_min()
    }

    /// So many cells a row of a table has at least.
    pub fn cells_min(&self) -> usize {
        self.until_consent
    }

    /// Finds out which columns must say that a row subscribes: those of a status and of consents, and where there is none, the
    /// dates of consents. A date that stands in no row of the whole file says nothing of anybody beside one that does, as where a
    /// file has room for a second confirmation; but for rows that were rejected, perhaps because they lack it.
    pub(super) fn ask_consent(&mut self, survey: &Survey) {
        let held = survey.columns();
        let those = |is_one: &dyn Fn(&Field) -> bool| -> Vec<usize> {
            (0..self.len()).filter(|&at| is_one(&self.fields[at])).collect()
        };
        let words = those(&Field::must_speak);
        let mut dates = those(&|field| *field == Field::Date("subscribed_at"));
        let speaks = |at: &usize| held[*at].spoken > 0 || self.words[*at].blank().is_some();
        if survey.is_complete && !self.is_rejects && dates.iter().any(speaks) {
            dates.retain(speaks);
        }
        self.asking = if words.is_empty() { dates } else { words };
        let is_explained = |at: &usize| self.words[*at].blank().is_some() && !self.asking.contains(at);
        self.explained_blanks = (0..self.len()).filter(is_explained).collect();
        for ((words, field), held) in self.words.iter_mut().zip(&self.fields).zip(held) {
            if *field == Field::Consent && (held.filled > 0 || !survey.is_complete) {
                words.look_at(held, survey.is_complete);
            }
        }
    }

    /// Whether what some column of consents says may rest on rows that nobody has looked at.
    pub fn rest_on_marks(&self, survey: &Survey) -> bool {
        let mut held = self.fields.iter().zip(survey.columns());
        held.any(|(field, held)| *field == Field::Consent && rests_on_marks(held))
    }

    /// Whether a column asks who wants a newsletter, and means messages: it comes by e-mail where the rows have an address of it, or a
    /// consent of their own beside it.
    pub(super) fn asks_by_a_newsletter(&self, at: usize, own: usize) -> bool {
        is_of_a_newsletter(&self.names[at])
            && !(0..own).any(|other| self.fields[other] == Field::Consent || is_about_mail(&self.names[other]))
    }

    /// What a person should hear again who said it: that a column is not used whose heading is known to say who wants messages; and that
    /// one says when consents end. In a file of which all rows are one thing it matters to nobody.
    pub fn warnings(&self) -> Vec<String> {
        let is_known = |at: usize| names::known(&self.names[at]).is_some_and(|(field, _)| field.says_consent());
        let is_passed_over = |at: &usize| {
            self.field(*at).is_unused() && matches!(self.why(*at), Why::Map | Why::Mapping) && is_known(*at)
        };
        let all = (0..self.len()).filter(|_| !self.forbids()).filter(is_passed_over);
        let unused = all
            .map(|at| format!("the column '{}' says who wants messages, and is not used, as you said", self.name(at)));
        // A label ends nothing when its day comes.
        let ends = |at: &usize| matches!(self.field(*at), Field::Label(_)) && is_of_an_end_of_consent(&self.names[*at]);
        let ending = (0..self.len()).filter(|_| !self.forbids()).filter(ends).map(|at| {
            format!(
                "the column '{}' says when consents end: rows whose day has come are rejected, and of the others contactd keeps the day \
                 as a label alone; opt them out when it comes",
                self.name(at)
            )
        });
        unused.chain(ending).collect()
    }

    /// Whether they are the keys of a trail's lines.
    pub fn are_of_trail(&self) -> bool {
        self.names.iter().any(|name| names::is_of_trail(name))
    }

    /// Takes in what a person said of blanks.
    pub(super) fn explain_blanks(&mut self, own: usize, is_table: bool) -> Result<()> {
        for (column, said) in &self.wishes.blank {
            let option = format!("--blank {column}={}", said.word());
            let headings: Vec<&str> = self.names[..own].iter().map(String::as_str).collect();
            match place(&headings, column) {
                Ok(Some(at)) if self.fields[at].can_explain("") => {
                    self.words[at].explain(&self.fields[at], "", *said)?;
                }
                Ok(Some(at)) => {
                    return Err(Error::bad_arg(format!(
                        "{option}: the column is {}; a blank says something only under status, opt_in, opted_out and \
                         subscribed_at",
                        self.fields[at].told()
                    )));
                }
                Ok(None) if !is_table => {}
                Ok(None) | Err(_) => {
                    return Err(Error::bad_arg(format!("{option}: name one column of {}", list(&headings))));
                }
            }
        }
        Ok(())
    }
}
