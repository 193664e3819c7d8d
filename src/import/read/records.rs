//! The text in blocks of whole records, so that a batch can be parsed, sent and repeated in one piece.
//!
//! A quote that is opened and never closed would swallow the rest of the file: its line is given alone, as broken, and the
//! next line is looked at afresh.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr3};

use super::dialect::Dialect;
use super::source::Source;
use crate::error::{Error, Result};

/// How much text makes a block: several hundred rows.
const BLOCK_BYTES: usize = 32 * 1024;
/// The longest cell in quotes; a request has no room for more.
const QUOTED_BYTES_MAX: usize = 64 * 1024;
/// The longest record. Nobody's rows are so long: this is no table.
const RECORD_BYTES_MAX: usize = 1024 * 1024;
/// How much is looked at to find out what the file is.
const SAMPLE_BYTES: usize = 256 * 1024;

/// The records of a file.
pub struct Records {
    source: Source,
    dialect: Dialect,
    text: String,
    at: usize,
    line: u64,
    more: bool,
    /// What stood above the header and was not read, and how that is told.
    titles: String,
    titles_from: u64,
    titles_told: Option<String>,
}

/// Some whole records.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    pub text: String,
    /// The number of its first line; the first of a file is 1.
    pub first_line: u64,
    /// It is one line with a quote that is not closed.
    pub broken: bool,
    /// Where in the text bytes stand that are not UTF-8, and were read as Windows-1252.
    strange: Vec<usize>,
}

impl Block {
    /// Whether a part of the text has such bytes.
    pub fn is_strange(&self, part: Range<usize>) -> bool {
        let first = self.strange.partition_point(|at| *at < part.start);
        self.strange.get(first).is_some_and(|at| *at < part.end)
    }
}

/// Where a record ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    At(usize),
    NotYet,
    Broken,
}

impl Records {
    /// Reads enough to know what the file is.
    pub fn open(source: Source) -> Result<Records> {
        let mut records = Records {
            source,
            dialect: Dialect::default(),
            text: String::new(),
            at: 0,
            line: 1,
            more: true,
            titles: String::new(),
            titles_from: 0,
            titles_told: None,
        };
        while records.more && records.text.len() < SAMPLE_BYTES {
            records.more = records.source.read_into(&mut records.text)?;
        }
        Ok(records)
    }

    /// The beginning of what has not been taken yet.
    pub fn sample(&self) -> &str {
        &self.text[self.at..]
    }

    /// Says how the file is written.
    pub fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// Whether the sample is the whole file.
    pub fn is_complete(&self) -> bool {
        !self.more
    }

    /// Reads on to the end of the file, unless more than so many bytes are kept then. Whether it came to the end.
    pub fn read_whole(&mut self, bytes_max: usize) -> Result<bool> {
        while self.more && self.text.len() <= bytes_max {
            self.more = self.source.read_into(&mut self.text)?;
        }
        Ok(!self.more)
    }

    /// The blocks that will follow, as far as they are read: each with the number of its first line, and whether it is broken.
    pub fn ahead(&self) -> impl Iterator<Item = (&str, u64, bool)> {
        let (mut at, mut line) = (self.at, self.line);
        std::iter::from_fn(move || {
            let (end, broken) = self.next_end(at);
            let text = self.text.get(at..end).filter(|text| !text.is_empty())?;
            let first_line = line;
            at = end;
            line += lines(text);
            Some((text, first_line, broken))
        })
    }

    /// The number of the line that is taken next.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Takes so many lines that stand above the header, and remembers them.
    pub fn pass_over(&mut self, many: u64) -> Result<()> {
        let first_line = self.line;
        self.titles_from = first_line;
        while self.line < first_line + many {
            let record = self.take_first()?;
            self.titles.push_str(&record);
        }
        self.tell_titles(first_line..self.line);
        Ok(())
    }

    /// The lines above the header.
    pub fn titles(&self) -> &str {
        &self.titles
    }

    /// The first of these lines.
    pub fn titles_from(&self) -> u64 {
        self.titles_from
    }

    fn tell_titles(&mut self, lines: Range<u64>) {
        let (first, last, header) = (lines.start, lines.end - 1, lines.end);
        self.titles_told = Some(if first == last {
            format!("line {first} is a title and was not imported: the headings are in line {header}")
        } else {
            format!("lines {first} to {last} are titles and were not imported: the headings are in line {header}")
        });
    }

    /// What a person should know about how the file was read.
    pub fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.titles_told.iter().cloned().chain(self.source.warning())
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Takes the first record: the header, or the line before it.
    pub fn take_first(&mut self) -> Result<String> {
        let end = match self.end_of(self.at) {
            End::At(bytes) => self.at + bytes,
            End::NotYet | End::Broken => {
                return Err(Error::bad_arg("the first line does not end: is this a table with a header?"));
            }
        };
        Ok(self.take(end))
    }

    /// The next block; none at the end.
    pub fn next(&mut self) -> Result<Option<Block>> {
        loop {
            let (end, broken) = self.next_end(self.at);
            let first_line = self.line;
            if end > self.at {
                return Ok(Some(self.block(end, first_line, broken)));
            }
            if !self.more {
                return Ok(None);
            }
            if self.text.len() - self.at > RECORD_BYTES_MAX {
                return Err(Error::bad_arg(format!(
                    "line {first_line} is longer than {RECORD_BYTES_MAX} bytes: is this a table?"
                )));
            }
            self.text.drain(..self.at);
            self.source.take_strange(self.at);
            self.source.drop_text(self.at);
            self.at = 0;
            self.more = self.source.read_into(&mut self.text)?;
        }
    }

    /// Where the block ends that begins there, and whether it is broken. One that is not all there ends where it begins.
    fn next_end(&self, begin: usize) -> (usize, bool) {
        let mut end = begin;
        let mut next = End::NotYet;
        while end - begin < BLOCK_BYTES && end < self.text.len() {
            next = self.end_of(end);
            match next {
                End::At(bytes) => end += bytes,
                End::NotYet | End::Broken => break,
            }
        }
        if end == begin && next == End::Broken {
            let rest = &self.text.as_bytes()[begin..];
            return (memchr(b'\n', rest).map_or(self.text.len(), |at| begin + at + 1), true);
        }
        (end, false)
    }

    fn block(&mut self, end: usize, first_line: u64, broken: bool) -> Block {
        let begin = self.at;
        self.source.take_strange(begin);
        let strange = self.source.take_strange(end).into_iter().map(|at| at - begin).collect();
        Block { text: self.take(end), first_line, broken, strange }
    }

    fn take(&mut self, end: usize) -> String {
        let taken = self.text[self.at..end].to_owned();
        self.at = end;
        self.line += lines(&taken);
        taken
    }

    fn end_of(&self, at: usize) -> End {
        let rest = &self.text.as_bytes()[at..];
        match self.dialect {
            Dialect::Csv { delimiter } => end_of_record(rest, delimiter, !self.more),
            Dialect::Ndjson => match memchr(b'\n', rest) {
                Some(end) => End::At(end + 1),
                None if self.more => End::NotYet,
                None => End::At(rest.len()),
            },
        }
    }
}

/// How many lines end in a text. Old Macs ended them with a carriage return alone.
pub fn lines(text: &str) -> u64 {
    let count = |end| memchr_iter(end, text.as_bytes()).count() as u64;
    match count(b'\n') {
        0 => count(b'\r'),
        lines => lines,
    }
}

/// How many lines stand before a record that begins there: its own may be behind blank ones.
pub fn lines_before(text: &str, at: usize) -> u64 {
    lines(&text[..text.len() - text[at..].trim_start_matches(['\r', '\n']).len()])
}

/// Where the record at the front ends, the end of its line included. `last` says that nothing follows the text.
fn end_of_record(text: &[u8], delimiter: u8, last: bool) -> End {
    let mut at = 0;
    loop {
        // A cell begins here; only here a quote opens.
        if text.get(at) == Some(&b'"') {
            match end_of_quotes(text, at, delimiter, last) {
                End::At(end) => at = end,
                other => return other,
            }
        }
        let Some(found) = memchr3(delimiter, b'\n', b'\r', &text[at..]) else {
            return if last { End::At(text.len()) } else { End::NotYet };
        };
        at += found + 1;
        if text[at - 1] == delimiter {
            continue;
        }
        return match text.get(at) {
            Some(b'\n') if text[at - 1] == b'\r' => End::At(at + 1),
            None if text[at - 1] == b'\r' && !last => End::NotYet,
            _ => End::At(at),
        };
    }
}

/// Where the quotes that open at `open` are closed.
fn end_of_quotes(text: &[u8], open: usize, delimiter: u8, last: bool) -> End {
    let mut at = open + 1;
    loop {
        match memchr(b'"', &text[at..]) {
            None if last || text.len() - open > QUOTED_BYTES_MAX => return End::Broken,
            None => return End::NotYet,
            Some(found) => at += found + 1,
        }
        match text.get(at) {
            Some(b'"') => at += 1,
            None if !last => return End::NotYet,
            after => {
                let well = after.is_none_or(|&after| after == delimiter || matches!(after, b'\r' | b'\n'));
                let too_long = at - open > QUOTED_BYTES_MAX;
                // What closes it, lines later and in the middle of a cell, was meant to open another one.
                let lines_later = memchr(b'\n', &text[open..at]).is_some();
                return if too_long || (!well && lines_later) { End::Broken } else { End::At(at) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str) -> Vec<(String, u64, bool)> {
        let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut records = Records::open(Source::open(input, None).expect("a source")).expect("records");
        records.set_dialect(Dialect::Csv { delimiter: b',' });
        let mut blocks = Vec::new();
        while let Some(block) = records.next().expect("a block") {
            blocks.push((block.text, block.first_line, block.broken));
        }
        blocks
    }

    #[test]
    fn ends_are_found_wherever_the_text_is_cut() {
        let text = "a,\"b\"\"\r\nc\",d\r\n\"e\" f,g\n";
        assert_eq!(end_of_record(text.as_bytes(), b',', false), End::At(14));
        assert_eq!(end_of_record(&text.as_bytes()[14..], b',', true), End::At(8));
        for cut in 0..14 {
            assert_eq!(end_of_record(&text.as_bytes()[..cut], b',', false), End::NotYet, "{cut}");
        }
        assert_eq!(end_of_record(b"a\rb\r", b',', true), End::At(2), "as old Macs wrote");
    }

    #[test]
    fn a_quote_that_is_not_closed_costs_one_line() {
        let good = |text: &str, line| (text.to_owned(), line, false);
        let broken = |text: &str, line| (text.to_owned(), line, true);
        assert_eq!(blocks("a,b\n\"c,d\ne,f\n"), [good("a,b\n", 1), broken("\"c,d\n", 2), good("e,f\n", 3)]);
        assert_eq!(
            blocks("\"a,b\nc,\"d\"\ne,f\n"),
            [broken("\"a,b\n", 1), good("c,\"d\"\ne,f\n", 2)],
            "a later quote does not close it"
        );
        assert_eq!(blocks("\"a\nb\",c\nd,\"\"\n"), [good("\"a\nb\",c\nd,\"\"\n", 1)]);
    }

    #[test]
    fn blocks_are_whole_and_count_lines() {
        let text = "x,\"y\nz\"\n".repeat(50_000);
        let blocks = blocks(&text);
        assert_eq!(blocks.iter().map(|block| block.0.as_str()).collect::<String>(), text);
        assert!(blocks.len() > 10 && blocks.iter().all(|block| block.0.ends_with("z\"\n") && !block.2));
        assert!(blocks.iter().all(|block| block.1 % 2 == 1));
    }
}
