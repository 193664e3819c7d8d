//! How pages write things: numbers, dates, verdicts, and parts of addresses.

use std::fmt::Write;

use serde::{Deserialize, Deserializer};

use crate::command::Access;
use crate::model::verdict::Reason;

/// A number in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number in groups of three, and what it counts, told by the word for one of them: `1 reply`, `1,200 replies`.
pub fn counted(number: u64, one: &str) -> String {
    match one.strip_suffix("ly") {
        _ if number == 1 => format!("1 {one}"),
        Some(rep) => format!("{} {rep}lies", grouped(number)),
        None => format!("{} {one}s", grouped(number)),
    }
}

/// A number in the query of an address. Its plus is a blank there unless somebody has encoded it, which who types does not.
///
/// # Errors
/// It is not a text.
pub fn number<'de, D: Deserializer<'de>>(query: D) -> Result<String, D::Error> {
    let text = String::deserialize(query)?;
    let plain = text.trim();
    let lost_its_plus = text.starts_with(' ') && plain.starts_with(|char: char| char.is_ascii_digit());
    Ok(if lost_its_plus { format!("+{plain}") } else { plain.to_owned() })
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..10_000_000 => format!("{:.1} MB", bytes as f64 / 1_000_000.0),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// A rate as per cent.
pub fn percent(rate: f64) -> String {
    format!("{:.2} %", rate * 100.0)
}

/// A date of a reply, for people: in UTC, to the minute. A script shows it in the zone of the browser.
#[derive(Clone, Default)]
pub struct When {
    /// As the daemon wrote it; "" for none.
    pub iso: String,
    /// To the minute.
    pub short: String,
}

impl When {
    pub fn new(iso: &str) -> When {
        When { iso: iso.to_owned(), short: iso.get(..16).unwrap_or(iso).replace('T', " ") }
    }

    /// None is no date.
    pub fn maybe(iso: Option<&str>) -> When {
        iso.map_or_else(When::default, When::new)
    }

    pub fn is_some(&self) -> bool {
        !self.iso.is_empty()
    }

    /// The time of the day.
    pub fn clock(&self) -> &str {
        self.short.get(11..).unwrap_or_default()
    }
}

/// What CHECK said, for people.
#[derive(Clone)]
pub struct Verdict {
    pub is_yes: bool,
    pub text: &'static str,
}

impl Verdict {
    /// From `yes`, `no reason` or the reason alone. What is not known is no yes.
    pub fn new(said: &str) -> Verdict {
        let reason = said.strip_prefix("no ").unwrap_or(said);
        if reason == "yes" {
            return Verdict { is_yes: true, text: "yes" };
        }
        let text = match Reason::ALL.into_iter().find(|known| known.word() == reason) {
            Some(Reason::Fenced) => "no: contactd may not know who opted out last",
            Some(Reason::UnknownList) => "no: not a sending list",
            Some(Reason::ListPaused) => "no: the list is paused",
            Some(Reason::Invalid) => "no: the number does not exist",
            Some(Reason::Suppressed) => "no: held back everywhere",
            Some(Reason::OptedOut) => "no: opted out of all lists",
            Some(Reason::NotSubscribed) => "no: never subscribed",
            Some(Reason::ListSuppressed) => "no: held back on this list",
            Some(Reason::ListOptedOut) => "no: opted out",
            Some(Reason::HeldForReview) => "no: waits for somebody to read its message",
            None => "no",
        };
        Verdict { is_yes: false, text }
    }
}

/// A status, for people.
pub fn status(word: &str) -> &'static str {
    match word {
        "active" => "active",
        "opted_out" => "opted out",
        "suppressed" => "held back",
        "invalid" => "number does not exist",
        "none" => "not subscribed",
        _ => "unknown",
    }
}

/// How a fact reached contactd, for people.
pub fn how(word: &str) -> &'static str {
    match word {
        "keyword" => "by a message from the phone",
        "import" => "by an import",
        "journey" => "by a customer journey",
        "api" => "by a program",
        _ => "",
    }
}

/// What a visitor may do.
pub fn access(access: Access) -> &'static str {
    match access {
        Access::Admin => "may do everything",
        Access::Write => "may read and write",
        _ => "may read",
    }
}

/// A text as a part of an address.
pub fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte as char);
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_groups() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_204_331, "1,204,331")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn only_yes_is_a_yes() {
        assert!(Verdict::new("yes").is_yes);
        for reason in Reason::ALL {
            let verdict = Verdict::new(&format!("no {}", reason.word()));
            assert!(!verdict.is_yes && verdict.text.starts_with("no: "), "{}", reason.word());
        }
        for other in ["", "Yes", "yes please", "no", "no something_new"] {
            assert!(!Verdict::new(other).is_yes, "{other}");
        }
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(url_encode("label.city=\"New York\"&+1"), "label.city%3D%22New%20York%22%26%2B1");
    }
}
