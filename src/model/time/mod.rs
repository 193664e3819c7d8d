//! Times: UTC, milliseconds since 1970 inside, RFC 3339 outside. `written` reads them as people and programs write them.

mod written;

use chrono::{SecondsFormat, TimeZone, Utc};

use crate::error::{Error, Result};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

/// The earliest time that is taken, the beginning of 1990: before the first SMS, and after every number of seconds that
/// was meant as milliseconds.
pub const MILLIS_MIN: Millis = 631_152_000_000;
/// The latest time that is taken, the end of the year 9999: RFC 3339 has four digits for a year.
pub const MILLIS_MAX: Millis = 253_402_300_799_999;

/// The length of a day.
pub const DAY_MS: Millis = 86_400_000;
const MINUTE_MS: Millis = 60_000;
const SECOND_MS: Millis = 1_000;

/// A day, counted from 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

impl Day {
    /// The day on which a time falls.
    pub fn of(at: Millis) -> Day {
        Day(u32::try_from(at / DAY_MS).unwrap_or(0))
    }
}

/// By how much the last zone, UTC-12, is behind UTC.
const LAST_ZONE_MS: Millis = 12 * 3_600_000;

/// The time as it stands on the wire: `2026-05-01T12:00:00.000Z`.
pub fn format(at: Millis) -> String {
    match Utc.timestamp_millis_opt(at) {
        chrono::LocalResult::Single(time) => time.to_rfc3339_opts(SecondsFormat::Millis, true),
        _ => at.to_string(),
    }
}

/// Reads a time in any form that has one meaning: RFC 3339 and what databases, spreadsheets, programs and mails make of it,
/// and milliseconds since 1970. It is UTC where no zone stands. The table in `protocol.md` has the forms.
///
/// # Errors
///
/// `BADARG` for what is not a time, could be one of two, or is not between [`MILLIS_MIN`] and [`MILLIS_MAX`].
pub fn parse(text: &str) -> Result<Millis> {
    written::read(text.trim()).ok_or_else(|| not_a_time(text)).and_then(in_range)
}

/// The same, of a text that may also say that there is no date, like `N/A` and `0000-00-00`: then it is none.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_optional(text: &str) -> Result<Option<Millis>> {
    if written::is_none(text.trim()) { Ok(None) } else { parse(text).map(Some) }
}

/// The same of a date since when something is forbidden: its [`Length::end`].
///
/// # Errors
///
/// As [`parse`].
pub fn parse_optional_end(text: &str, now: Millis) -> Result<Option<Millis>> {
    let read = parse_optional(text)?;
    Ok(read.map(|at| Length::of(text).end(at, now)))
}

/// How long the time is that a text names: nobody knows when in that time it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// A day alone, or its midnight without a zone, as databases write a day.
    Day,
    /// `12:00`.
    Minute,
    /// `12:00:00`.
    Second,
    /// A time with a fraction, or a number of milliseconds.
    Moment,
}

impl Length {
    /// That of a text that [`parse`] reads.
    pub fn of(text: &str) -> Length {
        let text = text.trim();
        if written::is_day(text) {
            return Length::Day;
        }
        match written::clock(text) {
            None | Some(written::Clock::Fraction) => Length::Moment,
            Some(written::Clock::Seconds) => Length::Second,
            Some(written::Clock::Minutes) => Length::Minute,
        }
    }

    /// The last moment of such a time that begins at a time of UTC, a day in the time zone in which it ends last; `now` if that is
    /// later, and it has begun. What forbids counts from then on: what permits, and was in the same time, may have come before it.
    pub fn end(self, begin: Millis, now: Millis) -> Millis {
        let length = match self {
            Length::Day => DAY_MS + LAST_ZONE_MS,
            Length::Minute => MINUTE_MS,
            Length::Second => SECOND_MS,
            Length::Moment => 1,
        };
        (begin + length - 1).min(begin.max(now))
    }
}

/// Whether a text that [`parse`] reads is a time of day by some clock, and does not say by which: it is read as one of UTC, and
/// may be up to twelve hours later.
pub fn lacks_zone(text: &str) -> bool {
    let text = text.trim();
    // What programs write says so by its end, and nothing can be read behind which it stands a second time.
    let is_utc = text.ends_with(['Z', 'z']);
    !is_utc && text.contains(':') && !written::is_day(text) && written::read(&format!("{text}Z")).is_some()
}

/// The latest moment that a time without its zone can be; `now` if that is later, and the time is not.
pub fn latest(at: Millis, now: Millis) -> Millis {
    (at + LAST_ZONE_MS).min(at.max(now))
}

/// Whether a text that [`parse`] reads is a day alone, or its midnight without a zone, as databases write a day.
pub fn is_day(text: &str) -> bool {
    written::is_day(text.trim())
}

fn not_a_time(text: &str) -> Error {
    Error::bad_arg(format!(
        "'{}' is not a time: write it like 2026-05-01T12:00:00Z or 2026-05-01, or as milliseconds since 1970",
        crate::error::excerpt(text.as_bytes())
    ))
}

/// Refuses times outside [`MILLIS_MIN`] to [`MILLIS_MAX`].
pub fn in_range(at: Millis) -> Result<Millis> {
    if (MILLIS_MIN..=MILLIS_MAX).contains(&at) {
        return Ok(at);
    }
    Err(Error::bad_arg(format!("the time {at} ms is not between 1990 and 9999; numbers are milliseconds since 1970")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_forbids_on_a_day_forbids_to_its_end() {
        let noon = 1_777_636_800_000;
        let end = |text: &str, now: Millis| parse_optional_end(text, now).map(|at| at.map(format));
        let read = |text: &str| Ok(Some(text.to_owned()));
        for day in ["2026-05-01", " 2026/5/1 ", "2026-05-01 00:00:00", "2026-05-01T00:00"] {
            assert_eq!(end(day, noon + 2 * DAY_MS), read("2026-05-02T11:59:59.999Z"), "{day}");
            assert_eq!(end(day, noon), read("2026-05-01T12:00:00.000Z"), "{day}: not ahead of the clock");
            assert_eq!(end(day, 0), read("2026-05-01T00:00:00.000Z"), "{day}: as far ahead as it says");
        }
        for (text, length) in [
            ("2026-05-01T00:00:00Z", 1_000),
            ("2026-05-01 00:00:00+02", 1_000),
            ("20260501T120000+02:00", 1_000),
            ("Fri, 01 May 2026 12:00:00 +0000", 1_000),
            ("Fri, 01 May 2026 12:00 +0000", 60_000),
            ("2026-05-01 00:01", 60_000),
            ("2026/5/1 0:01", 60_000),
            ("2026-05-01T00:01+02:00", 60_000),
            ("20260501T1200+02:00", 60_000),
            ("2026-05-01T12:00:00.000Z", 1),
            ("2026-05-01 12:00:00,5 UTC", 1),
            ("20260501T120000.25Z", 1),
            ("1777636800000", 1),
        ] {
            let at = parse(text).expect("a time");
            assert_eq!(parse_optional_end(text, at + DAY_MS), Ok(Some(at + length - 1)), "{text}");
            assert_eq!(
                parse_optional_end(text, at + 7),
                Ok(Some(at + 7.min(length - 1))),
                "{text}: not ahead of the clock"
            );
            assert_eq!(parse_optional_end(text, at - 1), Ok(Some(at)), "{text}: as far ahead as it says");
        }
        assert_eq!((end("N/A", noon), end("soon", noon).is_err()), (Ok(None), true));
    }

    #[test]
    fn a_time_without_its_zone_is_known() {
        for text in ["2026-05-01 12:00", " 2026-05-01T12:00:00.5 ", "2026/05/01 1:02:03"] {
            assert!(lacks_zone(text), "{text}");
        }
        for text in
            ["2026-05-01", "2026-05-01 00:00", "2026-05-01T12:00:00Z", "2026-05-01t12:00z", "2026-05-01 12:00 +0200"]
        {
            assert!(!lacks_zone(text), "{text}");
        }
        for text in ["Fri, 01 May 2026 12:00:00 GMT", "2026-05-01 12:00 UTC", "1777636800000", "", "Z"] {
            assert!(!lacks_zone(text), "{text}");
        }
    }

    #[test]
    fn reads_what_it_writes_and_what_people_write() {
        let noon = 1_777_636_800_000;
        assert_eq!(format(noon), "2026-05-01T12:00:00.000Z");
        for text in [
            "2026-05-01T12:00:00Z",
            "2026-05-01T14:00:00+02:00",
            "2026-05-01T12:00:00.000Z",
            "2026-05-01 12:00:00",
            "1777636800000",
        ] {
            assert_eq!(parse(text), Ok(noon), "{text}");
        }
        assert_eq!(parse("2026-05-01"), Ok(noon - 12 * 3_600_000));
        for text in ["", "yesterday", "2026-13-01", "0", "-5", "01/02/2026", "99999999999999999", "1777636800"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
