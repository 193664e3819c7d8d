//! The writes of one connection that are not answered yet.
//!
//! Writes that follow each other go to the writer together, in jobs of one urgency, several jobs at a time. Their replies
//! come in the order of their requests.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Server;
use super::courtesy::Courtesy;
use crate::command::{self, Asked, Remark};
use crate::error::{Error, Result};
use crate::limits::{CONNECTION_JOBS_MAX, JOB_WRITES_MAX};
use crate::model::change::{Outcome, Urgency, Write};
use crate::store::Job;
use crate::wire::Replies;

/// The writes of one connection that are not answered yet, and the refusals between them.
pub(super) struct Pipeline<'s> {
    server: &'s Server,
    /// What the next job will be.
    pending: Pending,
    /// The jobs that the writer has, the oldest first.
    in_flight: VecDeque<InFlight>,
    /// The urgency of every write here. The writer keeps the order of writes of one urgency only.
    urgency: Urgency,
    courtesy: Courtesy,
    /// Whose token the writes come with. It changes between writes only when all of them are answered.
    pub(super) by: Arc<str>,
}

#[derive(Default)]
struct Pending {
    writes: Vec<Write>,
    slots: Vec<Slot>,
}

/// A job that the writer has.
struct InFlight {
    outcomes: oneshot::Receiver<Outcomes>,
    slots: Vec<Slot>,
}

/// What a reply will be.
enum Slot {
    /// What the writer says of a write, with a remark.
    Write(Remark),
    Refused(Error),
}

/// What the writer says of a job's writes, in their order.
pub(super) type Outcomes = Vec<Result<Outcome>>;

/// What became of a write that was to be added.
pub(super) enum Added {
    /// There is room for more.
    Yes,
    /// The next job is full.
    Full,
    /// No: its urgency is another one. It can be added once all others are answered.
    No,
}

impl Pipeline<'_> {
    pub(super) fn new(server: &Server) -> Pipeline<'_> {
        let (pending, in_flight) = (Pending::default(), VecDeque::new());
        Pipeline {
            server,
            pending,
            in_flight,
            urgency: Urgency::Prompt,
            courtesy: Courtesy::default(),
            by: Arc::default(),
        }
    }

    /// Whether every reply is rendered.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.slots.is_empty() && self.in_flight.is_empty()
    }

    /// Whether the writer has jobs of this connection.
    pub(super) fn has_jobs(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Adds a write, or the refusal of one.
    pub(super) fn add(&mut self, asked: Result<Asked>) -> Added {
        match asked {
            Err(error) => self.refuse(error),
            Ok(Asked { write, remark }) => {
                let urgency = write.urgency();
                let alone = self.pending.writes.is_empty() && self.in_flight.is_empty();
                if !alone && self.urgency != urgency {
                    return Added::No;
                }
                self.urgency = urgency;
                if urgency == Urgency::Bulk {
                    self.courtesy.begin();
                }
                self.pending.slots.push(Slot::Write(remark));
                self.pending.writes.push(write);
            }
        }
        let most = if self.urgency == Urgency::Bulk { self.courtesy.job_rows() } else { JOB_WRITES_MAX };
        if self.pending.slots.len() >= most { Added::Full } else { Added::Yes }
    }

    /// Adds a refusal, to be answered in its turn.
    pub(super) fn refuse(&mut self, error: Error) {
        self.pending.slots.push(Slot::Refused(error));
    }

    /// Hands the pending writes to the writer. Waits while its queue is full.
    pub(super) async fn hand_over(&mut self) {
        if self.pending.slots.is_empty() {
            return;
        }
        let Pending { writes, slots } = std::mem::take(&mut self.pending);
        let (send, outcomes) = oneshot::channel();
        self.in_flight.push_back(InFlight { outcomes, slots });
        let Some(context) = self.server.context().filter(|_| !writes.is_empty()) else {
            let _ = send.send(Vec::new());
            return;
        };
        let permits = self.server.permits(self.urgency, writes.len()).await;
        context.store.submit(Job {
            writes,
            by: Arc::clone(&self.by),
            done: Box::new(move |outcomes| {
                drop(permits);
                let _ = send.send(outcomes);
            }),
        });
    }

    /// How long the rows of an import that are handed over let others go first, once they are answered.
    pub(super) async fn courtesy(&mut self, replies: &mut Replies) -> Duration {
        let is_import = self.urgency == Urgency::Bulk && !self.in_flight.is_empty();
        if !is_import || !self.courtesy.must_rest(&self.server.shared.counters) {
            return Duration::ZERO;
        }
        self.await_jobs(0, replies).await;
        self.courtesy.rest()
    }

    /// Waits for what the writer says of the oldest job. May be cancelled. [`Pipeline::render`] must follow.
    pub(super) async fn oldest_outcomes(&mut self) -> Outcomes {
        match self.in_flight.front_mut() {
            Some(job) => (&mut job.outcomes).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Waits until another job may be handed over: a client that does not wait for replies must not pile up jobs.
    pub(super) async fn await_capacity(&mut self, replies: &mut Replies) {
        self.await_jobs(CONNECTION_JOBS_MAX - 1, replies).await;
    }

    /// Waits until every write that was handed over is answered.
    pub(super) async fn await_writes(&mut self, replies: &mut Replies) {
        self.await_jobs(0, replies).await;
    }

    /// Waits until the writer has no more jobs than these.
    async fn await_jobs(&mut self, most: usize, replies: &mut Replies) {
        while self.in_flight.len() > most {
            let outcomes = self.oldest_outcomes().await;
            self.render(outcomes, replies);
        }
    }

    /// Renders the replies of the oldest job.
    pub(super) fn render(&mut self, outcomes: Outcomes, replies: &mut Replies) {
        let Some(job) = self.in_flight.pop_front() else { return };
        let mut outcomes = outcomes.into_iter();
        let counters = &self.server.shared.counters;
        for slot in job.slots {
            match slot {
                Slot::Refused(error) => {
                    counters.count_error(&error);
                    replies.error(&error);
                }
                Slot::Write(remark) => {
                    let lost = || Err(Error::internal("the writer has stopped"));
                    let outcome = outcomes.next().unwrap_or_else(lost);
                    if let Some(error) = command::answer(&outcome, &remark, replies) {
                        counters.count_error(error);
                    }
                }
            }
        }
    }
}
