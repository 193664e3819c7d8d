//! A value that is read from files when the daemon starts, and again when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use crate::error::{Error, Result};

/// What a file looks like from outside, links followed: when it was changed, how long it is, and which file it is. None: it
/// cannot be looked at.
type Look = Option<(SystemTime, u64, u64)>;

/// How a value is read from its files. It is given the value in whose place the new one comes, if there is one.
type Load<T> = Box<dyn Fn(Option<&T>) -> Result<T> + Send + Sync>;

/// A value from files. Whoever uses it takes the newest one that could be read: a file that cannot be read, or has an error
/// in it, changes nothing, and is tried again until it can be read. What mends it may not show in the file: permissions, the
/// clock.
pub struct Reloadable<T> {
    files: Vec<PathBuf>,
    /// None where there are no files.
    load: Option<Load<T>>,
    current: RwLock<Arc<T>>,
    generation: AtomicU64,
    latest: Mutex<Reading>,
}

/// The latest reading.
#[derive(Default)]
struct Reading {
    /// How the files looked then.
    read: Vec<Look>,
    /// How they looked at the latest look.
    seen: Vec<Look>,
    /// Why it failed, if it did.
    refused: Option<Error>,
}

impl<T> Reloadable<T> {
    /// Reads the value for the first time.
    pub fn load(
        files: Vec<PathBuf>,
        load: impl Fn(Option<&T>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Reloadable<T>> {
        // Whatever changes while it is being read is read again.
        let read = look_at(&files);
        let current = RwLock::new(Arc::new(load(None)?));
        let latest = Mutex::new(Reading { seen: read.clone(), read, refused: None });
        Ok(Reloadable { files, load: Some(Box::new(load)), current, generation: AtomicU64::new(0), latest })
    }

    /// A value without files, which stays as it is.
    pub fn fixed(value: T) -> Reloadable<T> {
        let (current, latest) = (RwLock::new(Arc::new(value)), Mutex::default());
        Reloadable { files: Vec::new(), load: None, current, generation: AtomicU64::new(0), latest }
    }

    /// The value as it is now.
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes with the value. Who remembers one takes it before the value: then an old value never has the new number.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The files.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Reads the files again, however they look. Where that fails, the value stays. Says whether there are any.
    pub fn reload(&self) -> Result<bool> {
        self.read_again(self.latest())
    }

    /// Reads the files again if they have changed since they were read, and not since the look before this one: somebody may
    /// be writing them still. Reads them again, too, if they could not be read. An error that was told is told no second time
    /// before the files have changed. Says whether they were read.
    pub fn reload_if_changed(&self) -> Result<bool> {
        let mut latest = self.latest();
        let now = look_at(&self.files);
        let is_steady = now == latest.seen;
        latest.seen = now;
        let has_changed = latest.seen != latest.read;
        let told = latest.refused.clone().filter(|_| !has_changed);
        if !is_steady || (!has_changed && told.is_none()) {
            return Ok(false);
        }
        self.read_again(latest).or_else(|why| if told.as_ref() == Some(&why) { Ok(false) } else { Err(why) })
    }

    fn read_again(&self, mut latest: MutexGuard<'_, Reading>) -> Result<bool> {
        let Some(load) = &self.load else { return Ok(false) };
        let now = look_at(&self.files);
        let value = load(Some(&self.get()));
        *latest = Reading { read: now.clone(), seen: now, refused: value.as_ref().err().cloned() };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value?);
        self.generation.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    fn latest(&self) -> MutexGuard<'_, Reading> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Default for Reloadable<T> {
    fn default() -> Reloadable<T> {
        Reloadable::fixed(T::default())
    }
}

fn look_at(files: &[PathBuf]) -> Vec<Look> {
    use std::os::unix::fs::MetadataExt;

    let look = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len(), found.ino()))
    };
    files.iter().map(|path| look(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number_in(path: &Path) -> Result<u64> {
        let text = fs::read_to_string(path).map_err(Error::internal)?;
        text.trim().parse().map_err(Error::internal)
    }

    #[test]
    fn what_can_be_read_counts_and_what_cannot_does_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("number");
        fs::write(&path, "1").expect("written");
        let from = path.clone();
        let number = Reloadable::load(vec![path.clone()], move |_| number_in(&from)).expect("a number");
        assert_eq!((*number.get(), number.generation()), (1, 0));
        assert_eq!(number.reload_if_changed(), Ok(false));

        // Read at the second look: at the first one somebody may be writing it.
        fs::write(&path, "twenty-two").expect("written");
        assert_eq!(number.reload_if_changed(), Ok(false));
        assert!(number.reload_if_changed().is_err());
        assert_eq!(number.reload_if_changed(), Ok(false), "an error is told once");
        assert!(number.reload().is_err(), "and whenever one asks");
        assert_eq!((*number.get(), number.generation()), (1, 0));

        // As a package manager and Kubernetes replace a file.
        fs::write(dir.path().join("new"), "3").expect("written");
        fs::rename(dir.path().join("new"), &path).expect("renamed");
        assert_eq!(number.reload_if_changed(), Ok(false));
        assert_eq!(number.reload_if_changed(), Ok(true));
        assert_eq!((*number.get(), number.generation()), (3, 1));

        fs::remove_file(&path).expect("removed");
        assert_eq!(number.reload_if_changed(), Ok(false));
        assert!(number.reload_if_changed().is_err());
        assert_eq!(*number.get(), 3);
        let fixed = Reloadable::fixed(7);
        assert_eq!((fixed.reload(), fixed.reload_if_changed(), *fixed.get()), (Ok(false), Ok(false), 7));
    }

    #[test]
    fn what_was_refused_is_tried_again_until_it_is_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("number");
        fs::write(&path, "1").expect("written");
        let is_open = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let (from, open) = (path.clone(), Arc::clone(&is_open));
        let number = Reloadable::load(vec![path.clone()], move |present: Option<&u64>| {
            let number = number_in(&from)?;
            if open.load(Ordering::SeqCst) || present.is_none_or(|present| *present == number) {
                return Ok(number);
            }
            Err(Error::bad_arg(format!("{number} is too early")))
        });
        let number = number.expect("a number");
        is_open.store(false, Ordering::SeqCst);
        fs::write(&path, "22").expect("written");
        assert_eq!(number.reload_if_changed(), Ok(false));
        assert_eq!(number.reload_if_changed(), Err(Error::bad_arg("22 is too early")));
        assert_eq!((number.reload_if_changed(), *number.get()), (Ok(false), 1), "it was told");
        is_open.store(true, Ordering::SeqCst);
        assert_eq!((number.reload_if_changed(), *number.get()), (Ok(true), 22), "the file is the same");
        assert_eq!(number.reload_if_changed(), Ok(false));
    }
}
