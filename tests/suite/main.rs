//! Tests of the whole, from outside: one binary, a module per subject.

mod archive;
mod claims;
mod clients;
mod compact;
mod crash;
mod erase;
mod feed;
mod floors;
mod hostile;
mod import;
mod plain;
mod properties;
mod protocol;
mod purge;
mod purge_plan;
mod purge_run;
mod retention;
mod segments;
mod sending;
mod session;
mod stored;
mod support;
