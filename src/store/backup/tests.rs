use proptest::prelude::*;

use super::*;
use crate::store::engine::{Batch, Row};

fn head() -> BackupHead {
    BackupHead { backup: VERSION, contactd: "0.0.0".into(), started_at: 7, secret: "ab".repeat(32) }
}

/// A backup of some rows, and of batches behind every second page of them.
fn written(pages: &[Vec<Row>], batches: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = BackupWriter::new(Vec::new(), &head()).expect("begun");
    for (at, page) in pages.iter().enumerate() {
        writer.rows(page).expect("rows");
        if at % 2 == 1 {
            writer.batches(batches.to_vec()).expect("batches");
        }
    }
    writer.finish(BackupEnd { contacts: 3, ..BackupEnd::default() }).expect("written").0
}

/// Keys, each with the number of its batch.
type Keys = Vec<(u64, Vec<u8>)>;

/// All entries of a backup, in order, or the error.
fn read(bytes: &[u8]) -> crate::error::Result<(BackupHead, Keys, BackupEnd)> {
    let (mut reader, head) = BackupReader::new(bytes)?;
    let mut entries = Vec::new();
    loop {
        match reader.part()? {
            Part::End(end) => return Ok((head, entries, end)),
            Part::Batches(batches) => {
                for batch in batches {
                    entries.extend(batch.entries().map(|(key, _)| (batch.number(), key.to_vec())));
                }
            }
        }
    }
}

fn batch(number: u64) -> Vec<u8> {
    let mut batch = Batch::new(number);
    batch.put(b"\x10abcd", &[1; 300]);
    batch.remove(b"\x20x");
    batch.as_bytes().to_vec()
}

#[test]
fn a_backup_reads_as_it_was_written() {
    let page = |first: u8| (0..9).map(|n| (vec![0x10, first, n], vec![n; 700])).collect::<Vec<Row>>();
    let bytes = written(&[page(0), page(1), page(2)], &[batch(4), batch(5)]);
    let (told, entries, end) = read(&bytes).expect("a backup");
    assert_eq!((told, end.rows, end.batches, end.contacts), (head(), 27, 2, 3));
    let numbers: Vec<u64> = entries.iter().map(|(number, _)| *number).collect();
    let (rows, rest) = numbers.split_at(18);
    assert!(rows.iter().all(|&number| number == 0), "rows before the batches that came after them");
    assert_eq!((&rest[..4], rest.len()), (&[4, 4, 5, 5][..], 4 + 9));
}

proptest! {
    #[test]
    fn no_damage_goes_unseen(at: prop::sample::Index, bit in 0_u8..8, cut: bool) {
        let row = |n: u8| (vec![0x10, n], vec![n; 40]);
        let mut bytes = written(&[vec![row(1), row(2)], vec![row(3)]], &[batch(9)]);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << bit;
        }
        prop_assert!(read(&bytes).is_err(), "byte {at}");
        bytes.push(0);
        prop_assert!(read(&bytes).is_err());
    }
}

#[test]
fn damage_says_where_it_is() {
    let mut bytes = written(&[vec![(vec![0x10, 0, 0, 0, 9], vec![1; 40])]], &[]);
    let middle = bytes.len() - 60;
    bytes[middle] ^= 1;
    let why = read(&bytes).expect_err("damaged").message;
    assert!(why.contains("piece 3") && why.contains("behind the contacts from 36 on"), "{why}");
    assert!(read(b"contactd").expect_err("short").message.contains("no backup"));
}
