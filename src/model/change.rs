//! What somebody asks the store to change.

use std::borrow::Cow;

use super::amount::Micros;
use super::fact::How;
use super::failure::Failure;
use super::keyword::InboundKind;
use super::label::LabelPatch;
use super::phone::{ListNumber, Phone};
use super::remembered::IdUse;
use super::time::Millis;
use super::verdict::{self, ListState, ListStatus, Reason, Verdict};
use crate::error::Error;

pub use super::row::{Row, RowStatus, Since};

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

/// Which writes pass which in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// What can forbid a message.
    Forbidding,
    /// What somebody waits for.
    Prompt,
    /// Rows of an import.
    Bulk,
}

impl Urgency {
    /// Every one, the most urgent first.
    pub const ALL: [Urgency; 3] = [Urgency::Forbidding, Urgency::Prompt, Urgency::Bulk];
}

impl Write {
    /// Which writes it passes.
    pub fn urgency(&self) -> Urgency {
        match self {
            Write::Contact { change: Change::Import(_) | Change::Forbid(_), .. } => Urgency::Bulk,
            _ if self.forbids() => Urgency::Forbidding,
            _ => Urgency::Prompt,
        }
    }

    /// The contact that it changes.
    pub fn phone(&self) -> Option<Phone> {
        match self {
            Write::Contact { phone, .. } => Some(*phone),
            Write::List { .. } | Write::Unlist { .. } => None,
        }
    }

    /// Whether it can forbid a message. Such writes are never refused and pass the others in the queue.
    pub fn forbids(&self) -> bool {
        match self {
            Write::Contact { change, .. } => change.forbids(),
            Write::List { paused, .. } => *paused == Some(true),
            Write::Unlist { .. } => false,
        }
    }

    /// Whether it is on disk before it is answered, whatever the configuration says: a message that was granted and
    /// forgotten could be granted again.
    pub fn must_sync(&self) -> bool {
        match self {
            Write::Contact { change: Change::Claim(_), .. } => true,
            Write::Contact { change: Change::Import(row), .. } => row.may_forbid(),
            _ => self.forbids(),
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
    /// What a row forbids, and nothing else of it.
    Forbid(Box<Row>),
    /// An explicit opt-in to the list.
    OptIn(Statement),
    /// An opt-out of the list, or of all.
    OptOut(Statement),
    /// Hold it back, on the list or everywhere.
    Suppress(Statement),
    /// Let it go again.
    Release(Statement),
    /// The number does not exist.
    Invalid(Statement),
    /// It does.
    Valid(Statement),
    /// A message from it.
    Inbound(Inbound),
    /// Somebody has looked at a message of the inbox.
    Reviewed {
        /// Which.
        number: u64,
        /// Who, and why.
        statement: Statement,
    },
    /// May this message, by its id, be sent now? If yes, it counts as sent.
    Claim(String),
    /// A message was sent.
    Sent(Sent),
    /// A message did not arrive.
    Failed(Failed),
    /// A link was followed.
    Click(Click),
    /// Somebody bought, or gave back.
    Convert(Conversion),
}

impl Change {
    /// Whether it can forbid a message.
    pub fn forbids(&self) -> bool {
        matches!(
            self,
            Change::OptOut(_)
                | Change::Suppress(_)
                | Change::Invalid(_)
                | Change::Inbound(_)
                | Change::Failed(_)
                | Change::Forbid(_)
        )
    }

    /// Whether it only takes back what forbade, which may have been said of a number that is not a list.
    pub fn lifts(&self) -> bool {
        matches!(self, Change::Release(_) | Change::Valid(_))
    }

    /// The answer for a number that is not a contact and does not become one. `list` and `unwritten` are as in
    /// [`verdict::decide`].
    pub fn of_nobody(&self, list: ListState, unwritten: Option<Reason>) -> Outcome {
        match self {
            Change::Claim(_) => Outcome::Claim(verdict::decide(list, unwritten, None, ListStatus::None, false)),
            _ => Outcome::Changed(false),
        }
    }

    /// What is left of it where its number was erased: of a row, what it forbids; none if that is nothing. A file brings nobody
    /// back who was erased: only the person's own word does.
    pub fn of_erased(&self, now: Millis) -> Option<Cow<'_, Change>> {
        match self {
            Change::Import(row) if row.forbids(now).is_empty() => None,
            Change::Import(row) => Some(Cow::Owned(Change::Import(Box::new(row.only_what_forbids())))),
            other => Some(Cow::Borrowed(other)),
        }
    }

    /// Whether it makes a contact of a number that is not one yet. Lifting what nobody set does not, unless it is dated:
    /// then an older fact may still come.
    pub fn creates(&self) -> bool {
        match self {
            Change::Release(claim) | Change::Valid(claim) => claim.at.is_some(),
            Change::Claim(_) => false,
            _ => true,
        }
    }
}

/// What somebody says is so: the common arguments of the consent and status verbs.
#[derive(Clone, Debug, Default)]
pub struct Statement {
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
    /// When it was sent; now, when not given. Where it forbids, the last moment that its date may mean.
    pub at: Option<Millis>,
    /// The date as it was given.
    pub given: Option<Millis>,
    /// Whether a date was given that could not be read: the message may be old, and proves nothing of the number.
    pub undated: bool,
    /// Its id; a repeated one changes nothing. May be empty.
    pub id: String,
    /// What it says.
    pub text: String,
    /// What the keywords say it means, before the contact is looked at.
    pub meaning: super::keyword::Meaning,
}

/// A message was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// When; now, when not given.
    pub at: Option<Millis>,
}

/// A message did not arrive.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its id.
    pub id: String,
    /// When; now, when not given.
    pub at: Option<Millis>,
    /// What it means.
    pub failure: Failure,
    /// The provider's code. May be empty.
    pub code: String,
    /// Why. May be empty.
    pub reason: String,
    /// Who says so. May be empty.
    pub source: String,
}

/// A link was followed.
#[derive(Clone, Debug)]
pub struct Click {
    /// When; now, when not given.
    pub at: Option<Millis>,
    /// Its id; a repeated one changes nothing. May be empty.
    pub id: String,
    /// The id of the message with the link. May be empty.
    pub message: String,
    /// Whether a scanner did it.
    pub bot: bool,
    /// The link. May be empty.
    pub url: String,
}

/// Somebody bought, or gave back.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// What it was worth; negative for a refund.
    pub amount: Micros,
    /// When; now, when not given.
    pub at: Option<Millis>,
    /// Its id; a repeated one changes nothing. May be empty.
    pub id: String,
    /// The id of the message that led to it. May be empty.
    pub message: String,
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
    /// A row was about a number that was erased: nothing of it was taken.
    Erased,
    /// Whether a status changed.
    Changed(bool),
    /// A row was refused for this, and what it forbids was taken.
    Taken(Error),
    /// What a message meant, and whether it came to something.
    Inbound {
        /// What it meant.
        class: InboundKind,
        /// Whether it changed a status.
        turn: Effectiveness,
    },
    /// Whether a message was granted.
    Claim(Verdict),
    /// A message that was claimed, sent or failed before.
    Duplicate(State),
}

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was granted.
    Claimed,
    /// It was sent.
    Sent,
    /// It failed; this is final.
    Failed,
}

impl State {
    /// Every state.
    pub const ALL: [State; 3] = [State::Claimed, State::Sent, State::Failed];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            State::Claimed => "claimed",
            State::Sent => "sent",
            State::Failed => "failed",
        }
    }

    /// The state of a message of which something is remembered.
    pub fn of(what: IdUse) -> State {
        match what {
            IdUse::Claimed => State::Claimed,
            IdUse::Failed { .. } => State::Failed,
            _ => State::Sent,
        }
    }
}

/// Whether a message changed a status, as it says it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effectiveness {
    /// It did, or it is not a keyword.
    New,
    /// It was so.
    Again,
    /// Something newer stands against it.
    Late,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_forbids_is_on_disk_before_its_reply_and_keeps_its_place_among_rows() {
        let phone = Phone::parse(b"+14155552671").expect("a number");
        let write = |change| Write::Contact { phone, list: None, change };
        let out = || Box::new(Row { status: Some(RowStatus::OptedOut), ..Row::default() });
        for (change, must_sync, forbids) in [
            (Change::Import(Box::default()), false, false),
            (Change::Import(out()), true, false),
            (Change::Forbid(out()), true, true),
        ] {
            let write = write(change);
            assert_eq!((write.must_sync(), write.forbids()), (must_sync, forbids), "{write:?}");
            assert_eq!(write.urgency(), Urgency::Bulk);
        }
    }
}
