//! Filters: what was read, written again, reads as the same, whether as a line or as an array; and the limits hold.

use std::fmt::{self, Write as _};

use contactd::limits::{FILTER_BYTES_MAX, FILTER_DEPTH_MAX};
use contactd::model::filter::{Filter, parse, words, words_of_array};
use contactd::model::time::{self, DAY_MS, Day};
use contactd::model::verdict::ListStatus;

pub fn run(input: &[u8]) {
    let line = String::from_utf8_lossy(input);
    let Ok(read) = words(&line) else { return };
    assert!(line.len() <= FILTER_BYTES_MAX, "a longer one is refused");
    let array = words_of_array(read.iter().map(|word| word.text.as_str())).expect("no more than the line has");
    let Ok(filter) = parse(&read) else { return };
    // Each parenthesis can open an OR, an AND and a NOT.
    assert!(depth(&filter) <= 3 * (FILTER_DEPTH_MAX + 1) + 1, "a deeper one is refused");
    // In a line a parenthesis in quotes is a word; an argument that is nothing else is one.
    if !read.iter().any(|word| matches!(word.text.as_str(), "(" | ")")) || !line.contains('"') {
        assert_eq!(parse(&array), Ok(filter.clone()), "as an array");
    }
    let mut again = String::new();
    write(&filter, Place::Top, &mut again).expect("in memory");
    if again.len() <= FILTER_BYTES_MAX {
        assert_eq!(words(&again).and_then(|words| parse(&words)), Ok(filter), "{again}");
    }
}

fn depth(filter: &Filter) -> usize {
    match filter {
        Filter::All(of) | Filter::Any(of) => 1 + of.iter().map(depth).max().unwrap_or(0),
        Filter::Not(of) => 1 + depth(of),
        _ => 1,
    }
}

/// Where a filter stands: it decides about parentheses.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    InAny,
    InAll,
    BehindNot,
}

fn write(filter: &Filter, place: Place, to: &mut String) -> fmt::Result {
    let needs = match filter {
        Filter::All(of) => !of.is_empty() && matches!(place, Place::InAll | Place::BehindNot),
        Filter::Any(_) => place != Place::Top,
        Filter::Not(_) => place == Place::BehindNot,
        _ => false,
    };
    to.push_str(if needs { "( " } else { "" });
    match filter {
        Filter::All(of) | Filter::Any(of) => {
            let (between, place) =
                if matches!(filter, Filter::All(_)) { (" ", Place::InAll) } else { (" OR ", Place::InAny) };
            for (at, one) in of.iter().enumerate() {
                to.push_str(if at > 0 { between } else { "" });
                write(one, place, to)?;
            }
        }
        Filter::Not(of) => {
            to.push_str("NOT ");
            write(of, Place::BehindNot, to)?;
        }
        Filter::Status(status) => write!(to, "status={}", status.word())?,
        Filter::List(list, ListStatus::None) => panic!("nobody asks who is not on {list}"),
        Filter::List(list, status) => write!(to, "list={list}/{}", status.word())?,
        Filter::Eligible(list) => write!(to, "eligible={list}")?,
        Filter::HasLabel(key) => write!(to, "label.{key}")?,
        Filter::Label(key, value) => {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            write!(to, "label.{key}=\"{value}\"")?;
        }
        Filter::Day(of, first, last) => {
            let text = |day: u32| time::format(i64::from(day) * DAY_MS)[..10].to_owned();
            // The day before 1990 is no date, nor is the one behind 9999.
            let is_date = |day: u32| time::in_range(i64::from(day) * DAY_MS).is_ok();
            let condition = match (first, last) {
                (Day(first), Day(last)) if first == last => format!("={}", text(*first)),
                (Day(0), Day(last)) if is_date(*last) => format!("<={}", text(*last)),
                (Day(0), Day(last)) => format!("<{}", text(last + 1)),
                (Day(first), _) if is_date(*first) => format!(">={}", text(*first)),
                (Day(first), _) => format!(">{}", text(first - 1)),
            };
            write!(to, "{}{condition}", of.word())?;
        }
    }
    to.push_str(if needs { " )" } else { "" });
    Ok(())
}
