//! The trail's file: a line for each fact that forbids, on another disk than the store, synced before the fact is answered.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::limits::TRAIL_BYTES_UNWRITTEN_MAX;
use crate::model::trail::TrailLine;

/// An open trail. It is only ever appended to.
pub struct Trail {
    path: PathBuf,
    file: File,
    /// Lines that could not be written yet.
    unwritten: Vec<u8>,
}

impl Trail {
    /// Opens a trail, making it if need be.
    pub fn open(path: &Path) -> Result<Trail> {
        let opened = || {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
            if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
                File::open(dir)?.sync_all()?;
            }
            // What a crash cut off must not swallow the line behind it.
            Ok(Trail { path: path.to_owned(), file, unwritten: vec![b'\n'] })
        };
        opened()
            .map_err(|why: std::io::Error| Error::internal(format!("cannot write the trail {}: {why}", path.display())))
    }

    /// Appends lines, and those that could not be written before, and syncs. If it fails they are kept for the next time.
    pub fn append(&mut self, lines: &[TrailLine]) -> Result<()> {
        for line in lines {
            serde_json::to_writer(&mut self.unwritten, line).map_err(Error::internal)?;
            self.unwritten.push(b'\n');
        }
        let written = self.file.write_all(&self.unwritten).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.unwritten.clear(),
            Err(why) => {
                // A part of them may be there: a line that is cut off is ended, and all come again.
                self.unwritten.insert(0, b'\n');
                self.unwritten.truncate(TRAIL_BYTES_UNWRITTEN_MAX);
                return Err(Error::internal(format!("cannot write the trail {}: {why}", self.path.display())));
            }
        }
        Ok(())
    }
}
