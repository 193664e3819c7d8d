//! Long messages that a provider delivers in parts, cut anywhere: `… so kind to st` and `op texting me`.
//!
//! Each part is recorded when it comes, for a 2xx is a promise and nobody knows whether the others will come. Which parts came
//! lately is remembered, and the one that makes the message whole is recorded with all of its text. A part alone permits nothing.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::fact::Inbound;
use crate::limits::{WEBHOOK_PART_BYTES_MAX, WEBHOOK_PARTED_MAX, WEBHOOK_PARTED_MS_MAX};
use crate::model::time::Millis;

/// The parts that came lately.
#[derive(Default)]
pub struct Parts(Mutex<VecDeque<Parted>>);

/// A message of which parts came.
struct Parted {
    phone: String,
    number: String,
    of: String,
    /// When its first part came.
    since: Millis,
    /// The provider's id of each part, and its text.
    parts: Vec<Option<(String, String)>>,
}

impl Parts {
    /// Remembers a part. The whole text, if this was all that was missing.
    pub fn whole(&self, inbound: &Inbound, now: Millis) -> Option<String> {
        let part = inbound.part.as_ref().filter(|_| inbound.text.len() <= WEBHOOK_PART_BYTES_MAX)?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|parted| (parted.since..=parted.since + WEBHOOK_PARTED_MS_MAX).contains(&now));
        let is_it = |parted: &Parted| {
            (&parted.phone, &parted.number, &parted.of) == (&inbound.phone, &inbound.number, &part.of)
                && parted.parts.len() == part.all
        };
        // A name is used again: another part in a place that is taken is of another message.
        all.retain(|parted| {
            let taken = parted.parts.get(part.place - 1).and_then(Option::as_ref);
            !is_it(parted) || taken.is_none_or(|(id, _)| *id == inbound.id)
        });
        if !all.iter().any(is_it) {
            if all.len() == WEBHOOK_PARTED_MAX {
                all.pop_front();
            }
            let (phone, number, of) = (inbound.phone.clone(), inbound.number.clone(), part.of.clone());
            all.push_back(Parted { phone, number, of, since: now, parts: vec![None; part.all] });
        }
        let parted = all.iter_mut().find(|parted| is_it(parted))?;
        parted.parts[part.place - 1] = Some((inbound.id.clone(), inbound.text.clone()));
        parted.parts.iter().map(|part| part.as_ref().map(|(_, text)| text.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fact::Part;
    use super::*;

    fn part(of: &str, place: usize, all: usize, id: &str, text: &str) -> Inbound {
        let part = Some(Part { of: of.to_owned(), place, all });
        let (phone, number) = ("+14155550123".to_owned(), "+14155550100".to_owned());
        Inbound { id: id.to_owned(), phone, number, part, text: text.to_owned(), ..Inbound::default() }
    }

    #[test]
    fn a_message_is_whole_with_its_last_part_whichever_that_is() {
        let parts = Parts::default();
        let whole = |of: &str, place, id: &str, text: &str, now| parts.whole(&part(of, place, 2, id, text), now);
        assert_eq!(whole("7", 2, "b", "op texting me", 0), None);
        assert_eq!(whole("8", 2, "x", " else", 0), None);
        let text = Some("please st".to_owned() + "op texting me");
        assert_eq!(whole("7", 1, "a", "please st", 1), text);
        // Delivered again, it is the same.
        assert_eq!(whole("7", 1, "a", "please st", 2), text);
        assert_eq!(whole("7", 2, "b", "op texting me", 3), text);
        // The name of another message.
        assert_eq!(whole("7", 1, "c", "I'll st", 4), None);
        assert_eq!(whole("7", 2, "d", "ay", 5), Some("I'll stay".to_owned()));
        // Long ago.
        assert_eq!(whole("8", 1, "y", "something", WEBHOOK_PARTED_MS_MAX + 1), None);
        let mut single = part("9", 1, 2, "z", "Hello");
        single.part = None;
        assert_eq!(parts.whole(&single, 0), None);
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let parts = Parts::default();
        for of in 0..=WEBHOOK_PARTED_MAX {
            assert_eq!(parts.whole(&part(&of.to_string(), 1, 2, "a", "one"), 0), None);
        }
        assert_eq!(parts.whole(&part("0", 2, 2, "b", "two"), 0), None, "it was forgotten");
        assert_eq!(parts.whole(&part("9", 2, 2, "b", "two"), 0), Some("onetwo".to_owned()));
        let long = "x".repeat(WEBHOOK_PART_BYTES_MAX + 1);
        assert_eq!(parts.whole(&part("10", 2, 2, "b", &long), 0), None);
    }

    #[test]
    fn what_is_no_part_of_several_is_none() {
        for (name, place, all) in
            [("", "1", "2"), ("7", "0", "2"), ("7", "3", "2"), ("7", "1", "1"), ("7", "", ""), ("7", "1", "999")]
        {
            assert_eq!(Part::of(name, place, all), None, "{name} {place} {all}");
        }
        assert_eq!(Part::of("7", " 2", "2"), Some(Part { of: "7".to_owned(), place: 2, all: 2 }));
    }
}
