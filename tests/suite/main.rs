//! Tests of the whole, from outside: one binary, a module per subject.

mod clients;
mod crash;
mod floors;
mod hostile;
mod import;
mod properties;
mod protocol;
mod segments;
mod session;
mod support;
