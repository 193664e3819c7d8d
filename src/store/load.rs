//! The start: reads the lists, the directory and the gate's postings, not the records.

use super::changes::Changes;
use super::chunk::Chunk;
use super::codec::{self, FeedEntry, Heads};
use super::compressed::expand;
use super::disk::Disk;
use super::gate::Gate;
use super::term::GATE_TAG_MAX;
use super::tombstones::{Secret, Tombstones};
use super::unsettled::Unsettled;
use super::{keys, sled_failed};
use crate::error::{Error, Result};
use crate::limits::{DIRECTORY_CHUNK_IDS, POSTING_CHUNK_IDS};
use crate::model::list::ListId;
use crate::model::phone::Phone;
use crate::model::time::Millis;
use crate::model::verdict::StopScope;

/// The format this version writes. A newer one is refused.
const FORMAT: u8 = 1;

/// Builds the gate from what is stored; a new store gets its first keys.
pub fn load(disk: &Disk, scope: StopScope, now: Millis) -> Result<(Gate, Unsettled, Heads)> {
    let tree = disk.tree();
    let synced = disk.synced()?;
    let mut heads = match tree.get(keys::FORMAT).map_err(sled_failed)? {
        None => {
            refuse_cut_off(disk, 0, synced)?;
            create(disk, scope, now)?
        }
        Some(format) if *format == [FORMAT] => {
            let heads = tree.get(keys::HEADS).map_err(sled_failed)?;
            codec::decode_heads(&heads.ok_or_else(|| Error::internal("the store has no counters"))?)?
        }
        Some(format) => {
            return Err(Error::internal(format!(
                "the store has format {}, this contactd reads {FORMAT}: use the contactd that wrote it, or a newer one",
                format.first().copied().unwrap_or(0)
            )));
        }
    };
    refuse_cut_off(disk, heads.batches, synced)?;
    if synced.is_none() && heads.batches > 0 {
        // Somebody has decided to serve what is left, and positions of the feed may be given a second time.
        heads.epoch = now.unsigned_abs().max(heads.epoch + 1);
        tree.insert(keys::HEADS, codec::encode_heads(&heads)?).map_err(sled_failed)?;
        disk.sync()?;
    }
    let mut gate = Gate::new(scope);
    for row in tree.scan_prefix([keys::LIST]) {
        let (key, value) = row.map_err(sled_failed)?;
        gate.put_list(ListId(number(&key)?), codec::decode_list(&value)?);
    }
    for row in tree.scan_prefix([keys::DIRECTORY]) {
        let (key, value) = row.map_err(sled_failed)?;
        let first = number(&key)? * DIRECTORY_CHUNK_IDS;
        for (id, phone) in (first..).zip(codec::decode_numbers(&value)?) {
            if let Some(phone) = Phone::from_u64(phone) {
                gate.directory.insert(id, phone.as_u64());
            }
        }
    }
    for chunk in 0..heads.next_contact.div_ceil(POSTING_CHUNK_IDS) {
        let mut gate_end = keys::postings(chunk).to_vec();
        gate_end.push(GATE_TAG_MAX + 1);
        for row in tree.range(keys::postings(chunk).to_vec()..gate_end) {
            let (key, value) = row.map_err(sled_failed)?;
            let (term, first) = keys::parse_posting(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            gate.insert_all(term, &Chunk::decode(term.chunk_ids(), &value)?.ids(first));
        }
    }
    let mut unsettled = Unsettled::default();
    for row in tree.scan_prefix([keys::JOURNAL]) {
        let (key, value) = row.map_err(sled_failed)?;
        let number = keys::long_number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
        let changes = Changes::decode(&expand(&value)?)?;
        gate.change(&changes);
        unsettled.replay(number, changes, |posting| disk.posting(posting))?;
    }
    follow_scope(disk, &mut heads, scope, now)?;
    disk.note_synced(heads.batches)?;
    Ok((gate, unsettled, heads))
}

/// sled takes damage in the middle of its file for the end of it, and serves what is before. That must not be taken for the
/// whole: opt-outs would be lost without a word.
fn refuse_cut_off(disk: &Disk, batches: u64, synced: Option<u64>) -> Result<()> {
    match synced {
        Some(synced) if synced > batches => Err(Error::internal(format!(
            "the store in {} ends after {batches} of {synced} batches that were on disk: its file was damaged or cut off, and \
             opt-outs are lost with the rest. Restore a backup, or delete {} to serve what is left",
            disk.dir().display(),
            disk.mark().display()
        ))),
        _ => Ok(()),
    }
}

/// Opens the secret of the store's tombstones, and reads their directory.
pub fn load_tombstones(disk: &Disk) -> Result<Tombstones> {
    let known = disk.tree().get(keys::SECRET).map_err(sled_failed)?;
    let secret = Secret::open(disk.dir(), known.as_deref())?;
    if known.is_none() {
        disk.tree().insert(keys::SECRET, &secret.fingerprint()).map_err(sled_failed)?;
        disk.sync()?;
    }
    Tombstones::load(disk, secret)
}

fn create(disk: &Disk, scope: StopScope, now: Millis) -> Result<Heads> {
    if !disk.tree().is_empty() {
        return Err(Error::internal("the store has no format: it is not contactd's"));
    }
    let heads = Heads {
        next_contact: 0,
        next_feed: 1,
        epoch: now.unsigned_abs(),
        next_event: 1,
        next_journal: 1,
        next_tombstone: 0,
        batches: 0,
    };
    let mut batch = sled::Batch::default();
    batch.insert(keys::FORMAT, &[FORMAT]);
    batch.insert(keys::HEADS, codec::encode_heads(&heads)?);
    batch.insert(keys::SCOPE, codec::encode_scope(scope));
    for key in keys::fences() {
        batch.insert(&key, &[]);
    }
    disk.tree().apply_batch(batch).map_err(sled_failed)?;
    disk.sync()?;
    Ok(heads)
}

/// A changed scope changes verdicts: whoever follows the feed is told.
fn follow_scope(disk: &Disk, heads: &mut Heads, scope: StopScope, now: Millis) -> Result<()> {
    let stored = disk.tree().get(keys::SCOPE).map_err(sled_failed)?;
    if stored.is_some_and(|stored| codec::decode_scope(&stored) == scope) {
        return Ok(());
    }
    let mut batch = sled::Batch::default();
    let entry = FeedEntry::Scope { at: now.into(), all: scope == StopScope::All };
    batch.insert(&keys::feed(heads.next_feed), codec::encode_feed(&[entry])?);
    heads.next_feed += 1;
    heads.batches += 1;
    batch.insert(keys::HEADS, codec::encode_heads(heads)?);
    batch.insert(keys::SCOPE, codec::encode_scope(scope));
    disk.tree().apply_batch(batch).map_err(sled_failed)?;
    disk.sync()
}

fn number(key: &[u8]) -> Result<u32> {
    keys::number(key).ok_or_else(|| Error::internal("a damaged key"))
}
