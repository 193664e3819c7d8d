//! The writer's queues: forbidding writes pass the others, and imports wait for all.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::limits::{BATCH_ROWS_MAX, BATCH_SHARE_MIN, BATCH_WRITES_MAX, JOB_WRITES_MAX};
use crate::model::change::{Outcome, Urgency, Write};
use crate::model::phone::Phone;

/// Consecutive writes of one connection, and where the outcomes go, in order.
pub struct Job {
    /// At most [`crate::limits::JOB_WRITES_MAX`], all of one urgency.
    pub writes: Vec<Write>,
    /// Whose token they came with. May be empty.
    pub by: Arc<str>,
    /// Called by the writer once all of it is on disk.
    pub done: Done,
}

/// A job, and since when it has waited.
pub struct Queued {
    /// The job.
    pub job: Job,
    /// When it came.
    pub since: Instant,
}

/// Takes the outcomes of a [`Job`].
pub type Done = Box<dyn FnOnce(Vec<Result<Outcome>>) + Send>;

/// How long the writer waits for those whom it has just answered.
const GATHER: Duration = Duration::from_micros(100);

/// Jobs that wait for the writer, and tasks that it does between two batches. Who submits jobs keeps to
/// [`crate::limits::QUEUED_WRITES_MAX`].
pub struct Queue<Task> {
    waiting: Mutex<Waiting<Task>>,
    arrived: Condvar,
    wanted: Condvar,
}

struct Waiting<Task> {
    /// By urgency.
    jobs: [VecDeque<Queued>; Urgency::ALL.len()],
    tasks: VecDeque<Task>,
    /// Contacts of the newest jobs, to be prefetched.
    wanted: VecDeque<Phone>,
    /// So many jobs are not prefetched.
    unread: u32,
    /// The writer waits for so many jobs, and nobody has woken it yet: to wake somebody who is awake costs as much. Nothing
    /// while it is awake.
    writer_awaits: usize,
    /// Whoever prefetches waits, and nobody has woken it yet.
    reader_sleeps: bool,
    /// Jobs of the newest batch.
    newest: usize,
    closed: bool,
}

/// What the writer is to do next.
pub enum Next<Task> {
    /// Do this first.
    Task(Task),
    /// Commit these together.
    Jobs(Vec<Queued>),
    /// Nothing came for the time given.
    Idle,
    /// Nothing will come any more.
    Closed,
}

impl<Task> Default for Queue<Task> {
    fn default() -> Queue<Task> {
        let waiting = Waiting {
            jobs: Default::default(),
            tasks: VecDeque::new(),
            wanted: VecDeque::new(),
            unread: 0,
            writer_awaits: 0,
            reader_sleeps: false,
            newest: 0,
            closed: false,
        };
        Queue { waiting: Mutex::new(waiting), arrived: Condvar::new(), wanted: Condvar::new() }
    }
}

impl<Task> Queue<Task> {
    /// Adds a job. After [`Queue::close`] it is given back.
    pub fn push(&self, job: Job) -> std::result::Result<(), Job> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(job);
        }
        // The writer takes the job at once if it is idle, and before a long backlog has been prefetched.
        let is_idle = waiting.writer_awaits == 1;
        let mut wakes_reader = false;
        if waiting.unread > 0 {
            waiting.unread -= 1;
        } else if !is_idle && waiting.wanted.len() < BATCH_WRITES_MAX {
            waiting.wanted.extend(job.writes.iter().filter_map(Write::phone));
            wakes_reader = std::mem::take(&mut waiting.reader_sleeps);
        }
        let urgency = job.writes.first().map_or(Urgency::Prompt, Write::urgency);
        waiting.jobs[urgency as usize].push_back(Queued { job, since: Instant::now() });
        let wakes_writer = waiting.writer_awaits > 0 && waiting.jobs() >= waiting.writer_awaits;
        if wakes_writer {
            waiting.writer_awaits = 0;
        }
        drop(waiting);
        if wakes_writer {
            self.arrived.notify_one();
        }
        if wakes_reader {
            self.wanted.notify_one();
        }
        Ok(())
    }

    /// Takes what is committed together, waiting up to `patience` for the first job.
    pub fn next(&self, patience: Duration) -> Next<Task> {
        // Who was answered together asks again together: most of them are on their way.
        let newest = self.lock().newest;
        let mut waiting = if newest > 1 { self.wait(newest, GATHER) } else { self.lock() };
        if waiting.is_empty() && !waiting.closed {
            drop(waiting);
            waiting = self.wait(1, patience);
        }
        if waiting.is_empty() {
            waiting.newest = 0;
            return if waiting.closed { Next::Closed } else { Next::Idle };
        }
        if let Some(task) = waiting.tasks.pop_front() {
            return Next::Task(task);
        }
        let mut jobs = Vec::new();
        let are_rows = waiting.jobs[..Urgency::Bulk as usize].iter().all(VecDeque::is_empty);
        let mut room = if are_rows { BATCH_ROWS_MAX } else { BATCH_WRITES_MAX };
        for urgency in 0..waiting.jobs.len() {
            // A storm of what is urgent does not starve the rest.
            let behind = waiting.jobs[urgency + 1..].iter().filter(|jobs| !jobs.is_empty()).count();
            let most = room.saturating_sub(behind * BATCH_SHARE_MIN).max(BATCH_SHARE_MIN);
            room = room.saturating_sub(take(&mut waiting.jobs[urgency], most, &mut jobs));
        }
        waiting.newest = jobs.len();
        Next::Jobs(jobs)
    }

    /// Waits for so many jobs, for a task or for the end.
    fn wait(&self, jobs: usize, patience: Duration) -> MutexGuard<'_, Waiting<Task>> {
        let until = Instant::now() + patience;
        let mut waiting = self.lock();
        while waiting.jobs() < jobs && waiting.tasks.is_empty() && !waiting.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting.writer_awaits = jobs;
            waiting = self.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.writer_awaits = 0;
        waiting
    }

    /// Takes some of the contacts that the writer will want, waiting for the first. None once the queue is closed.
    pub fn wanted(&self) -> Option<Vec<Phone>> {
        let mut waiting = self.lock();
        while waiting.wanted.is_empty() && !waiting.closed {
            waiting.reader_sleeps = true;
            waiting = self.wanted.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.reader_sleeps = false;
        }
        let some = waiting.wanted.len().min(JOB_WRITES_MAX);
        (!waiting.closed).then(|| waiting.wanted.drain(..some).collect())
    }

    /// Prefetches nothing for so many jobs.
    pub fn leave_unread(&self, jobs: u32) {
        self.lock().unread = jobs;
    }

    /// Adds a task. After [`Queue::close`] it is dropped.
    pub fn send(&self, task: Task) {
        let mut waiting = self.lock();
        if !waiting.closed {
            waiting.tasks.push_back(task);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Takes no more jobs; those that wait are still done.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
        self.wanted.notify_one();
    }

    /// Writes that wait, by urgency.
    pub fn len(&self) -> [usize; Urgency::ALL.len()] {
        let waiting = self.lock();
        Urgency::ALL.map(|urgency| waiting.jobs[urgency as usize].iter().map(|queued| queued.job.writes.len()).sum())
    }

    /// A panic while it was held cannot have left a queue half changed.
    fn lock(&self) -> MutexGuard<'_, Waiting<Task>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Task> Waiting<Task> {
    fn jobs(&self) -> usize {
        self.jobs.iter().map(VecDeque::len).sum()
    }

    fn is_empty(&self) -> bool {
        self.jobs.iter().all(VecDeque::is_empty) && self.tasks.is_empty()
    }
}

/// Moves whole jobs until `writes_max` are taken: at least one, if there is one.
fn take(from: &mut VecDeque<Queued>, writes_max: usize, to: &mut Vec<Queued>) -> usize {
    let mut taken = 0;
    while taken < writes_max
        && let Some(queued) = from.pop_front()
    {
        taken += queued.job.writes.len();
        to.push(queued);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::Change;
    use crate::model::label::LabelPatch;

    #[test]
    fn rows_of_an_import_make_a_long_batch_where_nothing_else_waits() {
        let phone = Phone::from_u64(14_155_552_671).expect("in range");
        let job = |change: &dyn Fn() -> Change| Job {
            writes: (0..JOB_WRITES_MAX).map(|_| Write::Contact { phone, list: None, change: change() }).collect(),
            by: Arc::default(),
            done: Box::new(|_| ()),
        };
        let row = || Change::Import(Box::default());
        let put = || Change::Put(LabelPatch::default());
        let queue = Queue::<()>::default();
        let taken = || match queue.next(Duration::ZERO) {
            Next::Jobs(jobs) => jobs.iter().map(|queued| queued.job.writes.len()).sum::<usize>(),
            _ => 0,
        };
        for _ in 0..3 * BATCH_ROWS_MAX / JOB_WRITES_MAX {
            assert!(queue.push(job(&row)).is_ok());
        }
        assert_eq!(taken(), BATCH_ROWS_MAX);
        assert!(queue.push(job(&put)).is_ok());
        assert_eq!(taken(), BATCH_WRITES_MAX);
        assert_eq!(taken(), BATCH_ROWS_MAX);
    }

    #[test]
    fn each_contact_is_prefetched_once_and_the_end_is_seen() {
        let phone = Phone::from_u64(14_155_552_671).expect("in range");
        let put = || Write::Contact { phone, list: None, change: Change::Put(LabelPatch::default()) };
        let job = |writes: usize| Job {
            writes: (0..writes).map(|_| put()).collect(),
            by: Arc::default(),
            done: Box::new(|_| ()),
        };
        let queue = Queue::<()>::default();
        // One more than has to be prefetched: the reader is late.
        for _ in 0..=BATCH_WRITES_MAX / JOB_WRITES_MAX {
            assert!(queue.push(job(JOB_WRITES_MAX)).is_ok());
        }
        for _ in 0..BATCH_WRITES_MAX / JOB_WRITES_MAX {
            assert_eq!(queue.wanted(), Some(vec![phone; JOB_WRITES_MAX]));
        }
        assert!(queue.push(job(1)).is_ok());
        assert_eq!(queue.wanted(), Some(vec![phone]));
        queue.leave_unread(2);
        for n in 0..3 {
            assert!(queue.push(job(1)).is_ok());
            assert_eq!(queue.lock().wanted.len(), n / 2);
        }
        assert_eq!(queue.wanted(), Some(vec![phone]));
        queue.close();
        assert_eq!(queue.wanted(), None);
        assert!(queue.push(job(1)).is_err());
    }
}
