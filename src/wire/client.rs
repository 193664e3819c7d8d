//! The protocol as a client speaks it: writes requests, finds replies in a byte stream.

use std::fmt;

use memchr::memchr;

use super::reply::write_head;
use crate::error::{Error, Result, excerpt};
use crate::limits::{REPLY_BYTES_MAX, REPLY_DEPTH_MAX};

/// Appends a request to `requests`, word by word. The words may have any bytes.
pub fn write_request<W: AsRef<[u8]>>(requests: &mut Vec<u8>, words: &[W]) {
    write_head(requests, b'*', words.len());
    for word in words {
        let word = word.as_ref();
        write_head(requests, b'$', word.len());
        requests.extend_from_slice(word);
        requests.extend_from_slice(b"\r\n");
    }
}

/// Ends a request that was appended to `requests` as a line: words with blanks between them, and maybe JSON.
pub fn end_line(requests: &mut Vec<u8>) {
    requests.push(b'\n');
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+text`, or a bulk string.
    Text(String),
    /// `-CODE message`.
    Error(String),
    /// `:integer`.
    Integer(i64),
    /// Nothing there.
    Nil,
    /// `*n` and the items; or `%n`, a map, as its keys and values in turn.
    Array(Vec<Reply>),
    /// `*?`: items follow until [`Reply::StreamEnd`].
    Stream,
    /// `.`
    StreamEnd,
}

/// Finds replies in a byte stream that comes in pieces of any size. What is not complete yet waits for the next piece.
///
/// It knows RESP 2, and what contactd uses of RESP 3: nil, maps and streams.
#[derive(Debug, Default)]
pub struct ReplyDecoder {
    buffer: Vec<u8>,
    /// Where in the buffer the next item begins.
    at: usize,
    /// Up to where the buffer was searched for the end of that item's line.
    searched: usize,
    /// Arrays that miss items, each inside the one before it.
    open: Vec<OpenArray>,
    /// Bytes of the reply that the open arrays belong to.
    reply_bytes: usize,
}

#[derive(Debug)]
struct OpenArray {
    items: Vec<Reply>,
    missing: usize,
}

enum Item {
    Whole(Reply),
    /// The head of an array of so many items.
    Array(usize),
}

impl ReplyDecoder {
    /// Takes the next piece of the stream in.
    pub fn feed(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.at);
        self.searched -= self.at;
        self.at = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// The next reply, once it is complete.
    ///
    /// # Errors
    /// What comes is not a reply of contactd. Nothing behind it can be trusted, so it is the answer from then on.
    pub fn take(&mut self) -> Result<Option<Reply>> {
        while let Some(item) = self.item()? {
            if let Some(reply) = self.put(item) {
                self.reply_bytes = 0;
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Decodes the item at the front.
    fn item(&mut self) -> Result<Option<Item>> {
        let room = REPLY_BYTES_MAX - self.reply_bytes;
        let front = &self.buffer[self.at..];
        let Some(end) = memchr(b'\n', &self.buffer[self.searched..]).map(|end| self.searched + end - self.at) else {
            if front.len() > room {
                return Err(strange(front, "it is too long"));
            }
            self.searched = self.buffer.len();
            return Ok(None);
        };
        let line = front[..end].strip_suffix(b"\r").unwrap_or(&front[..end]);
        let mut taken = end + 1;
        let item = match line {
            [b'+', text @ ..] => Item::Whole(Reply::Text(lossy(text))),
            [b'-', text @ ..] => Item::Whole(Reply::Error(lossy(text))),
            [b':', digits @ ..] => Item::Whole(Reply::Integer(number(digits).ok_or_else(|| not_a_number(line))?)),
            b"_" | b"$-1" | b"*-1" => Item::Whole(Reply::Nil),
            b"*?" => Item::Whole(Reply::Stream),
            b"." => Item::Whole(Reply::StreamEnd),
            [b'$', digits @ ..] => {
                let length: usize = number(digits).ok_or_else(|| not_a_number(line))?;
                if length > room {
                    return Err(strange(line, "it is too long"));
                }
                let Some(bulk) = front.get(taken..taken + length + 2) else { return Ok(None) };
                let text = bulk.strip_suffix(b"\r\n").ok_or_else(|| strange(line, "no line end follows the text"))?;
                taken += bulk.len();
                Item::Whole(Reply::Text(lossy(text)))
            }
            [b'*' | b'%', ..] if self.open.len() >= REPLY_DEPTH_MAX => {
                return Err(strange(line, "too many arrays are inside each other"));
            }
            [b'*', digits @ ..] => Item::Array(number(digits).ok_or_else(|| not_a_number(line))?),
            [b'%', digits @ ..] => {
                let items = number::<usize>(digits).and_then(|pairs| pairs.checked_mul(2));
                Item::Array(items.ok_or_else(|| not_a_number(line))?)
            }
            _ => return Err(strange(line, "it begins with none of the protocol's marks")),
        };
        if taken > room {
            return Err(strange(line, "it is too long"));
        }
        self.at += taken;
        self.searched = self.at;
        self.reply_bytes += taken;
        Ok(Some(item))
    }

    /// Puts an item into the array that it belongs to. Gives the reply that is complete with it.
    fn put(&mut self, item: Item) -> Option<Reply> {
        /// More than a reply of contactd has as a rule: the memory for more is taken as they come.
        const ITEMS_EXPECTED_MAX: usize = 1_024;
        let mut reply = match item {
            Item::Whole(reply) => reply,
            Item::Array(0) => Reply::Array(Vec::new()),
            Item::Array(missing) => {
                self.open.push(OpenArray { items: Vec::with_capacity(missing.min(ITEMS_EXPECTED_MAX)), missing });
                return None;
            }
        };
        while let Some(array) = self.open.last_mut() {
            array.items.push(reply);
            array.missing -= 1;
            if array.missing > 0 {
                return None;
            }
            reply = Reply::Array(std::mem::take(&mut array.items));
            self.open.pop();
        }
        Some(reply)
    }
}

/// How many bytes the first reply of a stream of bytes takes, once it is complete. Of a stream (`*?`) that is its head: each of
/// its items is a reply of its own.
///
/// # Errors
/// What comes is not a reply of contactd.
pub fn reply_length(bytes: &[u8]) -> Result<Option<usize>> {
    let (mut at, mut missing) = (0, 1_usize);
    while missing > 0 {
        let rest = &bytes[at..];
        let Some(end) = memchr(b'\n', rest) else { return Ok(None) };
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        let length = |digits| number::<usize>(digits).ok_or_else(|| not_a_number(line));
        at += end + 1;
        missing -= 1;
        match line {
            [b'+' | b'-' | b':', ..] | b"_" | b"$-1" | b"*-1" | b"*?" | b"." => {}
            [b'$', digits @ ..] => at += length(digits)? + 2,
            [b'*', digits @ ..] => missing += length(digits)?,
            [b'%', digits @ ..] => missing += 2 * length(digits)?,
            _ => return Err(strange(line, "it begins with none of the protocol's marks")),
        }
        if at > bytes.len() {
            return Ok(None);
        }
    }
    Ok(Some(at))
}

/// Whether a reply is an error.
pub fn is_error(reply: &[u8]) -> bool {
    reply.starts_with(b"-")
}

/// Whether items follow, up to one that [ends them](ends_stream).
pub fn begins_stream(reply: &[u8]) -> bool {
    reply.starts_with(b"*?")
}

/// Whether a stream has no more items.
pub fn ends_stream(reply: &[u8]) -> bool {
    reply.starts_with(b".")
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn not_a_number(line: &[u8]) -> Error {
    strange(line, "a number was expected behind its mark")
}

fn strange(line: &[u8], why: &str) -> Error {
    Error::internal(format!("'{}' is not a reply of contactd: {why}", excerpt(line)))
}

/// As it stands on the wire.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Text(text) => write!(f, "+{text}"),
            Reply::Error(text) => write!(f, "-{text}"),
            Reply::Integer(number) => write!(f, ":{number}"),
            Reply::Nil => write!(f, "$-1"),
            Reply::Stream => write!(f, "*?"),
            Reply::StreamEnd => write!(f, "."),
            Reply::Array(items) => {
                write!(f, "*{}", items.len())?;
                items.iter().try_for_each(|item| write!(f, "\n{item}"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
