//! The answer to "may I send?".

/// Yes, or no and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A message may be sent.
    Yes,
    /// No message may be sent.
    No(Reason),
}

impl Verdict {
    /// How many verdicts there are: yes, and a no for each reason.
    pub const COUNT: usize = Reason::ALL.len() + 1;

    /// The place of this verdict among all of them, below [`Verdict::COUNT`]: what counts verdicts counts by it.
    #[inline]
    pub fn index(self) -> usize {
        match self {
            Verdict::No(reason) => reason as usize,
            Verdict::Yes => Reason::ALL.len(),
        }
    }

    /// Every verdict, each at its place, by the word for it: `yes`, or the reason.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Reason::ALL.into_iter().map(Reason::word).chain(["yes"])
    }
}

/// The verdict, from all that it follows from. CHECK, CLAIM, `eligible=` and what GET says of a list ask this function,
/// so that they cannot differ.
///
/// `unwritten` is a forbidding fact that is in memory alone. `contact` is none for a number that is not a contact.
/// `is_held`: a message waits in the inbox, and the contact with it.
pub fn decide(
    list: ListState,
    unwritten: Option<Reason>,
    contact: Option<ContactStatus>,
    on_list: ListStatus,
    is_held: bool,
) -> Verdict {
    let forbids = match list {
        ListState::Fenced => Some(Reason::Fenced),
        ListState::Unknown => Some(Reason::UnknownList),
        ListState::Paused => Some(Reason::ListPaused),
        ListState::Open => unwritten.or(contact.map_or(Some(Reason::NotSubscribed), ContactStatus::reason)),
    };
    match forbids.or(on_list.reason()).or(is_held.then_some(Reason::HeldForReview)) {
        Some(reason) => Verdict::No(reason),
        None => Verdict::Yes,
    }
}

/// Whether messages may be sent from a list at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListState {
    /// From no list at all: the store may not know who opted out last, and nobody has said that it may be trusted.
    Fenced,
    /// The number is not a list, or the list was removed.
    Unknown,
    /// An operator stopped the list.
    Paused,
    /// They may.
    Open,
}

/// Why not. When several hold, the first in this order is the one that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The store may not know who opted out last: it was restored, or was found to lack something.
    Fenced,
    /// The number sent from is not a list here.
    UnknownList,
    /// An operator stopped the list.
    ListPaused,
    /// The contact's number does not exist any more.
    Invalid,
    /// The contact is held back by the sender.
    Suppressed,
    /// The contact opted out of everything.
    OptedOut,
    /// The contact never subscribed to this list, or is not known at all.
    NotSubscribed,
    /// The contact is held back on this list.
    ListSuppressed,
    /// The contact opted out of this list.
    ListOptedOut,
    /// The contact may want out of this list: nobody has looked at its message yet.
    HeldForReview,
}

impl Reason {
    /// Every reason, in order of precedence.
    pub const ALL: [Reason; 10] = [
        Reason::Fenced,
        Reason::UnknownList,
        Reason::ListPaused,
        Reason::Invalid,
        Reason::Suppressed,
        Reason::OptedOut,
        Reason::NotSubscribed,
        Reason::ListSuppressed,
        Reason::ListOptedOut,
        Reason::HeldForReview,
    ];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Fenced => "fenced",
            Reason::UnknownList => "unknown_list",
            Reason::ListPaused => "list_paused",
            Reason::Invalid => "invalid",
            Reason::Suppressed => "suppressed",
            Reason::OptedOut => "opted_out",
            Reason::NotSubscribed => "not_subscribed",
            Reason::ListSuppressed => "list_suppressed",
            Reason::ListOptedOut => "list_opted_out",
            Reason::HeldForReview => "held_for_review",
        }
    }
}

/// The status of a contact, derived: the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactStatus {
    /// The number does not exist any more.
    Invalid,
    /// Held back by the sender.
    Suppressed,
    /// Opted out of all lists, and no list's opt-in is newer.
    OptedOut,
    /// None of these.
    Active,
}

impl ContactStatus {
    /// Every status, strictest first.
    pub const ALL: [ContactStatus; 4] =
        [ContactStatus::Invalid, ContactStatus::Suppressed, ContactStatus::OptedOut, ContactStatus::Active];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        self.reason().map_or("active", Reason::word)
    }

    /// Why this status forbids, if it does.
    pub fn reason(self) -> Option<Reason> {
        match self {
            ContactStatus::Invalid => Some(Reason::Invalid),
            ContactStatus::Suppressed => Some(Reason::Suppressed),
            ContactStatus::OptedOut => Some(Reason::OptedOut),
            ContactStatus::Active => None,
        }
    }
}

/// The status of a contact on one list, derived: the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListStatus {
    /// Held back on this list.
    Suppressed,
    /// Opted out of this list, or of all and not back on this one.
    OptedOut,
    /// Subscribed, and nothing stands against it.
    Active,
    /// Nothing stands, and it never subscribed.
    None,
}

impl ListStatus {
    /// The statuses that have a posting.
    pub const KEPT: [ListStatus; 3] = [ListStatus::Suppressed, ListStatus::OptedOut, ListStatus::Active];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            ListStatus::Suppressed => "suppressed",
            ListStatus::OptedOut => "opted_out",
            ListStatus::Active => "active",
            ListStatus::None => "none",
        }
    }

    /// Why this status forbids, if it does.
    pub fn reason(self) -> Option<Reason> {
        match self {
            ListStatus::Suppressed => Some(Reason::ListSuppressed),
            ListStatus::OptedOut => Some(Reason::ListOptedOut),
            ListStatus::Active => None,
            ListStatus::None => Some(Reason::NotSubscribed),
        }
    }
}

/// How far a STOP to one list reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StopScope {
    /// To that list.
    #[default]
    List,
    /// To every list whose opt-in is not newer.
    All,
}

impl StopScope {
    /// The word on the wire and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            StopScope::List => "list",
            StopScope::All => "all",
        }
    }
}
