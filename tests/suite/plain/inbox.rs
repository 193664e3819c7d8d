//! The messages that wait for a person, found by scanning every fact of whoever wrote them.

use serde_json::{Value, json};

use super::commands::time;
use super::facts::{Contact, Kind, ListStatus, Scope, removed};
use super::model::Model;

/// A message in which somebody may want out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub phone: String,
    pub list: String,
    pub text: String,
    pub id: Option<String>,
    pub at: i64,
    pub seen_at: i64,
}

impl Model {
    /// Whether a message of the contact waits that would opt out of the list, and holds the contact back.
    pub fn is_held(&self, list: &str, phone: &str) -> bool {
        self.holds && self.has_waiting(list, phone)
    }

    /// Whether a message of the contact waits that would opt out of the list.
    pub fn has_waiting(&self, list: &str, phone: &str) -> bool {
        let reaches = |waiting: &Waiting| self.scope == Scope::All || waiting.list == list;
        self.waiting.iter().any(|waiting| waiting.phone == phone && reaches(waiting))
    }

    /// Lets go of the messages about which their contacts have decided.
    pub fn settle_decided(&mut self) {
        let contacts = &self.contacts;
        self.waiting.retain(|waiting| {
            !contacts.get(&waiting.phone).is_some_and(|contact| has_decided(contact, &waiting.list, waiting.at))
        });
    }

    /// INBOX DONE of the message that INBOX shows at this place.
    pub fn review(&mut self, place: usize) {
        let reviewed = self.shown().get(place).map(|waiting| (*waiting).clone());
        let at = self.waiting.iter().rposition(|waiting| Some(waiting) == reviewed.as_ref());
        if let Some(at) = at {
            self.waiting.remove(at);
        }
    }

    /// What INBOX shows, without the numbers of the messages.
    pub fn inbox(&self) -> Vec<Value> {
        self.shown().into_iter().map(Waiting::json).collect()
    }

    /// The newest first, without those of contacts to whom nothing is sent, whatever they meant.
    fn shown(&self) -> Vec<&Waiting> {
        self.waiting.iter().rev().filter(|waiting| !self.is_out(waiting)).collect()
    }

    fn is_out(&self, waiting: &Waiting) -> bool {
        let Some(contact) = self.contacts.get(&waiting.phone) else { return false };
        let is_list = self.lists.contains_key(&waiting.list);
        let on_list = contact.list_status(&waiting.list, self.scope);
        // Under the scope of all lists the message holds back on the others, too.
        let is_active = |list: &String| contact.list_status(list, self.scope) == ListStatus::Active;
        let may_be_sent = self.scope == Scope::All && self.lists.keys().any(is_active);
        matches!(contact.status(), "suppressed" | "opted_out")
            || is_list && matches!(on_list, ListStatus::Suppressed | ListStatus::OptedOut) && !may_be_sent
    }
}

impl Waiting {
    fn json(&self) -> Value {
        let mut json = json!({
            "phone": self.phone,
            "list": self.list,
            "text": self.text,
            "at": time(self.at),
            "seen_at": time(self.seen_at),
        });
        if let Some(id) = &self.id {
            json["id"] = json!(id);
        }
        json
    }
}

/// An opt-out of the list or of all lists that is not older than the message, or an opt-in to the list that is newer.
fn has_decided(contact: &Contact, list: &str, at: i64) -> bool {
    let left = removed(list);
    contact.facts.iter().any(|fact| {
        let here = fact.list.as_ref().is_some_and(|of| of == list || *of == left);
        match fact.kind {
            Kind::OptedOut => (here || fact.list.is_none()) && fact.at >= at,
            Kind::OptedIn => here && fact.at > at,
            _ => false,
        }
    })
}
