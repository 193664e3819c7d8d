//! Headings and keys that ask whether somebody wants messages: to one of these, a plain no is a refusal.
//!
//! Nobody knows all of them. What they cannot do without is a word for consent; or one for a leave that is given, and what it is
//! given for; or messages, and nothing that is counted or dated. Such words are known by how they begin, in any language.

use super::title::{is_about_mail, speaks_of_an_end, words};

/// Beginnings of words for consent itself.
const CONSENT: [&str; 51] = [
    "consent",
    "consens",
    "consim",
    "optin",
    "optedin",
    "optsin",
    "einwillig",
    "zustimm",
    "zgod",
    "souhlas",
    "suhlas",
    "hozzajarul",
    "samtyk",
    "suostum",
    "toestem",
    "onay",
    "izin",
    "izni",
    "iys",
    "rgpd",
    "gdpr",
    "dsgvo",
    "lgpd",
    "tcpa",
    "permiso",
    "permiss",
    "соглас",
    "згод",
    "συγκατα",
    "pristan",
    "soglas",
    "saglas",
    "sutikim",
    "pahintulot",
    "piekris",
    "nousolek",
    "同意",
    "許可",
    "동의",
    "werbeeinwillig",
    "συγκατάθ",
    "съглас",
    "موافق",
    "הסכמ",
    "सहमति",
    "ยินยอม",
    "dồng",
    "setuju",
    "persetuju",
    "privol",
    "akkoord",
];
/// Beginnings of words for a leave, or a wish.
const LEAVE: [&str; 38] = [
    "allow",
    "permit",
    "may",
    "can",
    "ok",
    "okay",
    "agree",
    "accept",
    "want",
    "receiv",
    "enable",
    "optin",
    "express",
    "autoriz",
    "autoris",
    "authori",
    "acept",
    "aceit",
    "accett",
    "acord",
    "accord",
    "erlaub",
    "darf",
    "akzept",
    "souhait",
    "desea",
    "deseja",
    "recib",
    "receb",
    "ricev",
    "dovol",
    "mottag",
    "tillat",
    "sallit",
    "allows",
    "acconsent",
    "разреш",
    "дозвол",
];
/// Leaves that say all of it alone.
const ALONE: [&str; 52] = [
    "autoriza",
    "autorizado",
    "autorizada",
    "autorizacion",
    "autorizacao",
    "autorizza",
    "agreed",
    "sendable",
    "textable",
    "agree",
    "accept",
    "allow",
    "allowed",
    "wants",
    "receives",
    "opt",
    "pewc",
    "messages",
    "promos",
    "acepta",
    "aceita",
    "accetta",
    "accord",
    "autorisation",
    "abo",
    "abonne",
    "abonnee",
    "publicidad",
    "godkant",
    "feliratkozott",
    "подписан",
    "подписана",
    "разрешение",
    "підписка",
    "абонамент",
    "مشترك",
    "配信",
    "광고수신",
    "aceite",
    "subscriber",
    "marketable",
    "permitted",
    "opted",
    "iscritto",
    "iscritta",
    "inscrito",
    "inscrita",
    "aangemeld",
    "订阅",
    "訂閱",
    "рассылка",
    "דיוור",
];
/// Beginnings of words for messages, or the sending of them.
const MESSAGES: [&str; 43] = [
    "sms",
    "text",
    "txt",
    "mms",
    "messag",
    "mensa",
    "nachricht",
    "bericht",
    "messagg",
    "whatsapp",
    "mobile",
    "channel",
    "market",
    "mktg",
    "mkt",
    "promo",
    "pub",
    "advert",
    "offer",
    "offerte",
    "ofert",
    "contact",
    "kontakt",
    "contat",
    "notif",
    "alert",
    "communic",
    "comunic",
    "werbung",
    "reklam",
    "newsletter",
    "send",
    "blast",
    "campaign",
    "kampan",
    "смс",
    "рассыл",
    "сообщ",
    "реклам",
    "短信",
    "メール",
    "문자",
    "광고",
];
/// Beginnings of those that are of phones for sure: `text_alerts`, `sms_notifications`.
const OF_PHONES: [&str; 6] = ["sms", "txt", "mms", "смс", "短信", "문자"];
/// The same as whole words: a texture is none.
const OF_PHONES_WHOLE: [&str; 6] = ["text", "texts", "texting", "textable", "sendable", "mailable"];
/// Words that stand beside these where the heading asks nothing: something is counted, dated, or looks like something.
const OTHERS: [&str; 55] = [
    "count",
    "counts",
    "sent",
    "total",
    "totals",
    "num",
    "number",
    "numbers",
    "no",
    "id",
    "date",
    "at",
    "on",
    "time",
    "last",
    "first",
    "click",
    "clicks",
    "delivered",
    "failed",
    "received",
    "replies",
    "reply",
    "cost",
    "credits",
    "error",
    "errors",
    "code",
    "template",
    "body",
    "content",
    "color",
    "colour",
    "size",
    "font",
    "align",
    "length",
    "opened",
    "bounces",
    "bounced",
    "lines",
    "book",
    "books",
    "version",
    "provider",
    "gateway",
    "balance",
    "limit",
    "price",
    "quota",
    "segments",
    "parts",
    "fee",
    "charges",
    "plan",
];
/// What may stand beside a leave that is asked for alone: `May we?`
const SMALL: [&str; 15] =
    ["still", "to", "is", "has", "we", "i", "me", "you", "us", "by", "via", "for", "the", "status", "state"];

/// The same of who is on the list.
const LISTED: [&str; 2] = ["onlist", "onthelist"];
/// Beginnings of words for the end of a consent.
const EXPIRES: [&str; 22] = [
    "expir",
    "laps",
    "ended",
    "ablauf",
    "abgelauf",
    "caduc",
    "venc",
    "scad",
    "verloop",
    "verval",
    "verlop",
    "wygas",
    "utgan",
    "udlob",
    "utlop",
    "vypr",
    "lejar",
    "bitis",
    "истек",
    "окончан",
    "закінч",
    "失効",
];
/// The same as whole words.
const EXPIRES_WHOLE: [&str; 12] =
    ["end", "ends", "ending", "until", "till", "ende", "bis", "fin", "fine", "fim", "einde", "konec"];

/// Whether a heading or a key asks whether somebody wants messages.
pub fn asks_for_consent(heading: &str) -> bool {
    // To "Do not text?" a no permits.
    if is_about_mail(heading) || speaks_of_an_end(heading) || is_of_an_end_of_consent(heading) {
        return false;
    }
    let words = words(heading);
    let begins = |word: &str, some: &[&str]| {
        some.iter().any(|part| word.starts_with(part) || !part.is_ascii() && word.contains(part))
    };
    let any = |some: &[&str]| words.iter().any(|word| begins(word, some));
    let is = |some: &[&str]| words.iter().any(|word| some.contains(&word.as_str()));
    let joined = words.concat();
    // "opt in" is two words, and so may be what is written as one elsewhere.
    let has_consent = any(&CONSENT) || joined.contains("optin") || joined.contains("optedin");
    let gives = || {
        let is_leave = |word: &str| LEAVE.iter().any(|part| word == *part || part.len() > 3 && word.starts_with(part));
        words.iter().any(|word| is_leave(word))
    };
    let is_counted = is(&OTHERS);
    let is_status = || is(&["status", "state"]) && any(&["member", "subscri", "contact", "optin"]);
    let is_only = |some: &[&str]| {
        words.iter().all(|word| some.contains(&word.as_str()) || SMALL.contains(&word.as_str())) && is(some)
    };
    !is_counted
        && (has_consent || is_status() || gives() && any(&MESSAGES) || (any(&OF_PHONES) || is(&OF_PHONES_WHOLE)))
        || is_only(&ALONE)
        || LISTED.contains(&joined.as_str())
        || heading.trim_end().ends_with('?') && words.iter().all(|word| begins(word, &MESSAGES)) && !words.is_empty()
}

/// Whether a heading asks when a consent ended, or whether it did: `Consent Expiry`.
pub fn is_of_an_end_of_consent(heading: &str) -> bool {
    let words = words(heading);
    let begins = |some: &[&str]| words.iter().any(|word| some.iter().any(|part| word.starts_with(part)));
    begins(&CONSENT) && (begins(&EXPIRES) || words.iter().any(|word| EXPIRES_WHOLE.contains(&word.as_str())))
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
            "",
        ] {
            assert!(!asks_for_consent(heading), "{heading}");
        }
    }
}
