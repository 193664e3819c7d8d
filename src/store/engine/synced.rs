//! The file beside the store that says how many batches have been on disk. It is written in place after each sync, and synced
//! itself only when it is new: an older number promises less, and is still true.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Its name in the data directory.
pub const NAME: &str = "synced";
/// Its digits.
const DIGITS: usize = 20;

/// The open file.
pub struct Synced {
    path: PathBuf,
    file: File,
}

impl Synced {
    /// Opens the file in a data directory. A new one says nothing.
    pub fn open(dir: &Path) -> io::Result<Synced> {
        let path = dir.join(NAME);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        Ok(Synced { path, file })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of the newest batch that has been on disk; none if that is not known.
    pub fn newest(&self) -> Result<Option<u64>> {
        let digits = fs::read_to_string(&self.path);
        // A power cut before it was synced for the first time leaves zeros.
        match digits.as_deref().map(|digits| digits.trim().trim_matches('\0')) {
            Ok("") => Ok(None),
            Ok(digits) if digits.parse::<u64>().is_ok() => Ok(digits.parse().ok()),
            _ => Err(Error::internal(format!("{} is damaged: restore a backup", self.path.display()))),
        }
    }

    /// Writes that number. Later ones are written over it, within a sector: a power cut leaves one of them.
    pub fn write(&self, newest: u64) -> Result<()> {
        let digits = format!("{newest:0DIGITS$}\n");
        self.file.write_all_at(digits.as_bytes(), 0).map_err(|why| self.failed("write", &why))
    }

    /// Has what it says on disk.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|why| self.failed("sync", &why))
    }

    fn failed(&self, what: &str, why: &io::Error) -> Error {
        Error::internal(format!("cannot {what} {}: {why}", self.path.display()))
    }
}
