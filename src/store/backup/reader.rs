//! Reading a backup. Nothing of it is believed before its sum was compared.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::{BackupEnd, BackupHead, MAGIC, PIECE_BYTES_MAX, PIECE_HEAD_BYTES, VERSION, kind};
use crate::error::{Error, Result};
use crate::store::engine::Batch;
use crate::store::format::keys;

/// A byte of LZ4 stands for no more bytes than that.
const LZ4_RATIO_MAX: usize = 255;

/// Reads a backup, piece by piece. Damage is an error that says where it is, and behind what.
pub struct BackupReader<R: Read> {
    from: R,
    sum: Sha256,
    /// Bytes that were read.
    at: u64,
    /// Pieces that were read.
    pieces: u64,
    /// The last key that was read.
    last_key: Vec<u8>,
    rows: u64,
    batches: u64,
    end: Option<BackupEnd>,
}

/// What a piece has.
pub enum Part {
    /// Batches to apply, in order. Those of rows have the number 0.
    Batches(Vec<Batch>),
    /// The end: all of it was read, and its sums are right.
    End(BackupEnd),
}

impl<R: Read> BackupReader<R> {
    /// Begins to read: what the backup is of.
    pub fn new(from: R) -> Result<(BackupReader<R>, BackupHead)> {
        let mut reader = BackupReader {
            from,
            sum: Sha256::new(),
            at: 0,
            pieces: 0,
            last_key: Vec::new(),
            rows: 0,
            batches: 0,
            end: None,
        };
        let mut magic = [0; MAGIC.len()];
        reader.fill(&mut magic).map_err(|_| not_a_backup())?;
        if &magic != MAGIC {
            return Err(not_a_backup());
        }
        let (kind, body) = reader.piece()?;
        let head: BackupHead = match kind {
            kind::HEAD => serde_json::from_slice(&body).map_err(|_| reader.damage("what it is of cannot be read"))?,
            _ => return Err(reader.damage("it does not say what it is of")),
        };
        if head.backup > VERSION {
            return Err(Error::internal(format!(
                "the backup has form {}, this contactd reads up to {VERSION}: use contactd {} or newer",
                head.backup, head.contactd
            )));
        }
        Ok((reader, head))
    }

    /// The next part. Nothing may be read behind [`Part::End`].
    pub fn part(&mut self) -> Result<Part> {
        let (kind, body) = self.piece()?;
        match kind {
            kind::ROWS | kind::BATCHES if self.end.is_none() => self.unpack(kind, &body).map(Part::Batches),
            kind::END if self.end.is_none() => {
                let end: BackupEnd =
                    serde_json::from_slice(&body).map_err(|_| self.damage("how it ends cannot be read"))?;
                if (end.rows, end.batches) != (self.rows, self.batches) {
                    return Err(self.damage(&format!(
                        "it has {} rows and {} batches, and says that it has {} and {}",
                        self.rows, self.batches, end.rows, end.batches
                    )));
                }
                self.end = Some(end);
                let sum = self.sum.clone().finalize();
                let (kind, body) = self.piece()?;
                let Some(end) = self.end.take() else { return Err(self.damage("it has no end")) };
                if kind != kind::SUM || body != sum[..] {
                    return Err(self.damage("its sum differs"));
                }
                if self.from.read(&mut [0]).map_err(|why| self.damage(&why.to_string()))? > 0 {
                    return Err(self.damage("something stands behind its end"));
                }
                Ok(Part::End(end))
            }
            _ => Err(self.damage("a piece of an unknown kind")),
        }
    }

    fn unpack(&mut self, kind: u8, body: &[u8]) -> Result<Vec<Batch>> {
        let size = lz4_flex::block::uncompressed_size(body).map_or(usize::MAX, |(size, _)| size);
        // What it says must not make us reserve what it never has.
        if size > PIECE_BYTES_MAX.min(body.len().saturating_mul(LZ4_RATIO_MAX)) {
            return Err(self.damage("a piece is too long"));
        }
        let body = lz4_flex::block::decompress_size_prepended(body)
            .map_err(|_| self.damage("a piece cannot be decompressed"))?;
        let mut batches = Vec::new();
        let mut rest = body.as_slice();
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let (batch, behind) = behind
                .split_at_checked(u32::from_be_bytes(*length) as usize)
                .ok_or_else(|| self.damage("a batch is cut off"))?;
            batches.push(Batch::decode(batch.to_vec()).map_err(|why| self.damage(&why.message))?);
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(self.damage("a batch is cut off"));
        }
        let last = batches.last().and_then(|batch| batch.entries().last()).map(|(key, _)| key.to_vec());
        if kind == kind::ROWS {
            self.rows += batches.iter().map(|batch| batch.len() as u64).sum::<u64>();
            self.last_key = last.unwrap_or_default();
        } else {
            self.batches += batches.len() as u64;
        }
        Ok(batches)
    }

    fn piece(&mut self) -> Result<(u8, Vec<u8>)> {
        let mut head = [0; PIECE_HEAD_BYTES];
        self.fill(&mut head)?;
        let [kind, l0, l1, l2, l3, crc @ ..] = head;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if length > PIECE_BYTES_MAX {
            return Err(self.damage("a piece is too long"));
        }
        // What is cut off or damaged must not make us reserve what it never has.
        let mut body = Vec::new();
        let read = (&mut self.from).take(length as u64).read_to_end(&mut body);
        read.map_err(|why| self.damage(&why.to_string()))?;
        if body.len() < length {
            return Err(self.damage("it is cut off"));
        }
        let mut sum = crc32fast::Hasher::new();
        sum.update(&head[..5]);
        sum.update(&body);
        if sum.finalize() != u32::from_be_bytes(crc) {
            return Err(self.damage("the sum of a piece differs"));
        }
        self.sum.update(&body);
        self.at += length as u64;
        self.pieces += 1;
        Ok((kind, body))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.from.read_exact(bytes).map_err(|why| match why.kind() {
            std::io::ErrorKind::UnexpectedEof => self.damage("it is cut off"),
            _ => self.damage(&why.to_string()),
        })?;
        self.sum.update(&*bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// What is wrong, where, and what stood there.
    fn damage(&self, what: &str) -> Error {
        let behind = match self.last_key.first() {
            None => "before any data".to_owned(),
            Some(_) => format!("behind {}", keys::described(&self.last_key)),
        };
        Error::internal(format!(
            "the backup is damaged: {what}, in piece {} at byte {}, {behind}: use another backup",
            self.pieces + 1,
            self.at
        ))
    }
}

fn not_a_backup() -> Error {
    Error::internal("this is no backup of contactd")
}
