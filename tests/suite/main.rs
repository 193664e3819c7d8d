//! Tests of the whole, from outside: one binary, a module per subject.

mod claims;
mod clients;
mod crash;
mod feed;
mod floors;
mod hostile;
mod import;
mod plain;
mod properties;
mod protocol;
mod purge;
mod purge_plan;
mod segments;
mod sending;
mod session;
mod support;
