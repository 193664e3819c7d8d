//! What a provider reports, in words that are the same for all of them.

use std::borrow::Cow;

use crate::model::failure::Failure;
use crate::model::time::Millis;

/// What a provider reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A message from a phone.
    Inbound(Inbound),
    /// What became of a message to a phone.
    Status(Status),
}

/// A message from a phone. What the provider does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inbound {
    /// The provider's id of the message.
    pub id: String,
    /// Who wrote it.
    pub phone: String,
    /// Our number that it was sent to.
    pub number: String,
    /// Who else got it. Of a message to a group nothing says which number is ours.
    pub others: Vec<String>,
    /// The service of the provider that the number belongs to.
    pub service: String,
    /// Which part it is, if it is one of a long message.
    pub part: Option<Part>,
    /// What it says.
    pub text: String,
    /// When it was sent, as the provider writes it.
    pub at: String,
    /// How much earlier it may have been sent than at that date; without one, than now. It is not 0 where the provider may
    /// deliver a message late and not say so.
    pub late_ms_max: Millis,
    /// What the provider took it for, and has answered by itself.
    pub keyword: Option<Keyword>,
    /// It is told by an event: what answers that does not come to the phone.
    pub is_event: bool,
}

/// A part of a long message, which the provider delivers as it came from the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name of the whole message: the same in all of its parts, and used again for others later.
    pub of: String,
    /// Its place among them, from 1.
    pub place: usize,
    /// How many there are.
    pub all: usize,
}

impl Part {
    /// Reads what a provider says of it; none where that is no part of several.
    pub fn of(name: &str, place: &str, all: &str) -> Option<Part> {
        let (place, all) = (place.trim().parse().ok()?, all.trim().parse().ok()?);
        let is_one = !name.is_empty() && (1..=all).contains(&place) && (2..=PARTS_MAX).contains(&all);
        is_one.then(|| Part { of: name.to_owned(), place, all })
    }
}

/// The most parts of a message: their number is one byte of it.
const PARTS_MAX: usize = 255;

/// What a provider took a message for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// An opt-out.
    Stop,
    /// Anything else that it answers by itself.
    Other,
}

impl Keyword {
    /// Reads the provider's word, which is one of `stop` for an opt-out; none where it says nothing.
    pub fn of(word: &str, stop: &[&str]) -> Option<Keyword> {
        match word.trim() {
            "" => None,
            word if stop.iter().any(|stop| word.eq_ignore_ascii_case(stop)) => Some(Keyword::Stop),
            _ => Some(Keyword::Other),
        }
    }
}

/// What became of a message to a phone. What the provider does not say is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The id of the message.
    pub id: String,
    /// Whom it was sent to.
    pub phone: String,
    /// Our number that it was sent from.
    pub number: String,
    /// The service of the provider that sent it.
    pub service: String,
    /// When that was, as the provider writes it.
    pub at: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was sent, or has arrived.
    Sent,
    /// It did not arrive.
    Failed {
        /// The provider's code, or else its words.
        code: String,
    },
}

impl Outcome {
    /// What a status means, of those that say `sent` and those that say `failed`; none where it says neither yet.
    ///
    /// An opt-out counts whatever the status is: a message that was withheld for it is canceled with one provider, rejected
    /// or still queued with another. `words` are the provider's for the code, and stand in its place where it gives none.
    pub fn of(
        provider: &str,
        status: &str,
        sent: &[&str],
        failed: &[&str],
        code: &str,
        words: &str,
    ) -> Option<Outcome> {
        // Words that forbid count beside a code that does not.
        let forbids = |said: &str| Failure::of(provider, said, None).forbids();
        let code = if code.trim().is_empty() || !forbids(code) && forbids(words) { words } else { code };
        let is_one_of = |known: &[&str]| known.iter().any(|known| status.trim().eq_ignore_ascii_case(known));
        if is_one_of(failed) || Failure::of(provider, code, None).opted_out {
            Some(Outcome::Failed { code: code.to_owned() })
        } else {
            is_one_of(sent).then_some(Outcome::Sent)
        }
    }
}

/// What stands before the number of a phone where it is reached by other means than SMS.
const CHANNELS: [&str; 5] = ["whatsapp", "sms", "mms", "rcs", "tel"];

/// The fewest digits of a number without its plus. A short code has fewer.
const DIGITS_MIN: usize = 9;

/// A number as contactd writes it: without a channel before it, and with its plus. `has_plus` says whether the provider
/// writes one; where it does not, as many digits as no short code has are a number of some country.
pub fn number(written: &str, has_plus: bool) -> String {
    let written = written.trim_end();
    let number = match written.split_once(':') {
        Some((channel, number)) if CHANNELS.iter().any(|known| channel.trim().eq_ignore_ascii_case(known)) => number,
        _ => written,
    };
    // In a form, a plus that was not encoded arrives as a blank.
    let (plus, digits) = match number.strip_prefix(['+', ' ']) {
        Some(digits) => ("+", digits.trim_start_matches(['+', ' '])),
        None => ("", number),
    };
    let is_without_plus = !has_plus && digits.len() >= DIGITS_MIN && digits.bytes().all(|byte| byte.is_ascii_digit());
    format!("{}{digits}", if is_without_plus { "+" } else { plus })
}

/// Whether a sender can be a phone: others have names, or nothing.
pub fn is_phone(number: &str) -> bool {
    number.contains(|c: char| c.is_ascii_digit()) && !number.contains(char::is_alphabetic)
}

/// The first text that is not empty.
pub fn first<const N: usize>(texts: [Cow<'_, str>; N]) -> Cow<'_, str> {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opt_out_counts_whatever_the_status_says() {
        let (sent, failed) = (["sent", "delivered"], ["failed"]);
        let of = |status: &str, code: &str, words: &str| Outcome::of("twilio", status, &sent, &failed, code, words);
        let failed_with = |code: &str| Some(Outcome::Failed { code: code.to_owned() });
        for status in ["failed", "canceled", "sent", "rejected", "queued", "FAILED", "Undelivered", ""] {
            assert_eq!(of(status, "21610", ""), failed_with("21610"), "{status}");
            let words = "Attempt to send to unsubscribed recipient";
            assert_eq!(of(status, "", words), failed_with(words), "{status}");
        }
        assert_eq!(of("failed", "30008", "Recipient opted out"), failed_with("Recipient opted out"));
        assert_eq!(of("failed", "30008", "Unknown error"), failed_with("30008"));
        assert_eq!(of("FAILED", "30005", "Unknown destination handset"), failed_with("30005"));
        assert_eq!(of("Delivered", "", ""), Some(Outcome::Sent));
        assert_eq!(of("queued", "30005", ""), None);
        assert_eq!(of("canceled", "", "Message was canceled"), None);
    }

    #[test]
    fn numbers_lose_their_channel_and_get_their_plus() {
        for (written, has_plus, number_read) in [
            ("+14155550123", true, "+14155550123"),
            ("whatsapp:+14155550123", true, "+14155550123"),
            ("SMS: +14155550123 ", true, "+14155550123"),
            (" 14155550123", true, "+14155550123"),
            ("14155550123", true, "14155550123"),
            ("14155550123", false, "+14155550123"),
            ("sms:447700900000", false, "+447700900000"),
            ("24365", false, "24365"),
            ("24365", true, "24365"),
            ("ACME", false, "ACME"),
            ("messenger:123456789", false, "messenger:123456789"),
            ("", true, ""),
        ] {
            assert_eq!(number(written, has_plus), number_read, "{written:?}");
        }
        assert!(is_phone("+14155550123") && is_phone("24365"));
        assert!(!is_phone("ACME") && !is_phone("") && !is_phone("messenger:123456789"));
    }
}
