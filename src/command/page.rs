//! Pages: where an answer of many items begins, and how many of them it has.

use std::borrow::Cow;

use data_encoding::HEXLOWER_PERMISSIVE as HEX;

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
    /// Whether the newest come first.
    pub newest: bool,
}

/// Takes the options off the end, of which a command has `known`. Another one is an error: ignoring it would mislead the caller.
pub fn page_options<const N: usize>(command: &str, known: [&str; N], words: &mut Vec<Word>) -> Result<PageOptions> {
    const OPTIONS: [&str; 3] = ["LIMIT", "AFTER", "WAIT"];
    let mut options = PageOptions { limit: PAGE_ITEMS_DEFAULT, after: None, wait_ms: None, newest: false };
    loop {
        let is_newest = |word: &Word| known.contains(&"NEWEST") && word.text.eq_ignore_ascii_case("NEWEST");
        if words.last().is_some_and(is_newest) {
            options.newest = true;
            words.pop();
            continue;
        }
        let [.., option, value] = words.as_slice() else { break };
        let Some(name) = OPTIONS.into_iter().find(|name| option.text.eq_ignore_ascii_case(name)) else { break };
        if !known.contains(&name) {
            return Err(Error::bad_arg(format!("{command} has no option {name}: HELP {command} shows its options")));
        }
        match name {
            "LIMIT" => options.limit = items("LIMIT", &value.text)?,
            "AFTER" => options.after = Some(value.text.clone()).filter(|after| after != "0"),
            _ => options.wait_ms = Some(wait_ms(&value.text)?),
        }
        words.truncate(words.len() - 2);
    }
    Ok(options)
}

/// How many items an option such as LIMIT wants.
pub fn items(option: &str, word: &str) -> Result<usize> {
    let items = word.parse().ok().filter(|&items| items > 0).ok_or_else(|| {
        let word = excerpt(word.as_bytes());
        Error::bad_arg(format!("{option} expects a number from 1 to {PAGE_ITEMS_MAX}, not '{word}'"))
    })?;
    if items > PAGE_ITEMS_MAX {
        return Err(Error::limit(format!("{option} is at most {PAGE_ITEMS_MAX}")));
    }
    Ok(items)
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
    format!("x{}", HEX.encode(text.as_bytes()))
}

/// The text of a [`text_cursor`].
pub fn cursor_text(cursor: &str) -> Result<String> {
    let text = cursor.strip_prefix('x').and_then(|hex| String::from_utf8(HEX.decode(hex.as_bytes()).ok()?).ok());
    text.ok_or_else(|| {
        Error::bad_arg(format!(
            "'{}' is not a cursor of LABELS: AFTER takes the first item of the page before",
            excerpt(cursor.as_bytes())
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_stands_for_any_text() {
        for (text, cursor) in [("", "x"), ("New York", "x4e657720596f726b"), ("\u{e9}\n", "xc3a90a")] {
            assert_eq!(text_cursor(text), cursor);
            assert_eq!(cursor_text(cursor), Ok(text.to_owned()));
            assert_eq!(cursor_text(&cursor.to_ascii_uppercase().replacen('X', "x", 1)), Ok(text.to_owned()));
        }
        for wrong in ["", "0", "4e", "x4", "x+f", "xzz", "x4e 4e", "x\u{e9}", "xff"] {
            assert!(cursor_text(wrong).is_err(), "{wrong}");
        }
    }
}
