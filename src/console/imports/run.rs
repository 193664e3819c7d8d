//! The run of an import on a thread of its own: dry, or for good.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::{Answers, Import, Open, Outcome, Stage, lock};
use crate::client::Client;
use crate::console::scratch::Scratch;
use crate::error::{Error, Result};
use crate::import::{Mapping, Progress, Report, has_list};
use crate::model::time::Millis;

/// A run that goes on.
pub struct Running {
    pub is_trial: bool,
    pub began: Millis,
    pub watch: Arc<Watch>,
    /// The connection that its rows go over.
    socket: UnixStream,
    /// What it is of. A dry run gives it back.
    open: Box<Open>,
}

/// How far a run is, for pages to show.
#[derive(Default)]
pub struct Watch {
    report: Mutex<Option<Report>>,
    read: Mutex<Arc<AtomicU64>>,
    is_stopped: AtomicBool,
}

impl Watch {
    /// What has become of the rows so far.
    pub fn report(&self) -> Report {
        lock(&self.report).clone().unwrap_or_else(|| Report::new(false))
    }

    /// How much of the file was read.
    pub fn bytes(&self) -> u64 {
        lock(&self.read).load(Ordering::Relaxed)
    }
}

impl Progress for Arc<Watch> {
    fn update(&mut self, report: &Report) {
        *lock(&self.report) = Some(report.clone());
    }
}

/// A file that ends for whoever reads it when somebody stops the import: what was sent until then is answered and counted.
struct Stoppable<R>(R, Arc<Watch>);

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        if self.1.is_stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was stopped"));
        }
        self.0.read(piece)
    }
}

impl Running {
    /// Sends no more rows.
    pub fn stop(&self) {
        self.watch.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Ends it at once, since its rights have ended. What was sent may have been taken.
    pub fn cut(&self) {
        self.stop();
        // Fails when it has ended already.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }

    /// How much of the file was read, in per cent.
    pub fn percent(&self, bytes: u64) -> u64 {
        (self.watch.bytes() * 100).checked_div(bytes).unwrap_or(0).min(100)
    }
}

/// What a run needs.
pub struct Means {
    /// Two connections with the rights of the token: for the rows, and for a look at their lists.
    pub sockets: [UnixStream; 2],
    /// For rows that are rejected.
    pub rejects: Scratch,
    pub now: Millis,
}

impl Import {
    /// Begins a run of what is open.
    ///
    /// # Errors
    /// Something must be said first, or no dry run has shown what would come of it.
    pub fn run(self: &Arc<Import>, is_trial: bool, means: Means) -> Result<()> {
        let mut stage = self.stage();
        let Stage::Open(open) = &*stage else { return Err(Error::bad_arg("this import is not waiting to be run")) };
        let sheet = open.sheet.as_ref().map_err(|why| Error::bad_arg(why.message.clone()))?;
        let (questions, is_listless) = super::form::questions(sheet);
        if !questions.is_empty() || is_listless {
            return Err(Error::bad_arg("something must be said first: look for what is marked below"));
        }
        if !is_trial && open.trial.as_ref().is_none_or(|trial| trial.error.is_some()) {
            return Err(Error::bad_arg("a dry run comes first: it shows what would become of the rows"));
        }
        let mut mapping = sheet.mapping();
        sheet.complete(&mut mapping)?;
        let Means { sockets: [socket, lists], rejects, now } = means;
        let watch = Arc::new(Watch::default());
        let other = socket.try_clone().map_err(Error::internal)?;
        let job = Job {
            import: Arc::clone(self),
            is_trial,
            mapping,
            answers: open.answers.clone(),
            file: open.upload.file.clone(),
            is_ndjson: sheet.is_ndjson(),
            watch: Arc::clone(&watch),
            rejects,
            now,
        };
        // It cannot end before the stage says that it runs: the stage is held.
        std::thread::Builder::new()
            .name("import".into())
            .spawn(move || job.run(socket, lists))
            .map_err(Error::internal)?;
        if let Stage::Open(open) = std::mem::replace(&mut *stage, Stage::Gone) {
            *stage = Stage::Running(Box::new(Running { is_trial, began: now, watch, socket: other, open }));
        }
        Ok(())
    }

    /// A dry run gives its upload back with what it came to; after a real one the upload is gone.
    fn finish(&self, outcome: Outcome) {
        let mut stage = self.stage();
        *stage = match std::mem::replace(&mut *stage, Stage::Gone) {
            Stage::Running(running) if running.is_trial => {
                let mut open = running.open;
                open.trial = Some(outcome);
                Stage::Open(open)
            }
            Stage::Running(_) => Stage::Done(Box::new(outcome)),
            other => other,
        };
    }
}

/// What the thread of a run has.
struct Job {
    import: Arc<Import>,
    is_trial: bool,
    mapping: Mapping,
    answers: Answers,
    file: Scratch,
    is_ndjson: bool,
    watch: Arc<Watch>,
    rejects: Scratch,
    now: Millis,
}

impl Job {
    fn run(self, socket: UnixStream, lists: UnixStream) {
        let began = Instant::now();
        let mut report = Report::new(self.is_trial);
        let (client, lists) = (Client::over_socket(socket), Client::over_socket(lists));
        let run = std::panic::AssertUnwindSafe(|| self.import(client, lists, &mut report));
        let done = std::panic::catch_unwind(run).unwrap_or_else(|_| Err(Error::internal("a thread has panicked")));
        report.finish();
        let error = done.err().map(|why| {
            let is_stopped = self.watch.is_stopped.load(Ordering::Relaxed);
            if is_stopped { "it was stopped".to_owned() } else { why.message }
        });
        let outcome = Outcome {
            rejects: Some(self.rejects).filter(|_| report.rejected() > 0),
            report,
            error,
            began: self.now,
            ended: self.now + i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
            is_ndjson: self.is_ndjson,
            list: self.answers.list,
        };
        self.import.finish(outcome);
    }

    fn import(&self, client: Client, mut looks: Client, report: &mut Report) -> Result<()> {
        let source = self.answers.source(Stoppable(self.file.reading(), Arc::clone(&self.watch)))?;
        *lock(&self.watch.read) = source.bytes_read();
        let mut sheet = self.answers.open(source, &self.import.name, self.now, self.is_trial)?;
        sheet.answer(self.mapping.clone())?;
        if let Some(list) = sheet.list()? {
            must_have(&mut looks, list)?;
        }
        let rejects = sheet.rejects(self.rejects.writer()?)?;
        let lists = sheet.import(client, Some(rejects), Arc::clone(&self.watch), None, report)?;
        if self.is_trial {
            // A real import learns of a list that is not there by itself, and rejects its rows.
            lists.iter().try_for_each(|list| must_have(&mut looks, list))?;
        }
        Ok(())
    }
}

fn must_have(client: &mut Client, list: &str) -> Result<()> {
    if has_list(client, list)? {
        return Ok(());
    }
    Err(Error::bad_arg(format!("the list {list} does not exist: create it first, under Sending Lists")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_for_whoever_reads_it_when_its_import_is_stopped() {
        let watch = Arc::new(Watch::default());
        let mut file = Stoppable(&b"phone\n"[..], Arc::clone(&watch));
        let mut piece = [0; 3];
        assert_eq!(file.read(&mut piece).expect("read"), 3);
        watch.is_stopped.store(true, Ordering::Relaxed);
        assert!(file.read(&mut piece).is_err(), "an end would look like that of the file");
    }
}
