//! The rules: pure, without I/O, clocks or locks.
//!
//! A [`contact::Contact`] is a set of dated [`fact`]s; every status is derived from them. A [`change::Change`] is what
//! somebody asks for; [`transition::apply`] is the only way in which a contact changes, whoever asks.

pub mod amount;
pub mod blank;
pub mod change;
pub mod contact;
pub mod event;
pub mod fact;
pub mod failure;
pub mod fence;
pub mod filter;
pub mod inbox;
pub mod keyword;
pub mod label;
pub mod list;
pub mod list_event;
pub mod merge;
pub mod phone;
pub mod plain_refusal;
pub mod plan;
pub mod purge;
pub mod reason;
pub mod remembered;
pub mod row;
pub mod slot;
pub mod strictness;
pub mod taken;
pub mod tally;
pub mod time;
pub mod tombstone;
pub mod trail;
pub mod transition;
pub mod verdict;
pub mod why;
