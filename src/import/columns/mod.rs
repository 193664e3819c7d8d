//! Which column is what: in a closed world. A column is read because its name is exactly known, or because a person said what
//! it is. What neither names is a question, and nothing is imported before it is answered.

mod channel;
mod consent;
pub mod day_order;
mod ditto;
pub mod field;
mod guard;
pub mod heading;
mod late;
pub mod mapping;
pub mod names;
pub mod question;
pub mod rejects;
pub mod sections;
pub mod status;
pub mod survey;
mod verdict;
mod why;
pub mod words;

use std::collections::HashSet;

use super::options::AllAre;
use super::send::country;
use crate::error::{Error, Result, excerpt};
use crate::model::phone::Region;
use crate::model::plain_refusal::title::has_word;
use crate::model::plain_refusal::vocabulary::PHONE;
use channel::are_channels;
use day_order::DayOrder;
pub use ditto::says_the_same;
use field::Field;
pub use guard::{Countries, Guard};
use heading::{is_for_all, is_open_question, may_be, speaks_of_consent};
use mapping::{MADE_UP, Mapping, numbered, place, unnamed};
use status::Said;
use survey::{Held, Survey};
pub use why::Why;
use words::Words;

/// What a person says about columns.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// `--map column=field`. The column `*` is every one that nothing else names.
    pub map: Vec<(String, String)>,
    /// `--labels these`; `*` for every one that nothing else names.
    pub labels: Vec<String>,
    /// `--blank column=meaning`: what a blank cell says where others say who wants messages.
    pub blank: Vec<(String, Said)>,
    /// `--mapping FILE`, or the answers of a person who was asked.
    pub mapping: Option<Mapping>,
    /// `--as`: what every row is.
    pub all_are: Option<AllAre>,
    /// `--no-sections`: no line that is no row says who wants messages.
    pub has_no_sections: bool,
}

impl Wishes {
    /// Whether a column is named by its number, as where there is no header.
    pub fn names_by_number(&self) -> bool {
        let mut mapped = self.mapping.iter().flat_map(Mapping::columns);
        self.map.iter().any(|(column, _)| column.starts_with('#')) || mapped.any(|column| column.name.starts_with('#'))
    }
}

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct Columns {
    names: Vec<String>,
    fields: Vec<Field>,
    whys: Vec<Why>,
    words: Vec<Words>,
    guards: Vec<Guard>,
    wishes: Wishes,
    /// The columns in each of which a row must say something before it subscribes.
    asking: Vec<usize>,
    /// The other columns of which a person said what a blank means.
    explained_blanks: Vec<usize>,
    is_table: bool,
    /// So many columns there are up to the last one that says who wants messages.
    until_consent: usize,
    /// The rows were rejected before.
    pub is_rejects: bool,
    /// So many columns of a table, the last ones, say how they were rejected.
    behind_rows: usize,
    /// The file is an export of contactd: each row has its verdict.
    pub is_export: bool,
}

impl Columns {
    /// Finds out what the columns of a table are: all of its rows have them.
    pub fn of_table(survey: &Survey, wishes: Wishes) -> Result<Columns> {
        let mut columns = Columns::new(survey, wishes);
        columns.behind_rows = rejects::columns_of(&columns.names);
        columns.is_rejects = columns.behind_rows > 0;
        columns.is_table = true;
        columns.resolve(survey)?;
        columns.until_consent = (0..columns.len())
            .rev()
            .find(|&at| columns.fields[at].says_consent() || columns.asking.contains(&at))
            .map_or(0, |at| at + 1);
        Ok(columns)
    }

    /// The same for the keys of the first objects, each of which has some.
    pub fn of_objects(survey: &Survey, wishes: Wishes) -> Result<Columns> {
        let mut columns = Columns::new(survey, wishes);
        columns.is_rejects = survey.are_rejects;
        columns.resolve(survey)?;
        Ok(columns)
    }

    fn new(survey: &Survey, wishes: Wishes) -> Columns {
        let names: Vec<String> = survey.columns().iter().map(|held| held.name.clone()).collect();
        let many = names.len();
        Columns {
            names,
            fields: vec![Field::Ignore; many],
            whys: vec![Why::Rejects; many],
            words: vec![Words::default(); many],
            guards: vec![Guard::default(); many],
            wishes,
            asking: Vec::new(),
            explained_blanks: Vec::new(),
            is_table: false,
            until_consent: 0,
            is_rejects: false,
            behind_rows: 0,
            is_export: false,
        }
    }

    /// What a column is. One behind the header is nothing.
    pub fn field(&self, at: usize) -> &Field {
        self.fields.get(at).unwrap_or(&Field::Ignore)
    }

    /// Why it is read so.
    pub fn why(&self, at: usize) -> Why {
        self.whys[at]
    }

    /// The first column that is this.
    pub fn place_of(&self, field: &Field) -> Option<usize> {
        self.fields.iter().position(|known| known == field)
    }

    /// What the words of a column mean.
    pub fn words(&self, at: usize) -> &Words {
        &self.words[at]
    }

    /// What is looked for in the cells of a column.
    pub fn guard(&self, at: usize) -> Guard {
        self.guards.get(at).copied().unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether no person named the column: a phone in it belongs to an opt-out all the same.
    pub fn is_unnamed(&self, at: usize) -> bool {
        matches!(self.whys.get(at), Some(Why::As | Why::AllLabels | Why::AllIgnored))
    }

    /// Whether somebody may have written in a column who wants no messages, whatever it is read as.
    pub fn may_refuse(&self, at: usize) -> bool {
        let guard = self.guard(at);
        match self.field(at) {
            Field::Label(_) => guard.may_refuse,
            Field::Ignore => guard.may_refuse && guard.hears_refusals,
            field => field.has_words() || field.has_dates() || matches!(field, Field::Reason | Field::Source),
        }
    }

    /// Whether a column is the phone, or one to fall back on.
    pub fn is_phone(&self, at: usize) -> bool {
        matches!(self.field(at), Field::Phone | Field::OtherPhone)
    }

    pub fn has(&self, field: &Field) -> bool {
        self.fields.contains(field)
    }

    /// How each column is read, for people: its heading, or its number where it has none, and what it is.
    pub fn told(&self) -> Vec<(String, String)> {
        (0..self.len()).map(|at| (self.name(at), self.words[at].told(&self.fields[at]))).collect()
    }

    /// What one calls a column: by its heading, or by `#` and its number where that is surer. A long heading is a sentence, and
    /// who must count columns counts wrong.
    pub fn name(&self, at: usize) -> String {
        let name = &self.names[at];
        let is_shown = |char: char| excerpt(char.to_string().as_bytes()) == char.to_string();
        let is_plain = !name.is_empty() && name.len() <= HEADING_BYTES_MAX && name.chars().all(is_shown);
        if is_plain && self.is_alone(at) { name.clone() } else { format!("#{}", at + 1) }
    }

    /// What a mapping calls it: by its heading, which stands beside the number where there must be one.
    pub fn signed_name(&self, at: usize) -> String {
        let name = &self.names[at];
        if self.is_alone(at) { name.clone() } else { numbered(at, name) }
    }

    /// Whether its heading means it, and no other column.
    fn is_alone(&self, at: usize) -> bool {
        let name = &self.names[at];
        !name.is_empty() && matches!(place(&self.headings(), name), Ok(Some(found)) if found == at)
    }

    fn headings(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    fn resolve(&mut self, survey: &Survey) -> Result<()> {
        let (held, own, is_table) = (survey.columns(), self.own(), self.is_table);
        let said = self.said(own, is_table)?;
        let is_said = |field: &Field| said.iter().flatten().any(|(said, _)| said == field);
        // Some "Mobile" and "Cell" hold yes and no, beside the column that has the numbers.
        let has_numbers = |at: usize| held[at].filled == 0 || held[at].with_digits > 0;
        let is_phone = |at: usize| matches!(names::known(&held[at].name), Some((Field::Phone, _)));
        let others_have =
            |at: usize| (0..own).any(|other| other != at && is_phone(other) && held[other].with_digits > 0);
        let are_numbers = |at: usize| has_numbers(at) || !others_have(at);
        // The verdict of an export follows from the columns beside it; another program's verdict is its own.
        let is_known =
            |field: &Field| (0..own).any(|at| names::known(&held[at].name).is_some_and(|(known, _)| known == *field));
        let has_status = is_known(&Field::Status);
        self.is_export = has_status && is_known(&Field::Ignore);
        let mut ranks = vec![0; own];
        for at in 0..own {
            let fits = |field: &Field| match field {
                Field::Phone => are_numbers(at),
                Field::Ignore => has_status,
                _ => true,
            };
            let are_states = || {
                let values = held[at].values().unwrap_or_default();
                country::are_states(values.iter().map(|(value, _)| *value))
            };
            let of_trail = || names::is_of_trail(&held[at].name).then_some((Field::Ignore, 0));
            let known = || of_trail().or_else(|| names::known(&held[at].name).filter(|(field, _)| fits(field)));
            let (field, why) = match (&said[at], names::label_prefix(&held[at].name), known()) {
                (Some((_, Why::Labels)), ..) if !self.is_export && !self.forbids() && is_open_question(&held[at]) => {
                    (Field::Unclear, Why::LabelsOfAnswers)
                }
                (Some(said), _, _) => said.clone(),
                (None, Some(_), _) if speaks_of_consent(&held[at].name) => (Field::Unclear, Why::Nobody),
                // Whoever called it a label may not have seen that it answers a question.
                (None, Some(_), _) if held[at].are_plain_answers() && !self.is_export && !self.forbids() => {
                    (Field::Unclear, Why::Nobody)
                }
                (None, Some(key), _) => (Field::Label(key), Why::LabelName),
                // A state is no country, and nobody knows which of them it is.
                (None, None, Some((Field::Region, _))) if are_states() => (Field::Unclear, Why::Nobody),
                (None, None, Some((Field::Phone, rank))) => {
                    ranks[at] = rank;
                    (Field::Phone, Why::KnownName)
                }
                (None, None, Some((field, _))) if field.may_repeat() || !is_said(&field) => (field, Why::KnownName),
                _ => self.rest(&held[at]),
            };
            (self.fields[at], self.whys[at]) = (field, why);
        }
        self.choose_phone(&ranks, held, is_said(&Field::Phone))?;
        for at in 0..own {
            let twin = (0..at).find(|&before| self.fields[before] == self.fields[at]);
            if let Some(before) = twin.filter(|_| !self.fields[at].may_repeat()) {
                return Err(self.two(before, at));
            }
        }
        self.refuse_fenced(own, held)?;
        self.name_labels(0);
        let whys = self.whys.iter().zip(held);
        // Where a heading says that the consents are to messages, the channel is of something else.
        let are_of_sms = (0..own).any(|at| self.fields[at].says_consent() && has_word(&self.names[at], PHONE));
        let guards = whys.enumerate().map(|(at, (&why, held))| {
            let guard = Guard::of(held, why, survey.is_complete);
            let guard = if are_channels(held) && !are_of_sms { guard.of_channels() } else { guard };
            let guard = if at < own && self.asks_by_a_newsletter(at, own) { guard.of_consents() } else { guard };
            let guard = if let Field::Label(key) = &self.fields[at] { guard.of_labels(key) } else { guard };
            if at < own && self.is_of_verdicts(at) { guard.of_verdicts() } else { guard }
        });
        self.guards = guards.collect();
        self.explain_blanks(own, is_table)?;
        self.ask_consent(survey);
        Ok(())
    }

    /// What a person said of each column. What is said on the command line wins over a mapping file, `--map` over `--labels`.
    fn said(&mut self, own: usize, is_table: bool) -> Result<Vec<Option<(Field, Why)>>> {
        let headings: Vec<&str> = self.names[..own].iter().map(String::as_str).collect();
        let mut said = vec![None; own];
        let mut words = vec![Words::default(); own];
        let found = |option: &str, name: &str| {
            place(&headings, name).map_err(|[one, _]| {
                Error::bad_arg(format!(
                    "{option}: several columns have the name '{}'; name one by its number, like '#{}'",
                    excerpt(name.as_bytes()),
                    one + 1
                ))
            })
        };
        let absent =
            |option: &str| Error::bad_arg(format!("{option}: the file has no such column; it has {}", list(&headings)));
        for column in self.wishes.mapping.iter().flat_map(Mapping::columns) {
            let option = format!("the mapping of '{}'", excerpt(column.name.as_bytes()));
            if let Some(heading) = unnamed(&headings, &column.name) {
                return Err(unsigned(&option, &column.name, heading));
            }
            match found(&option, &column.name)? {
                Some(at) => {
                    may_be(&option, headings[at], &column.field)?;
                    said[at] = Some((column.field.clone(), Why::Mapping));
                    words[at] = column.words()?;
                }
                // A table without its column of opt-outs is another table.
                None if is_table && !matches!(column.field, Field::Label(_) | Field::Ignore | Field::OtherPhone) => {
                    return Err(absent(&option));
                }
                None => {}
            }
        }
        for label in self.wishes.labels.iter().filter(|label| *label != "*") {
            let option = format!("--labels {label}");
            let key = |name: &str| names::label_prefix(name).unwrap_or_else(|| names::label_key(name));
            let by_key = || headings.iter().position(|name| key(name) == *label);
            let at = found(&option, label)?.or_else(by_key).ok_or_else(|| absent(&option))?;
            let known = names::known(headings[at]);
            if known.is_some_and(|(field, _)| field.must_speak()) {
                return Err(Error::bad_arg(format!(
                    "{option}: this column says who wants messages. If it shall be a label that forbids nothing all the same, \
                     say --map '{label}=label.{}'",
                    names::label_key(label)
                )));
            }
            let field = Field::Label(names::label_prefix(headings[at]).unwrap_or_default());
            may_be(&option, headings[at], &field)?;
            // A mapping has said of this very column that it is a label.
            let is_mapped = matches!(said[at], Some((Field::Label(_), _)));
            said[at] = Some((field, if is_mapped { Why::Mapping } else { Why::Labels }));
        }
        for (column, word) in self.wishes.map.iter().filter(|(column, _)| column != "*") {
            let option = format!("--map {column}={word}");
            let (word, order) = DayOrder::split(word);
            let field = parse(&option, word)?;
            let at = found(&option, column)?.ok_or_else(|| absent(&option))?;
            let is_consent = |heading: &&str| names::known(heading).is_some_and(|(known, _)| known.says_consent());
            if let Some(heading) = unnamed(&headings, column).filter(|_| !field.says_consent()).filter(is_consent) {
                return Err(unsigned(&option, column, heading));
            }
            may_be(&option, headings[at], &field)?;
            if let Some(order) = order {
                words[at].order_days(&field, order)?;
            }
            said[at] = Some((field, Why::Map));
        }
        for (_, word) in self.wishes.map.iter().filter(|(column, _)| column == "*") {
            let option = format!("--map *={word}");
            if parse(&option, word)? != Field::Ignore {
                return Err(Error::bad_arg(format!(
                    "{option}: all the others can only be ignored, or labels by --labels '*'"
                )));
            }
        }
        self.words = words;
        self.words.resize(self.names.len(), Words::default());
        Ok(said)
    }

    fn forbids(&self) -> bool {
        self.wishes.all_are.is_some_and(AllAre::forbids)
    }

    /// What a column is that nothing names.
    fn rest(&self, held: &Held) -> (Field, Why) {
        let forbids = self.forbids();
        if forbids && held.are_phones() {
            return (Field::OtherPhone, Why::As);
        }
        let is_for_all = forbids || is_for_all(held);
        if is_for_all && self.wishes.labels.iter().any(|label| label == "*") {
            return (Field::Label(String::new()), Why::AllLabels);
        }
        if is_for_all && self.wishes.map.iter().any(|(column, _)| column == "*") {
            return (Field::Ignore, Why::AllIgnored);
        }
        if forbids {
            return (Field::Ignore, Why::As);
        }
        (Field::Unclear, if is_empty(held) { Why::Empty } else { Why::Nobody })
    }

    /// Of the columns that are phones by their names, the first in rank is the phone, unless somebody named it. Other numbers
    /// of the same person are what to fall back on.
    fn choose_phone(&mut self, ranks: &[usize], held: &[Held], is_said: bool) -> Result<()> {
        let is_known = |at: &usize| self.fields[*at] == Field::Phone && self.whys[*at] == Why::KnownName;
        let candidates: Vec<usize> = (0..ranks.len()).filter(is_known).collect();
        let best = if is_said { None } else { candidates.iter().map(|&at| ranks[at]).min() };
        let mut equals = candidates.iter().copied().filter(|&at| Some(ranks[at]) == best);
        if let (Some(one), Some(other)) = (equals.next(), equals.next()) {
            return Err(self.two(one, other));
        }
        for at in candidates.into_iter().filter(|&at| Some(ranks[at]) != best) {
            let other = (Field::OtherPhone, Why::KnownName);
            (self.fields[at], self.whys[at]) = if names::is_own(ranks[at]) { other } else { self.rest(&held[at]) };
        }
        Ok(())
    }

    fn two(&self, one: usize, other: usize) -> Error {
        let field = self.fields[one].word();
        Error::bad_arg(format!(
            "the columns '{}' and '{}' could both be the {field}: choose one with --map '{}={field}'",
            excerpt(self.names[one].as_bytes()),
            excerpt(self.names[other].as_bytes()),
            self.name(one)
        ))
    }

    /// Gives labels their keys, each its own.
    fn name_labels(&mut self, from: usize) {
        let is_label = |field: &&Field| matches!(field, Field::Label(_));
        let mut taken: HashSet<String> = self.fields.iter().filter(is_label).map(|field| field.word().into()).collect();
        for at in from..self.fields.len() {
            let Field::Label(key) = &mut self.fields[at] else { continue };
            if !key.is_empty() {
                continue;
            }
            let cleaned = names::label_key(&self.names[at]);
            let base = if cleaned.is_empty() { format!("{MADE_UP}{}", at + 1) } else { cleaned };
            key.clone_from(&base);
            for copy in 2.. {
                if taken.insert(key.clone()) {
                    break;
                }
                *key = format!("{}_{copy}", &base[..base.len().min(58)]);
            }
        }
    }
}

/// A longer heading is no longer typed or shown.
const HEADING_BYTES_MAX: usize = 160;

/// Whether a column is there by accident: a delimiter at the end of each row.
fn is_empty(held: &Held) -> bool {
    held.name.is_empty() && held.filled == 0
}

fn parse(option: &str, word: &str) -> Result<Field> {
    Field::parse(word).ok_or_else(|| {
        Error::bad_arg(format!(
            "{option}: '{}' is not a field; the fields are {}",
            excerpt(word.as_bytes()),
            Field::words()
        ))
    })
}

/// A column that was called by its number alone, while it has a heading.
fn unsigned(option: &str, name: &str, heading: &str) -> Error {
    let heading = excerpt(heading.as_bytes());
    Error::bad_arg(format!(
        "{option}: the column has the heading '{heading}' in this file, and may have had another one where this was said; if it \
         is meant, write '{name} {heading}'"
    ))
}

fn list(headings: &[&str]) -> String {
    let names: Vec<String> = headings.iter().map(|name| format!("'{}'", excerpt(name.as_bytes()))).collect();
    names.join(", ")
}

/// A two-letter country code, in either case.
pub fn region(cell: &str) -> Option<Region> {
    let cell = cell.trim();
    if cell.len() == 2 { Region::parse(&cell.to_ascii_uppercase()) } else { None }
}

#[cfg(test)]
mod tests;
