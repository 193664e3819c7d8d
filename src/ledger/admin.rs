//! What an operator does with a ledger: make one, and look at it.

use std::path::PathBuf;
use std::time::Duration;

use super::copy::Pieces;
use super::part::{Begin, Part};
use super::settings::Url;
use super::sql::{Failure, Sql};
use super::{copies, runtime};
use crate::error::{Error, Result};
use crate::model::slot::Partition;
use crate::model::time::Millis;
use crate::store::Founder;
use crate::store::engine::Batch;
use crate::store::ledger::row::{self, ROW_FORMAT};

/// What is known of a ledger.
pub struct LedgerStatus {
    /// Of each partition.
    pub partitions: Vec<PartStatus>,
    /// On how many machines a row is before it counts.
    pub copies: u64,
    /// Settings of the server that endanger what it acknowledges, each with what it should be.
    pub dangers: Vec<String>,
}

/// What is known of one partition.
pub struct PartStatus {
    /// Where the owner is reached; empty while there is none.
    pub owner: String,
    /// How often the owner has changed.
    pub reign: i64,
    /// How long the owner's lease is; none once it was given up.
    pub lease: Option<Duration>,
    /// The newest row.
    pub newest: u64,
    /// All rows up to this one were acknowledged.
    pub acked: u64,
    /// The newest copy has what stands in the rows up to this one.
    pub base: u64,
    /// Bytes of the rows behind the copy, and of the copies.
    pub sizes: (u64, u64),
}

/// Settings of a server, and what each must be.
const SAFE: [(&str, &str); 2] = [("fsync", "on"), ("full_page_writes", "on")];

/// Makes a ledger with so many partitions that is empty, or begins with a store, which nobody may have open: the directory of each of
/// its partitions, as many as the ledger gets or a part of as many. They may be copies of another ledger only if that one is lost.
/// Gives the number of its first row.
pub fn init(url: &Url, partitions: u16, stores: &[PathBuf], is_lost: bool, now: Millis) -> Result<u64> {
    let runtime = runtime()?;
    let connected = runtime.block_on(async {
        let mut sql = Sql::connect(url).await?;
        sql.create().await?;
        if sql.partitions().await?.is_empty() { Ok(sql) } else { Err(Failure::Exists) }
    });
    let mut sql = connected.map_err(|why| exists(url, why))?;
    let mut begins = Vec::new();
    let founders = stores.iter().map(|dir| Founder::open(dir, is_lost)).collect::<Result<Vec<_>>>()?;
    if founders.is_empty() {
        // Nobody applies it; an append wants one before it.
        let row = row::encode(&Batch::new(0));
        begins.extend((0..partitions).map(|_| Begin { first: 0, row: row.clone(), generation: 0, pieces: 0 }));
    }
    let number = beyond(founders.iter().map(Founder::newest));
    for (founder, whole) in founders.iter().zip(Partition::WHOLE.split(founders.len() as u16)) {
        for here in whole.split(partitions) {
            sql.turn_to(here.place.cast_signed());
            runtime.block_on(sql.remove_strays()).map_err(Failure::into_error)?;
            let pieces = Pieces::new(&runtime, sql, None, 1);
            let goes_on = here == whole && !founder.is_copy();
            let first = if goes_on { founder.first()? } else { founder.first_of_part(number, now)? };
            let pieces = if here == whole {
                founder.copy(&first, pieces, now)?
            } else {
                founder.copy_part((here, whole), &first, pieces, now)?
            };
            let (first, row) = (first.number(), first.row());
            begins.push(Begin { first, row, generation: 1, pieces: pieces.count() });
            sql = pieces.sql;
        }
    }
    sql.turn_to(0);
    let begun = runtime.block_on(sql.begin(&begins, i32::from(ROW_FORMAT)));
    begun.map_err(|why| exists(url, why))?;
    founders.into_iter().try_for_each(Founder::finish)?;
    Ok(begins.first().map_or(0, |begin| begin.first))
}

/// A number for the first row of partitions that others become: so far beyond theirs that a daemon which has a copy of one of them
/// finds a gap, and begins with the new copy.
pub(super) fn beyond(newest: impl Iterator<Item = u64>) -> u64 {
    newest.max().unwrap_or(0) + 3
}

/// What is known of a ledger.
pub fn status(url: &Url) -> Result<LedgerStatus> {
    let looked = runtime()?.block_on(async {
        let mut sql = Sql::connect(url).await?;
        let mut partitions = Vec::new();
        for place in sql.partitions().await? {
            sql.turn_to(place);
            let Part { reign, address, beat, lease, acked, base, newest, .. } = sql.part().await?;
            let sizes = sql.sizes(base).await?;
            let lease = (beat >= 0).then_some(lease);
            partitions.push(PartStatus { owner: address, reign, lease, newest, acked, base, sizes });
        }
        if partitions.is_empty() {
            return Err(Failure::NoTables);
        }
        let copies = copies(&sql.setting("synchronous_standby_names").await?);
        let dangers = dangers(&mut sql).await?;
        Ok(LedgerStatus { partitions, copies, dangers })
    });
    looked.map_err(Failure::into_error)
}

/// What of a server's settings endangers what it acknowledges.
async fn dangers(sql: &mut Sql) -> std::result::Result<Vec<String>, Failure> {
    let mut dangers = Vec::new();
    for (name, safe) in SAFE {
        let found = sql.setting(name).await?;
        if found != safe {
            dangers.push(format!("{name} is {found}, and must be {safe}"));
        }
    }
    Ok(dangers)
}

fn exists(url: &Url, why: Failure) -> Error {
    match why {
        Failure::Exists => Error::bad_arg(format!("{url} has a ledger already: `contactd ledger status` shows it")),
        why => why.into_error(),
    }
}
