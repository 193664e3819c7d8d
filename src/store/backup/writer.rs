//! Writing a backup.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::{BackupEnd, BackupHead, MAGIC, PIECE_BYTES_CLOSE, kind};
use crate::error::{Error, Result};
use crate::store::engine::{Batch, Row};

/// Writes a backup, piece by piece.
pub struct BackupWriter<W: Write> {
    to: W,
    sum: Sha256,
    written: u64,
    rows: Vec<u8>,
    batches: Vec<u8>,
    rows_written: u64,
    batches_written: u64,
}

impl<W: Write> BackupWriter<W> {
    /// Begins a backup.
    pub fn new(to: W, head: &BackupHead) -> Result<BackupWriter<W>> {
        let mut writer = BackupWriter {
            to,
            sum: Sha256::new(),
            written: 0,
            rows: Vec::new(),
            batches: Vec::new(),
            rows_written: 0,
            batches_written: 0,
        };
        writer.write(MAGIC)?;
        writer.piece(kind::HEAD, &serde_json::to_vec(head).map_err(Error::internal)?)?;
        Ok(writer)
    }

    /// Adds rows, in the order of their keys. Says whether a piece was written: the moment to add what was committed
    /// meanwhile.
    pub fn rows(&mut self, rows: &[Row]) -> Result<bool> {
        let mut batch = Batch::new(0);
        for (key, value) in rows {
            batch.put(key, value);
        }
        self.rows_written += rows.len() as u64;
        push(&mut self.rows, batch.as_bytes());
        let is_full = self.rows.len() >= PIECE_BYTES_CLOSE;
        if is_full {
            self.flush()?;
        }
        Ok(is_full)
    }

    /// Adds batches that were committed since the rows before them were read.
    pub fn batches(&mut self, batches: Vec<Vec<u8>>) -> Result<()> {
        // The rows that were read before them must stand before them.
        self.flush()?;
        for batch in batches {
            self.batches_written += 1;
            push(&mut self.batches, &batch);
            if self.batches.len() >= PIECE_BYTES_CLOSE {
                self.flush()?;
            }
        }
        self.flush()
    }

    /// Ends the backup: says how the store was, and the sum of all. Fills in how many rows and batches there are.
    pub fn finish(mut self, mut end: BackupEnd) -> Result<(W, BackupEnd)> {
        self.flush()?;
        (end.rows, end.batches) = (self.rows_written, self.batches_written);
        self.piece(kind::END, &serde_json::to_vec(&end).map_err(Error::internal)?)?;
        let sum = self.sum.clone().finalize();
        self.piece(kind::SUM, &sum)?;
        self.to.flush().map_err(|why| failed(&why))?;
        Ok((self.to, end))
    }

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Rows so far.
    pub fn rows_so_far(&self) -> u64 {
        self.rows_written
    }

    fn flush(&mut self) -> Result<()> {
        for (kind, body) in
            [(kind::ROWS, std::mem::take(&mut self.rows)), (kind::BATCHES, std::mem::take(&mut self.batches))]
        {
            if !body.is_empty() {
                self.piece(kind, &lz4_flex::block::compress_prepend_size(&body))?;
            }
        }
        Ok(())
    }

    fn piece(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        let length = u32::try_from(body.len()).map_err(Error::internal)?.to_be_bytes();
        let mut crc = crc32fast::Hasher::new();
        crc.update(&[kind]);
        crc.update(&length);
        crc.update(body);
        let crc = crc.finalize().to_be_bytes();
        self.write(&[&[kind], &length[..], &crc[..]].concat())?;
        self.write(body)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.sum.update(bytes);
        self.written += bytes.len() as u64;
        self.to.write_all(bytes).map_err(|why| failed(&why))
    }
}

/// Appends a batch behind its length.
fn push(body: &mut Vec<u8>, batch: &[u8]) {
    body.extend((batch.len() as u32).to_be_bytes());
    body.extend_from_slice(batch);
}

fn failed(why: &io::Error) -> Error {
    Error::internal(format!("cannot write the backup: {why}"))
}
