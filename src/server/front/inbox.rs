//! INBOX of a store in partitions: the newest messages of all. A cursor says of each partition how far it was read.

use serde_json::Value;

use crate::error::{Error, Result, excerpt};
use crate::wire::Reply;

/// Of each partition the number behind which its next page begins; none for the beginning. Where there is nothing more it is
/// [`END`].
pub struct Cursor(pub Vec<Option<String>>);

/// Behind this number there is no other.
const END: &str = "1";

impl Cursor {
    /// The beginning, or the one that stands in a word.
    pub fn read(after: Option<&str>, partitions: usize) -> Result<Cursor> {
        let Some(word) = after else { return Ok(Cursor(vec![None; partitions])) };
        let numbers: Vec<Option<String>> =
            word.split('.').map(|number| Some(number.to_owned()).filter(|number| number != "0")).collect();
        let is_one = |number: &Option<String>| number.as_ref().is_none_or(|number| number.parse::<u64>().is_ok());
        if numbers.len() != partitions || !numbers.iter().all(is_one) {
            return Err(Error::bad_arg(format!(
                "'{}' is not a cursor of this store, which is in partitions: AFTER takes the first item of the page before",
                excerpt(word.as_bytes())
            )));
        }
        Ok(Cursor(numbers))
    }

    /// The newest messages of the pages of all partitions, and the cursor of the next page. A message's number says in which
    /// partition it is counted.
    pub fn merge(self, pages: &[Reply], limit: usize) -> Result<(String, Vec<String>)> {
        let partitions = pages.len() as u64;
        let mut nexts = Vec::with_capacity(pages.len());
        let mut messages = Vec::new();
        for (place, page) in pages.iter().enumerate() {
            let unexpected = || Error::internal(format!("a partition answered {page}"));
            let Reply::Array(lines) = page else { return Err(unexpected()) };
            let mut lines = lines.iter().map(|line| match line {
                Reply::Text(text) => Ok(text),
                _ => Err(unexpected()),
            });
            nexts.push(lines.next().ok_or_else(unexpected)??.clone());
            for line in lines {
                let message: Value = serde_json::from_str(line?).map_err(Error::internal)?;
                messages.push((place, message));
            }
        }
        let seen_at = |message: &Value| message["seen_at"].as_str().unwrap_or_default().to_owned();
        // Those of one partition are in their order already.
        messages.sort_by_key(|(_, message)| std::cmp::Reverse(seen_at(message)));
        let untold = messages.split_off(limit.min(messages.len()));
        let Cursor(mut ends) = self;
        for (place, message) in &messages {
            ends[*place] = message["number"].as_u64().map(|number| number.to_string());
        }
        for (place, next) in nexts.into_iter().enumerate() {
            if !untold.iter().any(|(of, _)| *of == place) {
                ends[place] = Some(if next == "0" { END.to_owned() } else { next });
            }
        }
        let told = messages.into_iter().map(|(place, mut message)| {
            let number = message["number"].as_u64().unwrap_or(0);
            message["number"] = (number * partitions + place as u64).into();
            message.to_string()
        });
        let told = told.collect();
        if ends.iter().all(|end| end.as_deref() == Some(END)) {
            return Ok(("0".to_owned(), told));
        }
        let ends: Vec<String> = ends.into_iter().map(|end| end.unwrap_or_else(|| "0".to_owned())).collect();
        Ok((ends.join("."), told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(next: &str, messages: &[(u64, &str)]) -> Reply {
        let messages = messages.iter().map(|(number, at)| format!("{{\"number\":{number},\"seen_at\":\"{at}\"}}"));
        Reply::Array(std::iter::once(next.to_owned()).chain(messages).map(Reply::Text).collect())
    }

    #[test]
    fn the_newest_of_all_come_first() {
        let first = Cursor::read(None, 2).expect("a beginning");
        let (next, told) =
            first.merge(&[page("3", &[(9, "d"), (3, "a")]), page("0", &[(7, "c"), (5, "b")])], 3).expect("a page");
        assert_eq!(
            told,
            [r#"{"number":18,"seen_at":"d"}"#, r#"{"number":15,"seen_at":"c"}"#, r#"{"number":11,"seen_at":"b"}"#]
        );
        assert_eq!(next, "9.1");
        let second = Cursor::read(Some(&next), 2).expect("a cursor");
        assert_eq!(second.0, [Some("9".to_owned()), Some("1".to_owned())]);
        let (next, told) = second.merge(&[page("0", &[(3, "a")]), page("0", &[])], 3).expect("a page");
        assert_eq!((next.as_str(), told.len()), ("0", 1));
        assert!(Cursor::read(Some("3"), 2).is_err() && Cursor::read(Some("3.x"), 2).is_err());
    }
}
