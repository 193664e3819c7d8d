//! What all signatures have in common: they are compared in constant time, and those that tell a time are good for a while.

use ring::hmac::{Algorithm, Key, verify};

use crate::model::time::Millis;

pub use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY as SHA1, HMAC_SHA256 as SHA256, HMAC_SHA512 as SHA512};

/// How far a provider's clock may be from ours.
pub const CLOCKS_MS: Millis = 5 * 60 * 1_000;

/// Why a request is not taken for its provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// It shows nothing to know it by, and the provider waits to be asked for that.
    Unasked,
    /// The signature is wrong, or not there.
    Wrong(&'static str),
    /// The signature is good, and its time too far from ours: it may be a repetition by somebody else.
    Old,
}

/// Whether a signature is the HMAC of a text, under one of the keys.
pub fn is_hmac(algorithm: Algorithm, keys: &[String], text: &[u8], signature: &[u8]) -> bool {
    keys.iter().any(|key| verify(&Key::new(algorithm, key.as_bytes()), text, signature).is_ok())
}

/// Whether a time that was signed is not too far away. `late` is how long the provider may go on delivering a request that it
/// has signed once.
pub fn is_fresh(signed_at: Millis, now: Millis, late: Millis) -> Result<(), Unsigned> {
    let is_fresh = (now.saturating_sub(late)..=now.saturating_add(CLOCKS_MS)).contains(&signed_at);
    if is_fresh { Ok(()) } else { Err(Unsigned::Old) }
}
