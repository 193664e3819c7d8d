//! Channels: a column that says by which channel a row's consent is. Exports have one row for each, and an active row of e-mail says
//! nothing of messages.

use super::names;
use super::survey::Held;
use crate::model::blank::is_blank;
use crate::model::plain_refusal::fold::folded;
use crate::model::plain_refusal::title::words;

/// Parts of headings under which channels stand, folded; and those under which another one alone is a consent to it alone.
const HEADINGS: [&str; 8] = ["channel", "kanal", "canal", "medium", "type", "typ", "method", "チャネル"];
const OF_CONSENT: [&str; 5] = ["consent", "subscri", "message", "contact", "optin"];
/// Parts of headings under which a person's wish stands, folded: `Contact pref`, `Best way to reach`, `Vil ha beskjed på`.
const WISHES: [&str; 24] = [
    "pref",
    "reach",
    "notif",
    "remind",
    "beskjed",
    "besked",
    "varsl",
    "avis",
    "avvis",
    "erreich",
    "wunsch",
    "bevorzug",
    "benachricht",
    "voorkeur",
    "bereik",
    "upomin",
    "powiad",
    "upozorn",
    "ertesit",
    "yhteydenot",
    "ilmoit",
    "iletisim",
    "bildirim",
    "уведом",
];
/// Wishes that leave the channel open, or a wish that there is none of, folded.
const ANY: [&str; 27] = [
    "any",
    "anything",
    "anyhow",
    "either",
    "both",
    "all",
    "whatever",
    "egal",
    "ok",
    "nopreference",
    "nopref",
    "hvasomhelst",
    "vadsomhelst",
    "hvadsomhelst",
    "cualquiera",
    "dalomismo",
    "tantofaz",
    "qualsiasi",
    "indifferente",
    "peuimporte",
    "indifferent",
    "dowolnie",
    "obojetne",
    "maaktnietuit",
    "mikavain",
    "farketmez",
    "любой",
];
/// What messages go by, folded.
const OWN: [&str; 12] = [
    "sms",
    "text",
    "texts",
    "txt",
    "mms",
    "textmessage",
    "textmessages",
    "smsmarketing",
    "marketingsms",
    "mobile",
    "smstext",
    "短信",
];
/// Other channels, folded.
const OTHERS: [&str; 38] = [
    "epost",
    "mejl",
    "telefon",
    "telefono",
    "puhelin",
    "email",
    "emails",
    "mail",
    "emailonly",
    "emailmarketing",
    "marketingemail",
    "newsletter",
    "voice",
    "call",
    "calls",
    "phonecall",
    "phone",
    "push",
    "webpush",
    "mobilepush",
    "apppush",
    "inapp",
    "whatsapp",
    "rcs",
    "fax",
    "post",
    "directmail",
    "transactional",
    "telegram",
    "viber",
    "messenger",
    "postal",
    "letter",
    "brief",
    "anruf",
    "correo",
    "correoelectronico",
    "courriel",
];

/// Words that stand between channels, or before one.
const BETWEEN: [&str; 28] = [
    "and",
    "or",
    "only",
    "just",
    "marketing",
    "og",
    "och",
    "und",
    "et",
    "y",
    "en",
    "i",
    "e",
    "ja",
    "ve",
    "eller",
    "oder",
    "ou",
    "lub",
    "tai",
    "veya",
    "bare",
    "kun",
    "nur",
    "solo",
    "alleen",
    "seulement",
    "by",
];
/// What elsewhere says nothing.
const NONE: [&str; 2] = ["none", "keine"];

/// Whether channels stand in a column, messages among them, and in most cells nothing else.
pub fn are_channels(held: &Held) -> bool {
    let name = names::fold(&held.name);
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let is_of_wishes = is_of_wishes(&held.name);
    if !has(&HEADINGS) && !is_of_wishes {
        return false;
    }
    let (mut all, mut channels, mut own) = (0, 0, 0);
    for (value, count) in held.values().unwrap_or_default().into_iter().filter(|(value, _)| !is_blank(value)) {
        let named = names_in(value);
        all += count;
        channels += if named.is_some() { count } else { 0 };
        own += if named == Some(true) { count } else { 0 };
    }
    channels * 2 > all && (own > 0 || is_of_wishes || has(&OF_CONSENT))
}

/// Whether persons' wishes stand under a heading: one that names no messages is a wish for something else.
pub fn is_of_wishes(heading: &str) -> bool {
    let name = names::fold(heading);
    WISHES.iter().any(|part| name.contains(part))
}

/// Whether a wish is not for messages: `in person`, `voice`, `nothing pls`.
pub fn is_other_wish(cell: &str) -> bool {
    let is = |some: &[&str], text: &str| some.contains(&folded(text).as_str());
    (!is_blank(cell) || is(&NONE, cell))
        && !is(&ANY, cell)
        && !words(cell).iter().any(|word| is(&OWN, word) || is(&ANY, word))
}

/// Whether a cell names channels, and none by which messages go.
pub fn is_another(cell: &str) -> bool {
    names_in(cell) == Some(false)
}

/// Whether messages are among the channels of a cell; none where it has something else.
fn names_in(cell: &str) -> Option<bool> {
    let is = |some: &[&str], text: &str| some.contains(&folded(text).as_str());
    let is_one = |part: &&str| is(&OWN, part) || is(&OTHERS, part);
    if is_one(&cell) {
        return Some(is(&OWN, cell));
    }
    let parts: Vec<&str> = cell.split([',', ';', '/', '&', '+', '|']).filter(|part| !is_blank(part)).collect();
    if parts.len() > 1 && parts.iter().all(is_one) {
        return Some(parts.iter().any(|part| is(&OWN, part)));
    }
    let words = words(cell);
    let is_all = words.len() > 1 && words.iter().all(|word| is_one(&word.as_str()) || BETWEEN.contains(&word.as_str()));
    is_all.then(|| words.iter().any(|word| is(&OWN, word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::columns::survey::Survey;

    #[test]
    fn a_row_of_another_channel_is_known() {
        let held = |name: &str, cells: &[&str]| {
            let mut survey = Survey::of_header(std::iter::once(name));
            for cell in cells {
                survey.see(std::iter::once((0, *cell)));
            }
            are_channels(&survey.columns()[0])
        };
        assert!(held("Channel", &["EMAIL", "SMS"]) && held("SUBSCRIPTION TYPE", &["TEXT", "EMAIL", "EMAIL"]));
        assert!(held("Consent Type", &["Email"]) && held("Preferred Channel", &["Voice", "SMS", "Email"]));
        assert!(!held("Channel", &["Email", "Facebook", "Organic"]) && !held("Type", &["VIP", "SMS", "B2B"]));
        assert!(!held("Channel", &["Email", "Push"]) && !held("City", &["Mobile", "Email"]));
        for cell in ["EMAIL", "e-mail", "Email only", "Voice", "Push", "WhatsApp", "Transactional", "Email, Push"] {
            assert!(is_another(cell), "{cell}");
        }
        for cell in ["SMS", "Text", "Email, SMS", "Email and SMS", "SMS/MMS", "", "VIP"] {
            assert!(!is_another(cell), "{cell}");
        }
    }

    #[test]
    fn a_wish_that_names_no_messages_is_for_something_else() {
        for heading in ["Contact pref", "Preferred contact", "Best way to reach", "Preference"] {
            assert!(is_of_wishes(heading), "{heading}");
        }
        assert!(!is_of_wishes("Channel") && !is_of_wishes("Type"));
        for cell in ["never", "nothing pls", "don't", "none", "no cell", "mail (USPS)", "in person", "voice", "Email"] {
            assert!(is_other_wish(cell), "{cell}");
        }
        assert!(
            is_of_wishes("Vil ha beskjed på") && is_of_wishes("Erreichbar per") && is_of_wishes("Uwagi: powiadamiać")
        );
        for cell in ["bare e-post", "ingenting, takk", "lapp i postkassa"] {
            assert!(is_other_wish(cell), "{cell}");
        }
        for cell in ["telefon eller sms", "sms og e-post", "hva som helst", "egal"] {
            assert!(!is_other_wish(cell), "{cell}");
        }
        for cell in
            ["", "txt", "Text", "text after 5", "call or text", "SMS", "any", "Either", "no preference", "both ok"]
        {
            assert!(!is_other_wish(cell), "{cell}");
        }
    }
}
