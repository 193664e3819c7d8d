//! What keeps other processes out of a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write as _};
use std::path::Path;

use crate::error::{Code, Error, Result};

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
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(Error::new(
                    Code::Busy,
                    format!(
                        "{} is in use by another contactd (process {}); stop it, or give another --data-dir",
                        dir.display(),
                        holder.trim()
                    ),
                ));
            }
            Err(TryLockError::Error(why)) => return Err(failed(&why)),
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
    use std::thread;

    use super::*;

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
