//! The store's secret, under which a phone number becomes an HMAC.
//!
//! Tombstones must not name the numbers of people who are gone. All phone numbers can be enumerated, so a bare hash would
//! hide nothing. The secret is a file beside the store: without it nobody can tell whose tombstone one is.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::store::engine::replace_private_line;
use crate::store::format::codec::PhoneHmac;

/// The key of the HMACs.
pub struct Secret([u8; SECRET_BYTES]);

const SECRET_BYTES: usize = 32;

/// The file of the secret, in the data directory.
pub const SECRET_FILE: &str = "tombstone.key";

impl Secret {
    /// Reads the secret of a store, or makes the first one. The store knows its fingerprint: with another secret it would
    /// know nobody's opt-out any more, and is not opened. It is in a file of the data directory, if no other is given.
    pub fn open(dir: &Path, file: Option<&Path>, fingerprint: Option<&[u8]>) -> Result<Secret> {
        let own = dir.join(SECRET_FILE);
        let path = file.map_or_else(|| own.clone(), Path::to_owned);
        let dir = match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => dir,
        };
        let failed = |what: &str, why: &dyn std::fmt::Display| {
            Error::internal(format!("cannot {what} {}: {why}", path.display()))
        };
        let secret = match File::open(&path) {
            Ok(mut file) => {
                let mode = file.metadata().map_err(|why| failed("read", &why))?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(failed("use", &"other users can read it: run chmod 600 on it"));
                }
                let mut text = String::new();
                file.read_to_string(&mut text).map_err(|why| failed("read", &why))?;
                Secret::parse(text.trim()).ok_or_else(|| failed("use", &"it is damaged; restore it from a backup"))?
            }
            Err(_) if fingerprint.is_none() => Secret::create(dir, &path).map_err(|why| failed("write", &why))?,
            Err(why) if path != own && own.exists() => {
                return Err(failed(
                    "read",
                    &format!("{why}; a restore has put it into {}: move it from there", own.display()),
                ));
            }
            Err(why) => {
                return Err(failed(
                    "read",
                    &format!(
                        "{why}; restore it from a backup: without it no opt-out of a purged number is known. contactd restore puts it \
                         into the new data directory"
                    ),
                ));
            }
        };
        match fingerprint {
            Some(known) if known != secret.fingerprint() => {
                Err(failed("use", &"it belongs to another store: restore the file that was here"))
            }
            _ => Ok(secret),
        }
    }

    fn create(dir: &Path, path: &Path) -> std::io::Result<Secret> {
        let mut secret = [0; SECRET_BYTES];
        rustix::rand::getrandom(&mut secret, rustix::rand::GetRandomFlags::empty())?;
        let secret = Secret(secret);
        secret.write(dir, path)?;
        Ok(secret)
    }

    /// Writes the secret of a backup into a data directory that has none.
    pub fn restore(dir: &Path, hex: &str) -> Result<()> {
        let secret = Secret::parse(hex).ok_or_else(|| Error::internal("the backup has no secret for tombstones"))?;
        let path = dir.join(SECRET_FILE);
        let written = secret.write(dir, &path);
        written.map_err(|why| Error::internal(format!("cannot write {}: {why}", path.display())))
    }

    /// The secret as its file has it.
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    fn write(&self, dir: &Path, path: &Path) -> std::io::Result<()> {
        fs::create_dir_all(dir)?;
        replace_private_line(path, &self.to_hex())
    }

    fn parse(text: &str) -> Option<Secret> {
        let secret = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?;
        secret.try_into().ok().map(Secret)
    }

    /// What the store knows of it.
    pub fn fingerprint(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        hash.update(b"contactd tombstones");
        hash.update(self.0);
        first_bytes(&hash.finalize())
    }

    /// What only those know to say of a text who have the secret: how a daemon shows another one of the same store that it is one.
    pub fn proof(&self, text: &[u8]) -> String {
        // A key of any length will do.
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        hmac.update(b"contactd daemon\n");
        hmac.update(text);
        HEXLOWER.encode(&hmac.finalize().into_bytes())
    }

    /// What stands for a phone number, in the spelling with these digits.
    pub fn hmac(&self, number: u64) -> PhoneHmac {
        // A key of any length will do.
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 16] };
        hmac.update(&number.to_be_bytes());
        first_bytes(&hmac.finalize().into_bytes())
    }
}

fn first_bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    first.copy_from_slice(&bytes[..N]);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_no_other_is_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let secret = Secret::open(dir.path(), None, None).expect("made");
        let again = Secret::open(dir.path(), None, Some(&secret.fingerprint())).expect("read");
        assert_eq!(secret.hmac(14_155_552_671), again.hmac(14_155_552_671));
        assert_ne!(secret.hmac(14_155_552_671), secret.hmac(14_155_552_672));
        let path = dir.path().join(SECRET_FILE);
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert!(Secret::open(dir.path(), None, Some(&[0; 8])).is_err(), "another store's");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        assert!(Secret::open(dir.path(), None, None).is_err(), "others can read it");
        fs::remove_file(&path).expect("removed");
        assert!(Secret::open(dir.path(), None, Some(&secret.fingerprint())).is_err(), "lost");
    }
}
