//! What must be said before the first row of a file is imported.

use super::Columns;
use super::day_order::DayOrder;
use super::field::Field;
use super::sections::Section;
use super::survey::Survey;
use crate::limits::LABELS_MAX;
use crate::model::blank::is_failed;
use crate::model::time;

/// What must be said before the first row of a file is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What the rows are: this in the file's name, or in its headings, speaks of those who want no messages.
    Rows(String),
    /// What the rows are: no column says who consented, and the file's name could say anything.
    Consent(String),
    /// What the rows are below a line of the table that has a title in it.
    Section(Section),
    /// What a column is, by its place.
    Column(usize),
    /// What a value of a column means that says who wants messages, and how often it stands there. The empty one is a blank.
    Value(usize, String, u64),
    /// What the words of such a column mean, of which there are too many to ask.
    Values(usize),
    /// What stands first in the dates of a column: the month or the day.
    Days(usize),
    /// Which column is the phone.
    Phone,
    /// Which of so many columns are labels.
    Labels(usize),
}

impl Columns {
    /// What nobody said of these columns. With `every_value` it is also a question what a word means that nobody explained;
    /// without, its row is rejected.
    pub fn questions(&self, survey: &Survey, every_value: bool) -> Vec<Question> {
        let mut questions: Vec<Question> =
            (0..self.len()).filter(|&at| self.why(at).is_open()).map(Question::Column).collect();
        if questions.is_empty() && !self.has(&Field::Phone) {
            questions.push(Question::Phone);
        }
        if every_value {
            for at in 0..self.len() {
                let has_days = self.field(at).has_dates() && survey.columns()[at].days.many > 0;
                if has_days && self.words(at).order().is_none() {
                    questions.push(Question::Days(at));
                }
                if let Some(blanks) = self.unknown_blanks(at, survey) {
                    questions.push(Question::Value(at, String::new(), blanks));
                }
                match self.unknown_values(at, survey) {
                    None => questions.push(Question::Values(at)),
                    Some(values) => {
                        questions.extend(
                            values.into_iter().map(|(value, rows)| Question::Value(at, value.to_owned(), rows)),
                        );
                    }
                }
            }
        }
        let labels = survey.most_at_once(|at| matches!(self.field(at), Field::Label(_)));
        if labels > LABELS_MAX {
            questions.push(Question::Labels(labels));
        }
        questions
    }

    /// In how many rows a column is blank that says who wants messages, if it is in some and nobody said what that means.
    pub fn unknown_blanks(&self, at: usize, survey: &Survey) -> Option<u64> {
        let blanks = survey.rows.saturating_sub(survey.columns()[at].spoken);
        (self.asking().contains(&at) && blanks > 0 && self.words(at).blank().is_none()).then_some(blanks)
    }

    /// The values of a column that say who wants messages in words that nobody knows; none if it has too many values to be
    /// such a column.
    pub fn unknown_values<'s>(&self, at: usize, survey: &'s Survey) -> Option<Vec<(&'s str, u64)>> {
        let field = self.field(at);
        if !field.has_words() {
            return Some(Vec::new());
        }
        // What stands first in a date is a question of its own.
        let can_be_read =
            |value: &str| time::parse_optional(value).is_ok() || DayOrder::MonthFirst.read(value).is_some();
        let is_date = |value: &str| *field == Field::OptOut && !is_failed(value) && can_be_read(value);
        let is_known = |value: &str| self.words(at).said(field, value).is_some();
        match survey.columns()[at].values() {
            Some(values) => Some(values.into_iter().filter(|(value, _)| !is_known(value) && !is_date(value)).collect()),
            // Many dates are what a column of opt-outs may hold.
            None if survey.columns()[at].samples().iter().all(|value| is_known(value) || is_date(value)) => {
                Some(Vec::new())
            }
            None => None,
        }
    }
}
