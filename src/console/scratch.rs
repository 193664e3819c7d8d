//! A file without a name: an upload, or the rows of it that were rejected.
//!
//! It is gone with the last who holds it, whatever ends the daemon: there is nothing to clean up, and nobody finds it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};

/// A file without a name.
#[derive(Clone)]
pub struct Scratch(Arc<File>);

/// Reads one from its beginning, whoever else reads it.
pub struct Reading {
    file: Arc<File>,
    at: u64,
}

impl Scratch {
    /// An empty one on the disk of a directory.
    pub fn new(dir: &Path) -> Result<Scratch> {
        let file = tempfile::tempfile_in(dir).map_err(|why| failed(&why))?;
        Ok(Scratch(Arc::new(file)))
    }

    /// Adds some bytes at the end.
    pub fn add(&self, piece: &[u8]) -> Result<()> {
        (&*self.0).write_all(piece).map_err(|why| failed(&why))
    }

    /// The same file, for whoever wants to own the one that it writes.
    pub fn writer(&self) -> Result<File> {
        self.0.try_clone().map_err(|why| failed(&why))
    }

    /// Reads it from its beginning.
    pub fn reading(&self) -> Reading {
        Reading { file: Arc::clone(&self.0), at: 0 }
    }

    /// How long it is.
    pub fn bytes(&self) -> u64 {
        self.0.metadata().map_or(0, |metadata| metadata.len())
    }
}

impl Read for Reading {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(piece, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

fn failed(why: &io::Error) -> Error {
    Error::internal(format!("cannot keep the file: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_by_several_and_has_no_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let scratch = Scratch::new(dir.path()).expect("a file");
        scratch.add(b"phone\n").expect("written");
        let mut first = scratch.reading();
        let mut piece = [0; 3];
        assert_eq!(first.read(&mut piece).expect("read"), 3);
        scratch.add(b"+14155550123\n").expect("written");
        let mut all = String::new();
        scratch.reading().read_to_string(&mut all).expect("read");
        assert_eq!((all.as_str(), scratch.bytes()), ("phone\n+14155550123\n", 19));
        assert_eq!(dir.path().read_dir().expect("a directory").count(), 0);
    }
}
