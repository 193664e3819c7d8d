//! Two contacts that turn out to be one: their numbers are two spellings of the same number.
//!
//! The facts of both become the facts of one, by their dates, as if all had come under one spelling. So what forbade under
//! either spelling forbids, until something newer lifts it.

use super::contact::{Contact, Engagement, ListContact};
use super::fact::{Fact, Toggle, keep_newest};
use super::remembered::Remembered;
use crate::limits::{CONTACT_LISTS_MAX, REMEMBERED_IDS_MAX};

impl Contact {
    /// Takes over all that is known of the same number under another spelling. Where both have a label, this contact's stays;
    /// labels for which there is no room are left out.
    pub fn absorb(&mut self, other: &Contact) {
        self.created_at = self.created_at.min(other.created_at);
        for (key, value) in other.labels.iter() {
            if self.labels.get(key).is_none() {
                // A refused patch changes nothing.
                let _ = self.labels.patch(&vec![(key.to_owned(), Some(value.to_owned()))]);
            }
        }
        self.engagement.absorb(&other.engagement);
        absorb_fact(&mut self.opted_out_all, other.opted_out_all.as_ref());
        self.suppression.absorb(&other.suppression);
        self.invalidity.absorb(&other.invalidity);
        other.lists.iter().for_each(|on| self.absorb_list(on));
        self.remembered = absorb_ids(&self.remembered, &other.remembered);
    }

    /// Takes over a relation to a list. A contact that has no room for it keeps what forbids for all lists: the stricter
    /// reading is the safe one.
    pub fn absorb_list(&mut self, on: &ListContact) {
        match self.lists.binary_search_by_key(&on.list, |known| known.list) {
            Ok(at) => self.lists[at].absorb(on),
            Err(at) if self.lists.len() < CONTACT_LISTS_MAX => self.lists.insert(at, on.clone()),
            Err(_) => {
                absorb_fact(&mut self.opted_out_all, on.opted_out.as_ref());
                if on.suppression.in_force() {
                    absorb_fact(&mut self.suppression.set, on.suppression.set.as_ref());
                }
            }
        }
    }
}

impl ListContact {
    /// Takes over the facts of another relation.
    pub fn absorb(&mut self, other: &ListContact) {
        absorb_fact(&mut self.opted_in, other.opted_in.as_ref());
        absorb_fact(&mut self.imported, other.imported.as_ref());
        absorb_fact(&mut self.opted_out, other.opted_out.as_ref());
        self.suppression.absorb(&other.suppression);
    }
}

impl Toggle {
    fn absorb(&mut self, other: &Toggle) {
        absorb_fact(&mut self.set, other.set.as_ref());
        absorb_fact(&mut self.lifted, other.lifted.as_ref());
    }
}

impl Engagement {
    fn absorb(&mut self, other: &Engagement) {
        // The sends since the newest engagement are those of the side that engaged last.
        if other.last_engaged > self.last_engaged {
            self.sends_since_engaged = other.sends_since_engaged;
        }
        self.sends += other.sends;
        self.clicks += other.clicks;
        self.bot_clicks += other.bot_clicks;
        self.conversions += other.conversions;
        self.revenue_micros = self.revenue_micros.saturating_add(other.revenue_micros);
        self.last_sent = self.last_sent.max(other.last_sent);
        self.last_clicked = self.last_clicked.max(other.last_clicked);
        self.last_engaged = self.last_engaged.max(other.last_engaged);
        self.last_inbound = self.last_inbound.max(other.last_inbound);
    }
}

fn absorb_fact(kept: &mut Option<Fact>, other: Option<&Fact>) {
    if let Some(other) = other {
        keep_newest(kept, other.clone());
    }
}

fn absorb_ids(own: &Remembered, other: &Remembered) -> Remembered {
    let mut items = [own.items(), other.items()].concat();
    items.sort_by_key(|item| item.seen_at);
    let forgotten = own.forgotten().max(other.forgotten());
    let many = items.len();
    let mut ids = Remembered::from_stored(items, forgotten);
    ids.drop_oldest(many.saturating_sub(REMEMBERED_IDS_MAX));
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::list::ListId;
    use crate::model::phone::Phone;
    use crate::model::verdict::{Reason, StopScope, Verdict};

    fn fact(at: i64) -> Option<Fact> {
        Some(Fact { at, ..Fact::default() })
    }

    fn contact(lists: Vec<ListContact>) -> Contact {
        Contact { lists, ..Contact::new(Phone::from_u64(541_123_456_789).expect("in range"), 5) }
    }

    #[test]
    fn what_forbade_either_forbids_until_something_newer_lifts_it() {
        let on = |opted_in, opted_out| ListContact { opted_in, opted_out, ..ListContact::new(ListId(1)) };
        for (one, other, verdict) in [
            (on(fact(10), None), on(None, fact(20)), Verdict::No(Reason::ListOptedOut)),
            (on(fact(20), None), on(None, fact(20)), Verdict::No(Reason::ListOptedOut)),
            (on(fact(30), None), on(fact(10), fact(20)), Verdict::Yes),
            (on(fact(10), fact(20)), on(fact(15), None), Verdict::No(Reason::ListOptedOut)),
        ] {
            for (one, other) in [(&one, &other), (&other, &one)] {
                let mut merged = contact(vec![one.clone()]);
                merged.absorb(&contact(vec![other.clone()]));
                assert_eq!(merged.verdict(ListId(1), StopScope::List), verdict, "{one:?} {other:?}");
            }
        }
        let mut merged = contact(vec![on(fact(10), None)]);
        let mut other = contact(Vec::new());
        other.suppression.set = fact(1);
        merged.absorb(&other);
        assert_eq!(merged.verdict(ListId(1), StopScope::List), Verdict::No(Reason::Suppressed));
    }

    #[test]
    fn an_opt_out_without_room_counts_for_all_lists() {
        let full = (0..CONTACT_LISTS_MAX as u32).map(|list| ListContact::new(ListId(list)));
        let mut merged = contact(full.collect());
        let out = ListContact { opted_out: fact(7), ..ListContact::new(ListId(999)) };
        merged.absorb(&contact(vec![out]));
        assert_eq!((merged.lists.len(), merged.opted_out_all), (CONTACT_LISTS_MAX, fact(7)));
    }

    #[test]
    fn totals_add_up_and_the_newest_dates_stay() {
        let mut one = contact(Vec::new());
        one.engagement =
            Engagement { sends: 3, last_sent: 9, last_engaged: 4, sends_since_engaged: 2, ..Engagement::default() };
        let mut other = contact(Vec::new());
        other.created_at = 1;
        other.engagement =
            Engagement { sends: 4, last_sent: 8, last_engaged: 7, sends_since_engaged: 1, ..Engagement::default() };
        one.absorb(&other);
        let sum =
            Engagement { sends: 7, last_sent: 9, last_engaged: 7, sends_since_engaged: 1, ..Engagement::default() };
        assert_eq!((one.created_at, one.engagement), (1, sum));
    }
}
