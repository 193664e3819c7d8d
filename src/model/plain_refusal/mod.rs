//! The guard behind every label: one that is in itself a plain refusal of messages.
//!
//! The rule is closed. It looks at what the whole cell says, or a whole tag of it. Each word must be one that people use when they
//! refuse messages; a word that is not ends it: "Stop & Shop" is a shop. A tag is read twice: as those write it who note down a
//! refusal, in any order ("SMS: no", "unsubscribed"), and where that says nothing, as those write it who refuse, by the grammar of
//! inbound messages ("remove me").

pub mod answer;
pub mod aside;
mod beside;
pub mod denial;
pub mod expiry;
pub mod fold;
pub mod key;
mod known;
mod languages;
mod letters;
mod note;
pub mod question;
mod remark;
pub mod reply;
pub mod second_phone;
mod silence;
pub mod title;
pub mod vocabulary;
pub mod wish;
mod word;

use std::borrow::Cow;

use serde_json::Value;

use crate::model::keyword::{STOP_SIGNS, is_refusal, reports};
use fold::letters;
pub use key::label_refuses;
pub use note::note_refuses;
pub use remark::{resemblance as note_resemblance, resembles as note_resembles};
use vocabulary::{
    ACT, ALONE, ASKED, AWAY, ENDS, IN, MAIL, NOT, OPT, OUT, PHONE, Sense, beginnings_of, may_begin, sense,
};

/// Longer tags are somebody's own text, and so are longer words.
const TAG_WORDS_MAX: usize = 10;
const WORD_BYTES_MAX: usize = 32;
/// Words written as one: `donottext`.
const PARTS_MAX: usize = 5;
/// A date has at least so many digits.
const DATE_DIGITS_MIN: usize = 6;
/// What people write for a no behind what it denies.
pub const NO_SIGNS: [char; 7] = ['❌', '✖', '✗', '✘', '❎', '👎', '⨯'];
/// What stands between tags, where blanks are around it.
const BETWEEN: [&str; 3] = [" / ", " - ", " – "];

/// Whether a cell says in itself that somebody wants no messages: the whole of it, or one of its tags.
pub fn is_plain_refusal(cell: &str) -> bool {
    !note::is_mail_address(cell) && !silence::is_silent(cell) && known::known(cell, reads_as_refusal)
}

fn reads_as_refusal(cell: &str) -> bool {
    if cell.starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str(cell)
    {
        return value_refuses("", &value);
    }
    let cell = &*without_dates(cell);
    if cell.contains(NO_SIGNS) && cell.chars().any(char::is_alphabetic) {
        // "SMS ❌" answers as "SMS: no" does.
        return refuses(&cell.replace(NO_SIGNS, " no "), true) == Some(true);
    }
    if is_plainly_no_note(cell.as_bytes()) && !BETWEEN.iter().any(|between| cell.contains(between)) {
        return is_refusal(cell);
    }
    if refuses(cell, true) == Some(true) {
        return true;
    }
    let mut divided = Cow::Borrowed(cell);
    for between in BETWEEN.iter().filter(|between| cell.contains(*between)) {
        divided = Cow::Owned(divided.replace(between, ","));
    }
    divided.split(is_between).any(tag_refuses)
}

/// A cell without its dates: "opt-out 2024-05-01".
fn without_dates(cell: &str) -> Cow<'_, str> {
    let is_date = |word: &str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        digits >= DATE_DIGITS_MIN && word.chars().all(|c| c.is_ascii_digit() || "-/.:+TZ()".contains(c))
    };
    if cell.bytes().filter(u8::is_ascii_digit).count() < DATE_DIGITS_MIN || !cell.split(' ').any(is_date) {
        return Cow::Borrowed(cell);
    }
    Cow::Owned(cell.split(' ').filter(|word| !is_date(word)).collect::<Vec<_>>().join(" "))
}

/// Whether the first letters tell at once: a cell of one tag that begins as no note of a refusal does. Nearly all cells are such.
fn is_plainly_no_note(cell: &[u8]) -> bool {
    let Some(from) = cell.iter().position(u8::is_ascii_alphanumeric) else { return cell.is_ascii() };
    let divides = |byte: &u8| !byte.is_ascii() || may_divide(char::from(*byte));
    let begins = match cell[from..] {
        [first, second, ..] if second.is_ascii_alphanumeric() => {
            may_begin(&[first.to_ascii_lowercase(), second.to_ascii_lowercase()])
        }
        _ => true,
    };
    !begins && !cell.iter().any(divides)
}

/// The same of a value in JSON that stands under a key: its texts say it as cells do, and a key with its answer as a tag does. What
/// stands under e-mail is about e-mail.
fn value_refuses(key: &str, value: &Value) -> bool {
    let is_mail = Words::read(key).is_some_and(|words| words.all().iter().any(|word| word & MAIL != 0));
    let answers = |answer: &str| tag_refuses(&format!("{key}: {answer}"));
    match value {
        Value::Object(object) => !is_mail && object.iter().any(|(key, value)| value_refuses(key, value)),
        Value::Array(values) => values.iter().any(|value| value_refuses(key, value)),
        Value::String(text) => answers(text) || (!is_mail && reads_as_refusal(text)),
        Value::Bool(answer) => answers(if *answer { "yes" } else { "no" }),
        Value::Number(number) => matches!(number.as_u64(), Some(0)) && answers("no"),
        Value::Null => false,
    }
}

/// What stands between the tags of a cell.
fn is_between(char: char) -> bool {
    matches!(char, ',' | ';' | '|' | '\n' | '(' | ')' | '[' | ']' | '{' | '}' | '，' | '、' | '；')
}

fn may_divide(char: char) -> bool {
    char == ':' || is_between(char)
}

/// Whether a tag is a refusal. Of a name and a value, like "opted out: no", both count; where the name is unknown, the value does.
fn tag_refuses(tag: &str) -> bool {
    let part_refuses = |part| refuses(part, false) == Some(true);
    match (refuses(tag, false), tag.rsplit_once([':', '='])) {
        (Some(refuses), _) => refuses || reports(tag),
        (None, Some((_, value))) => (tag.contains(':') && tag.split(':').any(part_refuses)) || is_refusal(value),
        (None, None) => is_refusal(tag),
    }
}

/// Whether a text is a refusal; none where it has other words than refusals have, or a sign for one. `alone` says that nothing else stands in the
/// cell.
fn refuses(text: &str, alone: bool) -> Option<bool> {
    let words = Words::read(text).filter(|words| words.len > 0 && !text.contains(STOP_SIGNS))?;
    let words = words.all();
    let any = |sense: Sense| words.iter().any(|word| word & sense != 0);
    if any(MAIL) && !any(PHONE) {
        return Some(false);
    }
    let opts_out = any(OPT) && any(AWAY);
    let opts_in = any(OPT) && any(IN);
    let may = |word: Sense| alone || word & ALONE == 0;
    let mut refused = any(ENDS) && words.iter().any(|word| word & ASKED != 0);
    let (mut negated, mut asked) = (false, false);
    for (at, &word) in words.iter().enumerate() {
        let is_last = at + 1 == words.len();
        if word & NOT != 0 && is_last && at > 0 {
            // "DND: no", "SMS: no".
            refused = !refused && asked;
        } else if word & NOT != 0 {
            negated = true;
        } else if (word & OUT != 0 && may(word)) || (word & OPT != 0 && opts_out) {
            // "Do not stop" is none.
            refused |= !negated;
            negated = false;
        } else if (word & ACT != 0 && may(word)) || (word & OPT != 0 && opts_in) {
            refused |= negated;
            asked |= word & (ASKED | OPT) != 0;
        }
    }
    Some(refused)
}

/// The senses of a tag's words.
#[derive(Default)]
struct Words {
    senses: [Sense; TAG_WORDS_MAX],
    len: usize,
}

impl Words {
    /// None where a word is unknown, or there are too many.
    fn read(tag: &str) -> Option<Words> {
        let mut words = Words::default();
        let mut word = Folded::default();
        let mut take = |char: char| {
            if char.is_alphanumeric() {
                word.push(char)?;
            } else if !word.is_empty() {
                words.add(&word)?;
                word.len = 0;
            }
            Some(())
        };
        if tag.is_ascii() {
            let bytes = tag.bytes().filter(|byte| !matches!(byte, b'\'' | b'`'));
            bytes.map(|byte| char::from(byte.to_ascii_lowercase())).try_for_each(&mut take)?;
        } else {
            letters(tag).try_for_each(&mut take)?;
        }
        if !word.is_empty() {
            words.add(&word)?;
        }
        Some(words)
    }

    fn all(&self) -> &[Sense] {
        &self.senses[..self.len]
    }

    fn push(&mut self, sense: Sense) -> Option<()> {
        *self.senses.get_mut(self.len)? = sense;
        self.len += 1;
        Some(())
    }

    fn add(&mut self, word: &Folded) -> Option<()> {
        let word = word.as_str();
        match sense(word) {
            Some(sense) => self.push(sense),
            None => self.add_parts(word, PARTS_MAX).then_some(()),
        }
    }

    /// The parts of words that were written as one.
    fn add_parts(&mut self, word: &str, parts: usize) -> bool {
        if word.is_empty() {
            return true;
        }
        if parts == 0 || !word.is_ascii() || !may_begin(word.as_bytes()) {
            return false;
        }
        let len = self.len;
        for (rest, sense) in beginnings_of(word) {
            if self.push(sense).is_some() && self.add_parts(rest, parts - 1) {
                return true;
            }
            self.len = len;
        }
        false
    }
}

/// A word, folded.
#[derive(Default)]
struct Folded {
    bytes: [u8; WORD_BYTES_MAX],
    len: usize,
}

impl Folded {
    /// None where the word is too long, or begins as no word does.
    fn push(&mut self, char: char) -> Option<()> {
        let end = self.len + char.len_utf8();
        char.encode_utf8(self.bytes.get_mut(self.len..end)?);
        self.len = end;
        (self.len != 2 || may_begin(&self.bytes[..2])).then_some(())
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_refusals_are_known_in_any_order() {
        for cell in [
            " Opted-Out",
            "STOP",
            "never subscribed",
            "Do not text",
            "declined",
            "No SMS",
            "no texts",
            "No, thanks",
            "do not send",
            "Do not send SMS",
            "no marketing",
            "Please do not text",
            "No SMS, please",
            "abgemeldet",
            "Widerrufen",
            "Désabonné",
            "de\u{301}sabonne\u{301}",
            "désinscrit",
            "Baja",
            "dado de baja",
            "* myContacts ::: Unsubscribed",
            "vip, sms-unsubscribed",
            "vip;Opted out|gold",
            "[\"vip\",\"sms-unsubscribed\"]",
            "sms-dnd",
            "vip, dnd",
            "opt-out sms",
            "optout-sms, vip",
            "STOP SMS",
            "DO NOT TEXT/CALL",
            "Opted out of texts",
            "sms opt-out",
            "SMS Unsubscribe",
            "do-not-contact; vip",
            "Do Not Call",
            "DoNotText",
            "doNotContact",
            "optedOut",
            "smsOptOut",
            "unsub",
            "STOPALL",
            "stop texting me",
            "Don't text",
            "Don’t call or text",
            "opt in: no",
            "SMS: No",
            "sms_consent=false",
            "Not opted in",
            "no consent",
            "SMS consent revoked",
            "SMS blocked",
            "unsubscribed from sms and email",
            "Do not disturb",
            "Ada (do not text)",
            "note: STOP",
            "{\"sms\":{\"optin\":false}}",
            "{\"channels\":{\"sms\":{\"subscribed\":0}}}",
            "[\"vip\",{\"tags\":\"a; do not text\"}]",
            "{\"sms\":\"stop\",\"vip\":true}",
            "{\"tags\":[\"vip\",\"unsubscribed\"]}",
            "status: unsubscribed",
            "Keine SMS",
            "Bitte nicht kontaktieren",
            "keine Werbung",
            "pas de SMS",
            "ne pas contacter",
            "no contactar",
            "No molestar",
            "non contattare",
            "Disiscritto",
            "não contatar",
            "Descadastrado",
            "niet bellen",
            "uitgeschreven",
            "Wypisany",
            "отписан",
            "СТОП",
            "退订",
            "vip，退订",
            "수신거부",
        ] {
            assert!(is_plain_refusal(cell), "{cell}");
        }
    }

    #[test]
    fn what_is_a_refusal_as_a_message_is_one_as_a_label() {
        for cell in [
            "Bitte nicht mehr anschreiben",
            "no quiere mensajes",
            "Widerruf",
            "إلغاء الاشتراك",
            "peruutettu",
            "odhlášen",
            "leiratkozott",
            "dezabonat",
            "aboneliği iptal",
            "arrêt",
            "STOPP",
            "nessun SMS",
            "не писать",
            "勿扰",
            "拒收",
            "ei viestejä",
            "S T O P",
            "ЅТОР",
            "pls stop",
            "remove me",
            "opt-out 2024-05-01",
            "opted out (2024-05-01)",
            "wants no messages",
            "vip / stop",
            "vip / stop texting me",
            "VIP – STOP",
            "🛑",
            "vip 🛑, gold, 🛑",
            "🚫 SMS",
            "Blocked",
            "wyrejestrowana",
            "відписаний",
            "已退訂",
            "avmeldt",
            "gold; remove me from your list; vip",
            "customer said: please stop texting",
            "{\"notes\":\"please remove me\"}",
            "not interested",
            "Ne plus contacter",
        ] {
            assert!(is_plain_refusal(cell), "{cell}");
        }
    }

    #[test]
    fn other_texts_are_no_refusals() {
        let wrong: Vec<&str> = [
            "",
            "yes",
            "no",
            "No",
            "none",
            "cancelled",
            "active",
            "blocked drains",
            "cancelled order 2024",
            "stop-loss buyers",
            "bus stop 12",
            "2024-05-01",
            "Alto",
            "Fin",
            "END",
            "Huy",
            "Anh Huy",
            "❌",
            "👎",
            "👍",
            "東京",
            "newsletter",
            "remove me: no",
            "pls stop: no",
            "No Name",
            "Paris / Rome",
            "stop emailing",
            "de la Cruz",
            "non-stop",
            "Nonstop",
            "Baja California",
            "Baja, California",
            "vip, gold",
            "coffee, no thanks",
            "* myContacts ::: * starred",
            "4155550101",
            "Stop & Shop",
            "Bus stop",
            "Stopover",
            "don't stop",
            "Don't Stop Believin'",
            "never unsubscribed",
            "not opted out",
            "opted out: no",
            "DND off",
            "{\"email\":{\"subscribed\":false}}",
            "{\"dnd\":false,\"optin\":true}",
            "{\"city\":\"Rome\"}",
            "{\"vip\":true,\"unsubscribed\":false}",
            "unsubscribed=false",
            "opted in",
            "subscribed",
            "SMS: yes",
            "sms consent",
            "text me",
            "call me, no email",
            "do not email",
            "Unsubscribed from email",
            "email opt-out",
            "no mail please",
            "Don Call",
            "Stephanie",
            "Optician",
            "Dan Dnc Smith",
            "contact",
            "no phone",
            "Phone No",
            "Contact No",
            "Out of office",
            "opt",
            "out",
            "Not in",
            "stop 12",
            "do you stop at noon",
            "Norma Stopes",
            "unstop",
            "start",
        ]
        .into_iter()
        .filter(|cell| is_plain_refusal(cell))
        .collect();
        assert_eq!(wrong, [""; 0]);
    }
}
