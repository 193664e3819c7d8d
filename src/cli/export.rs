//! `contactd export`: contacts as rows that a spreadsheet shows and `contactd import` takes back.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::{Out, Target};
use crate::client::{Client, Reply};
use crate::error::{Error, Result};
use crate::json::{COLUMNS, rows};

/// Write contacts as CSV or NDJSON
///
/// Writes rows to standard output that `contactd import` takes back: on an empty store with the same lists they make the
/// same state.
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    target: Target,
    /// Only contacts with a status on this list, and only their rows for it
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    list: Option<String>,
    /// csv for spreadsheets, ndjson for programs
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Only contacts that match, like: label.state=CA created<2026-05-01 'label.city="New York"'
    #[arg(value_name = "FILTER", trailing_var_arg = true)]
    filter: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Ndjson,
}

impl Export {
    pub fn run(self) -> Result<ExitCode> {
        let mut client = self.target.connect()?;
        let labels = if self.format == Format::Csv { label_keys(&mut client)? } else { Vec::new() };
        let mut filter = self.filter.join(" ");
        if let Some(list) = &self.list {
            let on_list = format!("(list={list} OR list={list}/opted_out OR list={list}/suppressed)");
            filter = if filter.is_empty() { on_list } else { format!("{on_list} ({filter})") };
        }
        let mut sheet = Sheet::begin(self.format, &labels)?;
        client.stream(&format!("EXPORT {filter}"), |contact| {
            let contact: Value = serde_json::from_str(contact).map_err(Error::internal)?;
            rows(&contact, self.list.as_deref()).iter().try_for_each(|row| sheet.row(row))
        })?;
        sheet.end()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// All label keys of the store: a CSV file names its columns first.
fn label_keys(client: &mut Client) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let items = match client.call(&["LABELS", "LIMIT", "1000", "AFTER", &after])? {
            Reply::Array(items) => items,
            Reply::Error(why) => return Err(Error::bad_arg(why)),
            other => return Err(Error::internal(format!("an unexpected reply: {other}"))),
        };
        let mut texts = items.into_iter().filter_map(|item| match item {
            Reply::Text(text) => Some(text),
            _ => None,
        });
        after = texts.next().unwrap_or_default();
        for text in texts {
            let item: Value = serde_json::from_str(&text).map_err(Error::internal)?;
            keys.extend(item["key"].as_str().map(str::to_owned));
        }
        if after == "0" {
            return Ok(keys);
        }
    }
}

enum Sheet {
    Csv(Box<csv::Writer<Out>>, Vec<String>),
    Ndjson(BufWriter<Out>),
}

impl Sheet {
    fn begin(format: Format, labels: &[String]) -> Result<Sheet> {
        let out = Out::new();
        if format == Format::Ndjson {
            return Ok(Sheet::Ndjson(BufWriter::new(out)));
        }
        let mut columns: Vec<String> = COLUMNS.iter().map(ToString::to_string).collect();
        columns.extend(labels.iter().map(|key| format!("label.{key}")));
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(&columns).map_err(Error::internal)?;
        Ok(Sheet::Csv(Box::new(writer), columns))
    }

    fn row(&mut self, row: &Map<String, Value>) -> Result<()> {
        match self {
            Sheet::Csv(writer, columns) => {
                let cell = |column: &String| match row.get(column) {
                    Some(Value::String(text)) => safe(text),
                    Some(other) => other.to_string(),
                    None => String::new(),
                };
                writer.write_record(columns.iter().map(cell)).map_err(Error::internal)
            }
            Sheet::Ndjson(out) => {
                serde_json::to_writer(&mut *out, row).map_err(Error::internal)?;
                out.write_all(b"\n").map_err(Error::internal)
            }
        }
    }

    fn end(self) -> Result<()> {
        match self {
            Sheet::Csv(mut writer, _) => writer.flush(),
            Sheet::Ndjson(mut out) => out.flush(),
        }
        .map_err(Error::internal)
    }
}

/// A cell that no spreadsheet takes for a formula: an apostrophe before `=`, `+`, `-`, `@`, however many stand there
/// already. The import takes one away again.
fn safe(text: &str) -> String {
    let formula = text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_come_out_safe() {
        for (text, cell) in
            [("=1+1", "'=1+1"), ("'=1", "''=1"), ("+1415", "'+1415"), ("it's", "it's"), ("", ""), ("'a", "'a")]
        {
            assert_eq!(safe(text), cell);
        }
    }
}
