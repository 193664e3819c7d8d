//! The file of a backup: it has its name once it is whole and on disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::limits::DISK_FREE_LOW_BYTES;
use crate::model::time::{self, Millis};

/// What the file of a whole backup ends with.
pub const SUFFIX: &str = ".backup";
/// What is behind that while it is written.
pub const PARTIAL: &str = ".partial";

/// Where a backup is written.
pub type To = BufWriter<File>;

/// The name of a backup that nobody has named: `contactd-2026-05-01T033000Z`.
pub fn name_of(started_at: Millis) -> String {
    let time: String = time::format(started_at).chars().filter(|c| *c != ':').collect();
    format!("contactd-{}Z", time.split('.').next().unwrap_or_default())
}

/// The same, for a directory that has a backup of that second already: a backup takes the place of no other.
pub fn free_name(dir: &Path, started_at: Millis) -> String {
    let name = name_of(started_at);
    let names = std::iter::once(name.clone()).chain((2..).map(|n: u32| format!("{name}.{n}")));
    names.into_iter().find(|name| !path(dir, name).exists()).unwrap_or(name)
}

/// Where the backup of a name stands in a directory.
pub fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}{SUFFIX}"))
}

/// Writes a backup into a directory, and syncs it. Gives its bytes, too. If it was ended early, or is not whole, nothing is left.
pub fn put<T>(dir: &Path, name: &str, write: impl FnOnce(To) -> Result<Option<(To, T)>>) -> Result<Option<(u64, T)>> {
    let path = path(dir, name);
    let partial = dir.join(format!("{name}{SUFFIX}{PARTIAL}"));
    let _ = fs::remove_file(&partial);
    let put = || {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
        let file = file.map_err(|why| failed("write", &partial, &why))?;
        let Some((mut to, made)) = write(BufWriter::new(file))? else { return Ok(None) };
        let written = to.flush().and_then(|()| to.get_ref().sync_all()).and_then(|()| to.get_ref().metadata());
        let bytes = written.map_err(|why| failed("write", &partial, &why))?.len();
        let renamed = fs::rename(&partial, &path).and_then(|()| File::open(dir)?.sync_all());
        renamed.map_err(|why| failed("write", &path, &why))?;
        Ok(Some((bytes, made)))
    };
    let put = put();
    if !matches!(put, Ok(Some(_))) {
        let _ = fs::remove_file(&partial);
    }
    put
}

/// Bytes that are free in a directory; none where the system does not tell it.
pub fn free_bytes(dir: &Path) -> Option<u64> {
    rustix::fs::statvfs(dir).ok().map(|space| space.f_bavail * space.f_frsize)
}

/// Whether a directory has too little space for a backup to go on.
pub fn is_low(dir: &Path) -> bool {
    free_bytes(dir).is_some_and(|free| free < DISK_FREE_LOW_BYTES)
}

/// What could not be done with a file of backups.
pub fn failed(what: &str, path: &Path, why: &io::Error) -> Error {
    Error::internal(format!("cannot {what} {}: {why}", path.display()))
}
