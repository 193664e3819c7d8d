//! Clients of the protocol. [`Client`] blocks its thread: the command line uses it. [`AsyncClient`] waits as a task: it is
//! for clients inside the daemon.
//!
//! Both leave the bytes to [`crate::wire`]. What carries a blocking client's bytes is known to `transport.rs` alone.

mod asynchronous;
mod blocking;
mod encrypted;
mod transport;

pub use asynchronous::AsyncClient;
pub use blocking::{Client, ReplyReceiver, RequestSender};

pub use crate::wire::Reply;

use crate::error::{Code, Error};

fn lost(why: std::io::Error) -> Error {
    Error::internal(format!("the connection to contactd was lost: {why}"))
}

/// What an error reply says: its code, then why.
pub fn refusal(reply: &str) -> Error {
    let (word, message) = reply.split_once(' ').unwrap_or((reply, ""));
    let code = Code::read(word.as_bytes()).unwrap_or(Code::Internal);
    Error::new(code, message)
}
