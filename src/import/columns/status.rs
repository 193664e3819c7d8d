//! What a file says about consent, in the words of those who write files.

use super::names;
use crate::model::blank::{is_blank, is_failed};
use crate::model::change::RowStatus;
use crate::model::plain_refusal::answer::{NO, YES};
use crate::model::plain_refusal::fold::{is_struck_out, unaccented};

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Status(RowStatus),
    /// There never was a consent: nobody to subscribe, and nothing to forbid.
    NoConsent,
    Nothing,
    /// Nothing stands in the cell, and nobody said what that means.
    Blank,
}

/// What a mapping file calls it.
const MEANINGS: [(&str, Said); 6] = [
    ("active", Said::Status(RowStatus::Active)),
    ("opted_out", Said::Status(RowStatus::OptedOut)),
    ("suppressed", Said::Status(RowStatus::Suppressed)),
    ("invalid", Said::Status(RowStatus::Invalid)),
    ("no_consent", Said::NoConsent),
    ("nothing", Said::Nothing),
];

impl Said {
    /// Reads the word of a mapping file.
    pub fn parse(word: &str) -> Option<Said> {
        MEANINGS.iter().find(|(known, _)| *known == word).map(|(_, said)| *said)
    }

    /// The word for a mapping file.
    pub fn word(self) -> &'static str {
        MEANINGS.iter().find(|(_, said)| *said == self).map_or("", |(word, _)| word)
    }

    /// The words that [`Said::parse`] takes, for people.
    pub fn words() -> String {
        MEANINGS.map(|(word, _)| word).join(", ")
    }

    /// Whether who says so gets no messages.
    pub fn forbids(self) -> bool {
        !matches!(self, Said::Status(RowStatus::Active) | Said::Nothing | Said::Blank)
    }
}

const ACTIVE: [&str; 30] = [
    "active",
    "subscriber",
    "activesubscriber",
    "singleoptin",
    "doubleoptin",
    "subscribed",
    "subscribe",
    "optedin",
    "optin",
    "confirmed",
    "resubscribed",
    "start",
    "unstop",
    "aktiv",
    "actif",
    "activo",
    "activa",
    "ativo",
    "ativa",
    "attivo",
    "attiva",
    "actief",
    "aktywny",
    "aktywna",
    "aktivni",
    "aktivny",
    "aktivna",
    "aktif",
    "פעיל",
    "פעילה",
];
/// What is a yes to the question of consent, and may be something else under a status.
const AGREED: [&str; 13] =
    ["checked", "explicit", "可", "希望", "希望する", "同意", "yep", "yeah", "ok", "okay", "agreed", "agree", "signed"];
/// What may stand behind a yes and takes nothing from it: "Yes, text me".
const COURTESIES: [&str; 22] = [
    "please",
    "thanks",
    "thank",
    "you",
    "text",
    "texts",
    "me",
    "sms",
    "send",
    "i",
    "agree",
    "consent",
    "to",
    "receive",
    "messages",
    "ok",
    "okay",
    "sure",
    "absolutely",
    "definitely",
    "opt",
    "in",
];
/// Boxes of forms, checked and empty. A crossed one is a checked one where an empty one stands beside it.
const CHECKED: [char; 5] = ['☑', '✅', '☒', '✓', '✔'];
const EMPTY: [char; 5] = ['☐', '□', '▢', '◻', '⬜'];
/// Opt-outs.
const OPTED_OUT: [&str; 26] = [
    "unsub",
    "stopped",
    "cancelled",
    "canceled",
    "revoked",
    "optedoutall",
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
const SUPPRESSED: [&str; 7] = ["suppressed", "suppress", "blocked", "blocklisted", "blacklisted", "blacklist", "held"];
const INVALID: [&str; 8] =
    ["invalid", "bounced", "bounce", "hardbounced", "undeliverable", "disconnected", "unallocated", "cleaned"];
const NO_CONSENT: [&str; 9] = [
    "none",
    "neversubscribed",
    "notsubscribed",
    "nonsubscribed",
    "notoptedin",
    "noconsent",
    "nonconsented",
    "declined",
    "nosuscrito",
];
/// A word for the status; none for a word that nobody knows.
pub fn status(cell: &str) -> Option<Said> {
    let word = squeezed(cell);
    let is = |words: &[&str]| words.contains(&word.as_str());
    Some(match () {
        // Nothing may stand beside a word that permits: "(un)subscribed", "subscribed ✗".
        () if !is_struck_out(cell) && ACTIVE.contains(&names::fold(cell).as_str()) => Said::Status(RowStatus::Active),
        () if is(&OPTED_OUT) => Said::Status(RowStatus::OptedOut),
        () if is(&SUPPRESSED) => Said::Status(RowStatus::Suppressed),
        () if is(&INVALID) => Said::Status(RowStatus::Invalid),
        () if is(&NO_CONSENT) => Said::NoConsent,
        () if is_blank(cell) => Said::Blank,
        () => return None,
    })
}

/// Whether somebody consented: yes, no, or a word for the status.
pub fn consent(cell: &str) -> Option<Said> {
    match yes_or_no(cell) {
        Some(true) => Some(Said::Status(RowStatus::Active)),
        Some(false) => Some(Said::NoConsent),
        None if is_yes_and_no_more(cell) => Some(Said::Status(RowStatus::Active)),
        None if !is_struck_out(cell) && AGREED.contains(&names::fold(cell).as_str()) => {
            Some(Said::Status(RowStatus::Active))
        }
        None => match checked_box(cell) {
            Some(true) => Some(Said::Status(RowStatus::Active)),
            Some(false) => Some(Said::NoConsent),
            None => status(cell),
        },
    }
}

/// Whether somebody opted out: yes, no, or a word for a status that forbids. One that permits says nothing here that could be
/// relied on: "do not text: active".
pub fn opt_out(cell: &str) -> Option<Said> {
    match yes_or_no(cell) {
        Some(true) => Some(Said::Status(RowStatus::OptedOut)),
        Some(false) => Some(Said::Nothing),
        // Usual exports leave it blank for everybody else. What a failed look-up leaves may stand for a yes.
        None if is_blank(cell) => (!is_failed(cell)).then_some(Said::Nothing),
        None => status(cell).filter(|said| *said != Said::Status(RowStatus::Active)),
    }
}

/// Whether a cell is a yes with nothing behind it that may turn it round: "Yes!", "Yes, text me". Each word and each sign is known.
fn is_yes_and_no_more(cell: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphabetic() || matches!(c, ' ' | ',' | '.' | '!');
    if !cell.starts_with(['Y', 'y', 'S', 's', 'O', 'o']) || !cell.chars().all(is_plain) {
        return false;
    }
    let lower = cell.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    words.next().is_some_and(|word| ["yes", "yep", "yeah", "sure", "ok", "okay"].contains(&word))
        && words.all(|word| COURTESIES.contains(&word))
}

/// The answer whose box is checked, where the others have empty ones: "☑ Yes ☐ No", "[ ] yes [x] no", "Yes ☐ No ☑". None where more than
/// one is, or an answer is neither yes nor no.
fn checked_box(cell: &str) -> Option<bool> {
    const WRITTEN: [(&str, &str); 6] =
        [("[x]", "☑"), ("[X]", "☑"), ("(x)", "☑"), ("[ ]", "☐"), ("[]", "☐"), ("( )", "☐")];
    if cell.is_ascii() && !cell.contains(['[', '(']) {
        return None;
    }
    let mut plain = cell.replace(['\u{fe0e}', '\u{fe0f}'], "");
    for (written, sign) in WRITTEN {
        plain = plain.replace(written, sign);
    }
    let is_box = |c: char| CHECKED.contains(&c) || EMPTY.contains(&c);
    let boxes: Vec<char> = plain.chars().filter(|c| is_box(*c)).collect();
    let answers: Vec<Option<bool>> =
        plain.split(is_box).map(str::trim).filter(|text| !text.is_empty()).map(yes_or_no).collect();
    let checked = boxes.iter().position(|c| CHECKED.contains(c))?;
    let is_one = boxes.len() == 2 && boxes.iter().filter(|c| CHECKED.contains(c)).count() == 1;
    // Each box has its answer on the same side.
    let are_beside = plain.trim().starts_with(is_box) != plain.trim().ends_with(is_box);
    let are_two = matches!(answers[..], [Some(one), Some(other)] if one != other);
    (is_one && are_beside && are_two).then(|| answers[checked]).flatten()
}

/// Whether a cell under the heading of a date says that it never came to it.
pub fn is_never(cell: &str) -> bool {
    cell.eq_ignore_ascii_case("never")
}

/// Whether a cell is a cross, which marks a yes on some forms and a no on others.
pub fn is_cross(cell: &str) -> bool {
    cell.trim().eq_ignore_ascii_case("x")
}

/// A yes or a no as it is, but for case, accents and quotes around it: what stands beside it may turn it round.
pub fn yes_or_no(cell: &str) -> Option<bool> {
    // Behind a tick there may stand that it is an emoji.
    let plain = cell.trim().trim_matches(['\'', '"', '.', '\u{fe0e}', '\u{fe0f}']);
    let lower = plain.chars().flat_map(char::to_lowercase);
    let word: String = lower.map(unaccented).collect();
    if YES.contains(&word.as_str()) {
        return Some(true);
    }
    NO.contains(&word.as_str()).then_some(false)
}

/// Letters and digits alone, in lower case and without accents. What is written in other letters stays, to be unknown.
/// Enough for a word that forbids, whatever stands around it.
fn squeezed(cell: &str) -> String {
    let lower = cell.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase);
    let mut word = String::with_capacity(cell.len());
    word.extend(lower.map(unaccented));
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_or_refused() {
        for cell in ["active", " Subscribed ", "OPTED_IN", "opted-in", "Aktiv", "ACTIF", "activo"] {
            assert_eq!(status(cell), Some(Said::Status(RowStatus::Active)), "{cell}");
        }
        for cell in ["Opted Out", "UNSUBSCRIBED", "stop", "opt-out"] {
            assert_eq!(status(cell), Some(Said::Status(RowStatus::OptedOut)), "{cell}");
        }
        assert_eq!(status("Suppressed"), Some(Said::Status(RowStatus::Suppressed)));
        assert_eq!(status("bounced"), Some(Said::Status(RowStatus::Invalid)));
        assert_eq!(status("NEVER_SUBSCRIBED"), Some(Said::NoConsent));
        assert_eq!((status(""), consent("-")), (Some(Said::Blank), Some(Said::Blank)));
        for cell in [
            "delivered",
            "yes",
            "1",
            "pending",
            "активен",
            "unactive",
            "✗",
            "?",
            "subscribed ✗",
            "!active",
            "active?",
            "Iscritto",
            "Angemeldet",
            "a\u{336}c\u{336}t\u{336}i\u{336}v\u{336}e\u{336}",
        ] {
            assert_eq!(status(cell), None, "{cell}");
        }
    }

    #[test]
    fn yes_and_no_depend_on_the_question() {
        assert_eq!(consent("TRUE"), Some(Said::Status(RowStatus::Active)));
        assert_eq!(consent("no"), Some(Said::NoConsent));
        assert_eq!(consent("Unsubscribed"), Some(Said::Status(RowStatus::OptedOut)));
        for cell in ["checked", "Explicit", "可", "希望する", "aktywny", "Aktivní", "פעיל"] {
            assert_eq!(consent(cell), Some(Said::Status(RowStatus::Active)), "{cell}");
        }
        for cell in [
            "Yes!",
            "Yep",
            "OK",
            "agreed",
            "Signed",
            "Yes, text me",
            "Yes please",
            "yes, thank you!",
            "☑ Yes ☐ No",
            "☐ No ☑ Yes",
            "Yes ☑ No ☐",
            "[x] yes [ ] no",
            "☒ Ja ☐ Nein",
        ] {
            assert_eq!(consent(cell), Some(Said::Status(RowStatus::Active)), "{cell}");
        }
        for cell in ["☐ Yes ☑ No", "[ ] yes [x] no", "Yes ☐ No ☑", "☐ Ja ☒ Nein"] {
            assert_eq!(consent(cell), Some(Said::NoConsent), "{cell}");
        }
        for cell in [
            "yes?",
            "yes no",
            "Yes, no",
            "Yes, mail me",
            "yes to calls",
            "ok?",
            "ok for email",
            "OK (no promos)",
            "Yes - email",
            "☑ Yes ☑ No",
            "☐ Yes ☐ No",
            "☑ Email ☐ SMS",
            "☐ Yes",
            "☑ Yes ☐",
            "not signed",
            "agreed?",
            "agreed until May",
            "Yes, I opt out",
        ] {
            assert_eq!(consent(cell), None, "{cell}");
        }
        for cell in ["unchecked", "Implicit", "不可", "希望しない", "nieaktywny", "neaktivní", "לא פעיל", "checked?"]
        {
            assert_eq!(consent(cell), None, "{cell}");
        }
        assert_eq!(opt_out("Yes"), Some(Said::Status(RowStatus::OptedOut)));
        assert_eq!(opt_out("false"), Some(Said::Nothing));
        assert_eq!(opt_out("maybe"), None);
        for cell in ["✓", "✔️", "☑", "✅", "WAHR", "Vrai"] {
            assert_eq!(yes_or_no(cell), Some(true), "{cell}");
        }
        for cell in ["да", "はい", "是", "예", "Sí", "ja", "oui", "tak", "Sim", "evet"] {
            assert_eq!((yes_or_no(cell), yes_or_no(&format!("{cell}?"))), (Some(true), None), "{cell}");
        }
        for cell in ["FALSCH", "Faux", "falso", "нет", "いいえ", "否", "아니요", "nie", "Não", "hayır", "nein", "non"]
        {
            assert_eq!(yes_or_no(cell), Some(false), "{cell}");
        }
        for cell in ["", "-", "N/A", "NULL", "None"] {
            assert_eq!(opt_out(cell), Some(Said::Nothing), "{cell}");
        }
        assert_eq!((status("none"), consent("None")), (Some(Said::NoConsent), Some(Said::NoConsent)));
        for cell in ["#N/A", "NaN", "undefined", "#REF!"] {
            assert_eq!(opt_out(cell), None, "{cell}");
        }
        for cell in ["ONAY", "RET", "-1", "!1", "✗", "☒", "●", "•", "*", "+", "!", "?", ".", "🚫", "###", "unknown"]
        {
            assert_eq!((consent(cell), opt_out(cell)), (None, None), "{cell}");
        }
    }
}
