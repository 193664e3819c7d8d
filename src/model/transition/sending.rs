//! Sending: CLAIM, SENT, FAILED, CLICK, CONVERT.
//!
//! A message is known by its list and id, and is claimed, sent or failed; failed is final, whatever comes first. Totals
//! and dates follow from the messages, so that any order of arrival comes to the same.

use super::{Effect, Step, fact};
use crate::error::{Error, Result};
use crate::model::change::{Claim, Click, Conversion, Failed, Outcome, Sent, State};
use crate::model::event::{Event, Kind};
use crate::model::fact::keep_newest;
use crate::model::failure::Failure;
use crate::model::remembered::{Domain, Item, What, print};
use crate::model::tally::Tally;
use crate::model::time::Millis;
use crate::model::verdict::{Reason, Verdict};

impl Step<'_, '_> {
    /// The verdict, and if it is yes the send, in one step.
    pub(super) fn claim(&mut self, id: &str) -> Effect {
        if let Some(item) = self.message(id) {
            return Effect::of(Outcome::Duplicate(State::of(item.what)));
        }
        let verdict = match (self.world.stopped, self.list) {
            (Some(reason), _) => Verdict::No(reason),
            (None, None) => Verdict::No(Reason::UnknownList),
            (None, Some(list)) => self.contact.verdict(list, self.world.scope),
        };
        if verdict != Verdict::Yes {
            return Effect::of(Outcome::Claim(verdict));
        }
        let at = self.world.now;
        self.remember(Domain::Message, id, What::Claimed, at);
        self.count_send(at);
        Effect {
            events: vec![Event { id: id.to_owned(), ..self.event(Kind::Claimed, at, None) }],
            tallies: self.tally(at, Tally { sends: 1, unresolved: 1, ..Tally::default() }).into_iter().collect(),
            ..Effect::of(Outcome::Claim(verdict))
        }
    }

    /// A message was sent: the confirmation of a claim, or the send itself.
    pub(super) fn sent(&mut self, sent: &Sent) -> Effect {
        let mut at = self.past(sent.at);
        let tally = match self.message(&sent.id) {
            Some(Item { what: What::Sent | What::Failed { sent: true, .. }, .. }) => return Effect::nothing(),
            Some(failed @ Item { what: What::Failed { failure, sent: false }, .. }) => {
                // It was taken back before it came; only its date counts.
                self.contact.remembered.update(&failed, What::Failed { failure, sent: true }, at);
                self.contact.engagement.last_sent = self.contact.engagement.last_sent.max(at);
                return Effect::nothing();
            }
            Some(claimed) => {
                at = claimed.at;
                self.contact.remembered.update(&claimed, What::Sent, at);
                Some((claimed.list, at, Tally { unresolved: -1, ..Tally::default() }))
            }
            None => {
                self.remember(Domain::Message, &sent.id, What::Sent, at);
                self.count_send(at);
                self.tally(at, Tally { sends: 1, ..Tally::default() })
            }
        };
        Effect {
            events: vec![Event { id: sent.id.clone(), ..self.event(Kind::Sent, at, sent.at) }],
            tallies: tally.into_iter().collect(),
            ..Effect::of(Outcome::Changed(true))
        }
    }

    /// A message did not arrive: its send is taken back, and what the failure says of the number is taken.
    pub(super) fn failed(&mut self, failed: &Failed) -> Effect {
        let at = self.past(failed.at);
        let known = self.message(&failed.id);
        let mut tally = self.tally(at, Tally { failures: 1, ..Tally::default() });
        let mut news = failed.failure;
        match known {
            Some(item @ Item { what: What::Failed { failure, sent }, .. }) => {
                news = failed.failure.beyond(failure);
                if !news.forbids() {
                    return Effect::nothing();
                }
                let what = What::Failed { failure: failure.with(news), sent };
                self.contact.remembered.update(&item, what, item.at);
                tally = None;
            }
            Some(item) => {
                let what = What::Failed { failure: failed.failure, sent: true };
                self.contact.remembered.update(&item, what, item.at);
                let engagement = &mut self.contact.engagement;
                engagement.sends = engagement.sends.saturating_sub(1);
                if item.at > engagement.last_engaged {
                    engagement.sends_since_engaged = engagement.sends_since_engaged.saturating_sub(1);
                }
                let unresolved = -i64::from(item.what == What::Claimed);
                // Of the list on which it was sent, which may have been made anew since.
                tally = Some((item.list, item.at, Tally { sends: -1, failures: 1, unresolved, ..Tally::default() }));
            }
            None => {
                let what = What::Failed { failure: failed.failure, sent: false };
                self.remember(Domain::Message, &failed.id, what, at);
            }
        }
        let event = Event {
            id: failed.id.clone(),
            text: failed.code.clone(),
            source: failed.source.clone(),
            reason: failed.reason.clone(),
            ..self.event(Kind::Failed(failed.failure), at, failed.at)
        };
        let mut events = vec![event];
        events.extend(self.learn(failed, news));
        Effect { events, tallies: tally.into_iter().collect(), ..Effect::of(Outcome::Changed(true)) }
    }

    /// Takes what a failure says of the contact.
    fn learn(&mut self, failed: &Failed, news: Failure) -> Vec<Event> {
        let claim = Claim {
            at: failed.at,
            source: failed.source.clone(),
            reason: [failed.code.as_str(), failed.reason.as_str()].join(" ").trim().to_owned(),
            ..Claim::default()
        };
        let at = self.moment(failed.at);
        let mut events = Vec::new();
        if news.permanent && self.invalid(fact(at, &claim)).1 {
            events.push(Event { list: None, ..self.claimed_event(Kind::Invalid, at, &claim) });
        }
        if news.opted_out
            && let (kind, true) = self.opt_out(fact(at, &claim))
        {
            events.push(self.claimed_event(kind, at, &claim));
        }
        events
    }

    /// Somebody, or a scanner, followed a link.
    pub(super) fn click(&mut self, click: &Click) -> Effect {
        if self.is_repeated(Domain::Click, &click.id) {
            return Effect::nothing();
        }
        self.attribute(&click.message);
        let at = self.past(click.at);
        let engagement = &mut self.contact.engagement;
        let mut tally = Tally::default();
        let kind = if click.bot {
            engagement.bot_clicks += 1;
            tally.bot_clicks = 1;
            Kind::BotClick
        } else {
            engagement.clicks += 1;
            engagement.last_clicked = engagement.last_clicked.max(at);
            tally.clicks = 1;
            self.engage(at);
            Kind::Click
        };
        self.remember(Domain::Click, &click.id, What::Click, at);
        let event = Event {
            id: click.id.clone(),
            message: click.message.clone(),
            text: click.url.clone(),
            ..self.event(kind, at, click.at)
        };
        Effect {
            events: vec![event],
            tallies: self.tally(at, tally).into_iter().collect(),
            ..Effect::of(Outcome::Changed(true))
        }
    }

    /// Somebody bought, or gave back.
    pub(super) fn convert(&mut self, conversion: &Conversion) -> Result<Effect> {
        if self.is_repeated(Domain::Conversion, &conversion.id) {
            return Ok(Effect::nothing());
        }
        // The least i64 is no amount: no import would take it back.
        let revenue =
            self.contact.engagement.revenue_micros.checked_add(conversion.amount).filter(|&sum| sum > i64::MIN);
        let revenue = revenue.ok_or_else(|| Error::limit("no contact's revenue is so much"))?;
        self.attribute(&conversion.message);
        let at = self.past(conversion.at);
        let engagement = &mut self.contact.engagement;
        engagement.revenue_micros = revenue;
        let mut tally = Tally { revenue_micros: conversion.amount, ..Tally::default() };
        if conversion.amount >= 0 {
            engagement.conversions += 1;
            tally.conversions = 1;
            self.engage(at);
        }
        self.remember(Domain::Conversion, &conversion.id, What::Conversion, at);
        let event = Event {
            id: conversion.id.clone(),
            message: conversion.message.clone(),
            amount: conversion.amount,
            ..self.event(Kind::Conversion, at, conversion.at)
        };
        Ok(Effect {
            events: vec![event],
            tallies: self.tally(at, tally).into_iter().collect(),
            ..Effect::of(Outcome::Changed(true))
        })
    }

    /// When something is taken to have happened: what lies in the future counts as now.
    fn past(&self, asked: Option<Millis>) -> Millis {
        asked.unwrap_or(self.world.now).min(self.world.now)
    }

    /// A message of this list, or of one that had its number before.
    fn message(&self, id: &str) -> Option<Item> {
        self.known_on_list(Domain::Message, id, "")
    }

    /// What is remembered of an id of this list's number.
    pub(super) fn known_on_list(&self, domain: Domain, id: &str, text: &str) -> Option<Item> {
        let number = self.world.number?;
        self.known(domain, id, text, |item| self.world.lists.number(item.list) == Some(number))
    }

    fn known(&self, domain: Domain, id: &str, text: &str, wanted: impl Fn(&Item) -> bool) -> Option<Item> {
        if id.is_empty() {
            return None;
        }
        self.contact.remembered.find(print(domain, id, text), self.world.remember_since, wanted)
    }

    fn is_repeated(&self, domain: Domain, id: &str) -> bool {
        self.known(domain, id, "", |_| true).is_some()
    }

    pub(super) fn remember(&mut self, domain: Domain, id: &str, what: What, at: Millis) {
        self.remember_text(domain, id, "", what, at);
    }

    /// Remembers an id that `text` tells apart from others.
    pub(super) fn remember_text(&mut self, domain: Domain, id: &str, text: &str, what: What, at: Millis) {
        if let Some(list) = self.list
            && !id.is_empty()
        {
            let item = Item { print: print(domain, id, text), list, what, at, seen_at: self.world.now };
            self.contact.remembered.add(item, self.world.remember_since);
        }
    }

    /// What came of a message counts for the list from which that was sent.
    fn attribute(&mut self, message: &str) {
        if self.message(message).is_none()
            && let Some(item) = self.known(Domain::Message, message, "", |_| true)
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

    pub(super) fn invalid(&mut self, fact: crate::model::fact::Fact) -> (Kind, bool) {
        (Kind::Invalid, keep_newest(&mut self.contact.invalidity.set, fact))
    }
}
