//! The purge policy: which contacts are condemned, and why.

use super::contact::Contact;
use super::list::ListId;
use super::time::{DAY_MS, Millis};

/// A contact with this label is never purged.
pub const KEEP_LABEL: &str = "keep";

/// Which contacts are purged. A rule that is none is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// An invalid contact is purged so long after it was found invalid.
    pub invalid_after: Option<Millis>,
    /// One that nothing has come from for so long is purged, if there were as many sends as [`Policy::sends`] in vain.
    pub idle_after: Option<Millis>,
    /// See [`Policy::idle_after`].
    pub sends: u64,
    /// One that nothing has come from for so long is purged whatever the sends.
    pub idle_max: Option<Millis>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            invalid_after: Some(30 * DAY_MS),
            idle_after: Some(180 * DAY_MS),
            sends: 10,
            idle_max: Some(1_095 * DAY_MS),
        }
    }
}

/// Why a contact is purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condemned {
    /// Its number does not exist.
    Invalid,
    /// Nothing has come from it, and not for want of messages.
    NonEngaged,
    /// Nothing has come from it for very long.
    Idle,
}

impl Condemned {
    /// Every reason, the first that holds is told.
    pub const ALL: [Condemned; 3] = [Condemned::Invalid, Condemned::NonEngaged, Condemned::Idle];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Condemned::Invalid => "invalid",
            Condemned::NonEngaged => "non_engaged",
            Condemned::Idle => "idle",
        }
    }
}

/// What the policy says of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sentence {
    /// It stays.
    Stays,
    /// It would go, but has the label [`KEEP_LABEL`].
    Kept,
    /// It would go, but nobody's engagement is measured on its lists: unmeasured is not disengaged.
    Unmeasured,
    /// It goes.
    Goes(Condemned),
}

impl Policy {
    /// What becomes of a contact. `measured` tells whether a list has had a click, a reply or a conversion from anybody
    /// within [`Policy::measured_within`].
    pub fn sentence(&self, contact: &Contact, now: Millis, measured: &dyn Fn(ListId) -> bool) -> Sentence {
        let Some(why) = self.condemns(contact, now) else { return Sentence::Stays };
        if contact.labels.get(KEEP_LABEL).is_some() {
            return Sentence::Kept;
        }
        let is_measured = contact.lists.is_empty() || contact.lists.iter().any(|on| measured(on.list));
        if why != Condemned::Invalid && !is_measured {
            return Sentence::Unmeasured;
        }
        Sentence::Goes(why)
    }

    fn condemns(&self, contact: &Contact, now: Millis) -> Option<Condemned> {
        let over = |limit: Option<Millis>, since: Millis| limit.is_some_and(|limit| now - since >= limit);
        let invalid_since = contact.invalidity.set.as_ref().filter(|_| contact.is_invalid()).map(|fact| fact.at);
        let idle_since = contact.idle_since();
        if invalid_since.is_some_and(|since| over(self.invalid_after, since)) {
            Some(Condemned::Invalid)
        } else if over(self.idle_after, idle_since) && contact.engagement.sends_since_engaged >= self.sends {
            Some(Condemned::NonEngaged)
        } else if over(self.idle_max, idle_since) {
            Some(Condemned::Idle)
        } else {
            None
        }
    }

    /// Contacts that nothing has come from since this date may be condemned; none if no rule asks for that.
    pub fn idle_before(&self, now: Millis) -> Option<Millis> {
        self.idle_after.into_iter().chain(self.idle_max).min().map(|limit| now - limit)
    }

    /// Contacts that were found invalid before this date are condemned; none if the rule is off.
    pub fn invalid_before(&self, now: Millis) -> Option<Millis> {
        self.invalid_after.map(|limit| now - limit)
    }

    /// How far back somebody's engagement shows that a list is measured; the first of its days counts whole.
    pub fn measured_within(&self) -> Millis {
        self.idle_after.or(self.idle_max).unwrap_or(180 * DAY_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::contact::ListContact;
    use crate::model::fact::Fact;
    use crate::model::phone::Phone;

    const NOW: Millis = 2_000 * DAY_MS;

    fn contact(idle_days: Millis, sends: u64) -> Contact {
        let mut contact = Contact::new(Phone::from_u64(14_155_552_671).expect("in range"), NOW - idle_days * DAY_MS);
        contact.lists = vec![ListContact::new(ListId(1))];
        contact.engagement.sends_since_engaged = sends;
        contact
    }

    fn sentence(contact: &Contact) -> Sentence {
        Policy::default().sentence(contact, NOW, &|list| list == ListId(1))
    }

    #[test]
    fn the_rules_and_their_edges() {
        for (idle_days, sends, expected) in [
            (179, 100, Sentence::Stays),
            (180, 9, Sentence::Stays),
            (180, 10, Sentence::Goes(Condemned::NonEngaged)),
            (1_094, 0, Sentence::Stays),
            (1_095, 0, Sentence::Goes(Condemned::Idle)),
        ] {
            assert_eq!(sentence(&contact(idle_days, sends)), expected, "{idle_days} days, {sends} sends");
        }
        let mut invalid = contact(0, 0);
        invalid.invalidity.set = Some(Fact { at: NOW - 30 * DAY_MS, ..Fact::default() });
        assert_eq!(sentence(&invalid), Sentence::Goes(Condemned::Invalid));
        invalid.engagement.last_inbound = NOW;
        assert_eq!(sentence(&invalid), Sentence::Stays, "a message proves that it exists");
        let off = Policy { idle_after: None, idle_max: None, invalid_after: None, sends: 0 };
        assert_eq!(off.sentence(&contact(5_000, 99), NOW, &|_| true), Sentence::Stays);
    }

    #[test]
    fn kept_and_unmeasured_ones_stay() {
        let mut kept = contact(200, 10);
        kept.labels.patch(&vec![("keep".into(), Some(String::new()))]).expect("a label");
        assert_eq!(sentence(&kept), Sentence::Kept);
        let mut elsewhere = contact(200, 10);
        elsewhere.lists = vec![ListContact::new(ListId(2))];
        assert_eq!(sentence(&elsewhere), Sentence::Unmeasured);
        elsewhere.lists.push(ListContact::new(ListId(1)));
        assert_eq!(sentence(&elsewhere), Sentence::Goes(Condemned::NonEngaged));
        elsewhere.lists.clear();
        assert_eq!(sentence(&elsewhere), Sentence::Goes(Condemned::NonEngaged));
    }
}
