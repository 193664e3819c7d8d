//! `contactd import`: a spreadsheet onto a list, each row's fate known.
//!
//! | file | noun |
//! |---|---|
//! | `mod.rs` | the options, and what they make of a file |
//! | `source.rs` | the file as text, whatever its encoding |
//! | `records.rs`, `dialect.rs` | the text as whole records; how they are written, and under which header |
//! | `columns.rs`, `names.rs` | which column is what, by its name |
//! | `consent.rs`, `held.rs` | which columns may hold opt-outs under another name; what their cells tell |
//! | `objects.rs` | the same for an object a line |
//! | `row.rs`, `status.rs` | a row's cells into one request |
//! | `pipeline.rs` | requests out and replies in, at once |
//! | `refusal.rs`, `rejects.rs` | why a row is not taken, and the file of those |
//! | `report.rs`, `progress.rs` | what became of the rows, and how far it is |
//!
//! Nothing here decides about consent: each row is one IMPORT, and the daemon keeps the strictest.

mod columns;
mod consent;
mod dialect;
mod field;
mod held;
mod names;
mod objects;
mod pipeline;
mod progress;
mod records;
mod refusal;
mod rejects;
mod report;
mod row;
mod source;
mod status;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::client::{Client, Reply};
use super::{Target, say};
use crate::error::{Error, Result, excerpt};
use crate::limits::SOURCE_BYTES_MAX;
use crate::model::fact::How;
use columns::{Columns, Wishes};
use dialect::{Dialect, Format};
use field::Field;
use objects::Keys;
use pipeline::Import as Pipeline;
pub use pipeline::Show;
use progress::Progress;
use records::Records;
use rejects::{Rejects, Shape};
pub use report::Report;
use row::{Defaults, Rows};
use source::Source;

/// The exit code when some rows were rejected.
const SOME_REJECTED: u8 = 3;
/// The exit code when the import could not be done, or not to its end.
const FAILED: u8 = 1;

/// Put a spreadsheet's rows onto a list: CSV or NDJSON
///
/// It never lifts an opt-out, a suppression or an invalid number; run again after any interruption, it completes what is
/// missing. The summary tells how each column was read.
///
/// Exit code 0: every row was taken; 3: some were rejected; 1: it could not be done, or not to its end; 2: wrong arguments.
#[derive(Args)]
pub struct Import {
    #[command(flatten)]
    target: Target,
    /// CSV (comma, semicolon, tab or pipe) or NDJSON (rows, or contacts as GET and EXPORT tell them); - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    options: Options,
    /// The encoding of a file without byte order mark, like windows-1252 [default: UTF-8]
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// What the file is [default: by its first character]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write refused rows to this file, with their line and why; mend it and import it
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// What the options say about rows.
#[derive(Args, Clone, Default)]
pub struct Options {
    /// The sending list for rows that name none; * for contacts themselves, on no list
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub list: Option<String>,
    /// Where numbers without country code are from, like US; a column of countries then says nothing about them, unless
    /// --map COLUMN=region [default: such a column, else the daemon's]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// What a column is, like --map 'Cell No=phone' or --map '#3=phone' for the third; the fields: phone, list, region, status, `opt_in`,
    /// `opted_out`, `subscribed_at`, `opted_out_at` and so on, label.KEY, ignore. A column that seems to be about consent must
    /// be known or said
    #[arg(long, value_name = "COLUMN=FIELD")]
    pub map: Vec<String>,
    /// Which columns become labels [default: all others]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub labels: Option<Vec<String>>,
    /// What every row is, whatever else it says
    #[arg(long = "as", value_enum, value_name = "STATUS")]
    pub all_are: Option<AllAre>,
    /// Where the rows come from, for rows that do not say [default: the file's name]
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// How they subscribed: import, api, journey or keyword [default: import]
    #[arg(long, value_name = "HOW")]
    pub how: Option<String>,
    /// Change nothing; say how the file would be read
    #[arg(long)]
    pub dry_run: bool,
}

/// What `--as` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AllAre {
    /// An opt-out.
    #[value(alias = "opt-out", alias = "opted_out")]
    Optout,
}

impl Import {
    pub fn run(self) -> Result<ExitCode> {
        let mut report = Report::new(self.options.dry_run);
        let done = self.import(&mut report);
        let error = done.as_ref().err().map(|why| why.message.as_str());
        if self.json {
            say(&report.json(error));
        } else if error.is_none() || report.rows > 0 {
            say(&report.to_string().trim_end());
        }
        for warning in &report.warnings {
            eprintln!("warning: {warning}");
        }
        if let Some(why) = error {
            eprintln!("contactd: {why}");
            if report.rows > 0 {
                eprintln!("The same import again completes it: rows that were taken stay as they are.");
            }
            return Ok(ExitCode::from(FAILED));
        }
        if report.rejected() == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        match &self.rejects {
            Some(path) => eprintln!("The rejected rows are in {}: mend and import them.", path.display()),
            None => eprintln!("--rejects FILE writes the rejected rows to a file, to be mended and imported."),
        }
        Ok(ExitCode::from(SOME_REJECTED))
    }

    fn import(&self, report: &mut Report) -> Result<()> {
        let (input, name, bytes) = open(&self.file)?;
        let source = Source::open(input, self.encoding.as_deref())?;
        let read = source.bytes_read();
        let sheet = Sheet::open(source, self.format, &self.options, &name)?;
        let mut client = self.target.connect()?;
        sheet.check_list(&mut client)?;
        let rejects = self.rejects.as_deref().map(|path| sheet.rejects(path, &self.file)).transpose()?;
        report.warnings.extend_from_slice(&sheet.rows.columns.warnings);
        let lists = sheet.import(client, rejects, Progress::new(bytes, read), None, report)?;
        if self.options.dry_run {
            // A real import learns of a list that is not there by itself, and rejects its rows.
            let mut client = self.target.connect()?;
            lists.iter().try_for_each(|list| check_list(&mut client, list))?;
        }
        Ok(())
    }
}

/// Imports a text in memory, without a word but for the first rows.
pub fn import_text(text: &'static [u8], name: &str, options: &Options, client: Client, show: Show) -> Result<Report> {
    let source = Source::open(Box::new(text), None)?;
    let sheet = Sheet::open(source, None, options, name)?;
    let mut report = Report::new(options.dry_run);
    sheet.import(client, None, Progress::hidden(), Some(show), &mut report)?;
    Ok(report)
}

/// The file, its name and its size.
fn open(path: &Path) -> Result<(Box<dyn Read + Send>, String, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin()), "standard input".to_owned(), None));
    }
    let file = File::open(path).map_err(|why| Error::bad_arg(format!("cannot open {}: {why}", path.display())))?;
    let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((Box::new(file), name, bytes))
}

/// A file whose columns are understood.
struct Sheet {
    records: Records,
    dialect: Dialect,
    keys: Keys,
    rows: Rows,
    list: Option<String>,
    separator_line: String,
    header: String,
}

impl Sheet {
    fn open(source: Source, format: Option<Format>, options: &Options, name: &str) -> Result<Sheet> {
        let defaults = defaults(options, name)?;
        let wishes = wishes(options)?;
        let mut records = Records::open(source)?;
        let (dialect, separator_line) = dialect::sniff(&mut records, format)?;
        if records.sample().trim().is_empty() {
            return Err(Error::bad_arg("the file is empty"));
        }
        let mut header = String::new();
        let (keys, columns) = match dialect {
            Dialect::Ndjson => Keys::find(complete(records.sample(), &records), wishes)?,
            Dialect::Csv { delimiter } => {
                header = dialect::header(&mut records, delimiter, &wishes, defaults.region)?;
                let rows = |text: &str| -> Vec<csv::StringRecord> {
                    dialect::reader(text.as_bytes(), delimiter)
                        .into_records()
                        .map_while(std::result::Result::ok)
                        .collect()
                };
                let names = rows(&header).into_iter().next().unwrap_or_default();
                let sample = rows(complete(records.sample(), &records));
                (Keys::default(), Columns::of_table(&names.iter().collect::<Vec<_>>(), &sample, wishes)?)
            }
        };
        let list = defaults.list.clone();
        if list.is_none() && !columns.has(&Field::List) {
            return Err(Error::bad_arg(
                "which sending list? --list +14155550100 says it (or a column \"list\" in the file); --list '*' for none",
            ));
        }
        let rows = Rows::new(columns, defaults, super::serve::now());
        Ok(Sheet { records, dialect, keys, rows, list, separator_line, header })
    }

    /// A list that does not exist is told before anything is sent.
    fn check_list(&self, client: &mut Client) -> Result<()> {
        self.list.iter().try_for_each(|list| check_list(client, list))
    }

    fn rejects(&self, path: &Path, file: &Path) -> Result<Rejects> {
        if let (Ok(rejects), Ok(file)) = (path.canonicalize(), file.canonicalize())
            && rejects == file
        {
            return Err(Error::bad_arg("--rejects names the file that is imported: give another one"));
        }
        let columns = &self.rows.columns;
        let shape = Shape {
            dialect: self.dialect,
            separator_line: self.separator_line.clone(),
            header: self.header.clone(),
            columns: columns.len(),
            is_rejects: columns.is_rejects,
            mark: self.records.source().wants_mark(),
        };
        Rejects::create(path, shape)
    }

    fn import(
        self,
        client: Client,
        rejects: Option<Rejects>,
        progress: Progress,
        show: Option<Show>,
        report: &mut Report,
    ) -> Result<Vec<String>> {
        let Sheet { records, dialect, keys, rows, .. } = self;
        Pipeline { records, dialect, keys, rows, rejects, progress, show }.run(client, report)
    }
}

/// The sample without the row in which it was cut off.
fn complete<'s>(sample: &'s str, records: &Records) -> &'s str {
    match sample.rfind('\n') {
        Some(end) if !records.is_complete() => &sample[..end],
        _ => sample,
    }
}

fn check_list(client: &mut Client, list: &str) -> Result<()> {
    if list == "*" {
        return Ok(());
    }
    // Any number does: that the list is unknown comes first.
    match client.call(&["CHECK", list, "+14155550100"])? {
        Reply::Text(verdict) if verdict == "no unknown_list" => {
            Err(Error::bad_arg(format!("there is no list {list}; make it first: contactd call LIST {list}")))
        }
        Reply::Text(_) => Ok(()),
        other => Err(pipeline::ended(other.to_string().trim_start_matches('-'))),
    }
}

fn defaults(options: &Options, name: &str) -> Result<Defaults> {
    let wrong =
        |what: &str, word: &str, like: &str| Error::bad_arg(format!("--{what} {}: {like}", excerpt(word.as_bytes())));
    let region = options
        .region
        .as_deref()
        .map(|word| held::region(word).ok_or_else(|| wrong("region", word, "no region: two letters, like US or DE")));
    let how = options
        .how
        .as_deref()
        .map(|word| How::parse(word).ok_or_else(|| wrong("how", word, "it is import, api, journey or keyword")));
    let list = options.list.as_deref().map(|word| {
        let like = "no list: an E.164 number like +14155550100, a short code, or *";
        row::read_list(word, None).ok_or_else(|| wrong("list", word, like))
    });
    let source = match &options.source {
        Some(source) if source.len() > SOURCE_BYTES_MAX => {
            return Err(Error::bad_arg(format!("--source has at most {SOURCE_BYTES_MAX} bytes")));
        }
        Some(source) => source.clone(),
        None => name
            .char_indices()
            .take_while(|(at, char)| at + char.len_utf8() <= SOURCE_BYTES_MAX)
            .map(|(_, char)| char)
            .collect(),
    };
    Ok(Defaults {
        list: list.transpose()?,
        region: region.transpose()?,
        source,
        how: how.transpose()?,
        opt_outs: options.all_are == Some(AllAre::Optout),
        dry_run: options.dry_run,
    })
}

fn wishes(options: &Options) -> Result<Wishes> {
    let map = options.map.iter().map(|map| {
        let (column, field) = map
            .rsplit_once('=')
            .ok_or_else(|| Error::bad_arg(format!("--map {}: write it like COLUMN=FIELD", excerpt(map.as_bytes()))))?;
        Ok((column.trim().to_owned(), field.trim().to_owned()))
    });
    let labels = options
        .labels
        .as_ref()
        .map(|labels| labels.iter().map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()).collect());
    Ok(Wishes {
        map: map.collect::<Result<_>>()?,
        labels,
        region: options.region.is_some(),
        opt_outs: options.all_are == Some(AllAre::Optout),
    })
}
