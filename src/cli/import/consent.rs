//! Columns that may tell who wants no messages, under a heading that nobody knows. As a label such a column would forbid
//! nothing, and whoever is in it would be subscribed.

/// Parts of words that hardly stand in any other word.
const STEMS: [&str; 12] = [
    "optin",
    "optout",
    "optedin",
    "optedout",
    "unsub",
    "subscri",
    "consent",
    "suppress",
    "blacklist",
    "blocklist",
    "permission",
    "donot",
];
/// Whole words: "stop" is a word of "Stop date", not of "Stopover city".
const WORDS: [&str; 18] = [
    "opt", "opts", "opted", "stop", "stops", "stopped", "stopall", "smsstop", "dnc", "dnd", "dont", "blocked",
    "revoked", "tcpa", "accepts", "allow", "allows", "allowed",
];
const PAIRS: [[&str; 2]; 3] = [["do", "not"], ["black", "list"], ["block", "list"]];
/// What one may opt out of that is no message to a phone.
const OTHER_CHANNELS: [&str; 5] = ["email", "emails", "mail", "mailing", "fax"];
/// Words of headings over which yes or no may be consent: "SMS marketing", "Text me".
const MESSAGES: [&str; 9] = ["sms", "mms", "text", "texts", "texting", "message", "messages", "messaging", "marketing"];
/// Words beside which a heading may speak of messages to a phone all the same.
const PHONES: [&str; 9] = ["sms", "mms", "text", "texts", "phone", "mobile", "cell", "via", "by"];

/// Whether a heading looks like consent to messages, or like its end.
pub fn speaks_of_consent(heading: &str) -> bool {
    let words = words(heading);
    let speaks = |word: &String| STEMS.iter().any(|stem| word.contains(stem)) || WORDS.contains(&word.as_str());
    !of_another_channel(heading)
        && (words.iter().any(speaks) || words.windows(2).any(|two| PAIRS.iter().any(|pair| pair == two)))
}

/// Whether a heading is about messages, so that yes or no below it may be consent.
pub fn speaks_of_messages(heading: &str) -> bool {
    words(heading).iter().any(|word| MESSAGES.contains(&word.as_str()))
}

/// Whether a heading is about e-mail or fax alone, as `HasOptedOutOfEmail` is.
pub fn of_another_channel(heading: &str) -> bool {
    let words = words(heading);
    let other =
        |word: &String| OTHER_CHANNELS.contains(&word.as_str()) || word.starts_with("email") || word.ends_with("email");
    words.iter().any(other) && !words.iter().any(|word| PHONES.contains(&word.as_str()))
}

/// The words of a heading in small letters, however they are joined: `opt_out`, `Opt-Out`, `OptOut`.
fn words(heading: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for char in heading.chars().filter(|char| !matches!(char, '\'' | '’')) {
        if !char.is_alphanumeric() || (after_small && char.is_uppercase()) {
            words.push(String::new());
        }
        after_small = char.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_speak_of_consent_or_of_something_else() {
        for heading in [
            "Do Not Contact",
            "DoNotCall",
            "do_not_text",
            "donotsms",
            "Don't text",
            "DNC",
            "DNC flag",
            "Subscribed",
            "Subscriber status",
            "Consent",
            "$consent",
            "Unsubscribe",
            "UNSUB_REASON",
            "Opt-Out Status",
            "SMS OPTOUT",
            "smsoptout",
            "Opt-in Status (SMS)",
            "OptedOut",
            "Suppression list",
            "Black list",
            "Blacklisted",
            "Blocked",
            "Marketing permission",
            "STOP",
            "Stop date",
            "smsStop",
            "Revoked",
            "Accepts Marketing",
            "SMS allowed",
            "Opted out of email and SMS",
            "Unsubscribed via e-mail",
        ] {
            assert!(speaks_of_consent(heading), "{heading}");
        }
        for heading in [
            "Stopover City",
            "Nonstop",
            "Option",
            "Optional",
            "Laptop",
            "Adoption date",
            "Description",
            "Block",
            "Black",
            "Do",
            "Notes",
            "Donor",
            "City",
            "",
            "Email opt-in",
            "HasOptedOutOfEmail",
            "hasoptedoutofemail",
            "Unsubscribed from all email",
            "HasOptedOutOfFax",
            "Prescription",
        ] {
            assert!(!speaks_of_consent(heading), "{heading}");
        }
    }
}
