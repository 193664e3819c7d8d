//! Bytes to requests, replies to bytes. Sans-io: nothing here reads or writes a socket, and nothing outside knows what
//! a byte of the protocol means.

mod decoder;
mod reply;
mod request;

pub use decoder::{Decoder, Step};
pub use reply::Replies;
pub use request::{Args, Request};
