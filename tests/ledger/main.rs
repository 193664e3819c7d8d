//! What daemons promise that share a store through a ledger, proved on real processes and two `PostgreSQL` servers on this
//! machine. `cargo test` runs each fault once, `CONTACTD_SOAK=minutes cargo test --test ledger faults` many times.
//!
//! In reading order: `postgres` (a primary and its synchronous standby), `proxy` (what can be cut between a daemon and them),
//! `node` (a daemon), `crowd` (who writes, asks and claims, and knows what must be there), then `faults` and `mutations`.

mod programs;
mod postgres;
mod proxy;
mod node;
mod crowd;
mod house;
mod faults;
mod life;
mod encrypted;
mod mutations;
mod partitions;
mod misfortunes;
mod patroni;
mod split;
