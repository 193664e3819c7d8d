//! Whether a database does what a ledger asks of it: the promises of [`sql`](super::sql) one by one, on a partition that no daemon
//! uses and that is removed behind it.
//!
//! What cannot be tried from outside is what happens when the database loses its primary.

use std::cell::Cell;
use std::time::Duration;

use super::part::{Begin, Part};
use super::settings::Url;
use super::sql::{Failure, Sql};
use super::{copies, runtime};
use crate::error::Result;

/// Rounds of what must hold whichever of two comes first.
const ROUNDS: usize = 50;
/// Longer than most rows, and not a multiple of anything.
const LONG_BYTES: usize = 3_000_001;
const LEASE: Duration = Duration::from_secs(15);

/// A promise, and why it does not hold; none: it does.
pub struct Finding {
    /// What a ledger needs.
    pub promise: &'static str,
    /// What happened instead.
    pub broken: Option<String>,
}

type Held = std::result::Result<(), String>;

/// Tries every promise, and tells of each. Gives whether all hold.
pub fn check(url: &Url, tell: &mut dyn FnMut(&Finding)) -> Result<bool> {
    let runtime = runtime()?;
    let url = &url.part(scratch());
    let mut all_hold = true;
    let mut told = |promise, held: Held| {
        all_hold &= held.is_ok();
        tell(&Finding { promise, broken: held.err() });
    };
    runtime
        .block_on(async {
            let mut one = Sql::connect(url).await?;
            one.create().await?;
            told("a partition begins once", begins_once(&mut one).await);
            told("a row follows the one before it, and comes once", rows_follow(&mut one).await);
            told("what was written is what is read, also a long row", bytes_stay(&mut one).await);
            told("an earlier owner appends and renews nothing", earlier_owner_is_out(&mut one).await);
            told("a take-over needs the lease as it was seen", stale_take_over_fails(&mut one).await);
            told("what was acknowledged never shrinks", acknowledged_grows(&mut one).await);
            let mut other = Sql::connect(url).await?;
            told("of two take-overs at once, one succeeds", one_takes_over(&mut one, &mut other).await);
            told("a row comes before a take-over or never", rows_or_take_over(&mut one, &mut other).await);
            told("pieces of a copy are kept, and old rows go", copies_are_kept(&mut one).await);
            told("a warning is told before the end of its statement", warnings_come(&mut one).await);
            told("a commit waits for another machine", waits_for_another(&mut other).await);
            // What a failed promise has left in the connection does not count.
            let mut last = Sql::connect(url).await?;
            last.remove_partition().await
        })
        .map_err(Failure::into_error)?;
    Ok(all_hold)
}

/// A partition below all that daemons use, so that two checks at once hardly meet.
fn scratch() -> i16 {
    let mut random = [0; 2];
    // Without random numbers it is always the same.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    -1 - i16::from_be_bytes(random).saturating_abs().min(i16::MAX - 1)
}

fn said(failure: Failure) -> String {
    failure.into_error().message
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Held {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, and not {expected:?}")) }
}

/// The next owner, whoever was it before.
async fn own(sql: &mut Sql) -> std::result::Result<Part, String> {
    let seen = sql.part().await.map_err(said)?;
    let taken = sql.take(&seen, "check", "nowhere", LEASE).await.map_err(said)?;
    expect("the reign after a take-over", &taken, &Some(seen.reign + 1))?;
    sql.part().await.map_err(said)
}

async fn begins_once(sql: &mut Sql) -> Held {
    let begin = |row: &[u8]| [Begin { first: 1, row: row.to_vec(), generation: 0, pieces: 0 }];
    sql.begin(&begin(b"first"), 1).await.map_err(said)?;
    match sql.begin(&begin(b"second"), 1).await {
        Err(Failure::Exists) => {}
        other => return Err(format!("it began twice: {other:?}")),
    }
    let rows = sql.rows(0, 10).await.map_err(said)?;
    expect("the first row", &rows, &vec![(1, b"first".to_vec())])
}

async fn rows_follow(sql: &mut Sql) -> Held {
    let Part { reign, newest, .. } = own(sql).await?;
    for row in newest + 1..newest + 4 {
        expect("a row behind the last", &sql.append(reign, row, b"row", true).await.map_err(said)?, &true)?;
    }
    expect("a row behind a gap", &sql.append(reign, newest + 9, b"row", true).await.map_err(said)?, &false)?;
    match sql.append(reign, newest + 3, b"other", true).await {
        Err(Failure::Exists) => {}
        other => return Err(format!("a number came twice: {other:?}")),
    }
    let numbers: Vec<u64> = sql.rows(newest, 2).await.map_err(said)?.into_iter().map(|(number, _)| number).collect();
    expect("two rows in order", &numbers, &vec![newest + 1, newest + 2])
}

async fn bytes_stay(sql: &mut Sql) -> Held {
    let Part { reign, newest, .. } = own(sql).await?;
    let long: Vec<u8> = (0..LONG_BYTES).map(|at| (at * 31 % 251) as u8 ^ (at >> 8) as u8).collect();
    expect("a long row", &sql.append(reign, newest + 1, &long, true).await.map_err(said)?, &true)?;
    let (of, read) = sql.row(newest + 1).await.map_err(said)?.ok_or("a row that was written is not there")?;
    expect("the reign of a row", &of, &reign)?;
    expect("the bytes of a row", &(read == long), &true)
}

async fn earlier_owner_is_out(sql: &mut Sql) -> Held {
    let earlier = own(sql).await?.reign;
    let newest = own(sql).await?.newest;
    expect(
        "an append of an earlier owner",
        &sql.append(earlier, newest + 1, b"row", true).await.map_err(said)?,
        &false,
    )?;
    expect("its renewal", &sql.renew(earlier, newest).await.map_err(said)?, &None)?;
    expect("its giving up", &sql.give_up(earlier, newest).await.map_err(said)?, &false)?;
    expect("its row", &sql.row(newest + 1).await.map_err(said)?, &None)
}

async fn stale_take_over_fails(sql: &mut Sql) -> Held {
    let seen = own(sql).await?;
    expect("a renewal", &sql.renew(seen.reign, seen.newest).await.map_err(said)?, &Some(String::new()))?;
    let taken = sql.take(&seen, "check", "nowhere", LEASE).await.map_err(said)?;
    expect("a take-over behind a renewal", &taken, &None)
}

async fn acknowledged_grows(sql: &mut Sql) -> Held {
    let Part { reign, newest, .. } = own(sql).await?;
    sql.renew(reign, newest).await.map_err(said)?;
    sql.renew(reign, newest - 1).await.map_err(said)?;
    expect("what was acknowledged", &sql.part().await.map_err(said)?.acked, &newest)
}

async fn one_takes_over(one: &mut Sql, other: &mut Sql) -> Held {
    for _ in 0..ROUNDS {
        let seen = one.part().await.map_err(said)?;
        let (a, b) =
            tokio::join!(one.take(&seen, "one", "nowhere", LEASE), other.take(&seen, "other", "nowhere", LEASE));
        let taken = [a, b].into_iter().filter(|taken| matches!(taken, Ok(Some(_)))).count();
        expect("take-overs that succeeded", &taken, &1)?;
    }
    Ok(())
}

/// One appends as fast as it can while the other takes over.
async fn rows_or_take_over(one: &mut Sql, other: &mut Sql) -> Held {
    for round in 0..ROUNDS {
        let Part { reign, newest, .. } = own(one).await?;
        let is_over = Cell::new(false);
        let appended = async {
            let mut row = newest;
            while !is_over.get() && one.append(reign, row + 1, b"row", true).await.map_err(said)? {
                row += 1;
            }
            Ok::<u64, String>(row)
        };
        let taken = async {
            tokio::time::sleep(Duration::from_millis(round as u64 % 7)).await;
            let newest = own(other).await.map(|part| part.newest);
            is_over.set(true);
            newest
        };
        let (appended, seen) = tokio::join!(appended, taken);
        expect("rows that were acknowledged, by those that the next owner sees", &appended?, &seen?)?;
    }
    Ok(())
}

async fn copies_are_kept(sql: &mut Sql) -> Held {
    let Part { reign, newest, .. } = own(sql).await?;
    for generation in 1..=3_u8 {
        let put = sql.put_piece(Some(reign), generation.into(), 0, &[generation; 1000]).await.map_err(said)?;
        expect("a piece of a copy", &put, &true)?;
    }
    expect("a new copy", &sql.set_base(reign, 3, newest).await.map_err(said)?, &true)?;
    let put = sql.put_piece(Some(reign - 1), 3, 1, b"piece").await.map_err(said)?;
    expect("a piece of an earlier owner", &put, &false)?;
    sql.remove_copies(reign - 1, 9).await.map_err(said)?;
    sql.remove_copies(reign, 3).await.map_err(said)?;
    for (generation, expected) in [(1, None), (2, Some(vec![2; 1000])), (3, Some(vec![3; 1000]))] {
        expect("a piece", &sql.piece(generation, 0).await.map_err(said)?, &expected)?;
    }
    let cut = sql.cut(reign - 1, newest, 2).await.map_err(said)?;
    expect("rows that an earlier owner removed", &cut, &0)?;
    let cut = sql.cut(reign, newest, 2).await.map_err(said)?;
    let many = sql.cut(reign, newest, i64::MAX).await.map_err(said)?;
    expect("rows that were removed, two at most", &cut, &2)?;
    let left: Vec<u64> = sql.rows(0, i64::MAX).await.map_err(said)?.into_iter().map(|(number, _)| number).collect();
    expect("what is left", &left, &vec![newest]).map_err(|why| format!("{why}, after {many} more"))
}

async fn warnings_come(sql: &mut Sql) -> Held {
    match sql.warn().await {
        Err(Failure::Unknown(why)) if why.contains("warned") => Ok(()),
        Err(why) => Err(said(why)),
        Ok(()) => {
            Err("a warning was not told: a commit that did not wait for its standby would be believed".to_owned())
        }
    }
}

async fn waits_for_another(sql: &mut Sql) -> Held {
    let standbys = sql.setting("synchronous_standby_names").await.map_err(said)?;
    if copies(&standbys) < 2 {
        return Err("synchronous_standby_names is empty: a failover may lose opt-outs".to_owned());
    }
    let waits = sql.setting("synchronous_commit").await.map_err(said)?;
    expect("synchronous_commit", &waits, &"on".to_owned())
}
