//! Why a verdict is what it is, as WHY tells it: for programs by keys, for people in a few sentences.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{date, event_json, kind_word, list_event_json, put_text};
use crate::model::event::{Event, EventKind};
use crate::model::fact::{Fact, How};
use crate::model::list::{ListId, Lists};
use crate::model::list_event::{ListEvent, ListEventKind};
use crate::model::phone::{ListNumber, Phone};
use crate::model::reason::ReasonWords;
use crate::model::time::{self, Millis};
use crate::model::tombstone::RemovedBy;
use crate::model::verdict::{Reason, Verdict};
use crate::model::why::{Basis, Ground, Why};

/// An answer to WHY, and what the question was.
pub struct WhyAnswer<'a> {
    /// The number that would send.
    pub list: ListNumber,
    /// The number that would get the message.
    pub phone: Phone,
    /// The answer.
    pub why: &'a Why,
    /// The event of the history that brought the fact behind it, where there is one.
    pub event: Option<&'a Event>,
    /// All lists.
    pub lists: &'a Lists,
}

impl WhyAnswer<'_> {
    /// All of it.
    pub fn json(&self) -> Value {
        let mut fields = match self.why.grounds.first() {
            Some(ground) => self.ground_json(ground),
            None => self.basis_json(self.why.subscription.as_ref()),
        };
        fields.insert("list".into(), self.list.to_string().into());
        fields.insert("phone".into(), self.phone.to_string().into());
        let verdict = match self.why.verdict {
            Verdict::Yes => "yes".to_owned(),
            Verdict::No(reason) => format!("no {}", reason.word()),
        };
        fields.insert("verdict".into(), verdict.into());
        if let Some(event) = self.event {
            fields.insert("event".into(), event_json(event, self.lists));
        }
        let behind = self.why.grounds.iter().skip(1).map(|ground| Value::Object(self.ground_json(ground)));
        fields.insert("behind".into(), behind.collect());
        match self.why.gone {
            Some((at, RemovedBy::Purged(why))) => {
                fields.insert("purged_at".into(), date(at));
                fields.insert("purged_reason".into(), why.word().into());
            }
            Some((at, RemovedBy::Erased)) => drop(fields.insert("erased_at".into(), date(at))),
            None => {}
        }
        fields.insert("text".into(), self.text().into());
        Value::Object(fields)
    }

    fn ground_json(&self, ground: &Ground) -> Map<String, Value> {
        let words = ground.reason.words();
        let mut fields = self.basis_json(ground.basis.as_ref());
        fields.insert("reason".into(), ground.reason.word().into());
        fields.insert("meaning".into(), words.meaning.into());
        fields.insert("ends".into(), words.ended_by.into());
        fields
    }

    fn basis_json(&self, basis: Option<&Basis>) -> Map<String, Value> {
        let mut fields = Map::new();
        let fact = match basis {
            Some(Basis::Fact { kind, list, fact }) => self.fact_json(*kind, *list, fact),
            Some(Basis::List(event)) => list_event_json(event, self.lists),
            Some(Basis::MemoryOnly) => {
                fields.insert("memory_only".into(), true.into());
                Value::Null
            }
            None => Value::Null,
        };
        fields.insert("fact".into(), fact);
        fields
    }

    fn fact_json(&self, kind: EventKind, list: Option<ListId>, fact: &Fact) -> Value {
        let mut json = json!({ "kind": kind_word(kind), "at": date(fact.at), "how": fact.how.word() });
        let Some(fields) = json.as_object_mut() else { return json };
        if let Some(number) = self.number(list) {
            fields.insert("list".into(), number.into());
        }
        put_text(fields, "source", &fact.source);
        put_text(fields, "reason", &fact.reason);
        put_text(fields, "by", &fact.by);
        json
    }

    fn number(&self, list: Option<ListId>) -> Option<String> {
        Some(self.lists.number(list?)?.to_string())
    }

    /// The same in sentences.
    fn text(&self) -> String {
        let mut sentences = Vec::new();
        match self.why.grounds.split_first() {
            None => {
                let how = match &self.why.subscription {
                    Some(Basis::Fact { kind: EventKind::OptIn, fact, .. }) => {
                        format!(" opted in to {}{}", self.list, told(fact, self.event))
                    }
                    Some(Basis::Fact { fact, .. }) => {
                        format!(" was subscribed to {}{}", self.list, told(fact, self.event))
                    }
                    _ => format!(" is subscribed to {}", self.list),
                };
                sentences.push(format!("Yes. {}{how}, and nothing forbids messages.", self.phone));
            }
            Some((first, behind)) => {
                sentences.push(format!("No. {}.", self.sentence(first, self.event)));
                sentences.extend(self.about_the_number().filter(|_| first.reason == Reason::NotSubscribed));
                sentences.push(format!("{}.", self.fill(first, first.reason.words().remedy, "")));
                if first.basis == Some(Basis::MemoryOnly) {
                    sentences.push(
                        "It could not be written to disk: a restart forgets it, unless the trail has it. Report it again once the disk is mended."
                            .to_owned(),
                    );
                }
                if !behind.is_empty() {
                    let behind: Vec<String> = behind.iter().map(|ground| self.sentence(ground, None)).collect();
                    sentences.push(format!("Behind that stands: {}.", behind.join("; ")));
                }
            }
        }
        sentences.join(" ")
    }

    /// That the number is not a contact, if it is not.
    fn about_the_number(&self) -> Option<String> {
        match self.why.gone {
            _ if self.why.is_contact => None,
            None => Some(format!("contactd does not know {}.", self.phone)),
            Some((at, RemovedBy::Purged(why))) => Some(format!(
                "A purge removed the contact on {} ({}); what it said comes back with the number.",
                moment(at),
                why.word()
            )),
            Some((at, RemovedBy::Erased)) => Some(format!("The contact was erased on {}.", moment(at))),
        }
    }

    fn sentence(&self, ground: &Ground, event: Option<&Event>) -> String {
        let fact = match &ground.basis {
            Some(Basis::Fact { fact, .. }) => told(fact, event),
            Some(Basis::List(event)) if event.kind == ListEventKind::Removed => {
                format!(" (removed on {})", moment(event.at))
            }
            Some(Basis::List(ListEvent { at, kind: ListEventKind::Fenced { backup_at }, .. })) => {
                if *backup_at > 0 {
                    format!(
                        " (its data is of {}: so it was restored from a backup, or said to be, on {})",
                        moment(*backup_at),
                        moment(*at)
                    )
                } else {
                    format!(" (since {}: `contactd health` says why)", moment(*at))
                }
            }
            Some(Basis::List(event)) => format!(" (since {})", moment(event.at)),
            Some(Basis::MemoryOnly) | None => String::new(),
        };
        self.fill(ground, ground.reason.words().sentence, &fact)
    }

    fn fill(&self, ground: &Ground, template: &str, fact: &str) -> String {
        let of = match &ground.basis {
            Some(Basis::Fact { list: Some(list), .. }) => self.number(Some(*list)).unwrap_or_default(),
            Some(Basis::Fact { list: None, .. }) => "all lists".to_owned(),
            _ => self.list.to_string(),
        };
        let (phone, list) = (self.phone.to_string(), self.list.to_string());
        ReasonWords::fill(template, &[("phone", &phone), ("list", &list), ("of", &of), ("fact", fact)])
    }
}

/// When, how, who and why, as the end of a sentence.
fn told(fact: &Fact, event: Option<&Event>) -> String {
    let how = match fact.how {
        How::Api => "reported by a program",
        How::Import => "by an import",
        How::Journey => "by a customer journey",
        How::Keyword => "by keyword",
    };
    let mut told = format!(" on {}, {how}", moment(fact.at));
    if let Some(event) = event.filter(|event| matches!(event.kind, EventKind::Inbound(_))) {
        let _ = write!(told, " ('{}')", event.text);
    }
    for (name, text) in [("source", &fact.source), ("reason", &fact.reason), ("token of", &fact.by)] {
        if !text.is_empty() {
            let _ = write!(told, ", {name} '{text}'");
        }
    }
    told
}

/// A time as people read it: `2026-05-01 12:00:00 UTC`.
fn moment(at: Millis) -> String {
    let text = time::format(at);
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}
