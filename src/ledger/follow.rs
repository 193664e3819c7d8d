//! How a replica follows its ledger: by the rows that come next, or from the newest copy where these were cut off.

use std::path::Path;

use super::copy;
use super::part::Part;
use super::sql::{Failure, Sql};
use crate::error::Error;
use crate::store::Replica;

/// Rows that are read at a time.
const ROWS: i64 = 256;

/// What keeps it from going on.
pub enum Trouble {
    /// The database, which may answer later.
    Database(Error),
    /// Something that somebody has to mend.
    Here(Error),
}

impl Trouble {
    /// For whoever does not try again.
    pub fn into_error(self) -> Error {
        match self {
            Trouble::Database(why) | Trouble::Here(why) => why,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(why: Failure) -> Trouble {
        match why {
            Failure::NoTables | Failure::Older(_) | Failure::NoPartition => Trouble::Here(why.into_error()),
            why => Trouble::Database(why.into_error()),
        }
    }
}

impl From<Error> for Trouble {
    fn from(why: Error) -> Trouble {
        Trouble::Here(why)
    }
}

/// Brings a replica nearer to a row that it lacks, by a page of rows or by the newest copy, which is kept in a directory meanwhile.
pub async fn follow(sql: &mut Sql, part: &Part, to: u64, replica: &mut Replica, dir: &Path) -> Result<(), Trouble> {
    let had = replica.newest();
    let rows = sql.rows(had, ROWS).await?;
    if rows.first().is_none_or(|(first, _)| *first != had + 1) {
        return begin_with_copy(sql, part, replica, dir).await;
    }
    // Behind a gap are rows of another beginning, which a split has made: the copy has what they go on from.
    let come_next = rows.iter().zip(had + 1..).take_while(|((number, _), next)| number == next && *number <= to);
    for ((number, row), _) in come_next {
        replica.apply(*number, row)?;
    }
    Ok(())
}

/// The rows that would come next were cut off: starts over from the newest copy.
async fn begin_with_copy(sql: &mut Sql, part: &Part, replica: &mut Replica, dir: &Path) -> Result<(), Trouble> {
    if part.base <= replica.newest() {
        return Err(Trouble::Here(Error::internal(format!(
            "the ledger lacks row {}: somebody has removed rows from it",
            replica.newest() + 1
        ))));
    }
    tracing::info!("this replica begins with the ledger's copy, which ends with row {}", part.base);
    let copy = copy::fetch(sql, part.generation, dir).await?;
    replica.begin_with(copy)?;
    Ok(())
}
