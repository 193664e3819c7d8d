//! The messages that wait for a person, found by scanning every fact of whoever wrote them.

use serde_json::{Value, json};

use super::commands::time;
use super::facts::{Contact, Kind, removed};
use super::model::Model;

/// What hides a message: nothing is sent to the contact, whatever the message means.
const HIDING: [&str; 4] = ["no suppressed", "no opted_out", "no list_suppressed", "no list_opted_out"];

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
    /// Whether a message of the contact to the list waits, and holds the contact back.
    pub fn is_held(&self, list: &str, phone: &str) -> bool {
        self.holds && self.waiting.iter().any(|waiting| waiting.list == list && waiting.phone == phone)
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

    /// The newest first.
    fn shown(&self) -> Vec<&Waiting> {
        let is_shown = |waiting: &&Waiting| !HIDING.contains(&&*self.check(&waiting.list, &waiting.phone));
        self.waiting.iter().rev().filter(is_shown).collect()
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
