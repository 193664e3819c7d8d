//! Sending: CLAIM, SENT, FAILED, CLICK, CONVERT.
//!
//! A message is known by its list and id, and is claimed, sent or failed; failed is final, whatever comes first. Totals
//! and dates follow from the messages, so that any order of arrival comes to the same.

use super::{Effect, Transition};
use crate::error::{Error, Result};
use crate::model::change::{Click, Conversion, Failed, Outcome, Sent, State, Statement};
use crate::model::event::{Event, EventKind};
use crate::model::fact::keep_newest;
use crate::model::failure::Failure;
use crate::model::remembered::{IdSpace, IdUse, Item, fingerprint};
use crate::model::tally::Tally;
use crate::model::time::Millis;
use crate::model::verdict::{self, ListStatus, Verdict};

impl Transition<'_, '_> {
    /// The verdict, and if it is yes the send, in one step.
    pub(super) fn claim(&mut self, id: &str) -> Effect {
        if let Some(item) = self.message(id) {
            return Effect::of(Outcome::Duplicate(State::of(item.what)));
        }
        let on = self.list.and_then(|list| self.contact.on(list));
        let on_list = on.map_or(ListStatus::None, |on| self.contact.list_status(on, self.situation.scope));
        let (list, unwritten) = (self.situation.list_state, self.situation.unwritten);
        let verdict = verdict::decide(list, unwritten, Some(self.contact.status()), on_list, self.situation.is_held);
        if verdict != Verdict::Yes {
            return Effect::of(Outcome::Claim(verdict));
        }
        let at = self.situation.now;
        self.remember(IdSpace::Message, id, IdUse::Claimed, at);
        self.count_send(at);
        Effect {
            events: vec![Event { id: id.to_owned(), ..self.event(EventKind::Claimed, at, None) }],
            tallies: self.tally(at, Tally { sends: 1, unresolved: 1, ..Tally::default() }).into_iter().collect(),
            ..Effect::of(Outcome::Claim(verdict))
        }
    }

    /// A message was sent: the confirmation of a claim, or the send itself.
    pub(super) fn sent(&mut self, sent: &Sent) -> Effect {
        let mut at = self.event_date(sent.at);
        let tally = match self.message(&sent.id) {
            Some(Item { what: IdUse::Sent | IdUse::Failed { sent: true, .. }, .. }) => return Effect::nothing(),
            Some(failed @ Item { what: IdUse::Failed { failure, sent: false }, .. }) => {
                // It was taken back before it came; only its date counts.
                self.contact.remembered.update(&failed, IdUse::Failed { failure, sent: true }, at);
                self.contact.engagement.last_sent = self.contact.engagement.last_sent.max(at);
                return Effect::nothing();
            }
            Some(claimed) => {
                at = claimed.at;
                self.contact.remembered.update(&claimed, IdUse::Sent, at);
                Some((claimed.list, at, Tally { unresolved: -1, ..Tally::default() }))
            }
            None => {
                self.remember(IdSpace::Message, &sent.id, IdUse::Sent, at);
                self.count_send(at);
                self.tally(at, Tally { sends: 1, ..Tally::default() })
            }
        };
        Effect {
            events: vec![Event { id: sent.id.clone(), ..self.event(EventKind::Sent, at, sent.at) }],
            tallies: tally.into_iter().collect(),
            ..Effect::of(Outcome::Changed(true))
        }
    }

    /// A message did not arrive: its send is taken back, and what the failure says of the number is taken.
    pub(super) fn failed(&mut self, failed: &Failed) -> Effect {
        let at = self.event_date(failed.at);
        let known = self.message(&failed.id);
        let mut tally = self.tally(at, Tally { failures: 1, ..Tally::default() });
        let mut news = failed.failure;
        match known {
            Some(item @ Item { what: IdUse::Failed { failure, sent }, .. }) => {
                news = failed.failure.beyond(failure);
                if !news.forbids() {
                    return Effect::nothing();
                }
                let what = IdUse::Failed { failure: failure.with(news), sent };
                self.contact.remembered.update(&item, what, item.at);
                tally = None;
            }
            Some(item) => {
                let what = IdUse::Failed { failure: failed.failure, sent: true };
                self.contact.remembered.update(&item, what, item.at);
                let engagement = &mut self.contact.engagement;
                engagement.sends = engagement.sends.saturating_sub(1);
                if item.at > engagement.last_engaged {
                    engagement.sends_since_engaged = engagement.sends_since_engaged.saturating_sub(1);
                }
                let unresolved = -i64::from(item.what == IdUse::Claimed);
                // Of the list on which it was sent, which may have been made again since.
                tally = Some((item.list, item.at, Tally { sends: -1, failures: 1, unresolved, ..Tally::default() }));
            }
            None => {
                let what = IdUse::Failed { failure: failed.failure, sent: false };
                self.remember(IdSpace::Message, &failed.id, what, at);
            }
        }
        let event = Event {
            id: failed.id.clone(),
            text: failed.code.clone(),
            source: failed.source.clone(),
            reason: failed.reason.clone(),
            ..self.event(EventKind::Failed(failed.failure), at, failed.at)
        };
        let mut events = vec![event];
        events.extend(self.learn(failed, news));
        Effect { events, tallies: tally.into_iter().collect(), ..Effect::of(Outcome::Changed(true)) }
    }

    /// Takes what a failure says of the contact.
    fn learn(&mut self, failed: &Failed, news: Failure) -> Vec<Event> {
        let statement = Statement {
            at: failed.at,
            source: failed.source.clone(),
            reason: [failed.code.as_str(), failed.reason.as_str()].join(" ").trim().to_owned(),
            ..Statement::default()
        };
        let (invalid_at, out_at) = (self.invalid_date(failed.at), self.opt_out_date(failed.at, self.list));
        let mut events = Vec::new();
        if news.permanent && self.invalid(self.fact(invalid_at, &statement)).1 {
            events.push(Event { list: None, ..self.claimed_event(EventKind::Invalid, invalid_at, &statement) });
        }
        if news.opted_out
            && let (kind, true) = self.opt_out(self.fact(out_at, &statement))
        {
            events.push(self.claimed_event(kind, out_at, &statement));
        }
        events
    }

    /// Somebody, or a scanner, followed a link.
    pub(super) fn click(&mut self, click: &Click) -> Result<Effect> {
        if self.is_repeated(IdSpace::Click, &click.id) {
            return Ok(Effect::nothing());
        }
        let at = self.event_date(click.at);
        let after = self.sends_after(at)?;
        self.attribute(&click.message);
        let engagement = &mut self.contact.engagement;
        let mut tally = Tally::default();
        let kind = if click.bot {
            engagement.bot_clicks += 1;
            tally.bot_clicks = 1;
            EventKind::BotClick
        } else {
            engagement.clicks += 1;
            engagement.last_clicked = engagement.last_clicked.max(at);
            tally.clicks = 1;
            self.engage(at, after);
            EventKind::Click
        };
        self.remember(IdSpace::Click, &click.id, IdUse::Click, at);
        let event = Event {
            id: click.id.clone(),
            message: click.message.clone(),
            text: click.url.clone(),
            ..self.event(kind, at, click.at)
        };
        Ok(Effect {
            events: vec![event],
            tallies: self.tally(at, tally).into_iter().collect(),
            ..Effect::of(Outcome::Changed(true))
        })
    }

    /// Somebody bought, or gave back.
    pub(super) fn convert(&mut self, conversion: &Conversion) -> Result<Effect> {
        if self.is_repeated(IdSpace::Conversion, &conversion.id) {
            return Ok(Effect::nothing());
        }
        // The least i64 is not an amount: an import would not take it back.
        let revenue =
            self.contact.engagement.revenue_micros.checked_add(conversion.amount).filter(|&sum| sum > i64::MIN);
        let revenue = revenue
            .ok_or_else(|| Error::limit("the contact's revenue would be beyond 9223372036854.775807 either way"))?;
        let at = self.event_date(conversion.at);
        let after = self.sends_after(at)?;
        self.attribute(&conversion.message);
        let engagement = &mut self.contact.engagement;
        engagement.revenue_micros = revenue;
        let mut tally = Tally { revenue_micros: conversion.amount, ..Tally::default() };
        if conversion.amount >= 0 {
            engagement.conversions += 1;
            tally.conversions = 1;
            self.engage(at, after);
        }
        self.remember(IdSpace::Conversion, &conversion.id, IdUse::Conversion, at);
        let event = Event {
            id: conversion.id.clone(),
            message: conversion.message.clone(),
            amount: conversion.amount,
            ..self.event(EventKind::Conversion, at, conversion.at)
        };
        Ok(Effect {
            events: vec![event],
            tallies: self.tally(at, tally).into_iter().collect(),
            ..Effect::of(Outcome::Changed(true))
        })
    }

    /// When something is taken to have happened: what lies in the future counts as now.
    fn event_date(&self, asked: Option<Millis>) -> Millis {
        asked.unwrap_or(self.situation.now).min(self.situation.now)
    }

    /// A message of this list, or of one that had its number before.
    fn message(&self, id: &str) -> Option<Item> {
        self.known_on_list(IdSpace::Message, id, "")
    }

    /// What is remembered of an id of this list's number.
    pub(super) fn known_on_list(&self, domain: IdSpace, id: &str, text: &str) -> Option<Item> {
        let number = self.situation.number?;
        self.known(domain, id, text, |item| self.situation.lists.number(item.list) == Some(number))
    }

    fn known(&self, domain: IdSpace, id: &str, text: &str, wanted: impl Fn(&Item) -> bool) -> Option<Item> {
        if id.is_empty() {
            return None;
        }
        self.contact.remembered.find(fingerprint(domain, id, text), self.situation.remember_since, wanted)
    }

    fn is_repeated(&self, domain: IdSpace, id: &str) -> bool {
        self.known(domain, id, "", |_| true).is_some()
    }

    pub(super) fn remember(&mut self, domain: IdSpace, id: &str, what: IdUse, at: Millis) {
        self.remember_text(domain, id, "", what, at);
    }

    /// Remembers an id that `text` tells apart from others.
    pub(super) fn remember_text(&mut self, domain: IdSpace, id: &str, text: &str, what: IdUse, at: Millis) {
        if let Some(list) = self.list
            && !id.is_empty()
        {
            let item = Item { fingerprint: fingerprint(domain, id, text), list, what, at, seen_at: self.situation.now };
            self.contact.remembered.add(item, self.situation.remember_since);
        }
    }

    /// What came of a message counts for the list from which that was sent.
    fn attribute(&mut self, message: &str) {
        if self.message(message).is_none()
            && let Some(item) = self.known(IdSpace::Message, message, "", |_| true)
        {
            self.list = Some(item.list);
        }
    }

    fn count_send(&mut self, at: Millis) {
        let engagement = &mut self.contact.engagement;
        engagement.sends += 1;
        engagement.last_sent = engagement.last_sent.max(at);
        engagement.sends_since_engaged += u64::from(at > engagement.last_engaged);
    }

    pub(super) fn invalid(&mut self, fact: crate::model::fact::Fact) -> (EventKind, bool) {
        (EventKind::Invalid, keep_newest(&mut self.contact.invalidity.set, fact))
    }
}
