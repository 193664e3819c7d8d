//! What a person said of the columns of a file, kept in a file beside it, so that tomorrow's file of the same kind needs no
//! questions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::day_order::DayOrder;
use super::field::Field;
use super::names;
use super::status::Said;
use super::words::Words;
use crate::error::{Error, Result, excerpt};
use crate::import::options::AllAre;

/// The headings of a file without a header: this, and a number.
pub const MADE_UP: &str = "column_";

/// What a person said of the columns of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// What every row is, where the file's name asks.
    pub all_are: Option<AllAre>,
    /// No line that is no row says who wants messages.
    pub has_no_sections: bool,
    columns: Vec<Column>,
}

/// What a person said of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading; or `#` and its number, and behind a blank the heading that stood there.
    pub name: String,
    pub field: Field,
    /// What stands first in its dates, if it has some like 4/3/2026.
    pub order: Option<DayOrder>,
    /// What its words mean, in the order in which they were explained.
    pub values: Vec<(String, Said)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "as")]
    all_are: Option<String>,
    #[serde(default)]
    no_sections: bool,
    #[serde(default)]
    columns: BTreeMap<String, String>,
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, String>>,
}

impl Mapping {
    /// Reads a mapping file.
    pub fn parse(text: &str) -> Result<Mapping> {
        let written: Written = toml::from_str(text).map_err(|why| Error::bad_arg(why.to_string().trim_end()))?;
        let mut mapping = Mapping { has_no_sections: written.no_sections, ..Mapping::default() };
        let wrong = |word: &str, what: &str, words: String| {
            Error::bad_arg(format!("'{}' is not {what}; there are {words}", excerpt(word.as_bytes())))
        };
        if let Some(word) = &written.all_are {
            let all_are = AllAre::parse(word).ok_or_else(|| wrong(word, "what all rows can be", AllAre::words()))?;
            mapping.all_are = Some(all_are);
        }
        for (name, word) in &written.columns {
            let (word, order) = DayOrder::split(word);
            mapping.set(name, Field::parse(word).ok_or_else(|| wrong(word, "a field", Field::words()))?);
            if let Some(order) = order {
                mapping.order_days(name, order)?;
            }
        }
        for (name, values) in &written.values {
            for (value, word) in values {
                let said = Said::parse(word).ok_or_else(|| wrong(word, "what a value can mean", Said::words()))?;
                mapping.explain(name, value, said)?;
            }
        }
        Ok(mapping)
    }

    /// The text of a mapping file. `file` is the name of the file that it is about.
    pub fn render(&self, file: &str) -> String {
        let mut text = format!(
            "# How contactd import reads files like {}.\n# The fields are {};\n# a value means {}; \"\" is a blank one.\n",
            excerpt(file.as_bytes()),
            Field::words(),
            Said::words()
        );
        if let Some(all_are) = self.all_are {
            put(
                &mut text,
                format_args!(
                    "\n# What every row is, whatever the name of the file says.\nas = \"{}\"\n",
                    all_are.word()
                ),
            );
        }
        if self.has_no_sections {
            text.push_str("\n# Lines that are no rows, above the headings and between rows, say nothing of who wants messages.\nno_sections = true\n");
        }
        text.push_str("\n[columns]\n");
        for column in &self.columns {
            let field = match &column.field {
                Field::Label(key) => format!("label.{key}"),
                field => field.word().to_owned(),
            };
            let field = column.order.map_or_else(|| field.clone(), |order| format!("{field}:{}", order.word()));
            put(&mut text, format_args!("{} = {}\n", quoted(&column.name), quoted(&field)));
        }
        for column in self.columns.iter().filter(|column| !column.values.is_empty()) {
            put(&mut text, format_args!("\n[values.{}]\n", quoted(&column.name)));
            for (value, said) in &column.values {
                put(&mut text, format_args!("{} = \"{}\"\n", quoted(value), said.word()));
            }
        }
        text
    }

    /// What was said of each column.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Says what a column is. `name` is as in [`Column`].
    pub fn set(&mut self, name: &str, field: Field) {
        match self.columns.iter_mut().find(|column| column.name == name) {
            Some(column) => {
                column.order = column.order.filter(|_| field.has_dates());
                column.field = field;
            }
            None => self.columns.push(Column { name: name.to_owned(), field, order: None, values: Vec::new() }),
        }
    }

    /// Says what stands first in the dates of a column.
    ///
    /// # Errors
    /// The column has no dates.
    pub fn order_days(&mut self, name: &str, order: DayOrder) -> Result<()> {
        let Some(column) = self.columns.iter_mut().find(|column| column.name == name) else { return Ok(()) };
        Words::default().order_days(&column.field, order)?;
        column.order = Some(order);
        Ok(())
    }

    /// Says what a value of a column means.
    ///
    /// # Errors
    /// Nothing was said of the column, or it has no such words, or the word is known to mean the opposite.
    pub fn explain(&mut self, name: &str, value: &str, said: Said) -> Result<()> {
        let column = self.columns.iter_mut().find(|column| column.name == name && column.field.can_explain(value));
        let column = column.ok_or_else(|| {
            Error::bad_arg(format!(
                "the values of '{}' mean something only in a column that is status, opt_in or opted_out; a blank also under subscribed_at",
                excerpt(name.as_bytes())
            ))
        })?;
        Words::default().explain(&column.field, value, said)?;
        column.values.retain(|(known, _)| known != value);
        column.values.push((value.to_owned(), said));
        Ok(())
    }
}

impl Column {
    /// What its words mean.
    pub fn words(&self) -> Result<Words> {
        let mut words = Words::default();
        if let Some(order) = self.order {
            words.order_days(&self.field, order)?;
        }
        for (value, said) in &self.values {
            words.explain(&self.field, value, *said)?;
        }
        Ok(words)
    }
}

/// How a column is called by its number, for the heading that stands there: another file may have another column in its place.
pub fn numbered(at: usize, heading: &str) -> String {
    format!("#{} {heading}", at + 1).trim_end().to_owned()
}

/// The number and the heading of such a name.
fn number(name: &str) -> Option<(usize, &str)> {
    let (number, heading) = name.strip_prefix('#')?.split_once(' ').unwrap_or((&name[1..], ""));
    Some((number.parse::<usize>().ok()?.checked_sub(1)?, heading))
}

/// The heading of the column that a name calls by its number alone, if it has one: whoever said so may have meant another file's.
pub fn unnamed<'h>(headings: &[&'h str], name: &str) -> Option<&'h str> {
    let (at, _) = number(name).filter(|(_, heading)| heading.is_empty())?;
    let made_up = format!("{MADE_UP}{}", at + 1);
    headings.get(at).copied().filter(|heading| !heading.is_empty() && *heading != name && *heading != made_up)
}

/// The place of the column that somebody calls `name`: by its heading as it stands, else by its heading in another spelling,
/// else by `#` and its number, and the heading if that is named.
///
/// # Errors
/// Several columns are called so: the places of two.
pub fn place(headings: &[&str], name: &str) -> std::result::Result<Option<usize>, [usize; 2]> {
    let is_there = |&(at, heading): &(usize, &str)| {
        let is_same = |found: &str| found == heading || names::fold(found) == names::fold(heading);
        headings.get(at).is_some_and(|found| heading.is_empty() || is_same(found))
    };
    let folded = names::fold(name);
    let exact = |at: &usize| headings[*at] == name;
    let alike = |at: &usize| !folded.is_empty() && names::fold(headings[*at]) == folded;
    let mut found: Vec<usize> = (0..headings.len()).filter(exact).collect();
    if found.is_empty() {
        found = (0..headings.len()).filter(alike).collect();
    }
    match found[..] {
        [] => Ok(number(name).filter(is_there).map(|(at, _)| at)),
        [at] => Ok(Some(at)),
        [one, other, ..] => Err([one, other]),
    }
}

/// A text as TOML writes it: as JSON does, but for one character.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::RowStatus;

    #[test]
    fn what_was_said_is_written_and_read() {
        let mut mapping = Mapping { all_are: Some(AllAre::Subscribe), ..Mapping::default() };
        mapping.set("Telefono", Field::Phone);
        mapping.set("Stato \"SMS\"\u{7f}", Field::Status);
        mapping.has_no_sections = true;
        mapping.explain("Stato \"SMS\"\u{7f}", "", Said::NoConsent).expect("a blank");
        mapping.set("Iscritto il", Field::Date("subscribed_at"));
        mapping.order_days("Iscritto il", DayOrder::DayFirst).expect("dates");
        assert!(mapping.order_days("Telefono", DayOrder::DayFirst).is_err());
        mapping.set("#3", Field::Label("città".into()));
        mapping.set("note", Field::Ignore);
        mapping.set("note", Field::Label("note".into()));
        let out = Said::Status(RowStatus::OptedOut);
        mapping.explain("Stato \"SMS\"\u{7f}", "退订\n", out).expect("a word");
        mapping.explain("Stato \"SMS\"\u{7f}", "Iscritto", Said::Status(RowStatus::Active)).expect("a word");
        let text = mapping.render("contatti\n.csv");
        assert!(text.contains("like contatti?.csv.") && text.contains("\"Iscritto\" = \"active\""), "{text}");
        let read = Mapping::parse(&text).expect("a mapping");
        assert_eq!((read.all_are, read.has_no_sections), (mapping.all_are, true));
        for column in &mapping.columns {
            let same = read.columns.iter().find(|same| same.name == column.name).expect("the column");
            let field = match &column.field {
                Field::Label(key) if key == "città" => Field::Label("citta".into()),
                field => field.clone(),
            };
            assert_eq!((&same.field, same.words().expect("words")), (&field, column.words().expect("words")));
        }
    }

    #[test]
    fn what_a_mapping_cannot_say() {
        for (text, says) in [
            ("[columns]\nStato = \"stato\"", "'stato' is not a field"),
            ("[columns]\nStato = 1", "string"),
            ("colums = 1", "colums"),
            ("as = \"vip\"", "'vip' is not what all rows can be"),
            ("[columns]\nStato = \"status\"\n[values.Stato]\nA = \"on\"", "'on' is not what a value can mean"),
            ("[columns]\nStato = \"label.a\"\n[values.Stato]\nA = \"active\"", "mean something only"),
            ("[values.Stato]\nA = \"active\"", "mean something only"),
            ("[columns]\nStato = \"status\"\n[values.Stato]\nSTOP = \"active\"", "cannot mean active"),
        ] {
            let why = Mapping::parse(text).expect_err(text).message;
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn columns_are_found_as_people_call_them() {
        let headings = ["phone", "Sms-Status", "name", "name", ""];
        for (name, at) in
            [("phone", Some(0)), ("SMS status", Some(1)), ("#5", Some(4)), ("#6", None), ("#0", None), ("x", None)]
        {
            assert_eq!(place(&headings, name), Ok(at), "{name}");
        }
        assert_eq!(place(&headings, "name"), Err([2, 3]));
        for (name, at) in
            [("#4 name", Some(3)), ("#3 NAME", Some(2)), ("#2 name", None), ("#1 Phone", Some(0)), ("#9 x", None)]
        {
            assert_eq!(place(&headings, name), Ok(at), "{name}");
        }
        assert_eq!((numbered(3, "name").as_str(), numbered(4, "").as_str()), ("#4 name", "#5"));
        let headings = ["phone", "column_2", "", "#4"];
        for (name, heading) in
            [("#1", Some("phone")), ("#2", None), ("#3", None), ("#4", None), ("#1 phone", None), ("x", None)]
        {
            assert_eq!(unnamed(&headings, name), heading, "{name}");
        }
    }
}
