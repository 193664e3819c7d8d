//! Pages of a store in partitions: those of one partition behind those of the one before. The cursor says in which one a page
//! begins.

use crate::command::page_items;
use crate::error::{Error, Result, excerpt};
use crate::limits::PAGE_ITEMS_DEFAULT;
use crate::wire::{Args, write_request};

/// A request for a page, without where it begins and how long it is.
pub struct PageRequest {
    base: Base,
    /// How many items it has at most.
    pub limit: usize,
    /// The cursor that was given.
    pub after: Option<String>,
}

enum Base {
    Line(Vec<u8>),
    Array(Vec<Vec<u8>>),
}

/// The words of a request, of which the last ones are options. In a line what stands before them is a filter, with quotes and
/// blanks in it: it stays as it is.
#[derive(Clone)]
enum Words<'a> {
    Line(&'a [u8]),
    Array(Vec<&'a [u8]>),
}

impl<'a> Words<'a> {
    /// Takes the last one off.
    fn pop(&mut self) -> Option<&'a [u8]> {
        match self {
            Words::Line(rest) => {
                let line = rest.trim_ascii_end();
                let begin = line.iter().rposition(|&byte| byte == b' ').map_or(0, |blank| blank + 1);
                *rest = line[..begin].trim_ascii_end();
                Some(&line[begin..]).filter(|word| !word.is_empty())
            }
            Words::Array(words) => words.pop(),
        }
    }
}

impl PageRequest {
    /// Takes LIMIT and AFTER off the end of a request.
    pub fn read(verb: &[u8], args: Args<'_>) -> Result<PageRequest> {
        let mut words = match args {
            Args::Line(rest) => Words::Line(rest),
            Args::Array(_) => Words::Array(args.collect()),
        };
        let (mut limit, mut after, mut is_newest) = (PAGE_ITEMS_DEFAULT, None, false);
        loop {
            let mut before = words.clone();
            let Some(last) = before.pop() else { break };
            if last.eq_ignore_ascii_case(b"NEWEST") {
                is_newest = true;
            } else {
                let value = String::from_utf8_lossy(last);
                match before.pop() {
                    Some(option) if option.eq_ignore_ascii_case(b"LIMIT") => limit = page_items("LIMIT", &value)?,
                    Some(option) if option.eq_ignore_ascii_case(b"AFTER") => {
                        after = Some(value.into_owned()).filter(|after| after != "0");
                    }
                    _ => break,
                }
            }
            words = before;
        }
        let base = match words {
            Words::Line(rest) => Base::Line([verb, rest, if is_newest { b" NEWEST" } else { b"" }].concat()),
            Words::Array(words) => {
                let words = std::iter::once(verb).chain(words).chain(is_newest.then_some(&b"NEWEST"[..]));
                Base::Array(words.map(<[u8]>::to_vec).collect())
            }
        };
        Ok(PageRequest { base, limit, after })
    }

    /// The request for one partition.
    pub fn of(&self, limit: usize, after: Option<&str>) -> Vec<u8> {
        let after = after.map_or_else(String::new, |after| format!(" AFTER {after}"));
        let options = format!(" LIMIT {limit}{after}");
        match &self.base {
            Base::Line(base) => [base, options.as_bytes(), b"\n"].concat(),
            Base::Array(base) => {
                let mut request = Vec::new();
                let options = options.split(' ').skip(1).map(str::as_bytes);
                let words: Vec<&[u8]> = base.iter().map(Vec::as_slice).chain(options).collect();
                write_request(&mut request, &words);
                request
            }
        }
    }

    /// In which partition the page begins, and behind what there.
    pub fn begin(&self, partitions: usize) -> Result<(usize, Option<&str>)> {
        let Some(after) = &self.after else { return Ok((0, None)) };
        let (place, after) = after
            .split_once(':')
            .and_then(|(place, after)| Some((place.parse().ok().filter(|&place| place < partitions)?, after)))
            .ok_or_else(|| {
                Error::bad_arg(format!(
                    "'{}' is not a cursor of this store, which is in partitions: AFTER takes the first item of the page before",
                    excerpt(after.as_bytes())
                ))
            })?;
        Ok((place, Some(after).filter(|after| *after != "0")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_piece_by_piece() {
        let line = PageRequest::read(b"FIND", Args::Line(b" label.city=\"New  York\" NEWEST LIMIT 7 AFTER 2:n9"))
            .expect("a page");
        assert_eq!((line.limit, line.begin(4)), (7, Ok((2, Some("n9")))));
        assert_eq!(line.of(3, Some("n4")), b"FIND label.city=\"New  York\" NEWEST LIMIT 3 AFTER n4\n");
        assert!(line.begin(2).is_err());
        let array = PageRequest::read(b"CLAIMS", Args::Array(b"$5\r\nAFTER\r\n$3\r\n1:0\r\n")).expect("a page");
        assert_eq!((array.limit, array.begin(2)), (100, Ok((1, None))));
        assert_eq!(array.of(100, None), b"*3\r\n$6\r\nCLAIMS\r\n$5\r\nLIMIT\r\n$3\r\n100\r\n");
        assert!(PageRequest::read(b"FIND", Args::Line(b" LIMIT 0")).is_err());
    }
}
