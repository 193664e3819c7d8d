//! Answers from what is stored: records, history, feed, queries.

pub mod claims;
pub mod feed;
pub mod history;
pub mod inbox;
pub mod lists;
pub mod plans;
pub mod postings;
pub mod query;
pub mod rare;
pub mod records;
pub mod trends;
