//! Tests of the store by its face, without commands and sockets: what engines do, where a batch counts, and power cuts.

mod backup;
mod engines;
mod filters;
#[path = "../suite/full_disk.rs"]
mod full_disk;
mod ledger;
mod power;
mod prints;
mod unwritten;
