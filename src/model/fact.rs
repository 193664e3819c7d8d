//! Dated facts. Statuses are never stored; they follow from these.

use std::cmp::Ordering;

use super::time::Millis;

/// How a contact subscribed, or how an opt-out came to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum How {
    /// A program said so.
    #[default]
    Api,
    /// A file said so.
    Import,
    /// A customer journey of the sender's said so.
    Journey,
    /// The phone itself said so, by a keyword.
    Keyword,
}

impl How {
    /// Every way, as the wire names them.
    pub const ALL: [How; 4] = [How::Api, How::Import, How::Journey, How::Keyword];

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            How::Api => "api",
            How::Import => "import",
            How::Journey => "journey",
            How::Keyword => "keyword",
        }
    }

    /// Reads the word on the wire.
    pub fn parse(word: &str) -> Option<How> {
        How::ALL.into_iter().find(|how| how.word() == word)
    }
}

/// A file says again what somebody else has said before: it is the least that can be known.
impl Ord for How {
    fn cmp(&self, other: &How) -> Ordering {
        let rank = |how: How| (how != How::Import, how as u8);
        rank(*self).cmp(&rank(*other))
    }
}

impl PartialOrd for How {
    fn partial_cmp(&self, other: &How) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Something that was so at a date, with who said it and why.
///
/// The order (date first, then the rest) decides which of two facts of one kind is kept, so that any order of arrival
/// ends in the same record.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// When it was so; after 1970.
    pub at: Millis,
    /// How it came to us.
    pub how: How,
    /// Who says so: a form, a file, a program. May be empty.
    pub source: String,
    /// Why. May be empty.
    pub reason: String,
    /// Whose token reported it. May be empty.
    pub by: String,
    /// The latest date with which a fact of this kind came, where it was later than the fact could count: the clock of
    /// who dated it is ahead. One that is further ahead than any clock is only noted, as the millisecond after `at`: what
    /// comes later with a date of its own must not be compared with it. Otherwise 0.
    pub claimed_at: Millis,
}

/// The date of a fact; 0, which is before every date, when there is none.
pub fn date(fact: Option<&Fact>) -> Millis {
    fact.map_or(0, |fact| fact.at)
}

/// Keeps the newer of two facts of one kind, and the later date with which either came. Says whether it was the new one.
pub fn keep_newest(kept: &mut Option<Fact>, new: Fact) -> bool {
    let claimed_at = new.claimed_at.max(kept.as_ref().map_or(0, |old| old.claimed_at));
    let is_newer = kept.as_ref().is_none_or(|old| *old < new);
    if is_newer {
        *kept = Some(new);
    }
    if let Some(kept) = kept {
        kept.claimed_at = if claimed_at > kept.at { claimed_at } else { 0 };
    }
    is_newer
}

/// A fact that can be lifted: in force while it is not older than its lifting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toggle {
    /// When it was last set.
    pub set: Option<Fact>,
    /// When it was last lifted.
    pub lifted: Option<Fact>,
}

impl Toggle {
    /// Whether it holds now. On a tie the forbidding side wins.
    pub fn in_force(&self) -> bool {
        self.in_force_after(0)
    }

    /// Whether it holds although something at `lifted_at` would lift it too.
    pub fn in_force_after(&self, lifted_at: Millis) -> bool {
        let set_at = date(self.set.as_ref());
        set_at > 0 && set_at >= date(self.lifted.as_ref()).max(lifted_at)
    }

    /// Both facts, as far as there are any.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.set.iter().chain(&self.lifted)
    }

    /// The newest date in it.
    pub fn newest(&self) -> Millis {
        date(self.set.as_ref()).max(date(self.lifted.as_ref()))
    }
}
