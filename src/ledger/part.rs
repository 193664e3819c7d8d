//! A partition as the database has it, and what one begins with.

use std::time::Duration;

use tokio_postgres::{Row, Transaction};

use super::sql::{Failure, within};

/// What the database says of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// How often the owner has changed.
    pub reign: i64,
    /// Who it is: a name that no other process has.
    pub owner: String,
    /// Where it is reached.
    pub address: String,
    /// How often it has renewed its lease; negative once it has given it up.
    pub beat: i64,
    /// How long a lease is.
    pub lease: Duration,
    /// All rows up to this one were acknowledged.
    pub acked: u64,
    /// The newest copy has what stands in the rows up to this one.
    pub base: u64,
    /// Which copy that is; 0 for none.
    pub generation: i64,
    /// The form of the rows.
    pub format: i32,
    /// The newest row.
    pub newest: u64,
    /// Where the daemon is that asks the owner for it; empty if none does.
    pub wanted: String,
    /// How many partitions the ledger has.
    pub partitions: u64,
}

/// What a partition begins with.
pub struct Begin {
    /// The number of its first row.
    pub first: u64,
    /// That row.
    pub row: Vec<u8>,
    /// The generation of the copy that ends with it; 0 for none.
    pub generation: i64,
    /// How many pieces the copy has.
    pub pieces: i64,
}

impl Begin {
    /// Writes it, of an owner who is nobody.
    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        place: i16,
        reign: i64,
        format: i32,
    ) -> Result<(), Failure> {
        let number = self.first.cast_signed();
        let part = "INSERT INTO contactd_part VALUES ($1, $5, '', '', -1, 0, $2, $2, $3, $4)";
        within(transaction.execute(part, &[&place, &number, &self.generation, &format, &reign])).await?;
        let ledger = "INSERT INTO contactd_ledger VALUES ($1, $2, $4, $3)";
        within(transaction.execute(ledger, &[&place, &number, &self.row, &reign])).await?;
        Ok(())
    }
}

impl Part {
    pub(super) fn from(row: &Row) -> Part {
        let number = |column| row.get::<_, i64>(column).unsigned_abs();
        Part {
            reign: row.get(0),
            owner: row.get(1),
            address: row.get(2),
            beat: row.get(3),
            lease: Duration::from_millis(number(4)),
            acked: number(5),
            base: number(6),
            generation: row.get(7),
            format: row.get(8),
            newest: row.get::<_, Option<i64>>(9).map_or(0, i64::unsigned_abs),
            wanted: row.get(10),
            partitions: number(11),
        }
    }
}
