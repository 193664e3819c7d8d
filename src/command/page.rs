//! Pages: where an answer of many items begins, and how many of them it has.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::error::{Error, Result, excerpt};
use crate::limits::{FEED_WAIT_MS_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::model::filter::{self, Word};
use crate::wire::Args;

/// The words of a query: the rest of the line as it is, or the arguments as they are.
pub fn words(args: Args<'_>) -> Result<Vec<Word>> {
    let utf8 = |_| Error::bad_arg("the request is not UTF-8");
    match args {
        Args::Line(_) => match args.rest() {
            Cow::Borrowed(line) => filter::words(std::str::from_utf8(line).map_err(utf8)?),
            Cow::Owned(line) => filter::words(std::str::from_utf8(&line).map_err(utf8)?),
        },
        Args::Array(_) => {
            let args = args.map(std::str::from_utf8).collect::<std::result::Result<Vec<_>, _>>().map_err(utf8)?;
            filter::words_of_array(args.into_iter())
        }
    }
}

/// The options of a page.
pub struct PageOptions {
    /// How many items it has at most.
    pub limit: usize,
    /// Where it begins; none for the beginning.
    pub after: Option<String>,
    /// How long to wait for the first item.
    pub wait_ms: Option<u64>,
}

/// Takes the options off the end, of which a command has `known`. Another one is refused: whoever gives it counts on it.
pub fn page_options(command: &str, known: [&str; 2], words: &mut Vec<Word>) -> Result<PageOptions> {
    const OPTIONS: [&str; 3] = ["LIMIT", "AFTER", "WAIT"];
    let mut options = PageOptions { limit: PAGE_ITEMS_DEFAULT, after: None, wait_ms: None };
    while let [.., option, value] = words.as_slice() {
        let Some(name) = OPTIONS.into_iter().find(|name| option.text.eq_ignore_ascii_case(name)) else { break };
        if !known.contains(&name) {
            return Err(Error::bad_arg(format!("{command} has no {name}: HELP {command} shows what it takes")));
        }
        match name {
            "LIMIT" => options.limit = limit(&value.text)?,
            "AFTER" => options.after = Some(value.text.clone()).filter(|after| after != "0"),
            _ => options.wait_ms = Some(wait_ms(&value.text)?),
        }
        words.truncate(words.len() - 2);
    }
    Ok(options)
}

/// How many items LIMIT wants.
fn limit(word: &str) -> Result<usize> {
    let limit = word.parse().ok().filter(|&limit| limit > 0).ok_or_else(|| {
        let word = excerpt(word.as_bytes());
        Error::bad_arg(format!("LIMIT expects a number from 1 to {PAGE_ITEMS_MAX}, not '{word}'"))
    })?;
    if limit > PAGE_ITEMS_MAX {
        return Err(Error::limit(format!("LIMIT is at most {PAGE_ITEMS_MAX}")));
    }
    Ok(limit)
}

/// How long WAIT waits.
fn wait_ms(word: &str) -> Result<u64> {
    let wait_ms = word
        .parse()
        .map_err(|_| Error::bad_arg(format!("WAIT expects milliseconds, not '{}'", excerpt(word.as_bytes()))))?;
    if wait_ms > FEED_WAIT_MS_MAX {
        return Err(Error::limit(format!("WAIT is at most {FEED_WAIT_MS_MAX}")));
    }
    Ok(wait_ms)
}

/// A cursor that stands for a text: one word without blanks, whatever the text has.
pub fn text_cursor(text: &str) -> String {
    text.bytes().fold(String::from("x"), |mut cursor, byte| {
        let _ = write!(cursor, "{byte:02x}");
        cursor
    })
}

/// The text of a [`text_cursor`].
pub fn cursor_text(cursor: &str) -> Result<String> {
    let hex = cursor.strip_prefix('x').filter(|hex| hex.len() % 2 == 0 && hex.is_ascii());
    let bytes = hex.and_then(|hex| {
        let pairs = hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        pairs.collect::<Option<Vec<u8>>>()
    });
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Error::bad_arg(format!("'{}' is no cursor of LABELS", excerpt(cursor.as_bytes()))))
}
