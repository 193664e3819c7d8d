//! `contactd export`: contacts as rows that a spreadsheet shows and `contactd import` takes back.

use std::process::ExitCode;

use clap::Args;

use super::{Out, Target};
use crate::client::{Client, Reply};
use crate::error::{Error, Result};
use crate::export::{Format, export};

/// Write contacts as CSV or NDJSON
///
/// Writes rows to standard output that `contactd import` takes back: on an empty store with the same lists they make the
/// same state. That is no backup: it has neither claims nor messages that wait for a person, and a file of last week knows nobody who
/// opted out since. Behind a fence nothing is written without --fenced: the rows would say active of people who may have refused.
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
    /// Write rows although the store is fenced; `contactd import` refuses them
    #[arg(long)]
    fenced: bool,
    /// Only contacts that match, like: label.state=CA created<2026-05-01 'label.city="New York"'
    #[arg(value_name = "FILTER", trailing_var_arg = true)]
    filter: Vec<String>,
}

impl Export {
    pub fn run(self) -> Result<ExitCode> {
        let mut client = self.target.connect()?;
        if !self.fenced && is_fenced(&mut client)? {
            return Err(Error::bad_arg(
                "the store is fenced: it does not know who opted out last, and rows would say active of people who may have refused. UNFENCE \
                 first; to look at it, export with --fenced, which contactd import refuses",
            ));
        }
        export(&mut client, &self.filter.join(" "), self.list.as_deref(), self.format, Out::new())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn is_fenced(client: &mut Client) -> Result<bool> {
    match client.call(&["STATS"])? {
        Reply::Array(lines) => Ok(lines.iter().any(|line| matches!(line, Reply::Text(line) if line == "fenced true"))),
        Reply::Error(why) => Err(Error::bad_arg(why)),
        other => Err(Error::internal(format!("an unexpected reply to STATS: {other}"))),
    }
}
