//! A sum of what a start replays. sled knows damage in the middle of its file only by what the damaged place says itself:
//! it leaves out the rest of that segment, and goes on with the next one. Whatever was written there would be missing, and
//! nobody would be told.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::limits::SEGMENT_BYTES;

/// A segment begins with the sum of the rest of its head, its number, and another number.
const HEAD_BYTES: usize = 20;

/// Of the files of a store that is closed: those segments of its log that were written since it was opened, which the next
/// start replays, and all of the other files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The number of the first of the segments.
    pub from: u64,
    /// Their sum.
    pub sum: u32,
}

/// The number of the newest segment of a log; 0 where there is none.
pub fn newest_segment(log: &Path) -> std::io::Result<u64> {
    let newest = |log: File| Ok(segments(&log, log.metadata()?.len())?.into_iter().map(|(number, _)| number).max());
    match File::open(log) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(0),
        log => log.and_then(newest).map(|newest| newest.unwrap_or(0)),
    }
}

/// Reads what is under a seal.
pub fn seal(log: &Path, from: u64) -> std::io::Result<Seal> {
    let mut sum = crc32fast::Hasher::new();
    let file = File::open(log)?;
    let mut bytes = vec![0; SEGMENT_BYTES];
    for (number, at) in segments(&file, file.metadata()?.len())? {
        if number >= from {
            let length = read_at_most(&file, &mut bytes, at)?;
            sum.update(&at.to_be_bytes());
            sum.update(&bytes[..length]);
        }
    }
    for path in others(log)? {
        sum.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        let mut file = File::open(path)?;
        loop {
            match file.read(&mut bytes)? {
                0 => break,
                length => sum.update(&bytes[..length]),
            }
        }
    }
    Ok(Seal { from, sum: sum.finalize() })
}

/// sled syncs neither its settings, without which it does not open, nor the names of its files.
pub fn sync_files(store: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(store)? {
        let path = entry?.path();
        if path.is_file() {
            sync(&path)?;
        }
    }
    sync(store)
}

/// Syncs a file or a directory.
pub fn sync(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

/// The segments in a log that have a head, with their numbers and where they are.
fn segments(log: &File, length: u64) -> std::io::Result<Vec<(u64, u64)>> {
    let mut found = Vec::new();
    for at in (0..length).step_by(SEGMENT_BYTES) {
        let mut head = [0; HEAD_BYTES];
        if read_at_most(log, &mut head, at)? == HEAD_BYTES {
            let [s0, s1, s2, s3, n0, n1, n2, n3, n4, n5, n6, n7, ..] = head;
            if u32::from_le_bytes([s0, s1, s2, s3]) ^ u32::MAX == crc32fast::hash(&head[4..]) {
                let number = u64::from_le_bytes([n0, n1, n2, n3, n4, n5, n6, n7]) ^ (u64::MAX >> 1);
                found.push((number, at));
            }
        }
    }
    Ok(found)
}

fn read_at_most(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<usize> {
    let mut length = 0;
    while length < bytes.len() {
        match file.read_at(&mut bytes[length..], at + length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

/// The files beside a log, in order.
fn others(log: &Path) -> std::io::Result<Vec<PathBuf>> {
    let beside = fs::read_dir(log.parent().unwrap_or(log))?.collect::<std::io::Result<Vec<_>>>()?;
    let mut others: Vec<PathBuf> = beside.into_iter().map(|entry| entry.path()).collect();
    others.retain(|path| path != log && path.is_file());
    others.sort();
    Ok(others)
}
