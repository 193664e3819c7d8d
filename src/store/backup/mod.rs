//! A backup as bytes: everything that an engine has, and what was committed while it was read.
//!
//! ```text
//! "contactd backup\n"                              16 bytes
//! piece: kind (1) | length (4) | CRC-32 (4) | body
//!   'h'  what it is of, as JSON: the first piece
//!   'r'  rows, as the engine had them, LZ4
//!   'b'  batches that were committed while rows were read, LZ4
//!   'e'  how the store was at the end, as JSON
//!   's'  the SHA-256 of all bytes before this piece: the last piece, and the end of the file
//! ```
//!
//! Numbers are big-endian. The CRC-32 is of kind, length and body. Inside of LZ4 stands a batch after the other, each behind
//! its length in 4 bytes; rows are a batch with the number 0.
//!
//! **What it restores to.** A row is read at some moment, and each batch that was committed after that moment stands behind
//! it. Batches put and remove whole values, so that to apply one twice does no harm. Whoever applies all pieces in order has
//! the store as it was after the last batch, though nobody stopped writing.

pub mod file;
mod reader;
mod writer;

pub use reader::{BackupReader, Part};
pub use writer::BackupWriter;

use serde::{Deserialize, Serialize};

/// What a backup begins with.
const MAGIC: &[u8; 16] = b"contactd backup\n";
/// The form of the pieces. A newer one is refused.
const VERSION: u32 = 1;
/// Bytes of a piece before its body.
const PIECE_HEAD_BYTES: usize = 9;
/// A piece is closed once it has so many bytes of batches; one batch alone may have more.
const PIECE_BYTES_CLOSE: usize = 64 * 1024;
/// No piece is longer: a batch has at most [`crate::limits::BATCH_ROWS_MAX`] writes, and what follows from them.
const PIECE_BYTES_MAX: usize = 256 * 1024 * 1024;

mod kind {
    pub const HEAD: u8 = b'h';
    pub const ROWS: u8 = b'r';
    pub const BATCHES: u8 = b'b';
    pub const END: u8 = b'e';
    pub const SUM: u8 = b's';
}

/// What a backup is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupHead {
    /// The form of the pieces.
    pub backup: u32,
    /// The version of contactd that made it.
    pub contactd: String,
    /// When it was begun, in milliseconds since 1970 UTC.
    pub started_at: i64,
    /// The secret of the tombstones, in hex. Who has it can tell whose tombstone one is.
    pub secret: String,
}

impl BackupHead {
    /// A backup that begins now.
    pub fn new(started_at: i64, secret: String) -> BackupHead {
        BackupHead { backup: VERSION, contactd: env!("CARGO_PKG_VERSION").to_owned(), started_at, secret }
    }
}

/// How the store was when the backup ended. Whoever restores it must find the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupEnd {
    /// The moment, in milliseconds since 1970 UTC. What came later is not in the backup.
    pub closed_at: i64,
    /// The number of the last batch.
    pub batch: u64,
    /// Rows that were read, those included that batches changed afterwards.
    pub rows: u64,
    /// Batches that were committed meanwhile.
    pub batches: u64,
    /// Contacts.
    pub contacts: u64,
    /// Contacts whose status is not active.
    pub forbidden: u64,
    /// Subscriptions that are opted out or suppressed, on any list.
    pub subscriptions_forbidden: u64,
    /// Sending lists.
    pub lists: u64,
    /// Numbers whose contacts were removed.
    pub tombstones: u64,
}

#[cfg(test)]
mod tests;
