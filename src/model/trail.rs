//! The trail: what forbids or may forbid, as lines beside the store. A backup does not know who opted out after it was made; the trail does.
//!
//! A line is a row of NDJSON that `contactd import` and `contactd restore --replay` take back. It says the how manieth of its file it
//! is, and has a sum over all lines up to it: so one that was changed, or is gone from between others, is missed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
    /// The how manieth line of its file it is; 0 if it does not say, as that of an older contactd.
    #[serde(default, rename = "trail_line", skip_serializing_if = "is_zero")]
    pub nth: u64,
    /// The sum over the lines up to this one, in letters: an import must not take it for a number.
    #[serde(default, rename = "trail_sum", skip_serializing_if = "String::is_empty")]
    pub sum: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
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

    /// What it says, without its place in a file.
    #[must_use]
    pub fn unsealed(&self) -> TrailLine {
        TrailLine { nth: 0, sum: String::new(), ..self.clone() }
    }

    /// Where a file ends behind it; none if it does not say.
    pub fn seal(&self) -> Option<Seal> {
        Some(Seal { nth: self.nth, sum: Seal::read(&self.sum)? }).filter(|seal| seal.nth > 0)
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

/// Where a trail ends: so many lines, and a sum over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seal {
    nth: u64,
    sum: u32,
}

impl Seal {
    /// Where it ends with one line more.
    fn behind(self, line: &TrailLine) -> Seal {
        let body = serde_json::to_vec(&line.unsealed()).unwrap_or_default();
        let sum = Sha256::new().chain_update(self.sum.to_be_bytes()).chain_update(body).finalize();
        Seal { nth: self.nth + 1, sum: u32::from_be_bytes([sum[0], sum[1], sum[2], sum[3]]) }
    }

    /// A line as it is written next.
    pub fn write(&mut self, line: &TrailLine) -> TrailLine {
        *self = self.behind(line);
        TrailLine { nth: self.nth, sum: self.letters(), ..line.clone() }
    }

    /// Four bits a letter, from `a` to `p`.
    fn letters(self) -> String {
        (0..8).map(|at| char::from(b'a' + (self.sum >> (28 - 4 * at) & 15) as u8)).collect()
    }

    fn read(letters: &str) -> Option<u32> {
        let letter =
            |sum: Option<u32>, byte: u8| Some(sum? << 4 | u32::from(byte.checked_sub(b'a').filter(|bits| *bits < 16)?));
        (letters.len() == 8).then(|| letters.bytes().fold(Some(0), letter)).flatten()
    }
}

/// Follows the lines of a trail's file, one after the other.
#[derive(Debug)]
pub struct Follower {
    /// Where the file ends behind the last line; none if nobody knows, and the next line tells.
    at: Option<Seal>,
    /// The sums of the lines before that, from the first one that was seen on.
    sums: Vec<Seal>,
    /// Lines since that could not be read.
    unread: u64,
}

/// What a line says of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// None is gone, and none was changed; or it does not say.
    Whole,
    /// The same, and it is the first one of its file: files may have been joined.
    First,
    /// So many lines before it are gone, but for those that cannot be read.
    Gone(u64),
    /// It is not as it was written, or one that cannot be read is not.
    Changed,
}

impl Follower {
    /// Of a file that was read up to a place. None if what stands before it does not say.
    pub fn behind(at: Option<Seal>) -> Follower {
        Follower { at, sums: Vec::new(), unread: 0 }
    }

    /// Of a whole file.
    pub fn of_file() -> Follower {
        Follower::behind(Some(Seal::default()))
    }

    /// A line cannot be read.
    pub fn pass_over(&mut self) {
        self.unread += 1;
    }

    /// The next line.
    pub fn follow(&mut self, line: &TrailLine) -> Link {
        let Some(seal) = line.seal() else {
            let has_said = line.nth > 0 || !line.sum.is_empty();
            return if has_said { Link::Changed } else { Link::Whole };
        };
        let unread = std::mem::take(&mut self.unread);
        let Some(at) = self.at else {
            self.go_on(seal);
            return Link::Whole;
        };
        // Torn lines that nobody was told of stand between whole ones.
        if at.behind(line) == seal {
            self.go_on(seal);
            return if seal.nth == 1 { Link::First } else { Link::Whole };
        }
        if Seal::default().behind(line) == seal {
            self.sums.clear();
            self.go_on(seal);
            return Link::First;
        }
        // What a failed sync may have lost is written again.
        if seal.nth <= at.nth
            && let Some(same) = self.sums.iter().rposition(|known| *known == seal)
        {
            self.sums.truncate(same);
            self.go_on(seal);
            return Link::Whole;
        }
        let gone = seal.nth.saturating_sub(at.nth + 1);
        self.go_on(seal);
        match gone.checked_sub(unread) {
            // Those that are missed are those that cannot be read, and were told.
            Some(0) if unread > 0 => Link::Whole,
            Some(0) | None => Link::Changed,
            Some(gone) => Link::Gone(gone),
        }
    }

    fn go_on(&mut self, seal: Seal) {
        self.at = Some(seal);
        self.sums.push(seal);
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

    #[test]
    fn a_line_that_is_gone_changed_or_in_another_place_is_missed() {
        let mut seal = Seal::default();
        let lines: Vec<String> = (0..9)
            .map(|n| {
                let line = TrailLine::erased(&format!("+1415555010{n}"), "2026-05-01T12:00:00.000Z");
                serde_json::to_string(&seal.write(&line)).expect("JSON")
            })
            .collect();
        // What is told: gone, changed, cannot be read, begins anew.
        let told = |lines: &[&str]| {
            let mut follower = Follower::of_file();
            let mut told = (0, 0, 0, 0);
            for line in lines {
                let Some(line) = TrailLine::read(line.as_bytes()) else {
                    follower.pass_over();
                    told.2 += 1;
                    continue;
                };
                match follower.follow(&line) {
                    Link::Whole => {}
                    Link::First => told.3 += 1,
                    Link::Gone(gone) => told.0 += gone,
                    Link::Changed => told.1 += 1,
                }
            }
            told
        };
        let all: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(told(&all), (0, 0, 0, 1));
        assert_eq!(told(&[&all[..3], &all[5..]].concat()), (2, 0, 0, 1), "from the middle");
        assert_eq!(told(&all[4..]), (4, 0, 0, 0), "from the beginning");
        assert_eq!(told(&all[..4]), (0, 0, 0, 1), "from the end: nobody can say");
        assert_eq!(told(&[&all[..], &all[..]].concat()), (0, 0, 0, 2), "joined");
        assert_eq!(told(&[&all[..5], &all[2..]].concat()), (0, 0, 0, 1), "written again");
        let swapped = told(&[&all[..3], &all[6..], &all[3..6]].concat());
        assert!(swapped.0 + swapped.1 > 0, "{swapped:?}");
        for at in 0..all.len() {
            let digit = all[at].replace("+1415555", "+1415556");
            let mut changed = all.clone();
            changed[at] = &digit;
            assert_eq!(told(&changed), (0, 1, 0, 1 - u32::from(at == 0)), "line {at}");
            changed[at] = "{\"pho";
            assert_eq!((told(&changed).0, told(&changed).1, told(&changed).2), (0, 0, 1), "line {at}");
            // What a crash has left of a line stands before it.
            changed.insert(at + 1, all[at]);
            assert_eq!(told(&changed), (0, 0, 1, 1), "line {at}");
        }
        // Those of an older contactd say nothing, and new ones follow them.
        let old = "{\"phone\":\"+14155550101\",\"list\":\"*\",\"opted_out_at\":\"2026-05-01\"}";
        assert_eq!(told(&[&[old, old][..], &all].concat()), (0, 0, 0, 1));
        let mut from_within = Follower::behind(None);
        assert_eq!(from_within.follow(&TrailLine::read(all[4].as_bytes()).expect("a line")), Link::Whole);
    }
}
