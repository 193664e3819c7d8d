//! Events: what happened to a contact, kept for its history.

use super::fact::How;
use super::keyword::Class;
use super::list::ListId;
use super::time::Millis;

/// One thing that happened to a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// When it happened, as it counts.
    pub at: Millis,
    /// When the daemon took it.
    pub seen_at: Millis,
    /// The date that was sent, where it differs from `at` (a date in the future counts as now).
    pub sent_at: Option<Millis>,
    /// On which list, if on one.
    pub list: Option<ListId>,
    /// The caller's id for it. May be empty.
    pub id: String,
    /// How it came to us.
    pub how: How,
    /// Who says so. May be empty.
    pub source: String,
    /// Why. May be empty.
    pub reason: String,
    /// The text of a message, the evidence of an opt-in. May be empty.
    pub text: String,
}

/// What can happen to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An explicit opt-in to a list.
    OptIn,
    /// An opt-out of a list.
    OptOut,
    /// An opt-out of all lists.
    OptOutAll,
    /// The sender holds the contact back, on a list or everywhere.
    Suppress,
    /// The sender lets it go.
    Release,
    /// The number does not exist any more.
    Invalid,
    /// It does.
    Valid,
    /// A message from the number, and what it meant.
    Inbound(Class),
    /// A subscription by import, on a contact that existed before.
    Subscribe,
    /// The contact came in without any of these: by PUT, or by an import that subscribed it.
    Created,
}

impl Kind {
    /// Whether it concerns consent or status; these are never removed by age.
    pub fn is_consent(self) -> bool {
        !matches!(self, Kind::Created | Kind::Inbound(Class::Help | Class::Message | Class::MaybeOptOut))
    }
}
