//! What a failure's words say of the person or of the number: a provider's message, the name of an error, somebody's note.
//!
//! The words of a report are read as notes and labels are, by the senses of [`vocabulary`](crate::model::plain_refusal::vocabulary);
//! a whole text that is a request ("please stop texting me") is read as a message is. A number is dead if one of a few states
//! that do not pass stands beside a word for it: "unknown subscriber", "number does not exist".

#[cfg(test)]
mod tests;
mod vocabulary;

use super::{Failure, OPTED_OUT, PERMANENT};
use crate::model::keyword;
use crate::model::plain_refusal::fold::letters;
use crate::model::plain_refusal::vocabulary::{ACT, ALONE, AWAY, ENDS, IN, NOT, OPT, OUT, Sense, sense};
use vocabulary::{
    ABSENT, ANSWERS, ASKED_WITHIN, ASKS, BELONGS, BETWEEN, BLOCKED, BLOCKING, BLOCKS, BY, CANCELS, CONSENT, CONSENT_TR,
    CONTAINS, DEAD, DEAD_ALONE, DEAD_WITHIN, ENDED, ERASED_BY, FOR_GOOD, GETS, GONE, JUNK, LACKS, LEFT_WITHIN, LINE,
    LISTS, LIVES, MESSAGES, MOBILE, NETWORK, NONE_TR, NOT_OF_PEOPLE, NUMBER, OF_A_DEAD_NUMBER, OF_THE_SENDER,
    OF_THE_TEXT, OTHER, OUT_WITHIN, OWNER, PASSING, PERSON, PERSON_RU, PHONE, PREFERENCE, PREFERENCE_SERVICES,
    REFUSAL_RU, REFUSED_WITHIN, REFUSES, REFUSES_ALONE, REGISTERED, REPORTED_TO, SENDER, SENDS, STATES,
    STEM_LETTERS_MIN, SUPPRESSED, WANTS, WRONG_ONE,
};

/// What they say.
pub fn said(text: &str) -> Failure {
    if !text.contains(char::is_alphabetic) {
        return Failure::default();
    }
    let words = Report::read(text);
    let mut said = Failure::default();
    // "Permission denied" is said to a program, not by a person.
    let is_reported = text.contains(REPORTED_TO)
        && words.0.iter().any(|word| word.starts_with("report") || word.starts_with("complain"));
    if words.opted_out() || is_reported || (!words.has(&["denied"]) && keyword::is_request(text)) {
        said = said.with(OPTED_OUT);
    }
    if words.is_dead() || DEAD_WITHIN.iter().any(|dead| text.replace(' ', "").contains(dead)) {
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
        // ё is written as е as often.
        let plain = |c| if c == 'ё' { 'е' } else { c };
        Report(words.map(|word| letters(word).map(plain).collect()).collect())
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
        self.before(at).is_some_and(|before| self.is_not(before))
    }

    /// "no marketing consent": whether it is denied, and what it is for may stand between.
    fn is_denied(&self, at: usize) -> bool {
        let is_for = |before: &usize| MESSAGES.contains(&self.word(*before));
        self.is_negated(at) || self.before(at).filter(is_for).is_some_and(|before| self.is_negated(before))
    }

    fn is_not(&self, at: usize) -> bool {
        self.sense(at) & NOT != 0 || ["не", "tidak"].contains(&self.word(at))
    }

    /// Whether a person stands at a place: "user", "end user".
    fn is_person(&self, at: usize) -> bool {
        let word = self.word(at);
        let is_one = |word: &str| PERSON.contains(&word);
        is_one(word) || word.strip_suffix('s').is_some_and(is_one) || is_one(&[word, self.word(at + 1)].concat())
    }

    /// "User replied STOP", "unsubscribed recipient", "on the stop list", "DND", "do not contact", "consent withdrawn".
    fn opted_out(&self) -> bool {
        let all = 0..self.0.len();
        let is_of_sender = all.clone().any(|at| self.is_of_the_sender(at)) && !all.clone().any(|at| self.is_person(at));
        let is_answered = self.0.last().is_some_and(|last| ["no", "false"].contains(&last.as_str()));
        let says = |at: usize| {
            let (word, sense, next) = (self.word(at), self.sense(at), self.sense(at + 1));
            let is_dropped = word == "baja" && self.before(at).is_some_and(|before| SENDS.contains(&self.word(before)));
            let is_out = (sense & OUT != 0 && sense & ALONE == 0)
                || is_dropped
                || (sense & OPT != 0 && next & AWAY != 0)
                || LISTS.iter().any(|list| word.starts_with(list))
                || says_within(word)
                || LISTS.iter().any(|list| [word, self.word(at + 1)].concat().starts_with(list));
            let asks = || self.before(at).is_some_and(|before| ASKS.contains(&self.word(before)));
            let of_messages = |at: usize| self.sense(at) & ACT != 0;
            let is_asked = sense & NOT != 0
                && ((word == "dont" || (at > 0 && self.word(at - 1) == "do")) && next & ACT != 0
                    || (asks() || WANTS.contains(&self.word(at + 1)))
                        && (at + 1..=at + ASKED_WITHIN).any(|at| of_messages(at) || MESSAGES.contains(&self.word(at))));
            let is_of_account = at > 0 && self.word(at - 1) == "your";
            let has_ended = CONSENT.contains(&word)
                && !is_of_account
                && (self.is_denied(at)
                    || self.behind(at).is_some_and(|behind| self.sense(behind) & NOT != 0)
                    || (0..self.0.len()).any(|at| self.sense(at) & ENDS != 0 || ENDED.contains(&self.word(at))));
            let is_person = |at: Option<usize>| at.is_some_and(|at| self.is_person(at));
            let is_phone = |at: Option<usize>| at.is_some_and(|at| PHONE.contains(&self.word(at)));
            let is_by_person = || is_person(self.before(at));
            let is_blocked = BLOCKED.contains(&word)
                && ((BY.contains(&self.word(at + 1)) && is_person(self.behind(at + 1)))
                    || self.has(&PREFERENCE)
                    || (["by", "via"].contains(&self.word(at + 1))
                        && is_phone(self.behind(at + 1))
                        && !self.has(&NETWORK))
                    || (is_by_person()
                        && (self.word(at - 1) == "has"
                            || word == "stopped"
                            || at + 1 == self.0.len() && self.before(at).is_some_and(|by| self.is_blocking(by))
                            || SENDER.contains(&self.word(at + 1))
                            || self.behind(at).is_some_and(|next| self.is_sender(next))))
                    || (self.before(at).is_some_and(|before| PHONE.contains(&self.word(before)))
                        && self.behind(at).is_some_and(|next| MESSAGES.contains(&self.word(next)))));
            // Who complains of spam wants none of it.
            let complains = match word {
                "complaint" | "complaints" | "complained" => !self.has(&NETWORK),
                "reported" | "marked" if self.word(at + 1) == "as" && JUNK.contains(&self.word(at + 2)) => {
                    !self.has(&NETWORK)
                }
                "report" | "reports" => at > 0 && JUNK.contains(&self.word(at - 1)) && !self.has(&NETWORK),
                "reported" => {
                    self.has(&JUNK) && (is_by_person() || self.word(at + 1) == "by" && is_phone(self.behind(at + 1)))
                        || self.0.len() == 2 && JUNK.contains(&self.word(at + 1))
                }
                "spam" => self.word(at + 1) == "by" && is_person(self.behind(at + 1)),
                _ => false,
            };
            let is_refused_elsewhere = REFUSAL_RU.iter().any(|stem| word.starts_with(stem))
                && self.0.iter().any(|word| word.starts_with(PERSON_RU))
                || CONSENT_TR.contains(&word) && self.has(&NONE_TR)
                || ["larret", "arret"].contains(&word) && self.has(&["demande", "envoye", "repondu"]);
            let is_suppressed = word.starts_with(SUPPRESSED) && !self.is_negated(at) && !self.has(&NOT_OF_PEOPLE);
            if is_blocked
                || is_refused_elsewhere
                || self.is_in_preferences(at)
                || self.is_never_in(at)
                || self.is_entry_of_block_list(at)
                || (!is_of_sender
                    && !is_answered
                    && (complains || is_suppressed || self.refuses(at) || self.cancels(at)))
            {
                return true;
            }
            let is_alone = self.0.len() == 1 || self.0.len() == 2 && STATES.contains(&self.word(0));
            if is_alone && REFUSES_ALONE.contains(&word) {
                return true;
            }
            // "User-initiated block", "GDPR erasure"
            if word == "initiated" && is_by_person() && BLOCKS.contains(&self.word(at + 1))
                || word == "erasure" && self.has(&ERASED_BY)
            {
                return true;
            }
            if word == "stop" {
                // A sender says no STOP, but is told to stop; and a word in a message that nobody answered is the sender's.
                let is_in_message = self.has(&CONTAINS) && self.has(&MESSAGES);
                let is_of_text = is_in_message && !self.has(&PERSON) && !self.has(&ANSWERS);
                let is_of_a_program = ["sending", "error", "failed", "failure"].contains(&self.word(at + 1));
                return !self.is_negated(at) && !is_of_a_program && !is_of_text;
            }
            let is_not_in = sense & OPT != 0 && next & IN != 0 && self.is_negated(at);
            !is_of_sender && (is_not_in || is_asked || has_ended || (is_out && !self.is_negated(at) && !is_answered))
        };
        self.lacks_consent() || (!self.has(&OF_THE_TEXT) && (0..self.0.len()).any(says))
    }

    /// Whether a word speaks of the sender; an opt-out at the level of an account is the person's.
    fn is_of_the_sender(&self, at: usize) -> bool {
        // "The message From/To pair" is of both, and one is unsubscribed "from SMS".
        let is_of_both =
            self.word(at) == "from" && (self.word(at + 1) == "to" || MESSAGES.contains(&self.word(at + 1)));
        // A sender's account is closed; one that is unsubscribed is the person's.
        let is_of_person = self.word(at) == "account" && self.sense(at + 1) & OUT != 0;
        OF_THE_SENDER.contains(&self.word(at))
            && !self.is_left(at)
            && !is_of_both
            && !is_of_person
            && !["level", "wide"].contains(&self.word(at + 1))
    }

    /// Whether a word is of what somebody is out of: "unsubscribed from this sender ID", "opted out from the account".
    fn is_left(&self, at: usize) -> bool {
        let is_out =
            |from: usize| (from.saturating_sub(LEFT_WITHIN)..from).any(|at| self.sense(at) & (OUT | AWAY) != 0);
        self.word(at) != "webhook" && (1..=at).any(|from| self.word(from) == "from" && is_out(from))
    }

    /// What a person blocks: "this number", "us", "messages".
    fn is_sender(&self, at: usize) -> bool {
        let word = self.word(at);
        SENDER.contains(&word) || word.starts_with("number") || MESSAGES.contains(&word)
    }

    /// "user does not": whether the user stands before a word that denies.
    fn is_user(&self, not: usize) -> bool {
        self.before(not).is_some_and(|before| self.word(before) == "user")
    }

    fn is_blocking(&self, at: usize) -> bool {
        BLOCKING.contains(&self.word(at))
    }

    /// "user refused messages", "Subscriber deactivated promotional messages", "refused by recipient", "user declined".
    fn refuses(&self, at: usize) -> bool {
        let is_refused = || (at + 1..=at + REFUSED_WITHIN).any(|at| MESSAGES.contains(&self.word(at)));
        let receives = || self.word(at + 1) == "to" && self.word(at + 2) == "receive";
        let word = self.word(at);
        let is_willed = ["refuse", "decline", "reject", "denied", "exclude"].iter().any(|stem| word.starts_with(stem));
        REFUSES.contains(&word)
            && (self
                .before(at)
                .is_some_and(|by| PERSON.contains(&self.word(by)) && (is_refused() || is_willed && receives()))
                || is_willed && self.before(at).is_some_and(|by| self.is_blocking(by)) && at + 1 == self.0.len()
                || is_willed && self.word(at + 1) == "by" && self.behind(at + 1).is_some_and(|by| self.is_person(by)))
    }

    /// "User preference: no marketing", "TPS registered number".
    fn is_in_preferences(&self, at: usize) -> bool {
        let is_none = |at: usize| MESSAGES.contains(&self.word(at)) && self.is_negated(at);
        PREFERENCE.contains(&self.word(at)) && (at + 1..self.0.len()).any(is_none)
            || PREFERENCE_SERVICES.contains(&self.word(at)) && self.has(&REGISTERED)
    }

    /// "user not subscribed to this service": a sender that is not subscribed to something is the provider's customer.
    fn is_never_in(&self, at: usize) -> bool {
        let is_whom = |by: usize| self.is_person(by) && self.word(by) != "customer" || self.word(by) == "number";
        self.word(at) == "subscribed"
            && self.before(at).is_some_and(|not| self.is_not(not) && self.before(not).is_some_and(is_whom))
    }

    /// "blocked number": as it is called by who keeps a list of them. "Number blocked" may be the network's doing.
    fn is_entry_of_block_list(&self, at: usize) -> bool {
        self.word(at) == "blocked"
            && at + 2 == self.0.len()
            && ["number", "recipient", "msisdn", "destination"].contains(&self.word(at + 1))
            && (at == 0 || STATES.contains(&self.word(at - 1)) || BETWEEN.contains(&self.word(at - 1)))
            && !self.has(&NETWORK)
    }

    /// "recipient cancelled", "cancelled by recipient": which of a sender's users would be "cancelled by user".
    fn cancels(&self, at: usize) -> bool {
        let is_one = |at: usize| GETS.contains(&self.word(at)) || self.word(at) == "end" && self.word(at + 1) == "user";
        let is_of_messages = || at + 1 == self.0.len() || MESSAGES.contains(&self.word(at + 1));
        CANCELS.contains(&self.word(at))
            && (self.before(at).is_some_and(|by| GETS.contains(&self.word(by))) && is_of_messages()
                || self.word(at + 1) == "by" && self.behind(at + 1).is_some_and(is_one))
    }

    /// "new owner", "number ported to other owner", "no longer belongs to customer", "subscriber deceased": the person is no longer
    /// behind the number.
    fn is_of_another(&self, at: usize) -> bool {
        let word = self.word(at);
        let is_whole = |word: &str| ["of", "in", "for", "lookup"].contains(&word);
        let is_other = |at: usize| OTHER.contains(&self.word(at)) || self.is_not(at);
        let is_owner = |at: usize| OWNER.contains(&self.word(at));
        let has_passed = word == "passed" && self.word(at + 1) == "away";
        if is_owner(at) {
            let changed = |at: usize| ["changed", "changes", "change"].contains(&self.word(at));
            let is_of_number =
                self.word(at + 1) != "of" || self.behind(at + 1).is_some_and(|of| NUMBER.contains(&self.word(of)));
            return self.before(at).is_some_and(|before| is_other(before) || changed(before)) && is_of_number
                || self.behind(at).is_some_and(changed) && !is_whole(self.word(at + 1));
        }
        if GONE.contains(&word) || has_passed {
            let is_one = |at: usize| {
                self.is_person(at) || is_owner(at) || NUMBER.contains(&self.word(at)) || self.word(at) == "contact"
            };
            return !self.is_negated(at) && self.before(at).or(self.behind(at)).is_some_and(is_one);
        }
        let is_somebody = |at: usize| {
            self.is_person(at)
                || is_owner(at)
                || self.word(at) == "else"
                || ["someone", "somebody"].contains(&self.word(at))
        };
        let is_to = self.word(at + 1) == "to";
        let whose = self.behind(at).map_or(at, |whose| {
            if OTHER.contains(&self.word(whose)) && !is_somebody(whose) { whose + 1 } else { whose }
        });
        BELONGS.contains(&word)
            && is_to
            && !self.has(&MESSAGES)
            && is_somebody(whose)
            && (self.is_negated(at) != self.behind(at).is_some_and(|at| OTHER.contains(&self.word(at))))
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
        let needs_opt_in = self.sense(0) & OPT != 0 && self.sense(1) & IN != 0 && self.0.len() == 3;
        (0..self.0.len()).any(lacks) || needs_opt_in && ["required", "missing", "needed"].contains(&self.word(2))
    }

    /// "Unknown destination handset", "number does not exist", `UNALLOCATED_NUMBER`, "not a valid mobile number".
    fn is_dead(&self) -> bool {
        // "Your number" is the sender's.
        let is_number = |at: usize| {
            NUMBER.contains(&self.word(at)) && self.word(at + 1) != "of" && (at == 0 || self.word(at - 1) != "your")
        };
        let is_of_number =
            |from: usize, to: usize| self.before(from).is_some_and(is_number) || self.behind(to).is_some_and(is_number);
        let is_message = |at: usize| MESSAGES.contains(&self.word(at));
        let is_landline = || {
            self.has(&["landline", "fixedline", "festnetz"]) && !self.has(&["may", "might", "possible", "not", "error"])
        };
        let is_for_good =
            || self.has(&FOR_GOOD) && self.has(&ABSENT) && !(0..self.0.len()).any(|at| self.sense(at) & NOT != 0);
        let is_dead = |at: usize| match self.word(at) {
            "landline" | "fixedline" | "festnetz" => !self.is_negated(at),
            "fijo" | "fixo" => self.before(at).is_some_and(|before| self.word(before).starts_with("telefon")),
            "wrong" if WRONG_ONE.contains(&self.word(at + 1)) => true,
            "active" => {
                self.has(&["longer"]) && self.before(at).is_some_and(|not| self.is_not(not) && is_of_number(not, at))
            }
            "support" => {
                let negated = self.before(at).filter(|&not| self.is_not(not));
                negated.is_some_and(|not| is_of_number(not, not)) && self.behind(at).is_some_and(is_message)
            }
            "unallocated" | "unassigned" => true,
            // Of a number, another word says that it is the network's: "illegal number" is an opt-out with some.
            "illegal" => self.behind(at).is_some_and(|behind| self.word(behind) == "subscriber"),
            "changed" => {
                let is_last = |at: usize| at + 1 == self.0.len();
                is_last(at) && self.before(at).is_some_and(|before| self.word(before) == "number")
                    || is_last(at + 1) && self.word(at + 1) == "number"
            }
            "land" | "fixed" => self.word(at + 1) == "line" && !self.is_negated(at),
            word if self.0.len() == 1 && DEAD_ALONE.contains(&word) => true,
            "assigned" if self.0.len() == 2 => self.is_negated(at),
            "exist" | "exists" if self.is_negated(at) && self.before(at).is_some_and(|not| self.is_user(not)) => true,
            // As a mail server says it. A user of a program is its sender's.
            "such" if self.is_negated(at) && self.is_person(at + 1) => true,
            "unknown" if self.0.len() == 2 && self.has(&["user", "enduser"]) => true,
            // Calls to it are, and no network is said to have done it: the number gets nothing, as with an unknown one.
            "barred" if !self.has(&NETWORK) => {
                let is_called = |at: usize| self.word(at) == "call" || is_number(at);
                self.word(at + 1) != "by" && self.before(at).or(self.behind(at)).is_some_and(is_called)
            }
            _ if self.is_of_another(at) => true,
            // "Subscriber deactivated promotional messages" speaks of these.
            "deactivated" if self.refuses(at) => false,
            "such" => self.is_negated(at) && is_number(at + 1),
            word if MOBILE.contains(&word) => self.is_negated(at) && (is_number(at + 1) || at + 1 == self.0.len()),
            "disconnected" if self.has(&FOR_GOOD) => true,
            "deactivated"
                if self.word(at + 1) == "by"
                    && self.behind(at + 1).is_some_and(|by| NETWORK.contains(&self.word(by))) =>
            {
                true
            }
            "dead" if self.before(at).is_some_and(|line| line == 0 && LINE.contains(&self.word(line))) => {
                at + 1 == self.0.len()
            }
            "disconnected" | "dead" => self.before(at).or(self.behind(at)).is_some_and(|at| {
                self.word(at).starts_with("number") || LINE.contains(&self.word(at)) && self.0.len() == 2
            }),
            word if DEAD
                .iter()
                .any(|dead| word == *dead || dead.len() >= STEM_LETTERS_MIN && word.starts_with(dead)) =>
            {
                is_of_number(at, at)
            }
            word if LIVES.contains(&word) || (word == "service" && self.word(at.wrapping_sub(1)) == "in") => {
                let negated = self.before(at).filter(|&not| self.is_not(not));
                let is_alone = || self.0.iter().all(|word| OF_A_DEAD_NUMBER.contains(&word.as_str()));
                let says_service = word == "service" || self.has(&["disconnected"]);
                negated.is_some_and(|not| is_of_number(not, at) || says_service && is_alone())
                    // "Nummer existiert nicht"
                    || self.behind(at).is_some_and(|not| self.is_not(not)) && self.before(at).is_some_and(is_number)
            }
            // "not SMS capable"
            "capable" | "enabled" => is_message(at.wrapping_sub(1)) && self.is_negated(at - 1),
            "incapable" => is_message(at.wrapping_sub(1)) || self.word(at + 1) == "of" && is_message(at + 3),
            // "SMS not supported", where nothing else is said: in a country, by an account.
            "supported" => {
                let is_said_of_number = || self.word(at + 1) == "by" && self.behind(at + 1).is_some_and(is_number);
                self.is_negated(at) && is_message(at.wrapping_sub(2)) && (at + 1 == self.0.len() || is_said_of_number())
            }
            "receive" => {
                self.before(at).is_some_and(|not| self.is_not(not) || ["cannot", "cant"].contains(&self.word(not)))
                    && self.behind(at).is_some_and(is_message)
            }
            word if ABSENT.contains(&word) => is_for_good() && is_of_number(at, at),
            _ => false,
        };
        let is_error =
            || self.has(&FOR_GOOD) && self.0.iter().all(|word| word == "error" || !PASSING.contains(&word.as_str()));
        (!self.has(&PASSING) || is_for_good() || is_landline() || is_error())
            && !self.has(&OF_THE_SENDER)
            && (0..self.0.len()).any(is_dead)
    }
}

/// Whether a word in a script without blanks has one that says it alone: "用户已退订".
fn says_within(word: &str) -> bool {
    !word.is_ascii() && OUT_WITHIN.iter().any(|out| word.contains(out)) && !word.contains(['未', '没', '沒'])
}
