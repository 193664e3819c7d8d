//! Times as people and programs write them.
//!
//! A form is read here only if it has one meaning. `1/2/24`, `02.01.2024` and seconds since 1970 have several, so nothing
//! is made of them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

use super::Millis;
use crate::model::blank::is_blank;

/// Reads a trimmed text; none if it is in no form that is known, or no such day or hour exists.
pub(super) fn read(text: &str) -> Option<Millis> {
    day(text)
        .or_else(|| rfc_3339(text))
        .or_else(|| iso_8601(text))
        .or_else(|| rfc_2822(text))
        .or_else(|| text.parse().ok())
}

/// Whether a text that can be read is a day alone, or its midnight without a zone, as databases and spreadsheets write a day.
pub(super) fn is_day(text: &str) -> bool {
    match text.split_once(['T', 't', ' ']) {
        Some((_, clock)) => !clock.is_empty() && clock.chars().all(|c| matches!(c, '0' | ':' | '.' | ',')),
        None => text.contains(['-', '/']),
    }
}

/// How exactly a text names the time of a day.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    Minutes,
    Seconds,
    Fraction,
}

/// How exactly a text that can be read names the time of a day; none if it does not.
pub(super) fn clock(text: &str) -> Option<Clock> {
    let (day, time) = text.split_once(['T', 't', ' '])?;
    let is_compact = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    let ends = |c: char| c.is_ascii_alphabetic() || matches!(c, '+' | '-' | ' ');
    let clock = time.split(ends).find(|word| word.contains(':') || is_compact && !word.is_empty())?;
    Some(if clock.contains(['.', ',']) {
        Clock::Fraction
    } else if clock.matches(':').count() > 1 || is_compact && clock.len() > 4 {
        Clock::Seconds
    } else {
        Clock::Minutes
    })
}

/// The zeros of a day: `00/00/0000`.
const DAY_ZEROS: usize = 8;

/// Whether a trimmed text says that there is no date: nothing stands in it, or the zeros of a day that databases write.
pub(super) fn is_none(text: &str) -> bool {
    let is_of_zeros = |c| matches!(c, '0' | '-' | '/' | '.' | ':' | ' ' | 'T' | 'Z');
    let has_zeros = || text.chars().all(is_of_zeros) && text.matches('0').count() >= DAY_ZEROS;
    is_blank(text) || text.starts_with('0') && has_zeros()
}

/// `2024-01-02`, which most rows of an import have: read without a copy. [`iso_8601`] reads it, too.
fn day(text: &str) -> Option<Millis> {
    let digits = text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if text.len() != "2024-01-02".len() || !digits {
        return None;
    }
    let (year, month, day) = (text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?);
    Some(NaiveDate::from_ymd_opt(year, month, day)?.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}

fn rfc_3339(text: &str) -> Option<Millis> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

/// The year first, then the month: `2024-01-02`, `2024/01/02 15:04`, `2024-01-02T15:04:05.123456+00`, `20240102T150405Z`.
fn iso_8601(text: &str) -> Option<Millis> {
    /// Days and hours by the places of their digits, and what chrono calls that.
    const FORMS: [(&str, &str); 6] = [
        ("9999-99-99 99:99:99", "%Y-%m-%d %H:%M:%S"),
        ("9999-99-99 99:99", "%Y-%m-%d %H:%M"),
        ("9999/99/99 99:99:99", "%Y/%m/%d %H:%M:%S"),
        ("9999/99/99 99:99", "%Y/%m/%d %H:%M"),
        ("99999999 999999", "%Y%m%d %H%M%S"),
        ("99999999 9999", "%Y%m%d %H%M"),
    ];
    // A day alone has separators: eight digits are a number.
    let (day, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, "00:00"));
    let zone_at = time.find(|c: char| c.is_ascii_alphabetic() || matches!(c, '+' | '-')).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let (clock, fraction) = clock.trim().split_once(['.', ',']).unwrap_or((clock.trim(), "0"));
    let local = format!("{} {}", two_digits(day), two_digits(clock));
    let places: String = local.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let (places, form) = FORMS.into_iter().find(|(known, _)| *known == places)?;
    let has_seconds = places.ends_with("99:99:99") || places.ends_with("999999");
    if clock.len() != time[..zone_at].trim().len() && !has_seconds {
        return None;
    }
    let seconds = NaiveDateTime::parse_from_str(&local, form).ok()?.and_utc().timestamp();
    seconds.checked_mul(1000)?.checked_add(thousandths(fraction)?)?.checked_sub(offset_ms(zone.trim())?)
}

/// A zero before each digit that stands alone, as in `2024-1-2`.
fn two_digits(text: &str) -> String {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut padded = String::with_capacity(text.len() + 4);
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if digit(Some(c)) && !digit(before) && !digit(chars.peek().copied()) {
            padded.push('0');
        }
        padded.push(c);
        before = Some(c);
    }
    padded
}

/// The first three digits behind the point; what is finer is cut off.
fn thousandths(fraction: &str) -> Option<Millis> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<3}")[..3].parse().ok()
}

/// By how much a zone is ahead of UTC: `Z`, `UTC`, `+02`, `+0200`, `+02:00`, `+0000 UTC`; none stands for UTC. Names of
/// other zones mean several.
fn offset_ms(zone: &str) -> Option<Millis> {
    let Some(sign) = zone.chars().next().filter(|sign| matches!(sign, '+' | '-')) else {
        return (zone.is_empty() || is_utc(zone)).then_some(0);
    };
    let (digits, name) = zone[1..].split_once(' ').unwrap_or((&zone[1..], ""));
    let (hours, minutes) = match *digits.as_bytes() {
        [_, _] => (digits, "0"),
        [_, _, _, _] => digits.split_at_checked(2)?,
        [_, _, b':', _, _] => digits.split_once(':')?,
        _ => return None,
    };
    if !hours.bytes().chain(minutes.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (Millis, Millis) = (hours.parse().ok()?, minutes.parse().ok()?);
    let ahead = 60_000 * (60 * hours + minutes);
    let agrees = name.is_empty() || is_utc(name) && ahead == 0;
    (agrees && hours < 24 && minutes < 60).then_some(if sign == '-' { -ahead } else { ahead })
}

fn is_utc(name: &str) -> bool {
    ["Z", "UTC", "GMT"].iter().any(|utc| name.eq_ignore_ascii_case(utc))
}

/// A mail's date: `Tue, 02 Jan 2024 15:04:05 +0000`. Years of two digits and names of zones other than UTC's, which chrono
/// takes, are not exact.
fn rfc_2822(text: &str) -> Option<Millis> {
    let text = text.strip_suffix("(UTC)").unwrap_or(text).trim_end();
    let (rest, zone) = text.rsplit_once(' ')?;
    let has_year = rest.split(' ').any(|word| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()));
    let zone = if is_utc(zone) { "+0000" } else { zone };
    if !has_year || !zone.starts_with(['+', '-']) {
        return None;
    }
    DateTime::parse_from_rfc2822(&format!("{rest} {zone}")).ok().map(|time| time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2024-01-02T15:04:05Z.
    const AFTERNOON: Millis = 1_704_207_845_000;
    const MIDNIGHT: Millis = 1_704_153_600_000;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

        #[test]
        fn a_day_is_read_alike_either_way(text in "[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]") {
            prop_assert_eq!(day(&text), iso_8601(&text), "{}", text);
        }
    }

    #[test]
    fn every_form_with_one_meaning() {
        for text in [
            "2024-01-02T15:04:05Z",
            "2024-01-02t15:04:05z",
            "2024-01-02T15:04:05",
            "2024-01-02 15:04:05",
            "2024-01-02  15:04:05",
            "2024-01-02T17:04:05+02:00",
            "2024-01-02 15:04:05 UTC",
            "2024-01-02 15:04:05 utc",
            "2024-01-02 15:04:05 GMT",
            "2024-01-02 15:04:05+00",
            "2024-01-02T15:04:05+0000",
            "2024-01-02 15:04:05 +0000",
            "2024-01-02 15:04:05 +0000 UTC",
            "2024-01-02 15:04:05 -00:00",
            "2024-01-02 10:04:05-05",
            "2024-01-02 20:34:05+0530",
            "2024/01/02 15:04:05",
            "2024/1/2 15:04:05",
            "2024-1-2 15:4:5",
            "20240102T150405Z",
            "20240102T150405",
            "20240102T150405+0000",
            "20240102 150405",
            "Tue, 02 Jan 2024 15:04:05 +0000",
            "Tue, 2 Jan 2024 15:04:05 GMT",
            "2 Jan 2024 17:04:05 +0200",
            "Tue, 02 Jan 2024 15:04:05 +0000 (UTC)",
            "2024-01-02T15:04:05.0Z",
            "2024-01-02 15:04:05.000000",
            "2024-01-02T15:04:05,000+00:00",
            "2024-01-02T15:04:05.000000999Z",
            "2024-01-02 15:04:05.000999 UTC",
            "1704207845000",
        ] {
            assert_eq!(read(text), Some(AFTERNOON), "{text}");
        }
        for (text, at) in [
            ("2024-01-02", MIDNIGHT),
            ("2024/01/02", MIDNIGHT),
            ("2024-1-2", MIDNIGHT),
            ("2024-01-02 15:04", AFTERNOON - 5_000),
            ("2024-01-02T15:04Z", AFTERNOON - 5_000),
            ("2024-01-02 15:04 UTC", AFTERNOON - 5_000),
            ("2024/01/02 15:04+00", AFTERNOON - 5_000),
            ("20240102T1504Z", AFTERNOON - 5_000),
            ("2024-01-02 15:04:05.123456", AFTERNOON + 123),
            ("2024-01-02T15:04:05.123456789Z", AFTERNOON + 123),
            ("2024-01-02 15:04:05.5+00", AFTERNOON + 500),
            ("20240102T150405.25Z", AFTERNOON + 250),
        ] {
            assert_eq!(read(text), Some(at), "{text}");
        }
    }

    #[test]
    fn what_could_be_two_dates_is_none() {
        for text in [
            "1/2/24",
            "1/2/2024",
            "02.01.2024",
            "02-01-2024",
            "01/02/2024 15:04:05",
            "24-01-02",
            "2024-13-01",
            "2024-02-30",
            "2024-01-02 24:30",
            "2024-01-02 15:60",
            "2024-01-02 3:04 PM",
            "2024-01-02 03:04:05 PM",
            "2024-01-02 15:04:05 EST",
            "2024-01-02 15:04:05 CET",
            "2024-01-02 15:04:05 +0200 UTC",
            "2024-01-02 15:04:05+25",
            "2024-01-02 15:04:05+2",
            "2024-01-02 15:04:05+02:0",
            "2024-01-02 15:04.5",
            "2024-01-02 15",
            "2024-01-02T",
            "2024-01/02",
            "2024-01",
            "20240102T",
            "20240102T15",
            "20240102 15:04:05",
            "2024-01-02 150405",
            "Tue, 02 Jan 24 15:04:05 +0000",
            "Tue, 02 Jan 2024 15:04:05 EST",
            "Wed, 02 Jan 2024 15:04:05 +0000",
            "02 Jan 2024",
            "Jan 2, 2024",
            "yesterday",
            "44927.5",
            "+2024-01-02",
            "-2024-01-02",
            "2024-01-02 15:04:05 é",
            "２０２４-01-02",
            "2024-01-02 15:04:05+é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn no_date() {
        for text in ["", "N/A", "n/a", "-", "--", "None", "NULL", "nil", "NaN", "\\N", "0000-00-00"] {
            assert!(is_none(text), "{text}");
        }
        for text in ["0000-00-00 00:00:00", "0000-00-00T00:00:00.000Z", "00/00/0000", "00.00.0000"] {
            assert!(is_none(text), "{text}");
        }
        for text in
            ["0", "no", "false", "never", "---", "0000-00-01", "2024-01-02", "0000-00-00x", "?", "00", "✓", "########"]
        {
            assert!(!is_none(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

        /// Whichever forms a text is in, they agree on what it means.
        #[test]
        fn no_text_is_read_two_ways(
            text in "(Tue, )?[0-9]{1,4}[-/. ]?([0-9]{1,2}|Jan)[-/. ]?[0-9]{1,4}([T ][0-9]{2}:?[0-9]{2}(:?[0-9]{2})?([.,][0-9]{1,9})?)?( ?(Z|UTC|EST|[+-][0-9]{2}:?([0-9]{2})?))?"
        ) {
            let readings = [rfc_3339(&text), iso_8601(&text), rfc_2822(&text), text.parse().ok()];
            let mut read = readings.into_iter().flatten();
            if let Some(first) = read.next() {
                prop_assert!(read.all(|other| other == first), "{text}: {readings:?}");
            }
        }

        /// What is written out is read again, in each of the forms that have every part of it.
        #[test]
        fn what_is_written_is_read(seconds in 631_152_000_i64..253_402_300_799, micros in 0_u32..1_000_000) {
            let time = DateTime::from_timestamp(seconds, micros * 1_000).expect("a time");
            for form in ["%Y-%m-%dT%H:%M:%S%.6fZ", "%Y-%m-%d %H:%M:%S%.6f", "%Y/%m/%d %H:%M:%S%.6f UTC", "%Y%m%dT%H%M%S%.6fZ"] {
                let text = time.format(form).to_string();
                prop_assert_eq!(read(&text), Some(time.timestamp_millis()), "{}", text);
            }
            let text = time.format("%a, %d %b %Y %H:%M:%S +0000").to_string();
            prop_assert_eq!(read(&text), Some(seconds * 1_000), "{}", text);
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,40}") {
            let _ = (read(&text), is_none(&text));
        }
    }
}
