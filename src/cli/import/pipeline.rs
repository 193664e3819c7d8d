//! Rows out, replies in, at the same time: one thread reads the file and sends, another one receives and counts. Between
//! them stands a short queue of batches, which is all that is kept of a file of any size.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use foldhash::fast::FixedState;

use super::dialect::{Dialect, reader};
use super::objects::{self, Keys};
use super::progress::Progress;
use super::records::{Block, Records, lines};
use super::refusal::Refusal;
use super::rejects::{Rejected, Rejects};
use super::report::Report;
use super::row::{ListIndex, Rows};
use crate::cli::client::{Client, Replies, Reply, Requests};
use crate::error::{Error, Result};
use crate::model::phone::{PHONE_DIGITS_MAX, Phone};

/// Batches that wait for their replies: some thousands of rows.
const BATCHES_IN_FLIGHT: usize = 12;
/// Bits of a phone number's value; what is above them tells lists apart.
const PHONE_BITS: u32 = 50;

const _: () = assert!(10_u64.pow(PHONE_DIGITS_MAX as u32) <= 1 << PHONE_BITS);
const _: () = assert!(crate::limits::LISTS_MAX < 1 << (u64::BITS - PHONE_BITS));

/// What is imported, and how it is told.
pub struct Import {
    pub records: Records,
    pub dialect: Dialect,
    pub keys: Keys,
    pub rows: Rows,
    pub rejects: Option<Rejects>,
    pub progress: Progress,
    /// Of the first rows, shows what was asked and answered.
    pub show: Option<Show>,
}

/// How many of the first rows to show, and how.
#[derive(Clone, Copy)]
pub struct Show {
    pub rows: usize,
    pub print: fn(&str, &Reply),
}

/// A block that was sent, and what of it was asked.
struct Batch {
    block: Block,
    entries: Vec<Entry>,
    shown: Vec<String>,
}

/// A row of a batch.
struct Entry {
    start: usize,
    end: usize,
    fate: Fate,
}

enum Fate {
    Asked(ListIndex),
    Refused(Refusal),
}

impl Import {
    /// Sends all rows and waits for all replies. The report is complete up to where an error ended it.
    pub fn run(self, client: Client, report: &mut Report) -> Result<()> {
        let Import { records, dialect, keys, rows, rejects, progress, show } = self;
        let (requests, replies) = client.split();
        let (batches, sent) = sync_channel(BATCHES_IN_FLIGHT);
        let mut sender = Sender { records, dialect, keys, rows, requests, batches, unshown: show.map_or(0, |show| show.rows) };
        let mut receiver = Counter { replies, rejects, progress, report, seen: HashSet::default(), show };
        std::thread::scope(|scope| {
            let receiving = scope.spawn(move || {
                let done = receiver.receive_all(&sent);
                if done.is_err() {
                    receiver.replies.hang_up();
                }
                receiver.progress.finish();
                let written = receiver.rejects.take().map_or(Ok(()), Rejects::finish);
                done.and(written)
            });
            let sending = sender.send_all();
            if sending.is_err() {
                // Half a request may be out; the replies to all others still come.
                let _ = sender.requests.flush();
            }
            let warning = sender.records.source().warning();
            drop(sender);
            let received = receiving.join().unwrap_or_else(|_| Err(Error::internal("the receiving thread has panicked")));
            (received.and(sending), warning)
        })
        .into_result(report)
    }
}

trait Ended {
    fn into_result(self, report: &mut Report) -> Result<()>;
}

impl Ended for (Result<()>, Option<String>) {
    fn into_result(self, report: &mut Report) -> Result<()> {
        report.warnings.extend(self.1);
        report.finish();
        self.0
    }
}
