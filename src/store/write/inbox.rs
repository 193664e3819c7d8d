//! What the writes of a batch do to the inbox: messages that wait, and those that are settled.

use super::overlay::Overlay;
use crate::error::Result;
use crate::model::contact::Contact;
use crate::model::event::{Event, EventKind};
use crate::model::inbox::{MaybeOptOut, Waiting, is_settled};
use crate::model::keyword::InboundKind;
use crate::model::phone::{ListNumber, Phone};
use crate::store::engine::Batch;
use crate::store::format::codec;
use crate::store::format::compressed::compress;
use crate::store::format::keys;
use crate::store::memory::inbox::{Head, InboxUpdate};

impl Overlay<'_> {
    /// Takes the messages of new events that may want out, and settles what the contact has decided. The messages wait
    /// under the number to which they were sent, whether there is room for a list of it or not.
    pub(super) fn follow_inbox(&self, contact: &Contact, list: Option<ListNumber>, events: &[Event]) -> InboxUpdate {
        let mut update = InboxUpdate::default();
        for event in events.iter().filter(|event| event.kind == EventKind::Inbound(InboundKind::MaybeOptOut)) {
            let Some(list) = list else { continue };
            // Each message has an event of its own, which takes a number, too: no number is given twice.
            let number = self.next.next_event + (self.inbox.waiting.len() + update.waiting.len()) as u64;
            let waiting = Waiting {
                phone: contact.phone,
                list,
                at: event.at,
                seen_at: event.seen_at,
                id: event.id.clone(),
                text: event.text.clone(),
            };
            update.waiting.push((number, waiting));
        }
        let new: Vec<(u64, Head)> = update.waiting.iter().map(|(number, waiting)| (*number, waiting.into())).collect();
        for (number, head) in self.waiting_of(contact.phone).into_iter().chain(new) {
            if is_settled(contact, head.list, head.at, &self.lists) {
                update.settled.push(number);
            }
        }
        update
    }

    /// The messages of a number that wait, with the changes of this batch.
    fn waiting_of(&self, phone: Phone) -> Vec<(u64, Head)> {
        let new = self.inbox.waiting.iter().filter(|(_, waiting)| waiting.phone == phone);
        let new = new.map(|(number, waiting)| (*number, waiting.into()));
        let all = self.state.memory.gate().inbox.of(phone).chain(new).collect::<Vec<_>>();
        all.into_iter().filter(|(number, _)| !self.inbox.settled.contains(number)).collect()
    }

    /// Settles one message, or all of a number.
    pub(super) fn settle(&mut self, phone: Phone, only: Option<u64>) {
        let waiting = self.waiting_of(phone).into_iter().map(|(number, _)| number);
        let settled: Vec<u64> = waiting.filter(|number| only.is_none_or(|only| only == *number)).collect();
        self.inbox.settled.extend(settled);
    }

    /// Whether a message of a contact waits that would opt out of a list, and whether it holds the contact back.
    pub(super) fn waits_and_holds(&self, phone: Phone, list: ListNumber) -> (bool, bool) {
        let waits = self.waiting_of(phone).iter().any(|(_, head)| head.reaches(list, self.scope));
        (waits, waits && self.state.memory.gate().inbox.setting() == MaybeOptOut::Hold)
    }

    /// Whether no more messages can wait.
    pub(super) fn inbox_is_full(&self) -> bool {
        self.state.memory.gate().inbox.is_full(self.inbox.waiting.len())
    }

    /// Writes what has changed.
    pub(super) fn write_inbox(&self, batch: &mut Batch) -> Result<()> {
        for (number, waiting) in self.inbox.still_waiting() {
            batch.put(&keys::inbox(*number), &compress(codec::encode_waiting(waiting)?));
        }
        for number in &self.inbox.settled {
            if !self.inbox.waiting.iter().any(|(new, _)| new == number) {
                batch.push(&keys::inbox(*number), None);
            }
        }
        Ok(())
    }
}
