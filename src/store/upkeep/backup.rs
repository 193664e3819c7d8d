//! Making a backup while everybody reads and writes. `store/backup` says what stands in it, and why it is consistent.

use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::Upkeep;
use crate::error::{Error, Result};
use crate::limits::{BACKUP_REST, TEE_BYTES_MAX};
use crate::model::verdict::{ContactStatus, ListStatus};
use crate::store::backup::{BackupEnd, BackupHead, BackupWriter};
use crate::store::engine::pages;
use crate::store::format::term::Term;
use crate::store::state::State;
use crate::store::write::tee::Tee;

/// Rows that are read at a time. Linux may let a thread run to the end of its step, a few milliseconds at most, before one that
/// others wait for: with 256 rows the p99 of durable writes was seven times what it is alone.
const PAGE_ROWS: usize = 16;

/// How far a backup has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupProgress {
    /// Rows that were read.
    pub rows: u64,
    /// Bytes that were written.
    pub bytes: u64,
}

/// Is told how far a backup has come; `false` ends it.
pub type GoOn<'g> = &'g dyn Fn(BackupProgress) -> bool;

/// Takes the tee away, however a backup ends.
struct Attached<'u>(&'u Upkeep, Arc<Tee>);

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        let tee = Arc::clone(&self.1);
        // While the daemon shuts down the writer has gone, and the tee with it.
        let _ = self.0.on_writer(move |writer| {
            writer.detach(&tee);
            Ok(())
        });
    }
}

impl Upkeep {
    /// Writes a backup. `go_on` is told how far it has come, and ends it by `false`: then the answer is none.
    pub fn backup<W: Write>(&self, to: W, go_on: GoOn<'_>) -> Result<Option<(W, BackupEnd)>> {
        let written = self.write(to, &self.state.backup_head(), go_on)?;
        if let Some((_, end)) = &written {
            let closed_at = end.closed_at;
            self.on_writer(move |writer| {
                writer.backed_up(closed_at);
                Ok(())
            })?;
        }
        Ok(written)
    }

    /// The same without the secret of the tombstones: for those who have it.
    pub fn copy<W: Write>(&self, to: W, go_on: GoOn<'_>) -> Result<Option<(W, BackupEnd)>> {
        self.write(to, &BackupHead::new(self.state.now(), String::new()), go_on)
    }

    fn write<W: Write>(&self, to: W, head: &BackupHead, go_on: GoOn<'_>) -> Result<Option<(W, BackupEnd)>> {
        let tee = Arc::new(Tee::default());
        let attach = Arc::clone(&tee);
        self.on_writer(move |writer| {
            writer.attach(attach);
            Ok(())
        })?;
        let attached = Attached(self, tee);
        let tee = &attached.1;
        let mut writer = BackupWriter::new(to, head)?;
        let mut pages = pages(&*self.state.engine, PAGE_ROWS);
        loop {
            let since = Instant::now();
            let Some(page) = pages.next() else { break };
            if writer.rows(&page?)? {
                writer.batches(taken(tee.take())?)?;
                if !go_on(BackupProgress { rows: writer.rows_so_far(), bytes: writer.written() }) {
                    return Ok(None);
                }
            }
            // A backup is in no hurry, and CHECK is.
            thread::sleep(since.elapsed() * BACKUP_REST);
        }
        let last = Arc::clone(tee);
        let (batches, end) = self.on_writer(move |writer| {
            writer.note_trail();
            writer.detach(&last);
            Ok((last.take(), writer.state.backup_end(writer.next.batches)))
        })?;
        writer.batches(taken(batches)?)?;
        writer.finish(end).map(Some)
    }

    /// How the store is now, as a backup that ended now would say it.
    pub fn as_backup_end(&self) -> Result<BackupEnd> {
        self.on_writer(|writer| Ok(writer.state.backup_end(writer.next.batches)))
    }
}

fn taken(batches: Option<Vec<Vec<u8>>>) -> Result<Vec<Vec<u8>>> {
    batches.ok_or_else(|| {
        Error::internal(format!(
            "more than {} MiB were committed while the backup wrote one piece: its disk is too slow. Try again, or give \
             another --backup-dir",
            TEE_BYTES_MAX >> 20
        ))
    })
}

impl State {
    fn backup_head(&self) -> BackupHead {
        BackupHead::new(self.now(), self.memory.tombstones().secret().to_hex())
    }

    /// How the store is after a batch.
    pub(super) fn backup_end(&self, batch: u64) -> BackupEnd {
        let gate = self.memory.gate();
        let contacts = gate.directory.len();
        let known = || gate.lists().iter().filter(|(_, list)| list.is_known());
        let on_lists = [ListStatus::OptedOut, ListStatus::Suppressed];
        BackupEnd {
            closed_at: self.now(),
            batch,
            contacts,
            forbidden: contacts - gate.count(Term::Contact(ContactStatus::Active)),
            subscriptions_forbidden: known()
                .flat_map(|(id, _)| on_lists.map(|status| gate.count(Term::List(id, status))))
                .sum(),
            lists: known().count() as u64,
            tombstones: self.memory.tombstones().directory.len(),
            ..BackupEnd::default()
        }
    }
}
