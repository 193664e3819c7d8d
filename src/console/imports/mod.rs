//! Imports by the browser: an upload, a person's answers, a dry run, the run, its report.
//!
//! They are in memory, and the files have no names: a restart forgets them, but for what the rows became. An upload is gone
//! when its import is done, and when the session ends in which it came; a run goes on without its browser, as long as its
//! token is one.

mod answers;
pub mod form;
mod run;
pub mod words;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use data_encoding::HEXLOWER;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::act::Fields;
use super::scratch::Scratch;
use super::session::Session;
use crate::command::TokenId;
use crate::error::{Error, Result};
use crate::import::{Report, Sheet};
use crate::limits::{IMPORTS_MAX, UPLOADS_MAX};
use crate::model::time::Millis;
pub use answers::Answers;
pub use run::{Means, Running};

/// All imports that the console remembers.
pub struct Imports {
    dir: PathBuf,
    /// The newest first.
    all: Mutex<VecDeque<Arc<Import>>>,
    places: Arc<Semaphore>,
}

/// One import.
pub struct Import {
    /// What its address has.
    pub id: String,
    /// The name of the file.
    pub name: String,
    pub bytes: u64,
    /// Whose token it is; "" where nobody says.
    pub who: Arc<str>,
    /// When the file came.
    pub at: Millis,
    token: Option<TokenId>,
    session: Weak<Session>,
    stage: Mutex<Stage>,
}

/// How far an import is.
pub enum Stage {
    /// It waits for answers.
    Open(Box<Open>),
    /// Its rows are on their way; or those of a dry run are looked at.
    Running(Box<Running>),
    Done(Box<Outcome>),
    /// Its session has ended before it was run.
    Gone,
}

/// An upload that waits for answers.
pub struct Open {
    upload: Upload,
    pub answers: Answers,
    /// The columns, as they are read so far; or why the file cannot be read.
    pub sheet: Result<Box<Sheet>>,
    /// What a dry run with these answers came to.
    pub trial: Option<Outcome>,
}

/// A file on its way in, or one that has come.
pub struct Upload {
    pub file: Scratch,
    _place: OwnedSemaphorePermit,
}

/// What a run came to.
pub struct Outcome {
    pub report: Report,
    /// Why it ended early, if it did.
    pub error: Option<String>,
    pub began: Millis,
    pub ended: Millis,
    /// The rejected rows, if there are any, and nobody's session has ended yet.
    pub rejects: Option<Scratch>,
    pub is_ndjson: bool,
    /// Where the rows went; "" where the file says so.
    pub list: String,
}

impl Imports {
    /// None. Uploads will be on the disk of a directory.
    pub fn new(dir: PathBuf) -> Imports {
        Imports { dir, all: Mutex::default(), places: Arc::new(Semaphore::new(UPLOADS_MAX)) }
    }

    /// Makes room for a file that is on its way.
    pub fn begin(&self) -> Result<Upload> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Error::bad_arg(format!("{UPLOADS_MAX} files are here already: import or discard one of them first"))
        })?;
        Ok(Upload { file: self.scratch()?, _place: place })
    }

    /// Remembers an upload that has come, and looks into it.
    pub fn add(&self, upload: Upload, name: &str, answers: Answers, by: &Uploader<'_>) -> Result<Arc<Import>> {
        let mut id = [0; 12];
        rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty()).map_err(Error::internal)?;
        let sheet = answers.survey(&upload.file, name, by.now);
        let import = Arc::new(Import {
            id: HEXLOWER.encode(&id),
            name: name.to_owned(),
            bytes: upload.file.bytes(),
            who: Arc::clone(by.who),
            at: by.now,
            token: by.session.token,
            session: Arc::downgrade(by.session),
            stage: Mutex::new(Stage::Open(Box::new(Open { upload, answers, sheet, trial: None }))),
        });
        let mut all = lock(&self.all);
        all.push_front(Arc::clone(&import));
        if all.len() > IMPORTS_MAX {
            // Those that go on are few: each has one of the places for uploads.
            let oldest = all.iter().rposition(|import| import.is_over());
            oldest.and_then(|at| all.remove(at));
        }
        Ok(import)
    }

    /// A file for rejected rows.
    pub fn scratch(&self) -> Result<Scratch> {
        Scratch::new(&self.dir)
    }

    /// All of them, the newest first.
    pub fn all(&self) -> Vec<Arc<Import>> {
        lock(&self.all).iter().cloned().collect()
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<Arc<Import>> {
        lock(&self.all).iter().find(|import| import.id == id).cloned()
    }

    /// Forgets one, with its file.
    pub fn forget(&self, id: &str) {
        lock(&self.all).retain(|import| import.id != id);
    }

    /// Drops the files of sessions that have ended, and stops what goes on for a token that may not write any more.
    pub fn tidy(&self, may_write: impl Fn(&Import) -> bool) {
        for import in self.all() {
            import.tidy(may_write(&import));
        }
        lock(&self.all).retain(|import| !matches!(*import.stage(), Stage::Gone));
    }
}

/// Who uploads a file, and when.
pub struct Uploader<'u> {
    pub who: &'u Arc<str>,
    pub session: &'u Arc<Session>,
    pub now: Millis,
}

impl Stage {
    fn open(&mut self) -> Result<&mut Open> {
        match self {
            Stage::Open(open) => Ok(open),
            _ => Err(Error::bad_arg("this import is under way already")),
        }
    }
}

impl Import {
    /// Whose it is; None where nobody needs a token.
    pub fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// How far it is. Nobody may wait while this is held.
    pub fn stage(&self) -> MutexGuard<'_, Stage> {
        lock(&self.stage)
    }

    /// Reads the file as a form says. A dry run before that says nothing any more.
    pub fn read(&self, answers: Answers, fields: &Fields) -> Result<()> {
        let (mapping, file) = {
            let mut stage = self.stage();
            let open = stage.open()?;
            open.trial = None;
            let mapping = open.sheet.as_ref().ok().map(|sheet| form::mapping(sheet, fields)).transpose()?;
            let is_changed = answers != open.answers || open.sheet.is_err();
            (mapping, is_changed.then(|| open.upload.file.clone()))
        };
        // It reads the whole file: nobody else waits for that.
        let sheet = file.map(|file| answers.survey(&file, &self.name, self.at));
        let mut stage = self.stage();
        let open = stage.open()?;
        open.trial = None;
        match sheet {
            // What was said of the columns stays on the page.
            Some(Err(why)) if open.sheet.is_ok() => return Err(Error::bad_arg(words::unreadable(&why.message))),
            Some(sheet) => (open.sheet, open.answers) = (sheet, answers),
            None => {}
        }
        match (&mut open.sheet, mapping) {
            (Ok(sheet), Some(mapping)) => sheet.answer(mapping),
            _ => Ok(()),
        }
    }

    fn is_over(&self) -> bool {
        matches!(*self.stage(), Stage::Done(_) | Stage::Gone)
    }

    fn tidy(&self, may_write: bool) {
        let is_left = self.session.strong_count() == 0;
        let mut stage = self.stage();
        match &mut *stage {
            Stage::Open(_) if is_left || !may_write => *stage = Stage::Gone,
            Stage::Running(running) if !may_write => running.cut(),
            Stage::Running(running) if is_left && running.is_trial => running.stop(),
            Stage::Done(outcome) if is_left || !may_write => {
                outcome.rejects = None;
                outcome.report.forget_examples();
            }
            _ => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
