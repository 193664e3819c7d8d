//! `contactd import`: the options, the questions, the summary, the exit code. The work is done in [`crate::import`].

mod ask;
mod bar;
mod keep;

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bar::Bar;
use clap::Args;

use super::serve::now;
use super::{Target, say};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::import::read::dialect::Format;
use crate::import::read::source::Source;
use crate::import::{Options, Report, Sheet, has_list, quote};

/// The exit code when some rows were rejected.
const SOME_REJECTED: u8 = 3;
/// The exit code when the import could not be done, or not to its end.
const FAILED: u8 = 1;
/// The exit code when something must be said first, as where an argument is wrong.
const UNSAID: u8 = 2;
/// So much of a file is looked at to describe it.
const DESCRIBED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Put a spreadsheet's rows onto a list: CSV or NDJSON
///
/// A column is read if its heading is exactly known, or if you say what it is: with --labels, --map or --mapping. Any other
/// column stops the import before its first row; on a terminal you are asked what it is, and your answers are written to
/// FILE.mapping.toml. --describe shows what the columns hold.
///
/// An import never lifts an opt-out, a suppression or an invalid number. Run it again after an interruption: it completes
/// what is missing. The summary shows how each column was read.
///
/// Exit code 0: every row was taken; 3: some were rejected; 1: the import could not start or finish; 2: wrong arguments, or
/// you must first say what a column is.
#[derive(Args)]
pub struct Import {
    #[command(flatten)]
    target: Target,
    /// CSV (comma, semicolon, tab or pipe) or NDJSON (rows, or contacts as GET and EXPORT show them); - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    options: Options,
    /// The encoding of a file without byte order mark, like windows-1252 [default: UTF-8]
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// The file's format [default: decided by its first character]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write rejected rows to this file, each with its line, the reason and the column that is meant; correct it and import it
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Show the columns, how each is read and why, and what it holds; import nothing. Needs no daemon
    #[arg(long)]
    describe: bool,
    /// Print the summary, or the description, as one JSON object
    #[arg(long)]
    json: bool,
}

/// Why an import ended early, and with which exit code.
struct Stopped(u8, String);

impl From<Error> for Stopped {
    fn from(why: Error) -> Stopped {
        Stopped(FAILED, why.message)
    }
}

impl Import {
    pub fn run(self) -> Result<ExitCode> {
        if self.describe {
            return self.describe();
        }
        let mut report = Report::new(self.options.dry_run);
        let done = self.import(&mut report);
        let error = done.as_ref().err().map(|Stopped(_, why)| why.as_str());
        if self.json {
            say(&report.json(error));
        } else if error.is_none() || report.rows > 0 {
            say(&report.to_string().trim_end());
        }
        for warning in &report.warnings {
            eprintln!("warning: {warning}");
        }
        if let Err(Stopped(code, why)) = done {
            eprintln!("contactd: {}", why.trim_end());
            if report.rows > 0 {
                eprintln!("Run the same import again to complete it: rows that were taken stay as they are.");
            }
            return Ok(ExitCode::from(code));
        }
        if report.rejected() == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        match &self.rejects {
            Some(path) => eprintln!("The rejected rows are in {}: correct them and import that file.", path.display()),
            None => eprintln!(
                "Use --rejects FILE to write the rejected rows to a file; correct them there and import that file."
            ),
        }
        Ok(ExitCode::from(SOME_REJECTED))
    }

    fn import(&self, report: &mut Report) -> std::result::Result<(), Stopped> {
        let (input, name, bytes) = open(&self.file)?;
        let source = Source::open(input, self.encoding.as_deref())?;
        let read = source.bytes_read();
        let mut sheet = Sheet::open(source, self.format, &self.options, &name, now())?.in_folder(&folder(&self.file));
        sheet.list()?;
        self.settle(&mut sheet)?;
        let mut client = self.target.connect()?;
        sheet.list()?.map_or(Ok(()), |list| check_list(&mut client, list))?;
        let rejects = self.rejects.as_deref().map(|path| create(path, &self.file).and_then(|file| sheet.rejects(file)));
        let lists = sheet.import(client, rejects.transpose()?, Bar::new(bytes, read), None, report)?;
        if self.options.dry_run {
            // A real import learns of a list that is not there by itself, and rejects its rows.
            let mut client = self.target.connect()?;
            lists.iter().try_for_each(|list| check_list(&mut client, list))?;
        }
        Ok(())
    }

    /// Asks a person what the file leaves open and keeps the answers; where nobody is there to ask, says what to say.
    fn settle(&self, sheet: &mut Sheet) -> std::result::Result<(), Stopped> {
        let is_asked = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let questions = sheet.questions(is_asked);
        if questions.is_empty() {
            return Ok(());
        }
        if !is_asked {
            return Err(Stopped(UNSAID, sheet.advice(&questions, &command())));
        }
        let (mut input, mut out) = (std::io::stdin().lock(), std::io::stderr().lock());
        let Some(mapping) = ask::settle(sheet, &mut input, &mut out)? else {
            return Err(Stopped(UNSAID, "nothing was imported".to_owned()));
        };
        if self.file != Path::new("-") {
            let path = keep::write(&mapping, &self.file, self.options.mapping.as_deref())?;
            let path = quote(&path.display().to_string());
            let _ = writeln!(out, "\nYour answers are in {path}. For the next file like this: --mapping {path}\n");
        }
        Ok(())
    }

    fn describe(&self) -> Result<ExitCode> {
        let (input, name, _) = open(&self.file)?;
        let source = Source::open(input, self.encoding.as_deref())?;
        let sheet = Sheet::open(source, self.format, &self.options, &name, now())?.survey_all(DESCRIBED_BYTES_MAX)?;
        let questions = sheet.questions(false);
        if self.json {
            let mut json = sheet.describe().json();
            json["is_ready"] = questions.is_empty().into();
            say(&json);
        } else if questions.is_empty() {
            say(&sheet.describe().to_string().trim_end());
        } else {
            say(&sheet.advice(&questions, &command()).trim_end());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The command line, as one types it, without the wish to describe.
fn command() -> String {
    let words = std::env::args().skip(1).filter(|word| word != "--describe");
    let words: Vec<String> = std::iter::once("contactd".to_owned()).chain(words.map(|word| quote(&word))).collect();
    words.join(" ")
}

/// The file, its name and its size.
fn open(path: &Path) -> Result<(Box<dyn Read + Send>, String, Option<u64>)> {
    if path == Path::new("-") {
        // Where the system tells what it is, a file behind it has a name as well.
        let file = std::fs::read_link("/proc/self/fd/0").ok().filter(|path| path.is_file());
        let name = file.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        return Ok((Box::new(std::io::stdin()), name.unwrap_or_else(|| "standard input".to_owned()), None));
    }
    let file = File::open(path).map_err(|why| Error::bad_arg(format!("cannot open {}: {why}", path.display())))?;
    let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((Box::new(file), name, bytes))
}

/// The name of the folder of a file; none of a hidden one, which a program made.
fn folder(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    if folder.starts_with('.') { String::new() } else { folder }
}

fn check_list(client: &mut Client, list: &str) -> Result<()> {
    if has_list(client, list)? {
        return Ok(());
    }
    Err(Error::bad_arg(format!("the list {list} does not exist: create it first with contactd call LIST {list}")))
}

/// The file for rejected rows, in place of one that was there, but not of the one that is imported.
fn create(path: &Path, imported: &Path) -> Result<File> {
    if let (Ok(rejects), Ok(imported)) = (path.canonicalize(), imported.canonicalize())
        && rejects == imported
    {
        return Err(Error::bad_arg("--rejects names the file that is imported: give another one"));
    }
    File::create(path).map_err(|why| Error::internal(format!("cannot write {}: {why}", path.display())))
}
