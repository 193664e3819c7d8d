//! Keeping the lease: a thread that renews it until it is lost or given up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::reign::{Reign, answering, margin};
use super::sql::{Failure, Sql};
use super::{copies, runtime};
use crate::error::{Error, Result};
use crate::lease::boot_time;

/// Before it tries again to reach the database.
const PAUSE: Duration = Duration::from_millis(100);
/// How often it looks at the clocks.
const LOOK: Duration = Duration::from_millis(20);
/// A lease is renewed so often before its time.
const RENEWALS: u32 = 5;

/// The thread that keeps a lease. It gives the lease up when this goes.
pub struct Keeper {
    reign: Arc<Reign>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Renews the lease of a reign from now on.
    pub fn start(reign: &Arc<Reign>) -> Result<Keeper> {
        let (kept, runtime) = (Arc::clone(reign), runtime()?);
        let keep = move || runtime.block_on(keep(&kept));
        let thread = thread::Builder::new().name("contactd-lease".to_owned()).spawn(keep).map_err(Error::internal)?;
        Ok(Keeper { reign: Arc::clone(reign), thread: Some(thread) })
    }
}

impl Drop for Keeper {
    /// Gives the lease up, so that another daemon may take over at once. Nothing is answered from then on.
    fn drop(&mut self) {
        self.reign.end("it was given up");
        if let Some(thread) = self.thread.take() {
            // A panic there was told.
            let _ = thread.join();
        }
    }
}

async fn keep(reign: &Reign) {
    let mut sql = None;
    let mut clocks = Clocks::now();
    while !reign.has_ended() {
        let lease = reign.settings.lease;
        match renew(reign, &mut sql).await {
            Ok(Some(wanted)) => reign.is_wanted_at(&wanted),
            Ok(None) => return reign.end("another daemon is the owner now"),
            Err(why) => {
                sql = None;
                if !reign.may_answer() {
                    return reign.end(format!("the lease could not be renewed: {}", why.into_error().message));
                }
                tracing::warn!("the lease is not renewed yet: {}", why.into_error().message);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        }
        let since = boot_time();
        while boot_time().saturating_sub(since) < lease / RENEWALS && !reign.has_ended() {
            let is_wanted = tokio::select! {
                () = tokio::time::sleep(LOOK) => false,
                () = reign.confirmations.wanted() => true,
                _ = reign.ended() => false,
            };
            if clocks.part_by(margin(lease)) {
                tracing::warn!(
                    "the clocks of this machine parted: was it frozen? The lease does not count until it is renewed"
                );
                reign.lease.suspend();
                clocks = Clocks::now();
                break;
            }
            if is_wanted {
                break;
            }
        }
    }
    give_up(reign, sql).await;
}

/// Renews the lease once. It counts from before the database was asked. Gives the address of who asks for the partition; none: the
/// reign is another.
async fn renew(reign: &Reign, sql: &mut Option<Sql>) -> std::result::Result<Option<String>, Failure> {
    let open = Sql::open(sql, &reign.settings.url).await?;
    let since = boot_time();
    let number = reign.confirmations.send();
    let Some(wanted) = open.renew(reign.number, reign.acked()).await? else { return Ok(None) };
    reign.confirmations.done(number);
    let lease = reign.settings.lease;
    reign.lease.extend(since + answering(lease));
    let standbys = open.setting("synchronous_standby_names").await?;
    reign.copies.store(copies(&standbys), Ordering::Relaxed);
    Ok(Some(wanted))
}

/// Tells the database that nobody answers for this reign any more. If that fails, others wait for the end of the lease.
async fn give_up(reign: &Reign, mut sql: Option<Sql>) {
    let given_up = async {
        let open = Sql::open(&mut sql, &reign.settings.url).await?;
        open.give_up(reign.number, reign.acked()).await
    };
    if let Err(why) = given_up.await {
        tracing::warn!("the lease was not given up, and others wait for its end: {}", why.into_error().message);
    }
}

/// The difference of two clocks: that of the day, which somebody sets after a machine was frozen, and the one that leases are
/// counted on, which stood still meanwhile.
struct Clocks(i128);

impl Clocks {
    fn now() -> Clocks {
        let of_day = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clocks(of_day.as_millis().cast_signed() - boot_time().as_millis().cast_signed())
    }

    fn part_by(&self, most: Duration) -> bool {
        (Clocks::now().0 - self.0).unsigned_abs() > most.as_millis()
    }
}
