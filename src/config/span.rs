//! Lengths of time, as people write them.

use std::str::FromStr;

use jiff::SpanRelativeTo;
use serde::{Deserialize, Deserializer};

use crate::model::time::Millis;

/// A length of time in whole seconds: `30d`, `12h`, `2h30m`, `1 week`. A day is 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Millis);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Span, String> {
        let span: jiff::Span = text.parse().map_err(|_| {
            format!("'{text}' is not a length of time: write a number and d, h, m or s, like 30d or 12h")
        })?;
        // Months and years differ in length.
        let length = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| format!("'{text}' is not a fixed length of time: write it in days, like 365d"))?;
        if length.is_negative() || length.subsec_nanos() > 0 {
            return Err(format!("'{text}' is not a length of time: write whole seconds, 0 or more"));
        }
        // What jiff can read is at most some 20,000 years.
        Ok(Span(length.as_secs() * 1_000))
    }
}

/// A length of time, or none: "never".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanOrNever(pub Option<Millis>);

impl FromStr for SpanOrNever {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<SpanOrNever, String> {
        match text {
            "never" | "0" => Ok(SpanOrNever(None)),
            text => match text.parse::<Span>() {
                Ok(span) => Ok(SpanOrNever(Some(span.0).filter(|&millis| millis > 0))),
                Err(why) => Err(format!("{why}, or never")),
            },
        }
    }
}

impl<'de> Deserialize<'de> for SpanOrNever {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<SpanOrNever, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Span, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::DAY_MS;

    #[test]
    fn lengths_of_time_are_read() {
        const SECOND_MS: Millis = 1_000;
        const HOUR_MS: Millis = 3_600 * SECOND_MS;
        for (text, millis) in [
            ("30d", 30 * DAY_MS),
            ("1826d", 1_826 * DAY_MS),
            ("24h", DAY_MS),
            ("90m", HOUR_MS + HOUR_MS / 2),
            ("45s", 45 * SECOND_MS),
            ("0s", 0),
            ("2h30m", 2 * HOUR_MS + HOUR_MS / 2),
            ("1d 12h", DAY_MS + DAY_MS / 2),
            ("2 weeks", 14 * DAY_MS),
            ("P30D", 30 * DAY_MS),
        ] {
            assert_eq!(text.parse(), Ok(Span(millis)), "{text}");
            assert_eq!(text.parse(), Ok(SpanOrNever((millis > 0).then_some(millis))), "{text}");
        }
        for never in ["never", "0"] {
            assert_eq!(never.parse(), Ok(SpanOrNever(None)), "{never}");
            assert!(never.parse::<Span>().is_err(), "{never}");
        }
        for bad in [
            "",
            "d",
            "30",
            "-3d",
            "3d ago",
            "1mo",
            "12M",
            "1y",
            "500us",
            "0.5s",
            "30 d x",
            "99999999999999d",
            "30ď",
            "Never",
        ] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
            assert!(bad.parse::<SpanOrNever>().is_err(), "{bad}");
        }
    }
}
