//! What a key asks, or the heading of a column: which of the values under it refuse messages.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::denial::Denial;
use super::fold::folded;
use super::note::DEAD;
use super::{answer, aside, expiry, is_plain_refusal, question, remark, reply, title, wish};
use crate::model::blank::is_blank;
use crate::model::failure::Failure;
use crate::model::time::{self, Millis};

/// Keys that a thread remembers.
const KNOWN_MAX: usize = 4_096;

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, Asks, RandomState>> = RefCell::default();
}

/// Whether a label refuses messages by its key and an answer to it, as in `accepts_sms: false`, `bounced: 1` and
/// `unsubscribed_at: 2024-01-01`. A consent that ends later than `now` is one.
pub fn label_refuses(key: &str, value: &str, now: Millis) -> bool {
    let known = KNOWN.with_borrow(|known| known.get(key).copied());
    let asks = known.unwrap_or_else(|| {
        let asks = Asks::of(key);
        KNOWN.with_borrow_mut(|known| {
            if known.len() < KNOWN_MAX {
                known.insert(key.into(), asks);
            }
        });
        asks
    });
    asks.refuses(value, now)
}

/// Which answers to a key are refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// What else than an answer people write under it.
    written: Written,
    /// Nothing tells what stands under it, so that a no is one to whatever stands beside it.
    is_unnamed: bool,
    /// A no.
    denied: Option<No>,
    /// Anything but a no.
    confirmed: bool,
    /// What says that somebody left, where the key speaks of an end.
    end: Option<End>,
    /// What else.
    data: Option<Data>,
}

/// What people write under a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Written {
    #[default]
    Anything,
    /// Notes: a cross there is a note, and under another key an answer.
    Notes,
    /// Names of people, beside which notes may stand.
    People,
    /// Tags, each of which may be one.
    Tags,
    /// How somebody wants to be reached.
    Wishes,
}

impl Written {
    fn under(key: &str) -> Written {
        match () {
            () if remark::is_of_notes(key) => Written::Notes,
            () if aside::is_of_people(key) => Written::People,
            () if remark::is_of_tags(key) => Written::Tags,
            () if wish::is_of_a_channel(key) => Written::Wishes,
            () => Written::Anything,
        }
    }
}

/// What is a no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum No {
    InWords,
    /// A zero as well: nothing is counted there.
    AnyOfThem,
}

/// What says under a key that speaks of an end that somebody left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A plain yes: the key has other meanings as well.
    Yes,
    /// A yes, a 1, or a date.
    YesOrDate,
    /// The same, but for a date that has not come: it says how long a consent holds.
    OfConsent,
    /// Whatever stands there: when, why or by whom somebody left says that somebody did.
    Anything,
}

/// What can be a refusal without being an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    /// When it was, or that it was at some time.
    Date,
    /// The code of a message that failed for good.
    Code,
    /// What somebody wrote back.
    Reply,
}

impl Asks {
    /// Reads a key, or the heading of a column.
    pub fn of(key: &str) -> Asks {
        let key = &*title::unanswered(key);
        let question = key.replace(['_', '-', '.'], " ").replace("subscription status", "subscribed");
        let is_asked = is_plain_refusal(&format!("{question}: no")) || question::asks_for_consent(key);
        let no = if question::may_count(key) { No::InWords } else { No::AnyOfThem };
        let question = question.trim_start_matches("is ").trim_start_matches("has ");
        let is_one = |question: &str| is_plain_refusal(question) || DEAD.contains(&folded(question).as_str());
        let undated = without_words_of_dates(question);
        let coded = answer::is_of_codes(&folded(key));
        let is_dated = undated.len() < question.len() && is_one(&undated);
        let data = match () {
            () if is_dated => Some(Data::Date),
            () if reply::is_of_replies(key) => Some(Data::Reply),
            () => coded.then_some(Data::Code),
        };
        let ends = title::heading_speaks_of_an_end(key) && !title::is_about_mail(key);
        let denial = Denial::of(key);
        let is_plain =
            title::speaks_of_a_refusal(key) || title::is_of_causes(key) || denial == Some(Denial::Prohibition);
        let end = match () {
            () if is_plain => End::Anything,
            () if expiry::is_of_an_end_of_consent(key) => End::OfConsent,
            () if title::is_only_of_an_end(key) || denial.is_some() => End::YesOrDate,
            () => End::Yes,
        };
        let end = ends.then_some(end);
        Asks {
            written: Written::under(key),
            is_unnamed: folded(key).is_empty(),
            denied: (is_asked && denial.is_none()).then_some(no),
            confirmed: is_one(question) && !title::is_of_an_opt_in(question),
            end,
            data,
        }
    }

    /// Whether notes stand under it: a remark there refuses messages.
    pub fn is_of_notes(self) -> bool {
        self.written == Written::Notes
    }

    /// Whether people write the same under another key.
    pub fn is_written_as(self, other: Asks) -> bool {
        (self.written, self.is_unnamed) == (other.written, other.is_unnamed)
    }

    /// The same where names of people are known to stand there, and the key says nothing of what people write there.
    #[must_use]
    pub fn and_of_people(self) -> Asks {
        if self.written == Written::Anything { Asks { written: Written::People, ..self } } else { self }
    }

    /// Whether names of people stand there.
    pub fn is_of_people(self) -> bool {
        self.written == Written::People
    }

    /// Whether a value is one of these.
    pub fn refuses(self, value: &str, now: Millis) -> bool {
        self.is_said_by(value) || self.is_answered_by(value, now)
    }

    /// Whether a value says it as people do who write there.
    fn is_said_by(self, value: &str) -> bool {
        match self.written {
            Written::Notes if self.is_unnamed => remark::refuses_unnamed(value),
            Written::Notes => remark::refuses(value),
            Written::People => aside::refuses(value),
            Written::Tags => remark::tag_refuses(value),
            Written::Wishes => wish::is_for_nothing(value),
            Written::Anything => false,
        }
    }

    /// Whether a value is an answer that refuses.
    pub fn is_answered_by(self, value: &str, now: Millis) -> bool {
        self.is_unnamed && answer::is_no(value) && value.trim().len() > 1
            || self.denied.is_some_and(|no| answer::denies(value) && (no == No::AnyOfThem || value.trim() != "0"))
            || self.confirmed && !is_no(value)
            || self.end.is_some_and(|end| end.is_told_by(value, now))
            || match self.data {
                Some(Data::Code) => Failure::of("", value.trim(), None).forbids(),
                Some(Data::Reply) => reply::reply_refuses(value),
                Some(Data::Date) => !is_no(value) && !is_no_date(value),
                None => false,
            }
    }
}

impl End {
    fn is_told_by(self, value: &str, now: Millis) -> bool {
        answer::is_yes_in_words(value)
            || match self {
                End::Yes => false,
                End::YesOrDate => value.trim() == "1" || time::parse(value).is_ok(),
                End::OfConsent => value.trim() == "1" || expiry::has_passed(value, now),
                End::Anything => !is_no(value) && !is_address(value) && !is_no_date(value),
            }
    }
}

/// A heading without what says that it is of dates: "unsubscribed at", "Abgemeldet am", "Fecha de baja".
fn without_words_of_dates(heading: &str) -> String {
    const OF_DATES: [&str; 21] = [
        "at",
        "on",
        "date",
        "time",
        "timestamp",
        "am",
        "um",
        "datum",
        "seit",
        "since",
        "le",
        "depuis",
        "de",
        "el",
        "fecha",
        "del",
        "il",
        "data",
        "dato",
        "дата",
        "日",
    ];
    let words: Vec<&str> = heading.split_whitespace().collect();
    let is_of_dates = |word: &&&str| OF_DATES.contains(&folded(word).as_str());
    let first = words.iter().take_while(is_of_dates).count();
    let last = words[first..].iter().rev().take_while(is_of_dates).count();
    words[first..words.len() - last].join(" ")
}

/// Whether the value of a label says no, or nothing.
fn is_no(value: &str) -> bool {
    is_blank(value) || answer::is_no(value)
}

/// Whether a value is how programs write that there is no date: `0000-00-00`.
fn is_no_date(value: &str) -> bool {
    matches!(time::parse_optional(value), Ok(None))
}

/// Whether a value is where somebody may go to leave.
fn is_address(value: &str) -> bool {
    value.contains("://")
}

#[cfg(test)]
mod tests;
