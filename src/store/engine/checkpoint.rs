//! Checkpoints: what was applied gets into the engine's own file, so that the write-ahead log need not have it any more. A
//! thread makes them, one at a time: the writer goes on meanwhile.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::error::{Error, Result};

/// A panic on this thread ends the process.
pub const THREAD_NAME: &str = "contactd-checkpoint";

/// The thread.
pub struct Checkpoints {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    Idle,
    Working,
    /// The last one failed, and there will be no other.
    Failed(Error),
    Over,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, is_so: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_while(self.lock(), |state| is_so(state));
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends of themselves do not count once it is over.
    fn set(&self, to: State) {
        let mut state = self.lock();
        if !matches!(*state, State::Over) {
            *state = to;
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl Checkpoints {
    /// `make` makes one.
    pub fn start(make: impl Fn() -> Result<()> + Send + 'static) -> std::io::Result<Checkpoints> {
        let shared = Arc::new(Shared { state: Mutex::new(State::Idle), changed: Condvar::new() });
        let (asked, worked) = (Arc::clone(&shared), Arc::clone(&shared));
        // A condition of a loop would hold the lock through it.
        let is_asked =
            move || !matches!(*asked.wait_while(|state| matches!(state, State::Idle | State::Failed(_))), State::Over);
        let run = move || {
            while is_asked() {
                worked.set(make().map_or_else(State::Failed, |()| State::Idle));
            }
        };
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(run)?;
        Ok(Checkpoints { shared, thread: Some(thread) })
    }

    /// Begins one, once the one before is over. Fails if that one failed.
    pub fn begin(&self) -> Result<()> {
        self.finish()?;
        self.shared.set(State::Working);
        Ok(())
    }

    /// Waits until none is under way. Fails if the last one failed.
    pub fn finish(&self) -> Result<()> {
        match &*self.shared.wait_while(|state| matches!(state, State::Working)) {
            State::Failed(why) => Err(why.clone()),
            _ => Ok(()),
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.shared.set(State::Over);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn one_is_made_at_a_time_and_a_failure_is_told_to_whoever_wants_the_next() {
        let (ends, end) = mpsc::channel::<Result<()>>();
        let checkpoints = Checkpoints::start(move || end.recv().expect("an end")).expect("a thread");
        checkpoints.finish().expect("there was none");
        checkpoints.begin().expect("there was none");
        ends.send(Ok(())).expect("it waits");
        checkpoints.begin().expect("the first is over");
        ends.send(Err(Error::internal("no disk"))).expect("it waits");
        for _ in 0..2 {
            assert_eq!(checkpoints.begin().map_err(|why| why.message), Err("no disk".to_owned()));
        }
    }
}
