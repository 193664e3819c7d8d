//! Where events stand in the two logs.

use super::keys;
use crate::limits::{ID_BYTES_MAX, PACK_EVENTS_MAX, SOURCE_BYTES_MAX, TEXT_CHARS_MAX, VALUE_BYTES_MAX};
use crate::model::event::Event;

/// One of the two logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Consent and status.
    Consent,
    /// All other events.
    Activity,
}

impl Log {
    /// Both.
    pub const ALL: [Log; 2] = [Log::Consent, Log::Activity];

    /// The log of an event.
    pub fn of(event: &Event) -> Log {
        if event.kind.is_consent() { Log::Consent } else { Log::Activity }
    }

    /// The key of the block with a number.
    pub fn key(self, block: u64) -> [u8; 9] {
        keys::events(self.keyspace(), block)
    }

    /// The number of the block in which a position is.
    pub fn block(position: Position) -> u64 {
        position >> PLACE_BITS
    }

    /// The place of a position in its block.
    pub fn place(position: Position) -> usize {
        (position & ((1 << PLACE_BITS) - 1)) as usize
    }

    fn keyspace(self) -> u8 {
        match self {
            Log::Consent => keys::CONSENT,
            Log::Activity => keys::ACTIVITY,
        }
    }
}

/// Where an event is: the number of its block, which is the number of the block's first event, and its place in the
/// block. 0 is nowhere.
pub type Position = u64;

/// Bits of a position that are the place in the block.
pub const PLACE_BITS: u32 = 8;
/// What an event takes besides its texts, with their lengths and its place in the contact's history.
pub const EVENT_BYTES_MAX: usize = 64;

const _: () = assert!(PACK_EVENTS_MAX <= 1 << PLACE_BITS);
const _: () = assert!(TEXT_CHARS_MAX * 4 + 2 * ID_BYTES_MAX + 2 * SOURCE_BYTES_MAX + EVENT_BYTES_MAX < VALUE_BYTES_MAX);

/// The newest event of a contact in each log; 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    /// In the log of consent and status.
    pub consent: Position,
    /// In the log of all other events.
    pub activity: Position,
}

impl Newest {
    /// The newest event in a log.
    pub fn of(self, log: Log) -> Position {
        match log {
            Log::Consent => self.consent,
            Log::Activity => self.activity,
        }
    }

    /// The place for a newer one.
    pub fn of_mut(&mut self, log: Log) -> &mut Position {
        match log {
            Log::Consent => &mut self.consent,
            Log::Activity => &mut self.activity,
        }
    }
}
