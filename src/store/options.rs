//! How a store is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::model::inbox::MaybeOptOut;
use crate::model::strictness::Strictness;
use crate::model::time::{DAY_MS, Millis};
use crate::model::verdict::StopScope;

/// Where backups go if nothing is said: beside the store's files, in its directory.
pub const BACKUPS: &str = "backups";

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// Where it lives.
    pub dir: PathBuf,
    /// When a write is answered.
    pub fsync: Fsync,
    /// How far a STOP reaches.
    pub scope: StopScope,
    /// What is done with a contact that may want out.
    pub maybe_optout: MaybeOptOut,
    /// The clock.
    pub clock: Clock,
    /// Retention periods.
    pub keep: Retention,
    /// When a list's opt-out rate is high.
    pub opt_out_warning: OptOutWarning,
    /// Where each fact that forbids is written as well, before it is answered.
    pub trail: Option<PathBuf>,
    /// The file with the secret of the tombstones; none for one in the directory.
    pub tombstone_key: Option<PathBuf>,
    /// Where a backup goes before a store of an older contactd is changed; none for no backup.
    pub backups: Option<PathBuf>,
    /// How strict those are set up whom the store serves; none where nobody is served.
    pub strictness: Option<Strictness>,
    /// Where opening it tells how far it is.
    pub loading: Arc<Loading>,
}

/// How far a store is loaded, for those who wait for it.
#[derive(Debug, Default)]
pub struct Loading {
    contacts: AtomicU32,
    of: AtomicU32,
}

impl Loading {
    /// Tells how many contacts are in memory, and how many there will be.
    pub fn reach(&self, contacts: u32, of: u32) {
        self.contacts.store(contacts, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
    }

    /// How many contacts are in memory, and how many there will be. The latter is 0 until the store's file is open.
    pub fn reached(&self) -> (u32, u32) {
        (self.contacts.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed))
    }
}

/// When the opt-out rate of a list's last 30 days is high.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptOutWarning {
    /// Opt-outs per send: a higher rate is high. From 0.02 on, carriers and regulators look.
    pub rate: f64,
    /// Of fewer sends a rate says nothing: one STOP after one message is not a trend.
    pub sends_min: u64,
}

impl Default for OptOutWarning {
    fn default() -> OptOutWarning {
        OptOutWarning { rate: 0.02, sends_min: 100 }
    }
}

/// Retention periods. Consent and status are kept for ever.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Messages, clicks and so on in the history.
    pub events: Millis,
    /// Ids that change nothing when they come again.
    pub messages: Millis,
    /// Entries of the feed.
    pub feed: Millis,
    /// The proof of consent in tombstones.
    pub consent: Millis,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { events: 400 * DAY_MS, messages: 30 * DAY_MS, feed: 30 * DAY_MS, consent: 1_826 * DAY_MS }
    }
}

impl Options {
    /// The usual ones.
    pub fn new(dir: PathBuf, clock: Clock) -> Options {
        Options {
            backups: Some(dir.join(BACKUPS)),
            dir,
            fsync: Fsync::default(),
            scope: StopScope::default(),
            maybe_optout: MaybeOptOut::default(),
            clock,
            keep: Retention::default(),
            opt_out_warning: OptOutWarning::default(),
            trail: None,
            tombstone_key: None,
            strictness: None,
            loading: Arc::default(),
        }
    }
}

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// When a write is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// When it is on disk.
    #[default]
    Always,
    /// Forbidding writes when they are on disk; others at once, and on disk within
    /// [`crate::limits::FSYNC_INTERVAL_MS`].
    Interval,
}
