//! How a file is written: CSV with which delimiter and whether with a header, or NDJSON.

use clap::ValueEnum;

use super::objects;
use super::records::Records;
use super::titles::{self, Titles};
use crate::error::{Error, Result, excerpt};
use crate::import::columns::Wishes;
use crate::import::columns::mapping::MADE_UP;
use crate::model::phone::{PHONE_DIGITS_MIN, Region, normalize};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Cells between delimiters, a header first.
    Csv { delimiter: u8 },
    /// An object a line.
    Ndjson,
}

/// What `--format` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Csv,
    Ndjson,
}

const DELIMITERS: [u8; 4] = *b",;\t|";
/// How many rows decide which delimiter it is.
const ROWS_LOOKED_AT: usize = 50;

impl Default for Dialect {
    fn default() -> Dialect {
        Dialect::Csv { delimiter: b',' }
    }
}

impl Dialect {
    /// What stands in one cell of a row: in a column, or under the path of a key.
    pub fn cell(self, row: &str, column: usize, path: &str) -> Option<String> {
        match self {
            Dialect::Csv { delimiter } => {
                let row = reader(row.as_bytes(), delimiter).into_records().next()?.ok()?;
                row.get(column).map(str::to_owned)
            }
            Dialect::Ndjson => objects::cell(row, path),
        }
    }
}

/// Finds out how the file is written, and takes the line `sep=;` that some spreadsheets put first. Gives that line.
pub fn sniff(records: &mut Records, format: Option<Format>) -> Result<(Dialect, String)> {
    let first = records.sample().trim_start().chars().next();
    match (format, first) {
        (None | Some(Format::Ndjson), Some('[')) => {
            return Err(Error::bad_arg(
                "the file is a JSON array: write one object on each line, for example with jq -c '.[]' FILE",
            ));
        }
        (Some(Format::Ndjson), _) | (None, Some('{')) => {
            records.set_dialect(Dialect::Ndjson);
            return Ok((Dialect::Ndjson, String::new()));
        }
        _ => {}
    }
    let mut separator_line = String::new();
    let delimiter = if let Some(delimiter) = announced(records.sample()) {
        // A line as it is: quotes have no meaning in it.
        records.set_dialect(Dialect::Ndjson);
        separator_line = records.take_first()?;
        delimiter
    } else {
        likeliest(records.sample())
    };
    let dialect = Dialect::Csv { delimiter };
    records.set_dialect(dialect);
    Ok((dialect, separator_line))
}

/// Takes the header. Where the first line is a row already, and the columns are told by their numbers, gives a header made up.
///
/// # Errors
/// The first line is a row, and nothing tells what the columns are.
pub fn header(records: &mut Records, delimiter: u8, wishes: &Wishes, region: Option<Region>) -> Result<String> {
    match titles::find(records.sample(), delimiter, |cell| is_phone(cell, region)) {
        Titles::None => {}
        Titles::Certain { header } => records.pass_over(header)?,
        Titles::Likely { header, names } => {
            return Err(Error::bad_arg(format!(
                "the first line is no header: line {} looks like it, with {}; delete the lines above it",
                records.line() + header,
                excerpt(names.as_bytes())
            )));
        }
    }
    let first = reader(records.sample().as_bytes(), delimiter).into_records().next();
    let first = first.and_then(std::result::Result::ok).unwrap_or_default();
    let Some(phone) = first.iter().find(|cell| is_phone(cell, region)) else {
        let mut header = records.take_first()?;
        while header.trim().is_empty() {
            header = records.take_first()?;
        }
        return Ok(header);
    };
    if !wishes.names_by_number() {
        return Err(Error::bad_arg(format!(
            "the first line has the number '{}', so the header is missing: put a line like phone,name before it, \
             or name the columns by number, like --map '#1=phone'",
            excerpt(phone.as_bytes())
        )));
    }
    let names: Vec<String> = (1..=first.len()).map(|number| format!("{MADE_UP}{number}")).collect();
    let end = if records.sample().contains("\r\n") { "\r\n" } else { "\n" };
    Ok(names.join(&char::from(delimiter).to_string()) + end)
}

/// Whether a cell of several lines has swallowed rows, since a quote that was opened by mistake is closed in a later row: lines in
/// which a phone number stands between delimiters.
pub fn has_rows(cell: &str, delimiter: u8) -> bool {
    let delimiter = char::from(delimiter);
    let is_row = |line: &str| line.contains(delimiter) && line.split(delimiter).any(|cell| is_phone(cell, None));
    cell.contains(['\n', '\r']) && cell.split(['\n', '\r']).any(is_row)
}

/// Whether a cell is a phone number, which no heading is. Without its region it only looks like one.
fn is_phone(cell: &str, region: Option<Region>) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let is_plain = cell.chars().all(|char| char.is_ascii_digit() || "+-().'/ \u{a0}".contains(char));
    normalize(cell, region).is_ok() || (is_plain && (9..=15).contains(&digits))
}

/// Whether a cell looks like a phone number of some country.
pub fn looks_like_a_phone(cell: &str) -> bool {
    cell.bytes().filter(u8::is_ascii_digit).count() >= PHONE_DIGITS_MIN && is_phone(cell, None)
}

/// The delimiter of a first line `sep=;`.
fn announced(text: &str) -> Option<u8> {
    let line = text.lines().next()?.trim_matches('"');
    match line.get(..4)?.eq_ignore_ascii_case("sep=").then_some(line.as_bytes())? {
        [_, _, _, _, delimiter] if delimiter.is_ascii() => Some(*delimiter),
        _ => None,
    }
}

/// The delimiter by which most rows have as many cells as the header, and of these the one with most cells. Where none divides the
/// first line, it may be a title, and the first line that is divided counts as the header.
fn likeliest(sample: &str) -> u8 {
    let score = |delimiter: u8, titles: usize| {
        let mut rows = reader(sample.as_bytes(), delimiter).into_records().map_while(std::result::Result::ok);
        let header = rows.by_ref().take(1 + titles).map(|row| row.len()).find(|&cells| cells > 1).unwrap_or(0);
        let (mut same, mut all) = (0, 1);
        for row in rows.take(ROWS_LOOKED_AT) {
            all += 1;
            same += usize::from(row.len() == header);
        }
        if header < 2 || (titles > 0 && same == 0) { (0, 0) } else { ((same + 1) * 10 / all, header) }
    };
    let titles =
        if DELIMITERS.into_iter().all(|delimiter| score(delimiter, 0) == (0, 0)) { titles::ROWS_MAX } else { 0 };
    // Of equals the last is the greatest: comma comes last.
    DELIMITERS.into_iter().rev().max_by_key(|&delimiter| score(delimiter, titles)).unwrap_or(b',')
}

/// A reader of whole records.
pub fn reader(text: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    builder(text, delimiter).from_reader(text)
}

/// A reader of lines in which quotes mean nothing.
pub fn reader_without_quotes(text: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    builder(text, delimiter).quoting(false).from_reader(text)
}

/// The cells of one row as they are written, with their quotes.
pub fn raw_cells(row: &str, delimiter: u8) -> Vec<&str> {
    enum At {
        Begin,
        Text,
        Quoted,
        /// Behind a quote that ends the text, or is the first of two that are one.
        Quote,
    }
    let (mut cells, mut from, mut at) = (Vec::new(), 0, At::Begin);
    for (place, byte) in row.bytes().enumerate() {
        at = match (at, byte) {
            (At::Quoted, b'"') => At::Quote,
            (At::Begin | At::Quote, b'"') | (At::Quoted, _) => At::Quoted,
            (_, byte) if byte == delimiter => {
                cells.push(&row[from..place]);
                from = place + 1;
                At::Begin
            }
            _ => At::Text,
        };
    }
    cells.push(&row[from..]);
    cells
}

fn builder(text: &[u8], delimiter: u8) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(text.len().clamp(1, 64 * 1024));
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found() {
        for (text, delimiter) in [
            ("phone,name\n1,2\n", b','),
            ("phone;name\n1;\"Smith, John\"\n2;x, y\n", b';'),
            ("name;price, net;phone\na;1,5;2\nb;2,5;3\n", b';'),
            ("phone\tname\n1\tSmith, John; Esq.\n", b'\t'),
            ("phone|name\n1|2\n", b'|'),
            ("phone\n\"1,2\"\n3;4\n", b','),
            ("\"a;b\",c\n1,2\n", b','),
            ("Contacts\nof 2024\nphone;name\n1;x\n2;y\n3;z\n", b';'),
            ("phone,name\n", b','),
            ("", b','),
        ] {
            assert_eq!(likeliest(text) as char, delimiter as char, "{text}");
        }
        for (text, delimiter) in [("sep=;\na", Some(b';')), ("SEP=\t\r\na", Some(b'\t')), ("\"sep=|\"\n", Some(b'|'))] {
            assert_eq!(announced(text), delimiter);
        }
        assert_eq!(announced("separator,b"), None);
        assert_eq!(announced("sep=,phone"), None);
    }

    #[test]
    fn rows_in_a_cell_are_told_from_lines() {
        for cell in ["Ada\n+14155550102,Bob\nEve", "Ada,+14155550102\nBob", "x\r\n4155550102,\"y"] {
            assert!(has_rows(cell, b','), "{cell}");
        }
        for cell in [
            "Smith, Ada +14155550102",
            "two\nlines",
            "1 Main St,\nRome",
            "call +14155550102, please\nor not",
            "a;b\n1;2",
        ] {
            assert!(!has_rows(cell, b','), "{cell}");
        }
    }

    #[test]
    fn raw_cells_are_those_that_the_reader_divides() {
        for row in [
            "",
            ",",
            "a,b",
            "\"a,b\",c",
            "\"a \"\"b\"\", c\",d,",
            "a \"b, c\" d,e",
            "\"a\"b,c\"",
            "\"two\nlines\",\"\"",
            "\"open, b",
            "é,\"ü,\"\"\",x",
            "\"a\"\"",
            "\"\"\",\"\"",
            " \"a,b\"",
        ] {
            let read = reader(row.as_bytes(), b',').into_records().next();
            let many = read.map_or(1, |read| read.expect("UTF-8").len());
            let cells = raw_cells(row, b',');
            assert_eq!((cells.len(), cells.join(",")), (many, row.to_owned()), "{cells:?}");
        }
    }

    #[test]
    fn a_number_is_no_heading() {
        for cell in ["+14155550101", "(415) 555-0101", "4155550101", "'+14155550101", "919876543210"] {
            assert!(is_phone(cell, None), "{cell}");
        }
        for cell in ["phone", "2024", "2024-01-01", "24365", "", "Phone 1", "2024-01-01 10:00:00"] {
            assert!(!is_phone(cell, Region::parse("US")), "{cell}");
        }
    }
}
