//! The usual names of columns, and what is made of the others.

use super::field::Field;
use crate::limits::LABEL_KEY_BYTES_MAX;

/// How likely a column with such a name is the phone to write to: 0 is the best. A mobile phone before any phone, that
/// before any number, and the ends of a message last.
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
        "sms",
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

/// Fields that are known under several names; the first is the protocol's own.
const FIELDS: [(Field, &[&str]); 11] = [
    (Field::List, &["list", "sendinglist", "listnumber"]),
    (Field::Region, &["country", "countrycode", "countryiso", "isocountry", "region", "regioncode"]),
    (
        Field::Status,
        &[
            "status",
            "subscriptionstatus",
            "smsstatus",
            "smssubscriptionstatus",
            "smsmarketingstatus",
            "consentstatus",
            "smsconsentstatus",
            "optinstatus",
            "smsoptinstatus",
        ],
    ),
    (
        Field::Consent,
        &[
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
            "optinat",
            "optindate",
            "optintime",
            "optintimestamp",
            "smsoptindate",
            "smsoptinat",
            "smsoptintimestamp",
            "smsconsenttimestamp",
            "smsconsentdate",
            "consentdate",
            "consenttimestamp",
            "consentedat",
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
            "unsubtime",
            "unsubscribetime",
        ],
    ),
    (Field::Date("suppressed_at"), &["suppressedat", "suppressedon", "suppressiondate"]),
    (Field::Date("invalid_at"), &["invalidat", "invalidatedat", "bouncedat"]),
    (Field::Date("created_at"), &["createdat"]),
    (Field::Revenue, &["totalrevenue"]),
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

/// What a name usually means, and for phones how likely.
pub fn usual(name: &str) -> Option<(Field, usize)> {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect();
    if let Some(rank) = PHONES.iter().position(|names| names.contains(&name.as_str())) {
        return Some((Field::Phone, rank));
    }
    let known = FIELDS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(field, _)| field);
    let field = known.or_else(|| PLAIN.iter().find(|field| field.word().replace('_', "") == name))?;
    Some((field.clone(), 0))
}

/// The field that `--map` names.
pub fn field(word: &str) -> Option<Field> {
    if let Some(key) = label_prefix(word) {
        return Some(Field::Label(key));
    }
    let others = [Field::Phone, Field::Ignore];
    let all = FIELDS.iter().map(|(field, _)| field).chain(&PLAIN).chain(&others);
    all.into_iter().find(|field| field.word() == word).cloned()
}

/// The words that `--map` takes.
pub fn words() -> String {
    let all = std::iter::once(&Field::Phone).chain(FIELDS.iter().map(|(field, _)| field)).chain(&PLAIN);
    let words: Vec<&str> = all.map(Field::word).collect();
    format!("{}, label.KEY, ignore", words.join(", "))
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

/// The letter under a Latin letter with an accent.
pub fn without_accent(char: char) -> Option<char> {
    Some(match char {
        'à'..='æ' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' | 'ß' => 's',
        'ť' | 'ț' => 't',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::label::check_key;

    #[test]
    fn usual_names_in_every_spelling() {
        for (name, rank) in [
            ("Mobile Phone Number", 0),
            ("MobilePhone", 0),
            ("Phone Number", 1),
            ("phone_number", 1),
            ("PHONE", 1),
            ("msisdn", 0),
            ("Number", 2),
            ("To", 3),
            ("From", 3),
        ] {
            assert_eq!(usual(name), Some((Field::Phone, rank)), "{name}");
        }
        assert_eq!(usual("Opt-out date"), Some((Field::Date("opted_out_at"), 0)));
        assert_eq!(usual("total_sends"), Some((Field::Count("total_sends"), 0)));
        for name in ["Fax", "HomePhone", "State", "Email", "Do Not Call", "Unsubscribed from all email", "", "телефон"]
        {
            assert_eq!(usual(name), None, "{name}");
        }
    }

    #[test]
    fn every_field_has_a_word_for_the_option() {
        for word in words().split(", ").filter(|word| *word != "label.KEY") {
            assert_eq!(field(word).map(|field| field.word().to_owned()).as_deref(), Some(word));
        }
        assert_eq!(field("label.Tier"), Some(Field::Label("tier".into())));
        assert_eq!(field("nonsense"), None);
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
