//! A contact: one phone number, its labels, engagement and consent.

use super::fact::{Fact, Toggle, date};
use super::label::Labels;
use super::list::{ListId, Lists};
use super::phone::Phone;
use super::remembered::Remembered;
use super::time::Millis;
use super::verdict::{self, ContactStatus, ListState, ListStatus, StopScope, Verdict};

/// One phone number and all that is known of it. Its statuses are derived, never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The number.
    pub phone: Phone,
    /// When it came in.
    pub created_at: Millis,
    /// For targeting.
    pub labels: Labels,
    /// What was sent and what came back.
    pub engagement: Engagement,
    /// The newest opt-out of all lists.
    pub opted_out_all: Option<Fact>,
    /// Held back by the sender.
    pub suppression: Toggle,
    /// The number does not exist any more.
    pub invalidity: Toggle,
    /// Its relation to lists, by list id.
    pub lists: Vec<ListContact>,
    /// Ids that change nothing when they come again.
    pub remembered: Remembered,
}

/// Totals and dates of what was sent and what came back. A date of 0 means never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engagement {
    /// Messages sent that have not failed.
    pub sends: u64,
    /// Clicks by people.
    pub clicks: u64,
    /// Clicks by link scanners.
    pub bot_clicks: u64,
    /// Conversions.
    pub conversions: u64,
    /// Revenue, in millionths of the store's currency.
    pub revenue_micros: i64,
    /// The newest send, a failed one included.
    pub last_sent: Millis,
    /// The newest click.
    pub last_clicked: Millis,
    /// The newest click, conversion, reply or opt-in.
    pub last_engaged: Millis,
    /// Sends dated after `last_engaged` that have not failed.
    pub sends_since_engaged: u64,
    /// The newest message from the number, of whatever kind: it proves that the number exists.
    pub last_inbound: Millis,
}

/// A contact's relation to one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListContact {
    /// Which list.
    pub list: ListId,
    /// The newest explicit opt-in: OPTIN, or START from the phone.
    pub opted_in: Option<Fact>,
    /// A subscription by import. It yields to every opt-out, whatever the dates.
    pub imported: Option<Fact>,
    /// The newest opt-out of this list.
    pub opted_out: Option<Fact>,
    /// Held back on this list.
    pub suppression: Toggle,
}

impl Engagement {
    /// The same with no date after `now`: what lies in the future counts as now.
    #[must_use]
    pub fn until(self, now: Millis) -> Engagement {
        Engagement {
            last_sent: self.last_sent.min(now),
            last_clicked: self.last_clicked.min(now),
            last_engaged: self.last_engaged.min(now),
            last_inbound: self.last_inbound.min(now),
            ..self
        }
    }
}

impl ListContact {
    /// A relation of which nothing is known yet.
    pub fn new(list: ListId) -> ListContact {
        ListContact { list, opted_in: None, imported: None, opted_out: None, suppression: Toggle::default() }
    }

    /// The relation to a list that was made again: opt-outs and suppressions stay, subscriptions ended with the old list.
    #[must_use]
    pub fn renewed(&self, list: ListId) -> ListContact {
        ListContact {
            opted_out: self.opted_out.clone(),
            suppression: self.suppression.clone(),
            ..ListContact::new(list)
        }
    }

    /// The newest subscription, of either kind; on a tie the explicit one.
    pub fn subscription(&self) -> Option<&Fact> {
        if date(self.opted_in.as_ref()) >= date(self.imported.as_ref()) {
            self.opted_in.as_ref()
        } else {
            self.imported.as_ref()
        }
    }

    /// Whether an opt-out of that date stands against the explicit opt-in: on a tie the STOP wins.
    pub fn is_ended_by(&self, out_at: Millis) -> bool {
        out_at >= date(self.opted_in.as_ref())
    }

    fn newest(&self) -> Millis {
        date(self.opted_in.as_ref())
            .max(date(self.imported.as_ref()))
            .max(date(self.opted_out.as_ref()))
            .max(self.suppression.newest())
    }
}

impl Contact {
    /// A contact of which nothing is known but its number.
    pub fn new(phone: Phone, created_at: Millis) -> Contact {
        Contact {
            phone,
            created_at,
            labels: Labels::default(),
            engagement: Engagement::default(),
            opted_out_all: None,
            suppression: Toggle::default(),
            invalidity: Toggle::default(),
            lists: Vec::new(),
            remembered: Remembered::default(),
        }
    }

    /// Whether the number is known not to exist: set, and neither VALID nor a message from it is newer.
    pub fn is_invalid(&self) -> bool {
        self.invalidity.in_force_after(self.engagement.last_inbound)
    }

    /// The derived status.
    pub fn status(&self) -> ContactStatus {
        if self.is_invalid() {
            ContactStatus::Invalid
        } else if self.suppression.in_force() {
            ContactStatus::Suppressed
        } else if self.is_opted_out_of_all() {
            ContactStatus::OptedOut
        } else {
            ContactStatus::Active
        }
    }

    /// Whether the opt-out of all stands: no list's opt-in is newer.
    pub fn is_opted_out_of_all(&self) -> bool {
        let out_at = date(self.opted_out_all.as_ref());
        out_at > 0 && self.lists.iter().all(|on| on.is_ended_by(out_at))
    }

    /// The opt-out that counts for a list: its own or that of all, under [`StopScope::All`] the newest of any list.
    pub fn opt_out_of<'a>(&'a self, on: &'a ListContact, scope: StopScope) -> Option<&'a Fact> {
        let own = [on.opted_out.as_ref(), self.opted_out_all.as_ref()].into_iter().flatten().max();
        match scope {
            StopScope::List => own,
            StopScope::All => self.lists.iter().filter_map(|any| any.opted_out.as_ref()).chain(own).max(),
        }
    }

    /// Whether an opt-out stands against a list.
    pub fn is_opted_out(&self, on: &ListContact, scope: StopScope) -> bool {
        self.opt_out_of(on, scope).is_some_and(|out| on.is_ended_by(out.at))
    }

    /// The derived status on one list. The opt-out of another list matters to who is subscribed.
    pub fn list_status(&self, on: &ListContact, scope: StopScope) -> ListStatus {
        if on.suppression.in_force() {
            ListStatus::Suppressed
        } else if self.is_opted_out(on, StopScope::List) {
            ListStatus::OptedOut
        } else if on.opted_in.is_some() || on.imported.is_some() {
            if self.is_opted_out(on, scope) { ListStatus::OptedOut } else { ListStatus::Active }
        } else {
            ListStatus::None
        }
    }

    /// The relation to a list, if there is one.
    pub fn on(&self, list: ListId) -> Option<&ListContact> {
        self.lists.binary_search_by_key(&list, |on| on.list).ok().map(|at| &self.lists[at])
    }

    /// The verdict for a list that is open, but for messages that wait in the inbox.
    pub fn verdict(&self, list: ListId, scope: StopScope) -> Verdict {
        let on_list = self.on(list).map_or(ListStatus::None, |on| self.list_status(on, scope));
        verdict::decide(ListState::Open, None, Some(self.status()), on_list, false)
    }

    /// The newest date that a status can follow from; 0 when there is none.
    pub fn newest(&self) -> Millis {
        let own = date(self.opted_out_all.as_ref())
            .max(self.suppression.newest())
            .max(self.invalidity.newest())
            .max(self.engagement.last_inbound);
        self.lists.iter().map(ListContact::newest).fold(own, Millis::max)
    }

    /// Since when nothing has come from the contact: the newest of last engagement, newest subscription and creation.
    pub fn idle_since(&self) -> Millis {
        let subscribed = self.lists.iter().map(|on| date(on.subscription())).fold(self.created_at, Millis::max);
        subscribed.max(self.engagement.last_engaged)
    }

    /// Every status that a change can turn, for "did anything change?".
    pub fn statuses(&self, scope: StopScope) -> Vec<(ListId, u8)> {
        let own = [self.is_invalid(), self.suppression.in_force(), self.is_opted_out_of_all()];
        let own = own.iter().fold(0, |bits, &set| bits << 1 | u8::from(set));
        let lists = self.lists.iter().map(|on| (on.list, self.flags(on, scope)));
        std::iter::once((ListId(u32::MAX), own)).chain(lists.filter(|&(_, bits)| bits != 0)).collect()
    }

    /// What stands for and against one relation, a bit each.
    pub fn flags(&self, on: &ListContact, scope: StopScope) -> u8 {
        let out = self.is_opted_out(on, scope);
        let flags = [on.suppression.in_force(), out, !out && on.subscription().is_some()];
        flags.iter().fold(0, |bits, &set| bits << 1 | u8::from(set))
    }

    /// What an earlier list of the same number left behind: its place in [`Contact::lists`].
    pub fn predecessor(&self, list: ListId, lists: &Lists) -> Option<usize> {
        let number = lists.number(list)?;
        self.lists.iter().position(|on| on.list != list && lists.number(on.list) == Some(number))
    }
}
