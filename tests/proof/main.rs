//! What contactd promises of crashes, power and disks, proved on the real process. `cargo test` runs a short form of each
//! proof, `CONTACTD_SOAK=minutes cargo test --test proof NAME` a long one; docs/proof.md has the promises and what was seen.
//!
//! In reading order: `prove` (rounds, seeds, what is kept of a round that failed), `wire` and `daemon` (the process, and a
//! client), `ask` and `crowd` (writers who know what must be there), `feed` (a reader), `disk` (what a process did to its
//! files, and what a power cut leaves of it), then a proof a file.

mod prove;
mod wire;
mod daemon;
mod ask;
mod crowd;
mod feed;
mod disk;
mod kill;
mod migration;
mod power;
mod broken_disk;
mod full_disk;
mod live_copy;
mod damaged;
mod control;
mod flood;

#[path = "../suite/unpack.rs"]
mod unpack;

#[path = "../suite/plain/mod.rs"]
#[allow(dead_code, reason = "the suite uses the rest")]
mod plain;
