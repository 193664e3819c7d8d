//! What a file says about consent, in the words of those who write files.

use super::names;
use crate::model::change::RowStatus;

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Status(RowStatus),
    /// There never was a consent: nobody to subscribe, and nothing to forbid.
    NoConsent,
    Nothing,
}

const ACTIVE: [&str; 9] =
    ["active", "subscribed", "subscribe", "optedin", "optin", "confirmed", "resubscribed", "start", "unstop"];
/// Opt-outs that are plain in any column, also as one of several values in a cell.
const LEFT: [&str; 20] = [
    "optedout",
    "optout",
    "unsubscribed",
    "unsubscribe",
    "stop",
    "stopall",
    "donottext",
    "donotcontact",
    "donotsend",
    "donotsendsms",
    "donotsms",
    "abgemeldet",
    "widerrufen",
    "desabonne",
    "desabonnee",
    "desinscrit",
    "desinscrite",
    "desuscrito",
    "dadodebaja",
    "dadadebaja",
];
/// Those that are plain under a heading about it alone.
const OPTED_OUT: [&str; 6] = ["unsub", "stopped", "cancelled", "canceled", "revoked", "optedoutall"];
const SUPPRESSED: [&str; 7] = ["suppressed", "suppress", "blocked", "blocklisted", "blacklisted", "blacklist", "held"];
const INVALID: [&str; 8] =
    ["invalid", "bounced", "bounce", "hardbounced", "undeliverable", "disconnected", "unallocated", "cleaned"];
const NO_CONSENT: [&str; 8] = [
    "neversubscribed",
    "notsubscribed",
    "nonsubscribed",
    "notoptedin",
    "noconsent",
    "nonconsented",
    "declined",
    "nosuscrito",
];
const YES: [&str; 10] = ["yes", "y", "true", "t", "1", "x", "on", "ja", "oui", "si"];
const NO: [&str; 8] = ["no", "n", "false", "f", "0", "off", "nein", "non"];
/// What stands where nothing is known.
const BLANK: [&str; 9] = ["", "null", "na", "nan", "nil", "none", "unknown", "undefined", "notset"];
/// Other refusals, as plain.
const REFUSALS: [&str; 16] = [
    "smsunsubscribed",
    "smsunsubscribe",
    "smsoptout",
    "smsoptedout",
    "smsstop",
    "unsubscribedsms",
    "unsubscribedfromsms",
    "optedoutofsms",
    "donotmessage",
    "nosms",
    "notexts",
    "nomarketing",
    "neversubscribed",
    "notsubscribed",
    "notoptedin",
    "noconsent",
];
/// Refusals that may be half a sentence where more stands in the cell.
const REFUSALS_ALONE: [&str; 12] = [
    "declined",
    "nothanks",
    "nothankyou",
    "notext",
    "nomessages",
    "nosmsmarketing",
    "dnc",
    "baja",
    "debaja",
    "nonsubscribed",
    "nonconsented",
    "nosuscrito",
];
/// Longer words are somebody's own.
const REFUSAL_BYTES_MAX: usize = 32;
/// Between the values of a cell; and `:::`.
const SEPARATORS: [char; 4] = [',', ';', '|', '\n'];

/// A word for the status; none for a word that nobody knows.
pub fn status(cell: &str) -> Option<Said> {
    let word = squeezed(cell);
    let is = |words: &[&str]| words.contains(&word.as_str());
    Some(match () {
        () if matches!(cell.trim(), "" | "-") => Said::Nothing,
        () if is(&ACTIVE) => Said::Status(RowStatus::Active),
        () if is(&LEFT) || is(&OPTED_OUT) => Said::Status(RowStatus::OptedOut),
        () if is(&SUPPRESSED) => Said::Status(RowStatus::Suppressed),
        () if is(&INVALID) => Said::Status(RowStatus::Invalid),
        () if is(&NO_CONSENT) => Said::NoConsent,
        () => return None,
    })
}

/// Whether somebody consented: yes, no, or a word for the status.
pub fn consent(cell: &str) -> Option<Said> {
    match yes_or_no(cell) {
        Some(true) => Some(Said::Status(RowStatus::Active)),
        Some(false) => Some(Said::NoConsent),
        None => status(cell),
    }
}

/// Whether somebody opted out: yes, no, or a word for the status.
pub fn opt_out(cell: &str) -> Option<Said> {
    match yes_or_no(cell) {
        Some(true) => Some(Said::Status(RowStatus::OptedOut)),
        Some(false) => Some(Said::Nothing),
        None => status(cell),
    }
}

/// Whether a cell says, whatever its column is, that somebody wants no messages. Words that are common elsewhere, like
/// "cancelled", say nothing by themselves.
pub fn is_refusal(cell: &str) -> bool {
    if cell.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_alphabetic()) {
        return false;
    }
    let word = |text: &str| if text.len() <= REFUSAL_BYTES_MAX { squeezed(text) } else { String::new() };
    let whole = word(cell);
    let whole = whole.trim_start_matches("please").trim_end_matches("please");
    let is_plain = |word: &str| LEFT.contains(&word) || REFUSALS.contains(&word);
    if is_plain(whole) || REFUSALS_ALONE.contains(&whole) {
        return true;
    }
    let is_part = |part: &str| is_plain(&word(part));
    (cell.contains(SEPARATORS) || cell.contains(":::"))
        && cell.split(SEPARATORS).any(|part| part.split(":::").any(is_part))
}

/// Whether nothing is known where a cell stands, in words or without.
pub fn is_blank(cell: &str) -> bool {
    matches!(cell.trim(), "" | "\\N") || BLANK.contains(&squeezed(cell).as_str())
}

/// Whether a cell answers no, or refuses.
pub fn says_no(cell: &str) -> bool {
    !is_blank(cell) && (yes_or_no(cell) == Some(false) || squeezed(cell) == "never" || is_refusal(cell))
}

/// Whether a cell says yes or no; none where it says something else.
pub fn yes_or_no(cell: &str) -> Option<bool> {
    let word = squeezed(cell);
    if YES.contains(&word.as_str()) {
        return Some(true);
    }
    NO.contains(&word.as_str()).then_some(false)
}

/// Letters and digits alone, in lower case and without accents. What is written in other letters stays, to be unknown.
fn squeezed(cell: &str) -> String {
    let lower = cell.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase);
    // As much as it may need at once: it is asked of each label.
    let mut word = String::with_capacity(cell.len());
    word.extend(lower.map(|char| if char.is_ascii() { char } else { names::without_accent(char).unwrap_or(char) }));
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_or_refused() {
        for cell in ["active", " Subscribed ", "OPTED_IN", "opted-in"] {
            assert_eq!(status(cell), Some(Said::Status(RowStatus::Active)), "{cell}");
        }
        for cell in ["Opted Out", "UNSUBSCRIBED", "stop", "opt-out"] {
            assert_eq!(status(cell), Some(Said::Status(RowStatus::OptedOut)), "{cell}");
        }
        assert_eq!(status("Suppressed"), Some(Said::Status(RowStatus::Suppressed)));
        assert_eq!(status("bounced"), Some(Said::Status(RowStatus::Invalid)));
        assert_eq!(status("NEVER_SUBSCRIBED"), Some(Said::NoConsent));
        assert_eq!(status(""), Some(Said::Nothing));
        for cell in ["delivered", "yes", "1", "pending", "активен", "unactive", "✗", "?"] {
            assert_eq!(status(cell), None, "{cell}");
        }
    }

    #[test]
    fn yes_and_no_depend_on_the_question() {
        assert_eq!(consent("TRUE"), Some(Said::Status(RowStatus::Active)));
        assert_eq!(consent("no"), Some(Said::NoConsent));
        assert_eq!(consent("Unsubscribed"), Some(Said::Status(RowStatus::OptedOut)));
        assert_eq!(opt_out("Yes"), Some(Said::Status(RowStatus::OptedOut)));
        assert_eq!(opt_out("false"), Some(Said::Nothing));
        assert_eq!(opt_out("maybe"), None);
    }

    #[test]
    fn a_refusal_is_known_in_any_column() {
        for cell in [
            " Opted-Out",
            "STOP",
            "never subscribed",
            "Do not text",
            "declined",
            "No SMS",
            "no texts",
            "No, thanks",
            "do not send",
            "Do not send SMS",
            "no marketing",
            "Please do not text",
            "No SMS, please",
            "abgemeldet",
            "Widerrufen",
            "Désabonné",
            "de\u{301}sabonne\u{301}",
            "désinscrit",
            "Baja",
            "* myContacts ::: Unsubscribed",
            "vip, sms-unsubscribed",
            "vip;Opted out|gold",
            "[\"vip\",\"sms-unsubscribed\"]",
        ] {
            assert!(is_refusal(cell), "{cell}");
        }
        for cell in [
            "",
            "yes",
            "cancelled",
            "active",
            "blocked",
            "non-stop",
            "Baja California",
            "vip, gold",
            "coffee, no thanks",
            "* myContacts ::: * starred",
            "4155550101",
        ] {
            assert!(!is_refusal(cell), "{cell}");
        }
        assert!(["-", "NULL", "\\N", "N/A", "na", "unknown", "", "?"].into_iter().all(is_blank));
        assert!(["No", "0", "n", "never", "no sms", "nein"].into_iter().all(says_no));
        assert!(!["", "\\N", "n/a", "yes", "none", "notes"].into_iter().any(says_no));
    }
}
