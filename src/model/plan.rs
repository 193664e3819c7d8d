//! A plan of a purge: the contacts that a policy selected, in numbers, and how far its run has come.

use super::list::ListId;
use super::purge::Policy;
use super::time::{DAY_MS, Millis};

/// How long a plan can be run.
pub const PLAN_KEPT_MS: Millis = 7 * DAY_MS;

/// A plan of a purge: how many contacts the policy selected, and how far its run has come. Their ids stand beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// When it was made.
    pub made_at: Millis,
    /// By which policy.
    pub policy: Policy,
    /// How many contacts were selected, by reason in the order of [`PurgeReason::ALL`].
    pub selected: [u64; 3],
    /// How many were selected, by list: the lists that lose most.
    pub lists: Vec<(ListId, u64)>,
    /// Not selected because of their label.
    pub kept: u64,
    /// Not selected because none of their lists measures engagement.
    pub unmeasured: u64,
    /// What the records of the selected contacts take on disk, about.
    pub bytes: u64,
    /// Its run, once it has begun.
    pub run: Option<Progress>,
}

impl Plan {
    /// Whether it was run to its end.
    pub fn is_finished(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.finished_at > 0)
    }

    /// Whether it is too old to be begun or gone on with. One that is running goes on, whatever its age.
    pub fn has_expired(&self, now: Millis) -> bool {
        now - self.made_at > PLAN_KEPT_MS && self.run.as_ref().is_none_or(|run| run.stopped)
    }
}

/// How far the run of a plan has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// When it began.
    pub started_at: Millis,
    /// Whose token began it, or went on with it last. May be empty.
    pub by: String,
    /// When it ended; 0 while it goes on.
    pub finished_at: Millis,
    /// Whether PURGE STOP stopped it.
    pub stopped: bool,
    /// Contacts with ids before this are done.
    pub next_id: u32,
    /// Purged, by reason in the order of [`PurgeReason::ALL`].
    pub purged: [u64; 3],
    /// Not selected any more when they were looked at again: somebody clicked, replied, opted in, or was erased.
    pub spared: u64,
    /// Events that left by age or with their contact.
    pub events: u64,
    /// Ids that were forgotten.
    pub ids: u64,
    /// Entries of the feed that left by age.
    pub entries: u64,
    /// Tombstones in which old consent was forgotten.
    pub consents: u64,
    /// The store's size when it began.
    pub bytes_before: u64,
    /// The store's size when it ended.
    pub bytes_after: u64,
}

impl Progress {
    /// A run that begins.
    pub fn begin(now: Millis, bytes: u64) -> Progress {
        Progress { started_at: now, bytes_before: bytes, ..Progress::default() }
    }
}
