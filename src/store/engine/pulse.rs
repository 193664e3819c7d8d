//! A file that says which file it is, and is replaced by another one while batches are written. Whoever copies the files of an
//! open store back over it, one by one, writes into the newest of these what an older one said of itself.
//!
//! Nothing else tells such a copy apart: all files are those that they were, with what they had before.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, UNIX_EPOCH};

const NAME: &str = "pulse";
/// What the next one is called until it is whole.
const NEW: &str = "pulse.new";
/// How long one stays while batches come.
const REST: Duration = Duration::from_secs(1);

/// Replaces the file from time to time, on a thread of its own.
pub struct Pulse {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// A batch came since the file was replaced.
    is_due: bool,
    is_over: bool,
}

impl Pulse {
    /// Replaces the file in a data directory, and goes on doing so.
    pub fn start(dir: &Path) -> io::Result<Pulse> {
        replace(dir)?;
        let shared = Arc::<Shared>::default();
        let (dir, of_thread) = (dir.to_owned(), Arc::clone(&shared));
        let thread = thread::Builder::new().name("contactd-pulse".to_owned()).spawn(move || run(&of_thread, &dir))?;
        Ok(Pulse { shared, thread: Some(thread) })
    }

    /// A batch was written.
    pub fn beat(&self) {
        let mut state = self.shared.lock();
        if !state.is_due {
            state.is_due = true;
            self.shared.changed.notify_all();
        }
    }

    /// Whether the file says that it is another one. What a power cut left of it says nothing.
    pub fn is_of_a_copy(dir: &Path) -> io::Result<bool> {
        let path = dir.join(NAME);
        match fs::read_to_string(&path) {
            Ok(said) => Ok(is_identity(&said) && said.trim_end() != identity(&path)?),
            Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => Ok(false),
            Err(why) => Err(why),
        }
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
}

fn run(shared: &Shared, dir: &Path) {
    loop {
        let waits = |state: &mut State| !state.is_due && !state.is_over;
        let mut state = shared.changed.wait_while(shared.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return;
        }
        state.is_due = false;
        drop(state);
        // Where the disk is full, the older file stays: it tells as much as before.
        let _ = replace(dir);
        let rests = |state: &mut State| !state.is_over;
        let rested = shared.changed.wait_timeout_while(shared.lock(), REST, rests);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
    }
}

/// The new file is made while the old one is there, so that it is surely another one. It is not synced: a power cut leaves one of
/// them, or one with nothing in it.
fn replace(dir: &Path) -> io::Result<()> {
    let new: PathBuf = dir.join(NEW);
    match fs::remove_file(&new) {
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let mut file = File::create_new(&new)?;
    file.write_all(format!("{}\n", identity(&new)?).as_bytes())?;
    fs::rename(&new, dir.join(NAME))
}

/// Whether a line names a file: nothing of it is missing.
fn is_identity(line: &str) -> bool {
    let words = line.strip_suffix('\n').and_then(|line| line.split_once(' '));
    words.is_some_and(|(by, number)| matches!(by, "born" | "inode") && number.parse::<u128>().is_ok())
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
        replace(dir.path()).expect("replaced");
        let older = fs::read(&path).expect("read");
        assert!(!Pulse::is_of_a_copy(dir.path()).expect("looked at"));
        fs::write(&path, &older).expect("written");
        assert!(!Pulse::is_of_a_copy(dir.path()).expect("looked at"), "it is the same");
        fs::write(dir.path().join(NEW), "what a crash left").expect("written");
        replace(dir.path()).expect("replaced");
        assert!(!Pulse::is_of_a_copy(dir.path()).expect("looked at"));
        fs::write(&path, &older).expect("written");
        assert!(Pulse::is_of_a_copy(dir.path()).expect("looked at"));
        for torn in ["", "bor", "born 1", "\0\0\0\0\0\0\n", "born 17\0\0\n"] {
            fs::write(&path, torn).expect("written");
            assert!(!Pulse::is_of_a_copy(dir.path()).expect("looked at"), "a power cut: {torn}");
        }
    }

    #[test]
    fn it_is_replaced_when_batches_come_and_not_otherwise() {
        let dir = tempfile::tempdir().expect("a directory");
        let said = || fs::read_to_string(dir.path().join(NAME)).expect("read");
        let pulse = Pulse::start(dir.path()).expect("started");
        let first = said();
        pulse.beat();
        while said() == first {
            thread::yield_now();
        }
        let second = said();
        drop(pulse);
        assert_eq!(said(), second);
    }
}
