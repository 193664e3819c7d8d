//! The fence of a store that may not know who opted out last.

use super::time::{self, Millis};
use crate::counted::counted;

/// Why a store says no to everybody: it may not know who opted out last. A backup does not know what came after it, and of a
/// store whose files were removed nobody can say whether it is whole. UNFENCE ends the fence, once a person has brought those
/// opt-outs back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fence {
    /// The store is as it was then. What came later is missing, but for what was replayed. 0 if nobody knows since when something
    /// may be missing.
    pub backup_at: Millis,
    /// When it was raised: the store was restored, or found without the files that tell whether it is whole, or with a trail that
    /// knows more.
    pub restored_at: Millis,
    /// Why it stands.
    pub cause: Cause,
    /// What trails have brought back, and what they could not.
    pub replayed: Replayed,
}

/// Why a fence was raised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// The store was restored from a backup.
    Restored,
    /// A file is gone that tells whether the store is whole.
    #[default]
    FileGone,
    /// The store is older than its trail, and nobody can say that the trail has everything since.
    Trail,
    /// Somebody said FENCE.
    ByHand,
}

impl Cause {
    /// The word in STATS and in the reply of UNFENCE.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Restored => "restored",
            Cause::FileGone => "file_gone",
            Cause::Trail => "trail",
            Cause::ByHand => "by_hand",
        }
    }
}

impl Fence {
    /// Of a store that somebody has put back, or has taken something away from.
    pub fn of_doubt(now: Millis) -> Fence {
        Fence { restored_at: now, ..Fence::default() }
    }

    /// Whether it is known of when the store is.
    pub fn is_dated(&self) -> bool {
        self.backup_at > 0
    }
}

/// What trails brought back, and what they could not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Facts that were taken.
    pub facts: u64,
    /// The date of the newest of them; 0 if there are none.
    pub to: Millis,
    /// Lines that cannot be read, are not as they were written, or are gone from between others. Each may have been an opt-out.
    pub passed_over: u64,
    /// Lines that tell of an erasure, and not of whom.
    pub unnamed_erasures: u64,
    /// The date of the newest of them; 0 if there are none.
    pub unnamed_erasures_to: Millis,
    /// What forbids from before this may be missing in the trails, though it came after the backup: they say so, or begin then. 0 if
    /// that is not so, as far as one can see.
    pub lacks_before: Millis,
    /// None of the trails is as the store left it when the backup was made: lines are gone from it, or another machine wrote it.
    pub is_other: bool,
    /// Trails were compared with what the store knew of its own. The first ones are: later on the store knows another one.
    pub is_compared: bool,
}

impl Replayed {
    /// Adds what another trail brought back.
    pub fn add(&mut self, other: &Replayed) {
        self.facts += other.facts;
        self.to = self.to.max(other.to);
        self.passed_over += other.passed_over;
        self.unnamed_erasures += other.unnamed_erasures;
        self.unnamed_erasures_to = self.unnamed_erasures_to.max(other.unnamed_erasures_to);
        self.lacks_before = self.lacks_before.max(other.lacks_before);
        self.is_other |= other.is_other;
        self.is_compared |= other.is_compared;
    }

    /// What is known to be missing, in words.
    pub fn missing(&self) -> String {
        let passed_over = (self.passed_over > 0).then(|| {
            format!(
                "{} of trails could not be read, or not as written, or were gone",
                counted(self.passed_over, "line")
            )
        });
        let unnamed = (self.unnamed_erasures > 0).then(|| {
            format!("whose numbers were erased until {} is not known", time::format(self.unnamed_erasures_to))
        });
        let lacks = (self.lacks_before > 0)
            .then(|| format!("trails lack what forbids from before {}", time::format(self.lacks_before)));
        let other = self.is_other.then(|| "no trail was as the store left it".to_owned());
        [passed_over, unnamed, lacks, other].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Whether nothing is known to be missing.
    pub fn is_sure(&self) -> bool {
        self.is_complete() && !self.is_other
    }

    /// Whether the trails say all that they have: every line was read, every erasure names its number, and nothing is said to be
    /// missing.
    pub fn is_complete(&self) -> bool {
        self.passed_over == 0 && self.unnamed_erasures == 0 && self.lacks_before == 0
    }
}
