//! Values that repeat themselves, compressed: records of one import have the same label keys, sources and dates. LZ4 halves
//! them in less than a microsecond, and what is small on disk is small in sled's cache and in every rewrite of a leaf.

use std::borrow::Cow;

use super::codec::V1;
use crate::error::{Error, Result};
use crate::limits::VALUE_BYTES_MAX;

/// In the place of the version: the rest is LZ4, the version included.
const LZ4: u8 = 0x80 | V1;

/// The value compressed, if that makes it smaller.
pub fn compress(value: Vec<u8>) -> Vec<u8> {
    let mut compressed = vec![LZ4];
    compressed.extend(lz4_flex::block::compress_prepend_size(&value));
    if compressed.len() < value.len() { compressed } else { value }
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
