//! A yes and a no as an answer, in the languages of those who send many; and headings under which codes of failures stand.

use super::NO_SIGNS;
use super::fold::folded;
use crate::model::blank::is_blank;

/// A no, folded.
pub const NO: [&str; 23] = [
    "no",
    "n",
    "false",
    "f",
    "0",
    "off",
    "nein",
    "non",
    "falsch",
    "faux",
    "falso",
    "onwaar",
    "nee",
    "nej",
    "nie",
    "nao",
    "нет",
    "いいえ",
    "否",
    "不",
    "아니요",
    "아니오",
    "hayir",
];
/// Yes, as people write it, as spreadsheets of several languages do, and ticks. A cross could be either.
pub const YES: [&str; 28] = [
    "yes",
    "y",
    "true",
    "t",
    "1",
    "x",
    "on",
    "ja",
    "oui",
    "si",
    "wahr",
    "vrai",
    "verdadero",
    "verdadeiro",
    "vero",
    "waar",
    "да",
    "はい",
    "是",
    "예",
    "네",
    "tak",
    "sim",
    "evet",
    "✓",
    "✔",
    "☑",
    "✅",
];
/// What is a no to a question about consent, and may be something else elsewhere: Turkish registers of consent say RET, for refused.
const DENIAL: [&str; 39] = [
    "nope",
    "ne",
    "nei",
    "ei",
    "nu",
    "ni",
    "nem",
    "ret",
    "ні",
    "не",
    "لا",
    "never",
    "inactive",
    "disabled",
    "denied",
    "declined",
    "refused",
    "expired",
    "withdrawn",
    "revoked",
    "abgelehnt",
    // What became of it, or that it has not come: "gdpr: erased", "opt: out".
    "out",
    "none",
    "nothing",
    "erased",
    "deleted",
    "forgotten",
    "anonymized",
    "anonymised",
    "rejected",
    "cancelled",
    "canceled",
    "lapsed",
    "ended",
    "terminated",
    "pending",
    "unconfirmed",
    "missing",
    "stopped",
];

/// Parts of headings of codes, and of those of other codes, folded.
const CODES: [&str; 8] = ["code", "error", "fehler", "erreur", "fail", "deliver", "status", "reason"];
const NO_CODES: [&str; 11] =
    ["post", "zip", "plz", "area", "country", "lang", "promo", "product", "coupon", "voucher", "customer"];

/// Whether a text is a plain no.
pub fn is_no(text: &str) -> bool {
    NO.contains(&folded(text).as_str()) && !text.trim().is_empty()
}

/// Whether a text is a plain yes in words, and no 1, which may be a count.
pub fn is_yes_in_words(text: &str) -> bool {
    let folded = folded(text);
    let word = if folded.is_empty() { text.trim() } else { folded.as_str() };
    word != "1" && YES.contains(&word)
}

/// Whether a text denies what a question about consent asks.
pub fn denies(text: &str) -> bool {
    // "None" is blank elsewhere.
    let is_none = || folded(text) == "none";
    (!is_blank(text) || is_none())
        && (is_no(text) || DENIAL.contains(&folded(text).as_str()) || NO_SIGNS.iter().any(|sign| text.contains(*sign)))
}

/// Whether codes of failures stand under a heading, which is folded.
pub fn is_of_codes(heading: &str) -> bool {
    let has = |parts: &[&str]| parts.iter().any(|part| heading.contains(part));
    has(&CODES) && !has(&NO_CODES)
}
