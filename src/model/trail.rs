//! The trail: what forbids or may forbid, as lines beside the store. A backup does not know who opted out after it was made; the trail does.
//!
//! A line is a row of NDJSON that `contactd import` and `contactd restore --replay` take back.

use serde::{Deserialize, Serialize};

use super::contact::Contact;
use super::fact::{Fact, Toggle, date};
use super::inbox::Waiting;
use super::list::Lists;
use super::time;

/// The source of a line that tells of an erasure: nothing else is kept of the number.
pub const ERASED: &str = "ERASE";
/// The source of a line that tells of a message that waits for a person, who may find an opt-out in it; the reason has its text.
/// Whoever knows no such lines takes it for a suppression, which is stricter.
pub const WAITING: &str = "INBOX";
/// The list of what counts for all lists.
pub const ALL_LISTS: &str = "*";

/// A fact that forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrailLine {
    /// The number.
    pub phone: String,
    /// The list, or [`ALL_LISTS`].
    pub list: String,
    /// Since when it is opted out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opted_out_at: Option<String>,
    /// Since when it is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_at: Option<String>,
    /// Since when it does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_at: Option<String>,
    /// How it came to contactd.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub how: String,
    /// Who says so; [`ERASED`] for an erasure, and [`WAITING`] for a message that waits, if `how` is empty: every other line has it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl TrailLine {
    fn of(contact: &Contact, list: String, fact: &Fact) -> TrailLine {
        TrailLine {
            phone: contact.phone.to_string(),
            list,
            how: fact.how.word().to_owned(),
            source: fact.source.clone(),
            reason: fact.reason.clone(),
            ..TrailLine::default()
        }
    }

    /// An erasure, which opts out of all lists for ever. A feed does not say whom it was of.
    pub fn erased(phone: &str, at: &str) -> TrailLine {
        TrailLine {
            phone: phone.to_owned(),
            list: ALL_LISTS.to_owned(),
            opted_out_at: Some(at.to_owned()),
            source: ERASED.to_owned(),
            ..TrailLine::default()
        }
    }

    /// A message that waits for a person, and may hold its contact back.
    pub fn waiting(phone: &str, list: &str, at: &str, text: &str) -> TrailLine {
        TrailLine {
            phone: phone.to_owned(),
            list: list.to_owned(),
            suppressed_at: Some(at.to_owned()),
            source: WAITING.to_owned(),
            reason: text.to_owned(),
            ..TrailLine::default()
        }
    }

    /// Whether it tells of an erasure.
    pub fn is_erasure(&self) -> bool {
        self.source == ERASED && self.how.is_empty()
    }

    /// Whether it tells of a message that waits.
    pub fn is_waiting(&self) -> bool {
        self.source == WAITING && self.how.is_empty() && self.suppressed_at.is_some()
    }
}

impl From<&Waiting> for TrailLine {
    fn from(waiting: &Waiting) -> TrailLine {
        let Waiting { phone, list, at, text, .. } = waiting;
        TrailLine::waiting(&phone.to_string(), &list.to_string(), &time::format(*at), text)
    }
}

/// What forbids of a contact and did not before, or not since that date.
pub fn news(before: Option<&Contact>, after: &Contact, lists: &Lists) -> Vec<TrailLine> {
    let mut news = Vec::new();
    let mut tell = |list: &str, was: Option<&Fact>, is: Option<&Fact>, put: fn(&mut TrailLine, Option<String>)| {
        if let Some(fact) = is
            && date(is) > date(was)
        {
            let mut line = TrailLine::of(after, list.to_owned(), fact);
            put(&mut line, Some(time::format(fact.at)));
            news.push(line);
        }
    };
    let opted_out = |line: &mut TrailLine, at| line.opted_out_at = at;
    let suppressed = |line: &mut TrailLine, at| line.suppressed_at = at;
    let invalid = |line: &mut TrailLine, at| line.invalid_at = at;
    let set = |toggle: Option<&Toggle>| toggle.and_then(|toggle| toggle.set.clone());
    tell(ALL_LISTS, before.and_then(|was| was.opted_out_all.as_ref()), after.opted_out_all.as_ref(), opted_out);
    tell(ALL_LISTS, set(before.map(|was| &was.suppression)).as_ref(), after.suppression.set.as_ref(), suppressed);
    tell(ALL_LISTS, set(before.map(|was| &was.invalidity)).as_ref(), after.invalidity.set.as_ref(), invalid);
    for on in &after.lists {
        let was = before.and_then(|was| was.on(on.list));
        let Some(number) = lists.number(on.list).map(|number| number.to_string()) else { continue };
        tell(&number, was.and_then(|was| was.opted_out.as_ref()), on.opted_out.as_ref(), opted_out);
        tell(&number, set(was.map(|was| &was.suppression)).as_ref(), on.suppression.set.as_ref(), suppressed);
    }
    news
}
