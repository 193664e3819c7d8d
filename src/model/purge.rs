//! The purge policy: which contacts it selects, and why.

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
    /// A contact that has been idle for so long is purged, if [`Policy::sends`] messages went to it since.
    pub idle_after: Option<Millis>,
    /// See [`Policy::idle_after`].
    pub sends: u64,
    /// A contact that has been idle for so long is purged, whatever was sent.
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
pub enum PurgeReason {
    /// Its number does not exist.
    Invalid,
    /// It has been idle although messages went to it.
    NonEngaged,
    /// Nothing has come from it for very long.
    Idle,
}

impl PurgeReason {
    /// Every reason, the first that holds is told.
    pub const ALL: [PurgeReason; 3] = [PurgeReason::Invalid, PurgeReason::NonEngaged, PurgeReason::Idle];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            PurgeReason::Invalid => "invalid",
            PurgeReason::NonEngaged => "non_engaged",
            PurgeReason::Idle => "idle",
        }
    }
}

/// What the policy says of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeDecision {
    /// It stays.
    Keep,
    /// It would go, but has the label [`KEEP_LABEL`].
    Labelled,
    /// It would go, but nobody's engagement is measured on its lists: unmeasured is not disengaged.
    Unmeasured,
    /// It goes.
    Purge(PurgeReason),
}

impl Policy {
    /// What becomes of a contact. `measured` tells whether a list has had a click, a reply or a conversion from anybody
    /// within [`Policy::measured_within`].
    pub fn decide(&self, contact: &Contact, now: Millis, measured: &dyn Fn(ListId) -> bool) -> PurgeDecision {
        let Some(why) = self.reason_for(contact, now) else { return PurgeDecision::Keep };
        if contact.labels.get(KEEP_LABEL).is_some() {
            return PurgeDecision::Labelled;
        }
        let is_measured = contact.lists.is_empty() || contact.lists.iter().any(|on| measured(on.list));
        if why != PurgeReason::Invalid && !is_measured {
            return PurgeDecision::Unmeasured;
        }
        PurgeDecision::Purge(why)
    }

    fn reason_for(&self, contact: &Contact, now: Millis) -> Option<PurgeReason> {
        let over = |limit: Option<Millis>, since: Millis| limit.is_some_and(|limit| now - since >= limit);
        let invalid_since = contact.invalidity.set.as_ref().filter(|_| contact.is_invalid()).map(|fact| fact.at);
        let idle_since = contact.idle_since();
        if invalid_since.is_some_and(|since| over(self.invalid_after, since)) {
            Some(PurgeReason::Invalid)
        } else if over(self.idle_after, idle_since) && contact.engagement.sends_since_engaged >= self.sends {
            Some(PurgeReason::NonEngaged)
        } else if over(self.idle_max, idle_since) {
            Some(PurgeReason::Idle)
        } else {
            None
        }
    }

    /// Contacts that have been idle since this date may be selected; none if no rule asks for that.
    pub fn idle_before(&self, now: Millis) -> Option<Millis> {
        self.idle_after.into_iter().chain(self.idle_max).min().map(|limit| now - limit)
    }

    /// Contacts that were found invalid before this date are selected; none if the rule is off.
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

    fn decide(contact: &Contact) -> PurgeDecision {
        Policy::default().decide(contact, NOW, &|list| list == ListId(1))
    }

    #[test]
    fn the_rules_and_their_edges() {
        for (idle_days, sends, expected) in [
            (179, 100, PurgeDecision::Keep),
            (180, 9, PurgeDecision::Keep),
            (180, 10, PurgeDecision::Purge(PurgeReason::NonEngaged)),
            (1_094, 0, PurgeDecision::Keep),
            (1_095, 0, PurgeDecision::Purge(PurgeReason::Idle)),
        ] {
            assert_eq!(decide(&contact(idle_days, sends)), expected, "{idle_days} days, {sends} sends");
        }
        let mut invalid = contact(0, 0);
        invalid.invalidity.set = Some(Fact { at: NOW - 30 * DAY_MS, ..Fact::default() });
        assert_eq!(decide(&invalid), PurgeDecision::Purge(PurgeReason::Invalid));
        invalid.engagement.last_inbound = NOW;
        assert_eq!(decide(&invalid), PurgeDecision::Keep, "a message proves that it exists");
        let off = Policy { idle_after: None, idle_max: None, invalid_after: None, sends: 0 };
        assert_eq!(off.decide(&contact(5_000, 99), NOW, &|_| true), PurgeDecision::Keep);
    }

    #[test]
    fn kept_and_unmeasured_ones_stay() {
        let mut kept = contact(200, 10);
        kept.labels.patch(&vec![("keep".into(), Some(String::new()))]).expect("a label");
        assert_eq!(decide(&kept), PurgeDecision::Labelled);
        let mut elsewhere = contact(200, 10);
        elsewhere.lists = vec![ListContact::new(ListId(2))];
        assert_eq!(decide(&elsewhere), PurgeDecision::Unmeasured);
        elsewhere.lists.push(ListContact::new(ListId(1)));
        assert_eq!(decide(&elsewhere), PurgeDecision::Purge(PurgeReason::NonEngaged));
        elsewhere.lists.clear();
        assert_eq!(decide(&elsewhere), PurgeDecision::Purge(PurgeReason::NonEngaged));
    }
}
