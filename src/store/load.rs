//! The start: reads the lists, the directory and the gate's postings, not the records.

use std::path::Path;
use std::thread;

use super::engine::{Batch, DiskEngine, Engine, Keys, Wholeness, rows};
use super::format::chunk::Chunk;
use super::format::codec::{self, FeedEntry, NextIds};
use super::format::common::Common;
use super::format::compressed::expand;
use super::format::keys;
use super::format::term::GATE_TAG_MAX;
use super::format::{self, FORMAT, FORMAT_LEDGER, fence};
use super::ledger::CommitError;
use super::memory::Memory;
use super::memory::changes::Changes;
use super::memory::directory::{Directory, Numbers};
use super::memory::gate::Gate;
use super::memory::pending::Pending;
use super::memory::tallies::Tallies;
use super::memory::tombstones::Tombstones;
use super::options::Options;
use super::read::postings::stored_posting;
use super::secret::Secret;
use super::write::Committer;
use super::write::committer::Durability;
use crate::error::{Error, Result};
use crate::limits::{DIRECTORY_CHUNK_IDS, POSTING_CHUNK_IDS};
use crate::model::fence::Fence;
use crate::model::list::ListId;
use crate::model::list_event::{ListEvent, ListEventKind};
use crate::model::phone::RENUMBERINGS_VERSION;
use crate::model::strictness::{Remembered, Strictness};
use crate::model::time::Millis;
use crate::model::verdict::StopScope;

/// The thread that reads the directory.
const THREAD_NAME: &str = "contactd-load";

/// What the store gives out next, as the engine has it; none if the store is new.
pub fn next_ids(engine: &dyn Engine) -> Result<Option<NextIds>> {
    match format(engine)? {
        None => Ok(None),
        Some(format::OLD..=FORMAT_LEDGER) => {
            let next = engine.get(keys::NEXT_IDS)?.ok_or_else(|| Error::internal("the store has no counters"))?;
            codec::decode_next_ids(&next).map(Some)
        }
        Some(format) => Err(Error::internal(format!(
            "the store has format {format}, this contactd reads up to {FORMAT_LEDGER}: use the contactd that wrote it, or a newer one"
        ))),
    }
}

/// The format of a store; none if it is new.
pub fn format(engine: &dyn Engine) -> Result<Option<u8>> {
    let one = |format: &[u8]| if let [format] = format { *format } else { 0 };
    Ok(engine.get(keys::FORMAT)?.map(|format| one(&format)))
}

/// Writes what a start has to write: the first keys of a new store, another stop scope, another epoch of the feed. Gives what
/// the store gives out next.
pub fn prepare(engine: &dyn Engine, committer: &mut Committer, options: &Options) -> Result<NextIds> {
    let now = (options.clock)();
    let mut stored = next_ids(engine)?;
    let wholeness = engine.check_complete(stored.as_ref().map_or(0, |next| next.batches))?;
    if !committer.is_remote() {
        refuse_alone(engine)?;
        // Whatever a copy of a ledger lacks, the ledger has.
        if let Some(next) = stored.as_mut().filter(|next| next.batches > 0) {
            doubt(engine, committer, next, wholeness, now)?;
        }
    }
    // From here on nobody can tell any more that anything was gone.
    engine.mark_open(committer.next_number() - 1)?;
    let mut batch = Batch::new(committer.next_number());
    let mut next = match stored {
        Some(next) => next,
        None => create(engine, now, &mut batch)?,
    };
    if !is_watched(engine)? {
        batch.put(keys::WATCHED, &[codec::V1]);
    }
    follow_strictness(engine, options, now, &mut batch)?;
    follow_scope(engine, &mut next, options.scope, now, &mut batch)?;
    if committer.is_remote() && !is_of_ledger(engine)? {
        batch.put(keys::FORMAT, &[format::of_ledger(format(engine)?.unwrap_or(FORMAT))]);
    }
    if batch.is_empty() {
        committer.sync().map_err(CommitError::into_error)?;
    } else {
        commit(&mut next, committer, batch)?;
    }
    Ok(next)
}

/// A store whose batches count in a ledger is one that no contactd may open without it: others go on with it meanwhile.
fn refuse_alone(engine: &dyn Engine) -> Result<()> {
    if is_of_ledger(engine)? {
        return Err(Error::internal(
            "this data directory is a copy of a ledger, which others may have gone on with: start contactd with --ledger, or \
             restore a backup",
        ));
    }
    Ok(())
}

fn is_of_ledger(engine: &dyn Engine) -> Result<bool> {
    Ok(format(engine)?.is_some_and(format::is_of_ledger))
}

/// Somebody may have removed a file that tells whether the store is whole. What is left is there, but whoever opted out last may
/// be missing. So it is served behind a fence; but that of a contactd that may itself have left no such file is served as ever.
fn doubt(
    engine: &dyn Engine,
    committer: &mut Committer,
    next: &mut NextIds,
    wholeness: Wholeness,
    now: Millis,
) -> Result<()> {
    let is_watched = is_watched(engine)?;
    if wholeness == Wholeness::Known || wholeness == Wholeness::AnyFile && !is_watched {
        return Ok(());
    }
    let mut batch = Batch::new(committer.next_number());
    // Positions of the feed may be given a second time.
    next.epoch = now.unsigned_abs().max(next.epoch + 1);
    let has_numbers = next.next_contact > 0 || next.next_tombstone > 0;
    if has_numbers && is_watched && engine.get(keys::FENCE)?.is_none() {
        tracing::error!(
            "a file that tells whether the store is whole is gone: it may have been damaged, cut off or put back, and opt-outs \
             may be missing. Nobody gets messages until UNFENCE"
        );
        let format = format(engine)?.unwrap_or(FORMAT);
        fence::raise(format, &Fence::of_doubt(now), next, &mut batch)?;
    }
    commit(next, committer, batch)
}

fn is_watched(engine: &dyn Engine) -> Result<bool> {
    Ok(engine.get(keys::WATCHED)?.is_some())
}

fn commit(next: &mut NextIds, committer: &mut Committer, mut batch: Batch) -> Result<()> {
    next.batches = batch.number();
    batch.put(keys::NEXT_IDS, &codec::encode_next_ids(next)?);
    committer.commit(batch, Durability::Now).map_err(CommitError::into_error)
}

/// The first keys of a new store.
fn create(engine: &dyn Engine, now: Millis, batch: &mut Batch) -> Result<NextIds> {
    if !engine.scan(&(Vec::new()..vec![u8::MAX]), 1)?.is_empty() {
        return Err(Error::internal("the store has no format: contactd did not write it"));
    }
    batch.put(keys::FORMAT, &[FORMAT]);
    batch.put(keys::RENUMBERED, &[RENUMBERINGS_VERSION]);
    batch.put(keys::PRINTED, &[codec::V1]);
    keys::spacers().for_each(|key| batch.put(&key, &[]));
    Ok(NextIds { next_feed: 1, epoch: now.unsigned_abs(), next_event: 1, next_journal: 1, ..NextIds::default() })
}

/// Opens an engine to make another store of it. Of a copy that may be incomplete none is made.
pub fn complete(dir: &Path) -> Result<DiskEngine> {
    let engine = DiskEngine::open(dir)?;
    let newest = next_ids(&engine)?.map_or(0, |next| next.batches);
    if engine.check_complete(newest)? != Wholeness::Known && is_watched(&engine)? {
        return Err(Error::internal(format!(
            "a file in {} that tells whether the store is whole is gone: have contactd start on it first, or run contactd verify",
            dir.display()
        )));
    }
    engine.mark_open(newest)?;
    Ok(engine)
}

/// The stop scope of the last run; none for a new store.
pub fn scope(engine: &dyn Engine) -> Result<Option<StopScope>> {
    Ok(engine.get(keys::SCOPE)?.map(|stored| codec::decode_scope(&stored)))
}

/// How strict the store was run; of one that an older contactd wrote the stop scope alone is known.
pub fn strictness(engine: &dyn Engine) -> Result<Remembered> {
    match engine.get(keys::STRICTNESS)? {
        Some(stored) => codec::decode_strictness(&stored),
        None => {
            let strictest = Strictness { scope: scope(engine)?.unwrap_or_default(), ..Strictness::default() };
            Ok(Remembered { strictest, loosened_at: 0 })
        }
    }
}

/// Remembers how strict the store is run, and tells of what is looser than before.
fn follow_strictness(engine: &dyn Engine, options: &Options, now: Millis, batch: &mut Batch) -> Result<()> {
    let Some(now_set) = &options.strictness else { return Ok(()) };
    let remembered = strictness(engine)?.at_start(now_set, now);
    if let Some(lacks) = now_set.lacks_of(&remembered.strictest) {
        tracing::warn!(
            "{lacks}: whoever was held back by that gets messages again. If that is not meant, start with the settings that it had"
        );
    }
    let value = codec::encode_strictness(&remembered)?;
    if engine.get(keys::STRICTNESS)?.as_deref() != Some(&*value) {
        batch.put(keys::STRICTNESS, &value);
    }
    Ok(())
}

/// What of the settings is looser than before, in words, and since when.
pub fn loosened(engine: &dyn Engine, now_set: Option<&Strictness>) -> Result<Option<(String, Millis)>> {
    let Remembered { strictest, loosened_at } = strictness(engine)?;
    Ok(now_set.and_then(|now_set| now_set.lacks_of(&strictest)).map(|lacks| (lacks, loosened_at)))
}

/// Another stop scope changes verdicts: the feed and the history of lists have it.
fn follow_scope(
    engine: &dyn Engine,
    next: &mut NextIds,
    scope: StopScope,
    now: Millis,
    batch: &mut Batch,
) -> Result<()> {
    let stored = self::scope(engine)?;
    if stored == Some(scope) {
        return Ok(());
    }
    batch.put(keys::SCOPE, &codec::encode_scope(scope));
    if stored.is_none() {
        return Ok(());
    }
    let entry = FeedEntry::Scope { at: now.into(), all: scope == StopScope::All };
    batch.put(&keys::feed(next.next_feed), &codec::encode_feed(&[entry])?);
    next.next_feed += 1;
    let event = ListEvent { at: now, list: None, kind: ListEventKind::Scope(scope), by: String::new() };
    batch.put(&keys::list_event(next.next_event), &codec::encode_list_event(&event)?);
    next.next_event += 1;
    Ok(())
}

/// Opens the secret of the store's tombstones. The first one is noted in the store.
pub fn secret(engine: &dyn Engine, committer: &mut Committer, next: &mut NextIds, options: &Options) -> Result<Secret> {
    let known = engine.get(keys::SECRET)?;
    let secret = Secret::open(&options.dir, options.tombstone_key.as_deref(), known.as_deref())?;
    if known.is_none() {
        let mut batch = Batch::new(committer.next_number());
        batch.put(keys::SECRET, &secret.fingerprint());
        commit(next, committer, batch)?;
    }
    Ok(secret)
}

/// Reads what is held in memory: the directory of contacts on a thread of its own, since it takes as long as the rest.
pub fn memory(engine: &dyn Engine, next: &NextIds, secret: Secret, options: &Options) -> Result<Memory> {
    let now = (options.clock)();
    thread::scope(|scope| {
        let directory = thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn_scoped(scope, || contacts(engine, next, options))
            .map_err(|why| Error::internal(format!("cannot start a thread that reads the store: {why}")))?;
        let mut gate = gate(engine, next, options)?;
        let pending = pending(engine, &mut gate)?;
        let mut tombstones = Tombstones::new(secret);
        let mut marks = Numbers::default();
        read_directory(engine, keys::all(keys::TOMBSTONE_DIRECTORY), &mut marks)?;
        tombstones.directory = Directory::of(marks);
        let mut days = Vec::new();
        for row in rows(engine, keys::tallies_since(Tallies::first_day(now))) {
            let (key, value) = row?;
            days.push((keys::parse_tally(&key).ok_or_else(damaged_key)?, codec::decode_tally(&value)?));
        }
        let tallies = Tallies::new(days, now, options.opt_out_warning);
        gate.directory = directory.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Memory::new(pending, gate, tombstones, tallies))
    })
}

/// Reads which contact has which number.
fn contacts(engine: &dyn Engine, next: &NextIds, options: &Options) -> Result<Directory> {
    let mut numbers = Numbers::default();
    for chunk in 0..next.next_contact.div_ceil(POSTING_CHUNK_IDS) {
        options.loading.reach(chunk * POSTING_CHUNK_IDS, next.next_contact);
        let key = |chunk: u32| keys::directory(chunk * (POSTING_CHUNK_IDS / DIRECTORY_CHUNK_IDS)).to_vec();
        read_directory(engine, key(chunk)..key(chunk + 1), &mut numbers)?;
    }
    Ok(Directory::of(numbers))
}

/// Reads the fence, the lists, the postings that CHECK needs as they were written last, and the messages that somebody must look at.
fn gate(engine: &dyn Engine, next: &NextIds, options: &Options) -> Result<Gate> {
    let mut gate = Gate::new(options.scope, options.maybe_optout);
    gate.set_fence(engine.get(keys::FENCE)?.map(|fence| codec::decode_fence(&fence)).transpose()?);
    for row in rows(engine, keys::all(keys::LIST)) {
        let (key, value) = row?;
        gate.put_list(ListId(number(&key)?), codec::decode_list(&value)?);
    }
    for chunk in 0..next.next_contact.div_ceil(POSTING_CHUNK_IDS) {
        let mut gate_end = keys::postings(chunk).to_vec();
        gate_end.push(GATE_TAG_MAX + 1);
        for row in rows(engine, keys::postings(chunk).to_vec()..gate_end) {
            let (key, value) = row?;
            let (term, first) = keys::parse_posting(&key).ok_or_else(damaged_key)?;
            gate.insert_all(term, &Chunk::decode(term.chunk_ids(), &value)?.ids(first));
        }
    }
    for row in rows(engine, keys::all(keys::INBOX)) {
        let (key, value) = row?;
        let number = keys::long_number(&key).ok_or_else(damaged_key)?;
        gate.inbox.insert(number, (&codec::decode_waiting(&expand(&value)?)?).into());
    }
    Ok(gate)
}

/// Reads the journal: what has changed in postings since they were written last, those of the gate included.
fn pending(engine: &dyn Engine, gate: &mut Gate) -> Result<Pending> {
    let mut common = Common::default();
    for row in rows(engine, keys::all(keys::COMMON)) {
        let (key, _) = row?;
        let (label, value) = keys::parse_common(&key).ok_or_else(damaged_key)?;
        common.add(label, value);
    }
    let mut pending = Pending::new(common);
    for row in rows(engine, keys::all(keys::JOURNAL)) {
        let (key, value) = row?;
        let number = keys::long_number(&key).ok_or_else(damaged_key)?;
        let changes = Changes::decode(&expand(&value)?)?;
        gate.change(&changes);
        pending.replay(number, changes, |posting| stored_posting(engine, posting))?;
    }
    Ok(pending)
}

/// Reads the chunks of a directory.
fn read_directory(engine: &dyn Engine, chunks: Keys, numbers: &mut Numbers) -> Result<()> {
    for row in rows(engine, chunks) {
        let (key, value) = row?;
        if !numbers.add(number(&key)?, &codec::decode_numbers(&value)?) {
            return Err(Error::internal("a chunk of a directory has too many numbers"));
        }
    }
    Ok(())
}

fn number(key: &[u8]) -> Result<u32> {
    keys::number(key).ok_or_else(damaged_key)
}

fn damaged_key() -> Error {
    Error::internal("a damaged key")
}
