//! A replicated ledger: daemons that share one store through a database.
//!
//! Each batch of the *owner* becomes a row of the ledger before it counts. The others *stand by*: they apply the same rows to
//! stores of their own. One of them takes over when the owner's *lease* has run out. A *reign* is the time of one owner.
//!
//! A store may have several partitions. Each has a ledger of its own, with an owner and reigns, and none knows of the others, but that
//! a daemon which owns fewer than another one asks it for one ([`standby`]).
//!
//! The database does what is hard: it orders the rows, and keeps what it acknowledged when its primary is lost. What is ours is
//! one row with a lease ([`sql`]), and a loop that applies rows ([`standby`]). Why nobody gets a wrong yes:
//!
//! 1. **One chain.** An append locks the partition's row while its reign is the one that appends; a take-over changes that row. So
//!    each append comes before a take-over or fails. Its predecessor must be there, and a sum ties it to all rows before.
//! 2. **Nothing acknowledged is lost.** A take-over is acknowledged by the machines that keep the rows, and with it everything
//!    before it. The new owner reads to the end behind it.
//! 3. **One answers.** The owner counts its lease from before it asked, and shorter than it is; the others count from after they
//!    saw it, and longer, and take over only if nothing was renewed meanwhile. Both use a clock that nobody sets.
//! 4. **No yes after an acknowledged STOP.** In the same reign the gate was shut before the reply. A later owner has read it. An
//!    earlier one had stopped answering.

mod admin;
mod append;
mod check;
mod confirm;
mod copy;
mod flaw;
mod follow;
mod keep;
mod mine;
mod part;
mod reign;
mod settings;
mod split;
mod sql;
mod standby;
mod view;

use std::path::Path;
use std::sync::Arc;

pub use admin::{LedgerStatus, PartStatus, init, status};
pub use append::Appender;
pub use check::{Finding, check};
pub use copy::Copier;
pub use keep::Keeper;
pub use reign::Reign;
pub use settings::{COPIES, LEASE, LEASE_MAX, LEASE_MIN, LedgerSettings, Url};
pub use split::split;
pub use view::{Seen, View};

use crate::error::{Error, Result};
use crate::store::Replica;
use standby::Standby;

/// What a daemon has on its own disk.
#[derive(Clone, Copy)]
pub struct Home<'h> {
    /// Its data directory.
    pub dir: &'h Path,
    /// The secret of the tombstones, if it is not there.
    pub tombstone_key: Option<&'h Path>,
}

/// Stands by until this daemon is the owner; none if it is to stop before.
pub fn stand_by(
    settings: &LedgerSettings,
    view: &View,
    home: Home<'_>,
    replica: &mut Replica,
    stop: &dyn Fn() -> bool,
) -> Result<Option<(Arc<Reign>, Keeper)>> {
    let name = name();
    Standby::new(settings, &name, view, home, replica)?.wait(stop)
}

/// A name that no other process has.
fn name() -> String {
    let mut random = [0; 8];
    // Without random numbers nothing of contactd works; the process's number alone would be a name all the same.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    format!("{}-{}", std::process::id(), data_encoding::HEXLOWER.encode(&random))
}

/// What drives the connections of one thread.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)
}

/// On how many machines a row is before it counts, by the server's `synchronous_standby_names`.
fn copies(standbys: &str) -> u64 {
    let text = standbys.trim();
    if text.is_empty() {
        return 1;
    }
    let words = text.trim_start_matches(|c: char| c.is_alphabetic()).trim_start();
    let digits: String = words.chars().take_while(char::is_ascii_digit).collect();
    // A list of names without a number waits for one of them.
    1 + digits.parse::<u64>().ok().filter(|_| words[digits.len()..].trim_start().starts_with('(')).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_copies_there_are() {
        for (standbys, expected) in [
            ("", 1),
            ("*", 2),
            ("a, b", 2),
            ("FIRST 2 (a, b, c)", 3),
            ("any 1 (a, b)", 2),
            ("2 (a, b)", 3),
            ("FIRST", 2),
        ] {
            assert_eq!(copies(standbys), expected, "{standbys}");
        }
    }
}
