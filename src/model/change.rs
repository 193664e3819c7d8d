//! What somebody asks the store to change.

use super::fact::How;
use super::keyword::Class;
use super::label::LabelPatch;
use super::phone::{ListNumber, Phone};
use super::time::Millis;
use super::verdict::Reason;

/// A write, as it waits for the writer.
#[derive(Clone, Debug)]
pub enum Write {
    /// Change one contact.
    Contact {
        /// Which.
        phone: Phone,
        /// For which list; `None` means for the contact itself, or for all lists.
        list: Option<ListNumber>,
        /// How.
        change: Change,
    },
    /// Create or change a list.
    List {
        /// Which.
        number: ListNumber,
        /// What people call it.
        name: Option<String>,
        /// The kill switch.
        paused: Option<bool>,
    },
    /// Remove a list.
    Unlist {
        /// Which.
        number: ListNumber,
        /// Even while contacts are on it.
        force: bool,
    },
}

impl Write {
    /// Whether it can forbid a message. Such writes are never refused and pass the others in the queue.
    pub fn forbids(&self) -> bool {
        match self {
            Write::Contact { change, .. } => change.forbids(),
            Write::List { paused, .. } => *paused == Some(true),
            Write::Unlist { .. } => false,
        }
    }
}

/// A change of one contact.
#[derive(Clone, Debug)]
pub enum Change {
    /// Create it if need be; set and remove labels.
    Put(LabelPatch),
    /// One row of an import.
    Import(Box<Row>),
    /// An explicit opt-in to the list.
    OptIn(Claim),
    /// An opt-out of the list, or of all.
    OptOut(Claim),
    /// Hold it back, on the list or everywhere.
    Suppress(Claim),
    /// Let it go again.
    Release(Claim),
    /// The number does not exist.
    Invalid(Claim),
    /// It does.
    Valid(Claim),
    /// A message from it.
    Inbound(Inbound),
}

impl Change {
    /// Whether it can forbid a message.
    pub fn forbids(&self) -> bool {
        matches!(self, Change::OptOut(_) | Change::Suppress(_) | Change::Invalid(_) | Change::Inbound(_))
    }

    /// Whether it only takes back what forbade, which may have been said of a number that is no list.
    pub fn lifts(&self) -> bool {
        matches!(self, Change::Release(_) | Change::Valid(_))
    }

    /// Whether it makes a contact of a number that is not one yet. Lifting what nobody set does not, unless it is dated:
    /// then an older fact may still come.
    pub fn creates(&self) -> bool {
        match self {
            Change::Release(claim) | Change::Valid(claim) => claim.at.is_some(),
            _ => true,
        }
    }
}

/// What somebody says is so: the common arguments of the consent and status verbs.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// When it was so; now, when not given.
    pub at: Option<Millis>,
    /// How it came to us.
    pub how: How,
    /// The caller's id for it; a repeated one changes nothing. May be empty.
    pub id: String,
    /// Who says so. May be empty.
    pub source: String,
    /// Why. May be empty.
    pub reason: String,
    /// What proves it. May be empty.
    pub evidence: String,
}

/// A message from a phone.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// When it was sent; now, when not given.
    pub at: Option<Millis>,
    /// Its id; a repeated one changes nothing. May be empty.
    pub id: String,
    /// What it says.
    pub text: String,
    /// What the keywords say it means, before the contact is looked at.
    pub meaning: super::keyword::Meaning,
}

/// One row of an import.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Labels to set.
    pub labels: LabelPatch,
    /// How the contact subscribed.
    pub how: Option<How>,
    /// Where the row comes from.
    pub source: String,
    /// What the row says the status is; it subscribes when nothing is said.
    pub status: Option<RowStatus>,
    /// When the contact subscribed.
    pub subscribed_at: Option<Millis>,
    /// When it opted out.
    pub opted_out_at: Option<Millis>,
    /// Since when it is held back.
    pub suppressed_at: Option<Millis>,
    /// Since when its number is known not to exist.
    pub invalid_at: Option<Millis>,
    /// Why, of whatever the row forbids.
    pub reason: String,
    /// When a new contact was created where it comes from.
    pub created_at: Option<Millis>,
    /// Totals of a new contact.
    pub totals: super::contact::Engagement,
}

/// The status a row of an import gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowStatus {
    /// Subscribed.
    Active,
    /// Opted out of the list, or of all.
    OptedOut,
    /// Held back, on the list or everywhere.
    Suppressed,
    /// The number does not exist.
    Invalid,
}

/// What a write did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Something new was made.
    Created,
    /// Something that existed was changed.
    Updated,
    /// It was so.
    Unchanged,
    /// It is gone.
    Removed,
    /// A row was taken, but what stands against its subscription was kept.
    Kept(Reason),
    /// Whether a status changed.
    Changed(bool),
    /// What a message meant, and whether it came to something.
    Inbound {
        /// What it meant.
        class: Class,
        /// Whether it changed a status.
        turn: Turn,
    },
}

/// Whether a message changed a status, as it says it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It did, or it is no keyword.
    New,
    /// It was so.
    Again,
    /// Something newer stands against it.
    Late,
}
