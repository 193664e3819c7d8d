//! contactd answers one question for SMS senders, at a very high rate and without ever being wrong in the dangerous
//! direction: may I send to this contact from this sending list, now?
//!
//! **After a STOP, no CHECK says yes until a newer, explicit opt-in.** What keeps that true, from the rules outwards, is the
//! order in which to read:
//!
//! 1. [`model`] has the rules, without I/O. A contact is a set of dated facts; a status is derived from them, never stored;
//!    [`model::transition`] is the only way to change one, a date only grows, and on a tie the forbidding side wins.
//! 2. [`store`] keeps contacts. One thread writes: a request, its history events, its feed entries and the indexes that
//!    follow from the record go to disk in one batch. Then the [`store::gate`] shuts or opens, then comes the reply: so a
//!    gate that is open is open on disk, and a reply is a promise.
//! 3. [`wire`] turns bytes into requests and replies into bytes, without I/O.
//! 4. [`command`] is one table of all commands, and a file for each job.
//! 5. [`server`] is the only async floor. On one connection requests take effect in their order: a CHECK behind an OPTOUT
//!    sees it.
//! 6. [`cli`] starts the daemon, and has its clients: import, export, compact, call, demo.
//!
//! What holds everywhere, and is tested where a test can see it: a module uses only what is below it. Only [`store`] knows
//! sled, only [`wire`] knows the protocol's bytes, only [`server`] is async, so that no lock lives across an await. Every
//! index is derived from the record by one function, which writes, verification and repair share. Every change passes through
//! the transitions, whoever asks. Every queue and every loop has a limit, and all of them are in [`limits`].

pub mod error;
pub mod limits;
pub mod model;
pub mod wire;
pub mod store;
pub mod command;
pub mod server;
pub mod config;
pub mod cli;
