//! What is fuzzed: each file takes any bytes, and panics where contactd breaks a promise on them. The driver of `cargo test`
//! and the targets of cargo-fuzz (`fuzz/fuzz_targets`) share these files, and the corpus in `fuzz/corpus`.

#![allow(dead_code, reason = "each target of cargo-fuzz uses one of them")]

pub mod backup;
pub mod daemon;
pub mod date;
pub mod filter;
pub mod json;
pub mod phone;
pub mod record;
pub mod reply;
pub mod sheet;
pub mod text;
pub mod webhook;
pub mod wire;

/// Cuts bytes into pieces, whose lengths follow from the bytes alone.
pub fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut state =
        bytes.iter().fold(bytes.len() as u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut left = bytes;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Mostly short ones, since it is at the cuts where something can go wrong.
        let length = (state >> 33) as usize % (1 << (1 + (state >> 60) as usize % 8));
        let (piece, rest) = left.split_at((1 + length).min(left.len()));
        left = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The first byte, which chooses what is done, and the rest.
pub fn chosen(input: &[u8]) -> (usize, &[u8]) {
    input.split_first().map_or((0, input), |(&first, rest)| (first.into(), rest))
}
