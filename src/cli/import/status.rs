//! What a file says about consent, in the words of those who write files.

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
const OPTED_OUT: [&str; 14] = [
    "optedout",
    "optout",
    "unsubscribed",
    "unsubscribe",
    "unsub",
    "stop",
    "stopped",
    "stopall",
    "cancelled",
    "canceled",
    "revoked",
    "optedoutall",
    "donottext",
    "donotcontact",
];
const SUPPRESSED: [&str; 7] = ["suppressed", "suppress", "blocked", "blocklisted", "blacklisted", "blacklist", "held"];
const INVALID: [&str; 8] =
    ["invalid", "bounced", "bounce", "hardbounced", "undeliverable", "disconnected", "unallocated", "cleaned"];
const NO_CONSENT: [&str; 6] =
    ["neversubscribed", "notsubscribed", "nonsubscribed", "notoptedin", "noconsent", "nonconsented"];
const YES: [&str; 7] = ["yes", "y", "true", "t", "1", "x", "on"];
const NO: [&str; 6] = ["no", "n", "false", "f", "0", "off"];

/// A word for the status; none for a word that nobody knows.
pub fn status(cell: &str) -> Option<Said> {
    let word = squeezed(cell);
    let is = |words: &[&str]| words.contains(&word.as_str());
    Some(match () {
        () if matches!(cell.trim(), "" | "-") => Said::Nothing,
        () if is(&ACTIVE) => Said::Status(RowStatus::Active),
        () if is(&OPTED_OUT) => Said::Status(RowStatus::OptedOut),
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
    const PLAIN: [&str; 8] =
        ["optedout", "optout", "unsubscribed", "unsubscribe", "stop", "stopall", "donottext", "donotcontact"];
    // Longer cells are somebody's words.
    if cell.len() > 32 {
        return false;
    }
    let word = squeezed(cell);
    PLAIN.contains(&word.as_str()) || NO_CONSENT.contains(&word.as_str())
}

/// Whether a cell says yes or no; none where it says something else.
pub fn yes_or_no(cell: &str) -> Option<bool> {
    let word = squeezed(cell);
    if YES.contains(&word.as_str()) {
        return Some(true);
    }
    NO.contains(&word.as_str()).then_some(false)
}

/// Letters and digits alone, in lower case. What is written in other letters stays, to be unknown.
fn squeezed(cell: &str) -> String {
    cell.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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
        assert!([" Opted-Out", "STOP", "never subscribed", "Do not text"].into_iter().all(is_refusal));
        assert!(!["", "yes", "cancelled", "active", "blocked", "non-stop"].into_iter().any(is_refusal));
    }
}
