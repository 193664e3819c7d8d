//! What an operator does with a ledger: make one, and look at it.

use std::path::Path;
use std::time::Duration;

use super::copy::Pieces;
use super::settings::Url;
use super::sql::{Failure, Part, Sql};
use super::{copies, runtime};
use crate::error::{Error, Result};
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

/// Makes a ledger with so many partitions that is empty, or begins with the store in a directory, which nobody may have open and
/// which has one. Gives the number of its first row.
pub fn init(url: &Url, partitions: u16, dir: Option<&Path>, now: Millis) -> Result<u64> {
    let runtime = runtime()?;
    let connected = runtime.block_on(async {
        let mut sql = Sql::connect(url).await?;
        sql.create().await?;
        if sql.partitions().await?.is_empty() { Ok(sql) } else { Err(Failure::Exists) }
    });
    let mut sql = connected.map_err(|why| exists(url, why))?;
    let begin = async |sql: &mut Sql, first: u64, row: &[u8], generation: i64| {
        sql.begin(partitions.cast_signed(), i32::from(ROW_FORMAT), (first, row), generation).await
    };
    let Some(dir) = dir else {
        // Nobody applies it; an append wants one before it.
        let row = row::encode(&Batch::new(0));
        return runtime.block_on(begin(&mut sql, 0, &row, 0)).map(|()| 0).map_err(|why| exists(url, why));
    };
    let founder = Founder::open(dir)?;
    runtime.block_on(sql.remove_copies(0)).map_err(Failure::into_error)?;
    let mut pieces = founder.copy(Pieces::new(&runtime, sql, 1), now)?;
    let (first, row) = (founder.number(), founder.row());
    runtime.block_on(begin(&mut pieces.sql, first, &row, 1)).map_err(|why| exists(url, why))?;
    founder.finish()?;
    Ok(first)
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
