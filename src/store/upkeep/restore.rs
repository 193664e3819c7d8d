//! Restoring a backup into an engine that has nothing yet. The store comes up behind a [`Fence`]: a backup does not know who
//! opted out after it was made.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};
use crate::model::fence::{Cause, Fence, Replayed};
use crate::model::time::Millis;
use crate::store::backup::{BackupEnd, BackupHead, BackupReader, Part};
use crate::store::engine::{Batch, Engine};
use crate::store::format::{FORMAT, codec, fence, keys};
use crate::store::secret::Secret;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFacts {
    /// What it is of.
    pub head: BackupHead,
    /// How the store was when it ended.
    pub end: BackupEnd,
    /// The fence of the store, if it had one: the backup knows no more than the one before.
    pub fence: Option<Fence>,
}

/// Reads all of a backup, and changes nothing. Damage is an error that says where it is.
pub fn check(from: impl Read) -> Result<BackupFacts> {
    read(from, |_| Ok(()))
}

/// Writes a backup into an engine and a directory that have nothing yet. Whoever opens the store then must find what
/// [`BackupFacts::end`] says.
pub fn restore(from: impl Read, engine: &dyn Engine, dir: &Path, now: Millis) -> Result<BackupFacts> {
    let facts = read(from, |batches| {
        batches.iter().try_for_each(|batch| engine.apply(batch))?;
        // What an engine has in memory must not grow with the backup.
        engine.sync(0)
    })?;
    let BackupFacts { head, end, fence } = &facts;
    Secret::restore(dir, &head.secret)?;
    let stored = engine.get(keys::NEXT_IDS)?.ok_or_else(|| Error::internal("the backup has no counters"))?;
    let mut next = codec::decode_next_ids(&stored)?;
    if next.batches != end.batch {
        return Err(Error::internal(format!(
            "the backup is of batch {}, and its data is of {}: use another backup",
            end.batch, next.batches
        )));
    }
    next.batches += 1;
    // Positions of the feed that were given after the backup are given again, for other changes.
    next.epoch = now.unsigned_abs().max(next.epoch + 1);
    let mut batch = Batch::new(next.batches);
    let fence = match fence {
        // It was made behind a fence: what that one's backup did not know is still missing.
        Some(fence) => Fence { restored_at: now, cause: Cause::Restored, ..*fence },
        None => {
            Fence { backup_at: end.closed_at, restored_at: now, cause: Cause::Restored, replayed: Replayed::default() }
        }
    };
    // It is of no ledger, though the one that was backed up may have been.
    batch.remove(keys::CHAIN);
    let format = engine.get(keys::FORMAT)?.and_then(|format| format.first().copied());
    fence::raise(format.unwrap_or(FORMAT), &fence, &mut next, &mut batch)?;
    batch.put(keys::NEXT_IDS, &codec::encode_next_ids(&next)?);
    engine.commit(&batch)?;
    Ok(facts)
}

/// Writes a copy of a ledger into an engine that has nothing yet, as it is. Gives the number of its last batch.
pub fn replicate(from: impl Read, engine: &dyn Engine) -> Result<u64> {
    // What makes a store of it comes last: half a copy is none.
    let mut names = BTreeMap::new();
    let facts = read(from, |batches| {
        for batch in batches {
            let mut rest = Batch::new(0);
            for (key, value) in batch.entries() {
                if keys::is_name(key) {
                    names.insert(key.to_vec(), value.map(<[u8]>::to_vec));
                } else {
                    rest.push(key, value);
                }
            }
            engine.apply(&rest)?;
        }
        engine.sync(0)
    })?;
    let mut last = Batch::new(facts.end.batch);
    for (key, value) in &names {
        last.push(key, value.as_deref());
    }
    engine.commit(&last)?;
    Ok(last.number())
}

fn read(from: impl Read, mut take: impl FnMut(&[Batch]) -> Result<()>) -> Result<BackupFacts> {
    let (mut reader, head) = BackupReader::new(from)?;
    let mut fence = None;
    loop {
        match reader.part()? {
            Part::Batches(batches) => {
                let of_fence = batches.iter().flat_map(Batch::entries).filter(|(key, _)| *key == keys::FENCE);
                for (_, stored) in of_fence {
                    fence = stored.map(codec::decode_fence).transpose()?;
                }
                take(&batches)?;
            }
            Part::End(end) => return Ok(BackupFacts { head, end, fence }),
        }
    }
}
