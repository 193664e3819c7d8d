//! Splitting the partitions of a ledger into more of them.
//!
//! Whoever does it takes over all partitions, as a daemon would, once no daemon has one: from then on nobody else appends anything. It
//! reads each to its end, and writes a copy for each partition that it becomes, which nobody looks at yet. Then one transaction puts
//! the new partitions into the place of the old ones, if it still owns all of them. Until then nothing has happened, and a daemon of
//! before goes on. From then on such a daemon finds another number of partitions than it was started with, and ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::admin::beyond;
use super::copy::Pieces;
use super::follow::{Trouble, follow};
use super::keep::Keeper;
use super::part::{Begin, Part};
use super::reign::{Reign, patience};
use super::settings::{LedgerSettings, Url};
use super::sql::{Failure, Sql};
use super::{name, runtime};
use crate::address::Address;
use crate::error::{Error, Result};
use crate::lease::boot_time;
use crate::model::slot::Partition;
use crate::model::time::Millis;
use crate::store::ledger::row::ROW_FORMAT;
use crate::store::{Founder, Replica};
use crate::tls::Trust;

/// How long its leases are: whoever comes after one that was cut off waits for their end.
const LEASE: Duration = Duration::from_secs(5);
/// How often it looks whether somebody owns a partition.
const LOOK: Duration = Duration::from_millis(50);
/// Where daemons find the owner meanwhile: nowhere.
const NOWHERE: &str = "split.invalid:1";

/// A partition that is held, so that nobody else appends to it.
struct Held {
    reign: Arc<Reign>,
    _keeper: Keeper,
    /// As it was when it was taken over.
    part: Part,
}

/// Splits the partitions of a ledger into so many, a multiple of those that there are, while no daemon runs. `room` is a directory for
/// copies of one at a time. Gives how many there were.
pub fn split(url: &Url, partitions: u16, room: &Path, now: Millis) -> Result<u16> {
    let runtime = runtime()?;
    let free = runtime.block_on(async {
        let mut sql = Sql::connect(url).await.map_err(Failure::into_error)?;
        let parts = parts(&mut sql, partitions).await?;
        wait_until_free(&mut sql, parts).await.map(|parts| (sql, parts))
    });
    let (mut sql, parts) = free?;
    let of = parts.len() as u16;
    let settings = LedgerSettings {
        url: url.clone(),
        advertise: NOWHERE.parse::<Address>().map_err(Error::internal)?,
        lease: LEASE,
        copies: 1,
        partitions: of,
        asking: Arc::default(),
        is_check_confirmed: false,
        trust: Trust::default(),
    };
    let mut held = Vec::new();
    for (place, part) in (0..of).zip(&parts) {
        held.push(runtime.block_on(take(&mut sql, place, part, &settings))?);
    }
    let number = beyond(held.iter().map(|held| held.part.newest));
    let generation = runtime.block_on(sql.next_generation()).map_err(Failure::into_error)?;
    let mut begins = Vec::new();
    for (held, whole) in held.iter().zip(Partition::WHOLE.split(of)) {
        let dir = tempfile::tempdir_in(room).map_err(|why| cannot(room, &why))?;
        sql.turn_to(whole.place.cast_signed());
        let replica = runtime.block_on(replicate(&mut sql, &held.part, dir.path()))?;
        let founder = Founder::of(replica)?.ok_or_else(|| {
            Error::bad_arg(format!(
                "partition {whole} was never opened: there is nothing to split. Make the ledger anew with the number that you want"
            ))
        })?;
        for here in whole.split(partitions) {
            sql.turn_to(here.place.cast_signed());
            runtime.block_on(sql.remove_strays()).map_err(Failure::into_error)?;
            tracing::info!("partition {here} is made of {whole}");
            let first = founder.first_of_part(number, now)?;
            let pieces = Pieces::new(&runtime, sql, None, generation);
            let pieces = founder.copy_part((here, whole), &first, pieces, now)?;
            begins.push(Begin { first: number, row: first.row(), generation, pieces: pieces.count() });
            sql = pieces.sql;
        }
    }
    let reigns: Vec<i64> = held.iter().map(|held| held.reign.number).collect();
    let is_replaced = runtime.block_on(sql.replace(&reigns, &begins, i32::from(ROW_FORMAT))).map_err(|why| {
        Error::internal(format!(
            "{}. It is not known whether the ledger is split: `contactd ledger status` shows how many partitions it has",
            why.into_error().message
        ))
    })?;
    if !is_replaced {
        return Err(Error::internal(
            "a daemon has taken over a partition: nothing was split. Stop all daemons, and begin again",
        ));
    }
    drop(held);
    // What is left of it harms nobody: it goes with the next copies otherwise.
    if let Err(why) = runtime.block_on(tidy(&mut sql, partitions, number)) {
        tracing::warn!("old rows are left in the database: {}", why.into_error().message);
    }
    Ok(of)
}

/// The partitions that there are, if they can become so many.
async fn parts(sql: &mut Sql, partitions: u16) -> Result<Vec<Part>> {
    let places = sql.partitions().await.map_err(Failure::into_error)?;
    let mut parts = Vec::new();
    for place in &places {
        sql.turn_to(*place);
        let part = sql.part().await.map_err(Failure::into_error)?;
        if part.format != i32::from(ROW_FORMAT) {
            return Err(Error::internal(format!(
                "the ledger has form {}, and this contactd knows form {ROW_FORMAT}: use the contactd that its daemons are of",
                part.format
            )));
        }
        parts.push(part);
    }
    let of = parts.len() as u16;
    if of == partitions {
        return Err(Error::bad_arg(format!("the ledger has {of} partitions already")));
    }
    if of == 0 || !partitions.is_multiple_of(of) {
        return Err(Error::bad_arg(format!(
            "the ledger has {of} partitions: each can become two or more, so say a multiple of {of}, like --partitions {}",
            2 * of
        )));
    }
    Ok(parts)
}

/// Waits until no daemon answers for a partition: one that is gone has given it up, or its lease runs out. One that renews its lease
/// is there.
async fn wait_until_free(sql: &mut Sql, parts: Vec<Part>) -> Result<Vec<Part>> {
    let since = boot_time();
    for (place, part) in (0..).zip(&parts) {
        sql.turn_to(place);
        loop {
            let now = sql.part().await.map_err(Failure::into_error)?;
            if (now.reign, now.beat) != (part.reign, part.beat) {
                return Err(Error::bad_arg(format!(
                    "the daemon at {} is there: stop all daemons of the ledger first",
                    now.address
                )));
            }
            if part.beat < 0 || boot_time().saturating_sub(since) >= patience(part.lease) {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(parts)
}

/// Takes a partition over, and keeps it.
async fn take(sql: &mut Sql, place: u16, seen: &Part, settings: &LedgerSettings) -> Result<Held> {
    let place = place.cast_signed();
    sql.turn_to(place);
    let address = settings.advertise.to_string();
    let taken = sql.take(seen, &name(), &address, settings.lease).await.map_err(Failure::into_error)?;
    let Some(number) = taken else {
        return Err(Error::bad_arg(format!(
            "a daemon has taken over partition {place}: stop all daemons of the ledger first"
        )));
    };
    // The database has acknowledged the change of owners with all rows before it, and no row of an earlier owner comes behind it.
    let part = sql.part().await.map_err(Failure::into_error)?;
    let settings = LedgerSettings { url: settings.url.part(place), ..settings.clone() };
    let reign = Arc::new(Reign::new(number, settings, part.newest));
    let keeper = Keeper::start(&reign)?;
    Ok(Held { reign, _keeper: keeper, part })
}

/// All that a partition has, in a directory.
async fn replicate(sql: &mut Sql, part: &Part, dir: &Path) -> Result<Replica> {
    let mut replica = Replica::open(dir)?;
    while replica.newest() < part.newest {
        follow(sql, part, part.newest, &mut replica, dir).await.map_err(Trouble::into_error)?;
    }
    Ok(replica)
}

/// Removes what the partitions of before have left.
async fn tidy(sql: &mut Sql, partitions: u16, below: u64) -> std::result::Result<(), Failure> {
    for place in 0..partitions {
        sql.turn_to(place.cast_signed());
        sql.remove_strays().await?;
        let reign = sql.part().await?.reign;
        while sql.cut_some(reign, below).await? {}
    }
    Ok(())
}

fn cannot(dir: &Path, why: &std::io::Error) -> Error {
    Error::internal(format!("cannot keep a copy in {}: {why}", dir.display()))
}
