//! What keeps other processes out of a data directory.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Result};

/// How long this process waits for itself: a store that it has closed, and opens again to stand by, is let go by whoever still looks
/// into it, a moment later.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Keeps other processes out of the data directory.
pub struct Lock(File);

impl Lock {
    /// Takes it, or says who has it.
    pub fn take(dir: &Path) -> Result<Lock> {
        let path = dir.join("lock");
        let failed =
            |why: &dyn std::fmt::Display| Error::new(Code::Internal, format!("cannot lock {}: {why}", path.display()));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|why| failed(&why))?;
        let since = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    let holder = fs::read_to_string(&path).unwrap_or_default();
                    let is_own = holder.trim() == std::process::id().to_string();
                    if !is_own || since.elapsed() >= PATIENCE {
                        return Err(Error::new(
                            Code::Busy,
                            format!(
                                "{} is in use by another contactd (process {}); stop it, or give another --data-dir",
                                dir.display(),
                                holder.trim()
                            ),
                        ));
                    }
                    thread::sleep(LOOK_EVERY);
                }
                Err(TryLockError::Error(why)) => return Err(failed(&why)),
            }
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(|why| failed(&why))?;
        Ok(Lock(file))
    }
}

impl Drop for Lock {
    /// Closing the file is not enough: a child that this process has just started has it open, too, until it runs its
    /// own program.
    fn drop(&mut self) {
        // If this fails, the lock ends with the process.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_process_waits_for_a_store_that_it_lets_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let held = Lock::take(dir.path()).expect("it is free");
        let is_let_go = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(100));
                is_let_go.store(true, Ordering::SeqCst);
                drop(held);
            });
            assert!(Lock::take(dir.path()).is_ok() && is_let_go.load(Ordering::SeqCst));
        });
    }

    #[test]
    fn a_lock_that_was_released_is_free_while_the_process_starts_children() {
        let dir = tempfile::tempdir().expect("a directory");
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let child = Command::new("true").status();
                        assert!(child.expect("a child").success());
                    }
                });
            }
            let locked = (0..100).try_for_each(|_| Lock::take(dir.path()).map(drop));
            done.store(true, Ordering::Relaxed);
            assert_eq!(locked.map_err(|why| why.message), Ok(()));
        });
    }
}
