//! What people wrote back: under the heading of replies, a cell is read as a message is.

use std::sync::LazyLock;

use super::NO_SIGNS;
use super::answer::is_no;
use super::title::words;
use crate::model::keyword::{Keywords, Meaning, is_first_name, is_spelled_as_asked};

/// Words of headings of messages that came in, folded. The first ones say it alone, the others beside one that says which.
const REPLIES: [&str; 25] = [
    "reply",
    "replies",
    "answer",
    "response",
    "responses",
    "inbound",
    "incoming",
    "body",
    "antwort",
    "antworten",
    "rueckantwort",
    "reponse",
    "reponses",
    "respuesta",
    "respuestas",
    "resposta",
    "respostas",
    "risposta",
    "risposte",
    "返信",
    "回复",
    "replied",
    "said",
    "conversation",
    "ответ",
];
const MESSAGES: [&str; 12] = [
    "message",
    "messages",
    "text",
    "texts",
    "sms",
    "msg",
    "nachricht",
    "mensaje",
    "mensagem",
    "messaggio",
    "bericht",
    "消息",
];
const WHICH: [&str; 12] = [
    "last", "latest", "recent", "first", "received", "customer", "their", "letzte", "dernier", "ultimo", "ultima",
    "最后",
];
/// Headings of such words that are of something else: the rate of replies, the date of one, what is written back by a program.
const OTHERS: [&str; 16] = [
    "rate", "time", "date", "at", "on", "count", "id", "auto", "sent", "outbound", "type", "status", "from", "to",
    "code", "email",
];

/// The built-in words.
static KEYWORDS: LazyLock<Keywords> = LazyLock::new(Keywords::default);

/// Longer texts are read by their words, as labels are.
const REPLY_BYTES_MAX: usize = 320;

/// A longer text is no word.
const WORD_BYTES_MAX: usize = 32;

/// A longer word that is a letter beside one with which people end messages is hardly a name.
const NAME_LETTERS_MAX: usize = 9;

/// Whether messages stand under a heading that people wrote.
pub fn is_of_replies(heading: &str) -> bool {
    let words = words(heading);
    let has = |some: &[&str]| words.iter().any(|word| some.contains(&word.as_str()));
    let is_alone = || words.len() == 1 && has(&MESSAGES);
    !has(&OTHERS) && (has(&REPLIES) || has(&MESSAGES) && has(&WHICH) || is_alone())
}

/// Whether a message asks to be left alone, or may ask for it.
pub fn reply_refuses(text: &str) -> bool {
    let is_read = text.len() <= REPLY_BYTES_MAX && !text.trim().is_empty();
    is_read && matches!(KEYWORDS.meaning_by_rules(text), Meaning::Out | Meaning::OutOfAll | Meaning::MaybeOut)
}

/// Whether a note of several words would opt its writer out, had it come as a message: "Please take me off everything", as a form asks
/// people for anything else.
pub fn opts_out(note: &str) -> bool {
    let is_read = note.len() <= REPLY_BYTES_MAX && note.split_whitespace().nth(2).is_some();
    is_read && matches!(KEYWORDS.meaning_by_rules(note), Meaning::Out | Meaning::OutOfAll)
}

/// Whether a text is nothing but the word with which one ends messages: `Cancel`, `parar`, `停止`, in any case; or the sign of a no. What
/// may be a name is no slip of such a word: `Pam`, `Rex`.
pub fn is_word_of_refusal(text: &str) -> bool {
    let text = text.trim();
    let is_word = || {
        text.len() <= WORD_BYTES_MAX
            && !text.contains(char::is_whitespace)
            && !is_no(text)
            && reply_refuses(text)
            && (is_spelled_as_asked(text) || !may_be_a_name(text))
    };
    !text.is_empty() && (is_sign_of_a_no(text) || is_word())
}

/// Whether a word is a first name, or so short and written so that it may be one, or in a script without capitals.
fn may_be_a_name(word: &str) -> bool {
    let mut letters = word.chars();
    let is_title = letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase);
    let has_case = word.contains(char::is_lowercase) || word.contains(char::is_uppercase);
    is_first_name(word) || is_title && word.chars().count() <= NAME_LETTERS_MAX || !has_case
}

/// Whether a text is a sign for a no and nothing else.
pub fn is_sign_of_a_no(text: &str) -> bool {
    let is_sign = |char: char| NO_SIGNS.contains(&char) || matches!(char, '\u{fe0e}' | '\u{fe0f}' | ' ');
    text.contains(NO_SIGNS) && text.chars().all(is_sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_replies_are_known() {
        for heading in [
            "Last Message",
            "Last Reply",
            "Body",
            "Response",
            "Inbound",
            "SMS Reply",
            "Customer Reply",
            "Last Text",
            "last_inbound_message",
            "Antwort",
            "Réponse",
            "Respuesta",
            "Resposta",
            "返信",
            "Letzte Nachricht",
            "Message",
            "What they said",
            "Customer said",
            "Replied",
            "Conversation",
            "Ответ",
        ] {
            assert!(is_of_replies(heading), "{heading}");
        }
        for heading in [
            "Response Rate",
            "Last Message Date",
            "Reply At",
            "Message Type",
            "City",
            "Last Name",
            "Auto Reply",
            "last_text_sent",
        ] {
            assert!(!is_of_replies(heading), "{heading}");
        }
    }

    #[test]
    fn a_reply_is_read_as_a_message_is() {
        for text in ["Cancel", "quit", "END", "parar", "sair", "停止", "no more", "take me off this", "STOP"] {
            assert!(reply_refuses(text), "{text}");
        }
        for text in ["", "hello there", "thanks so much", "yes please", "see you"] {
            assert!(!reply_refuses(text), "{text}");
        }
    }

    #[test]
    fn a_word_alone_is_one_with_which_people_end_messages() {
        for text in ["Cancel", "quit", "END", "parar", "停止", "❌", "✗"] {
            assert!(is_word_of_refusal(text), "{text}");
        }
        for text in ["", "vip", "end of lease", "quit smoking", "no", "✓", "❌ vip", "wants more"] {
            assert!(!is_word_of_refusal(text), "{text}");
        }
    }
}
