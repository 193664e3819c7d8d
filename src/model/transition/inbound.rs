//! INBOUND: a message from the phone, and what it means.

use super::{Effect, Step, fact};
use crate::model::change::{Claim, Inbound, Outcome, Turn};
use crate::model::event::{Event, Kind};
use crate::model::fact::{How, keep_newest};
use crate::model::keyword::{Class, Meaning};
use crate::model::remembered::{Domain, What};
use crate::model::tally::Tally;

impl Step<'_, '_> {
    pub(super) fn inbound(&mut self, inbound: &Inbound) -> Effect {
        if let Some(class) = self.repeated(inbound) {
            return Effect::of(Outcome::Inbound { class, turn: Turn::Again });
        }
        let class = self.class(inbound.meaning);
        let at = match (class, self.list) {
            (Class::OptOut | Class::OptOutAll, _) => self.moment(inbound.at),
            (Class::OptIn, Some(list)) => self.permitted(inbound.at, self.consent_of(list)),
            _ => self.permitted(inbound.at, std::iter::empty()),
        };
        let claim = Claim {
            at: inbound.at,
            how: How::Keyword,
            id: inbound.id.clone(),
            evidence: inbound.text.clone(),
            ..Claim::default()
        };
        let engagement = &mut self.contact.engagement;
        engagement.last_inbound = engagement.last_inbound.max(at);
        if !matches!(class, Class::OptOut | Class::OptOutAll) {
            self.engage(at);
        }
        let before = self.statuses();
        let said = fact(at, &claim);
        let class = match class {
            Class::OptOut if self.opt_out(said.clone()).0 == Kind::OptOutAll => Class::OptOutAll,
            Class::OptOutAll => {
                keep_newest(&mut self.contact.opted_out_all, said);
                Class::OptOutAll
            }
            Class::OptIn => match self.list {
                Some(list) if !self.would_not_fit(list) => {
                    self.take_opt_in(list, said);
                    Class::OptIn
                }
                _ => Class::Message,
            },
            other => other,
        };
        let turn = if before == self.statuses() { self.unmoved(class) } else { Turn::New };
        let replies = i64::from(!matches!(class, Class::OptOut | Class::OptOutAll));
        self.remember_text(Domain::Inbound, &inbound.id, &inbound.text, What::Inbound(class), at);
        Effect {
            events: vec![self.claimed_event(Kind::Inbound(class), at, &claim)],
            tallies: self.tally(at, Tally { replies, ..Tally::default() }).into_iter().collect(),
            ..Effect::of(Outcome::Inbound { class, turn })
        }
    }

    /// What a message meant that came before. The same id with another text is another message. An opt-in is looked for
    /// in the history, however old, since it would lift what came after it; and so is what seems to be a repeated
    /// opt-out, since a print may be another id's, and no STOP is lost for that.
    fn repeated(&self, inbound: &Inbound) -> Option<Class> {
        let known = self.known_on_list(Domain::Inbound, &inbound.id, &inbound.text).map(|item| item.what);
        match (inbound.meaning, known) {
            (Meaning::Out | Meaning::OutOfAll, Some(_)) => self.told_before(inbound),
            (_, Some(What::Inbound(class))) => Some(class),
            (Meaning::In | Meaning::InIfKnown, _) => self.told_before(inbound),
            _ => None,
        }
    }

    /// What a message meant, if the history has it.
    fn told_before(&self, inbound: &Inbound) -> Option<Class> {
        if inbound.id.is_empty() {
            return None;
        }
        let is_it = |event: &Event| {
            event.id == inbound.id
                && event.text == inbound.text
                && matches!(event.kind, Kind::Inbound(_))
                && self.is_of_list(event)
        };
        match self.world.history.seen(&is_it)? {
            Kind::Inbound(class) => Some(class),
            _ => None,
        }
    }

    /// Why a message changed no status: it said so before, or something newer stands against it.
    fn unmoved(&self, class: Class) -> Turn {
        let out = match self.list.and_then(|list| self.contact.on(list)) {
            Some(on) => self.contact.is_opted_out(on, self.world.scope),
            None => self.contact.opted_out_all.is_some(),
        };
        match class {
            Class::OptOut | Class::OptOutAll if !out => Turn::Late,
            Class::OptIn if out => Turn::Late,
            Class::OptOut | Class::OptOutAll | Class::OptIn => Turn::Again,
            Class::Help | Class::Message | Class::MaybeOptOut => Turn::New,
        }
    }

    /// What a message means from this contact.
    fn class(&self, meaning: Meaning) -> Class {
        match meaning {
            Meaning::Out => Class::OptOut,
            Meaning::OutOfAll => Class::OptOutAll,
            Meaning::In => Class::OptIn,
            Meaning::InIfKnown => {
                let known = self
                    .list
                    .is_some_and(|list| self.contact.on(list).is_some() || self.standing_opt_out(list).is_some());
                if known { Class::OptIn } else { Class::Message }
            }
            Meaning::Help => Class::Help,
            Meaning::Message => Class::Message,
            Meaning::MaybeOut => Class::MaybeOptOut,
        }
    }
}
