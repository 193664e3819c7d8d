//! Contacts and lists under another spelling of their number: what a store needs that was written before contactd knew that two
//! spellings are one number.

use std::sync::Arc;

use super::overlay::{Overlay, Touched};
use crate::error::Result;
use crate::model::change::Outcome;
use crate::model::contact::ListContact;
use crate::model::event::{Event, EventKind};
use crate::model::list::{List, ListId};
use crate::model::list_event::ListEventKind;
use crate::model::transition::list::ListEffect;
use crate::store::format::term::Term;

impl Overlay<'_> {
    /// Holds a contact under the canonical spelling of its number. What is known under another spelling, of a contact or in
    /// a tombstone, becomes part of it.
    pub fn renumber(&mut self, id: u32) -> Result<()> {
        let Some(record) = self.state.record(id)? else { return Ok(()) };
        let phone = record.contact.phone;
        let old = self.state.memory.gate().directory.number(id);
        let is_renumbered = old != phone.as_u64();
        let mut events = Vec::new();
        if is_renumbered {
            let reason = format!("+{old}");
            events.push(Event { reason, seen_at: self.now, ..Event::new(EventKind::Renumbered, self.now) });
        }
        let place = match self.load(phone)? {
            Some(place) if is_renumbered => {
                let known = self.state.all_events(id, record.newest)?;
                let other = Touched {
                    id,
                    before: Some(Box::new(record.clone())),
                    after: record.clone(),
                    events: Vec::new(),
                    is_gone: true,
                    is_renumbered,
                };
                self.touched.push(Box::new(other));
                let touched = &mut self.touched[place];
                touched.after.contact.absorb(&record.contact);
                touched.events.extend(known);
                place
            }
            Some(place) => place,
            None => {
                let (before, after) = (Some(Box::new(record.clone())), record);
                let touched = Touched { id, before, after, events: Vec::new(), is_gone: false, is_renumbered };
                self.places.insert(phone, self.touched.len());
                self.touched.push(Box::new(touched));
                self.touched.len() - 1
            }
        };
        for (id, tombstone) in self.state.tombstones_of(phone)? {
            let touched = &mut self.touched[place];
            touched.after.contact.absorb(&tombstone.restore(phone, self.now));
            touched.events.extend(tombstone.events().into_iter().map(|event| Event { seen_at: self.now, ..event }));
            self.tombstones.gone.push(id);
        }
        self.touched[place].events.extend(events);
        let touched = &self.touched[place];
        // Those who follow the feed know the contact by its old number: all of its statuses are told.
        let entry = self.entry(touched, EventKind::Renumbered, &[], &Term::gate_of(&touched.after.contact));
        self.publish(entry);
        Ok(())
    }

    /// Takes a contact's relation to a list over to another list with the same number.
    pub fn move_to_list(&mut self, id: u32, old: ListId, current: ListId) -> Result<()> {
        let Some(record) = self.state.record(id)? else { return Ok(()) };
        let Ok(at) = record.contact.lists.binary_search_by_key(&old, |on| on.list) else { return Ok(()) };
        let before = Term::gate_of(&record.contact);
        let mut after = record.clone();
        let on = after.contact.lists.remove(at);
        after.contact.absorb_list(&ListContact { list: current, ..on });
        let touched = Touched {
            id,
            before: Some(Box::new(record)),
            after,
            events: Vec::new(),
            is_gone: false,
            is_renumbered: false,
        };
        let terms = Term::gate_of(&touched.after.contact);
        let entry = self.entry(&touched, EventKind::Renumbered, &before, &terms);
        self.touched.push(Box::new(touched));
        self.publish(entry);
        Ok(())
    }

    /// Removes a list whose members are on another one with the same number. That one is stopped if either was.
    pub fn merge_lists(&mut self, old: ListId, current: ListId) -> Result<()> {
        let lists = Arc::clone(&self.lists);
        let (Some(from), Some(to)) = (lists.get(old), lists.get(current)) else { return Ok(()) };
        let mut list = to.clone();
        list.paused |= from.paused;
        if !to.is_known() {
            list.created_at = from.created_at;
        }
        if list.name.is_empty() {
            list.name.clone_from(&from.name);
        }
        let removed = List { removed_at: self.now.max(1), ..from.clone() };
        for (id, list, kind) in [
            (old, removed, ListEventKind::Removed),
            (current, list, ListEventKind::Created { name: from.name.clone() }),
        ] {
            self.change_list(ListEffect { outcome: Outcome::Updated, id, list, events: vec![kind] });
        }
        Ok(())
    }
}
