//! A file as a person sees it before anything is imported: its columns, how each is read and why, and what it holds.

use std::fmt;

use serde_json::{Value, json};

use super::columns::Columns;
use super::columns::field::Field;
use super::columns::survey::{FEW, Held, Survey};
use crate::error::excerpt;

/// The columns of a file, for people and programs.
pub struct Description<'s> {
    columns: &'s Columns,
    survey: &'s Survey,
    /// What a person should know about the encoding.
    warning: Option<String>,
}

impl<'s> Description<'s> {
    /// Describes columns by what some rows hold. `warning` is what the file's source says of its encoding.
    pub fn new(columns: &'s Columns, survey: &'s Survey, warning: Option<String>) -> Description<'s> {
        Description { columns, survey, warning }
    }

    /// How many rows what a column holds is told of.
    pub fn rows(&self) -> String {
        let rows = indicatif::HumanCount(self.survey.rows);
        match (self.survey.is_complete, self.survey.rows) {
            (true, 1) => "1 row".to_owned(),
            (true, _) => format!("{rows} rows"),
            (false, _) => format!("the first {rows} rows"),
        }
    }

    /// What a column holds: all values with their counts where there are few, else some samples.
    pub fn holds(&self, at: usize) -> String {
        let held = &self.survey.columns()[at];
        if held.filled == 0 {
            return "nothing".to_owned();
        }
        let unknown = self.columns.unknown_values(at, self.survey).unwrap_or_default();
        let mark = |value: &str| if unknown.iter().any(|(of, _)| *of == value) { " (not known)" } else { "" };
        // Behind a number, a count would look like a part of it.
        let sign = |value: &str| if value.ends_with(char::is_numeric) { "×" } else { "" };
        let shown = |(value, count): (&str, u64)| {
            format!("{} {}{count}{}", excerpt(value.as_bytes()), sign(value), mark(value))
        };
        let blanks = self.columns.unknown_blanks(at, self.survey);
        let blanks = blanks.map(|blanks| format!(" · blank {blanks} (not known)")).unwrap_or_default();
        match shown_values(held, !unknown.is_empty()) {
            Some((values, more)) => {
                let values: Vec<String> = values.into_iter().map(shown).collect();
                let more = if more > 0 { format!(" · {more} more") } else { String::new() };
                values.join(" · ") + &more + &self.nearest(at) + &blanks
            }
            None => {
                let samples: Vec<String> =
                    held.samples().iter().map(|sample| format!("{} …", excerpt(sample.as_bytes()))).collect();
                let filled = if held.filled < self.survey.rows {
                    format!(" (in {} of them)", held.filled)
                } else {
                    String::new()
                };
                samples.join(" ") + &filled + &self.nearest(at) + &blanks
            }
        }
    }

    /// What a person should see of notes, also among few: who reads them fast reads over it.
    fn nearest(&self, at: usize) -> String {
        let held = &self.survey.columns()[at];
        let quoted = |cell: &str| format!("'{}'", excerpt(cell.as_bytes()));
        let refusing = held.refusing().map(|(many, first)| format!("; {many} refuse messages, like {}", quoted(first)));
        let near: Vec<String> = held.nearest_to_a_refusal().map(quoted).collect();
        let near = if near.is_empty() { String::new() } else { format!("; nearest to a refusal: {}", near.join(", ")) };
        refusing.unwrap_or_default() + &near
    }

    /// One object for programs.
    pub fn json(&self) -> Value {
        let column = |at: usize| {
            let held = &self.survey.columns()[at];
            let field = self.columns.field(at);
            let read_as = if *field == Field::Unclear { Value::Null } else { field.told().into() };
            let mut json = json!({
                "column": self.columns.name(at), "read_as": read_as, "why": self.columns.why(at).told(), "filled": held.filled,
            });
            let unknown = self.columns.unknown_values(at, self.survey).unwrap_or_default();
            match shown_values(held, !unknown.is_empty()) {
                Some((values, _)) => {
                    json["values"] =
                        values.into_iter().map(|(value, rows)| json!({"value": value, "rows": rows})).collect();
                }
                None => json["samples"] = held.samples().into(),
            }
            if let Some((many, first)) = held.refusing() {
                json["refusing"] = json!({"rows": many, "like": first});
            }
            let near: Vec<&str> = held.nearest_to_a_refusal().collect();
            if !near.is_empty() {
                json["nearest_to_a_refusal"] = near.into();
            }
            if let Some(blanks) = self.columns.unknown_blanks(at, self.survey) {
                json["unknown_blanks"] = blanks.into();
            }
            if !unknown.is_empty() {
                json["unknown_values"] = unknown.into_iter().map(|(value, _)| value).collect();
            }
            json
        };
        json!({
            "rows": self.survey.rows, "all_rows": self.survey.is_complete,
            "columns": (0..self.survey.columns().len()).map(column).collect::<Value>(),
        })
    }
}

/// The values to show of a column, the commonest first, and how many there are besides; none where samples say more.
fn shown_values(held: &Held, are_words: bool) -> Option<(Vec<(&str, u64)>, usize)> {
    let mut values = held.values().filter(|values| are_words || values.len() <= FEW)?;
    let more = values.len().saturating_sub(FEW);
    values.truncate(FEW);
    Some((values, more))
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Of {}:\n", self.rows())?;
        let read_as = |at: usize| match self.columns.field(at) {
            Field::Unclear if self.columns.why(at).is_open() => "?".to_owned(),
            Field::Unclear => "-".to_owned(),
            field => field.told(),
        };
        let mut lines = vec![["heading".to_owned(), "read as".to_owned(), "because".to_owned(), "holds".to_owned()]];
        for at in 0..self.survey.columns().len() {
            lines.push([self.columns.name(at), read_as(at), self.columns.why(at).told().to_owned(), self.holds(at)]);
        }
        let width = |cell: usize| lines.iter().map(|line| line[cell].chars().count()).max().unwrap_or_default();
        let widths = [width(0), width(1), width(2)];
        for [heading, read_as, why, holds] in &lines {
            let [a, b, c] = widths;
            writeln!(f, "  {heading:<a$}   {read_as:<b$}   {why:<c$}   {holds}")?;
        }
        match &self.warning {
            Some(warning) => writeln!(f, "\n{warning}"),
            None => Ok(()),
        }
    }
}
