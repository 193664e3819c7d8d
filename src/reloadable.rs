//! A value that is read from files when the daemon starts, and again when they change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use crate::error::Result;

/// What a file looks like from outside, links followed: when it was changed, how long it is, and which file it is. None: it
/// cannot be looked at.
type Look = Option<(SystemTime, u64, u64)>;

/// How a value is read from its files.
type Load<T> = Box<dyn Fn() -> Result<T> + Send + Sync>;

/// A value from files. Whoever uses it takes the newest one that could be read: a file that cannot be read, or has an error
/// in it, changes nothing.
pub struct Reloadable<T> {
    files: Vec<PathBuf>,
    /// None where there are no files.
    load: Option<Load<T>>,
    current: RwLock<Arc<T>>,
    generation: AtomicU64,
    looks: Mutex<Looks>,
}

/// How the files looked.
#[derive(Default)]
struct Looks {
    /// When they were read.
    read: Vec<Look>,
    /// At the latest look.
    seen: Vec<Look>,
}

impl<T> Reloadable<T> {
    /// Reads the value for the first time.
    pub fn load(files: Vec<PathBuf>, load: impl Fn() -> Result<T> + Send + Sync + 'static) -> Result<Reloadable<T>> {
        // Whatever changes while it is being read is read again.
        let read = look_at(&files);
        let current = RwLock::new(Arc::new(load()?));
        let looks = Mutex::new(Looks { seen: read.clone(), read });
        Ok(Reloadable { files, load: Some(Box::new(load)), current, generation: AtomicU64::new(0), looks })
    }

    /// A value without files, which stays as it is.
    pub fn fixed(value: T) -> Reloadable<T> {
        let (current, looks) = (RwLock::new(Arc::new(value)), Mutex::default());
        Reloadable { files: Vec::new(), load: None, current, generation: AtomicU64::new(0), looks }
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
        self.read_again(self.looks())
    }

    /// Reads the files again if they have changed since they were read, and not since the look before this one: somebody may
    /// be writing them still. Says whether they were read.
    pub fn reload_if_changed(&self) -> Result<bool> {
        let mut looks = self.looks();
        let now = look_at(&self.files);
        let is_steady = now == looks.seen;
        looks.seen = now;
        if is_steady && looks.seen != looks.read { self.read_again(looks) } else { Ok(false) }
    }

    fn read_again(&self, mut looks: MutexGuard<'_, Looks>) -> Result<bool> {
        let Some(load) = &self.load else { return Ok(false) };
        let now = look_at(&self.files);
        *looks = Looks { read: now.clone(), seen: now };
        let value = Arc::new(load()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = value;
        self.generation.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
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
    use crate::error::Error;

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
        let number = Reloadable::load(vec![path.clone()], move || number_in(&from)).expect("a number");
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
}
