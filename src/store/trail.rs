//! The trail's file: a line for each fact that forbids, on another disk than the store, synced before the fact is answered.
//!
//! Nothing is ever taken out of it. What is there may be somebody's STOP, whoever wrote it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::limits::TRAIL_BYTES_UNWRITTEN_MAX;
use crate::model::trail::{Seal, TrailLine, TrailMark};

/// So much of a file's beginning and of its end is looked at to see whether it is a trail.
const LOOK_BYTES: u64 = 64 * 1024;

/// So much of what stands before a place tells one trail from another.
const MARK_BYTES: u64 = 256;

/// An open trail. It is only ever appended to, by one process at a time.
pub struct Trail {
    path: PathBuf,
    file: File,
    /// Lines that are not surely on disk yet.
    unsynced: Vec<u8>,
    /// So many bytes of these are in the file.
    written: usize,
    /// Where the file ends with them.
    seal: Seal,
    /// There were too many to keep: the store knows which.
    has_dropped: bool,
}

impl Trail {
    /// Opens a trail, making it if need be.
    pub fn open(path: &Path) -> Result<Trail> {
        let failed = |why: io::Error| cannot_write(path, &why);
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_file() {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::internal(format!(
                        "another contactd writes the trail {}: each one needs a file of its own",
                        path.display()
                    )));
                }
                // Some disks know no locks.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            if is_something_else(&file).map_err(failed)? {
                return Err(Error::internal(format!(
                    "{} is no trail: no line of it is one that contactd has written. Nothing was written into it. Give --trail \
                     another file, or move this one away, and contactd begins one",
                    path.display()
                )));
            }
            end_last_line(&file).map_err(failed)?;
        }
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        }
        let seal = last_seal(&file).map_err(failed)?.unwrap_or_default();
        Ok(Trail { path: path.to_owned(), file, unsynced: Vec::new(), written: 0, seal, has_dropped: false })
    }

    /// Appends lines, and those that could not be written before, and syncs. If it fails they are kept for the next time. A file
    /// that was moved away keeps what it has, and a new one begins in its place.
    pub fn append(&mut self, lines: &[TrailLine]) -> Result<()> {
        self.keep(lines)?;
        self.replace()?;
        self.flush()
    }

    /// Keeps lines until they are written.
    pub fn keep(&mut self, lines: &[TrailLine]) -> Result<()> {
        let mut new = Vec::new();
        let mut seal = self.seal;
        for line in lines {
            write_line(&mut new, &seal.write(line))?;
        }
        if self.unsynced.len() + new.len() > TRAIL_BYTES_UNWRITTEN_MAX && !self.unsynced.is_empty() {
            let is_torn = self.unsynced[..self.written].last().is_some_and(|last| *last != b'\n');
            self.unsynced = if is_torn { vec![b'\n'] } else { Vec::new() };
            (self.written, self.has_dropped) = (0, true);
            // Which of them the file has, nobody knows: the rest begins anew.
            (new, seal) = (Vec::new(), Seal::default());
            for line in lines {
                write_line(&mut new, &seal.write(line))?;
            }
        }
        self.unsynced.extend(new);
        self.seal = seal;
        Ok(())
    }

    /// What is kept goes into another file than it was meant for.
    fn seal_anew(&mut self, mut seal: Seal) -> Result<()> {
        let mut anew = Vec::new();
        for line in self.unsynced.split(|byte| *byte == b'\n').filter_map(TrailLine::read) {
            write_line(&mut anew, &seal.write(&line))?;
        }
        (self.unsynced, self.written, self.seal) = (anew, 0, seal);
        Ok(())
    }

    /// Writes and syncs what is kept.
    pub fn flush(&mut self) -> Result<()> {
        self.write().map_err(|why| cannot_write(&self.path, &why))
    }

    /// Begins a new file if the one that is open has its name no more, and says what became of it.
    pub fn replace(&mut self) -> Result<Option<Gone>> {
        if self.is_in_place() {
            return Ok(None);
        }
        let is_removed = self.file.metadata().is_ok_and(|file| file.nlink() == 0);
        let new = Trail::open(&self.path)?;
        self.file = new.file;
        self.seal_anew(new.seal)?;
        let gone = if is_removed { Gone::Removed } else { Gone::Moved };
        tracing::warn!("the trail {} was {}: a new file begins there", self.path.display(), gone.word());
        Ok(Some(gone))
    }

    /// Writes what is not there yet, from where the last attempt ended: a line that a full disk has cut off is whole again.
    fn write(&mut self) -> io::Result<()> {
        while self.written < self.unsynced.len() {
            match self.file.write(&self.unsynced[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.written += written,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        // What a sync has failed for may be gone: all of it comes again.
        self.written = 0;
        self.file.sync_data()?;
        self.unsynced.clear();
        Ok(())
    }

    /// How the file is now.
    pub fn mark(&self) -> Result<TrailMark> {
        let mark = || {
            let file = self.file.metadata()?;
            // Of what is no file nothing can be read again.
            if file.is_file() { mark(&self.file, file.len()) } else { Ok(TrailMark::default()) }
        };
        mark().map_err(|why| cannot_read(&self.path, &why))
    }

    /// Whether the file has been as a mark says, and nothing was taken out of it since.
    pub fn has_been(&self, mark: &TrailMark) -> Result<bool> {
        has_been(&self.path, mark)
    }

    /// Whether it is a file, which can be read again.
    pub fn is_file(&self) -> bool {
        self.file.metadata().is_ok_and(|file| file.is_file())
    }

    /// Hands out its lines from a place on, without their ends.
    pub fn lines_from(&self, from: u64, take: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut read = || {
            let mut file = BufReader::new(File::open(&self.path)?);
            file.seek(SeekFrom::Start(from))?;
            let mut line = Vec::new();
            while file.read_until(b'\n', &mut line)? > 0 {
                take(line.strip_suffix(b"\n").unwrap_or(&line));
                line.clear();
            }
            Ok(())
        };
        read().map_err(|why| cannot_read(&self.path, &why))
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long the file is.
    pub fn bytes(&self) -> Result<u64> {
        self.file.metadata().map(|file| file.len()).map_err(Error::internal)
    }

    /// Whether everything that was appended is in the file, or will be.
    pub fn has_all(&self) -> bool {
        !self.has_dropped
    }

    /// What was dropped was written from elsewhere.
    pub fn forget_dropped(&mut self) {
        self.has_dropped = false;
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

/// What became of a trail's file while it was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It has another name.
    Moved,
    /// It has none any more: what was in it is lost.
    Removed,
}

impl Gone {
    fn word(self) -> &'static str {
        match self {
            Gone::Moved => "moved",
            Gone::Removed => "removed",
        }
    }
}

/// Whether a file has been as a mark says, and nothing was taken out of it since.
pub fn has_been(path: &Path, mark: &TrailMark) -> Result<bool> {
    has_been_from(path, 0, mark)
}

/// The same of one of several that were joined, which begins at a place.
pub fn has_been_from(path: &Path, begin: u64, mark: &TrailMark) -> Result<bool> {
    let found = || {
        let file = File::open(path)?;
        let found = file.metadata()?;
        let is_long_enough = found.len().checked_sub(begin).is_some_and(|bytes| bytes >= mark.bytes);
        Ok(found.is_file() && is_long_enough && mark_from(&file, begin, mark.bytes)? == *mark)
    };
    found().map_err(|why: io::Error| cannot_read(path, &why))
}

/// Where a file ends, by its last whole line up to a place; none if that does not say.
pub fn seal_before(path: &Path, end: u64) -> Result<Option<Seal>> {
    let seal = || seal_up_to(&File::open(path)?, end);
    seal().map_err(|why: io::Error| cannot_read(path, &why))
}

fn last_seal(file: &File) -> io::Result<Option<Seal>> {
    let found = file.metadata()?;
    if found.is_file() { seal_up_to(file, found.len()) } else { Ok(None) }
}

fn seal_up_to(file: &File, end: u64) -> io::Result<Option<Seal>> {
    let from = end.saturating_sub(LOOK_BYTES);
    let mut piece = vec![0; (end - from) as usize];
    file.read_exact_at(&mut piece, from)?;
    let last = piece.rsplit(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find_map(TrailLine::read);
    Ok(last.and_then(|line| line.seal()))
}

fn write_line(to: &mut Vec<u8>, line: &TrailLine) -> Result<()> {
    serde_json::to_writer(&mut *to, line).map_err(Error::internal)?;
    to.push(b'\n');
    Ok(())
}

/// How a file was when it was so long.
fn mark(file: &File, bytes: u64) -> io::Result<TrailMark> {
    mark_from(file, 0, bytes)
}

fn mark_from(file: &File, begin: u64, bytes: u64) -> io::Result<TrailMark> {
    let from = bytes.saturating_sub(MARK_BYTES);
    let mut piece = vec![0; (bytes - from) as usize];
    file.read_exact_at(&mut piece, begin + from)?;
    let mut sum = [0; 8];
    // Not the bytes themselves: they name numbers, and somebody may be erased.
    sum.copy_from_slice(&Sha256::digest(&piece)[..8]);
    Ok(TrailMark { bytes, sum: if bytes == 0 { [0; 8] } else { sum } })
}

fn cannot_read(path: &Path, why: &io::Error) -> Error {
    Error::internal(format!("cannot read the trail {}: {why}", path.display()))
}

fn cannot_write(path: &Path, why: &io::Error) -> Error {
    Error::internal(format!("cannot write the trail {}: {why}", path.display()))
}

/// Whether a file has something, and nothing of a trail: a spreadsheet that somebody has named by mistake.
fn is_something_else(file: &File) -> io::Result<bool> {
    let bytes = file.metadata()?.len();
    let mut has_more = false;
    for from in [0, bytes.saturating_sub(LOOK_BYTES)] {
        let mut piece = vec![0; LOOK_BYTES.min(bytes - from) as usize];
        file.read_exact_at(&mut piece, from)?;
        let lines = piece.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        for (nth, line) in lines.enumerate() {
            if TrailLine::read(line).is_some() {
                return Ok(false);
            }
            // What a crash has left of the first line is the beginning of one, and stands alone.
            has_more |= from == 0 && (nth > 0 || !begins_as_line(line));
        }
    }
    Ok(has_more)
}

fn begins_as_line(line: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"{\"phone\"";
    let length = line.len().min(BEGINNING.len());
    line[..length] == BEGINNING[..length]
}

/// Ends the last line, if nothing does: a crash may have cut it off, and whoever copied the file may have lost no more than its
/// end. What comes later stands on a line of its own.
fn end_last_line(mut file: &File) -> io::Result<()> {
    let bytes = file.metadata()?.len();
    let mut last = [b'\n'];
    if bytes > 0 {
        file.read_exact_at(&mut last, bytes - 1)?;
    }
    if last != [b'\n'] {
        file.write_all(b"\n")?;
        file.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(phone: &str) -> TrailLine {
        TrailLine { phone: phone.to_owned(), ..TrailLine::default() }
    }

    fn read(path: &Path) -> String {
        String::from_utf8_lossy(&std::fs::read(path).expect("read")).into_owned()
    }

    #[test]
    fn a_trail_that_was_moved_or_removed_begins_again_in_its_place() {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, moved) = (dir.path().join("trail"), dir.path().join("old"));
        let mut trail = Trail::open(&path).expect("opened");
        trail.append(&[line("+1")]).expect("appended");
        std::fs::rename(&path, &moved).expect("moved");
        trail.append(&[line("+2")]).expect("appended");
        assert!(read(&moved).contains("+1") && !read(&moved).contains("+2") && read(&path).contains("+2"));
        std::fs::remove_file(&path).expect("removed");
        trail.append(&[line("+3")]).expect("appended");
        assert!(
            read(&path).lines().count() == 1 && read(&path).contains("+3") && read(&path).contains("\"trail_line\":1,")
        );
        // Where none can begin, that is an error, and the line comes later.
        std::fs::remove_dir_all(dir.path()).expect("removed");
        assert!(trail.append(&[line("+4")]).is_err());
        std::fs::create_dir_all(dir.path()).expect("made");
        trail.append(&[line("+5")]).expect("appended");
        assert!(read(&path).contains("+4") && read(&path).contains("+5"));
    }

    #[test]
    fn nothing_is_taken_out_of_a_trail_and_what_comes_later_stands_on_its_own_line() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("trail");
        let whole = "{\"phone\":\"+2\",\"list\":\"*\"}";
        let long = format!("{{\"phone\":\"{}", "x".repeat(200_000));
        for found in [
            "",
            "{",
            "{\"phone\":\"+1",
            whole,
            &format!("{whole}\n"),
            &format!("{whole}\n{{\"pho"),
            &format!("{whole}\n{long}"),
            &format!("not a line\n{whole}"),
            &long,
        ] {
            std::fs::write(&path, found).expect("written");
            Trail::open(&path).and_then(|mut trail| trail.append(&[line("+1")])).expect("appended");
            let end = if found.is_empty() || found.ends_with('\n') { "" } else { "\n" };
            let new = serde_json::to_string(&Seal::default().write(&line("+1"))).expect("JSON");
            assert_eq!(read(&path), format!("{found}{end}{new}\n"));
        }
    }

    #[test]
    fn what_is_surely_no_trail_is_refused_and_stays_as_it_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        for found in [
            "phone,list\n+14155550101,777\n",
            "Rex",
            "\u{feff}phone\n",
            "{\"a\":1}\n{\"b\":2}\n",
            "\n\nx\n",
            "{\"phone\":1,\"name\":2}\n{\"phone\":3}",
        ] {
            std::fs::write(&path, found).expect("written");
            let why = Trail::open(&path).map(|_| ()).expect_err("refused").message;
            assert!(why.contains("is no trail"), "{why}");
            assert_eq!(read(&path), found);
        }
    }

    #[test]
    fn two_do_not_write_one_trail() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("trail");
        let first = Trail::open(&path).expect("opened");
        let why = Trail::open(&path).map(|_| ()).expect_err("refused").message;
        assert!(why.contains("another contactd writes the trail"), "{why}");
        drop(first);
        Trail::open(&path).expect("opened");
    }
}
