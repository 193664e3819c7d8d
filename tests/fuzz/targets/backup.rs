//! Backups: any bytes are read or refused, and a backup of which a byte has changed is refused.
//!
//! The first byte of an input chooses: whether the rest is the file; or the places and the bytes that change in a sound one; or
//! pieces, each a letter and a length, which get their sums, so that what is behind the sums is reached.

use std::sync::LazyLock;

use contactd::store::backup::{BackupEnd, BackupHead, BackupWriter};
use contactd::store::check_backup;
use contactd::store::engine::Batch;
use sha2::{Digest as _, Sha256};

use super::chosen;

const MAGIC: &[u8] = b"contactd backup\n";

/// A small backup with everything that one has.
pub static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let row = |n: u8| (vec![0x10, 0, 0, 0, n], vec![n; 40]);
    let mut batch = Batch::new(9);
    batch.put(b"\x10abcd", &[7; 30]);
    batch.remove(b"\x20x");
    let head = BackupHead { contactd: "0.1.0".into(), ..BackupHead::new(1_777_636_800_000, "ab".repeat(32)) };
    let mut writer = BackupWriter::new(Vec::new(), &head).expect("begun");
    writer.rows(&[row(1), row(2)]).expect("rows");
    writer.batches(vec![batch.as_bytes().to_vec()]).expect("a batch");
    writer.finish(BackupEnd { batch: 9, contacts: 2, ..BackupEnd::default() }).expect("an end").0
});

pub fn run(input: &[u8]) {
    let (choice, rest) = chosen(input);
    match choice % 3 {
        0 => drop(check_backup(rest)),
        1 => {
            let changed = changed(rest);
            let checked = check_backup(&changed[..]);
            assert_eq!(checked.is_ok(), changed == *SOUND, "a change goes unseen");
        }
        _ => drop(check_backup(&sealed(rest)[..])),
    }
}

/// The sound backup with changes, each of four bytes: its place in two of them, what is done, and the byte.
fn changed(changes: &[u8]) -> Vec<u8> {
    let mut bytes = SOUND.clone();
    assert!(check_backup(&bytes[..]).is_ok());
    for change in changes.chunks_exact(4) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % (bytes.len() + 1);
        match change[2] % 5 {
            0 if at < bytes.len() => bytes[at] = change[3],
            1 if at < bytes.len() => bytes[at] ^= 1 << (change[3] % 8),
            2 => bytes.insert(at, change[3]),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => bytes.truncate(at),
            _ => {}
        }
    }
    bytes
}

/// A file of pieces, each given by its kind, its length in two bytes and its body, with the sums that they need. It ends with
/// the sum of all.
fn sealed(mut pieces: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    while let [kind, high, low, rest @ ..] = pieces {
        let (body, behind) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(rest.len()));
        pieces = behind;
        put(&mut bytes, *kind, body);
    }
    let sum = Sha256::digest(&bytes);
    put(&mut bytes, b's', &sum);
    bytes
}

fn put(bytes: &mut Vec<u8>, kind: u8, body: &[u8]) {
    let length = (body.len() as u32).to_be_bytes();
    let mut crc = crc32fast::Hasher::new();
    for part in [&[kind], &length[..], body] {
        crc.update(part);
    }
    bytes.push(kind);
    bytes.extend(length);
    bytes.extend(crc.finalize().to_be_bytes());
    bytes.extend_from_slice(body);
}
