//! When a consent ends: a heading that says so, and whether that has come.
//!
//! `Consent Expires` with a date behind it is a consent up to then, and none from then on. contactd itself ends no consent when the
//! date comes: whoever imports such a column is told so.

use super::question::{begins_one, has_consent};
use super::title::words;
use super::{answer, fold::folded};
use crate::model::time::{self, Millis};

/// Beginnings of words for the end of a consent.
const EXPIRES: [&str; 27] = [
    "expir",
    "laps",
    "ended",
    "ablauf",
    "abgelauf",
    "caduc",
    "venc",
    "scad",
    "verloop",
    "verval",
    "verlop",
    "wygas",
    "utgan",
    "udlob",
    "utlop",
    "vypr",
    "lejar",
    "bitis",
    "истек",
    "окончан",
    "закінч",
    "失効",
    "有効期限",
    "期限",
    "만료",
    "lauft",
    "vanhen",
];
/// The same as whole words.
const EXPIRES_WHOLE: [&str; 16] = [
    "end", "ends", "ending", "until", "till", "ende", "endet", "bis", "fin", "fine", "fim", "einde", "konec", "koniec",
    "slut", "hasta",
];
/// What a consent is until then: "Consent valid through".
const VALID: [&str; 9] = ["valid", "gultig", "valable", "valido", "valida", "geldig", "wazna", "gyldig", "giltig"];
const THROUGH: [&str; 7] = ["through", "thru", "to", "jusquau", "tot", "do", "til"];
/// What stands there of a consent without an end, folded.
const ENDLESS: [&str; 15] = [
    "never",
    "nie",
    "jamais",
    "nunca",
    "mai",
    "unlimited",
    "indefinite",
    "indefinitely",
    "permanent",
    "forever",
    "unbefristet",
    "noexpiry",
    "lifetime",
    "none",
    "nothing",
];

/// Whether a heading asks when a consent ended, or whether it did: `Consent Expiry`.
pub fn is_of_an_end_of_consent(heading: &str) -> bool {
    let words = words(heading);
    let is_one = |word: &String, some: &[&str]| some.contains(&word.as_str());
    let is_valid_through = || words.windows(2).any(|two| is_one(&two[0], &VALID) && is_one(&two[1], &THROUGH));
    has_consent(&words)
        && (words.iter().any(|word| begins_one(word, &EXPIRES))
            || words.iter().any(|word| is_one(word, &EXPIRES_WHOLE))
            || is_valid_through())
}

/// Whether what stands under such a heading says that the consent has ended: a word, or a moment that is not later than now in each way
/// to read it. Of other words nobody knows.
pub fn has_passed(value: &str, now: Millis) -> bool {
    if answer::is_no(value) || ENDLESS.contains(&folded(value).as_str()) {
        return false;
    }
    if answer::denies(value) {
        return true;
    }
    if let Ok(read) = time::parse_optional(value) {
        return read.is_some_and(|at| at <= now);
    }
    let numbers: Vec<&str> =
        value.split(|char: char| !char.is_ascii_digit()).filter(|number| !number.is_empty()).collect();
    let days: Vec<Millis> = days(&numbers).iter().filter_map(|day| time::parse(day).ok()).collect();
    if !days.is_empty() {
        return days.iter().any(|day| *day <= now);
    }
    let this_year = &time::format(now)[..YEAR_DIGITS];
    let mut years = numbers.into_iter().filter(|number| number.len() == YEAR_DIGITS);
    years.next().is_some_and(|year| year <= this_year)
}

const YEAR_DIGITS: usize = 4;

/// The days that the numbers of a date can be.
fn days(numbers: &[&str]) -> Vec<String> {
    let [first, second, third, ..] = *numbers else { return Vec::new() };
    let two = |number: &str| format!("{number:0>2}");
    match (first.len(), third.len()) {
        (YEAR_DIGITS, 1 | 2) => vec![format!("{first}-{}-{}", two(second), two(third))],
        (1 | 2, 2 | YEAR_DIGITS) => {
            let year = if third.len() == 2 { format!("20{third}") } else { third.to_owned() };
            vec![format!("{year}-{}-{}", two(first), two(second)), format!("{year}-{}-{}", two(second), two(first))]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_an_end_of_a_consent_are_known() {
        for heading in [
            "Consent Expiry",
            "Consent End",
            "Consent Expires",
            "consent_expires_at",
            "Opt-In Expiration",
            "Permission valid until",
            "Consent valid through",
            "Einwilligung Ende",
            "Einwilligung gültig bis",
            "Zustimmung läuft ab",
            "Consentement expire le",
            "Consentimiento hasta",
            "Scadenza consenso",
            "Zgoda wygasa",
            "同意有効期限",
        ] {
            assert!(is_of_an_end_of_consent(heading), "{heading}");
        }
        for heading in
            ["Card Expires", "Consent", "Consent Date", "Weekend", "End Date", "Valid Until", "Consent to", ""]
        {
            assert!(!is_of_an_end_of_consent(heading), "{heading}");
        }
    }

    #[test]
    fn a_consent_ends_when_its_date_has_come() {
        let now = time::parse("2026-11-29T12:00:00Z").expect("a time");
        for past in [
            "2024-03-05",
            "2026-11-29",
            "05.03.2024",
            "3/5/2024",
            "11/12/2026",
            "5/3/24",
            "2024/03/05",
            "March 2024",
            "2025",
            "expired",
            "revoked",
            "2024-03-05T10:00:00Z",
        ] {
            assert!(has_passed(past, now), "{past}");
        }
        for later in [
            "2027-03-05",
            "2026-11-30",
            "05.03.2027",
            "3/5/2027",
            "12/31/2026",
            "5/3/27",
            "2027/03/05",
            "March 2027",
            "2031",
            "2027-03-05T10:00:00Z",
            "never",
            "no",
            "",
            "N/A",
            "0000-00-00",
            "unlimited",
            "12 months",
        ] {
            assert!(!has_passed(later, now), "{later}");
        }
    }
}
