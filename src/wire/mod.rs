//! Bytes to requests and replies to bytes, for the daemon; the same the other way round, for its clients. Sans-io: nothing
//! here reads or writes a socket, and nothing outside knows what a byte of the protocol means.

mod client;
mod decoder;
mod reply;
mod request;

pub use client::{Reply, ReplyDecoder, begins_stream, end_line, ends_stream, is_error, reply_length, write_request};
pub use decoder::{Decoded, Decoder};
pub use reply::Replies;
pub use request::{Args, Request};
