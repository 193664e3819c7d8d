//! The trail: what forbids or may forbid, as lines beside the store. A backup does not know who opted out after it was made; the trail does.
//!
//! A line is a row of NDJSON that `contactd import` and `contactd restore --replay` take back.

use serde::{Deserialize, Serialize};

use super::contact::Contact;
use super::fact::{Fact, Toggle, date};
use super::inbox::Waiting;
use super::list::Lists;
use super::time::{self, Millis};

/// The source of a line that tells of an erasure: nothing else is kept of the number.
pub const ERASED: &str = "ERASE";
/// The source of a line that tells of a message that waits for a person, who may find an opt-out in it; the reason has its text.
/// Whoever knows no such lines takes it for a suppression, which is stricter.
pub const WAITING: &str = "INBOX";
/// The source of a line that says what the trail lacks: what forbids from before its date, but for what is in the file before, and
/// but for what stands in another file, of which the reason tells. Whoever knows no such lines shows it as one that cannot be read.
pub const GAP: &str = "GAP";
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

    /// That what forbids from before a date may be missing. It is not if what the trail was before, as it was marked, is there.
    pub fn gap(until: Millis, before: &TrailMark) -> TrailLine {
        TrailLine {
            list: ALL_LISTS.to_owned(),
            suppressed_at: Some(time::format(until)),
            source: GAP.to_owned(),
            reason: before.to_string(),
            ..TrailLine::default()
        }
    }

    /// What the trail lacks, if it tells of a gap.
    pub fn as_gap(&self) -> Option<Gap> {
        let is_gap = self.source == GAP && self.how.is_empty() && self.phone.is_empty();
        let until = self.suppressed_at.as_deref().and_then(|at| time::parse(at).ok());
        is_gap.then(|| Gap { until: until.unwrap_or(Millis::MAX), before: TrailMark::parse(&self.reason) })
    }

    /// A line as it stands in a file; none if it is no line of a trail.
    pub fn read(bytes: &[u8]) -> Option<TrailLine> {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        serde_json::from_slice(bytes).ok()
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

/// What a trail lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What forbids from before this may be missing.
    pub until: Millis,
    /// The file that has it, if there was one.
    pub before: Option<TrailMark>,
}

/// How a trail was at some time. By it a trail is told from another one, and from one that has lost lines since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrailMark {
    /// How long it was.
    pub bytes: u64,
    /// A sum of its last bytes then.
    pub sum: [u8; 8],
}

impl TrailMark {
    /// What [`Display`](std::fmt::Display) wrote; none if it is anything else, or of a trail that had nothing.
    fn parse(text: &str) -> Option<TrailMark> {
        let (bytes, sum) = text.strip_prefix("after ")?.split_once(" bytes of sum ")?;
        let mark = TrailMark { bytes: bytes.parse().ok()?, sum: u64::from_str_radix(sum, 16).ok()?.to_be_bytes() };
        (mark.bytes > 0).then_some(mark)
    }
}

impl std::fmt::Display for TrailMark {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "after {} bytes of sum {:016x}", self.bytes, u64::from_be_bytes(self.sum))
    }
}

/// What a store knows of its trail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrailNote {
    /// The trail has whatever forbids and stands in the feed before this position.
    pub position: u64,
    /// How it was then.
    pub mark: TrailMark,
    /// It lacks what forbids from before this, and no backup was made since that has it; 0 if that is not so.
    pub lacks_before: Millis,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_read_as_it_was_written() {
        let mark = TrailMark { bytes: 18_234, sum: [0, 1, 2, 3, 4, 5, 6, 0xff] };
        for (before, read) in [(mark, Some(mark)), (TrailMark::default(), None)] {
            let line = serde_json::to_vec(&TrailLine::gap(1_777_636_800_000, &before)).expect("JSON");
            let line = TrailLine::read(&line).expect("a line");
            assert_eq!(line.as_gap(), Some(Gap { until: 1_777_636_800_000, before: read }));
            assert!(!line.is_erasure() && !line.is_waiting());
        }
        assert_eq!(TrailLine::erased("", "2026-01-01").as_gap(), None);
    }
}
