//! Columns that may tell who wants no messages, under a heading that nobody knows. As a label such a column would forbid
//! nothing, and whoever is in it would be subscribed.

use serde_json::Value;

use super::{names, status};

/// Parts of words that hardly stand in any other word.
const STEMS: [&str; 20] = [
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
    "contactable",
    "einwillig",
    "widerruf",
    "abgemeldet",
    "abmeld",
    "desabonn",
    "desinscri",
    "suscri",
];
/// Whole words: "stop" is a word of "Stop date", not of "Stopover city".
const WORDS: [&str; 19] = [
    "opt", "opts", "opted", "stop", "stops", "stopped", "stopall", "smsstop", "dnc", "dnd", "dont", "blocked",
    "revoked", "tcpa", "accepts", "allow", "allows", "allowed", "baja",
];
const PAIRS: [[&str; 2]; 3] = [["do", "not"], ["black", "list"], ["block", "list"]];
/// A word of each in one heading: "OK to contact", "Contact OK?", "May we text you".
const LEAVES: [&str; 4] = ["ok", "okay", "may", "can"];
const APPROACHES: [&str; 9] = ["contact", "contacted", "text", "call", "message", "messaged", "send", "sms", "mms"];
/// Of these, headings speak of an end.
const OUT_STEMS: [&str; 13] = [
    "optout",
    "optedout",
    "unsub",
    "suppress",
    "blacklist",
    "blocklist",
    "donot",
    "widerruf",
    "abgemeldet",
    "abmeld",
    "desabonn",
    "desinscri",
    "desuscri",
];
const OUT_WORDS: [&str; 16] = [
    "out", "not", "no", "stop", "stops", "stopped", "stopall", "smsstop", "dnc", "dnd", "dont", "blocked", "black",
    "block", "revoked", "baja",
];
/// Last words of headings that tell where something was done, not whether.
const DETAILS: [&str; 5] = ["ip", "device", "url", "page", "source"];
/// Words of headings that tell why somebody left, or after what.
const OUT_DETAILS: [&str; 2] = ["reason", "campaign"];
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
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    !of_another_channel(heading)
        && (words.iter().any(speaks)
            || words.windows(2).any(|two| PAIRS.iter().any(|pair| pair == two))
            || (has(&LEAVES) && has(&APPROACHES)))
}

/// Whether a heading tells where a consent was given, as `OPTIN_IP` does, and not whether.
pub fn is_detail(heading: &str) -> bool {
    let words = words(heading);
    words.last().is_some_and(|word| DETAILS.contains(&word.as_str()))
        && !words.iter().any(|word| speaks_of_an_end(word))
}

/// Whether a heading tells more of an opt-out that another column tells, as `UNSUB_REASON` does beside `UNSUB_TIME`.
pub fn is_detail_of_an_end(heading: &str) -> bool {
    let words = words(heading);
    let last = words.last().is_some_and(|word| DETAILS.contains(&word.as_str()));
    (last || words.iter().any(|word| OUT_DETAILS.contains(&word.as_str())))
        && words.iter().any(|word| speaks_of_an_end(word))
}

fn speaks_of_an_end(word: &str) -> bool {
    OUT_STEMS.iter().any(|stem| word.contains(stem)) || OUT_WORDS.contains(&word)
}

/// Whether a cell is an object, or several, in which a key speaks of consent or of messages, or a value refuses them.
pub fn object_speaks(heading: &str, cell: &str) -> bool {
    let cell = cell.trim_start();
    if !cell.starts_with(['{', '[']) {
        return false;
    }
    match serde_json::from_str(cell) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value_speaks(heading, &value),
        _ => false,
    }
}

/// The same of a value under a path of keys.
fn value_speaks(path: &str, value: &Value) -> bool {
    match value {
        Value::Object(object) => object.iter().any(|(key, value)| {
            let path = format!("{path} {key}");
            let speaks = speaks_of_consent(&path) || (speaks_of_messages(&path) && !of_another_channel(&path));
            (speaks && !value.is_object() && !value.is_null()) || value_speaks(&path, value)
        }),
        Value::Array(values) => values.iter().any(|value| value_speaks(path, value)),
        Value::String(text) => !of_another_channel(path) && status::is_refusal(text),
        _ => false,
    }
}

/// Whether a heading is about messages, so that yes or no below it may be consent.
pub fn speaks_of_messages(heading: &str) -> bool {
    let words = words(heading);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    has(&MESSAGES) || (has(&["preference", "preferences"]) && has(&["contact", "communication", "communications"]))
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
    for char in heading.chars().filter(|char| !matches!(char, '\'' | '’' | '\u{300}'..='\u{36f}')) {
        if !char.is_alphanumeric() || (after_small && char.is_uppercase()) {
            words.push(String::new());
        }
        after_small = char.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| char.is_alphanumeric()) {
            word.extend(char.to_lowercase().map(|char| names::without_accent(char).unwrap_or(char)));
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
            "OK to contact",
            "Contact OK?",
            "Contactable",
            "SMS OK",
            "May we text you",
            "Einwilligung",
            "Widerruf am",
            "Abgemeldet",
            "Désabonné",
            "De\u{301}sabonne\u{301}",
            "désinscrit",
            "Consentement",
            "Fecha de baja",
            "Consentimiento",
            "Suscrito",
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
            "Contact name",
            "Book club",
            "Inscription",
        ] {
            assert!(!speaks_of_consent(heading), "{heading}");
        }
    }

    #[test]
    fn details_are_of_a_consent_or_of_its_end() {
        for heading in ["OPTIN_IP", "CONFIRM_IP", "Opt-in source", "SMS consent URL", "Consent page", "OptInDevice"] {
            assert!(is_detail(heading) && !is_detail_of_an_end(heading), "{heading}");
        }
        for heading in ["UNSUB_REASON", "UNSUB_REASON_OTHER", "UNSUB_CAMPAIGN_TITLE", "UNSUB_CAMPAIGN_ID", "Opt-out IP"]
        {
            assert!(is_detail_of_an_end(heading) && !is_detail(heading), "{heading}");
        }
        for heading in ["OPTIN", "Source of consent", "UNSUB", "Unsub ID", "Unsubscribed from", "Reason", ""] {
            assert!(!is_detail(heading) && !is_detail_of_an_end(heading), "{heading}");
        }
    }

    #[test]
    fn objects_speak_by_their_keys() {
        for (heading, cell) in [
            ("sms", r#"{"optin":false}"#),
            ("channels", r#"{"sms":{"subscribed":false}}"#),
            ("channels", r#"{"email":{"subscribed":true},"sms":{"on":false}}"#),
            ("channels", r#"[{"name":"sms","consent":"no"}]"#),
            ("tags", r#"{"all":["vip","unsubscribed"]}"#),
        ] {
            assert!(object_speaks(heading, cell), "{heading} {cell}");
        }
        for (heading, cell) in [
            ("address", r#"{"city":"Rome"}"#),
            ("email", r#"{"optin":false}"#),
            ("channels", r#"{"email":{"subscribed":false}}"#),
            ("sms", "no"),
            ("tags", r#"["vip"]"#),
            ("note", "{sms"),
        ] {
            assert!(!object_speaks(heading, cell), "{heading} {cell}");
        }
    }
}
