//! Filters: which contacts one means.
//!
//! ```text
//! filter = any *( "OR" any )            side by side means AND
//! any    = 1*( [ "NOT" ] one )
//! one    = "(" filter ")" / condition
//! ```
//!
//! Written by hand, since what counts here is what it says about a mistake: the column, and what was expected there.

use super::label::check_key;
use super::phone::ListNumber;
use super::time::{self, Day};
use super::verdict::{ContactStatus, ListStatus};
use crate::error::{Error, Result, excerpt};
use crate::limits::{FILTER_BYTES_MAX, FILTER_DEPTH_MAX};

/// Which contacts one means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// `status=active`
    Status(ContactStatus),
    /// `list=+1415…/opted_out`
    List(ListNumber, ListStatus),
    /// `eligible=+1415…`: CHECK says yes.
    Eligible(ListNumber),
    /// `label.vip`
    HasLabel(String),
    /// `label.state=CA`
    Label(String, String),
    /// `created<2026-05-01`: first and last day.
    Day(DayOf, Day, Day),
    /// All of these; none means every contact.
    All(Vec<Filter>),
    /// At least one of these.
    Any(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
}

/// The dates by whose day contacts can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayOf {
    /// When it came in.
    Created,
    /// When it last clicked, converted, replied or opted in.
    Engaged,
    /// Since when nothing has come from it: the newest of last engagement, newest subscription and creation.
    Idle,
    /// Since when its number is known not to exist.
    Invalid,
}

impl DayOf {
    /// All of them.
    pub const ALL: [DayOf; 4] = [DayOf::Created, DayOf::Engaged, DayOf::Idle, DayOf::Invalid];

    /// The word in a filter.
    pub fn word(self) -> &'static str {
        match self {
            DayOf::Created => "created",
            DayOf::Engaged => "last_engaged",
            DayOf::Idle => "idle_since",
            DayOf::Invalid => "invalid_since",
        }
    }
}

/// A word of a filter, and the column at which it begins, from 1. Quotes are gone; `quoted` says that there were some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where it begins.
    pub column: usize,
    /// What it says.
    pub text: String,
    quoted: bool,
}

/// Takes a line apart: at blanks and parentheses, but not inside quotes.
pub fn words(line: &str) -> Result<Vec<Word>> {
    if line.len() > FILTER_BYTES_MAX {
        return Err(Error::limit(format!(
            "a filter may have at most {FILTER_BYTES_MAX} bytes; this one has {}",
            line.len()
        )));
    }
    let mut words: Vec<Word> = Vec::new();
    let mut open = false;
    let mut chars = line.chars().enumerate();
    while let Some((at, c)) = chars.next() {
        match c {
            ' ' => open = false,
            '(' | ')' => {
                words.push(Word { column: at + 1, text: c.to_string(), quoted: false });
                open = false;
            }
            c if c.is_control() => return Err(expected(at + 1, "no control characters")),
            _ => {
                if !open {
                    words.push(Word { column: at + 1, text: String::new(), quoted: false });
                    open = true;
                }
                let Some(word) = words.last_mut() else { continue };
                if c != '"' {
                    word.text.push(c);
                    continue;
                }
                word.quoted = true;
                loop {
                    match chars.next() {
                        Some((_, '"')) => break,
                        Some((_, '\\')) => word.text.extend(chars.next().map(|(_, c)| c)),
                        Some((_, c)) => word.text.push(c),
                        None => return Err(expected(at + 1, "a closing quote for this one")),
                    }
                }
            }
        }
    }
    Ok(words)
}

/// The words of an array: each argument is one, blanks included.
pub fn words_of_array<'a>(args: impl Iterator<Item = &'a str>) -> Result<Vec<Word>> {
    let words: Vec<Word> = args
        .enumerate()
        .map(|(at, text)| Word { column: at + 1, text: text.to_owned(), quoted: !matches!(text, "(" | ")") })
        .collect();
    if words.iter().map(|word| word.text.len()).sum::<usize>() > FILTER_BYTES_MAX {
        return Err(Error::limit(format!("a filter has at most {FILTER_BYTES_MAX} bytes")));
    }
    Ok(words)
}

/// Reads a filter. No words mean every contact.
pub fn parse(words: &[Word]) -> Result<Filter> {
    if words.is_empty() {
        return Ok(Filter::All(Vec::new()));
    }
    let mut parser = Parser { words, at: 0 };
    let filter = parser.any(0)?;
    match parser.peek() {
        None => Ok(filter),
        Some(word) => Err(expected(word.column, "nothing more: this parenthesis was never opened")),
    }
}

struct Parser<'w> {
    words: &'w [Word],
    at: usize,
}

impl<'w> Parser<'w> {
    fn peek(&self) -> Option<&'w Word> {
        self.words.get(self.at)
    }

    fn takes(&mut self, word: &str) -> bool {
        let here = self.peek().is_some_and(|here| here.text.eq_ignore_ascii_case(word));
        self.at += usize::from(here);
        here
    }

    /// Where the words end.
    fn end(&self) -> usize {
        self.words.last().map_or(1, |last| last.column + last.text.chars().count())
    }

    fn any(&mut self, depth: usize) -> Result<Filter> {
        if depth > FILTER_DEPTH_MAX {
            return Err(Error::limit(format!(
                "a filter may have at most {FILTER_DEPTH_MAX} parentheses inside each other"
            )));
        }
        let mut any = vec![self.all(depth)?];
        while self.takes("OR") {
            any.push(self.all(depth)?);
        }
        Ok(one_or(any, Filter::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Filter> {
        let mut all = Vec::new();
        while let Some(word) = self.peek() {
            if word.text == ")" || word.text.eq_ignore_ascii_case("OR") {
                break;
            }
            // AND may be written, and says nothing new.
            if !all.is_empty() && self.takes("AND") {
                all.push(self.one(depth)?);
                continue;
            }
            all.push(self.one(depth)?);
        }
        if all.is_empty() {
            let column = self.peek().map_or_else(|| self.end(), |word| word.column);
            return Err(expected(column, "a condition, like status=active or label.state=CA"));
        }
        Ok(one_or(all, Filter::All))
    }

    fn one(&mut self, depth: usize) -> Result<Filter> {
        let mut not = false;
        while self.takes("NOT") {
            not = !not;
        }
        let Some(word) = self.peek() else {
            return Err(expected(self.end(), "a condition, like status=active or label.state=CA"));
        };
        self.at += 1;
        let filter = match word.text.as_str() {
            "(" if !word.quoted => {
                let inner = self.any(depth + 1)?;
                if !self.takes(")") {
                    return Err(expected(self.end(), &format!("a ) for the ( in column {}", word.column)));
                }
                inner
            }
            text => condition(text).map_err(|why| match why.code {
                crate::error::Code::BadArg => Error::bad_arg(format!("in column {}: {}", word.column, why.message)),
                _ => why,
            })?,
        };
        Ok(if not { Filter::Not(Box::new(filter)) } else { filter })
    }
}

fn one_or(mut filters: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.len() {
        1 => filters.remove(0),
        _ => many(filters),
    }
}

fn condition(text: &str) -> Result<Filter> {
    let end = text.find(['=', '<', '>']).unwrap_or(text.len());
    let (field, rest) = text.split_at(end);
    let length = if rest.starts_with("<=") || rest.starts_with(">=") { 2 } else { rest.len().min(1) };
    let (operator, value) = rest.split_at(length);
    let label = field.strip_prefix("label.");
    if let Some(key) = label {
        check_key(key)?;
    }
    let day_of = DayOf::ALL.into_iter().find(|of| of.word() == field);
    match (field, operator, label, day_of) {
        ("status", "=", ..) => ContactStatus::ALL
            .into_iter()
            .find(|status| status.word() == value)
            .map(Filter::Status)
            .ok_or_else(|| Error::bad_arg("status= expects active, opted_out, suppressed or invalid")),
        ("list", "=", ..) => {
            let (number, status) = value.split_once('/').unwrap_or((value, "active"));
            let status = ListStatus::KEPT
                .into_iter()
                .find(|known| known.word() == status)
                .ok_or_else(|| Error::bad_arg("list=…/ expects active, opted_out or suppressed"))?;
            Ok(Filter::List(list(number)?, status))
        }
        ("eligible", "=", ..) => Ok(Filter::Eligible(list(value)?)),
        (_, "=", Some(key), _) => Ok(Filter::Label(key.to_owned(), value.to_owned())),
        (_, "", Some(key), _) => Ok(Filter::HasLabel(key.to_owned())),
        (_, "=" | "<" | "<=" | ">" | ">=", _, Some(of)) => days(of, operator, value),
        _ => Err(Error::bad_arg(format!(
            "'{}' is not a condition: expected status= list= eligible= label.key label.key= created< last_engaged< idle_since< or invalid_since<",
            excerpt(text.as_bytes())
        ))),
    }
}

fn list(text: &str) -> Result<ListNumber> {
    ListNumber::parse(text.as_bytes()).ok_or_else(|| {
        Error::bad_arg(format!("'{}' is not a list number: expected one like +14155550000", excerpt(text.as_bytes())))
    })
}

/// Days before, on or after one; `<` a time in the middle of a day means its day.
fn days(of: DayOf, operator: &str, value: &str) -> Result<Filter> {
    let day = Day::of(time::parse(value)?);
    let (first, last) = match operator {
        "<" => (Day(0), Day(day.0.saturating_sub(1))),
        "<=" => (Day(0), day),
        ">" => (Day(day.0 + 1), Day(u32::MAX)),
        ">=" => (day, Day(u32::MAX)),
        _ => (day, day),
    };
    Ok(Filter::Day(of, first, last))
}

fn expected(column: usize, what: &str) -> Error {
    Error::bad_arg(format!("in column {column}: expected {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Filter> {
        parse(&words(line)?)
    }

    fn label(key: &str, value: &str) -> Filter {
        Filter::Label(key.into(), value.into())
    }

    #[test]
    fn filters_mean_what_they_say() {
        let list = ListNumber::parse(b"+14155550000").expect("a list");
        let cases = [
            ("", Filter::All(vec![])),
            ("status=active", Filter::Status(ContactStatus::Active)),
            ("list=+14155550000", Filter::List(list, ListStatus::Active)),
            ("list=+14155550000/opted_out", Filter::List(list, ListStatus::OptedOut)),
            ("eligible=+14155550000", Filter::Eligible(list)),
            ("label.vip", Filter::HasLabel("vip".into())),
            (r#"label.city="New York""#, label("city", "New York")),
            (r#"label.q="a \"b\" (c)""#, label("q", "a \"b\" (c)")),
            ("label.empty=", label("empty", "")),
            ("label.eq=a=b<c", label("eq", "a=b<c")),
            ("created<2026-05-01", Filter::Day(DayOf::Created, Day(0), Day(20_573))),
            ("created>=2026-05-01", Filter::Day(DayOf::Created, Day(20_574), Day(u32::MAX))),
            (
                "label.a=1 label.b=2 or not label.c=3",
                Filter::Any(vec![
                    Filter::All(vec![label("a", "1"), label("b", "2")]),
                    Filter::Not(Box::new(label("c", "3"))),
                ]),
            ),
            (
                "(label.a=1 OR label.b=2) AND label.c=3",
                Filter::All(vec![Filter::Any(vec![label("a", "1"), label("b", "2")]), label("c", "3")]),
            ),
        ];
        for (line, filter) in cases {
            assert_eq!(read(line), Ok(filter), "{line}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_column() {
        let cases = [
            ("label.a=1 colour=red", "in column 11: 'colour=red' is not a condition"),
            ("(label.a=1", "in column 11: expected a ) for the ( in column 1"),
            ("label.a=1)", "in column 10: expected nothing more"),
            ("label.a=1 OR", "expected a condition"),
            ("NOT", "expected a condition"),
            ("()", "in column 2: expected a condition"),
            ("label.A=1", "'A' is not a label key"),
            (r#"label.a="open"#, "expected a closing quote"),
            ("status=happy", "status= expects active"),
            ("list=+1415/gone", "list=…/ expects"),
            ("created<yesterday", "'yesterday' is not"),
            ("created~2026", "is not a condition"),
        ];
        for (line, told) in cases {
            let why = read(line).expect_err(line).message;
            assert!(why.contains(told.trim_end_matches(" no")) || why.contains(told), "{line}: {why}");
        }
        let deep = format!("{}label.a{}", "(".repeat(FILTER_DEPTH_MAX + 2), ")".repeat(FILTER_DEPTH_MAX + 2));
        assert_eq!(read(&deep).expect_err("too deep").code, crate::error::Code::Limit);
    }
}
