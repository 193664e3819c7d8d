//! INBOUND: a message from the phone, and what it means.

use std::borrow::Cow;

use super::{Effect, Transition};
use crate::error::Result;
use crate::model::change::{Effectiveness, Inbound, Outcome, Statement};
use crate::model::event::{Event, EventKind};
use crate::model::fact::{How, keep_newest};
use crate::model::keyword::{self, InboundKind, Meaning};
use crate::model::remembered::{IdSpace, IdUse};
use crate::model::tally::Tally;

impl Transition<'_, '_> {
    pub(super) fn inbound(&mut self, inbound: &Inbound) -> Result<Effect> {
        if let Some(class) = self.repeated(inbound)? {
            return Ok(Effect::of(Outcome::Inbound { class, turn: Effectiveness::Again }));
        }
        let class = self.class(inbound.meaning);
        let at = match (class, self.list) {
            (InboundKind::OptOut, list) => self.opt_out_date(inbound.at, list),
            (InboundKind::OptOutAll, _) => self.opt_out_date(inbound.at, None),
            (InboundKind::OptIn, Some(list)) => self.opt_in_date(inbound.at, list),
            _ => self.permitting_date(inbound.at, std::iter::empty()),
        };
        let statement = Statement {
            at: inbound.given,
            how: How::Keyword,
            id: inbound.id.clone(),
            evidence: inbound.text.clone(),
            ..Statement::default()
        };
        let is_out = matches!(class, InboundKind::OptOut | InboundKind::OptOutAll);
        let after = if is_out { 0 } else { self.sends_after(at)? };
        // A message whose date cannot be read may be older than what says that the number does not exist. One that may want out,
        // or that a machine wrote, is no proof to the contrary: "this number is not in service".
        let proves_nothing = match class {
            InboundKind::MaybeOptOut => true,
            InboundKind::Message | InboundKind::Help => keyword::is_of_a_machine(&inbound.text),
            InboundKind::OptOut | InboundKind::OptOutAll | InboundKind::OptIn => false,
        };
        if !inbound.undated && !proves_nothing {
            let engagement = &mut self.contact.engagement;
            engagement.last_inbound = engagement.last_inbound.max(at);
        }
        if !is_out {
            self.engage(at, after);
        }
        let before = self.statuses();
        let said = self.fact(at, &statement);
        let class = match class {
            InboundKind::OptOut if self.opt_out(said.clone()).0 == EventKind::OptOutAll => InboundKind::OptOutAll,
            InboundKind::OptOutAll => {
                keep_newest(&mut self.contact.opted_out_all, said);
                InboundKind::OptOutAll
            }
            InboundKind::OptIn => match self.list {
                Some(list) if !self.would_not_fit(list) => {
                    self.take_opt_in(list, said, after);
                    InboundKind::OptIn
                }
                _ => InboundKind::Message,
            },
            other => other,
        };
        let turn = if before == self.statuses() { self.unmoved(class) } else { Effectiveness::New };
        let replies = i64::from(!matches!(class, InboundKind::OptOut | InboundKind::OptOutAll));
        self.remember_text(IdSpace::Inbound, &inbound.id, &said_by(inbound), IdUse::Inbound(class), at);
        Ok(Effect {
            events: vec![self.claimed_event(EventKind::Inbound(class), at, &statement)],
            tallies: self.tally(at, Tally { replies, ..Tally::default() }).into_iter().collect(),
            ..Effect::of(Outcome::Inbound { class, turn })
        })
    }

    /// Somebody has looked at a message.
    pub(super) fn reviewed(&self, statement: &Statement) -> Effect {
        let event = self.claimed_event(EventKind::Reviewed, self.situation.now, statement);
        Effect { events: vec![event], ..Effect::of(Outcome::Changed(true)) }
    }

    /// What a message meant that came before. The same id with another text is another message.
    ///
    /// What may forbid is a repetition only if the history has it with the same text and the same date: a print may be
    /// another id's, a gateway may number its messages anew, and no STOP is lost for that. What may permit is looked for in
    /// the history, however old, since it would lift what came after it; case and punctuation do not make it another text.
    fn repeated(&self, inbound: &Inbound) -> Result<Option<InboundKind>> {
        let known = |text: &str| match self.known_on_list(IdSpace::Inbound, &inbound.id, text)?.what {
            IdUse::Inbound(class) => Some(class),
            _ => None,
        };
        let (exactly, said) = (known(&inbound.text), said_by(inbound));
        match inbound.meaning {
            Meaning::Out | Meaning::OutOfAll | Meaning::MaybeOut => {
                let is_it = |event: &Event| event.text == inbound.text && is_dated_like(event, inbound);
                // If the history cannot be read, it is taken again: that forbids nothing that it should not.
                Ok(exactly.and_then(|_| self.said_before(&inbound.id, true, &is_it).unwrap_or(None)))
            }
            Meaning::In | Meaning::InIfKnown => match exactly.or_else(|| known(&said)) {
                Some(class) => Ok(Some(class)),
                None => self.said_before(&inbound.id, false, &|event| keyword::folded(&event.text) == said),
            },
            Meaning::Help | Meaning::Message => Ok(exactly),
        }
    }

    /// What a message with this id meant, if the history has one of which this holds. `is_strict`: the id's case counts.
    fn said_before(&self, id: &str, is_strict: bool, holds: &dyn Fn(&Event) -> bool) -> Result<Option<InboundKind>> {
        if id.is_empty() {
            return Ok(None);
        }
        // Gateways differ in the case of an id. Another case is another message only where it forbids.
        let is_same =
            |known: &str| if is_strict { known == id } else { known.trim().to_lowercase() == id.trim().to_lowercase() };
        let is_it = |event: &Event| {
            is_same(&event.id) && matches!(event.kind, EventKind::Inbound(_)) && self.is_of_list(event) && holds(event)
        };
        match self.situation.history.seen(&is_it)? {
            Some(EventKind::Inbound(class)) => Ok(Some(class)),
            _ => Ok(None),
        }
    }

    /// Why a message changed no status: it said so before, or something newer stands against it.
    fn unmoved(&self, class: InboundKind) -> Effectiveness {
        let out = match self.list.and_then(|list| self.contact.on(list)) {
            Some(on) => self.contact.is_opted_out(on, self.situation.scope),
            None => self.contact.opted_out_all.is_some(),
        };
        match class {
            InboundKind::OptOut | InboundKind::OptOutAll if !out => Effectiveness::Late,
            InboundKind::OptIn if out => Effectiveness::Late,
            InboundKind::OptOut | InboundKind::OptOutAll | InboundKind::OptIn => Effectiveness::Again,
            InboundKind::Help | InboundKind::Message | InboundKind::MaybeOptOut => Effectiveness::New,
        }
    }

    /// What a message means from this contact.
    fn class(&self, meaning: Meaning) -> InboundKind {
        match meaning {
            Meaning::Out => InboundKind::OptOut,
            Meaning::OutOfAll => InboundKind::OptOutAll,
            Meaning::In => InboundKind::OptIn,
            Meaning::InIfKnown => {
                let known = self
                    .list
                    .is_some_and(|list| self.contact.on(list).is_some() || self.opt_out_in_force(list).is_some());
                match known {
                    true if !self.situation.has_waiting => InboundKind::OptIn,
                    // It may answer a person who has asked about the message that waits: "Shall we take you off?"
                    true if !self.situation.inbox_is_full => InboundKind::MaybeOptOut,
                    _ => InboundKind::Message,
                }
            }
            Meaning::Help => InboundKind::Help,
            Meaning::Message => InboundKind::Message,
            // Nobody would see it: the strict reading is the safe one.
            Meaning::MaybeOut if self.situation.inbox_is_full || self.list.is_none() => InboundKind::OptOut,
            Meaning::MaybeOut => InboundKind::MaybeOptOut,
        }
    }
}

/// What tells a message from others with the same id. A START that a gateway has trimmed is the same START.
fn said_by(inbound: &Inbound) -> Cow<'_, str> {
    match inbound.meaning {
        Meaning::In | Meaning::InIfKnown => Cow::Owned(keyword::folded(&inbound.text)),
        _ => Cow::Borrowed(&inbound.text),
    }
}

/// Whether an event came with the date of this message, or both without one. Dates that cannot be read may be different ones.
fn is_dated_like(event: &Event, inbound: &Inbound) -> bool {
    match inbound.given {
        Some(at) => event.sent_at.unwrap_or(event.at) == at,
        // Without a date it was the last word.
        None => !inbound.undated && event.sent_at.is_none() && event.at >= event.seen_at,
    }
}
