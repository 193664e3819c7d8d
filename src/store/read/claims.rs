//! Claims that nobody has confirmed or taken back: what a worker that died has left.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::limits::CLAIM_EVENTS_LOOKED_AT_MAX;
use crate::model::event::{Event, EventKind};
use crate::model::list::Lists;
use crate::model::phone::{ListNumber, Phone};
use crate::model::remembered::{IdSpace, IdUse, fingerprint};
use crate::model::time::{Day, Millis};
use crate::store::format::codec::Entry;
use crate::store::format::keys;
use crate::store::format::position::Log;
use crate::store::memory::tallies::{Tallies, is_young};
use crate::store::state::State;

/// A message that was granted, and nobody has told what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnresolvedClaim {
    /// To whom.
    pub phone: Phone,
    /// From which list.
    pub list: ListNumber,
    /// The id of the message.
    pub id: String,
    /// When it was granted.
    pub at: Millis,
}

/// One page of claims.
#[derive(Debug, Default)]
pub struct ClaimsPage {
    /// The newest first.
    pub claims: Vec<UnresolvedClaim>,
    /// Where the next page begins; none when this was the last.
    pub next: Option<ClaimsCursor>,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimsCursor {
    /// The block of events with which it begins.
    pub block: u64,
    /// How many events at the end of that block were looked at already.
    pub skipped: usize,
    /// How many unresolved claims are left, as far as the tallies know: with none, there is nothing to look for.
    pub left: u64,
}

impl State {
    /// Unresolved claims of the tallies' window that have waited for some minutes, the newest first, from the beginning or
    /// from where a page ended. It looks at so many events; where few of them are such claims, a page is short and goes on
    /// from there.
    pub fn unresolved_claims(&self, from: Option<ClaimsCursor>, limit: usize) -> Result<ClaimsPage> {
        let now = self.now();
        let lists = self.memory.gate().lists().clone();
        let all =
            || ClaimsCursor { block: u64::MAX, skipped: 0, left: self.memory.tallies().unresolved_of_any_age(now) };
        let mut cursor = from.unwrap_or_else(all);
        let mut page = ClaimsPage::default();
        let mut resolved = HashSet::new();
        let mut looked_at = 0;
        while cursor.left > 0 {
            let Some((key, _)) =
                self.engine.last(&keys::through(&Log::Activity.key(0), &Log::Activity.key(cursor.block)))?
            else {
                break;
            };
            let block = keys::long_number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            if block != cursor.block {
                (cursor.block, cursor.skipped) = (block, 0);
            }
            for entry in self.events(Log::Activity, block)?.unwrap_or_default().iter().rev().skip(cursor.skipped) {
                if page.claims.len() == limit || looked_at == CLAIM_EVENTS_LOOKED_AT_MAX {
                    page.next = Some(cursor);
                    return Ok(page);
                }
                looked_at += 1;
                cursor.skipped += 1;
                let Some(event) = &entry.event else { continue };
                if Day::of(event.seen_at) < Tallies::first_day(now) {
                    return Ok(page);
                }
                match event.kind {
                    EventKind::Sent | EventKind::Failed(_) => {
                        resolved.insert(message(entry.contact, event, &lists));
                    }
                    EventKind::Claimed if !resolved.contains(&message(entry.contact, event, &lists)) => {
                        if let Some(claim) = self.unresolved_claim(entry, event, &lists)? {
                            cursor.left -= 1;
                            page.claims.extend(Some(claim).filter(|claim| !is_young(claim.at, now)));
                        }
                    }
                    _ => {}
                }
                if cursor.left == 0 {
                    break;
                }
            }
            let Some(before) = block.checked_sub(1) else { break };
            (cursor.block, cursor.skipped) = (before, 0);
        }
        Ok(page)
    }

    /// The claim, if its contact is still there and nothing else was told of the message.
    fn unresolved_claim(&self, entry: &Entry, event: &Event, lists: &Lists) -> Result<Option<UnresolvedClaim>> {
        let Some(list) = event.list.and_then(|list| lists.number(list)) else { return Ok(None) };
        let Some(phone) = self.memory.gate().directory.phone(entry.contact) else { return Ok(None) };
        let Some(record) = self.record(entry.contact)? else { return Ok(None) };
        let is_here = |item: &crate::model::remembered::Item| lists.number(item.list) == Some(list);
        let known = record.contact.remembered.find(fingerprint(IdSpace::Message, &event.id, ""), 0, is_here);
        let is_unresolved = match known {
            Some(item) => item.what == IdUse::Claimed,
            // The id was forgotten: the contact's history has what was told since.
            None => {
                let is_of_it = |other: &Event| {
                    matches!(other.kind, EventKind::Sent | EventKind::Failed(_))
                        && other.id == event.id
                        && other.list.and_then(|list| lists.number(list)) == Some(list)
                };
                self.history(phone, None, &is_of_it, 1)?.is_none_or(|page| page.events.is_empty())
            }
        };
        Ok(is_unresolved.then(|| UnresolvedClaim { phone, list, id: event.id.clone(), at: event.at }))
    }
}

/// What tells a message from every other.
fn message(contact: u32, event: &Event, lists: &Lists) -> (u32, Option<ListNumber>, String) {
    (contact, event.list.and_then(|list| lists.number(list)), event.id.clone())
}
