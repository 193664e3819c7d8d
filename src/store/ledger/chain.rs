//! What ties each batch of a ledger to all batches before it.
//!
//! A copy of a store knows how many batches it has, and not whose. If a ledger is set back to an earlier time and goes on from
//! there, its rows have the numbers of others that a copy has applied already. So each batch of a ledger ends with a sum of
//! itself and of the sum before it, which is stored with it: a batch of another past does not fit.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::store::engine::{Batch, Engine};
use crate::store::format::keys;

/// So many bytes of a SHA-256 are kept.
const SUM_BYTES: usize = 16;

/// The sum of the newest batch; empty before the first one of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    newest: Vec<u8>,
}

impl Chain {
    /// The chain as far as an engine has it; none for a store that is not of a ledger.
    pub fn read(engine: &dyn Engine) -> Result<Option<Chain>> {
        Ok(engine.get(keys::CHAIN)?.map(|newest| Chain { newest }))
    }

    /// Ends a batch with its sum, and gives the chain with it.
    #[must_use]
    pub fn tie(&self, batch: &mut Batch) -> Chain {
        let next = self.behind(batch.as_bytes());
        batch.put(keys::CHAIN, &next.newest);
        next
    }

    /// The chain with a batch that was tied to it. An error if it was tied to another.
    pub fn follow(&self, batch: &Batch) -> Result<Chain> {
        let foreign = || {
            Error::internal(format!(
                "batch {} of the ledger does not follow what this copy has: the ledger was set back to an earlier time, or \
                 the copy is of another ledger",
                batch.number()
            ))
        };
        let (_, sum) = batch.entries().last().filter(|(key, _)| *key == keys::CHAIN).ok_or_else(foreign)?;
        let sum = sum.ok_or_else(foreign)?;
        // Lengths, key and value of the last entry.
        let entry_bytes = 4 + keys::CHAIN.len() + sum.len();
        let bytes = batch.as_bytes();
        let next = self.behind(&bytes[..bytes.len() - entry_bytes]);
        if next.newest == sum { Ok(next) } else { Err(foreign()) }
    }

    fn behind(&self, bytes: &[u8]) -> Chain {
        let sum = Sha256::new().chain_update(&self.newest).chain_update(bytes).finalize();
        Chain { newest: sum[..SUM_BYTES].to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(number: u64, value: &[u8]) -> Batch {
        let mut batch = Batch::new(number);
        batch.put(b"key", value);
        batch
    }

    #[test]
    fn only_a_batch_of_the_same_past_fits() {
        let start = Chain::default();
        let (mut first, mut second, mut other) = (batch(1, b"a"), batch(2, b"b"), batch(1, b"c"));
        let after_first = start.tie(&mut first);
        let after_second = after_first.tie(&mut second);
        let after_other = start.tie(&mut other);
        assert_eq!(start.follow(&first), Ok(after_first.clone()));
        assert_eq!(after_first.follow(&second), Ok(after_second));
        assert!(after_other.follow(&second).is_err(), "another past");
        assert!(start.follow(&second).is_err(), "one is left out");
        assert!(after_first.follow(&batch(2, b"b")).is_err(), "it is tied to nothing");
        let mut changed = batch(2, b"x");
        changed.put(keys::CHAIN, second.entries().last().and_then(|(_, sum)| sum).expect("a sum"));
        assert!(after_first.follow(&changed).is_err(), "it was changed");
    }
}
