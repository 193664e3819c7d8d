//! One connection to the database, and the few statements that a ledger is.
//!
//! The database has to do three things: append a row if two other rows are as expected, read a range, and delete. What it
//! acknowledged must survive the loss of its primary.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Socket, Statement, ToStatement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::flaw;
use super::part::{Begin, Part};
use super::settings::Url;
use crate::error::Error;

/// How long a statement may take. The time-outs of the server do not end a commit that waits for its standby; ours do, and the
/// connection goes with the statement.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a new connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);

/// Set for each connection. A commit that does not wait for its standby is not an acknowledgement. A statement that waited for
/// a row has to look at it again, which only `read committed` does.
const SESSION: &str = "SET synchronous_commit = on; \
     SET default_transaction_isolation = 'read committed'; \
     SET lock_timeout = '4s'; \
     SET client_min_messages = warning; \
     SET idle_in_transaction_session_timeout = '10s'";

/// The tables of a ledger.
///
/// `contactd_part` has one row for each partition: who owns it (`owner`, reachable at `address`), since which change of owners
/// (`reign`), how often that one has renewed its lease (`beat`, negative once it has given it up), how long the lease is, up to
/// which row all were acknowledged (`acked`), which row the newest copy ends with (`base`) and its generation (`gen`), and the form
/// of the rows. `wanted` is the address of a daemon that asks the owner for the partition; a ledger of an older contactd lacks it.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS contactd_part (
    part int2 PRIMARY KEY, reign int8 NOT NULL, owner text NOT NULL, address text NOT NULL, beat int8 NOT NULL,
    lease_ms int8 NOT NULL, acked int8 NOT NULL, base int8 NOT NULL, gen int8 NOT NULL, format int4 NOT NULL,
    wanted text NOT NULL DEFAULT '');
ALTER TABLE contactd_part ADD COLUMN IF NOT EXISTS wanted text NOT NULL DEFAULT '';
CREATE TABLE IF NOT EXISTS contactd_ledger (
    part int2, seq int8, reign int8 NOT NULL, data bytea NOT NULL, PRIMARY KEY (part, seq));
ALTER TABLE contactd_ledger ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS contactd_copy (
    part int2, gen int8, chunk int4, data bytea NOT NULL, PRIMARY KEY (part, gen, chunk));
ALTER TABLE contactd_copy ALTER COLUMN data SET STORAGE EXTERNAL;";

/// Appends a row if the reign is still this one and the row before it is there, and, unless one copy is enough, the server
/// waits for another machine. It locks the partition's row: a take-over comes before it or behind it, never between its look
/// and its row.
const APPEND: &str = "WITH mine AS MATERIALIZED
    (SELECT 1 FROM contactd_part WHERE part = $1 AND reign = $2 FOR UPDATE)
INSERT INTO contactd_ledger (part, seq, reign, data)
    SELECT $1::int2, $3::int8, $2::int8, $4::bytea FROM mine
    WHERE EXISTS (SELECT 1 FROM contactd_ledger WHERE part = $1 AND seq = $3::int8 - 1)
    AND ($5::bool OR current_setting('synchronous_standby_names') <> '')";

const RENEW: &str = "UPDATE contactd_part SET beat = beat + 1, acked = greatest(acked, $3::int8)
    WHERE part = $1 AND reign = $2 RETURNING wanted";

const TAKE: &str = "UPDATE contactd_part
    SET reign = reign + 1, beat = 0, owner = $4, address = $5, lease_ms = $6, wanted = ''
    WHERE part = $1 AND reign = $2 AND beat = $3 RETURNING reign";

const GIVE_UP: &str = "UPDATE contactd_part SET beat = -1, acked = greatest(acked, $3::int8)
    WHERE part = $1 AND reign = $2";

/// Asks the owner of a partition for it, if that one has at least two more than who asks, and nobody has asked. What who asks has
/// asked for already counts as its own.
const WANT: &str = "UPDATE contactd_part SET wanted = $3::text
    WHERE part = $1 AND reign = $2 AND beat >= 0 AND wanted = '' AND address <> $3
    AND (SELECT count(*) FROM contactd_part his WHERE his.part >= 0 AND his.beat >= 0 AND his.wanted = ''
            AND his.address = contactd_part.address)
        >= 2 + (SELECT count(*) FROM contactd_part mine WHERE mine.part >= 0
            AND (mine.wanted = $3 OR mine.address = $3 AND mine.beat >= 0 AND mine.wanted = ''))";

const PART: &str = "SELECT reign, owner, address, beat, lease_ms, acked, base, gen, format,
    (SELECT max(seq) FROM contactd_ledger WHERE part = $1), wanted,
    (SELECT count(*) FROM contactd_part WHERE part >= 0)
    FROM contactd_part WHERE part = $1";

const ROWS: &str = "SELECT seq, data FROM contactd_ledger WHERE part = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// Rows that are removed at a time: to remove many at once keeps the database busy.
const CUT_ROWS: i64 = 1000;

const ROW: &str = "SELECT reign, data FROM contactd_ledger WHERE part = $1 AND seq = $2";

/// How a statement ended that did not do what it was for.
#[derive(Debug)]
pub enum Failure {
    /// The row is there already.
    Exists,
    /// The tables are not there.
    NoTables,
    /// They lack a column: an older contactd has made them.
    Older(String),
    /// They have no such partition.
    NoPartition,
    /// The server has no room on its disk.
    Full(String),
    /// It may have been done, or not.
    Unknown(String),
}

impl Failure {
    /// What is said of it.
    pub fn into_error(self) -> Error {
        Error::internal(match self {
            Failure::Exists => "the ledger has a row with this number already".to_owned(),
            Failure::NoTables => {
                "the database has no ledger of contactd: `contactd ledger init URL` makes one".to_owned()
            }
            Failure::Older(why) => format!(
                "the ledger was made by an older contactd, and lacks what this one needs ({why}): `contactd ledger check URL` adds it, also \
                 while daemons run"
            ),
            Failure::NoPartition => {
                "the ledger has fewer partitions: `contactd ledger status URL` shows how many, for --partitions"
                    .to_owned()
            }
            Failure::Full(why) => format!("the disk of the ledger's database is full: {why}"),
            Failure::Unknown(why) => format!("the ledger does not answer: {why}"),
        })
    }
}

/// A connection. After a failure it is of no use any more.
pub struct Sql {
    client: Client,
    /// Drives the connection. A statement that is given up ends with it: nobody asks the server to cancel one, since a commit
    /// that is cancelled while it waits for its standby says that it succeeded.
    driver: JoinHandle<()>,
    /// The server has warned since this was last looked at.
    has_warned: Arc<AtomicBool>,
    part: i16,
    statements: Option<Statements>,
}

struct Statements {
    append: Statement,
    renew: Statement,
    part: Statement,
    rows: Statement,
}

impl Drop for Sql {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Sql {
    /// Connects, with the settings that a ledger needs.
    pub async fn connect(url: &Url) -> Result<Sql, Failure> {
        let connected = tokio::time::timeout(CONNECT_PATIENCE, async {
            let sql = match &url.tls {
                None => Sql::connect_by(url, NoTls).await,
                Some(tls) => Sql::connect_by(url, MakeRustlsConnect::new(tls.as_ref().clone())).await,
            }?;
            sql.client.batch_execute(SESSION).await.map_err(failure)?;
            Ok(sql)
        });
        connected.await.map_err(|_| Failure::Unknown("no connection within 3 s".to_owned()))?
    }

    /// The connection that there is, or a new one in its place.
    pub async fn open<'s>(sql: &'s mut Option<Sql>, url: &Url) -> Result<&'s mut Sql, Failure> {
        match sql {
            Some(open) => Ok(open),
            None => Ok(sql.insert(Sql::connect(url).await?)),
        }
    }

    async fn connect_by<T>(url: &Url, tls: T) -> Result<Sql, Failure>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, connection) = url.config.connect(tls).await.map_err(failure)?;
        let has_warned = Arc::<AtomicBool>::default();
        let driver = tokio::spawn(drive(connection, Arc::clone(&has_warned)));
        Ok(Sql { client, driver, has_warned, part: url.part, statements: None })
    }

    /// The statements of every day, prepared once. They need the tables.
    async fn statements(&mut self) -> Result<&Statements, Failure> {
        if self.statements.is_none() {
            let (append, renew) = if flaw::has(flaw::NO_FENCE) { flaw::UNFENCED } else { (APPEND, RENEW) };
            let prepare = |text| within(self.client.prepare(text));
            self.statements = Some(Statements {
                append: prepare(append).await?,
                renew: prepare(renew).await?,
                part: prepare(PART).await?,
                rows: prepare(ROWS).await?,
            });
        }
        // It was just set.
        self.statements.as_ref().ok_or(Failure::NoTables)
    }

    /// Appends a row. False: the reign is another, the row before it is not there, or the server keeps one copy alone and that
    /// is not enough.
    pub async fn append(&mut self, reign: i64, seq: u64, data: &[u8], one_will_do: bool) -> Result<bool, Failure> {
        let append = self.statements().await?.append.clone();
        self.changed(&append, &[&self.part, &reign, &(seq.cast_signed()), &data, &one_will_do]).await
    }

    /// Renews the lease, and says which rows were acknowledged. Gives the address of who asks for the partition, or nothing in it.
    /// None: the reign is another.
    pub async fn renew(&mut self, reign: i64, acked: u64) -> Result<Option<String>, Failure> {
        let renew = self.statements().await?.renew.clone();
        self.has_warned.store(false, Ordering::SeqCst);
        let row = within(self.client.query_opt(&renew, &[&self.part, &reign, &(acked.cast_signed())])).await?;
        self.believe()?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Asks the owner of a reign for the partition, if it has too many. Says whether it was asked.
    pub async fn want(&mut self, reign: i64, address: &str) -> Result<bool, Failure> {
        self.changed(WANT, &[&self.part, &reign, &address]).await
    }

    /// Makes a new reign, if nothing has changed since it was looked at. Gives its number.
    pub async fn take(
        &mut self,
        seen: &Part,
        owner: &str,
        address: &str,
        lease: Duration,
    ) -> Result<Option<i64>, Failure> {
        self.has_warned.store(false, Ordering::SeqCst);
        let lease = lease.as_millis().cast_signed() as i64;
        let values: [&(dyn ToSql + Sync); 6] = [&self.part, &seen.reign, &seen.beat, &owner, &address, &lease];
        let rows = within(self.client.query(TAKE, &values)).await?;
        self.believe()?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// Lets anybody take over at once. False: somebody has already.
    pub async fn give_up(&mut self, reign: i64, acked: u64) -> Result<bool, Failure> {
        self.changed(GIVE_UP, &[&self.part, &reign, &(acked.cast_signed())]).await
    }

    /// What the database says of the partition now. It may be what a failover takes back.
    pub async fn part(&mut self) -> Result<Part, Failure> {
        let part = self.statements().await?.part.clone();
        let row = within(self.client.query_opt(&part, &[&self.part])).await?;
        row.map(|row| Part::from(&row)).ok_or(Failure::NoPartition)
    }

    /// The partitions that there are, in order. None where there are no tables.
    pub async fn partitions(&mut self) -> Result<Vec<i16>, Failure> {
        let all = "SELECT part FROM contactd_part WHERE part >= 0 ORDER BY part";
        Ok(within(self.client.query(all, &[])).await?.iter().map(|row| row.get(0)).collect())
    }

    /// Looks at another partition from now on.
    pub fn turn_to(&mut self, part: i16) {
        self.part = part;
    }

    /// The rows behind one, in order, at most so many: number and data. They may be what a failover takes back.
    pub async fn rows(&mut self, behind: u64, limit: i64) -> Result<Vec<(u64, Vec<u8>)>, Failure> {
        let rows = self.statements().await?.rows.clone();
        let rows = within(self.client.query(&rows, &[&self.part, &(behind.cast_signed()), &limit])).await?;
        Ok(rows.iter().map(|row| (row.get::<_, i64>(0).unsigned_abs(), row.get(1))).collect())
    }

    /// One row: in which reign it was appended, and its data.
    pub async fn row(&mut self, seq: u64) -> Result<Option<(i64, Vec<u8>)>, Failure> {
        let row = within(self.client.query_opt(ROW, &[&self.part, &(seq.cast_signed())])).await?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// Makes the tables, if they are not there, and adds what those of an older contactd lack.
    pub async fn create(&mut self) -> Result<(), Failure> {
        within(self.client.batch_execute(TABLES)).await
    }

    /// Makes partitions that nobody owns, from this one on. If there is one already, it is an error.
    pub async fn begin(&mut self, partitions: &[Begin], format: i32) -> Result<(), Failure> {
        self.has_warned.store(false, Ordering::SeqCst);
        let transaction = within(self.client.transaction()).await?;
        for (place, begin) in (self.part..).zip(partitions) {
            begin.write(&transaction, place, 0, format).await?;
        }
        within(transaction.commit()).await?;
        self.believe()
    }

    /// Puts partitions into the place of those that there are, whose reigns must still be these, with the copies that they begin
    /// with. All at once, or not at all. False: a reign is another, or a copy is not whole.
    pub async fn replace(&mut self, reigns: &[i64], partitions: &[Begin], format: i32) -> Result<bool, Failure> {
        self.has_warned.store(false, Ordering::SeqCst);
        let transaction = within(self.client.transaction()).await?;
        let all = "SELECT reign FROM contactd_part WHERE part >= 0 ORDER BY part FOR UPDATE";
        let found = within(transaction.query(all, &[])).await?;
        if found.iter().map(|row| row.get::<_, i64>(0)).ne(reigns.iter().copied()) {
            return Ok(false);
        }
        // Whoever owned a partition before, and does not know yet, owns none in a later reign.
        let reign = reigns.iter().max().map_or(0, |newest| newest + 1);
        within(transaction.execute("DELETE FROM contactd_part WHERE part >= 0", &[])).await?;
        for (place, begin) in (0_i16..).zip(partitions) {
            let count = "SELECT count(*) FROM contactd_copy WHERE part = $1 AND gen = $2";
            let pieces = within(transaction.query_one(count, &[&place, &begin.generation])).await?;
            if pieces.get::<_, i64>(0) != begin.pieces {
                return Ok(false);
            }
            begin.write(&transaction, place, reign, format).await?;
        }
        within(transaction.commit()).await?;
        self.believe()?;
        Ok(true)
    }

    /// A generation of copies that no partition has or had.
    pub async fn next_generation(&mut self) -> Result<i64, Failure> {
        let next = "SELECT greatest((SELECT max(gen) FROM contactd_copy), (SELECT max(gen) FROM contactd_part), 0) + 2";
        Ok(within(self.client.query_one(next, &[])).await?.get(0))
    }

    /// Writes a piece of a copy, made in a reign, or before there is one. False: the reign is another.
    pub async fn put_piece(
        &mut self,
        reign: Option<i64>,
        generation: i64,
        number: i32,
        piece: &[u8],
    ) -> Result<bool, Failure> {
        let put = "INSERT INTO contactd_copy SELECT $1::int2, $3::int8, $4::int4, $5::bytea
            WHERE $2::int8 IS NULL OR EXISTS (SELECT 1 FROM contactd_part WHERE part = $1 AND reign = $2)";
        let values: [&(dyn ToSql + Sync); 5] = [&self.part, &reign, &generation, &number, &piece];
        Ok(within(self.client.execute(put, &values)).await? == 1)
    }

    /// A piece of a copy; none behind the last.
    pub async fn piece(&mut self, generation: i64, number: i32) -> Result<Option<Vec<u8>>, Failure> {
        let get = "SELECT data FROM contactd_copy WHERE part = $1 AND gen = $2 AND chunk = $3";
        let row = within(self.client.query_opt(get, &[&self.part, &generation, &number])).await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// From now on a new standby begins with this copy, which has what stands in the rows up to one. False: the reign is another.
    pub async fn set_base(&mut self, reign: i64, generation: i64, base: u64) -> Result<bool, Failure> {
        let set = "UPDATE contactd_part SET gen = $3, base = $4 WHERE part = $1 AND reign = $2";
        self.changed(set, &[&self.part, &reign, &generation, &(base.cast_signed())]).await
    }

    /// Removes all copies but one and the one before it, which somebody may be reading. In another reign it removes none: what a
    /// statement finds is what there was when the reign was still this one.
    pub async fn remove_copies(&mut self, reign: i64, but: i64) -> Result<(), Failure> {
        let remove = "DELETE FROM contactd_copy WHERE part = $1 AND gen <> $3 AND gen <> $3 - 1
            AND EXISTS (SELECT 1 FROM contactd_part WHERE part = $1 AND reign = $2)";
        within(self.client.execute(remove, &[&self.part, &reign, &but])).await.map(drop)
    }

    /// Removes the copies of a partition that there is not, and of one that there is all but its newest: what a beginning that was
    /// cut off has left.
    pub async fn remove_strays(&mut self) -> Result<(), Failure> {
        let remove = "DELETE FROM contactd_copy c WHERE part = $1
            AND NOT EXISTS (SELECT 1 FROM contactd_part p WHERE p.part = c.part AND p.gen = c.gen)";
        within(self.client.execute(remove, &[&self.part])).await.map(drop)
    }

    /// Removes the first rows of the ledger that are below a number, at most so many, in this reign. Gives how many there were.
    pub async fn cut(&mut self, reign: i64, below: u64, at_most: i64) -> Result<u64, Failure> {
        let cut = "DELETE FROM contactd_ledger WHERE part = $1 AND seq IN
            (SELECT seq FROM contactd_ledger WHERE part = $1 AND seq < $3 ORDER BY seq LIMIT $4)
            AND EXISTS (SELECT 1 FROM contactd_part WHERE part = $1 AND reign = $2)";
        within(self.client.execute(cut, &[&self.part, &reign, &(below.cast_signed()), &at_most])).await
    }

    /// Removes some of these. Says whether there may be more.
    pub async fn cut_some(&mut self, reign: i64, below: u64) -> Result<bool, Failure> {
        Ok(self.cut(reign, below, CUT_ROWS).await? == CUT_ROWS.unsigned_abs())
    }

    /// Bytes of the rows behind one, and of the newest copy.
    pub async fn sizes(&mut self, behind: u64) -> Result<(u64, u64), Failure> {
        let sizes = "SELECT
            (SELECT coalesce(sum(octet_length(data)), 0)::int8 FROM contactd_ledger WHERE part = $1 AND seq > $2),
            (SELECT coalesce(sum(octet_length(data)), 0)::int8 FROM contactd_copy WHERE part = $1)";
        let row = within(self.client.query_one(sizes, &[&self.part, &(behind.cast_signed())])).await?;
        Ok((row.get::<_, i64>(0).unsigned_abs(), row.get::<_, i64>(1).unsigned_abs()))
    }

    /// Has the server warn. What is done beside a warning is not believed.
    pub async fn warn(&mut self) -> Result<(), Failure> {
        self.changed("DO $$ BEGIN RAISE WARNING 'a warning, to see that it is told'; END $$", &[]).await.map(drop)
    }

    /// Removes everything of a partition.
    pub async fn remove_partition(&mut self) -> Result<(), Failure> {
        for remove in [
            "DELETE FROM contactd_copy WHERE part = $1",
            "DELETE FROM contactd_ledger WHERE part = $1",
            "DELETE FROM contactd_part WHERE part = $1",
        ] {
            within(self.client.execute(remove, &[&self.part])).await?;
        }
        Ok(())
    }

    /// A setting of the server.
    pub async fn setting(&mut self, name: &str) -> Result<String, Failure> {
        let row = within(self.client.query_one("SELECT current_setting($1)", &[&name])).await?;
        Ok(row.get(0))
    }

    /// Runs a statement that changes one row or none. Success is believed only if the server did not warn beside it.
    async fn changed<S>(&self, statement: &S, values: &[&(dyn ToSql + Sync)]) -> Result<bool, Failure>
    where
        S: ?Sized + ToStatement,
    {
        self.has_warned.store(false, Ordering::SeqCst);
        let changed = within(self.client.execute(statement, values)).await?;
        self.believe()?;
        Ok(changed == 1)
    }

    /// A commit whose wait for the standby was ended by somebody is told as a success with a warning.
    fn believe(&self) -> Result<(), Failure> {
        if self.has_warned.swap(false, Ordering::SeqCst) {
            return Err(Failure::Unknown("the database warned that it may not have kept it".to_owned()));
        }
        Ok(())
    }
}

/// Drives a connection until its end, and notes warnings: they come before the end of the statement that they are about.
async fn drive<S, T>(mut connection: Connection<S, T>, has_warned: Arc<AtomicBool>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|task| connection.poll_message(task)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => {
                tracing::warn!("the ledger's database: {}", notice.message());
                has_warned.store(true, Ordering::SeqCst);
            }
            Ok(_) => {}
            // After its end it would say so for ever.
            Err(_) => return,
        }
    }
}

/// Waits for a statement, for so long and no longer.
pub(super) async fn within<T>(statement: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Failure> {
    let ended = tokio::time::timeout(PATIENCE, statement).await;
    ended.map_err(|_| Failure::Unknown(format!("no answer within {} s", PATIENCE.as_secs())))?.map_err(failure)
}

fn failure(why: tokio_postgres::Error) -> Failure {
    match why.code() {
        Some(&SqlState::UNIQUE_VIOLATION) => Failure::Exists,
        Some(&SqlState::UNDEFINED_TABLE) => Failure::NoTables,
        code => {
            let said = why.as_db_error().map_or_else(|| with_causes(&why), |said| said.message().to_owned());
            match code {
                Some(&SqlState::UNDEFINED_COLUMN) => Failure::Older(said),
                Some(&SqlState::DISK_FULL) => Failure::Full(said),
                _ => Failure::Unknown(said),
            }
        }
    }
}

/// An error, and what it follows from: that a handshake failed, and that nobody trusts the certificate.
fn with_causes(why: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(why), |why| why.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
