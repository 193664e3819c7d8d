//! Copies of the owner's store in the database, so that the ledger stays short, and a new daemon begins with one.
//!
//! A copy is a backup in pieces, without the secret of the tombstones.

use std::io::{self, Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::part::Part;
use super::reign::Reign;
use super::sql::{Failure, Sql};
use super::{flaw, runtime};
use crate::error::{Error, Result};
use crate::lease::boot_time;
use crate::store::Store;

/// With fewer bytes of rows behind the newest copy no other is made.
const COPY_BYTES: u64 = 64 << 20;
/// Bytes of a piece.
const PIECE_BYTES: usize = 1 << 20;
/// How often it looks whether a copy is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// When it first looks: the first seconds of a reign are for those who waited for it.
const FIRST_LOOK: Duration = Duration::from_secs(5);
/// How often it looks whether the reign has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Fetches a copy into a file without a name.
pub async fn fetch(sql: &mut Sql, generation: i64, dir: &Path) -> Result<io::BufReader<std::fs::File>> {
    let failed = |why: io::Error| Error::internal(format!("cannot keep the ledger's copy in {}: {why}", dir.display()));
    let mut file = tempfile::tempfile_in(dir).map_err(failed)?;
    for number in 0.. {
        match sql.piece(generation, number).await.map_err(Failure::into_error)? {
            Some(piece) => file.write_all(&piece).map_err(failed)?,
            None => break,
        }
    }
    file.rewind().map_err(failed)?;
    Ok(io::BufReader::new(file))
}

/// Writes a copy into the database, piece by piece.
pub struct Pieces<'r> {
    runtime: &'r Runtime,
    pub sql: Sql,
    reign: Option<i64>,
    generation: i64,
    number: i32,
    piece: Vec<u8>,
}

impl<'r> Pieces<'r> {
    /// A copy that begins, in a reign or before there is one.
    pub fn new(runtime: &'r Runtime, sql: Sql, reign: Option<i64>, generation: i64) -> Pieces<'r> {
        Pieces { runtime, sql, reign, generation, number: 0, piece: Vec::new() }
    }

    /// How many there are, once all was written.
    pub fn count(&self) -> i64 {
        self.number.into()
    }

    fn put(&mut self) -> io::Result<()> {
        let put = self.sql.put_piece(self.reign, self.generation, self.number, &self.piece);
        if !self.runtime.block_on(put).map_err(|why| io::Error::other(why.into_error().message))? {
            return Err(io::Error::other("another daemon is the owner now"));
        }
        self.number += 1;
        self.piece.clear();
        Ok(())
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(PIECE_BYTES - self.piece.len())];
        self.piece.extend_from_slice(bytes);
        if self.piece.len() == PIECE_BYTES {
            self.put()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.put() }
    }
}

/// Makes copies during a reign.
pub struct Copier {
    store: Arc<Store>,
    reign: Arc<Reign>,
    runtime: Runtime,
}

impl Copier {
    /// Makes copies when they are due, until the reign ends.
    pub fn start(store: &Arc<Store>, reign: &Arc<Reign>) -> Result<JoinHandle<()>> {
        let copier = Copier { store: Arc::clone(store), reign: Arc::clone(reign), runtime: runtime()? };
        let thread = thread::Builder::new().name("contactd-copies".to_owned());
        thread.spawn(move || copier.run()).map_err(Error::internal)
    }

    fn run(&self) {
        let mut pause = FIRST_LOOK;
        while self.rests(pause) {
            if let Err(why) = self.copy_if_due() {
                tracing::warn!("no copy of the ledger was made: {}", why.message);
            }
            pause = LOOK_EVERY;
        }
    }

    /// False: the reign has ended meanwhile.
    fn rests(&self, pause: Duration) -> bool {
        let pause = if flaw::has(flaw::COPIES_AT_ONCE) { LOOK } else { pause };
        let since = boot_time();
        while !self.reign.has_ended() {
            if boot_time().saturating_sub(since) >= pause {
                return true;
            }
            thread::sleep(LOOK);
        }
        false
    }

    fn connect(&self) -> Result<Sql> {
        self.runtime.block_on(Sql::connect(&self.reign.settings.url)).map_err(Failure::into_error)
    }

    fn copy_if_due(&self) -> Result<()> {
        let mut sql = self.connect()?;
        let sized = self.runtime.block_on(async {
            let part = sql.part().await?;
            let (rows, copy) = sql.sizes(part.base).await?;
            Ok((part, rows, copy))
        });
        let (part, rows, copy) = sized.map_err(Failure::into_error)?;
        let is_due = rows >= copy.max(COPY_BYTES) || rows > 0 && flaw::has(flaw::COPIES_AT_ONCE);
        if is_due {
            self.copy(sql, &part)?;
        }
        Ok(())
    }

    fn pieces(&self, sql: Sql, generation: i64) -> Pieces<'_> {
        Pieces::new(&self.runtime, sql, Some(self.reign.number), generation)
    }

    /// Makes a copy. The rows behind the one before stay, for daemons that were away for a while.
    fn copy(&self, mut sql: Sql, before: &Part) -> Result<()> {
        let generation = before.generation + 1;
        // What a copy that was cut off has left.
        let removed = self.runtime.block_on(sql.remove_copies(self.reign.number, before.generation));
        removed.map_err(Failure::into_error)?;
        let copied = self.store.copy(self.pieces(sql, generation), &|_| !self.reign.has_ended())?;
        let Some((mut pieces, end)) = copied else { return Ok(()) };
        let number = self.reign.number;
        let sql = &mut pieces.sql;
        self.runtime
            .block_on(async {
                if !sql.set_base(number, generation, end.batch).await? {
                    return Ok(());
                }
                tracing::info!("a copy of the ledger was made, which ends with row {}", end.batch);
                sql.remove_copies(number, generation).await?;
                while sql.cut_some(number, before.base).await? && !self.reign.has_ended() {}
                Ok(())
            })
            .map_err(Failure::into_error)
    }
}
