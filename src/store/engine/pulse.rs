//! A file that says which file it is, and is replaced by another one while batches are written. Whoever copies the files of an
//! open store back over it, one by one, writes into the newest of these what an older one said of itself.
//!
//! Nothing else tells such a copy apart: all files are those that they were, with what they had before.
//!
//! It also has the number of the newest batch that was on disk then. Whoever copies back other files, and not this one, has a
//! store that ends before that number.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, UNIX_EPOCH};

pub const NAME: &str = "pulse";
/// What the next one is called until it is whole.
const NEW: &str = "pulse.new";
/// What is between the file's identity and the number of a batch.
const BATCH: &str = " batch ";
/// How long one stays while batches come.
const REST: Duration = Duration::from_secs(1);

/// Replaces the file from time to time, on a thread of its own.
pub struct Pulse {
    dir: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Held while the file is replaced.
    replacing: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// The newest batch that is on disk, if it came since the file was replaced.
    due: Option<u64>,
    is_over: bool,
}

/// What the file says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    /// Which file it is.
    file: String,
    /// The newest batch that was on disk; none where an older contactd wrote it.
    newest: Option<u64>,
}

impl Pulse {
    /// Replaces the file in a data directory by one that says the same of batches, and goes on replacing it.
    pub fn start(dir: &Path) -> io::Result<Pulse> {
        replace(dir, Pulse::newest(dir)?)?;
        let shared = Arc::<Shared>::default();
        let (of_thread, own) = (Arc::clone(&shared), dir.to_owned());
        let thread = thread::Builder::new().name("contactd-pulse".to_owned()).spawn(move || run(&of_thread, &own))?;
        Ok(Pulse { dir: dir.to_owned(), shared, thread: Some(thread) })
    }

    /// All batches up to this one are on disk.
    pub fn beat(&self, newest: u64) {
        let mut state = self.shared.lock();
        let was_due = state.due.replace(newest).is_some();
        if !was_due {
            self.shared.changed.notify_all();
        }
    }

    /// Whether the file says that it is another one. What a power cut left of it says nothing.
    pub fn is_of_a_copy(dir: &Path) -> io::Result<bool> {
        match read(dir)? {
            Some(said) => Ok(said.file != identity(&dir.join(NAME))?),
            None => Ok(false),
        }
    }

    /// The newest batch that was on disk when the file was written; none if it does not say.
    pub fn newest(dir: &Path) -> io::Result<Option<u64>> {
        Ok(read(dir)?.and_then(|said| said.newest))
    }

    /// Has the file forget that there were batches behind this one.
    pub fn set_back(&self, newest: u64) -> io::Result<()> {
        self.shared.replace(&self.dir, Some(newest))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, dir: &Path, newest: Option<u64>) -> io::Result<()> {
        let _alone = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        replace(dir, newest)
    }
}

fn run(shared: &Shared, dir: &Path) {
    loop {
        let waits = |state: &mut State| state.due.is_none() && !state.is_over;
        let mut state = shared.changed.wait_while(shared.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        let (due, is_over) = (state.due.take(), state.is_over);
        drop(state);
        if due.is_some() {
            // Where the disk is full, the older file stays: it tells as much as before.
            let _ = shared.replace(dir, due);
        }
        if is_over {
            return;
        }
        let rests = |state: &mut State| !state.is_over;
        let rested = shared.changed.wait_timeout_while(shared.lock(), REST, rests);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
    }
}

/// The new file is made while the old one is there, so that it is surely another one. It is not synced: a power cut leaves one of
/// them, or one with nothing in it.
fn replace(dir: &Path, newest: Option<u64>) -> io::Result<()> {
    let new: PathBuf = dir.join(NEW);
    match fs::remove_file(&new) {
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let mut file = File::create_new(&new)?;
    let said = Said { file: identity(&new)?, newest };
    file.write_all(said.to_line().as_bytes())?;
    fs::rename(&new, dir.join(NAME))
}

/// What it says; none if it is not there, or a power cut tore it.
fn read(dir: &Path) -> io::Result<Option<Said>> {
    match fs::read_to_string(dir.join(NAME)) {
        Ok(line) => Ok(Said::parse(&line)),
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => Ok(None),
        Err(why) => Err(why),
    }
}

impl Said {
    /// `born 1764… batch 12`, or the same without the batch.
    fn to_line(&self) -> String {
        let Said { file, newest } = self;
        newest.map_or_else(|| format!("{file}\n"), |newest| format!("{file}{BATCH}{newest}\n"))
    }

    /// None if anything of the line is missing.
    fn parse(line: &str) -> Option<Said> {
        let line = line.strip_suffix('\n')?;
        let (file, newest) = match line.split_once(BATCH) {
            Some((file, newest)) => (file, Some(newest.parse().ok()?)),
            None => (line, None),
        };
        let (by, number) = file.split_once(' ')?;
        let is_identity = matches!(by, "born" | "inode") && number.parse::<u128>().is_ok();
        is_identity.then(|| Said { file: file.to_owned(), newest })
    }
}

/// Which file this is. When it was made tells it from every copy; where the system does not know that, its number does,
/// from all others of its file system.
pub fn identity(file: &Path) -> std::io::Result<String> {
    let about = fs::metadata(file)?;
    let born = about.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    Ok(born.map_or_else(|| format!("inode {}", about.ino()), |born| format!("born {}", born.as_nanos())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_is_written_over_a_newer_file_is_told_apart() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(NAME);
        assert!(!Pulse::is_of_a_copy(dir.path()).expect("looked at"), "there is none");
        replace(dir.path(), Some(7)).expect("replaced");
        let older = fs::read(&path).expect("read");
        assert!(!Pulse::is_of_a_copy(dir.path()).expect("looked at"));
        fs::write(&path, &older).expect("written");
        assert!(!Pulse::is_of_a_copy(dir.path()).expect("looked at"), "it is the same");
        fs::write(dir.path().join(NEW), "what a crash left").expect("written");
        replace(dir.path(), Some(7)).expect("replaced");
        assert!(!Pulse::is_of_a_copy(dir.path()).expect("looked at"));
        fs::write(&path, &older).expect("written");
        assert!(Pulse::is_of_a_copy(dir.path()).expect("looked at"));
        for torn in ["", "bor", "born 1", "\0\0\0\0\0\0\n", "born 17\0\0\n", "born 17 batch \n", "born 17 batch 1"] {
            fs::write(&path, torn).expect("written");
            assert!(!Pulse::is_of_a_copy(dir.path()).expect("looked at"), "a power cut: {torn}");
            assert_eq!(Pulse::newest(dir.path()).expect("looked at"), None, "a power cut: {torn}");
        }
    }

    #[test]
    fn it_is_replaced_when_batches_come_and_not_otherwise() {
        let dir = tempfile::tempdir().expect("a directory");
        let said = || fs::read_to_string(dir.path().join(NAME)).expect("read");
        let pulse = Pulse::start(dir.path()).expect("started");
        let (first, newest) = (said(), || Pulse::newest(dir.path()).expect("looked at"));
        assert_eq!(newest(), None);
        pulse.beat(12);
        while said() == first {
            thread::yield_now();
        }
        let second = said();
        assert_eq!(newest(), Some(12));
        drop(pulse);
        assert_eq!(said(), second);
        // What came last is said at the end, and again by the next one from its beginning.
        let pulse = Pulse::start(dir.path()).expect("started");
        assert!(said() != second && newest() == Some(12));
        (13..=20).for_each(|batch| pulse.beat(batch));
        drop(pulse);
        assert_eq!(newest(), Some(20));
        fs::write(dir.path().join(NAME), "born 17\n").expect("written");
        assert_eq!(newest(), None, "an older contactd's");
        Pulse::start(dir.path()).and_then(|pulse| pulse.set_back(3)).expect("written");
        assert_eq!(newest(), Some(3));
    }
}
