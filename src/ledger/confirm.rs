//! Renewals of the lease that somebody waits for (`--check confirmed`): what the ledger says to a question that was sent after a CHECK
//! came is true of a moment after it came, whatever clocks say. One renewal is on its way at a time, and serves all who came
//! before it was sent.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

/// The renewals of a reign, by number.
#[derive(Default)]
pub struct Confirmations {
    /// The newest that was sent, or is about to be.
    sent: AtomicU64,
    /// The newest that the ledger has said yes to.
    done: watch::Sender<u64>,
    /// Told that somebody waits.
    wanted: Notify,
    /// How many were sent because somebody waited.
    asked_for: AtomicU64,
}

impl Confirmations {
    /// Waits for a renewal that is sent from now on.
    pub async fn next(&self) {
        // One whose number is not taken yet is sent after this.
        let mine = self.sent.load(Ordering::SeqCst) + 1;
        let mut done = self.done.subscribe();
        self.wanted.notify_one();
        // It has the sender: it cannot be gone.
        let _ = done.wait_for(|done| *done >= mine).await;
    }

    /// Waits until somebody waits.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
        self.asked_for.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of a renewal that is sent behind this.
    pub(super) fn send(&self) -> u64 {
        self.sent.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The ledger has said yes to one.
    pub(super) fn done(&self, number: u64) {
        self.done.send_replace(number);
    }

    /// How many renewals were sent because somebody waited.
    pub fn asked_for(&self) -> u64 {
        self.asked_for.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_renewal_that_was_on_its_way_already_confirms_nothing() {
        let confirmations = Confirmations::default();
        let before = confirmations.send();
        let next = confirmations.next();
        tokio::pin!(next);
        assert!(timeout(Duration::ZERO, &mut next).await.is_err());
        confirmations.done(before);
        assert!(timeout(Duration::ZERO, &mut next).await.is_err(), "it was sent before somebody asked");
        confirmations.wanted().await;
        confirmations.done(confirmations.send());
        next.await;
        assert_eq!(confirmations.asked_for(), 1);
    }
}
