//! The write-ahead log: batches in the order in which they were applied. One write and one sync make them durable; sled puts
//! them into its own file when it likes.
//!
//! It is two files that take turns. While batches go into one of them, sled puts those of the other one on disk, which is
//! then written over from its beginning: that allocates nothing, so that a sync writes data alone.
//!
//! A file is batches one after the other, each with a number that is one more than that of the batch before it:
//!
//! ```text
//! bytes of the batch (4) | CRC-32 of the batch (4) | batch
//! ```
//!
//! It ends where something else stands: what the file had before, or what a crash left half. Numbers are big-endian.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::Batch;
use super::seal::sync;
use crate::limits::{WAL_FILE_BYTES, WAL_GROWTH_BYTES};

const NAMES: [&str; 2] = ["wal.0", "wal.1"];
/// Length and sum.
const HEAD_BYTES: usize = 8;

/// The open files, and what does not stand in them yet.
pub struct Wal {
    files: [File; 2],
    /// How far each of them has been written, with batches or with zeros.
    lengths: [u64; 2],
    /// The one that takes batches.
    current: usize,
    /// Where its next batch goes.
    end: u64,
    /// Batches that are not written yet.
    waiting: Vec<u8>,
}

impl Wal {
    /// Whether a store has one.
    pub fn is_in(store: &Path) -> bool {
        paths(store).iter().all(|path| path.exists())
    }

    /// Opens the files of a store, making them if need be. What they have stays until [`Wal::clear`].
    pub fn open(store: &Path) -> io::Result<Wal> {
        let is_new = !Wal::is_in(store);
        let open = |path: PathBuf| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let [first, second] = paths(store).map(open);
        let files = [first?, second?];
        let lengths = [files[0].metadata()?.len(), files[1].metadata()?.len()];
        if is_new {
            sync(store)?;
        }
        Ok(Wal { files, lengths, current: 0, end: 0, waiting: Vec::new() })
    }

    /// The batches of both files, the older file first. They may begin before what sled has on disk, and there may be a gap.
    pub fn batches(&self) -> io::Result<Vec<Batch>> {
        let mut files = [batches(&self.files[0])?, batches(&self.files[1])?];
        files.sort_by_key(|batches| batches.first().map(Batch::number));
        Ok(files.into_iter().flatten().collect())
    }

    /// Has nothing any more: sled has it all on disk. This is synced: a batch that a crash lost must not come behind another
    /// one that takes its number.
    pub fn clear(&mut self) -> io::Result<()> {
        for (file, _) in self.files.iter().zip(self.lengths).filter(|(_, length)| *length > 0) {
            file.set_len(0)?;
            file.sync_all()?;
        }
        (self.lengths, self.current, self.end) = ([0; 2], 0, 0);
        self.waiting.clear();
        Ok(())
    }

    /// Takes a batch. A crash loses it until [`Wal::sync`].
    pub fn append(&mut self, batch: &Batch) -> io::Result<()> {
        let bytes = batch.as_bytes();
        let length = u32::try_from(bytes.len()).map_err(|_| io::Error::other("a batch of 4 GiB"))?;
        self.waiting.extend(length.to_be_bytes());
        self.waiting.extend(crc32fast::hash(bytes).to_be_bytes());
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() as u64 >= WAL_GROWTH_BYTES { self.write() } else { Ok(()) }
    }

    /// Makes durable what was appended.
    pub fn sync(&mut self) -> io::Result<()> {
        self.write()?;
        self.files[self.current].sync_data()
    }

    /// Whether the other file is to take the next batches.
    pub fn is_full(&self) -> bool {
        self.end >= WAL_FILE_BYTES
    }

    /// From now on the other file takes batches, over those that it has, which sled must have on disk.
    pub fn turn(&mut self) {
        (self.current, self.end) = (1 - self.current, 0);
    }

    /// Bytes that both files take.
    pub fn size(&self) -> u64 {
        self.lengths.iter().sum()
    }

    /// A file grows by many zeros at a time: the system notes its length with the next sync, and need not with those after it.
    fn write(&mut self) -> io::Result<()> {
        let (file, length) = (&self.files[self.current], &mut self.lengths[self.current]);
        let end = self.end + self.waiting.len() as u64;
        if end > *length {
            let grown = end.next_multiple_of(WAL_GROWTH_BYTES);
            file.write_all_at(&vec![0; (grown - end) as usize], end)?;
            *length = grown;
        }
        file.write_all_at(&self.waiting, self.end)?;
        self.end = end;
        self.waiting.clear();
        Ok(())
    }
}

fn paths(store: &Path) -> [PathBuf; 2] {
    NAMES.map(|name| store.join(name))
}

/// The batches at the beginning of a file.
fn batches(file: &File) -> io::Result<Vec<Batch>> {
    let mut bytes = vec![0; file.metadata()?.len() as usize];
    file.read_exact_at(&mut bytes, 0)?;
    let (mut batches, mut rest) = (Vec::<Batch>::new(), &bytes[..]);
    while let Some((batch, behind)) = batch(rest)
        && batches.last().is_none_or(|last| last.number() + 1 == batch.number())
    {
        batches.push(batch);
        rest = behind;
    }
    Ok(batches)
}

/// The batch at the beginning of some bytes, and what is behind it.
fn batch(bytes: &[u8]) -> Option<(Batch, &[u8])> {
    let (&[l0, l1, l2, l3, s0, s1, s2, s3], rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let (bytes, rest) = rest.split_at_checked(u32::from_be_bytes([l0, l1, l2, l3]) as usize)?;
    if crc32fast::hash(bytes) != u32::from_be_bytes([s0, s1, s2, s3]) {
        return None;
    }
    Some((Batch::decode(bytes.to_vec()).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch_of(number: u64, bytes: usize) -> Batch {
        let mut batch = Batch::new(number);
        batch.put(b"key", &vec![number.to_le_bytes()[0]; bytes]);
        batch
    }

    fn numbers(wal: &Wal) -> Vec<u64> {
        wal.batches().expect("read").iter().map(Batch::number).collect()
    }

    #[test]
    fn batches_come_back_in_order_over_every_turn() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut wal = Wal::open(dir.path()).expect("opened");
        let mut turned_at = 1;
        for number in 1..1_000 {
            wal.append(&batch_of(number, 700 + (number % 300) as usize)).expect("appended");
            if number % 3 == 0 {
                wal.sync().expect("synced");
                let all: Vec<u64> = (turned_at..=number).collect();
                let again = Wal::open(dir.path()).expect("opened");
                assert!(numbers(&again).ends_with(&all), "{number}: {:?}", numbers(&again));
                if wal.is_full() {
                    // What the other file has from now on is lost with the next turn, and not before.
                    turned_at = number + 1;
                    wal.turn();
                }
            }
        }
        assert!(wal.size() <= 2 * (WAL_FILE_BYTES + WAL_GROWTH_BYTES));
        wal.clear().expect("cleared");
        assert_eq!((numbers(&wal), wal.size()), (vec![], 0));
    }

    #[test]
    fn a_batch_that_was_not_written_whole_ends_the_log() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut wal = Wal::open(dir.path()).expect("opened");
        for number in 1..=3 {
            wal.append(&batch_of(number, 5)).expect("appended");
        }
        wal.sync().expect("synced");
        let path = dir.path().join(NAMES[0]);
        let whole = std::fs::read(&path).expect("read");
        let (one, end) = (whole.len().min(wal.end as usize) / 3, wal.end as usize);
        for at in 0..end {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            std::fs::write(&path, torn).expect("written");
            let left: Vec<u64> = (1..=(at / one) as u64).collect();
            assert_eq!(numbers(&Wal::open(dir.path()).expect("opened")), left, "at {at}");
        }
        for length in 0..end {
            std::fs::write(&path, &whole[..length]).expect("written");
            let left: Vec<u64> = (1..=(length / one) as u64).collect();
            assert_eq!(numbers(&Wal::open(dir.path()).expect("opened")), left, "cut to {length}");
        }
    }
}
