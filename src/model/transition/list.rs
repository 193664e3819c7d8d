//! The rules of sending lists: LIST, UNLIST, and which list a change of a contact refers to.

use crate::counted::counted;
use crate::error::{Code, Error, Result};
use crate::limits::LISTS_MAX;
use crate::model::change::{Change, Outcome};
use crate::model::list::{List, ListId, Lists};
use crate::model::list_event::ListEventKind;
use crate::model::phone::ListNumber;
use crate::model::time::Millis;

/// A list as a change leaves it.
#[derive(Debug)]
pub struct ListEffect {
    /// The answer.
    pub outcome: Outcome,
    /// Its id: an existing one, or the next.
    pub id: ListId,
    /// What it is from now on.
    pub list: List,
    /// What happened to it, for the history of lists.
    pub events: Vec<ListEventKind>,
}

/// LIST: creates a list, or changes its name or whether it is paused. None if nothing changes.
pub fn put(
    lists: &Lists,
    number: ListNumber,
    name: Option<&str>,
    paused: Option<bool>,
    now: Millis,
) -> Result<Option<ListEffect>> {
    let id = match lists.id(number) {
        Some(id) => id,
        None if lists.len() >= LISTS_MAX => {
            return Err(Error::limit(format!("a store has at most {LISTS_MAX} lists, removed ones included")));
        }
        None => lists.next_id(),
    };
    let before = lists.get(id).cloned().unwrap_or_else(|| List::unknown(number));
    let mut list = before.clone();
    let is_new = !before.is_known();
    if is_new {
        list.created_at = now.max(1);
    }
    if let Some(name) = name {
        name.clone_into(&mut list.name);
    }
    list.paused = paused.unwrap_or(list.paused);
    if before == list {
        return Ok(None);
    }
    let mut events = Vec::new();
    if is_new {
        events.push(ListEventKind::Created { name: list.name.clone() });
    } else if before.name != list.name {
        events.push(ListEventKind::Renamed { name: list.name.clone() });
    }
    if before.paused != list.paused {
        events.push(if list.paused { ListEventKind::Paused } else { ListEventKind::Resumed });
    }
    Ok(Some(ListEffect { outcome: if is_new { Outcome::Created } else { Outcome::Updated }, id, list, events }))
}

/// UNLIST: removes a list. `members` tells how many contacts are subscribed to it.
pub fn remove(
    lists: &Lists,
    number: ListNumber,
    force: bool,
    members: impl FnOnce(ListId) -> u64,
    now: Millis,
) -> Result<ListEffect> {
    let id = lists.known(number).ok_or_else(|| no_list(number))?;
    let members = members(id);
    if members > 0 && !force {
        return Err(has_members(number, members));
    }
    let list = lists.get(id).ok_or_else(|| no_list(number))?;
    let list = List { removed_at: now.max(1), ..list.clone() };
    Ok(ListEffect { outcome: Outcome::Removed, id, list, events: vec![ListEventKind::Removed] })
}

/// The refusal to remove a list that contacts are on.
pub fn has_members(number: ListNumber, members: u64) -> Error {
    Error::bad_arg(format!(
        "{} on {number}: UNLIST {number} FORCE removes the list all the same",
        counted(members, "active or suppressed contact")
    ))
}

/// The list that a change refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referred {
    /// This one.
    To(ListId),
    /// A number that is not a list yet: its opt-outs are kept under a list that CHECK does not know.
    ToNew,
    /// None: the change is about all lists, or CLAIM asks about a number that is not a list.
    ToNone,
}

/// Finds the list that a change refers to. Forbidding changes are accepted for numbers that are not lists yet, and apply to
/// all lists once the list table is full. Permitting changes need an existing list.
pub fn referred(lists: &Lists, number: ListNumber, change: &Change) -> Result<Referred> {
    let stored = lists.id(number);
    let to = |id: Option<ListId>| id.map_or(Referred::ToNone, Referred::To);
    // A message waits for a person although its number is not a list, or not any more.
    if matches!(change, Change::Claim(_) | Change::Reviewed { .. }) {
        return Ok(to(stored));
    }
    if !change.forbids() {
        let known = lists.known(number).or(stored.filter(|_| change.lifts()));
        return known.map(Referred::To).ok_or_else(|| no_list(number));
    }
    Ok(match stored {
        Some(id) => Referred::To(id),
        None if lists.len() < LISTS_MAX => Referred::ToNew,
        None => Referred::ToNone,
    })
}

/// The error for a number that is not a list.
pub fn no_list(number: ListNumber) -> Error {
    Error::new(Code::NoList, format!("{number} is not a list: create it with LIST {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> ListNumber {
        ListNumber::parse(b"12345").expect("a short code")
    }

    #[test]
    fn each_change_of_a_list_is_an_event_and_no_change_is_none() {
        let mut lists = Lists::default();
        let mut change = |name: Option<&str>, paused: Option<bool>| {
            let effect = put(&lists, number(), name, paused, 7).expect("within limits")?;
            lists.put(effect.id, effect.list);
            Some(effect.events)
        };
        let named = |name: &str| name.to_owned();
        assert_eq!(
            change(Some("Sale"), Some(true)),
            Some(vec![ListEventKind::Created { name: named("Sale") }, ListEventKind::Paused])
        );
        assert_eq!(change(Some("Sale"), Some(true)), None);
        assert_eq!(
            change(Some("News"), Some(false)),
            Some(vec![ListEventKind::Renamed { name: named("News") }, ListEventKind::Resumed])
        );
        assert_eq!(change(None, None), None);
        assert!(remove(&lists, number(), false, |_| 1, 8).is_err(), "somebody is on it");
        let removed = remove(&lists, number(), true, |_| 1, 8).expect("forced");
        assert_eq!((removed.list.removed_at, removed.events), (8, vec![ListEventKind::Removed]));
    }
}
