//! Headings and keys that deny: `Do not phone`, `Kein Anruf`, `Rahatsız etme`, `連絡不可`. A yes below one is a refusal.
//!
//! Nobody knows all of them. What they cannot do without is little: a word that denies, and what is sent, how, or to what somebody
//! agrees; or a prohibition of whatever it is (`Do not disturb`, `Ne pas …`, `не беспокоить`); or a word that says it alone. What they
//! deny may be something else: that a number was verified, that a parcel is folded. Such words are known, in any language:
//! denial.txt has them.

use super::question::{Kind, is_of_consent, kinds};
use super::title::{is_about_mail, is_of_an_opt_in, unanswered, words};
use super::vocabulary::{OPT, OUT, sense};

/// So near behind what denies stands what it denies.
const DENIED_WITHIN: usize = 3;
/// Infinitives, which a denial makes a prohibition: "nie dzwonić", "не беспокоить", "não ligar", "non disturbare".
const INFINITIVES: [(&str, &[&str]); 6] = [
    ("nie", &["c"]),
    ("не", &["ть", "ти"]),
    ("nao", &["ar", "er", "ir"]),
    ("non", &["are", "ere", "ire"]),
    ("nicht", &["rufen", "storen", "stoeren", "schreiben"]),
    ("pas", &["er", "ir", "re"]),
];

kinds! {
    "denial.txt":
    not,
    perhaps,
    channel,
    sends,
    denied,
    alone,
    joined,
    others,
    mail,
    small,
}

/// How a heading denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It forbids: whatever stands below it but a no says that it is so.
    Prohibition,
    /// A yes below it is a refusal. Another word may be of something else: "No Telefon" is a number.
    Perhaps,
}

impl Denial {
    /// Reads a heading or a key; none where it denies nothing that contactd is for.
    pub fn of(heading: &str) -> Option<Denial> {
        if is_about_mail(heading) || is_of_an_opt_in(heading) {
            return None;
        }
        let words = words(&unanswered(heading));
        let Kinds { denied, joined, others, mail, channel, .. } = &*KINDS;
        // "Do not send mail", but not "do not phone or mail".
        let is_mail = || mail.has_any(&words) && !channel.has_any(&words) && !words.iter().any(|word| word == "e");
        if words.is_empty() || others.has_any(&words) || is_mail() {
            return None;
        }
        if is_prohibition(&words) || denied.has_any(&words) {
            return Some(Denial::Prohibition);
        }
        let is_alone = || is_alone(&words) || joined.has(&words.concat());
        match denies_a_channel(&words) {
            None if is_alone() => Some(Denial::Perhaps),
            denial => denial,
        }
    }
}

/// Whether a heading begins with a denial, whatever it denies, but that somebody is out: a yes below it is no consent.
pub fn denies(heading: &str) -> bool {
    let words = words(heading);
    let begins = || {
        words.first().is_some_and(|first| KINDS.not.has(first) || KINDS.perhaps.has(first))
            || words.starts_with(&["do".to_owned(), "not".to_owned()])
    };
    let is_out = |word: &String| sense(word).is_some_and(|sense| sense & (OUT | OPT) != 0);
    Denial::of(heading).is_some() || is_prohibition(&words) || begins() && !words.iter().any(is_out)
}

/// Whether something is forbidden, whatever it is, but mail.
fn is_prohibition(words: &[String]) -> bool {
    let Kinds { others, mail, small, .. } = &*KINDS;
    let is = |at: usize, some: &[&str]| words.get(at).is_some_and(|word| some.contains(&word.as_str()));
    let behind = |at: usize| {
        let rest = &words[at.min(words.len())..];
        let is_of_others = || rest.iter().all(|word| others.has(word) || mail.has(word) || small.has(word));
        rest.is_empty() || !is_of_others() || rest.iter().all(|word| small.has(word))
    };
    let first = words.iter().position(|word| !small.has(word) || word == "do" || word == "ne").unwrap_or(0);
    let until = |at: usize| match () {
        () if is(at, &["do"]) && is(at + 1, &["not"]) => Some(at + 2),
        () if is(at, &["dont", "donot", "never"]) => Some(at + 1),
        () if is(at, &["ne"]) && is(at + 1, &["pas", "plus"]) => Some(at + 2),
        () => None,
    };
    let is_infinitive = |at: usize| {
        INFINITIVES.iter().any(|(not, ends)| {
            words[at] == *not
                && words.get(at + 1).is_some_and(|verb| ends.iter().any(|end| verb.ends_with(end)) && !mail.has(verb))
        })
    };
    until(first).is_some_and(behind) || (0..words.len()).any(is_infinitive) && behind(1)
}

/// Whether each word says it alone, or says nothing.
fn is_alone(words: &[String]) -> bool {
    let Kinds { alone, small, .. } = &*KINDS;
    words.iter().any(|word| alone.has(word)) && words.iter().all(|word| alone.has(word) || small.has(word))
}

/// Whether what is sent, or the consent, is denied: before it, behind it as the last word, or in one word with it.
fn denies_a_channel(words: &[String]) -> Option<Denial> {
    let Kinds { not, perhaps, channel, sends, .. } = &*KINDS;
    let is_channel = |word: &String| channel.has(word) || sends.has(word) || is_of_consent(word);
    let denies = |at: usize, not: &Kind| {
        let near = &words[at + 1..(at + 1 + DENIED_WITHIN).min(words.len())];
        let is_last = at + 1 == words.len();
        not.has(&words[at]) && (near.iter().any(is_channel) || !words[at].is_ascii() && is_channel(&words[at]))
            || not.has(&words[at]) && is_last && at > 0 && is_channel(&words[at - 1])
    };
    let places = 0..words.len();
    if places.clone().any(|at| denies(at, not)) {
        return Some(Denial::Prohibition);
    }
    // "Phone No" is a number.
    let is_before = |at: usize| at + 1 < words.len() && denies(at, perhaps);
    places.into_iter().any(is_before).then_some(Denial::Perhaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_that_deny_are_known() {
        let wrong: Vec<&str> = [
            "Do not phone",
            "do_not_phone",
            "DoNotPhone",
            "Do not ring",
            "Please do not phone",
            "Do not disturb",
            "Do not bother",
            "Don't reach out",
            "Never call",
            "Kein Anruf",
            "Keine Telefonate",
            "Nicht stören",
            "Nicht anrufen",
            "Ohne Einwilligung",
            "Ne pas déranger",
            "Ne plus relancer",
            "Pas d'appel",
            "Sans accord SMS",
            "Sin consentimiento",
            "Não ligar",
            "Não incomodar",
            "Non disturbare",
            "Niet storen",
            "Ring ej",
            "Kontakta inte",
            "Ikke ring",
            "Älä soita",
            "Nie dzwonić",
            "Nevolat",
            "Nerušit",
            "Ne hívja",
            "Rahatsız etme",
            "Aramayın",
            "Не беспокоить",
            "Не звонить",
            "Не турбувати",
            "Χωρίς συγκατάθεση",
            "連絡不可",
            "電話不可",
            "勿扰电话",
            "연락 금지",
            "Jangan hubungi",
            "Không gọi",
            "לא להתקשר",
        ]
        .into_iter()
        .filter(|heading| Denial::of(heading) != Some(Denial::Prohibition))
        .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let wrong: Vec<&str> = [
            "No phone",
            "Requests no phone",
            "No ring",
            "Not mobile",
            "No contactar más",
            "Objects",
            "Objected?",
            "Avoid",
            "Leave alone",
            "禁止",
            "不可",
            "Verboten",
            "Interdit",
            "Prohibido",
            "Yasak",
            "Запрет",
            "No Telefon",
            "Hide",
            "Hide from campaigns",
            "Skip",
            "Skip SMS",
        ]
        .into_iter()
        .filter(|heading| Denial::of(heading) != Some(Denial::Perhaps))
        .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn what_denies_something_else_is_none() {
        let wrong: Vec<&str> = [
            "",
            "Phone",
            "Phone No",
            "Mobile No.",
            "Contact No",
            "Call Notes",
            "Do not mail",
            "Do not email",
            "Do not send mail",
            "No newsletter",
            "Keine Post",
            "No show",
            "No pets",
            "Non-profit",
            "Not paid",
            "No sugar",
            "Do not fold",
            "Do not invoice",
            "Phone not verified",
            "SMS not delivered",
            "Nicht erschienen",
            "Text",
            "Contact",
            "Notes",
            "City",
            "Art objects",
            "Nonsense",
            "Opt in",
            "Not opted out",
            "Sans gluten",
            "Mai Anruf",
        ]
        .into_iter()
        .filter(|heading| Denial::of(heading).is_some())
        .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(denies("No show") && denies("Do not fold") && denies("Keine Post"));
        assert!(!denies("Not opted out") && !denies("Nora") && !denies("Phone No") && !denies(""));
    }
}
