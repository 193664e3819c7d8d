//! What stands on disk: keys and values, from and to bytes, without I/O. `docs/format.md` draws it.

/// The format of a store that was made here, was restored, or was brought to it: rare values of labels have prints, which a
/// contactd that knows the formats up to [`OLD_LEDGER`] alone would take for damage.
pub const FORMAT: u8 = 4;
/// The same of a store that is a copy of a ledger: nobody may open it without that. One that is newer is refused.
pub const FORMAT_LEDGER: u8 = 5;
/// The oldest format, in which every value of a label has a posting of its own.
pub const OLD: u8 = 1;
/// The same with a fence that may be there, which a contactd that knows format 1 alone would not see.
pub const OLD_RESTORED: u8 = 2;
/// The same of a copy of a ledger.
pub const OLD_LEDGER: u8 = 3;

/// Whether a store of a format is a copy of a ledger.
pub fn is_of_ledger(format: u8) -> bool {
    matches!(format, OLD_LEDGER | FORMAT_LEDGER)
}

/// The format of the same store as a copy of a ledger.
pub fn of_ledger(format: u8) -> u8 {
    if format <= OLD_LEDGER { OLD_LEDGER } else { FORMAT_LEDGER }
}

/// The format of the same store behind a fence, of no ledger.
pub fn fenced(format: u8) -> u8 {
    if format <= OLD_LEDGER { OLD_RESTORED } else { FORMAT }
}

/// The format of the same store with prints.
pub fn printed(format: u8) -> u8 {
    if is_of_ledger(format) { FORMAT_LEDGER } else { FORMAT }
}

pub mod block;
pub mod chunk;
pub mod code;
pub mod codec;
pub mod common;
pub mod compressed;
pub mod fence;
pub mod keys;
pub mod position;
pub mod term;
