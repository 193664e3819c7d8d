//! Wakes whoever sleeps through a failure. sled may not tell a thread that waits for a write that the write has failed; but
//! any other thread that asks for the same finds the failure, and wakes them all.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long something takes before somebody else asks for it too, and how often.
const EVERY: Duration = Duration::from_secs(1);

/// Looks after one piece of work at a time.
pub struct Nudge {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ends: Condvar,
}

#[derive(Default)]
struct State {
    /// When the work that goes on began.
    since: Option<Instant>,
    is_over: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Nudge {
    /// `ask` is called, each time on a thread of its own, while some work takes long. It may hang, too.
    pub fn start(ask: impl Fn() + Clone + Send + 'static) -> std::io::Result<Nudge> {
        let shared = Arc::new(Shared::default());
        let watched = Arc::clone(&shared);
        let watch = move || {
            let mut state = watched.lock();
            while !state.is_over {
                state = watched.ends.wait_timeout(state, EVERY).unwrap_or_else(PoisonError::into_inner).0;
                if !state.is_over && state.since.is_some_and(|since| since.elapsed() >= EVERY) {
                    // Where no thread can be had, the next second may have one.
                    let _ = thread::Builder::new().spawn(ask.clone());
                }
            }
        };
        let thread = thread::Builder::new().name("contactd-nudge".to_owned()).spawn(watch)?;
        Ok(Nudge { shared, thread: Some(thread) })
    }

    /// Does work that may hang.
    pub fn watch<T>(&self, work: impl FnOnce() -> T) -> T {
        self.shared.lock().since = Some(Instant::now());
        let done = work();
        self.shared.lock().since = None;
        done
    }
}

impl Drop for Nudge {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.ends.notify_all();
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
    fn work_that_hangs_is_asked_for_again_and_other_work_is_not() {
        let (send, asked) = mpsc::channel();
        let ask = move || {
            let _ = send.send(());
        };
        let nudge = Nudge::start(ask).expect("a thread");
        assert_eq!(nudge.watch(|| 7), 7);
        assert!(asked.try_recv().is_err());
        // It hangs until somebody else asks.
        nudge.watch(|| asked.recv().expect("somebody asks"));
    }
}
