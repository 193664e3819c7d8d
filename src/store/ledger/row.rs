//! A batch as a row of a ledger: a byte for its form, then the batch as LZ4.

use crate::error::{Error, Result};
use crate::limits::LEDGER_BATCH_BYTES_MAX;
use crate::store::engine::Batch;

/// The form of a row. A daemon that reads a newer one stops, and never takes over.
pub const ROW_FORMAT: u8 = 1;

/// A batch as it stands in the ledger.
pub fn encode(batch: &Batch) -> Vec<u8> {
    let mut row = vec![ROW_FORMAT];
    row.extend(lz4_flex::block::compress_prepend_size(batch.as_bytes()));
    row
}

/// The batch of a row.
pub fn decode(row: &[u8]) -> Result<Batch> {
    let damaged = || Error::internal("a row of the ledger is damaged");
    match row.split_first() {
        Some((&ROW_FORMAT, packed)) => {
            let (size, packed) = lz4_flex::block::uncompressed_size(packed).map_err(|_| damaged())?;
            if size > LEDGER_BATCH_BYTES_MAX {
                return Err(damaged());
            }
            Batch::decode(lz4_flex::block::decompress(packed, size).map_err(|_| damaged())?)
        }
        Some((newer, _)) => Err(Error::internal(format!(
            "the ledger has rows of form {newer}, and this contactd reads form {ROW_FORMAT}: use a newer contactd"
        ))),
        None => Err(damaged()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_its_batch_and_a_newer_form_is_refused() {
        let mut batch = Batch::new(7);
        batch.put(b"key", &[b'x'; 1000]);
        let row = encode(&batch);
        assert!(row.len() < 100, "it is compressed");
        assert!(decode(&row).is_ok_and(|read| read == batch));
        assert!([&[][..], &row[..row.len() - 1], &[1, 0xff, 0xff, 0xff, 0xff]].iter().all(|row| decode(row).is_err()));
        let newer = [&[2], &row[1..]].concat();
        assert!(decode(&newer).is_err_and(|why| why.message.contains("a newer contactd")));
    }
}
