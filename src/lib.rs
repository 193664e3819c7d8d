//! contactd answers one question for SMS senders, at a very high rate and without ever being wrong in the dangerous
//! direction: may I send to this contact from this sending list, now?
//!
//! **After a STOP, no CHECK says yes until a newer, explicit opt-in.** The modules, in the order in which to read:
//!
//! 1. [`model`] has the rules, without I/O. A contact is a set of dated facts; a status is derived from them, never stored.
//!    [`model::transition`] is the only way to change a contact: a date only grows, and on a tie the forbidding side wins.
//! 2. [`store`] keeps contacts. One thread writes: a request, its history events, its feed entries and the indexes that
//!    follow from the record go to disk in one batch. Then the [`store::gate`] shuts or opens, then comes the reply: so a
//!    gate that is open is open on disk, and a reply is a promise.
//! 3. [`wire`] turns bytes into requests and replies into bytes, without I/O; [`json`] renders what programs see of a contact.
//! 4. [`jobs`] run in the background: what takes minutes, like a purge, in small steps on a thread of its own.
//!    [`ledger`] shares a store with other daemons through a database; the [`lease`] says whether this one may answer.
//! 5. [`command`] is one table of all commands, and a file for each subject.
//! 6. [`server`] waits for the network. On one connection requests take effect in their order: a CHECK behind an OPTOUT
//!    sees it. [`client`] is the other end of a connection.
//!    Both speak TLS with what [`tls`] makes of the files; a [`reloadable`] value is read again when its files change.
//! 7. [`import`] is a client: a spreadsheet onto a list, each row's fate known. [`export`] is its way back.
//! 8. [`webhooks`] and [`console`] are clients, too, inside the daemon: the first for providers, the other for people.
//! 9. [`cli`] starts the daemon, and has its clients: import, export, purge, call, demo.
//!
//! `docs/architecture.md` walks one CHECK and one OPTOUT through these files.
//!
//! # Invariants
//!
//! A test keeps each of them where a test can (`tests/suite/floors.rs`, the property tests, VERIFY).
//!
//! 1. **One file knows sled**: `store/engine/sled.rs`. A module uses only what is below it, inside the store, too.
//! 2. **One folder knows the protocol's bytes**: [`wire`].
//! 3. **No lock lives across an await.** Only [`server`], [`client`], [`ledger`], [`webhooks`], [`console`] and [`cli`] are async.
//! 4. **The contact record is the truth.** Every index is derived from it by one function, [`store::term::Term::all_of`], which
//!    writes, repair and VERIFY share.
//! 5. **Every change passes through the pure transitions, and all bytes through one commit** (`store/write/committer.rs`).
//! 6. **Every queue and every loop has a limit**, and all limits are in [`limits`].
//! 7. **A byte on disk never changes its meaning** (`store/format/code.rs`, the golden bytes, the stores in `tests/fixtures`).
//! 8. **The compactor, the import and the console are clients of the protocol**, with the rights of who asked.

pub mod error;
pub mod limits;
pub mod histogram;
pub mod counted;
pub mod lately;
pub mod model;
pub mod json;
pub mod wire;
pub mod store;
pub mod lease;
pub mod ledger;
pub mod jobs;
pub mod reloadable;
pub mod rarely;
pub mod command;
pub mod metrics;
pub mod address;
pub mod tls;
pub mod server;
pub mod client;
pub mod webhooks;
pub mod console;
pub mod import;
pub mod export;
pub mod config;
pub mod cli;
