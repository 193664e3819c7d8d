//! A plain model of contactd and random commands to try it and the daemon with. It is written from the rules, not from
//! the daemon: nothing is merged, nothing cached, every answer is worked out from every fact.
//!
//! In reading order: `commands` (what is asked), `text` (what an inbound text means), `facts` (what is known of one
//! contact, and every status derived from it by scanning), `sending` (messages, clicks and conversions of one contact, and
//! every total derived from them likewise), `inbox` (messages that wait for a person), `model` (the verbs), `compare` (one reply against another).

pub mod commands;
pub mod compare;
pub mod facts;
pub mod inbox;
pub mod model;
pub mod sending;
pub mod text;
pub mod trends;
pub mod why;
