//! The file of refused rows: each as it was, with its line, why, and the column of the cell that is meant, to be mended and imported
//! again.
//!
//! What could not be seen of a row any more stands behind its reason: that it was short, and what all rows were said to be. It
//! holds until the person who mends the row empties that cell.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use crate::error::{Error, Result};
use crate::import::columns::rejects::{REASON, REJECTS_COLUMNS};
use crate::import::options::AllAre;
use crate::import::read::dialect::{Dialect, raw_cells};
use crate::import::read::objects::{self, REJECTED};

/// How a file of refused rows is written.
pub struct Shape {
    pub dialect: Dialect,
    /// The line `sep=;`, if there was one.
    pub separator_line: String,
    /// The header as it was.
    pub header: String,
    /// So many columns are the rows' own.
    pub own: usize,
    /// The file is one of refused rows itself: so many columns behind their own say how they were refused, and are replaced.
    pub behind: usize,
    /// A row with fewer cells lacks some that say who wants messages.
    pub cells_min: usize,
    /// What all rows were said to be.
    pub all_are: Option<AllAre>,
    /// Begin with a byte order mark.
    pub mark: bool,
}

/// Of a row that is filled up here.
const SHORT: &str = "short_row";
/// Of a row in an encoding that nobody named.
const NOT_UTF8: &str = "not_utf8";
/// Of rows of those who get no messages, whatever their columns say.
const ALL_ARE: [(AllAre, &str); 2] = [(AllAre::Optout, "as_optout"), (AllAre::Invalid, "as_invalid")];

/// What of an earlier refusal holds until its cell is emptied. `forbids`: no row subscribes anybody.
pub fn still_holds(reason: &str, forbids: bool) -> Option<Refusal> {
    // Nearly all cells are one word.
    let mut words = reason.split_whitespace().filter(|_| !forbids && reason.contains(['_']));
    words.find_map(|word| match word {
        SHORT => Some(Refusal::ShortRow),
        // It was written as it was read.
        NOT_UTF8 => Some(Refusal::NotUtf8),
        word if ALL_ARE.iter().any(|(_, known)| *known == word) => Some(Refusal::MaybeOptOut),
        _ => None,
    })
}

/// The earlier reason of an object that was refused before.
pub fn old_reason(object: &[(String, Value)]) -> Option<&str> {
    object.iter().find(|(key, _)| key == REJECTED).and_then(|(_, why)| why["reason"].as_str())
}

/// A file of refused rows.
pub struct Rejects {
    out: BufWriter<File>,
    shape: Shape,
}

/// A refused row.
pub struct Rejected<'r> {
    pub text: &'r str,
    pub line: u64,
    pub code: &'static str,
    /// What one calls the column of the cell that is meant.
    pub column: Option<&'r str>,
    /// Its quotes are not closed.
    pub broken: bool,
}

impl Rejects {
    /// Begins the file.
    pub fn begin(file: File, shape: Shape) -> Result<Rejects> {
        let mut rejects = Rejects { out: BufWriter::new(file), shape };
        rejects.head().map_err(|why| failed(&why))?;
        Ok(rejects)
    }

    fn head(&mut self) -> std::io::Result<()> {
        let Rejects { out, shape } = self;
        if shape.mark {
            out.write_all("\u{feff}".as_bytes())?;
        }
        let Dialect::Csv { delimiter } = shape.dialect else { return out.flush() };
        out.write_all(shape.separator_line.as_bytes())?;
        let header = shape.header.trim_end_matches(['\r', '\n']);
        out.write_all(header.as_bytes())?;
        for name in &REJECTS_COLUMNS[shape.behind..] {
            out.write_all(&[delimiter])?;
            out.write_all(name.as_bytes())?;
        }
        out.write_all(line_end(&shape.header))?;
        out.flush()
    }

    /// Appends a row.
    pub fn add(&mut self, row: &Rejected<'_>) -> Result<()> {
        let done = match self.shape.dialect {
            Dialect::Csv { delimiter } => self.add_cells(row, delimiter),
            Dialect::Ndjson => self.add_object(row),
        };
        done.map_err(|why| failed(&why))
    }

    pub fn finish(mut self) -> Result<()> {
        self.out.flush().map_err(|why| failed(&why))
    }

    fn add_cells(&mut self, row: &Rejected<'_>, delimiter: u8) -> std::io::Result<()> {
        let Shape { own, behind, .. } = self.shape;
        let text = row.text.trim_matches(['\r', '\n']);
        let between = char::from(delimiter);
        let cells = if row.broken { text.split(between).collect() } else { raw_cells(text, delimiter) };
        // Behind its own stands what an earlier refusal said of it.
        let kept = cells.len().saturating_sub(behind).max(own).min(cells.len());
        let old = cells.get(kept + REASON).copied().unwrap_or_default();
        // A line whose quotes are not closed is quoted anew, so that it spoils no other row here.
        let written =
            cells[..kept].iter().map(|cell| if row.broken { quoted(cell, '"') } else { Cow::Borrowed(*cell) });
        let mut written: Vec<Cow<'_, str>> = written.collect();
        written.resize(kept.max(own), Cow::Borrowed(""));
        let reason = self.reason(row.code, kept < self.shape.cells_min, old);
        let column = quoted(row.column.unwrap_or_default(), between);
        written.extend([row.line.to_string().into(), reason.into(), column]);
        self.out.write_all(written.join(between.encode_utf8(&mut [0; 1])).as_bytes())?;
        self.out.write_all(line_end(&self.shape.header))
    }

    fn add_object(&mut self, row: &Rejected<'_>) -> std::io::Result<()> {
        let object = objects::parse(row.text);
        let old = object.as_ref().and_then(|object| object.get(REJECTED)?.get("reason")?.as_str()).unwrap_or_default();
        let mut why = json!({"line": row.line, "reason": self.reason(row.code, false, old)});
        if let Some(column) = row.column {
            why["column"] = column.into();
        }
        if let Some(open) = row.text.trim().strip_suffix('}').filter(|_| objects::repeats_a_key(row.text)) {
            // As it was, with both values of the key.
            return writeln!(self.out, "{open},\"{REJECTED}\":{why}}}");
        }
        let mut object =
            object.unwrap_or_else(|| Map::from_iter([("unread".to_owned(), Value::from(row.text.trim_end()))]));
        object.insert(REJECTED.to_owned(), why);
        serde_json::to_writer(&mut self.out, &object)?;
        self.out.write_all(b"\n")
    }
}

impl Rejects {
    /// The code of a refusal, and what holds besides: of the row as it is, and of the reason that it had before.
    fn reason(&self, code: &str, is_short: bool, old: &str) -> String {
        let is_old =
            |word: &str| old.split(|char: char| !char.is_ascii_lowercase() && char != '_').any(|known| known == word);
        let mut words = vec![code];
        if is_short || is_old(SHORT) {
            words.push(SHORT);
        }
        words.extend(
            ALL_ARE.iter().filter(|(all, word)| self.shape.all_are == Some(*all) || is_old(word)).map(|(_, word)| word),
        );
        words.dedup();
        words.join(" ")
    }
}

/// A cell in quotes, if it has one of its own or this sign.
fn quoted(cell: &str, sign: char) -> Cow<'_, str> {
    if cell.contains(['"', sign]) { format!("\"{}\"", cell.replace('"', "\"\"")).into() } else { cell.into() }
}

fn line_end(header: &str) -> &'static [u8] {
    if header.ends_with("\r\n") { b"\r\n" } else { b"\n" }
}

fn failed(why: &std::io::Error) -> Error {
    Error::internal(format!("cannot write the rejected rows: {why}"))
}
