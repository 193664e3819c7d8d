//! Events: what happened to a contact, kept for its history.

use super::amount::Micros;
use super::fact::How;
use super::failure::Failure;
use super::keyword::InboundKind;
use super::list::ListId;
use super::time::Millis;

/// One thing that happened to a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
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
    /// The text of a message from the phone, the evidence of an opt-in, the link of a click, the code of a failure. May
    /// be empty.
    pub text: String,
    /// The id of the message that a click or a conversion came from. May be empty.
    pub message: String,
    /// What a conversion was worth; negative for a refund.
    pub amount: Micros,
    /// Whose token reported it. May be empty.
    pub by: String,
}

impl Event {
    /// An event of which only kind and date are known.
    pub fn new(kind: EventKind, at: Millis) -> Event {
        Event {
            kind,
            at,
            seen_at: at,
            sent_at: None,
            list: None,
            id: String::new(),
            how: How::Api,
            source: String::new(),
            reason: String::new(),
            text: String::new(),
            message: String::new(),
            amount: 0,
            by: String::new(),
        }
    }
}

/// What can happen to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
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
    Inbound(InboundKind),
    /// A subscription by import, on a contact that existed before.
    Subscribe,
    /// A message was granted.
    Claimed,
    /// A message was sent.
    Sent,
    /// A message failed, and how.
    Failed(Failure),
    /// Somebody followed a link.
    Click,
    /// A scanner did.
    BotClick,
    /// A conversion, or a refund.
    Conversion,
    /// The purge policy removed the contact.
    Purged,
    /// The contact was erased.
    Erased,
    /// The number of the contact was held in another spelling, which the reason says.
    Renumbered,
    /// Somebody has looked at a message that waited in the inbox.
    Reviewed,
    /// The contact came in without any of these: by PUT, or by an import that subscribed it.
    Created,
}

impl EventKind {
    /// Whether a message waits in the inbox since, or does not any more.
    pub fn is_of_inbox(self) -> bool {
        matches!(self, EventKind::Inbound(InboundKind::MaybeOptOut) | EventKind::Reviewed)
    }

    /// Whether it forbids something.
    pub fn forbids(self) -> bool {
        match self {
            EventKind::OptOut | EventKind::OptOutAll | EventKind::Suppress | EventKind::Invalid => true,
            EventKind::Inbound(kind) => matches!(kind, InboundKind::OptOut | InboundKind::OptOutAll),
            EventKind::Failed(failure) => failure.permanent || failure.opted_out,
            _ => false,
        }
    }

    /// Whether it concerns consent or status; these are never removed by age.
    pub fn is_consent(self) -> bool {
        match self {
            EventKind::OptIn
            | EventKind::OptOut
            | EventKind::OptOutAll
            | EventKind::Suppress
            | EventKind::Release
            | EventKind::Invalid
            | EventKind::Valid
            | EventKind::Subscribe
            | EventKind::Purged
            | EventKind::Erased
            | EventKind::Renumbered
            | EventKind::Reviewed
            | EventKind::Inbound(InboundKind::OptOut | InboundKind::OptOutAll | InboundKind::OptIn) => true,
            EventKind::Inbound(InboundKind::Help | InboundKind::Message | InboundKind::MaybeOptOut)
            | EventKind::Claimed
            | EventKind::Sent
            | EventKind::Failed(_)
            | EventKind::Click
            | EventKind::BotClick
            | EventKind::Conversion
            | EventKind::Created => false,
        }
    }
}
