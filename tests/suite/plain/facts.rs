//! Everything ever learnt about one contact, kept in the order it came; each status is found by scanning all of it.

use std::collections::{BTreeMap, BTreeSet};

use super::sending::Sending;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// STOP closes the list it was sent to.
    List,
    /// STOP closes every list whose opt-in is not newer.
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    OptedIn,
    Imported,
    OptedOut,
    Suppressed,
    Released,
    Invalid,
    Valid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub kind: Kind,
    /// None: of the contact, or of all lists.
    pub list: Option<String>,
    pub at: i64,
    pub how: String,
    pub source: String,
    /// The date that came with it.
    pub told: Option<i64>,
}

impl Fact {
    pub fn new(kind: Kind, list: Option<&str>, at: i64, how: &str, source: &str) -> Fact {
        Fact { kind, list: list.map(str::to_owned), at, how: how.to_owned(), source: source.to_owned(), told: None }
    }

    pub fn told(self, told: Option<i64>) -> Fact {
        Fact { told, ..self }
    }

    /// The date that came with it, where that is later than its own: one more than a day later is only a millisecond later.
    pub fn ahead(&self) -> Option<i64> {
        const AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1_000;
        let told = self.told.filter(|told| *told > self.at)?;
        Some(if told - self.at > AHEAD_MS_MAX { self.at + 1 } else { told })
    }

    /// What decides between two facts of a kind: the date, then how (a file knows least), then the source.
    fn rank(&self) -> (i64, bool, &str, &str) {
        (self.at, self.how != "import", &self.how, &self.source)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListStatus {
    Suppressed,
    OptedOut,
    Active,
    None,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    pub facts: Vec<Fact>,
    pub labels: BTreeMap<String, String>,
    /// Milliseconds; 0: never. A message from the number, whatever it says, proves that the number exists.
    pub last_inbound: i64,
    /// The dates of opt-ins and of messages that are no opt-outs.
    pub engaged: Vec<i64>,
    pub sending: Sending,
    /// Inbound messages (list, id, what tells them apart) and what they were answered with, without a second word.
    pub seen: BTreeMap<(String, String, String), String>,
}

/// The name of the list that was removed and had this number: the relation to it stays under that name until something
/// is told of a new list of the number.
pub fn removed(list: &str) -> String {
    format!("{list} removed")
}

impl Contact {
    /// Learns a fact. The first one about a list takes over what a removed list of its number left behind: opt-outs and
    /// suppressions; subscriptions ended with the list.
    pub fn tell(&mut self, fact: Fact) {
        if let Some(list) = &fact.list {
            let left = Some(removed(list));
            self.facts.retain(|f| f.list != left || !matches!(f.kind, Kind::OptedIn | Kind::Imported));
            for old in self.facts.iter_mut().filter(|f| f.list == left) {
                old.list = Some(list.clone());
            }
        }
        self.facts.push(fact);
    }

    /// The oldest date as which the newest fact of a kind counts, where one of that kind is related and came with this date
    /// or a later one, which was later than it could count. Every related one, when this date is too far ahead.
    pub fn counted_since(&self, told: i64, now: i64, is_related: impl Fn(&Fact) -> bool) -> Option<i64> {
        const AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1_000;
        let is_far = told > now + AHEAD_MS_MAX;
        let ahead = |f: &Fact| f.ahead().is_some_and(|date| date >= told);
        let counted = self.facts.iter().filter(|f| is_related(f) && (is_far || ahead(f)));
        counted.map(|f| self.date(f.kind, f.list.as_deref())).min()
    }

    /// Whether one of these facts is not older than `at`, and one of its kind came with a date that is later still: the clock
    /// of who dated it is ahead, so nobody knows when that was.
    pub fn beats_by_a_fast_clock(&self, at: i64, is_meant: impl Fn(&Fact) -> bool) -> bool {
        let newest = |f: &Fact| self.date(f.kind, f.list.as_deref());
        let beats = |f: &Fact| newest(f) >= at && f.ahead().is_some_and(|ahead| ahead > newest(f));
        self.facts.iter().any(|f| is_meant(f) && beats(f))
    }

    /// What decides whether the contact is out of a list.
    pub fn is_consent_of(fact: &Fact, list: &str, scope: Scope) -> bool {
        let here = fact.list.as_ref().is_some_and(|of| of == list || *of == removed(list));
        match fact.kind {
            Kind::OptedIn => here,
            Kind::OptedOut => here || fact.list.is_none() || scope == Scope::All,
            _ => false,
        }
    }

    /// What decides whether it is suppressed, on a list or as a contact.
    pub fn is_suppression_of(fact: &Fact, list: Option<&str>) -> bool {
        let here = match (&fact.list, list) {
            (Some(of), Some(list)) => of == list || *of == removed(list),
            (of, list) => of.is_none() && list.is_none(),
        };
        here && matches!(fact.kind, Kind::Suppressed | Kind::Released)
    }

    /// The list is no more.
    pub fn end(&mut self, list: &str) {
        for fact in self.facts.iter_mut().filter(|f| f.list.as_deref() == Some(list)) {
            fact.list = Some(removed(list));
        }
    }

    /// The newest fact of a kind about a list (or the contact, or all lists).
    pub fn newest(&self, kind: Kind, list: Option<&str>) -> Option<&Fact> {
        let about = |f: &&Fact| f.kind == kind && f.list.as_deref() == list;
        self.facts.iter().filter(about).max_by_key(|f| f.rank())
    }

    /// The date of that fact, 0 without one.
    pub fn date(&self, kind: Kind, list: Option<&str>) -> i64 {
        self.newest(kind, list).map_or(0, |f| f.at)
    }

    /// The newest date of consent, status, or a message from the number. Sends and what came of them are none.
    pub fn newest_date(&self) -> i64 {
        self.facts.iter().map(|f| f.at).max().unwrap_or(0).max(self.last_inbound)
    }

    /// The newest click, conversion, reply or opt-in.
    pub fn last_engaged(&self) -> Option<i64> {
        self.engaged.iter().copied().chain(self.sending.last_engaged()).max()
    }

    /// The newest opt-in of any list, removed ones included.
    pub fn newest_opt_in(&self) -> i64 {
        self.facts.iter().filter(|f| f.kind == Kind::OptedIn).map(|f| f.at).max().unwrap_or(0)
    }

    pub fn invalid(&self) -> bool {
        let set = self.date(Kind::Invalid, None);
        set > 0 && set >= self.date(Kind::Valid, None).max(self.last_inbound)
    }

    /// Suppressed as a contact, or on one list.
    pub fn suppressed(&self, list: Option<&str>) -> bool {
        let left = list.map(removed);
        let date = |kind| match &left {
            Some(left) => self.date(kind, list).max(self.date(kind, Some(left))),
            None => self.date(kind, None),
        };
        date(Kind::Suppressed) > 0 && date(Kind::Suppressed) >= date(Kind::Released)
    }

    /// Out of all lists, and no list has a newer opt-in. The same under both scopes.
    pub fn opted_out(&self) -> bool {
        let out = self.date(Kind::OptedOut, None);
        out > 0 && self.newest_opt_in() <= out
    }

    /// The newest opt-out that concerns a list.
    pub fn out_date(&self, list: &str, scope: Scope) -> i64 {
        let left = removed(list);
        let concerns = |f: &&Fact| match (scope, &f.list) {
            (Scope::All, _) | (_, None) => true,
            (Scope::List, Some(of)) => of == list || *of == left,
        };
        let outs = self.facts.iter().filter(|f| f.kind == Kind::OptedOut).filter(concerns);
        outs.map(|f| f.at).max().unwrap_or(0)
    }

    /// Out of a list, whether the contact was ever on it or not.
    pub fn out_of(&self, list: &str, scope: Scope) -> bool {
        let out = self.out_date(list, scope);
        out > 0 && out >= self.date(Kind::OptedIn, Some(list))
    }

    /// There is a subscription, explicit or imported.
    pub fn subscribed(&self, list: &str) -> bool {
        self.subscription(list).is_some()
    }

    /// The newest subscription; an explicit opt-in wins a tie.
    pub fn subscription(&self, list: &str) -> Option<&Fact> {
        let opted_in = self.newest(Kind::OptedIn, Some(list));
        let imported = self.newest(Kind::Imported, Some(list));
        match (opted_in, imported) {
            (Some(o), Some(i)) => Some(if o.at >= i.at { o } else { i }),
            (o, i) => o.or(i),
        }
    }

    /// The lists the contact has a relation to, removed ones under their other name.
    pub fn lists(&self) -> BTreeSet<String> {
        self.facts.iter().filter_map(|f| f.list.clone()).collect()
    }

    /// Whether there is a relation to the list of this number, or to a removed one.
    pub fn has_room_for(&self, list: &str, lists_max: usize) -> bool {
        let lists = self.lists();
        lists.len() < lists_max || lists.contains(list) || lists.contains(&removed(list))
    }

    /// None when there is no relation, or nothing of it stands.
    pub fn list_status(&self, list: &str, scope: Scope) -> ListStatus {
        if !self.lists().contains(list) {
            ListStatus::None
        } else if self.suppressed(Some(list)) {
            ListStatus::Suppressed
        } else if self.out_of(list, Scope::List) || self.subscribed(list) && self.out_of(list, scope) {
            // A STOP to another list says nothing of a list the contact never was on.
            ListStatus::OptedOut
        } else if self.subscribed(list) {
            ListStatus::Active
        } else {
            ListStatus::None
        }
    }

    /// The contact's own status, as GET shows it.
    pub fn status(&self) -> &'static str {
        if self.invalid() {
            "invalid"
        } else if self.suppressed(None) {
            "suppressed"
        } else if self.opted_out() {
            "opted_out"
        } else {
            "active"
        }
    }

    /// What forbids sending from a list, in the verdict's order; subscriptions aside.
    pub fn forbids(&self, list: &str, scope: Scope) -> Option<&'static str> {
        if self.status() != "active" {
            Some(self.status())
        } else if self.suppressed(Some(list)) {
            Some("list_suppressed")
        } else if self.out_of(list, scope) {
            Some("list_opted_out")
        } else {
            None
        }
    }

    /// All that a write can change: the newest fact of each kind and place, and the labels.
    pub fn essence(&self) -> (Vec<Fact>, &BTreeMap<String, String>) {
        let places: BTreeSet<_> = self.facts.iter().map(|f| (f.kind, f.list.clone())).collect();
        let newest = places.iter().filter_map(|(kind, list)| self.newest(*kind, list.as_deref()).cloned());
        (newest.collect(), &self.labels)
    }
}
