//! The writer's end of a ledger: a batch, as a row, before it counts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::reign::Reign;
use super::runtime;
use super::sql::{Failure, Sql};
use crate::error::{Code, Error, Result};
use crate::store::engine::Batch;
use crate::store::ledger::{CommitError, RemoteLog, row};

/// How long the writer waits before it tries again to reach the database.
const PAUSE: Duration = Duration::from_millis(100);

/// Appends batches for the writer, which waits for each.
pub struct Appender {
    reign: Arc<Reign>,
    /// Drives the connection while the writer waits.
    runtime: Runtime,
    sql: Option<Sql>,
}

/// What is known of a row after a look.
enum Found {
    /// It is there, and acknowledged.
    Ours,
    /// It is not there, and may be appended.
    Nothing,
}

impl Appender {
    /// One for a reign. It connects when there is something to append.
    pub fn new(reign: Arc<Reign>) -> Result<Appender> {
        Ok(Appender { reign, runtime: runtime()?, sql: None })
    }

    /// Ends the reign.
    fn lost(&self, why: impl Into<String>) -> CommitError {
        let why = why.into();
        self.reign.end(why.clone());
        CommitError::NotOwner(Error::new(
            Code::Standby,
            format!("{why}; what was sent may have been written or not: send it again to the owner"),
        ))
    }

    fn append_once(&mut self, seq: u64, data: &[u8]) -> std::result::Result<bool, Failure> {
        let Reign { number, settings, .. } = &*self.reign;
        let sql = &mut self.sql;
        self.runtime.block_on(async {
            let open = Sql::open(sql, &settings.url).await?;
            let appended = open.append(*number, seq, data, settings.copies < 2).await;
            if appended.is_err() {
                *sql = None;
            }
            appended
        })
    }

    /// Finds out what became of a row. A fenced write goes first, on a connection of its own: it waits for whatever of ours is
    /// still on its way, and what is read behind it can be believed.
    fn settle(&mut self, seq: u64, data: &[u8]) -> std::result::Result<Found, Settling> {
        let Reign { number, settings, .. } = &*self.reign;
        let (reign, acked) = (*number, self.reign.acked());
        let sql = &mut self.sql;
        self.runtime.block_on(async {
            *sql = None;
            let mut fresh = Sql::connect(&settings.url).await?;
            if fresh.renew(reign, acked).await?.is_none() {
                return Err(Settling::Fenced);
            }
            let found = match fresh.row(seq).await? {
                Some((by, found)) if by == reign && found == data => Found::Ours,
                Some(_) => return Err(Settling::Foreign),
                None if fresh.row(seq - 1).await?.is_none() => return Err(Settling::Hole),
                None if settings.copies > 1 && fresh.setting("synchronous_standby_names").await?.is_empty() => {
                    return Err(Settling::OneCopy);
                }
                None => Found::Nothing,
            };
            *sql = Some(fresh);
            Ok(found)
        })
    }
}

/// Why a row was not settled.
enum Settling {
    /// Another daemon is the owner.
    Fenced,
    /// Under its number stands a row that is not ours.
    Foreign,
    /// The row before it has gone, though it was acknowledged.
    Hole,
    /// The database keeps one copy alone.
    OneCopy,
    /// It is not known yet.
    Unknown,
}

impl From<Failure> for Settling {
    fn from(_: Failure) -> Settling {
        Settling::Unknown
    }
}

impl RemoteLog for Appender {
    fn append(&mut self, batch: &Batch) -> std::result::Result<(), CommitError> {
        let (seq, data) = (batch.number(), row::encode(batch));
        // Something of it may still be on its way to the database.
        let mut is_out = false;
        loop {
            if !self.reign.may_answer() {
                return Err(self.lost("the lease is over before the ledger had this"));
            }
            let mut full = None;
            match self.append_once(seq, &data) {
                Ok(true) => break,
                // Why, or what became of it, only a look tells.
                Ok(false) | Err(Failure::Exists) => {}
                // Whether it was this row that had no room.
                Err(Failure::Full(why)) => full = Some(why),
                Err(why) => {
                    if !std::mem::replace(&mut is_out, true) {
                        tracing::warn!("{}; the writer tries again until the lease is over", why.into_error().message);
                    }
                    thread::sleep(PAUSE);
                }
            }
            match self.settle(seq, &data) {
                Ok(Found::Ours) => break,
                Ok(Found::Nothing) => {
                    if let Some(why) = full.filter(|_| !is_out) {
                        return Err(CommitError::NotApplied(Error::new(
                            Code::ReadOnly,
                            format!("the disk of the ledger's database is full: {why}"),
                        )));
                    }
                }
                Err(Settling::Unknown) => thread::sleep(PAUSE),
                Err(Settling::Fenced) => return Err(self.lost("another daemon is the owner now")),
                Err(Settling::Foreign) => {
                    return Err(self.lost(format!("row {seq} of the ledger is not what this daemon wrote")));
                }
                Err(Settling::Hole) => {
                    return Err(self.lost(format!(
                        "the ledger has lost row {}, which it had acknowledged: was it set back to an earlier time?",
                        seq - 1
                    )));
                }
                Err(Settling::OneCopy) if is_out => thread::sleep(PAUSE),
                Err(Settling::OneCopy) => {
                    self.reign.copies.store(1, Ordering::Relaxed);
                    return Err(CommitError::NotApplied(Error::new(
                        Code::ReadOnly,
                        "the database keeps one copy alone (synchronous_standby_names is empty): mend its standby, or start \
                         with --ledger-copies 1",
                    )));
                }
            }
        }
        if is_out {
            tracing::info!("the ledger answers again");
        }
        self.reign.acknowledged(seq);
        Ok(())
    }
}
