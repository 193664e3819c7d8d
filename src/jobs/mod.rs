//! Background jobs: work that takes minutes, in small steps beside everything else.
//!
//! A [`Job`] takes one order at a time and runs it on a thread of its own. Anybody may read its status at any time. A run
//! ends early, between two of its steps, when somebody stops it or the daemon shuts down. A run that fails or panics is
//! over: the status says so, the log says what to do, and the job accepts the next order.

mod archive;
mod backup;
mod erasure;
mod purge;
mod replay;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::error::{Code, Error, Result};
use crate::store::Store;

pub use backup::{Backup, BackupFile, BackupRun, Made};
pub use erasure::Erasure;
pub use purge::{Phase, Purge, PurgeOrder, PurgeRun, PurgeSettings, WAS_RUN, no_plan};
pub use replay::{bring_back, replay};

/// Every job of the daemon.
pub struct Jobs {
    /// PURGE RUN.
    pub purge: Job<Purge>,
    /// BACKUP RUN.
    pub backup: Job<Backup>,
    /// Erasures that a crash interrupted.
    pub erasure: Job<Erasure>,
}

impl Jobs {
    /// Makes the jobs, with the directory of backups and whether there are to be any, and resumes the runs that a crash or a shutdown interrupted.
    pub fn start(
        store: &Arc<Store>,
        settings: PurgeSettings,
        (backups, are_expected): (PathBuf, bool),
    ) -> Result<Jobs> {
        let purge = Job::new(Purge::new(Arc::clone(store), settings));
        let erasure = Job::new(Erasure::new(Arc::clone(store)));
        erasure.resume(())?;
        if let Some(unfinished) = purge.work().unfinished()? {
            purge.resume(unfinished)?;
        }
        let backup = Job::new(Backup::new(Arc::clone(store), backups, are_expected));
        Ok(Jobs { purge, backup, erasure })
    }

    /// Ends every run after its present step, and waits until they have ended. Close the store after that, not before.
    pub fn close(&self) {
        self.purge.close();
        self.backup.close();
        self.erasure.close();
    }
}

/// What a job does: the part that differs between a purge and any other job.
pub trait Work: Send + Sync + Sized + 'static {
    /// What a caller orders, like the number of a plan.
    type Order;
    /// What a run does and how far it has come. The status shows it.
    type State: Clone + Send;
    /// Names the thread, for tools that list threads. Linux shows 15 bytes of it.
    const THREAD: &'static str;

    /// Checks an order, and makes it ready to run. When this returns, whatever must survive a crash is on disk.
    fn prepare(&self, order: Self::Order) -> Result<Self::State>;

    /// Why another order is refused while this one runs.
    fn busy(&self, running: &Self::State) -> Error;

    /// Does the work, in steps. Calls [`Control::reached`] before each, and returns when the answer is not [`Signal::GoOn`].
    fn run(&self, state: Self::State, control: &Control<'_, Self>) -> Result<()>;

    /// Called after a run failed or panicked. `state` is the last one that it showed. Logs what to do, and makes sure that it
    /// can be done.
    fn broke_off(&self, state: &Self::State, why: &Error);
}

/// A job: one run at a time.
pub struct Job<W: Work> {
    shared: Arc<Shared<W>>,
    /// The thread of the latest run. Its lock is held while an order is prepared, so that there is one at a time.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread of a run and everybody else share.
struct Shared<W: Work> {
    work: W,
    now: Mutex<Now<W::State>>,
}

/// What a job does now. Nobody waits for anything while holding its lock, so a status never waits either.
struct Now<S> {
    running: Option<S>,
    /// The latest run, if it failed or panicked.
    broke_off: Option<(S, Error)>,
    stopping: bool,
    closed: bool,
}

/// What a job does, for those who ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status<S> {
    /// No run. The latest one, if there was one, came to its end or was stopped.
    Idle,
    /// A run.
    Running(S),
    /// A run that ends after its present step.
    Stopping(S),
    /// No run. The latest one failed or panicked at this state, for this reason.
    BrokeOff(S, Error),
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Signal {
    /// It goes on with the next step.
    GoOn,
    /// It ends: somebody stopped it.
    Stop,
    /// It ends: the daemon shuts down. The next start resumes it.
    Close,
}

/// What a run has of its job: here it shows its state, and is told whether to go on.
pub struct Control<'r, W: Work>(&'r Shared<W>);

impl<W: Work> Control<'_, W> {
    /// Shows how far the run has come. Says whether to go on.
    pub fn reached(&self, state: W::State) -> Signal {
        let mut now = self.0.now();
        now.running = Some(state);
        match *now {
            Now { stopping: true, .. } => Signal::Stop,
            Now { closed: true, .. } => Signal::Close,
            _ => Signal::GoOn,
        }
    }
}

impl<W: Work> Job<W> {
    /// A job that does nothing yet.
    pub fn new(work: W) -> Job<W> {
        let now = Now { running: None, broke_off: None, stopping: false, closed: false };
        Job { shared: Arc::new(Shared { work, now: Mutex::new(now) }), thread: Mutex::new(None) }
    }

    /// What it runs.
    pub fn work(&self) -> &W {
        &self.shared.work
    }

    /// Begins a run. Refused while another one runs. Returns when the order is prepared, not when it is done.
    pub fn begin(&self, order: W::Order) -> Result<()> {
        self.launch(|work| work.prepare(order))
    }

    /// Goes on with a run that an earlier start of the daemon prepared.
    pub fn resume(&self, state: W::State) -> Result<()> {
        self.launch(|_| Ok(state))
    }

    fn launch(&self, prepare: impl FnOnce(&W) -> Result<W::State>) -> Result<()> {
        let mut thread = lock(&self.thread);
        match &*self.shared.now() {
            Now { closed: true, .. } => return Err(Error::new(Code::Draining, "the daemon is shutting down")),
            Now { running: Some(running), .. } => return Err(self.shared.work.busy(running)),
            Now { running: None, .. } => {}
        }
        let state = prepare(&self.shared.work)?;
        self.shared.begin(state.clone());
        let shared = Arc::clone(&self.shared);
        match thread::Builder::new().name(W::THREAD.to_owned()).spawn(move || shared.run(state)) {
            Ok(spawned) => *thread = Some(spawned),
            Err(why) => {
                let why = Error::internal(format!("cannot start the thread {}: {why}", W::THREAD));
                self.shared.end(Err(why.clone()));
                return Err(why);
            }
        }
        Ok(())
    }

    /// Tells the run to end after its present step, and does not wait until it has. Says whether there is a run.
    pub fn stop(&self) -> bool {
        let mut now = self.shared.now();
        now.stopping = now.running.is_some();
        now.stopping
    }

    /// What it does now.
    pub fn status(&self) -> Status<W::State> {
        match &*self.shared.now() {
            Now { running: Some(state), stopping: true, .. } => Status::Stopping(state.clone()),
            Now { running: Some(state), .. } => Status::Running(state.clone()),
            Now { broke_off: Some((state, why)), .. } => Status::BrokeOff(state.clone(), why.clone()),
            _ => Status::Idle,
        }
    }

    /// Ends the run after its present step, and waits until it has ended. The job accepts no other order.
    pub fn close(&self) {
        self.shared.now().closed = true;
        if let Some(thread) = lock(&self.thread).take() {
            // It cannot fail: every panic was caught.
            let _ = thread.join();
        }
    }
}

impl<W: Work> Shared<W> {
    fn now(&self) -> MutexGuard<'_, Now<W::State>> {
        lock(&self.now)
    }

    fn begin(&self, state: W::State) {
        let mut now = self.now();
        (now.running, now.broke_off) = (Some(state), None);
    }

    /// What the thread of a run does.
    fn run(&self, state: W::State) {
        self.end(caught(|| self.work.run(state, &Control(self))));
    }

    /// A run is over.
    fn end(&self, done: Result<()>) {
        let state = self.now().running.clone();
        let broke_off = state.zip(done.err());
        if let Some((state, why)) = &broke_off {
            // A second panic must not keep the job from its next order either. Its message is in the log.
            let _ = caught(|| {
                self.work.broke_off(state, why);
                Ok(())
            });
        }
        let mut now = self.now();
        *now = Now { running: None, broke_off, stopping: false, closed: now.closed };
    }
}

/// Calls, and turns a panic into an error. A panic here leaves nothing half written: every change to the store is made by the
/// writer, on its own thread.
fn caught(run: impl FnOnce() -> Result<()>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        Err(Error::internal(format!("a defect, it panicked: {}; please report it with the log", message(&*panic))))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Locks, also after a panic of another thread: nothing that could panic leaves what these locks guard half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
