//! What a failure's words say of the person or of the number: a provider's message, the name of an error, somebody's note.
//!
//! The words of a report are read as notes and labels are, by the senses of [`vocabulary`](crate::model::plain_refusal::vocabulary);
//! a whole text that is a request ("please stop texting me") is read as a message is. A number is dead if one of a few states
//! that do not pass stands beside a word for it: "unknown subscriber", "number does not exist".

use super::{Failure, OPTED_OUT, PERMANENT};
use crate::model::keyword;
use crate::model::plain_refusal::fold::letters;
use crate::model::plain_refusal::vocabulary::{ACT, ALONE, AWAY, ENDS, IN, NOT, OPT, OUT, Sense, sense};

/// What begins the names of lists of those who want nothing.
const LISTS: [&str; 6] = ["blacklist", "blocklist", "denylist", "suppressionlist", "optout", "optedout"];
/// Whose agreement may be missing or have ended.
const CONSENT: [&str; 3] = ["consent", "consented", "subscription"];
/// What says that an agreement is not there, and what was given or not.
const LACKS: [&str; 5] = ["lack", "lacks", "lacking", "missing", "without"];
/// The person, for certain.
const PERSON: [&str; 8] = ["recipient", "user", "subscriber", "customer", "consumer", "member", "person", "enduser"];
/// The sender, or what it sends: both may be on a list, too, and be invalid.
const OF_THE_SENDER: [&str; 13] = [
    "sender",
    "senderid",
    "source",
    "originator",
    "origin",
    "from",
    "url",
    "link",
    "ip",
    "content",
    "template",
    "parameter",
    "account",
];
/// Of what a message lacks, such as a way to opt out.
const OF_THE_TEXT: [&str; 13] = [
    "missing",
    "lacks",
    "lack",
    "lacking",
    "without",
    "language",
    "instruction",
    "instructions",
    "link",
    "template",
    "content",
    "required",
    "rate",
];
/// What a person refuses, and in what words.
const REFUSES: [&str; 9] =
    ["refused", "refuses", "declined", "declines", "rejected", "rejects", "deactivated", "disabled", "stopped"];
/// So many words may stand before what is refused: "deactivated all promotional messages".
const REFUSED_WITHIN: usize = 3;
/// What a person does to a sender.
const BLOCKED: [&str; 3] = ["blocked", "stopped", "barred"];
const SENDER: [&str; 4] = ["sender", "originator", "you", "us"];
const MESSAGES: [&str; 8] = ["message", "messages", "sms", "text", "texts", "marketing", "contact", "communication"];
/// What may stand between a word and the one that it belongs to.
const BETWEEN: [&str; 22] = [
    "a", "an", "the", "this", "that", "your", "to", "is", "was", "are", "be", "been", "has", "have", "does", "do",
    "did", "on", "in", "you", "longer", "dialed",
];
/// Words for the number.
const NUMBER: [&str; 11] = [
    "number",
    "numbers",
    "msisdn",
    "subscriber",
    "handset",
    "destination",
    "recipient",
    "phone",
    "mobile",
    "line",
    "address",
];
/// States of a number that do not pass.
const DEAD: [&str; 8] =
    ["unknown", "invalid", "illegal", "unallocated", "unassigned", "nonexistent", "nonexisting", "deactivated"];
/// What gets messages, and a dead number is not.
const MOBILE: [&str; 3] = ["mobile", "wireless", "cellular"];
/// What does pass unless it is said not to.
const ABSENT: [&str; 4] = ["absent", "unavailable", "unreachable", "inactive"];
const FOR_GOOD: [&str; 2] = ["permanent", "permanently"];
/// What such a number is not.
const LIVES: [&str; 7] = ["exist", "exists", "existing", "valid", "assigned", "allocated", "existent"];
/// What passes, or may be so.
const PASSING: [&str; 16] = [
    "temporarily",
    "temporary",
    "currently",
    "unreachable",
    "unavailable",
    "absent",
    "busy",
    "roaming",
    "retry",
    "again",
    "later",
    "off",
    "moment",
    "may",
    "might",
    "error",
];

/// What they say.
pub fn said(text: &str) -> Failure {
    if !text.contains(char::is_alphabetic) {
        return Failure::default();
    }
    let words = Report::read(text);
    let mut said = Failure::default();
    // "Permission denied" is said to a program, not by a person.
    if words.opted_out() || (!words.has(&["denied"]) && keyword::is_request(text)) {
        said = said.with(OPTED_OUT);
    }
    if words.is_dead() {
        said = said.with(PERMANENT);
    }
    said
}

/// The words of a report, folded, without numbers.
struct Report(Vec<String>);

impl Report {
    /// `EC_UnknownSubscriber` is three words.
    fn read(text: &str) -> Report {
        let mut spaced = String::new();
        let mut last = ' ';
        for c in text.chars().filter(|c| !matches!(c, '\'' | '’')) {
            if last.is_lowercase() && c.is_uppercase() {
                spaced.push(' ');
            }
            spaced.push(if c.is_alphanumeric() { c } else { ' ' });
            last = c;
        }
        let words = spaced.split(' ').filter(|word| word.contains(char::is_alphabetic));
        Report(words.map(|word| letters(word).collect()).collect())
    }

    fn word(&self, at: usize) -> &str {
        self.0.get(at).map_or("", String::as_str)
    }

    fn sense(&self, at: usize) -> Sense {
        sense(self.word(at)).unwrap_or_default()
    }

    fn has(&self, any: &[&str]) -> bool {
        self.0.iter().any(|word| any.contains(&word.as_str()))
    }

    /// The nearest word before a place, but for what may stand between.
    fn before(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|&before| !BETWEEN.contains(&self.word(before)))
    }

    /// The same behind a place.
    fn behind(&self, at: usize) -> Option<usize> {
        (at + 1..self.0.len()).find(|&behind| !BETWEEN.contains(&self.word(behind)))
    }

    fn is_negated(&self, at: usize) -> bool {
        self.before(at).is_some_and(|before| self.sense(before) & NOT != 0)
    }

    /// "User replied STOP", "unsubscribed recipient", "on the stop list", "DND", "do not contact", "consent withdrawn".
    fn opted_out(&self) -> bool {
        let is_of_sender = self.has(&OF_THE_SENDER) && !self.has(&PERSON);
        let is_answered = self.0.last().is_some_and(|last| ["no", "false"].contains(&last.as_str()));
        let says = |at: usize| {
            let (word, sense, next) = (self.word(at), self.sense(at), self.sense(at + 1));
            let is_dropped = word == "baja" && self.before(at).is_some_and(|before| self.word(before) == "de");
            let is_out = (sense & OUT != 0 && sense & ALONE == 0)
                || is_dropped
                || (sense & OPT != 0 && next & AWAY != 0)
                || LISTS.iter().any(|list| word.starts_with(list))
                || LISTS.contains(&[word, self.word(at + 1)].concat().as_str());
            let is_asked =
                sense & NOT != 0 && (word == "dont" || (at > 0 && self.word(at - 1) == "do")) && next & ACT != 0;
            let has_ended = CONSENT.contains(&word)
                && (self.is_negated(at)
                    || self.behind(at).is_some_and(|behind| self.sense(behind) & NOT != 0)
                    || (0..self.0.len()).any(|at| self.sense(at) & ENDS != 0));
            let is_person = |at: Option<usize>| at.is_some_and(|at| PERSON.contains(&self.word(at)));
            let is_by_person = || is_person(self.before(at));
            let is_blocked = BLOCKED.contains(&word)
                && ((self.word(at + 1) == "by" && is_person(self.behind(at + 1)))
                    || (is_by_person()
                        && (self.word(at - 1) == "has"
                            || word == "stopped"
                            || self.behind(at).is_some_and(|next| SENDER.contains(&self.word(next))))));
            // Who complains of spam wants none of it.
            let complains = match word {
                "complaint" | "complained" => self.has(&["spam"]) || self.has(&PERSON),
                "reported" => self.has(&["spam"]) && is_by_person(),
                "spam" => self.word(at + 1) == "by" && is_person(self.behind(at + 1)),
                _ => false,
            };
            if is_blocked || (!is_of_sender && (complains || self.refuses(at))) {
                return true;
            }
            if word == "stop" {
                // A sender says no STOP, but is told to stop.
                return !self.is_negated(at) && self.word(at + 1) != "sending";
            }
            let is_not_in = sense & OPT != 0 && next & IN != 0 && self.is_negated(at);
            !is_of_sender && (is_not_in || is_asked || has_ended || (is_out && !self.is_negated(at) && !is_answered))
        };
        self.lacks_consent() || (!self.has(&OF_THE_TEXT) && (0..self.0.len()).any(says))
    }

    /// "user refused messages", "Subscriber deactivated promotional messages".
    fn refuses(&self, at: usize) -> bool {
        REFUSES.contains(&self.word(at))
            && self.before(at).is_some_and(|before| PERSON.contains(&self.word(before)))
            && (at + 1..=at + REFUSED_WITHIN).any(|at| MESSAGES.contains(&self.word(at)))
    }

    /// "lack of consent", "consent missing", and not "missing consent language".
    fn lacks_consent(&self) -> bool {
        let lacks = |at: usize| {
            let before =
                (0..at).rev().find(|&before| self.word(before) != "of" && !BETWEEN.contains(&self.word(before)));
            CONSENT.contains(&self.word(at))
                && (before.is_some_and(|before| LACKS.contains(&self.word(before))) && at + 1 == self.0.len()
                    || self.behind(at).is_some_and(|behind| LACKS.contains(&self.word(behind))))
        };
        (0..self.0.len()).any(lacks)
    }

    /// "Unknown destination handset", "number does not exist", `UNALLOCATED_NUMBER`, "not a valid mobile number".
    fn is_dead(&self) -> bool {
        let is_number = |at: usize| NUMBER.contains(&self.word(at)) && self.word(at + 1) != "of";
        let is_of_number =
            |from: usize, to: usize| self.before(from).is_some_and(is_number) || self.behind(to).is_some_and(is_number);
        let is_for_good =
            || self.has(&FOR_GOOD) && self.has(&ABSENT) && !(0..self.0.len()).any(|at| self.sense(at) & NOT != 0);
        let is_dead = |at: usize| match self.word(at) {
            "landline" => !self.is_negated(at),
            "unallocated" | "unassigned" => true,
            // "Subscriber deactivated promotional messages" speaks of these.
            "deactivated" if self.refuses(at) => false,
            "such" => self.is_negated(at) && is_number(at + 1),
            word if MOBILE.contains(&word) => self.is_negated(at) && is_number(at + 1),
            "disconnected" if self.0.len() == 1 => true,
            "disconnected" => self.before(at).or(self.behind(at)).is_some_and(|at| self.word(at).starts_with("number")),
            word if DEAD.contains(&word) => is_of_number(at, at),
            word if LIVES.contains(&word) || (word == "service" && self.word(at.wrapping_sub(1)) == "in") => {
                let negated = self.before(at).filter(|&not| self.sense(not) & NOT != 0);
                negated.is_some_and(|not| is_of_number(not, at))
            }
            word if ABSENT.contains(&word) => is_for_good() && is_of_number(at, at),
            _ => false,
        };
        (!self.has(&PASSING) || is_for_good()) && !self.has(&OF_THE_SENDER) && (0..self.0.len()).any(is_dead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_somebody_opted_out_is_understood() {
        for text in [
            "user replied STOP",
            "blocked due to STOP message",
            "The recipient texted STOP",
            "source number blocked by STOP from destination number",
            "STOP",
            "STOP received",
            "stop list",
            "Destinataire désinscrit",
            "Der Empfänger hat sich abgemeldet",
            "Абонент отписался",
            "consent withdrawn",
            "Recipient has revoked consent",
            "NO_CONSENT",
            "NoConsent",
            "blocklisted",
            "denylisted",
            "Number is on the blacklist",
            "Attempt to send to unsubscribed recipient",
            "Message not delivered: recipient opted out",
            "sender blacklisted by recipient",
            "UserOptedOut",
            "blocked by the recipient",
            "Recipient has blocked the sender",
            "DND-NUMB",
            "Do not contact",
            "please don't text me again",
            "remove me from your list",
            "Not opted in",
            "recipient has not opted-in",
            "User is not opted in to this sender",
            "Receiver on block list",
            "number is on our deny list",
            "user refused messages",
            "Customer declined marketing",
            "the recipient has rejected SMS",
            "person called and wants no more texts",
            "customer says no further messages",
            "stopped by user",
            "User stopped",
            "Recipient is on the suppression list",
            "recipient blocked sender",
            "Barred by user",
            "Consent not given",
            "consent was not granted",
            "lack of consent",
            "missing consent",
            "consent missing",
            "spam complaint",
            "user reported spam",
            "marked as spam by the recipient",
            "Destinatario dado de baja",
            "Subscriber deactivated promotional messages",
        ] {
            assert_eq!(said(text), OPTED_OUT, "{text}");
        }
        for text in [
            "sender blacklisted",
            "URL is on a blocklist",
            "not opted out",
            "opted out: no",
            "is not on the blacklist",
            "unsubscribe link missing",
            "message lacks unsubscribe text",
            "opt-out rate too high",
            "sent without opt-out wording",
            "unsubscribe rate above the limit",
            "Lack of STOP keyword in the campaign",
            "opted in",
            "sender on block list",
            "carrier refused messages",
            "user declined the call",
            "Content rejected: STOP language is missing",
            "stop sending so fast",
            "blocked",
            "SMS blocked as spam",
            "blocked by carrier",
            "subscriber blocked",
            "message rejected by carrier",
            "declined",
            "permission denied",
            "queue stopped",
            "stopped by carrier",
            "sender on the suppression list",
            "carrier reported spam",
            "spam complaint rate too high",
            "missing consent language",
            "consent given",
            "handset blocked sender lookup",
            "canceled",
            "delivered",
            "UNDELIV",
            "",
        ] {
            assert_eq!(said(text), Failure::default(), "{text}");
        }
    }

    #[test]
    fn only_what_does_not_pass_and_is_about_the_number_makes_it_invalid() {
        for text in [
            "number does not exist",
            "The number +1 415 555 0123 does not exist",
            "Unknown destination handset",
            "UNALLOCATED_NUMBER",
            "EC_UNKNOWN_SUBSCRIBER",
            "unknownSubscriber",
            "INVALID_NUMBER",
            "Invalid 'To' Phone Number",
            "'To' number is not a valid mobile number",
            "The number you dialed is not in service",
            "number is no longer in service",
            "'To' number cannot be a landline",
            "disconnected number",
            "This number has been disconnected",
            "Nonexistent subscriber",
            "no such number",
            "no such subscriber",
            "EC_ILLEGAL_SUBSCRIBER",
            "absent subscriber permanent",
            "ABSENT_SUBSCRIBER_PERMANENTLY",
            "Not a mobile number",
            "'To' number is not a wireless number",
            "disconnected",
        ] {
            assert_eq!(said(text), PERMANENT, "{text}");
        }
        for text in [
            "phone is switched off",
            "handset unreachable",
            "absent subscriber",
            "EC_ABSENT_SUBSCRIBER",
            "subscriber temporarily not in service",
            "Unknown error",
            "unknown",
            "Invalid number of parts",
            "invalid sender number",
            "Invalid 'From' number",
            "unknown sender address",
            "invalid message body",
            "number is valid",
            "handset disconnected from network",
            "service does not exist",
            "may be a landline",
            "not a landline",
            "delivered to handset",
            "number busy, try again later",
            "absent subscriber, not permanent",
            "no such template",
            "illegal sender number",
            "mobile number",
        ] {
            assert_eq!(said(text), Failure::default(), "{text}");
        }
    }
}
