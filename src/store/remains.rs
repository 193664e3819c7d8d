//! What a store leaves in its directory when its own files are removed. An empty one in its place would have forgotten every
//! opt-out, and nobody would be told.

use std::fs;
use std::path::{Path, PathBuf};

use super::backup::file::SUFFIX;
use super::options::BACKUPS;
use super::secret::SECRET_FILE;
use crate::error::{Error, Result};

/// Refuses to begin a store in a directory that has the secret or backups of another one. Its other files the engine knows.
pub fn refuse(dir: &Path) -> Result<()> {
    let Some(left) = of_store(dir) else { return Ok(()) };
    Err(Error::internal(format!(
        "{} has no store, but {} of one: who opted out would be forgotten. Move that aside and restore a backup; an empty store is \
         begun only where nothing is left of another one",
        dir.display(),
        left.display()
    )))
}

/// What a new store makes later than its other files.
fn of_store(dir: &Path) -> Option<PathBuf> {
    let secret = Some(dir.join(SECRET_FILE)).filter(|secret| secret.exists());
    secret.or_else(|| {
        let mut backups = fs::read_dir(dir.join(BACKUPS)).ok()?.flatten();
        backups.find(|entry| entry.file_name().to_string_lossy().ends_with(SUFFIX)).map(|entry| entry.path())
    })
}
