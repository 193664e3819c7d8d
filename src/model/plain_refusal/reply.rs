//! What people wrote back: under the heading of replies, a cell is read as a message is.

use std::sync::LazyLock;

use super::title::words;
use crate::model::keyword::{Keywords, Meaning};

/// Words of headings of messages that came in, folded. The first ones say it alone, the others beside one that says which.
const REPLIES: [&str; 21] = [
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
    is_read && matches!(KEYWORDS.meaning(text), Meaning::Out | Meaning::OutOfAll | Meaning::MaybeOut)
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
}
