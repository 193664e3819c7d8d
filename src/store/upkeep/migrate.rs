//! A store of an older contactd is brought to what this one knows, when it is opened; a backup of how it was comes first.
//!
//! What is done here cannot be undone, or an older contactd could not read it. It can be done again: a crash in between leaves
//! the store as it was or half done, and the next start makes its own backup and goes on.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use super::Upkeep;
use crate::error::{Error, Result};
use crate::limits::DISK_FREE_LOW_BYTES;
use crate::store::backup::file;

impl Upkeep {
    /// Does what this contactd has to change in the store of an older one. If that changes anything that people have, or its
    /// index so that the older one could not read it, a backup goes into a directory before; with none there is no backup.
    pub fn migrate(&self, backups: Option<&Path>) -> Result<()> {
        let (is_printed, is_renumbered) = (self.is_printed()?, self.is_renumbered()?);
        if is_printed && is_renumbered {
            return Ok(());
        }
        if let Some(dir) = backups
            && (!is_printed && self.has_contacts() || !is_renumbered && self.renumbers()?)
        {
            self.back_up_before(dir).map_err(|why| {
                Error::internal(format!(
                    "an older contactd wrote this store, and it would be changed now; but there is no backup before that: {}. \
                     Give a --backup-dir with room for one, or --no-backup",
                    why.message
                ))
            })?;
        }
        // Whatever is written to a store takes rare values of labels to have prints.
        if !is_printed {
            self.print()?;
        }
        if !is_renumbered {
            self.renumber()?;
        }
        Ok(())
    }

    fn has_contacts(&self) -> bool {
        let tombstones = self.state.memory.tombstones().directory.len();
        self.state.memory.gate().directory.len() + tombstones > 0
    }

    fn back_up_before(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).map_err(|why| file::failed("make", dir, &why))?;
        let wanted = self.state.engine.size() + DISK_FREE_LOW_BYTES;
        if let Some(free) = file::free_bytes(dir).filter(|free| *free < wanted) {
            return Err(no_room(dir, free, wanted));
        }
        let name = file::free_name(dir, self.state.now());
        let ran_full = Cell::new(false);
        let go_on = |_| {
            ran_full.set(file::is_low(dir));
            !ran_full.get()
        };
        let Some((bytes, _)) = file::put(dir, &name, |to| self.backup(to, &go_on))? else {
            return Err(no_room(dir, file::free_bytes(dir).unwrap_or(0), wanted));
        };
        tracing::warn!(
            "an older contactd wrote this store, and could not read it any more after this; how it was before is in {} ({bytes} bytes)",
            file::path(dir, &name).display()
        );
        Ok(())
    }
}

fn no_room(dir: &Path, free: u64, wanted: u64) -> Error {
    Error::internal(format!("{} MiB are free in {}, and {} are wanted", free >> 20, dir.display(), wanted >> 20))
}
