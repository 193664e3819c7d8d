//! Tombstones: what is kept of numbers whose contacts are gone, without the numbers.
//!
//! A number is stood for by its mark, an HMAC. All phone numbers can be enumerated, so that a bare hash would hide nothing:
//! without the secret, a file beside the store, nobody can tell whose tombstone one is.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::block::{self, Slot};
use super::codec::{self, Grave};
use super::directory::Directory;
use super::disk::Disk;
use super::{Shared, keys, sled_failed};
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, DIRECTORY_CHUNK_IDS};
use crate::model::phone::Phone;
use crate::model::tombstone::Tombstone;

/// What stands for a number.
pub type Mark = [u8; 16];

/// The tombstones' marks and ids, in memory.
pub struct Tombstones {
    pub directory: Directory,
    secret: Secret,
}

/// What makes marks.
pub struct Secret([u8; SECRET_BYTES]);

const SECRET_BYTES: usize = 32;

/// The file of the secret, in the data directory.
const SECRET_FILE: &str = "tombstone.key";

impl Secret {
    /// Reads the secret of a store, or makes the first one. The store knows its fingerprint: with another secret it would
    /// know nobody's opt-out any more, and is not opened.
    pub fn open(dir: &Path, fingerprint: Option<&[u8]>) -> Result<Secret> {
        let path = dir.join(SECRET_FILE);
        let failed = |what: &str, why: &dyn std::fmt::Display| {
            Error::internal(format!("cannot {what} {}: {why}", path.display()))
        };
        let secret = match File::open(&path) {
            Ok(mut file) => {
                let mode = file.metadata().map_err(|why| failed("read", &why))?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(failed("use", &"others can read it; chmod 600 it"));
                }
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(|why| failed("read", &why))?;
                Secret::parse(text.trim()).ok_or_else(|| failed("use", &"it is damaged; restore it from a backup"))?
            }
            Err(_) if fingerprint.is_none() => Secret::create(dir, &path).map_err(|why| failed("write", &why))?,
            Err(why) => {
                return Err(failed(
                    "read",
                    &format!("{why}; restore it from a backup: without it no opt-out of a purged number is known"),
                ));
            }
        };
        match fingerprint {
            Some(known) if known != secret.fingerprint() => {
                Err(failed("use", &"it is another store's; restore the one that was here"))
            }
            _ => Ok(secret),
        }
    }

    fn create(dir: &Path, path: &Path) -> std::io::Result<Secret> {
        let mut secret = [0; SECRET_BYTES];
        rustix::rand::getrandom(&mut secret, rustix::rand::GetRandomFlags::empty())?;
        let text = secret.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let beside = path.with_extension("new");
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(dir)?.sync_all()?;
        Ok(Secret(secret))
    }

    fn parse(text: &str) -> Option<Secret> {
        let mut secret = [0; SECRET_BYTES];
        if text.len() != 2 * SECRET_BYTES || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in secret.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Secret(secret))
    }

    /// What the store knows of it.
    pub fn fingerprint(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        hash.update(b"contactd tombstones");
        hash.update(self.0);
        first_bytes(&hash.finalize())
    }

    /// What stands for a number.
    pub fn mark(&self, phone: Phone) -> Mark {
        // A key of any length will do.
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 16] };
        hmac.update(&phone.as_u64().to_be_bytes());
        first_bytes(&hmac.finalize().into_bytes())
    }
}

fn first_bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    first.copy_from_slice(&bytes[..N]);
    first
}

/// The two numbers under which the directory may have a mark: the second serves where another mark has the first.
fn numbers(mark: &Mark) -> [u64; 2] {
    [0, 8].map(|at| u64::from_be_bytes(first_bytes(&mark[at..])).max(1))
}

/// Whether a number of the directory may stand for a mark.
pub fn may_be(number: u64, mark: &Mark) -> bool {
    numbers(mark).contains(&number)
}

impl Tombstones {
    /// Reads the directory of a store.
    pub fn load(disk: &Disk, secret: Secret) -> Result<Tombstones> {
        let mut directory = Directory::default();
        for row in disk.tree().scan_prefix([keys::TOMBSTONE_DIRECTORY]) {
            let (key, value) = row.map_err(sled_failed)?;
            let chunk = keys::number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            for (id, number) in (chunk * DIRECTORY_CHUNK_IDS..).zip(codec::decode_numbers(&value)?) {
                if number != 0 {
                    directory.insert(id, number);
                }
            }
        }
        Ok(Tombstones { directory, secret })
    }

    /// What stands for a number.
    pub fn mark(&self, phone: Phone) -> Mark {
        self.secret.mark(phone)
    }

    /// The number under which a new tombstone goes into the directory; none if both are another's, which no store will see.
    pub fn free_number(&self, mark: &Mark) -> Option<u64> {
        numbers(mark).into_iter().find(|&number| self.directory.find(number).is_none())
    }
}

impl Shared {
    /// The tombstone of a number, and its id.
    pub(super) fn tombstone(&self, phone: Phone) -> Result<Option<(u32, Tombstone)>> {
        let tombstones = self.tombstones_read();
        if tombstones.directory.is_empty() {
            return Ok(None);
        }
        let mark = tombstones.mark(phone);
        let ids = numbers(&mark).map(|number| tombstones.directory.find(number));
        drop(tombstones);
        for id in ids.into_iter().flatten() {
            if let Some(grave) = self.grave(id)?.filter(|grave| grave.mark == mark) {
                return Ok(Some((id, grave.tombstone)));
            }
        }
        Ok(None)
    }

    /// A tombstone by its id.
    pub(super) fn grave(&self, id: u32) -> Result<Option<Grave>> {
        let Some(block) = self.expanded(keys::tombstones(id))? else { return Ok(None) };
        match block::slots(&block)?[(id % BLOCK_CONTACTS) as usize] {
            Slot::Empty => Ok(None),
            Slot::Here(grave) => codec::decode_grave(grave).map(Some),
            Slot::Apart => {
                self.expanded(keys::tombstone_apart(id))?.map(|grave| codec::decode_grave(&grave)).transpose()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_no_other_is_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let secret = Secret::open(dir.path(), None).expect("made");
        let again = Secret::open(dir.path(), Some(&secret.fingerprint())).expect("read");
        let phone = Phone::from_u64(14_155_552_671).expect("in range");
        assert_eq!(secret.mark(phone), again.mark(phone));
        assert_ne!(secret.mark(phone), secret.mark(Phone::from_u64(14_155_552_672).expect("in range")));
        let path = dir.path().join(SECRET_FILE);
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert!(Secret::open(dir.path(), Some(&[0; 8])).is_err(), "another store's");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        assert!(Secret::open(dir.path(), None).is_err(), "others can read it");
        fs::remove_file(&path).expect("removed");
        assert!(Secret::open(dir.path(), Some(&secret.fingerprint())).is_err(), "lost");
    }
}
