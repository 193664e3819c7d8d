//! Reads any file into rows: its encoding, its records, its dialect, its header.
//!
//! Nothing here has an opinion of what a row says.

pub mod dialect;
pub mod objects;
pub mod records;
pub mod source;
pub mod titles;
