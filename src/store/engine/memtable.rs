//! Values that the write-ahead log has and sled has not yet. Whoever reads a key looks here first; a thread puts them into
//! sled, while the writer goes on with its next batch.
//!
//! The thread takes whatever has come at once: of a key that changed twice meanwhile, sled gets the newer value alone. Whoever wants
//! keys in order waits until sled has what was here when he came.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::Batch;
use crate::error::{Error, Result};
use crate::limits::MEMTABLE_BYTES_MAX;

/// A panic on this thread ends the process.
pub const THREAD_NAME: &str = "contactd-memtable";

/// The newest values of some keys; none where a key was removed.
pub type Values = HashMap<Vec<u8>, Option<Vec<u8>>, foldhash::fast::RandomState>;

/// What is known of a key here.
#[derive(Debug, PartialEq, Eq)]
pub enum Newer {
    /// Nothing: sled knows.
    Nothing,
    /// It was removed.
    Removed,
    Value(Vec<u8>),
}

/// The values, and the thread.
pub struct Memtable {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to do, or it is over.
    come: Condvar,
    /// Something was done.
    gone: Condvar,
}

#[derive(Default)]
struct State {
    /// What came since the thread took the others.
    fresh: Values,
    /// Bytes of these.
    bytes: usize,
    /// What the thread puts into sled now.
    going: Arc<Values>,
    /// The number of the newest batch that came, and of the newest that sled has.
    newest: u64,
    applied: u64,
    /// The thread waits, and nobody has woken it yet.
    is_asleep: bool,
    /// sled did not take them: they stay here, and no others come.
    failed: Option<Error>,
    is_over: bool,
}

impl Memtable {
    /// `put` puts values into sled, up to the batch with a number.
    pub fn start(put: impl Fn(u64, &Values) -> Result<()> + Send + 'static) -> std::io::Result<Memtable> {
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(move || run(&own, put))?;
        Ok(Memtable { shared, thread: Some(thread) })
    }

    /// Takes a batch that the log has. Waits while there is much here.
    pub fn add(&self, batch: &Batch) -> Result<()> {
        let is_full = |state: &mut State| state.bytes >= MEMTABLE_BYTES_MAX && state.failed.is_none();
        let mut state = self.shared.wait_while(&self.shared.gone, is_full);
        if let Some(why) = &state.failed {
            return Err(why.clone());
        }
        for (key, value) in batch.entries() {
            state.bytes += key.len() + value.map_or(0, <[u8]>::len);
            state.fresh.insert(key.to_vec(), value.map(<[u8]>::to_vec));
        }
        state.newest = batch.number();
        let wakes = std::mem::take(&mut state.is_asleep);
        drop(state);
        if wakes {
            self.shared.come.notify_one();
        }
        Ok(())
    }

    /// What a key has here.
    pub fn get(&self, key: &[u8]) -> Newer {
        let state = self.shared.lock();
        match state.fresh.get(key).or_else(|| state.going.get(key)) {
            None => Newer::Nothing,
            Some(None) => Newer::Removed,
            Some(Some(value)) => Newer::Value(value.clone()),
        }
    }

    /// Waits until sled has all that is here now.
    pub fn settle(&self) -> Result<()> {
        let newest = self.shared.lock().newest;
        let waits = |state: &mut State| state.applied < newest && state.failed.is_none();
        let state = self.shared.wait_while(&self.shared.gone, waits);
        match &state.failed {
            Some(why) if state.applied < newest => Err(why.clone()),
            _ => Ok(()),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, what: &Condvar, is_so: impl Fn(&mut State) -> bool) -> MutexGuard<'_, State> {
        what.wait_while(self.lock(), is_so).unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is here when it ends is put into sled before.
impl Drop for Memtable {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.come.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, put: impl Fn(u64, &Values) -> Result<()>) {
    loop {
        let mut state = shared.wait_while(&shared.come, |state| {
            state.is_asleep = state.fresh.is_empty() && !state.is_over;
            state.is_asleep
        });
        if state.fresh.is_empty() {
            return;
        }
        let going = Arc::new(std::mem::take(&mut state.fresh));
        state.bytes = 0;
        state.going = Arc::clone(&going);
        let newest = state.newest;
        drop(state);
        let done = put(newest, &going);
        let mut state = shared.lock();
        match done {
            Ok(()) => {
                state.going = Arc::default();
                state.applied = newest;
            }
            Err(why) => state.failed = Some(why),
        }
        let has_failed = state.failed.is_some();
        drop(state);
        shared.gone.notify_all();
        if has_failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn batch(number: u64, entries: &[(&str, Option<&str>)]) -> Batch {
        let mut batch = Batch::new(number);
        for (key, value) in entries {
            batch.push(key.as_bytes(), value.map(str::as_bytes));
        }
        batch
    }

    /// A memtable whose thread waits for an answer to each of its rounds.
    fn started() -> (Memtable, mpsc::Receiver<(u64, Values)>, mpsc::Sender<Result<()>>) {
        let (put, rounds) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let memtable = Memtable::start(move |newest, values: &Values| {
            put.send((newest, values.clone())).expect("the test listens");
            answers.recv().expect("an answer")
        });
        (memtable.expect("a thread"), rounds, answer)
    }

    #[test]
    fn a_value_is_found_here_until_the_engine_has_it_and_only_the_newest_goes_there() {
        let (memtable, rounds, answer) = started();
        memtable.settle().expect("there is nothing");
        memtable.add(&batch(1, &[("a", Some("1"))])).expect("taken");
        assert_eq!(rounds.recv().expect("a round").0, 1);
        memtable.add(&batch(2, &[("a", Some("2")), ("b", Some("2"))])).expect("taken");
        memtable.add(&batch(3, &[("b", None)])).expect("taken");
        assert_eq!(memtable.get(b"a"), Newer::Value(b"2".to_vec()));
        assert_eq!(memtable.get(b"b"), Newer::Removed);
        assert_eq!(memtable.get(b"c"), Newer::Nothing);
        std::thread::scope(|scope| {
            let (told, settled) = mpsc::channel();
            let memtable = &memtable;
            scope.spawn(move || told.send(memtable.settle()).expect("the test listens"));
            answer.send(Ok(())).expect("it waits");
            let (newest, values) = rounds.recv().expect("a round");
            let all = [(b"a".to_vec(), Some(b"2".to_vec())), (b"b".to_vec(), None)];
            assert_eq!((newest, values), (3, all.into_iter().collect()));
            assert!(settled.recv_timeout(Duration::from_millis(50)).is_err(), "the engine has not got them yet");
            assert_eq!(memtable.get(b"b"), Newer::Removed);
            answer.send(Ok(())).expect("it waits");
            settled.recv().expect("told").expect("settled");
            assert_eq!(memtable.get(b"a"), Newer::Nothing);
        });
    }

    #[test]
    fn what_the_engine_did_not_take_stays_here_and_nothing_comes_behind_it() {
        let (memtable, rounds, answer) = started();
        memtable.add(&batch(1, &[("a", Some("1"))])).expect("taken");
        rounds.recv().expect("a round");
        answer.send(Err(Error::internal("no disk"))).expect("it waits");
        assert_eq!(memtable.settle().map_err(|why| why.message), Err("no disk".to_owned()));
        assert!(memtable.add(&batch(2, &[("a", Some("2"))])).is_err());
        assert_eq!(memtable.get(b"a"), Newer::Value(b"1".to_vec()));
    }

    #[test]
    fn whatever_is_here_at_the_end_goes_to_the_engine_first() {
        let (memtable, rounds, answer) = started();
        memtable.add(&batch(1, &[("a", Some("1"))])).expect("taken");
        rounds.recv().expect("a round");
        memtable.add(&batch(2, &[("b", Some("2"))])).expect("taken");
        answer.send(Ok(())).expect("it waits");
        answer.send(Ok(())).expect("it waits");
        drop(memtable);
        assert_eq!(rounds.recv().expect("a round").0, 2);
    }
}
