//! The names under which a column is known without a person's word. The world is closed: a name is known exactly, but for
//! case, accents, blanks, `_` and `-`, or it is not known at all. Only names that mean one thing stand here.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::field::Field;
use crate::limits::LABEL_KEY_BYTES_MAX;
use crate::model::plain_refusal::fold::{unaccented, without_accent};

/// Names of phones, from the one to write to: a mobile phone before any phone, that before any number, and the ends of a
/// message last. Where several stand in a file, the first is the phone.
const PHONES: [&[&str]; 4] = [
    &[
        "mobile",
        "mobilephone",
        "mobilephonenumber",
        "mobilenumber",
        "mobileno",
        "cell",
        "cellphone",
        "cellphonenumber",
        "cellnumber",
        "cellular",
        "msisdn",
        "smsnumber",
        "smsphone",
        "smsphonenumber",
    ],
    &[
        "phone",
        "phonenumber",
        "phoneno",
        "phone1",
        "phone1value",
        "primaryphone",
        "contactphone",
        "telephone",
        "telephonenumber",
        "tel",
        "e164",
    ],
    &["number", "contactnumber"],
    &["to", "from"],
];
/// From this rank on a number may be anybody's, as the sender's own under "From".
const ANYBODYS_RANK: usize = 2;

/// Fields that are known under several names.
const FIELDS: [(Field, &[&str]); 12] = [
    (Field::List, &["list", "sendinglist", "listnumber"]),
    (
        Field::Region,
        &[
            "country",
            "countrycode",
            "countryname",
            "countryiso",
            "isocountry",
            "isocountrycode",
            "countrycallingcode",
            "countrydialcode",
            "phonecountry",
            "phonecountrycode",
            "mobilecountry",
            "cc",
            "callingcode",
            "dialcode",
            "dialingcode",
            "diallingcode",
            "isdcode",
        ],
    ),
    (
        Field::Status,
        &[
            "status",
            "subscriptionstatus",
            "subscriberstatus",
            "smsstatus",
            "smssubscriptionstatus",
            "smssubscriberstatus",
            "smsmarketingstatus",
            "consentstatus",
            "smsconsentstatus",
            "optinstatus",
            "smsoptinstatus",
            "optouttype",
        ],
    ),
    (
        Field::Consent,
        &[
            "consent",
            "smsconsent",
            "smsmarketingconsent",
            "smsoptin",
            "smsoptedin",
            "optin",
            "optedin",
            "acceptssms",
            "acceptssmsmarketing",
            "textoptin",
            "subscribed",
            "issubscribed",
            "smssubscribed",
        ],
    ),
    (
        Field::OptOut,
        &[
            "optedout",
            "optout",
            "smsoptout",
            "smsoptedout",
            "hasoptedoutofsms",
            "hasoptedoutofmobile",
            "et4ae5hasoptedoutofmobilec",
            "optedoutofsms",
            "unsubscribed",
            "unsubscribedfromsms",
            "smsunsubscribed",
            "isunsubscribed",
            "donottext",
            "donotsms",
            "donotcontact",
            "unsubscribe",
            "optoutstatus",
            "smsoptoutstatus",
        ],
    ),
    (
        Field::Date("subscribed_at"),
        &[
            "subscribedat",
            "subscribedon",
            "subscribeddate",
            "datesubscribed",
            "subscribedate",
            "subscriptiondate",
            "optedinat",
            "optedinon",
            "optedindate",
            "dateoptedin",
            "optinat",
            "optindate",
            "optintime",
            "optintimestamp",
            "smsoptindate",
            "smsoptinat",
            "smsoptintimestamp",
            "smsconsentat",
            "smsconsenttimestamp",
            "smsconsentdate",
            "consentat",
            "consentdate",
            "consenttime",
            "consenttimestamp",
            "consentedat",
            "confirmtime",
            "signupat",
            "signupdate",
            "signuptime",
            "signuptimestamp",
            "signedupat",
            "signedupon",
        ],
    ),
    (
        Field::Date("opted_out_at"),
        &[
            "optedoutat",
            "optedouton",
            "optedoutdate",
            "dateoptedout",
            "optoutat",
            "optoutdate",
            "optouttime",
            "optouttimestamp",
            "smsoptoutdate",
            "smsoptoutat",
            "smsoptouttimestamp",
            "unsubscribedat",
            "unsubscribedon",
            "unsubscribeddate",
            "dateunsubscribed",
            "unsubscribedate",
            "unsubdate",
            "unsubtime",
            "unsubscribetime",
            "unsubscribetimestamp",
        ],
    ),
    (Field::Date("suppressed_at"), &["suppressedat", "suppressedon", "suppressiondate"]),
    (Field::Date("invalid_at"), &["invalidat", "invalidatedat", "bouncedat"]),
    (Field::Date("created_at"), &["createdat"]),
    (Field::Revenue, &["totalrevenue"]),
    // What contactd's own export tells besides, and follows from the rest.
    (Field::Ignore, &["verdict", "verdicts"]),
];

/// Fields that are known under the protocol's names alone; the same words are too common elsewhere.
const PLAIN: [Field; 12] = [
    Field::Source,
    Field::How,
    Field::Reason,
    Field::Count("total_sends"),
    Field::Count("total_clicks"),
    Field::Count("total_bot_clicks"),
    Field::Count("total_conversions"),
    Field::Count("sends_since_engaged"),
    Field::Date("last_sent"),
    Field::Date("last_clicked"),
    Field::Date("last_engaged"),
    Field::Date("last_inbound"),
];

/// Whether a name is a key by which the lines of a trail tell their place in its file. They say nothing of anybody.
pub fn is_of_trail(name: &str) -> bool {
    matches!(name, "trail_line" | "trail_sum")
}

/// A name as it is compared: without case, accents, blanks, `_` and `-`.
pub fn fold(name: &str) -> String {
    let chars = name.chars().flat_map(char::to_lowercase);
    chars
        .filter(|char| !char.is_whitespace() && !matches!(char, '_' | '-' | '\u{300}'..='\u{36f}'))
        .map(unaccented)
        .collect()
}

/// What a known name means. Of phones, how late it is looked at: 0 is the first.
pub fn known(name: &str) -> Option<(Field, usize)> {
    // "Opted out?" is the same question without its mark.
    let name = fold(name.trim_end_matches('?'));
    if let Some(rank) = PHONES.iter().position(|names| names.contains(&name.as_str())) {
        return Some((Field::Phone, rank));
    }
    let field = FIELDS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(field, _)| field);
    let field = field.or_else(|| PLAIN.iter().find(|field| fold(field.word()) == name))?;
    Some((field.clone(), 0))
}

/// Headings under which nobody says who wants messages.
static HARMLESS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("harmless.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// Whether a heading, or the last key of a path of them, is known to say nothing of who wants messages. The world is closed: any
/// other may.
pub fn is_harmless(name: &str) -> bool {
    HARMLESS.contains(fold(name.rsplit('.').next().unwrap_or_default()).as_str())
}

/// Whether a phone with a name of this rank belongs to the person whose row it is.
pub fn is_own(rank: usize) -> bool {
    rank < ANYBODYS_RANK
}

/// The key of a column that is a label by its name: `label.tier`, `labels.tier`.
pub fn label_prefix(name: &str) -> Option<String> {
    let name = name.trim();
    let (prefix, key) = name.split_once('.')?;
    let is_label = prefix.eq_ignore_ascii_case("label") || prefix.eq_ignore_ascii_case("labels");
    is_label.then(|| label_key(key)).filter(|key| !key.is_empty())
}

/// A label key out of any name: `[a-z0-9_.-]`, other characters between them as one underscore. Empty when nothing is left.
pub fn label_key(name: &str) -> String {
    let mut key = String::new();
    let mut gap = false;
    for char in name.chars().flat_map(char::to_lowercase) {
        let plain = match char {
            'a'..='z' | '0'..='9' | '_' | '.' | '-' => Some(char),
            other => without_accent(other),
        };
        match plain {
            Some(char) => {
                if gap && !key.is_empty() {
                    key.push('_');
                }
                gap = false;
                key.push(char);
            }
            // Accents that stand alone, and apostrophes inside a word, leave no gap.
            None => gap |= !matches!(char, '\u{300}'..='\u{36f}' | '\'' | '’'),
        }
    }
    key.truncate(LABEL_KEY_BYTES_MAX);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::label::check_key;

    #[test]
    fn known_names_in_every_spelling() {
        for (name, rank) in [
            ("Mobile Phone Number", 0),
            ("MobilePhone", 0),
            ("Phone Number", 1),
            ("phone_number", 1),
            ("PHONE", 1),
            ("Téléphone", 1),
            ("Tele\u{301}phone", 1),
            ("msisdn", 0),
            ("Number", 2),
            ("To", 3),
            ("From", 3),
        ] {
            assert_eq!(known(name), Some((Field::Phone, rank)), "{name}");
        }
        for (name, field) in [
            ("Opt-out date", Field::Date("opted_out_at")),
            ("OPTIN_TIME", Field::Date("subscribed_at")),
            ("CONFIRM_TIME", Field::Date("subscribed_at")),
            ("Signup date", Field::Date("subscribed_at")),
            ("Consent timestamp", Field::Date("subscribed_at")),
            ("Date subscribed", Field::Date("subscribed_at")),
            ("total_sends", Field::Count("total_sends")),
            ("Dialing Code", Field::Region),
            ("CC", Field::Region),
            ("verdict", Field::Ignore),
            ("SMS Consent", Field::Consent),
            ("Consent?", Field::Consent),
            ("accepts_sms_marketing", Field::Consent),
            ("Opted Out?", Field::OptOut),
            ("et4ae5__HasOptedOutOfMobile__c", Field::OptOut),
        ] {
            assert_eq!(known(name), Some((field, 0)), "{name}");
        }
    }

    /// Whoever reads such a name must be asked, in whatever language it is.
    #[test]
    fn other_names_are_not_known() {
        for name in [
            "",
            // Shopify's consent to e-mail.
            "Accepts Marketing",
            "Region",
            "State",
            "Province",
            "Email",
            "Fax",
            "HomePhone",
            "SMS",
            "Valid",
            "Phone Status",
            "Do Not Call",
            "Unsubscribed from all email",
            "Status (SMS)",
            "SMS: Marketing",
            "Stato",
            "Iscritto",
            "Zgoda SMS",
            "SMS İzni",
            "Aceita SMS",
            "Статус",
            "Согласие",
            "退订",
            "수신거부",
            "телефон",
            "退订 status",
            "Statut",
            "Estado",
            "Einwilligung",
        ] {
            assert_eq!(known(name), None, "{name}");
        }
    }

    #[test]
    fn keys_are_clean() {
        for (name, key) in [
            ("First Name", "first_name"),
            ("  Größe (cm) ", "grose_cm"),
            ("utm_source.first-touch", "utm_source.first-touch"),
            ("Customer's Name", "customers_name"),
            ("$consent", "consent"),
            ("名前", ""),
        ] {
            let cleaned = label_key(name);
            assert_eq!(cleaned, key, "{name}");
            assert!(cleaned.is_empty() || check_key(&cleaned).is_ok());
        }
        assert_eq!(label_key(&"x".repeat(100)).len(), 64);
        assert_eq!(label_prefix("labels.tier").as_deref(), Some("tier"));
        assert_eq!(label_prefix("label.utm.source").as_deref(), Some("utm.source"));
        assert_eq!(label_prefix("labels"), None);
    }
}
