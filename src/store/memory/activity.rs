//! What happened on each list since the daemon started, counted as it is committed. Nothing of it is on disk.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::model::event::{Event, EventKind};
use crate::model::fact::How;
use crate::model::keyword::InboundKind;
use crate::model::list::ListId;

/// Something that happened on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activity {
    /// CLAIM granted a message.
    Claimed,
    /// A message was sent.
    Sent,
    /// A message failed.
    Failed,
    /// Somebody followed a link.
    Click,
    /// A scanner followed a link.
    BotClick,
    /// Somebody bought, or gave back.
    Conversion,
    /// A message came in, and what it meant.
    Inbound(InboundKind),
    /// A member opted out.
    OptOut(OptOutHow),
    /// A contact became a member.
    OptIn(How),
}

/// How an opt-out came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OptOutHow {
    /// Somebody reported it in one of these ways.
    Reported(How),
    /// A provider refused a message, since the person had opted out there.
    Provider,
}

impl OptOutHow {
    /// Every way.
    pub fn all() -> impl Iterator<Item = OptOutHow> {
        How::ALL.into_iter().map(OptOutHow::Reported).chain([OptOutHow::Provider])
    }

    /// The word in metrics.
    pub fn word(self) -> &'static str {
        match self {
            OptOutHow::Reported(how) => how.word(),
            OptOutHow::Provider => "provider",
        }
    }
}

/// How often what happened, by list. It has at most some twenty numbers for each of
/// [`LISTS_MAX`](crate::limits::LISTS_MAX) lists.
#[derive(Clone, Debug, Default)]
pub struct ActivityCounts(HashMap<(Option<ListId>, Activity), u64, RandomState>);

impl ActivityCounts {
    /// Counts the events of a change, and the members that left and joined with it.
    pub fn note(&mut self, events: &[Event], left: &[ListId], joined: impl Iterator<Item = ListId>) {
        for event in events {
            let what = match event.kind {
                EventKind::Claimed => Activity::Claimed,
                EventKind::Sent => Activity::Sent,
                EventKind::Failed(_) => Activity::Failed,
                EventKind::Click => Activity::Click,
                EventKind::BotClick => Activity::BotClick,
                EventKind::Conversion => Activity::Conversion,
                EventKind::Inbound(meaning) => Activity::Inbound(meaning),
                _ => continue,
            };
            self.add(event.list, what);
        }
        let Some(cause) = events.first() else { return };
        let how = match cause.kind {
            EventKind::Failed(_) => OptOutHow::Provider,
            EventKind::Inbound(_) => OptOutHow::Reported(How::Keyword),
            _ => OptOutHow::Reported(cause.how),
        };
        for &list in left {
            self.add(Some(list), Activity::OptOut(how));
        }
        // One who is released, or whose number exists after all, was a member all the time.
        let joins = match cause.kind {
            EventKind::OptIn | EventKind::Subscribe | EventKind::Created => cause.how,
            EventKind::Inbound(_) => How::Keyword,
            _ => return,
        };
        for list in joined {
            self.add(Some(list), Activity::OptIn(joins));
        }
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, more: ActivityCounts) {
        for (what, n) in more.0 {
            *self.0.entry(what).or_default() += n;
        }
    }

    /// Everything that happened, by list, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Option<ListId>, Activity, u64)> {
        self.0.iter().map(|(&(list, what), &n)| (list, what, n))
    }

    fn add(&mut self, list: Option<ListId>, what: Activity) {
        *self.0.entry((list, what)).or_default() += 1;
    }
}
