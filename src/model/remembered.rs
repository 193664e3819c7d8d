//! What is remembered of messages and of other events with an id, so that a repetition changes nothing.
//!
//! Of an id only a print is kept, 40 bits of its SHA-256: a new id is taken for one of a contact's ten others once in a
//! hundred billion times. It is kept for a time and of one contact for so many, since a retry comes within hours and records
//! stay small.

use sha2::{Digest, Sha256};

use super::failure::Failure;
use super::keyword::InboundKind;
use super::list::ListId;
use super::time::Millis;
use crate::limits::REMEMBERED_IDS_MAX;

/// The ids of one contact, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    items: Vec<Item>,
    /// No send that is dated later than this was forgotten.
    forgotten: Millis,
}

/// One id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Stands for the id.
    pub fingerprint: u64,
    /// For which list it was told.
    pub list: ListId,
    /// What it is the id of.
    pub what: IdUse,
    /// When that was: of a message that failed before its send was told, when it failed.
    pub at: Millis,
    /// When the daemon learned of it.
    pub seen_at: Millis,
}

/// What has an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdUse {
    /// A message that was granted, and no more is known.
    Claimed,
    /// A message that was sent.
    Sent,
    /// A message that failed.
    Failed {
        /// How.
        failure: Failure,
        /// Whether its send was told, too.
        sent: bool,
    },
    /// A click.
    Click,
    /// A conversion or a refund.
    Conversion,
    /// A message from the phone, and what it meant.
    Inbound(InboundKind),
    /// An opt-in.
    OptIn,
}

/// The kinds of ids: the same word may be the id of a message and of a click.
#[derive(Clone, Copy, Debug)]
pub enum IdSpace {
    /// Messages to the contact.
    Message,
    /// Clicks.
    Click,
    /// Conversions.
    Conversion,
    /// Messages from the contact.
    Inbound,
    /// Opt-ins.
    OptIn,
}

impl IdSpace {
    /// The byte that goes into a fingerprint, never reused: what is remembered on disk depends on it.
    fn code(self) -> u8 {
        match self {
            IdSpace::Message => 0,
            IdSpace::Click => 1,
            IdSpace::Conversion => 2,
            IdSpace::Inbound => 3,
            IdSpace::OptIn => 4,
        }
    }
}

/// Bytes of a print.
pub const FINGERPRINT_BYTES: usize = 5;

/// What stands for an id. `text` tells apart what shares an id.
pub fn fingerprint(domain: IdSpace, id: &str, text: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update([domain.code(), id.len() as u8]);
    hash.update(id);
    hash.update(text);
    hash.finalize().iter().take(FINGERPRINT_BYTES).fold(0, |fingerprint, &byte| fingerprint << 8 | u64::from(byte))
}

impl Remembered {
    /// What a record says.
    pub fn from_stored(items: Vec<Item>, forgotten: Millis) -> Remembered {
        Remembered { items, forgotten }
    }

    /// All of them, the oldest first.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// No send that is dated later than this was forgotten.
    pub fn forgotten(&self) -> Millis {
        self.forgotten
    }

    /// Sends up to this date are not told one by one.
    pub fn forget_until(&mut self, at: Millis) {
        self.forgotten = self.forgotten.max(at);
    }

    /// The newest item of an id that was not seen before `since`, and of which this holds.
    pub fn find(&self, fingerprint: u64, since: Millis, wanted: impl Fn(&Item) -> bool) -> Option<Item> {
        let is_it = |item: &&Item| item.fingerprint == fingerprint && item.seen_at >= since && wanted(item);
        self.items.iter().rev().find(is_it).copied()
    }

    /// Changes what is known of an id that [`Remembered::find`] found.
    pub fn update(&mut self, known: &Item, what: IdUse, at: Millis) {
        if let Some(item) = self.items.iter_mut().find(|item| *item == known) {
            item.what = what;
            item.at = at;
        }
    }

    /// Adds an id, and forgets those that were seen before `since`, and of the others some when they are too many.
    pub fn add(&mut self, item: Item, since: Millis) {
        self.items.push(item);
        self.expire(since);
        self.drop_oldest(self.items.len().saturating_sub(REMEMBERED_IDS_MAX));
    }

    /// Forgets those that were seen before `since`. Says whether there were any.
    pub fn expire(&mut self, since: Millis) -> bool {
        let before = self.items.len();
        self.keep(|item| item.seen_at >= since);
        self.items.len() < before
    }

    /// Forgets so many of the oldest. Opt-ins go last: one that is repeated must not lift what came after it.
    pub fn drop_oldest(&mut self, many: usize) {
        if many == 0 {
            return;
        }
        let others = self.items.iter().filter(|item| !item.what.opts_in()).count();
        let (mut others, mut opt_ins) = (many.min(others), many.saturating_sub(others));
        self.keep(|item| {
            let left = if item.what.opts_in() { &mut opt_ins } else { &mut others };
            let is_kept = *left == 0;
            *left -= usize::from(!is_kept);
            is_kept
        });
    }

    /// Those that would lift an opt-out if they came again: of opt-ins, and of messages, since a YES that meant nothing from
    /// a stranger may mean an opt-in from somebody who is known.
    #[must_use]
    pub fn permitting(&self) -> Remembered {
        let permits = |item: &&Item| item.what.opts_in() || item.what == IdUse::Inbound(InboundKind::Message);
        Remembered { items: self.items.iter().filter(permits).copied().collect(), forgotten: 0 }
    }

    fn keep(&mut self, mut is_kept: impl FnMut(&Item) -> bool) {
        let forgotten = &mut self.forgotten;
        self.items.retain(|item| {
            let kept = is_kept(item);
            if !kept && item.what.is_send() {
                *forgotten = (*forgotten).max(item.at);
            }
            kept
        });
    }

    /// How many sends are dated after `at`; none if some that may be were forgotten.
    pub fn sends_after(&self, at: Millis) -> Option<u64> {
        let after = || self.items.iter().filter(|item| item.what.is_send() && item.at > at);
        (self.forgotten <= at).then(|| after().count() as u64)
    }

    /// Soft failures of those not seen before `since`, after the newest message that was sent and the newest from the
    /// number.
    pub fn soft_failures(&self, last_inbound: Millis, since: Millis) -> u64 {
        let items = || self.items.iter().filter(|item| item.seen_at >= since);
        let sent = items().filter(|item| item.what == IdUse::Sent).map(|item| item.at);
        let reached = sent.fold(last_inbound, Millis::max);
        let soft =
            |item: &&Item| matches!(item.what, IdUse::Failed { failure, .. } if failure.is_soft()) && item.at > reached;
        items().filter(soft).count() as u64
    }
}

impl IdUse {
    /// Whether it is an opt-in.
    fn opts_in(self) -> bool {
        matches!(self, IdUse::OptIn | IdUse::Inbound(InboundKind::OptIn))
    }

    /// Whether it is a message that counts as sent.
    fn is_send(self) -> bool {
        matches!(self, IdUse::Claimed | IdUse::Sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(fingerprint: u64, what: IdUse, at: Millis) -> Item {
        Item { fingerprint, list: ListId(0), what, at, seen_at: at }
    }

    /// What is on people's disks: with another fingerprint a repetition would be new.
    #[test]
    fn golden_fingerprints() {
        for (domain, id, text, fingerprint) in [
            (IdSpace::Message, "m-1", "", 0xdf_fe80_6ee9),
            (IdSpace::Click, "c-1", "", 0x3b_ec48_268f),
            (IdSpace::Conversion, "v-1", "", 0x0b_70cf_5285),
            (IdSpace::Inbound, "SM1", "Stop.", 0x42_b95d_9c92),
            (IdSpace::OptIn, "o-1", "", 0x6f_64f9_6909),
        ] {
            assert_eq!(super::fingerprint(domain, id, text), fingerprint, "{id}");
        }
    }

    #[test]
    fn what_is_old_or_too_many_is_forgotten_and_the_sends_among_it_are_known_to_be() {
        let mut remembered = Remembered::default();
        for at in 1..=300_i64 {
            remembered.add(item(at.unsigned_abs(), IdUse::Sent, at), 3);
        }
        assert_eq!(remembered.items().len(), 256);
        assert_eq!(remembered.forgotten(), 44);
        assert_eq!((remembered.sends_after(290), remembered.sends_after(1)), (Some(10), None));
        let any = |_: &Item| true;
        assert!(remembered.find(300, 0, any).is_some() && remembered.find(1, 0, any).is_none());
        assert!(remembered.find(300, 0, |item| item.at == 0).is_none() && remembered.find(300, 301, any).is_none());
        assert!(remembered.expire(300) && remembered.items().len() == 1);
    }

    #[test]
    fn opt_ins_are_forgotten_last() {
        let mut remembered = Remembered::default();
        let is_known = |remembered: &Remembered, id| remembered.find(id, 0, |_| true).is_some();
        remembered.add(item(1, IdUse::Sent, 1), 0);
        remembered.add(item(2, IdUse::Inbound(InboundKind::OptIn), 2), 0);
        for at in 3..=600_i64 {
            remembered.add(item(at.unsigned_abs(), IdUse::Inbound(InboundKind::Message), at), 0);
        }
        assert!(is_known(&remembered, 2) && !is_known(&remembered, 1) && !is_known(&remembered, 345));
        assert!(is_known(&remembered, 346) && is_known(&remembered, 600));
        remembered.drop_oldest(255);
        assert_eq!(remembered.items().iter().map(|item| item.fingerprint).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn soft_failures_end_with_a_message_that_arrives_or_comes() {
        let soft = IdUse::Failed { failure: Failure::of("", "30003", None), sent: true };
        let items = vec![item(1, soft, 10), item(2, soft, 20), item(3, IdUse::Sent, 15), item(4, IdUse::Claimed, 30)];
        let remembered = Remembered::from_stored(items, 0);
        assert_eq!((remembered.soft_failures(0, 0), remembered.soft_failures(20, 0)), (1, 0));
        assert_eq!(remembered.soft_failures(0, 16), 1);
    }

    #[test]
    fn prints_tell_apart() {
        let all = [
            fingerprint(IdSpace::Message, "a", ""),
            fingerprint(IdSpace::Click, "a", ""),
            fingerprint(IdSpace::Inbound, "a", "b"),
            fingerprint(IdSpace::Inbound, "ab", ""),
        ];
        assert!((0..all.len()).all(|at| !all[..at].contains(&all[at])));
        // It is on people's disks.
        assert_eq!(fingerprint(IdSpace::Message, "m-1", ""), 0xdf_fe80_6ee9);
    }
}
