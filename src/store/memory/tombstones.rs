//! The directory of tombstones: which numbers that are gone have one, by their HMACs.

use super::directory::Directory;
use crate::store::format::codec::PhoneHmac;
use crate::store::secret::Secret;

/// The HMACs and ids of all tombstones.
pub struct Tombstones {
    /// HMAC ↔ id.
    pub directory: Directory,
    secret: Secret,
}

/// What a commit changes in the directory of tombstones.
#[derive(Default)]
pub struct TombstoneUpdate {
    /// New tombstones: each id with its number in the directory.
    pub made: Vec<(u32, u64)>,
    /// Ids of those that are gone.
    pub gone: Vec<u32>,
}

impl Tombstones {
    /// An empty directory.
    pub fn new(secret: Secret) -> Tombstones {
        Tombstones { directory: Directory::default(), secret }
    }

    /// The key of the HMACs.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// What stands for a phone number, in the spelling with these digits.
    pub fn hmac(&self, number: u64) -> PhoneHmac {
        self.secret.hmac(number)
    }

    /// The ids that may be a number's tombstone: its record tells.
    pub fn ids(&self, hmac: &PhoneHmac) -> impl Iterator<Item = u32> {
        numbers(hmac).into_iter().filter_map(|number| self.directory.find(number))
    }

    /// The number under which a new tombstone goes into the directory. None if both of its numbers are taken, which no
    /// store will see.
    pub fn free_number(&self, hmac: &PhoneHmac) -> Option<u64> {
        numbers(hmac).into_iter().find(|&number| self.directory.find(number).is_none())
    }

    /// Makes the directory what is now on disk.
    pub fn apply(&mut self, update: TombstoneUpdate) {
        for id in update.gone {
            self.directory.remove(id);
        }
        for (id, number) in update.made {
            self.directory.insert(id, number);
        }
    }
}

/// The two numbers under which the directory may have an HMAC: its halves. The second one serves where another HMAC has the
/// first.
fn numbers(hmac: &PhoneHmac) -> [u64; 2] {
    let half = |bytes: &[u8]| bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)).max(1);
    [half(&hmac[..8]), half(&hmac[8..])]
}

/// Whether a number of the directory may stand for an HMAC.
pub fn may_stand_for(number: u64, hmac: &PhoneHmac) -> bool {
    numbers(hmac).contains(&number)
}
