//! Codes: the byte that stands for a variant in keys, values and the feed.
//!
//! Each byte is written out here, beside its variant, and is never reused: the order of variants in the source means
//! precedence and may change, a byte on disk may not. A new variant takes the next free byte.

use crate::error::{Error, Result};
use crate::model::fact::How;
use crate::model::filter::DayOf;
use crate::model::purge::PurgeReason;
use crate::model::verdict::{ContactStatus, ListStatus};

/// A value that is stored as one byte.
pub trait Coded: Copy + 'static {
    /// Every variant.
    const ALL: &'static [Self];
    /// What a byte stands for, for the error about an unknown one.
    const WHAT: &'static str;

    /// The byte on disk.
    fn code(self) -> u8;

    /// What a byte on disk means; a newer contactd may know more of them.
    fn from_code(code: u8) -> Result<Self> {
        let known = Self::ALL.iter().find(|known| known.code() == code).copied();
        known.ok_or_else(|| Error::internal(format!("the store has an unknown {}: {code}", Self::WHAT)))
    }
}

impl Coded for ContactStatus {
    const ALL: &'static [ContactStatus] = &ContactStatus::ALL;
    const WHAT: &'static str = "status of a contact";

    fn code(self) -> u8 {
        match self {
            ContactStatus::Invalid => 0,
            ContactStatus::Suppressed => 1,
            ContactStatus::OptedOut => 2,
            ContactStatus::Active => 3,
        }
    }
}

impl Coded for ListStatus {
    const ALL: &'static [ListStatus] =
        &[ListStatus::Suppressed, ListStatus::OptedOut, ListStatus::Active, ListStatus::None];
    const WHAT: &'static str = "status on a list";

    fn code(self) -> u8 {
        match self {
            ListStatus::Suppressed => 0,
            ListStatus::OptedOut => 1,
            ListStatus::Active => 2,
            ListStatus::None => 3,
        }
    }
}

impl Coded for How {
    const ALL: &'static [How] = &How::ALL;
    const WHAT: &'static str = "way in which a fact came";

    /// At most 7: facts and events keep it in three bits.
    fn code(self) -> u8 {
        match self {
            How::Api => 0,
            How::Import => 1,
            How::Journey => 2,
            How::Keyword => 3,
        }
    }
}

impl Coded for DayOf {
    const ALL: &'static [DayOf] = &DayOf::ALL;
    const WHAT: &'static str = "kind of day";

    fn code(self) -> u8 {
        match self {
            DayOf::Created => 0,
            DayOf::Engaged => 1,
            DayOf::Idle => 2,
            DayOf::Invalid => 3,
        }
    }
}

impl Coded for PurgeReason {
    const ALL: &'static [PurgeReason] = &PurgeReason::ALL;
    const WHAT: &'static str = "reason of a purge";

    /// 0 is an erasure, where a tombstone has the reason.
    fn code(self) -> u8 {
        match self {
            PurgeReason::Invalid => 1,
            PurgeReason::NonEngaged => 2,
            PurgeReason::Idle => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes<T: Coded>() -> Vec<u8> {
        T::ALL.iter().map(|known| known.code()).collect()
    }

    /// What is on people's disks: a new variant may only add a byte.
    #[test]
    fn no_byte_changes_its_meaning() {
        assert_eq!(codes::<ContactStatus>(), [0, 1, 2, 3]);
        assert_eq!(codes::<ListStatus>(), [0, 1, 2, 3]);
        assert_eq!(codes::<How>(), [0, 1, 2, 3]);
        assert_eq!(codes::<DayOf>(), [0, 1, 2, 3]);
        assert_eq!(codes::<PurgeReason>(), [1, 2, 3]);
        assert_eq!(ContactStatus::from_code(2), Ok(ContactStatus::OptedOut));
        assert_eq!(ListStatus::from_code(2), Ok(ListStatus::Active));
        assert_eq!(How::from_code(3), Ok(How::Keyword));
        assert_eq!(DayOf::from_code(2), Ok(DayOf::Idle));
        assert_eq!(PurgeReason::from_code(3), Ok(PurgeReason::Idle));
        assert!(How::from_code(4).is_err());
    }
}
