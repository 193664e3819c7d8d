//! `contactd export`: contacts as rows that a spreadsheet shows and `contactd import` takes back.

use std::process::ExitCode;

use clap::Args;

use super::{Out, Target};
use crate::error::Result;
use crate::export::{Format, export};

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

impl Export {
    pub fn run(self) -> Result<ExitCode> {
        let mut client = self.target.connect()?;
        export(&mut client, &self.filter.join(" "), self.list.as_deref(), self.format, Out::new())?;
        Ok(ExitCode::SUCCESS)
    }
}
