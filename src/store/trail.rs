//! The trail's file: a line for each fact that forbids, on another disk than the store, synced before the fact is answered.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
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
            let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
            if file.metadata()?.is_file() {
                cut_torn_line(&file)?;
            }
            if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
                File::open(dir)?.sync_all()?;
            }
            Ok(Trail { path: path.to_owned(), file, unwritten: Vec::new() })
        };
        opened()
            .map_err(|why: std::io::Error| Error::internal(format!("cannot write the trail {}: {why}", path.display())))
    }

    /// Appends lines, and those that could not be written before, and syncs. If it fails they are kept for the next time. A file
    /// that was moved away keeps what it has, and a new one begins in its place.
    pub fn append(&mut self, lines: &[TrailLine]) -> Result<()> {
        for line in lines {
            serde_json::to_writer(&mut self.unwritten, line).map_err(Error::internal)?;
            self.unwritten.push(b'\n');
        }
        if !self.is_in_place() {
            let Trail { path, file, .. } = Trail::open(&self.path)?;
            (self.path, self.file) = (path, file);
            tracing::warn!("the trail {} was moved or removed: a new file begins there", self.path.display());
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

impl Trail {
    /// How long the file is.
    pub fn bytes(&self) -> Result<u64> {
        self.file.metadata().map(|file| file.len()).map_err(Error::internal)
    }

    /// Whether the file that is open is the one that has the name.
    fn is_in_place(&self) -> bool {
        let which = |file: std::fs::Metadata| (file.dev(), file.ino());
        match (std::fs::metadata(&self.path), self.file.metadata()) {
            (Ok(named), Ok(open)) => which(named) == which(open),
            _ => false,
        }
    }
}

/// Cuts off what stands behind the last line's end: a crash left it there, and nobody was told that it is there.
fn cut_torn_line(file: &File) -> io::Result<()> {
    let mut end = file.metadata()?.len();
    let mut piece = [0; 4096];
    while end > 0 {
        let from = end.saturating_sub(piece.len() as u64);
        let piece = &mut piece[..(end - from) as usize];
        file.read_exact_at(piece, from)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            end = from + at as u64 + 1;
            break;
        }
        end = from;
    }
    if end < file.metadata()?.len() {
        file.set_len(end)?;
        file.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_that_was_moved_or_removed_begins_again_in_its_place() {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, moved) = (dir.path().join("trail"), dir.path().join("old"));
        let line = |phone: &str| TrailLine { phone: phone.to_owned(), ..TrailLine::default() };
        let read = |path: &Path| std::fs::read_to_string(path).expect("read");
        let mut trail = Trail::open(&path).expect("opened");
        trail.append(&[line("+1")]).expect("appended");
        std::fs::rename(&path, &moved).expect("moved");
        trail.append(&[line("+2")]).expect("appended");
        assert!(read(&moved).contains("+1") && !read(&moved).contains("+2") && read(&path).contains("+2"));
        std::fs::remove_file(&path).expect("removed");
        trail.append(&[line("+3")]).expect("appended");
        assert_eq!(read(&path), "{\"phone\":\"+3\",\"list\":\"\"}\n");
        // Where none can begin, that is an error, and the line comes later.
        std::fs::remove_dir_all(dir.path()).expect("removed");
        assert!(trail.append(&[line("+4")]).is_err());
        std::fs::create_dir_all(dir.path()).expect("made");
        trail.append(&[line("+5")]).expect("appended");
        assert!(read(&path).contains("+4") && read(&path).contains("+5"));
    }

    #[test]
    fn what_a_crash_cut_off_is_gone_and_what_comes_later_stands_on_its_own_line() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("trail");
        let long = "x".repeat(9_000);
        for (found, left) in
            [("", ""), ("{\"a\"", ""), ("one\n", "one\n"), (&format!("one\n{long}"), "one\n"), (&long, "")]
        {
            std::fs::write(&path, found).expect("written");
            let line = TrailLine { phone: "+1".to_owned(), ..TrailLine::default() };
            Trail::open(&path).and_then(|mut trail| trail.append(&[line])).expect("appended");
            let text = std::fs::read_to_string(&path).expect("read");
            assert_eq!(text, format!("{left}{{\"phone\":\"+1\",\"list\":\"\"}}\n"));
        }
    }
}
