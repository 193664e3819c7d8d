//! The time between two changes of the owner, as its owner sees it: what its threads share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::confirm::Confirmations;
use super::flaw;
use super::settings::LedgerSettings;
use crate::lease::Lease;

/// What the owner's threads share of one reign.
pub struct Reign {
    /// Its number.
    pub number: i64,
    /// How the owner takes part.
    pub settings: LedgerSettings,
    /// Until when the owner may answer.
    pub lease: Lease,
    /// The newest row that was acknowledged.
    acked: AtomicU64,
    /// On how many machines a row is before it counts, as it was last seen.
    pub copies: AtomicU64,
    /// Who waits for a renewal.
    pub confirmations: Confirmations,
    /// Why it has ended, once it has.
    ended: watch::Sender<Option<String>>,
    /// The address of a daemon that asks for the partition; empty if none does.
    wanted: watch::Sender<String>,
}

impl Reign {
    /// One that begins, with the newest row of the one before.
    pub fn new(number: i64, settings: LedgerSettings, newest: u64) -> Reign {
        Reign {
            number,
            settings,
            lease: Lease::default(),
            acked: AtomicU64::new(newest),
            copies: AtomicU64::new(0),
            confirmations: Confirmations::default(),
            ended: watch::Sender::new(None),
            wanted: watch::Sender::default(),
        }
    }

    /// Whether the owner may answer now. Ask after the request was read: what is true then may be answered, however long that
    /// takes.
    pub fn may_answer(&self) -> bool {
        self.lease.holds() || flaw::has(flaw::IGNORES_LEASE)
    }

    /// Waits until the ledger has said, asked from now on, that this reign goes on. False: it has ended.
    pub async fn confirmed(&self) -> bool {
        tokio::select! {
            () = self.confirmations.next() => true,
            _ = self.ended() => false,
        }
    }

    /// The newest row that was acknowledged.
    pub fn acked(&self) -> u64 {
        self.acked.load(Ordering::SeqCst)
    }

    /// A row was acknowledged.
    pub fn acknowledged(&self, row: u64) {
        self.acked.fetch_max(row, Ordering::SeqCst);
    }

    /// Ends it: from now on nothing is answered. The first reason stands.
    pub fn end(&self, why: impl Into<String>) {
        self.lease.end();
        let why = why.into();
        self.ended.send_if_modified(|ended| {
            let is_first = ended.is_none();
            if is_first {
                *ended = Some(why);
            }
            is_first
        });
    }

    /// Somebody asks for the partition at an address; nobody, if that is empty.
    pub fn is_wanted_at(&self, address: &str) {
        self.wanted.send_if_modified(|wanted| {
            let is_news = wanted != address;
            if is_news {
                address.clone_into(wanted);
            }
            is_news
        });
    }

    /// Waits until another daemon asks for the partition, and gives its address.
    pub async fn wanted(&self) -> String {
        let mut wanted = self.wanted.subscribe();
        // It has the sender: it cannot be gone.
        match wanted.wait_for(|wanted| !wanted.is_empty()).await {
            Ok(wanted) => wanted.clone(),
            Err(_) => String::new(),
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.lease.is_over()
    }

    /// Waits for its end, and gives the reason.
    pub async fn ended(&self) -> String {
        let mut ended = self.ended.subscribe();
        // It has the sender: it cannot be gone.
        match ended.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            Err(_) => String::new(),
        }
    }
}

/// By how much the owner counts a lease shorter than it is: for clocks that do not run alike, and for what lies between the
/// look at one and the answer.
pub fn margin(lease: Duration) -> Duration {
    (lease / 10).max(Duration::from_secs(1).min(lease / 4))
}

/// For how long the owner may answer after it has asked for a lease.
pub fn answering(lease: Duration) -> Duration {
    lease.saturating_sub(margin(lease))
}

/// How long those who wait for the end of a lease wait: somewhat longer, for clocks that do not run alike.
pub fn patience(lease: Duration) -> Duration {
    if flaw::has(flaw::TAKES_EARLY) { lease / 4 } else { lease + lease / 100 }
}
