//! What happened to sending lists, and to how far a STOP reaches. It is kept for ever, as consent is: both decided who
//! got messages.

use super::list::ListId;
use super::time::Millis;
use super::verdict::StopScope;

/// One thing that happened to a list, or to all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEvent {
    /// When contactd took it.
    pub at: Millis,
    /// Which list; none where it concerns all.
    pub list: Option<ListId>,
    /// What happened.
    pub kind: ListEventKind,
    /// Whose token did it. May be empty.
    pub by: String,
}

/// What can happen to a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListEventKind {
    /// LIST made it, or made it again.
    Created {
        /// What people call it. May be empty.
        name: String,
    },
    /// It has another name.
    Renamed {
        /// The new name.
        name: String,
    },
    /// Messages from it stopped.
    Paused,
    /// They may go on.
    Resumed,
    /// UNLIST removed it.
    Removed,
    /// contactd started under another stop scope.
    Scope(StopScope),
    /// The store may not know who opted out last: nobody gets messages.
    Fenced {
        /// The store is as it was then; 0 if nobody knows since when something may be missing.
        backup_at: Millis,
    },
    /// UNFENCE: messages may go on.
    Unfenced,
}
