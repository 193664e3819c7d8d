//! An import: a spreadsheet onto a list, each row's fate known.
//!
//! `read` turns any file into rows. `columns` says what each column is, by its name or because a person said so. `send` makes
//! one request of each row, and one line of the report of each reply. Nothing here decides about consent: each row is one
//! IMPORT, and the daemon keeps the strictest.
//!
//! [`Sheet`] is the whole of it: opened, it says what is not known ([`Sheet::questions`]) and what the columns hold
//! ([`Sheet::describe`]); the answers are a [`Mapping`]; and it imports nothing while a question is open. No terminal is
//! needed for any of this.

mod advice;
pub(crate) mod choices;
pub(crate) mod columns;
mod describe;
mod legend;
mod lists;
mod options;
pub(crate) mod read;
pub(crate) mod send;
mod sheet;
mod title;

pub use advice::quote;
pub use columns::mapping::Mapping;
pub use columns::question::Question;
pub use describe::Description;
pub use lists::has_list;
pub use options::{AllAre, Options};
#[doc(hidden)]
pub use read::source::Source;
pub use send::pipeline::Show;
pub use send::progress::Progress;
pub use send::report::Report;
pub use sheet::Sheet;

use crate::client::Client;
use crate::error::Result;
use crate::model::time;

/// Imports a text in memory, without a word but for the first rows.
pub fn import_text(
    text: &'static [u8],
    name: &str,
    options: &Options,
    client: Client,
    show: Show,
    now: time::Millis,
) -> Result<Report> {
    let source = Source::open(Box::new(text), None)?;
    let sheet = Sheet::open(source, None, options, name, now)?;
    let mut report = Report::new(options.dry_run);
    sheet.import(client, None, (), Some(show), &mut report)?;
    Ok(report)
}
