//! WHY: the verdict, and what it follows from.

use super::{Context, arguments};
use crate::error::Result;
use crate::json::WhyAnswer;
use crate::model::event::Event;
use crate::model::list::Lists;
use crate::model::list_event::{ListEvent, ListEventKind};
use crate::model::phone::{ListNumber, Phone};
use crate::model::verdict::ListState;
use crate::model::why::{Basis, Question, Why};
use crate::store::Store;
use crate::wire::{Args, Replies};

pub fn why(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let number = arguments::list(&mut args)?;
    let phone = arguments::phone(&mut args)?;
    let store = &*context.store;
    // What forbids is on disk before it is in the gate: looked at in this order, nothing that CHECK knows is missed.
    let (lists, scope, (unwritten, is_held), is_pause_unwritten) = {
        let gate = store.gate();
        (gate.lists().clone(), gate.scope(), gate.against(phone, number), gate.is_pause_unwritten(number))
    };
    let contact = store.contact(phone)?;
    let tombstone = if contact.is_none() { store.tombstone(phone)? } else { None };
    let restored = tombstone.as_ref().map(|tombstone| tombstone.restore(phone, tombstone.created_at));
    let paused = match lists.state_unfenced(number) {
        ListState::Paused if !is_pause_unwritten => paused_by(store, &lists, number)?,
        _ => None,
    };
    let question = Question {
        number,
        lists: &lists,
        scope,
        contact: contact.as_ref(),
        gone: tombstone.as_ref().zip(restored.as_ref()),
        unwritten,
        is_held,
        is_pause_unwritten,
        paused,
    };
    let why = question.answer();
    let event = event_of(store, phone, &why, &lists)?;
    let answer = WhyAnswer { list: number, phone, why: &why, event: event.as_ref(), lists: &lists };
    replies.text(&answer.json().to_string());
    Ok(())
}

/// Pages of the history of lists that are looked at for the event that paused one: ten times as many events as of a contact.
const PAGES_MAX: usize = 10;

/// The newest event that paused a list, if it is not behind too many others.
fn paused_by(store: &Store, lists: &Lists, number: ListNumber) -> Result<Option<ListEvent>> {
    let list = lists.known(number);
    let is_pause = |event: &ListEvent| event.list == list && event.kind == ListEventKind::Paused;
    let mut from = None;
    for _ in 0..PAGES_MAX {
        let mut page = store.list_history(from, &is_pause, 1)?;
        from = page.next;
        if !page.events.is_empty() || from.is_none() {
            return Ok(page.events.pop());
        }
    }
    Ok(None)
}

/// The event that brought the fact behind a verdict, if the history has it. All facts come from events of consent or status:
/// the messages in between, of which there may be many, are not read.
fn event_of(store: &Store, phone: Phone, why: &Why, lists: &Lists) -> Result<Option<Event>> {
    let basis = match why.grounds.first() {
        Some(ground) => ground.basis.as_ref(),
        None => why.subscription.as_ref(),
    };
    let Some(basis @ Basis::Fact { .. }) = basis else { return Ok(None) };
    store.newest_consent(phone, &|event| basis.is_of(event, lists))
}
