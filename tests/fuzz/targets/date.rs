//! Dates: what is read is between 1990 and 9999, reads again as it is written, and forbids no shorter than it says.

use contactd::model::time::{MILLIS_MAX, MILLIS_MIN, format, is_day, parse, parse_optional, parse_optional_end};

/// 2026-05-01T12:00:00Z.
const NOON: i64 = 1_777_636_800_000;

pub fn run(input: &[u8]) {
    let text = &String::from_utf8_lossy(input);
    let read = parse(text);
    let _ = is_day(text);
    if let Ok(at) = read {
        assert!((MILLIS_MIN..=MILLIS_MAX).contains(&at), "{text}");
        assert_eq!(parse(&format(at)), Ok(at), "{text}");
        assert_eq!(parse(&format!(" {text}\n")), Ok(at), "{text}");
    }
    let optional = parse_optional(text);
    assert!(!matches!(optional, Ok(Some(_))) || optional == read.map(Some), "{text}");
    for now in [0, NOON, MILLIS_MAX] {
        let end = parse_optional_end(text, now);
        match (&optional, &end) {
            (Ok(Some(at)), Ok(Some(end))) => assert!(end >= at && (end == at || *end <= now), "{text}: {at} to {end}"),
            _ => assert_eq!(optional, end, "{text}"),
        }
    }
}
