//! Headings and keys that ask whether somebody wants messages: to one of these, a plain no is a refusal.
//!
//! Nobody knows all of them. What they cannot do without is a word for consent; or one for a leave that is given, and what it is
//! given for; or messages, and nothing that is counted or dated; or a leave, or being on the list, and nothing else. Such words are
//! known by how they begin, in any language: question.txt has them.

use super::denial::Denial;
use super::expiry::is_of_an_end_of_consent;
use super::title::{is_about_mail, speaks_of_an_end, unanswered, words};

/// A part of a word that has so many letters stands for itself wherever it stands: in many languages words are joined.
const PART_LETTERS_MIN: usize = 6;

/// The words of one kind.
#[derive(Default)]
pub struct Kind {
    beginnings: Vec<&'static str>,
    whole: Vec<&'static str>,
}

impl Kind {
    /// The kind of a name, from a text of them.
    pub fn named(text: &'static str, name: &str) -> Kind {
        let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
        let all = lines.filter(|(known, _)| *known == name).flat_map(|(_, words)| words.split_whitespace());
        let mut kind = Kind::default();
        for word in all {
            match word.strip_prefix('=') {
                Some(whole) => kind.whole.push(whole),
                None => kind.beginnings.push(word),
            }
        }
        kind
    }

    /// Whether a word is of this kind.
    pub fn has(&self, word: &str) -> bool {
        self.whole.contains(&word) || begins_one(word, &self.beginnings)
    }

    /// Whether one of several is.
    pub fn has_any(&self, words: &[String]) -> bool {
        words.iter().any(|word| self.has(word))
    }
}

/// Declares `KINDS`: the kinds of words of a file, each under its name there.
macro_rules! kinds {
    ($file:literal: $($(#[$meta:meta])* $name:ident,)+) => {
        struct Kinds {
            $($(#[$meta])* $name: $crate::model::plain_refusal::question::Kind,)+
        }

        static KINDS: std::sync::LazyLock<Kinds> = std::sync::LazyLock::new(|| Kinds {
            $($name: $crate::model::plain_refusal::question::Kind::named(include_str!($file), stringify!($name)),)+
        });
    };
}
pub(super) use kinds;

kinds! {
    "question.txt":
    consent,
    leave,
    alone,
    messages,
    phones,
    ok,
    lines,
    others,
    small,
}

/// Headings of who is on the list, in the letters of all their words.
const LISTED: [&str; 7] = ["onlist", "onthelist", "signedup", "ontextlist", "onsmslist", "chấpnhận", "chophep"];

/// What is sent to those who subscribed, by e-mail as a rule.
const NEWSLETTERS: [&str; 12] = [
    "newsletter",
    "infolettre",
    "boletin",
    "nyhetsbrev",
    "nyhedsbrev",
    "uutiskirje",
    "nieuwsbrief",
    "hirlevel",
    "bulten",
    "メルマガ",
    "ニュースレター",
    "뉴스레터",
];

/// Whether a word begins as one of several, or has one that is not in Latin letters in it.
pub fn begins_one(word: &str, some: &[&str]) -> bool {
    some.iter().any(|part| word.starts_with(part) || !part.is_ascii() && word.contains(part))
}

/// Whether a word is one for consent itself, or has one in it: `Kontakteinwilligung`.
pub fn is_of_consent(word: &str) -> bool {
    let consent = &KINDS.consent;
    consent.has(word) || consent.beginnings.iter().any(|part| part.len() >= PART_LETTERS_MIN && word.contains(part))
}

/// Whether the words of a heading speak of a consent.
pub fn has_consent(words: &[String]) -> bool {
    // "opt in" is two words, and so may be what is written as one elsewhere.
    let joined = words.concat();
    words.iter().any(|word| is_of_consent(word)) || joined.contains("optin") || joined.contains("optedin")
}

/// Whether a heading or a key asks whether somebody wants messages.
pub fn asks_for_consent(heading: &str) -> bool {
    // To "Do not text?" a no permits.
    if is_about_mail(heading)
        || speaks_of_an_end(heading)
        || is_of_an_end_of_consent(heading)
        || Denial::of(heading).is_some()
    {
        return false;
    }
    let Kinds { leave, alone, messages, phones, ok, lines, others, small, .. } = &*KINDS;
    let words = words(&unanswered(heading));
    let joined = words.concat();
    let is_consent = |word: &String| is_of_consent(word);
    let is_status = words.iter().any(|word| word == "status" || word == "state")
        && words.iter().any(|word| begins_one(word, &["member", "subscri", "contact", "optin"]));
    let gives = leave.has_any(&words) && messages.has_any(&words);
    let is_only = || {
        let says_it = |word: &String| alone.has(word) || is_consent(word);
        words.iter().any(says_it) && words.iter().all(|word| says_it(word) || small.has(word))
    };
    let is_all_right = || {
        let of_it = |word: &String| ok.has(word) || lines.has(word) || small.has(word);
        ok.has_any(&words) && lines.has_any(&words) && words.iter().all(of_it)
    };
    let are_wishes = words.len() > 1 && words.iter().all(|word| leave.has(word) && word.len() > 3);
    (has_consent(&words) || is_status || gives || phones.has_any(&words)) && !others.has_any(&words)
        || are_wishes
        || is_only()
        || is_all_right()
        || LISTED.contains(&joined.as_str())
        || heading.trim_end().ends_with('?') && words.iter().all(|word| messages.has(word)) && !words.is_empty()
}

/// Whether a heading asks who wants a newsletter, which may be one of messages.
pub fn is_of_a_newsletter(heading: &str) -> bool {
    let words = words(heading);
    let is_one = |word: &String| NEWSLETTERS.iter().any(|name| word.strip_suffix('s').unwrap_or(word) == *name);
    words.iter().any(is_one) && words.iter().all(|word| is_one(word) || KINDS.small.has(word))
}

/// Whether messages may be counted under a heading: it names several, and nothing else.
pub fn may_count(heading: &str) -> bool {
    let words = words(heading);
    let are_several = |word: &String| KINDS.messages.has(word) && word != "sms" && word.ends_with('s');
    !words.is_empty() && words.iter().all(are_several)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_that_ask_are_known() {
        for heading in [
            "Allow SMS",
            "May Text",
            "Okay to text",
            "Express Consent",
            "Agreed to SMS",
            "Text Alerts",
            "SMS Notifications",
            "Promo Texts",
            "Sendable",
            "Contact OK",
            "SMS Marketing State",
            "Autoriza",
            "Zgoda marketingowa",
            "SMS İzni",
            "İYS",
            "SMS erlaubt",
            "Accord SMS",
            "allow_sms",
            "may_text",
            "okay_to_text",
            "express_consent",
            "agreed",
            "autorizacion",
            "acepta_publicidad",
            "consimtamant",
            "allow_texts",
            "allows_sms",
            "allow_marketing",
            "texting_allowed",
            "sms_alerts",
            "mailable_sms",
            "opt_in",
            "Member Status",
            "Subscriber Status",
            "contact_status",
            "Mkt OK",
            "Mobile OK",
            "Cell OK",
            "Home OK",
            "Phone OK",
            "phone_ok",
            "OK to phone",
            "Telefon OK",
            "Channel OK",
            "OK pub",
            "Send?",
            "Contact?",
            "Blast?",
            "On list",
            "On list?",
            "Still wants",
            "Receives",
            "Allow",
            "Opt",
            "PEWC",
            "Abo",
            "Abonné",
            "Accord",
            "Acepta",
            "Accetta",
            "Godkänt",
            "Подписан",
            "Разрешение",
            "مشترك",
            "Đồng ý",
            "Pahintulot",
            "配信",
            "광고수신",
        ] {
            assert!(asks_for_consent(heading), "{heading}");
        }
    }

    #[test]
    fn other_headings_ask_for_nothing() {
        for heading in [
            "vip",
            "email_opt_in",
            "Accepts Email Marketing",
            "allow_backorder",
            "accepts_cards",
            "sms_sent",
            "Text Color",
            "sms_count",
            "last_text",
            "contact",
            "offer",
            "Notes",
            "City",
            "cancelled_orders",
            "marketing_source",
            "texts_received",
            "candidate",
            "Maya",
            "Canada",
            "oklahoma",
            "Phone orders OK",
            "Home",
            "Cell",
            "opt_in_date",
            "Newsletter",
            "do_not_text",
            "No SMS",
            "SMS opt out",
            "stop_texts",
            "Do Not Contact",
            "Customer Status",
            "order_status",
            "Newsletter design",
            "Send date",
            "Allowance",
            "Optician",
            "Rejected offer",
            "List",
            "Mobile",
            "Channel",
            "Public holiday",
            "Consent Expiry",
            "Zustimmung Ende",
            "Do not phone",
            "Kein Kontakt",
            "連絡不可",
            "",
        ] {
            assert!(!asks_for_consent(heading), "{heading}");
        }
    }
}
