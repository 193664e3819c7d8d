//! An export: contacts as rows that a spreadsheet shows and an import takes back.

use std::io::{BufWriter, Write};

use serde_json::{Map, Value};

use crate::client::{Client, Reply};
use crate::error::{Error, Result};
use crate::json::{COLUMNS, rows};

/// How rows are written.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For spreadsheets.
    Csv,
    /// For programs.
    Ndjson,
}

/// Writes the contacts that match a filter; with `list`, only those with a status on it, and only their rows for it.
pub fn export(client: &mut Client, filter: &str, list: Option<&str>, format: Format, out: impl Write) -> Result<()> {
    let labels = if format == Format::Csv { label_keys(client)? } else { Vec::new() };
    let filter = match list {
        None => filter.to_owned(),
        Some(list) => {
            let on_list = format!("(list={list} OR list={list}/opted_out OR list={list}/suppressed)");
            if filter.is_empty() { on_list } else { format!("{on_list} ({filter})") }
        }
    };
    let mut sheet = Sheet::begin(out, format, &labels)?;
    client.stream(&format!("EXPORT {filter}"), |contact| {
        let contact: Value = serde_json::from_str(contact).map_err(Error::internal)?;
        rows(&contact, list).iter().try_for_each(|row| sheet.row(row))
    })?;
    sheet.end()
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

enum Sheet<W: Write> {
    Csv(Box<csv::Writer<W>>, Vec<String>),
    Ndjson(BufWriter<W>),
}

impl<W: Write> Sheet<W> {
    fn begin(out: W, format: Format, labels: &[String]) -> Result<Sheet<W>> {
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
