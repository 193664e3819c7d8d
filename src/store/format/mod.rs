//! What stands on disk: keys and values, from and to bytes, without I/O. `docs/format.md` draws it.

/// The format of a store that was made here. One that is newer than [`FORMAT_LEDGER`] is refused.
pub const FORMAT: u8 = 1;
/// The format of a store that was restored from a backup, or had lost a file that tells whether it is whole. It may have a fence,
/// which a contactd that knows format 1 alone would not see.
pub const FORMAT_RESTORED: u8 = 2;
/// The format of a store that is a copy of a ledger. A contactd that does not know ledgers would serve it as its own.
pub const FORMAT_LEDGER: u8 = 3;

pub mod block;
pub mod chunk;
pub mod code;
pub mod codec;
pub mod compressed;
pub mod fence;
pub mod keys;
pub mod position;
pub mod term;
