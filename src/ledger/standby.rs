//! Standing by: a daemon that is not the owner applies what the owner wrote, and takes over when the lease has run out.

use std::sync::Arc;
use std::time::Duration;

use super::follow::{Trouble, follow};
use super::keep::Keeper;
use super::mine::Mine;
use super::part::Part;
use super::reign::{Reign, answering, patience};
use super::settings::LedgerSettings;
use super::sql::Sql;
use super::view::View;
use super::{Home, runtime};
use crate::error::{Error, Result};
use crate::lease::boot_time;
use crate::store::Replica;
use crate::store::ledger::row::ROW_FORMAT;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);
/// Before it tries again to reach the database.
const PAUSE: Duration = Duration::from_millis(200);
/// How often what was applied is put on disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How often it looks whether the owner has too many partitions.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// For how long a partition that was given up is left to the daemon that asked for it.
const COURTESY: Duration = Duration::from_secs(1);

/// A daemon that stands by.
pub struct Standby<'s> {
    settings: &'s LedgerSettings,
    /// A name that no other process has.
    name: &'s str,
    /// Where it tells what it sees.
    view: &'s View,
    home: Home<'s>,
    mine: Mine,
    replica: &'s mut Replica,
    /// The reign and the beat that were seen last, and when they were first seen.
    beat: Option<((i64, i64), Duration)>,
    /// The reign and the beat at which it tried last to take over. Until they change it may have succeeded without knowing it.
    tried: Option<(i64, i64)>,
    /// There are more rows than it has applied.
    is_behind: bool,
    is_secret_known: bool,
    synced_at: Duration,
    asked_at: Duration,
}

impl<'s> Standby<'s> {
    pub fn new(
        settings: &'s LedgerSettings,
        name: &'s str,
        view: &'s View,
        home: Home<'s>,
        replica: &'s mut Replica,
    ) -> Result<Standby<'s>> {
        let mine = Mine::read(home.dir)?;
        Ok(Standby {
            settings,
            name,
            view,
            home,
            mine,
            replica,
            beat: None,
            tried: None,
            is_behind: false,
            is_secret_known: false,
            synced_at: boot_time(),
            asked_at: boot_time(),
        })
    }

    /// Waits until this daemon is the owner; none if it is to stop before.
    pub fn wait(&mut self, stop: &dyn Fn() -> bool) -> Result<Option<(Arc<Reign>, Keeper)>> {
        let taken = runtime()?.block_on(async {
            let mut sql = None;
            while !stop() {
                match self.look(&mut sql).await {
                    Ok(Some(reign)) => return Ok(Some(reign)),
                    Ok(None) if self.is_behind => {}
                    Ok(None) => tokio::time::sleep(LOOK).await,
                    Err(Trouble::Here(why)) => return Err(why),
                    Err(Trouble::Database(why)) => {
                        sql = None;
                        self.view.cannot_reach(&why.message);
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
            Ok(None)
        })?;
        self.replica.sync()?;
        let Some(reign) = taken else { return Ok(None) };
        let keeper = Keeper::start(&reign)?;
        Ok(Some((reign, keeper)))
    }

    /// Looks once: applies what is new, and takes over if it may.
    async fn look(&mut self, sql: &mut Option<Sql>) -> std::result::Result<Option<Arc<Reign>>, Trouble> {
        let sql = Sql::open(sql, &self.settings.url).await?;
        let part = sql.part().await?;
        let now = boot_time();
        self.check(&part)?;
        let seen = (part.reign, part.beat);
        let since = match self.beat {
            Some((last, since)) if last == seen => since,
            _ => now,
        };
        self.beat = Some((seen, since));
        // A row is applied if nothing can take it back: its owner went on from it, or says that it was acknowledged.
        let sure = part.acked.max(part.newest.saturating_sub(1));
        self.is_behind = self.follow(sql, &part, sure).await?;
        self.tell(&part);
        if self.is_behind {
            return Ok(None);
        }
        let unchanged = now.saturating_sub(since);
        let is_free = part.beat < 0 || self.mine.is(&part) || unchanged >= patience(part.lease);
        if is_free && !self.is_left_to_another(&part, unchanged) {
            return self.take(sql, &part).await;
        }
        if now.saturating_sub(self.asked_at) >= ASK_EVERY {
            self.asked_at = now;
            self.ask_for_it(sql, &part).await?;
        }
        Ok(None)
    }

    /// Whether the partition was given up for a daemon that asked for it, a moment ago.
    fn is_left_to_another(&self, part: &Part, unchanged: Duration) -> bool {
        let own = self.settings.advertise.to_string();
        part.beat < 0 && !part.wanted.is_empty() && part.wanted != own && unchanged < COURTESY
    }

    /// Asks the owner for the partition, if it has at least two more than this daemon: so they spread evenly.
    async fn ask_for_it(&self, sql: &mut Sql, part: &Part) -> std::result::Result<(), Trouble> {
        if self.settings.partitions == 1 || part.beat < 0 || !part.wanted.is_empty() {
            return Ok(());
        }
        let _alone = self.settings.asking.lock().await;
        if sql.want(part.reign, &self.settings.advertise.to_string()).await? {
            tracing::info!(
                "the owner at {} has more partitions than this daemon: it is asked for this one",
                part.address
            );
        }
        Ok(())
    }

    fn check(&self, part: &Part) -> Result<()> {
        if part.format > i32::from(ROW_FORMAT) {
            return Err(Error::internal(format!(
                "the ledger has form {}, and this contactd knows form {ROW_FORMAT}: use a newer contactd",
                part.format
            )));
        }
        if part.partitions != u64::from(self.settings.partitions) {
            return Err(Error::bad_arg(format!(
                "the ledger has {} partitions, and this contactd was started with --partitions {}: start it with --partitions {}",
                part.partitions, self.settings.partitions, part.partitions
            )));
        }
        if part.newest < self.replica.newest() {
            let all = self.home.dir.parent().filter(|_| self.settings.partitions > 1);
            return Err(Error::internal(format!(
                "the ledger ends with row {}, and this daemon has applied row {}, which was acknowledged: the ledger was set \
                 back to an earlier time, and opt-outs are missing from it. Restore the ledger, or make a new one in another database \
                 from the data directory that has the most rows, like this one, by `contactd ledger init URL --ledger-is-lost \
                 --data-dir {}`",
                part.newest,
                self.replica.newest(),
                all.unwrap_or(self.home.dir).display()
            )));
        }
        Ok(())
    }

    /// Applies rows up to one, a page at most. Says whether there are more.
    async fn follow(&mut self, sql: &mut Sql, part: &Part, sure: u64) -> std::result::Result<bool, Trouble> {
        if self.replica.newest() < sure {
            follow(sql, part, sure, self.replica, self.home.dir).await?;
        }
        if !self.is_secret_known {
            self.is_secret_known = self.replica.check_secret(self.home.tombstone_key, self.home.dir)?;
        }
        let now = boot_time();
        if now.saturating_sub(self.synced_at) >= SYNC_EVERY {
            self.replica.sync()?;
            self.synced_at = now;
        }
        Ok(self.replica.newest() < sure)
    }

    /// Becomes the owner, unless somebody else was faster. What is read behind that can be believed: the database has
    /// acknowledged it with everything before it, and no row of an earlier reign comes behind it.
    async fn take(&mut self, sql: &mut Sql, seen: &Part) -> std::result::Result<Option<Arc<Reign>>, Trouble> {
        let lease = self.settings.lease;
        let since = boot_time();
        let address = self.settings.advertise.to_string();
        // Before any other daemon can see it as the owner: else each could hand a client on to the other.
        self.tried = Some((seen.reign, seen.beat));
        self.view.note(|view| view.owner.clone_from(&address));
        let Some(number) = sql.take(seen, self.name, &address, lease).await? else { return Ok(None) };
        self.mine.note(number, self.name)?;
        loop {
            let part = sql.part().await?;
            if part.reign != number {
                return Ok(None);
            }
            self.check(&part)?;
            if !self.follow(sql, &part, part.newest).await? {
                break;
            }
        }
        let reign = Arc::new(Reign::new(number, self.settings.clone(), self.replica.newest()));
        reign.lease.extend(since + answering(lease));
        tracing::info!("this daemon is the owner now, in reign {number}, from row {} on", self.replica.newest());
        self.view.note(|view| view.is_owner = true);
        Ok(Some(reign))
    }

    fn tell(&self, part: &Part) {
        self.view.note(|view| {
            if view.owner != part.address && self.tried != Some((part.reign, part.beat)) {
                tracing::info!("the owner is at {}, in reign {}", part.address, part.reign);
                view.owner.clone_from(&part.address);
            }
            (view.newest, view.applied) = (part.newest, self.replica.newest());
            if std::mem::take(&mut view.is_cut_off) {
                tracing::info!("the ledger answers again");
            }
        });
    }
}
