//! Values that repeat themselves, compressed: records of one import have the same label keys, sources and dates. LZ4 halves
//! them in less than a microsecond, and what is small on disk is small in sled's cache and in every rewrite of a leaf.

use std::borrow::Cow;
use std::cell::RefCell;

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

use super::codec::V1;
use crate::error::{Error, Result};
use crate::limits::VALUE_BYTES_MAX;

/// In the place of the version: the rest is LZ4, the version included.
const LZ4: u8 = 0x80 | V1;

/// What compression works in. To make it anew for each value takes longer than to compress a record.
struct Workspace {
    table: CompressTable,
    /// A value as it was compressed, behind [`LZ4`] and its size.
    output: Vec<u8>,
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> =
        RefCell::new(Workspace { table: CompressTable::small(), output: Vec::new() });
}

/// [`LZ4`], and the size that the value had.
const HEAD_BYTES: usize = 1 + size_of::<u32>();

/// The value compressed, if that makes it smaller.
pub fn compress(value: Vec<u8>) -> Vec<u8> {
    let smaller = WORKSPACE.with_borrow_mut(|Workspace { table, output }| {
        let size = u32::try_from(value.len()).ok()?;
        let bytes_at_most = HEAD_BYTES + get_maximum_output_size(value.len());
        if output.len() < bytes_at_most {
            output.resize(bytes_at_most, 0);
        }
        let (head, body) = output.split_at_mut(HEAD_BYTES);
        head[0] = LZ4;
        head[1..].copy_from_slice(&size.to_le_bytes());
        let bytes = HEAD_BYTES + compress_into_with_table(&value, body, table).ok()?;
        (bytes < value.len()).then(|| output[..bytes].to_vec())
    });
    smaller.unwrap_or(value)
}

/// The value as it was.
pub fn expand(value: &[u8]) -> Result<Cow<'_, [u8]>> {
    let damaged = || Error::internal("a damaged compressed value");
    let Some((&LZ4, body)) = value.split_first() else { return Ok(Cow::Borrowed(value)) };
    let (size, body) = lz4_flex::block::uncompressed_size(body).map_err(|_| damaged())?;
    // Nothing was longer before it was compressed.
    if size > VALUE_BYTES_MAX {
        return Err(damaged());
    }
    lz4_flex::block::decompress(body, size).map(Cow::Owned).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_gets_smaller_and_the_rest_stays() {
        let repeated = [&[V1][..], &b"state=CA,".repeat(100)].concat();
        let small = compress(repeated.clone());
        assert!(small.len() < 100 && expand(&small).expect("a value") == repeated);
        let plain = vec![V1, 2, 3];
        assert_eq!(compress(plain.clone()), plain);
        assert_eq!(expand(&plain).expect("a value"), plain);
    }

    #[test]
    fn damage_is_told() {
        let mut small = compress([&[V1][..], &b"state=CA,".repeat(100)].concat());
        assert!(expand(&small[..small.len() - 1]).is_err());
        small[3] = 0xff;
        assert!(expand(&small).is_err(), "a size that no value has");
        assert!(expand(&[LZ4]).is_err());
    }
}
