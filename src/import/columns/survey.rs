//! What the columns of a file hold, for people to see before anything is read by them.

use std::cell::RefCell;
use std::collections::HashMap;

use super::day_order::SlashedDates;
use super::guard::is_of_groups;
use super::sections::{Section, Sections, is_of_those_who_are_out};
use super::{names, status};
use crate::import::read::dialect::looks_like_a_phone;
use crate::import::title;
use crate::lately::Lately;
use crate::model::blank::is_blank;
use crate::model::keyword::is_first_name;
use crate::model::plain_refusal::{note_refuses, note_resemblance};

/// So few different values are all shown.
pub const FEW: usize = 12;
/// So many different values are kept of a column: enough for every word that is a status.
const KEPT_MAX: usize = 100;
/// So many values are shown of a column that has more.
const SAMPLES: usize = 3;
/// A column of so few different values may hold the answers to a question, whatever their words.
const ANSWERS_MAX: usize = 3;
/// One in so many cells of a column has several words, where people wrote what they liked.
const PHRASES_IN: u64 = 4;
/// So many cells of a column are compared with notes that refuse messages, and one is shown that comes so near to them: in notes of
/// people who want messages the nearest of a hundred does, now and then.
const JUDGED_MAX: u64 = 10_000;
const NEAR_FROM: f64 = -0.6;
/// What is longer is no word.
const VALUE_CHARS_MAX: usize = 200;

/// The columns of a file, and what some of its rows hold.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// How many rows were looked at.
    pub rows: u64,
    /// Whether these are all.
    pub is_complete: bool,
    /// Objects of the file say why they were rejected before.
    pub are_rejects: bool,
    /// The rows of a table that are no rows but titles.
    sections: Sections,
    columns: Vec<Held>,
    /// The columns that are filled in the row that has most.
    fullest: Vec<usize>,
}

/// How the cells of a column follow each other.
#[derive(Clone, Debug, Default)]
struct Runs {
    /// The row that was filled last, and what stands there.
    last: (u64, String),
    /// Whether a row between two is blank, and whether one repeats the row before.
    has_gaps: bool,
    repeats: bool,
}

/// The cells of a column that refuse messages, and those that come nearest to it and are none as far as anybody knows.
#[derive(Clone, Debug, Default)]
struct Nearest {
    /// Cells are compared with notes, as an import does: but under a heading that is known to say nothing of who wants messages.
    is_compared: bool,
    /// How many refuse, and the first of them.
    refusing: u64,
    first: String,
    /// How near each of the others is, the nearest first.
    cells: Vec<(f64, String)>,
    /// How many were judged.
    judged: u64,
}

/// What one column holds.
#[derive(Clone, Debug, Default)]
pub struct Held {
    pub name: String,
    /// How many rows have something there, and whether the first one has.
    pub filled: u64,
    begins_filled: bool,
    runs: Runs,
    /// How many are several words.
    phrases: u64,
    /// How many have something there that says something: `N/A` does not.
    pub spoken: u64,
    /// How many look like phones.
    pub phones: u64,
    /// In how many of these a digit stands.
    pub with_digits: u64,
    /// How many are a yes, a no, or a word for a status.
    pub answers: u64,
    /// How many begin with a date.
    dates: u64,
    /// Dates like 4/3/2026.
    pub days: SlashedDates,
    /// The different values, and how often each; empty when there are too many.
    counts: HashMap<String, u64>,
    are_many: bool,
    samples: Vec<String>,
    /// What stands there and refuses messages as a note does, or comes nearest to it.
    nearest: Nearest,
    /// Groups of rows may be named there: then the first row of each value.
    is_of_groups: bool,
    firsts: Vec<(u64, String)>,
}

impl Survey {
    pub fn of_header<'n>(names: impl Iterator<Item = &'n str>) -> Survey {
        let mut survey = Survey::default();
        for name in names {
            survey.add_column(name);
        }
        survey
    }

    /// The title that may be of the rows around it: one that rows follow, one behind all rows that speaks of an end, or one in a
    /// column of groups.
    pub fn section(&self) -> Option<Section> {
        let inside = || self.columns.iter().find_map(|held| held.group_of_an_end(self.rows));
        let group = || inside().map(|(line, title)| Section { line, title, others: Vec::new() });
        self.sections.section(self.is_complete).or_else(group)
    }

    /// The lines between the rows that may be titles.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.sections.titles()
    }

    /// Adds a column, and gives its place.
    pub fn add_column(&mut self, name: &str) -> usize {
        let name = name.trim_matches(['\u{feff}', '\'']).trim().to_owned();
        self.columns.push(Held::new(&name));
        self.columns.len() - 1
    }

    /// Looks at a row of a table, which may be a title as well. `line` is the one on which it begins.
    pub fn see_row<'c>(&mut self, line: impl FnOnce() -> u64, cells: impl Iterator<Item = (usize, &'c str)> + Clone) {
        // Where the rows before it have phones.
        let is_of_phones = |at: usize| self.columns.get(at).is_some_and(|held| held.phones > 0);
        let is_of_answers = |at: usize| {
            let known = self.columns.get(at).and_then(|held| names::known(&held.name));
            known.is_some_and(|(field, _)| field.says_consent())
        };
        match title::of_section(cells.clone(), self.columns.len(), is_of_phones, is_of_answers) {
            Some(title) => self.sections.see((line(), title.to_owned())),
            None if cells.clone().any(|(_, cell)| title::is_number(cell)) => self.sections.follow(),
            None => {}
        }
        self.see(cells);
    }

    /// Looks at a row: its cells, each with the place of its column.
    pub fn see<'c>(&mut self, cells: impl Iterator<Item = (usize, &'c str)>) {
        let mut filled = Vec::new();
        for (at, cell) in cells {
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            if let Some(held) = self.columns.get_mut(at) {
                held.see(self.rows + 1, cell);
                filled.push(at);
            }
        }
        if !filled.is_empty() {
            self.rows += 1;
            if self.rows == 1 {
                for &at in &filled {
                    self.columns[at].begins_filled = true;
                }
            }
        }
        if filled.len() > self.fullest.len() {
            self.fullest = filled;
        }
    }

    pub fn columns(&self) -> &[Held] {
        &self.columns
    }

    /// How many columns of the fullest row are among these.
    pub fn most_at_once(&self, is_counted: impl Fn(usize) -> bool) -> usize {
        self.fullest.iter().filter(|&&at| is_counted(at)).count()
    }
}

impl Nearest {
    fn see(&mut self, cell: &str) {
        let may_be_a_note = cell.contains(' ') || !cell.is_ascii();
        if !may_be_a_note || self.judged == JUDGED_MAX {
            return;
        }
        self.judged += 1;
        let shown = || cell.chars().take(VALUE_CHARS_MAX).collect();
        let near = if self.is_compared { note_resemblance(cell) } else { f64::NEG_INFINITY };
        if near >= 0.0 || note_refuses(cell) {
            if self.refusing == 0 {
                self.first = shown();
            }
            self.refusing += 1;
            return;
        }
        let at = self.cells.partition_point(|(other, _)| *other >= near);
        let is_known = || self.cells.iter().any(|(_, known)| known == cell);
        if near >= NEAR_FROM && at < SAMPLES && !is_known() {
            self.cells.insert(at, (near, shown()));
            self.cells.truncate(SAMPLES);
        }
    }
}

impl Held {
    /// A column in which nothing was seen yet.
    pub fn new(name: &str) -> Held {
        let nearest = Nearest { is_compared: !names::is_harmless(name), ..Nearest::default() };
        Held { name: name.to_owned(), is_of_groups: is_of_groups(name), nearest, ..Held::default() }
    }

    fn see(&mut self, row: u64, cell: &str) {
        let Runs { last: (before, above), has_gaps, repeats } = &mut self.runs;
        *has_gaps |= *before > 0 && row > *before + 1;
        *repeats |= row == *before + 1 && above == cell;
        *before = row;
        cell.clone_into(above);
        self.phrases += u64::from(cell.split_whitespace().nth(1).is_some());
        self.nearest.see(cell);
        self.filled += 1;
        self.spoken += u64::from(!is_blank(cell));
        self.phones += u64::from(looks_like_a_phone(cell));
        self.days.see(cell);
        self.with_digits += u64::from(cell.chars().any(char::is_numeric));
        self.answers += u64::from(is_answer(cell));
        self.dates += u64::from(title::begins_with_a_date(cell));
        if self.samples.len() < SAMPLES && !self.samples.iter().any(|sample| sample == cell) {
            self.samples.push(cell.chars().take(VALUE_CHARS_MAX).collect());
        }
        if self.are_many {
            return;
        }
        if let Some(count) = self.counts.get_mut(cell) {
            *count += 1;
        } else if self.counts.len() >= KEPT_MAX || cell.chars().nth(VALUE_CHARS_MAX).is_some() {
            self.are_many = true;
            self.counts = HashMap::new();
        } else {
            self.counts.insert(cell.to_owned(), 1);
            if self.is_of_groups {
                self.firsts.push((row, cell.to_owned()));
            }
        }
    }

    /// Whether the cells of several rows may have been one: the first row has something there, and of several things that stand
    /// there each stands there once, or blank cells are between them, and no row repeats what stands right above it.
    pub fn are_merged(&self) -> bool {
        let is_once = || !self.are_many && self.counts.values().all(|count| *count == 1);
        let are_several = self.are_many || self.counts.len() > 1;
        self.begins_filled && are_several && (is_once() || self.runs.has_gaps && !self.runs.repeats)
    }

    /// A refusal that names a group of rows from its last row, or from one in its midst: blank cells are around it, and nobody knows
    /// which of their rows are meant. With its line, as far as each row is one.
    fn group_of_an_end(&self, rows: u64) -> Option<(u64, String)> {
        let is_sparse = !self.begins_filled && self.filled > 0 && self.filled * 2 <= rows && !self.runs.repeats;
        if !is_sparse || !self.is_of_groups || self.are_many || self.counts.values().any(|count| *count > 1) {
            return None;
        }
        let refuses = |(_, value): &&(u64, String)| is_of_those_who_are_out(value);
        let (row, value) = self.firsts.iter().find(refuses)?;
        Some((row + 1, value.clone()))
    }

    /// Whether people wrote there what they liked: several words in many cells.
    pub fn are_phrases(&self) -> bool {
        self.phrases > 0 && self.phrases * PHRASES_IN >= self.spoken
    }

    /// Whether names of people stand there, whatever the heading: most of what was seen begins with a first name.
    pub fn are_names(&self) -> bool {
        let first = |cell: &&str| cell.split_whitespace().next().is_some_and(is_first_name);
        let shown: Vec<&str> = match self.values() {
            Some(values) => values.into_iter().map(|(value, _)| value).collect(),
            None => self.samples.iter().map(String::as_str).collect(),
        };
        shown.iter().filter(|cell| first(cell)).count() * 2 > shown.len()
    }

    /// Whether words for a status stand there, of those who want messages and of those who want none: that is what the column is of,
    /// whatever its heading.
    pub fn are_statuses(&self) -> bool {
        let said: Vec<_> = self.spoken_values().into_iter().filter_map(status::status).collect();
        said.iter().any(|said| said.forbids()) && said.iter().any(|said| !said.forbids())
    }

    /// Whether most cells look like phones.
    pub fn are_phones(&self) -> bool {
        self.phones * 2 > self.spoken
    }

    /// Whether the cells are answers, of which nobody knows the question: all are a yes or a no, or all are signs, or one is a
    /// word for a status. Zeros and ones alone may be counts.
    pub fn are_answers(&self) -> bool {
        let is_digit = |value: &str| value.bytes().all(|byte| byte.is_ascii_digit());
        let is_sign = |value: &str| !value.contains(char::is_alphanumeric);
        let spoken = self.spoken_values();
        let all = |is_one: &dyn Fn(&str) -> bool| !spoken.is_empty() && spoken.iter().all(|value| is_one(value));
        all(&is_sign)
            || all(&|value| status::yes_or_no(value).is_some()) && !all(&is_digit)
            || spoken.iter().any(|value| status::status(value).is_some())
    }

    /// Whether all that stands there is a yes or a no. Ones alone may be counts.
    pub fn are_yes_or_no(&self) -> bool {
        let spoken = self.spoken_values();
        !spoken.is_empty()
            && spoken.iter().all(|value| status::yes_or_no(value).is_some())
            && spoken.iter().any(|value| *value != "1")
    }

    /// Whether the column has the shape of one that answers a question: few different values, or dates. Its words do not matter.
    pub fn has_shape_of_answers(&self) -> bool {
        let mut different: Vec<String> = self.spoken_values().iter().map(|value| value.to_lowercase()).collect();
        different.sort();
        different.dedup();
        (1..=ANSWERS_MAX).contains(&different.len()) || self.dates > 0 && self.dates * 2 >= self.spoken
    }

    /// Whether all that stands there is a yes or a no, if written as a 1 and a 0, or a word for a status.
    pub fn are_plain_answers(&self) -> bool {
        self.answers > 0 && self.answers == self.spoken
    }

    /// Whether all that stands there is a yes or a no, or all of it is a date: the heading alone says of what.
    pub fn are_marks(&self) -> bool {
        self.are_plain_answers() || self.dates > 0 && self.dates == self.spoken
    }

    /// Whether so few different values stand there that they may be answers in whatever language.
    pub fn may_be_answers(&self) -> bool {
        (1..=FEW).contains(&self.spoken_values().len())
    }

    /// The different values that say something; none where there are many.
    pub fn spoken_values(&self) -> Vec<&str> {
        let values = self.values().unwrap_or_default().into_iter();
        values.map(|(value, _)| value).filter(|value| !is_blank(value)).collect()
    }

    /// All different values with their counts, the commonest first; none when there are more than a hundred.
    pub fn values(&self) -> Option<Vec<(&str, u64)>> {
        if self.are_many {
            return None;
        }
        let mut values: Vec<(&str, u64)> = self.counts.iter().map(|(value, count)| (value.as_str(), *count)).collect();
        values.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
        Some(values)
    }

    /// The same where there are few; none where a person sees more in some samples.
    pub fn few(&self) -> Option<Vec<(&str, u64)>> {
        self.values().filter(|values| values.len() <= FEW)
    }

    /// How many cells refuse messages as notes do, as far as was looked, and the first of them; none where there are no notes.
    pub fn refusing(&self) -> Option<(u64, &str)> {
        let Nearest { refusing, first, .. } = &self.nearest;
        (*refusing > 0 && self.are_notes()).then_some((*refusing, first))
    }

    /// What people wrote there that comes nearest to a refusal and is not taken for one, for a person to look at.
    pub fn nearest_to_a_refusal(&self) -> impl Iterator<Item = &str> {
        self.nearest.cells.iter().filter(|_| self.are_notes()).map(|(_, cell)| cell.as_str())
    }

    /// Whether people wrote there what they liked, and no names.
    fn are_notes(&self) -> bool {
        self.are_phrases() && !self.are_names()
    }

    /// The first different values.
    pub fn samples(&self) -> &[String] {
        &self.samples
    }
}

/// Whether a cell is a yes, a no, or a word for a status.
pub fn is_answer(cell: &str) -> bool {
    /// No answer is longer.
    const BYTES_MAX: usize = 32;
    thread_local! {
        static LATELY: RefCell<Lately> = Lately::new();
    }
    let is_one = |cell: &str| !is_blank(cell) && (status::yes_or_no(cell).is_some() || status::status(cell).is_some());
    cell.len() <= BYTES_MAX && Lately::asked(&LATELY, cell, is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_named_in_its_last_row_is_a_question() {
        let section = |heading: &str, groups: &[&str]| {
            let mut survey = Survey::of_header(["phone", heading].into_iter());
            for group in groups {
                survey.see([(0, "+14155550101"), (1, *group)].into_iter());
            }
            survey.section().map(|section| (section.line, section.title))
        };
        let asked = |line: u64, title: &str| Some((line, title.to_owned()));
        assert_eq!(section("Group", &["", "", "Active", "", "", "Opted out"]), asked(7, "Opted out"));
        assert_eq!(section("Category", &["", "VIP", "", "", "Do not text", ""]), asked(6, "Do not text"));
        assert_eq!(section("Group", &["Active", "", "", "Opted out", "", ""]), None, "a merged cell stands first");
        assert_eq!(section("Group", &["", "", "VIP", "", "", "Gold"]), None);
        assert_eq!(section("Group", &["", "Stop", "", "Stop", "", "VIP", "", ""]), None, "said of each row");
        assert_eq!(section("Notes", &["", "", "VIP", "", "", "Opted out"]), None, "a note is of its row");
    }

    #[test]
    fn few_values_are_counted_and_many_are_sampled() {
        let mut survey = Survey::of_header(["\u{feff}phone", " Stato "].into_iter());
        for row in 0..150 {
            let phone = format!("+1415555{row:04}");
            survey.see([(0, phone.as_str()), (1, if row % 3 == 0 { "Disiscritto" } else { " Iscritto" })].into_iter());
        }
        survey.see([(0, ""), (1, "  "), (7, "behind the header")].into_iter());
        assert_eq!(survey.rows, 150, "blank rows are none");
        let [phone, stato] = survey.columns() else { panic!("two columns") };
        assert_eq!((phone.name.as_str(), stato.name.as_str()), ("phone", "Stato"));
        assert_eq!((phone.values(), phone.samples().len(), phone.with_digits), (None, 3, 150));
        assert_eq!(stato.few(), Some(vec![("Iscritto", 100), ("Disiscritto", 50)]));
        assert_eq!(survey.most_at_once(|at| at == 1), 1);
    }
}
